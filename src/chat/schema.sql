-- One row: who this database is, and how far it has come.
CREATE TABLE server (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    op INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    -- Up to this op, events of people are forgotten.
    forgotten INTEGER NOT NULL DEFAULT 0
) STRICT;

-- How far the server had come when: one row for each time that it was tidied.
CREATE TABLE marks (
    at INTEGER PRIMARY KEY,
    op INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    email TEXT UNIQUE,
    -- Nothing for who cannot sign in with a password, such as bots.
    password TEXT,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member', 'bot')),
    -- An upload's id.
    avatar TEXT,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    erased_at INTEGER
) STRICT;
CREATE INDEX users_by_display_name ON users (display_name COLLATE NOCASE);

-- SHA-256 of names whose people were erased: nobody else is taken for them.
CREATE TABLE past_names (
    hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- A number is never used again: connections are known by it.
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    user INTEGER NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX tokens_of_user ON tokens (user);
CREATE INDEX tokens_by_end ON tokens (expires_at) WHERE expires_at IS NOT NULL;

-- Codes with which people sign up, and links with which they choose a new password.
CREATE TABLE invites (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    by INTEGER REFERENCES users (id),
    room INTEGER REFERENCES rooms (id),
    uses_left INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX invites_of_user ON invites (by);

-- One person has one link at most.
CREATE TABLE resets (
    user INTEGER PRIMARY KEY REFERENCES users (id),
    hash BLOB NOT NULL UNIQUE,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE rooms (
    id INTEGER PRIMARY KEY CHECK (id < 2147483648),
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    topic TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL CHECK (kind IN ('public', 'private', 'direct')),
    -- Of a direct room: the ids of its people in order, with commas.
    people TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    created_by INTEGER REFERENCES users (id),
    archived_at INTEGER,
    deleted_at INTEGER,
    pinned INTEGER,
    -- The last message, the last event, and that event's op.
    seq INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0,
    op INTEGER NOT NULL DEFAULT 0,
    -- The lowest that are still there.
    first_seq INTEGER NOT NULL DEFAULT 1,
    first_version INTEGER NOT NULL DEFAULT 1,
    -- How many members there are: `hello` tells it of up to 200 rooms, which may be large.
    members INTEGER NOT NULL DEFAULT 0
) STRICT;
-- A deleted room's name is `~ID~NAME`: by what it was called.
CREATE INDEX rooms_past ON rooms (substr(name, instr(substr(name, 2), '~') + 2))
    WHERE deleted_at IS NOT NULL;
CREATE INDEX rooms_public ON rooms (name) WHERE kind = 'public' AND deleted_at IS NULL;

CREATE TABLE members (
    room INTEGER NOT NULL REFERENCES rooms (id),
    user INTEGER NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'moderator', 'member')),
    joined_at INTEGER NOT NULL,
    read INTEGER NOT NULL DEFAULT 0,
    -- What somebody wants to be told of; nothing for what the room's kind suggests.
    level TEXT CHECK (level IN ('everything', 'mentions', 'nothing')),
    muted_until INTEGER,
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX rooms_of_user ON members (user, room);
CREATE TRIGGER members_more AFTER INSERT ON members BEGIN
    UPDATE rooms SET members = members + 1 WHERE id = new.room;
END;
CREATE TRIGGER members_fewer AFTER DELETE ON members BEGIN
    UPDATE rooms SET members = members - 1 WHERE id = old.room;
END;

CREATE TABLE bans (
    room INTEGER NOT NULL REFERENCES rooms (id),
    user INTEGER NOT NULL REFERENCES users (id),
    by INTEGER REFERENCES users (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;

-- The key is the room's id in the high and the message's seq in the low 32 bits.
CREATE TABLE messages (
    key INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    author INTEGER NOT NULL REFERENCES users (id),
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    client_key TEXT,
    reply_to INTEGER,
    attachment TEXT,
    edited_at INTEGER,
    deleted_at INTEGER
) STRICT;

CREATE TABLE reactions (
    message INTEGER NOT NULL REFERENCES messages (key),
    emoji TEXT NOT NULL,
    user INTEGER NOT NULL REFERENCES users (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (message, emoji, user)
) STRICT, WITHOUT ROWID;

CREATE TABLE mentions (
    user INTEGER NOT NULL REFERENCES users (id),
    message INTEGER NOT NULL REFERENCES messages (key),
    PRIMARY KEY (user, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX mentions_of_message ON mentions (message);

-- What happened in rooms. The key is the room's id and the version. What a message says and what a
-- room is like are not repeated here: who catches up is told how they are by then. `text` is an
-- emoji, or what a member may do: a standing and perhaps until when they are muted.
CREATE TABLE events (
    key INTEGER PRIMARY KEY,
    op INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    by INTEGER,
    seq INTEGER,
    subject INTEGER,
    text TEXT
) STRICT;

-- What happened to people, for those who were away.
CREATE TABLE user_events (
    user INTEGER NOT NULL,
    op INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    by INTEGER,
    room INTEGER,
    number INTEGER,
    PRIMARY KEY (user, op)
) STRICT, WITHOUT ROWID;

-- Events that another process than the server stored, so that the server finds them.
CREATE TABLE outside (
    op INTEGER PRIMARY KEY,
    room INTEGER,
    version INTEGER,
    user INTEGER
) STRICT;

-- A number is never used again, also when what it stood for is gone: devices remember it, and
-- `seen` means everything up to it.
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user INTEGER NOT NULL REFERENCES users (id),
    op INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('note', 'mention')),
    by INTEGER REFERENCES users (id),
    room INTEGER REFERENCES rooms (id),
    seq INTEGER,
    text TEXT NOT NULL,
    seen_at INTEGER
) STRICT;
CREATE INDEX notifications_of_user ON notifications (user, id);
CREATE INDEX notifications_of_message ON notifications (room, seq) WHERE room IS NOT NULL;
CREATE INDEX notifications_unseen ON notifications (user, id) WHERE seen_at IS NULL;

-- Keys of what was done, with the answer that it got.
CREATE TABLE keys (
    user INTEGER NOT NULL,
    key TEXT NOT NULL,
    content BLOB NOT NULL,
    at INTEGER NOT NULL,
    answer INTEGER NOT NULL,
    room INTEGER,
    seq INTEGER,
    version INTEGER,
    number INTEGER,
    PRIMARY KEY (user, key)
) STRICT, WITHOUT ROWID;

-- Files are in a folder beside the database, by the hash of their content.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    media TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    by INTEGER NOT NULL REFERENCES users (id),
    at INTEGER NOT NULL,
    -- The message that shows it; nothing until there is one.
    message INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_hash ON uploads (hash);
CREATE INDEX uploads_of_message ON uploads (message) WHERE message IS NOT NULL;
CREATE INDEX uploads_of_user ON uploads (by, at);
CREATE INDEX uploads_unused ON uploads (at) WHERE message IS NULL;

-- Words of messages, folded; the row's id is the message's key. `indexed` is up to which version
-- each room has come.
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);
CREATE TABLE indexed (
    room INTEGER PRIMARY KEY REFERENCES rooms (id),
    version INTEGER NOT NULL
) STRICT;
