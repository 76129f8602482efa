-- A document of a base: 0 is the server's, every other one a room's. Its source is what it is known by
-- when it comes again.
CREATE TABLE documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    base INTEGER NOT NULL,
    source TEXT NOT NULL,
    title TEXT NOT NULL,
    format TEXT NOT NULL,
    hash BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    passages INTEGER NOT NULL,
    width INTEGER NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (base, source)
) STRICT;

-- The key has the base in its high bits, so that a base is a range of keys.
CREATE TABLE passages (
    key INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (id),
    place INTEGER NOT NULL,
    line INTEGER NOT NULL,
    heading TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX passages_of_documents ON passages (document, place);

-- Terms of passages; the row's id is the passage's key.
CREATE VIRTUAL TABLE terms USING fts5 (
    heading, text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 0"
);

-- Words as they are spelt, and their threes of letters: for words that are misspelt.
CREATE TABLE spellings (
    id INTEGER PRIMARY KEY,
    word TEXT NOT NULL UNIQUE
) STRICT;
CREATE VIRTUAL TABLE threes USING fts5 (word, content = '', tokenize = "trigram");
