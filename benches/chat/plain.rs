//! # Plain: a program that only stores
//!
//! The same tables with the same rows as the chat makes of a message, in transactions of a given
//! size, and nothing else: no question is asked, nobody is told.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::Outcome;
use crate::town::room_name;

pub(crate) struct Plain {
    connection: Connection,
    op: i64,
    /// Seq and version of each room.
    rooms: Vec<(i64, i64)>,
    said: u64,
}

impl Plain {
    /// Opens a copy of the chat's database with the same settings as the server's.
    pub(crate) fn open(path: &Path, rooms: u32) -> Outcome<Self> {
        let connection = Connection::open(path)?;
        let mode: String =
            connection.query_row("PRAGMA journal_mode = wal", (), |row| row.get(0))?;
        if mode != "wal" {
            return Err("the copy has no write-ahead log".into());
        }
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", -2048)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.query_row("PRAGMA journal_size_limit = 16777216", (), |_| Ok(()))?;
        let op = connection.query_row("SELECT op FROM server", (), |row| row.get(0))?;
        let of_room = |room| {
            let sql = "SELECT seq, version FROM rooms WHERE name = ?";
            connection.query_row(sql, [room_name(room)], |row| Ok((row.get(0)?, row.get(1)?)))
        };
        let rooms = (0..rooms).map(of_room).collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            connection,
            op,
            rooms,
            said: 0,
        })
    }

    /// Stores a message in each of these rooms, whose numbers are those of the tables, in
    /// transactions of this many; how long that takes.
    pub(crate) fn store(&mut self, group: usize, text: &str, rooms: &[i64]) -> Outcome<Duration> {
        let begun = Instant::now();
        for rooms in rooms.chunks(group) {
            self.group(text, rooms)?;
        }
        Ok(begun.elapsed())
    }

    fn group(&mut self, text: &str, order: &[i64]) -> Outcome {
        let Self {
            connection,
            op,
            rooms,
            said,
        } = self;
        let transaction = connection.unchecked_transaction()?;
        {
            let mut server = connection.prepare_cached("UPDATE server SET op = ? WHERE id = 1")?;
            let mut room_at = connection
                .prepare_cached("UPDATE rooms SET seq = ?, version = ?, op = ? WHERE id = ?")?;
            let mut event = connection.prepare_cached(
                "INSERT INTO events (key, op, at, kind, by, seq) VALUES (?, ?, ?, 1, ?, ?)",
            )?;
            let mut message = connection.prepare_cached(
                "INSERT INTO messages (key, version, author, at, text, client_key)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?;
            let mut key = connection.prepare_cached(
                "INSERT INTO keys (user, key, content, at, answer, room, seq, version)
                 VALUES (?, ?, ?, ?, 1, ?, ?, ?)",
            )?;
            for &id in order {
                *said += 1;
                *op += 1;
                let at = 1_700_000_000_000 + *said as i64;
                let (seq, version) = &mut rooms[id as usize - 1];
                *seq += 1;
                *version += 1;
                // Whose number it is does not matter, but that there is somebody with it.
                let author = id + 1;
                let client_key = format!("plain-{said}");
                server.execute([*op])?;
                room_at.execute([*seq, *version, *op, id])?;
                event.execute(params![id << 32 | *version, *op, at, author, *seq])?;
                let packed = id << 32 | *seq;
                message.execute(params![packed, *version, author, at, text, client_key])?;
                let content = [*said as u8; 16];
                key.execute(params![author, client_key, content, at, id, *seq, *version])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
