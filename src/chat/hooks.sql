-- Ways for programs. An incoming one says in its room whatever is sent to an address that has a secret
-- in it; an outgoing one sends events to an address of somebody else's.
CREATE TABLE hooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    direction TEXT NOT NULL CHECK (direction IN ('incoming', 'outgoing')),
    name TEXT NOT NULL,
    -- Who says what comes of it, and whether they are there for nothing else.
    bot INTEGER NOT NULL REFERENCES users (id),
    own_bot INTEGER NOT NULL CHECK (own_bot IN (0, 1)),
    -- Who made it; nobody for the command line.
    owner INTEGER REFERENCES users (id),
    -- Nothing for all rooms that the bot is in.
    room INTEGER REFERENCES rooms (id),
    created_at INTEGER NOT NULL,
    paused_at INTEGER,
    -- Of an incoming one: SHA-256 of its secret.
    hash BLOB UNIQUE,
    -- Of an outgoing one: where to, which events, which command, and what it signs with.
    url TEXT,
    events TEXT,
    command TEXT,
    secret TEXT,
    -- Up to this op it has been looked for what is to be sent.
    cursor INTEGER NOT NULL DEFAULT 0,
    -- How often it has failed since it did not, and since when it is given up.
    failures INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER
) STRICT;
CREATE INDEX hooks_of_room ON hooks (room) WHERE room IS NOT NULL;
CREATE INDEX hooks_of_owner ON hooks (owner) WHERE owner IS NOT NULL;
CREATE INDEX hooks_of_bot ON hooks (bot);
CREATE INDEX hooks_outgoing ON hooks (id)
    WHERE direction = 'outgoing' AND paused_at IS NULL AND failed_at IS NULL;

-- What is to be sent, by its event: what that says is looked up when it leaves.
CREATE TABLE deliveries (
    hook INTEGER NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
    op INTEGER NOT NULL,
    kind TEXT NOT NULL,
    room INTEGER NOT NULL REFERENCES rooms (id),
    version INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    -- When it is tried next; nothing for what was given up.
    next_at INTEGER,
    tried_at INTEGER,
    error TEXT,
    PRIMARY KEY (hook, op)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;
