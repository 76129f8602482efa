//! # Archive: everything that is stored, row by row, in a form that lasts
//!
//! What `parlour export` writes and `parlour import` reads, but for how it is written. Each row of
//! each table is one *thing* of a [`Sort`]; things come in an order in which they can be put into
//! empty tables. Names of sorts and of what they have are those of the tables at their first release,
//! and stay: a later schema is translated here.
//!
//! | left out | because |
//! | --- | --- |
//! | the epoch | what is imported elsewhere is another server's from then on |
//! | `rooms.members` | counted anew |
//! | `words`, `indexed` | indexed anew |
//! | `outside` | for a server that runs |
//!
//! A message's or event's `key` is its room's id times 2³², plus its number.
//!
//! Promises
//! 1. What was taken out of a database and put into an empty one gives the same when it is taken out
//!    of that.
//! 2. What does not fit is refused by name, and nothing is left out silently.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};

use super::id::Op;
use crate::store::{StoreError, rusqlite};

/// What a member of a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A whole number.
    Number,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
}

use Type::{Bytes as B, Number as N, Text as T};

/// A member of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// It is not there.
    Nothing,
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Nothing => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// What things of one kind have.
#[derive(Debug)]
pub struct Sort {
    /// What they are called.
    pub name: &'static str,
    table: &'static str,
    /// By which they are in order, and known.
    order: &'static str,
    /// Their members.
    pub members: &'static [(&'static str, Type)],
}

const fn sort(
    name: &'static str,
    table: &'static str,
    order: &'static str,
    members: &'static [(&'static str, Type)],
) -> Sort {
    Sort {
        name,
        table,
        order,
        members,
    }
}

/// All sorts, in the order in which their things come. Who is referred to comes first.
pub const SORTS: &[Sort] = &[
    sort(
        "server",
        SERVER,
        "id",
        &[("op", N), ("created_at", N), ("forgotten", N)],
    ),
    sort("mark", "marks", "at", &[("at", N), ("op", N)]),
    sort("setting", "settings", "name", &[("name", T), ("value", T)]),
    sort(
        "user",
        "users",
        "id",
        &[
            ("id", N),
            ("name", T),
            ("display_name", T),
            ("email", T),
            ("password", T),
            ("role", T),
            ("avatar", T),
            ("created_at", N),
            ("disabled_at", N),
            ("erased_at", N),
        ],
    ),
    sort("past_name", "past_names", "hash", &[("hash", B)]),
    sort(
        "token",
        "tokens",
        "id",
        &[
            ("id", N),
            ("hash", B),
            ("user", N),
            ("name", T),
            ("created_at", N),
            ("expires_at", N),
            ("used_at", N),
            ("scopes", T),
        ],
    ),
    sort(
        "reset",
        "resets",
        "user",
        &[("user", N), ("hash", B), ("expires_at", N)],
    ),
    sort(
        "room",
        "rooms",
        "id",
        &[
            ("id", N),
            ("name", T),
            ("title", T),
            ("topic", T),
            ("kind", T),
            ("people", T),
            ("created_at", N),
            ("created_by", N),
            ("archived_at", N),
            ("deleted_at", N),
            ("pinned", N),
            ("seq", N),
            ("version", N),
            ("op", N),
            ("first_seq", N),
            ("first_version", N),
        ],
    ),
    sort(
        "invite",
        "invites",
        "id",
        &[
            ("id", N),
            ("hash", B),
            ("by", N),
            ("room", N),
            ("uses_left", N),
            ("created_at", N),
            ("expires_at", N),
        ],
    ),
    sort(
        "member",
        "members",
        "room, user",
        &[
            ("room", N),
            ("user", N),
            ("role", T),
            ("joined_at", N),
            ("read", N),
            ("level", T),
            ("muted_until", N),
        ],
    ),
    sort(
        "ban",
        "bans",
        "room, user",
        &[("room", N), ("user", N), ("by", N), ("at", N)],
    ),
    sort(
        "upload",
        "uploads",
        "id",
        &[
            ("id", T),
            ("hash", T),
            ("name", T),
            ("media", T),
            ("bytes", N),
            ("by", N),
            ("at", N),
            ("message", N),
            ("width", N),
            ("height", N),
        ],
    ),
    sort(
        "message",
        "messages",
        "key",
        &[
            ("key", N),
            ("version", N),
            ("author", N),
            ("at", N),
            ("text", T),
            ("client_key", T),
            ("reply_to", N),
            ("attachment", T),
            ("edited_at", N),
            ("deleted_at", N),
            ("style", T),
        ],
    ),
    sort(
        "reaction",
        "reactions",
        "message, emoji, user",
        &[("message", N), ("emoji", T), ("user", N), ("at", N)],
    ),
    sort(
        "mention",
        "mentions",
        "user, message",
        &[("user", N), ("message", N)],
    ),
    sort(
        "event",
        "events",
        "key",
        &[
            ("key", N),
            ("op", N),
            ("at", N),
            ("kind", N),
            ("by", N),
            ("seq", N),
            ("subject", N),
            ("text", T),
        ],
    ),
    sort(
        "user_event",
        "user_events",
        "user, op",
        &[
            ("user", N),
            ("op", N),
            ("at", N),
            ("kind", N),
            ("by", N),
            ("room", N),
            ("number", N),
        ],
    ),
    sort(
        "notification",
        "notifications",
        "id",
        &[
            ("id", N),
            ("user", N),
            ("op", N),
            ("at", N),
            ("kind", T),
            ("by", N),
            ("room", N),
            ("seq", N),
            ("text", T),
            ("seen_at", N),
        ],
    ),
    sort(
        "key",
        "keys",
        "user, key",
        &[
            ("user", N),
            ("key", T),
            ("content", B),
            ("at", N),
            ("answer", N),
            ("room", N),
            ("seq", N),
            ("version", N),
            ("number", N),
        ],
    ),
    sort(
        "hook",
        "hooks",
        "id",
        &[
            ("id", N),
            ("direction", T),
            ("name", T),
            ("bot", N),
            ("own_bot", N),
            ("owner", N),
            ("room", N),
            ("created_at", N),
            ("paused_at", N),
            ("hash", B),
            ("url", T),
            ("events", T),
            ("command", T),
            ("secret", T),
            ("cursor", N),
            ("failures", N),
            ("failed_at", N),
        ],
    ),
    sort(
        "delivery",
        "deliveries",
        "hook, op",
        &[
            ("hook", N),
            ("op", N),
            ("kind", T),
            ("room", N),
            ("version", N),
            ("tries", N),
            ("next_at", N),
            ("tried_at", N),
            ("error", T),
        ],
    ),
    sort(
        "removal",
        "removals",
        "id",
        &[
            ("id", N),
            ("user", N),
            ("by", N),
            ("next", N),
            ("last", N),
            ("erases", N),
            ("note", N),
        ],
    ),
    sort(
        "reminder",
        "reminders",
        "id",
        &[
            ("id", N),
            ("by", N),
            ("user", N),
            ("room", N),
            ("made_at", N),
            ("due_at", N),
            ("text", T),
        ],
    ),
    // The last numbers that were given of what never gets one again.
    sort("sequence", SEQUENCE, "name", &[("name", T), ("seq", N)]),
];

/// Has one row, also in a new database.
const SERVER: &str = "server";

/// SQLite's own table, whose rows come by themselves.
const SEQUENCE: &str = "sqlite_sequence";

impl Sort {
    fn names(&self) -> Vec<&'static str> {
        self.members.iter().map(|(name, _)| *name).collect()
    }

    /// As many question marks as there are members, each behind what `name` makes of its name.
    fn marks(&self, name: impl Fn(&str) -> String, between: &str) -> String {
        let marks = self.members.iter().map(|(member, _)| name(member) + "?");
        marks.collect::<Vec<_>>().join(between)
    }
}

/// How many things there are.
pub fn count(connection: &Connection) -> Result<u64, StoreError> {
    let mut count = 0;
    for sort in SORTS {
        let sql = format!("SELECT count(*) FROM {}", sort.table);
        count += connection.query_row(&sql, (), |row| row.get::<_, u64>(0))?;
    }
    Ok(count)
}

/// Takes everything out, in order.
pub fn take(
    connection: &Connection,
    mut tell: impl FnMut(&Sort, Vec<Value>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for sort in SORTS {
        let names = sort.names().join(", ");
        let sql = format!("SELECT {names} FROM {} ORDER BY {}", sort.table, sort.order);
        let mut look = connection.prepare(&sql)?;
        let mut rows = look.query(())?;
        while let Some(row) = rows.next()? {
            let values = (0..sort.members.len()).map(|at| {
                Ok(match row.get_ref(at)? {
                    ValueRef::Null => Value::Nothing,
                    ValueRef::Integer(number) => Value::Number(number),
                    ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                    other => Value::Text(other.as_str().map(str::to_owned).map_err(|_| {
                        let name = sort.members[at].0;
                        StoreError::Corrupt(format!("{}.{name} is no text", sort.table))
                    })?),
                })
            });
            let values = values.collect::<Result<_, StoreError>>()?;
            tell(sort, values)?;
        }
    }
    Ok(())
}

/// Whether nothing has happened in a database yet.
pub fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    let op: Op = connection.query_row("SELECT op FROM server", (), |row| row.get(0))?;
    // All that a new one has is the row of the server.
    Ok(op == 0 && count(connection)? == 1)
}

/// Puts a thing into its table.
pub fn put(connection: &Connection, sort: &Sort, values: &[Value]) -> Result<(), StoreError> {
    let (table, names) = (sort.table, sort.names().join(", "));
    let sql = if table == SERVER {
        format!(
            "UPDATE server SET {}",
            sort.marks(|name| format!("{name} = "), ", ")
        )
    } else {
        let marks = sort.marks(|_| String::new(), ", ");
        format!("INSERT INTO {table} ({names}) VALUES ({marks})")
    };
    if table == SEQUENCE {
        let sql = "DELETE FROM sqlite_sequence WHERE name = ?";
        connection.prepare_cached(sql)?.execute([&values[0]])?;
    }
    connection
        .prepare_cached(&sql)?
        .execute(params_from_iter(values))?;
    Ok(())
}

/// Whether a thing is there, exactly so.
pub fn holds(connection: &Connection, sort: &Sort, values: &[Value]) -> Result<bool, StoreError> {
    let same = sort.marks(|name| format!("{name} IS "), " AND ");
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {same})", sort.table);
    let mut look = connection.prepare_cached(&sql)?;
    Ok(look.query_row(params_from_iter(values), |row| row.get(0))?)
}

/// The hashes of all uploaded files, in order.
pub fn files(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut look = connection.prepare("SELECT DISTINCT hash FROM uploads ORDER BY hash")?;
    let rows = look.query_map((), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
