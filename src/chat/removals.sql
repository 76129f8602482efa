-- What is to go and was too much for one go: what somebody said from one message on and up to
-- another, and, of who is erased, everything else that is theirs.
CREATE TABLE removals (
    id INTEGER PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (id),
    -- Who wants it; nobody for the command line.
    by INTEGER REFERENCES users (id),
    -- Keys of messages.
    next INTEGER NOT NULL,
    last INTEGER NOT NULL,
    erases INTEGER NOT NULL CHECK (erases IN (0, 1)),
    -- Up to this notification, those that they caused are gone.
    note INTEGER NOT NULL
) STRICT;
