-- What somebody is to be reminded of, or a room. A number is never used again: whoever has listed
-- theirs takes back what they saw.
CREATE TABLE reminders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    by INTEGER NOT NULL REFERENCES users (id),
    -- One of these: whom to notify, or where to say it.
    user INTEGER REFERENCES users (id),
    room INTEGER REFERENCES rooms (id),
    made_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    CHECK ((user IS NULL) <> (room IS NULL))
) STRICT;
CREATE INDEX reminders_due ON reminders (due_at, id);
CREATE INDEX reminders_by ON reminders (by, due_at);
CREATE INDEX reminders_of_user ON reminders (user) WHERE user IS NOT NULL;
CREATE INDEX reminders_of_room ON reminders (room) WHERE room IS NOT NULL;
