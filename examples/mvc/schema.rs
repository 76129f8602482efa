//! # Schema: the tables of all areas
//!
//! A name is what a person is known by everywhere, and never changes; so it is what rows refer to.

use parlour::store::{Migration, Migrations};

pub(crate) const MIGRATIONS: Migrations = Migrations {
    set: "mvc",
    steps: &[
        Migration {
            name: "users",
            sql: "CREATE TABLE users (
                      id INTEGER PRIMARY KEY,
                      name TEXT NOT NULL UNIQUE,
                      shown_as TEXT NOT NULL,
                      about TEXT NOT NULL,
                      password TEXT NOT NULL,
                      joined_ms INTEGER NOT NULL
                  ) STRICT",
        },
        Migration {
            name: "todos",
            sql: "CREATE TABLE todos (
                      id INTEGER PRIMARY KEY,
                      owner TEXT NOT NULL REFERENCES users (name),
                      title TEXT NOT NULL,
                      notes TEXT NOT NULL,
                      done INTEGER NOT NULL,
                      added_ms INTEGER NOT NULL
                  ) STRICT;
                  CREATE INDEX todos_by_owner ON todos (owner, done)",
        },
        Migration {
            name: "posts and comments",
            sql: "CREATE TABLE posts (
                      id INTEGER PRIMARY KEY,
                      author TEXT NOT NULL REFERENCES users (name),
                      text TEXT NOT NULL,
                      written_ms INTEGER NOT NULL
                  ) STRICT;
                  CREATE INDEX posts_by_author ON posts (author);
                  CREATE TABLE comments (
                      id INTEGER PRIMARY KEY,
                      post INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
                      author TEXT NOT NULL REFERENCES users (name),
                      text TEXT NOT NULL,
                      written_ms INTEGER NOT NULL
                  ) STRICT;
                  CREATE INDEX comments_by_post ON comments (post)",
        },
    ],
};
