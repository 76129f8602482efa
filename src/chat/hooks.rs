//! # Hooks, looked up
//!
//! Functions over a connection, for readers on the loop. Who may ask is for whoever calls them to
//! know.

use rusqlite::{Connection, OptionalExtension, Row};

use super::event::Person;
use super::hook::{self, events_of};
use super::id::{HookId, Millis, RoomId, UserId};
use super::name::{HookUrl, RoomName, Title};
use super::operation::{Hash, HookEvent};
use super::work::person;
use crate::store::{StoreError, rusqlite};

/// Hooks of a list: more than anybody has.
const LISTED_MAX: u32 = 1000;

/// A hook as those see it who may change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its number.
    pub id: HookId,
    /// What it is for.
    pub name: Title,
    /// Who says what comes of it.
    pub bot: Person,
    /// Who made it; nobody for the command line.
    pub owner: Option<Person>,
    /// Its room; nothing for all that the bot is in.
    pub room: Option<RoomName>,
    /// Since when there is one.
    pub created_at: Millis,
    /// Since when it rests.
    pub paused_at: Option<Millis>,
    /// Of an outgoing one: what it sends, and where.
    pub sends: Option<Sends>,
}

/// What an outgoing hook sends, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sends {
    /// Where to.
    pub url: HookUrl,
    /// What.
    pub events: Vec<HookEvent>,
    /// Which command, if it is handed one.
    pub command: Option<String>,
    /// What it signs with.
    pub secret: String,
    /// How often it has failed since it did not.
    pub failures: u32,
    /// Since when it is given up.
    pub failed_at: Option<Millis>,
    /// How many deliveries are waiting, and how many were given up.
    pub waiting: u32,
    /// How many deliveries were given up.
    pub dead: u32,
}

const HOOK: &str =
    "SELECT h.id, h.name, b.id, b.name, b.display_name, o.id, o.name, o.display_name,
        r.name, h.created_at, h.paused_at, h.url, h.events, h.command, h.secret, h.failures,
        h.failed_at,
        (SELECT count(*) FROM deliveries d WHERE d.hook = h.id AND d.next_at IS NOT NULL),
        (SELECT count(*) FROM deliveries d WHERE d.hook = h.id AND d.next_at IS NULL)
    FROM hooks h JOIN users b ON b.id = h.bot LEFT JOIN users o ON o.id = h.owner
    LEFT JOIN rooms r ON r.id = h.room";

fn hook_row(row: &Row<'_>) -> rusqlite::Result<Hook> {
    let owner: Option<u32> = row.get(5)?;
    let url: Option<String> = row.get(11)?;
    let sends = match url {
        None => None,
        Some(url) => Some(Sends {
            url: HookUrl::trusted(url),
            events: events_of(&row.get::<_, String>(12)?),
            command: row.get(13)?,
            secret: row.get(14)?,
            failures: row.get(15)?,
            failed_at: row.get(16)?,
            waiting: row.get(17)?,
            dead: row.get(18)?,
        }),
    };
    Ok(Hook {
        id: HookId(row.get(0)?),
        name: row.get(1)?,
        bot: person(row, 2)?,
        owner: owner.map(|_| person(row, 5)).transpose()?,
        room: row.get::<_, Option<String>>(8)?.map(RoomName::trusted),
        created_at: row.get(9)?,
        paused_at: row.get(10)?,
        sends,
    })
}

/// The hooks that somebody may change: their own and those of rooms that they own. Without anybody,
/// all there are.
pub fn hooks(connection: &Connection, of: Option<UserId>) -> Result<Vec<Hook>, StoreError> {
    let sql = format!(
        "{HOOK} WHERE ?1 IS NULL OR h.owner = ?1
             OR h.room IN (SELECT room FROM members WHERE user = ?1 AND role = 'owner')
         ORDER BY h.id LIMIT ?2"
    );
    let mut look = connection.prepare_cached(&sql)?;
    let rows = look.query_map((of.map(|of| of.0), LISTED_MAX), hook_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One of them.
pub fn hook(
    connection: &Connection,
    of: Option<UserId>,
    id: HookId,
) -> Result<Option<Hook>, StoreError> {
    let sql = format!(
        "{HOOK} WHERE h.id = ?2 AND (?1 IS NULL OR h.owner = ?1
             OR h.room IN (SELECT room FROM members WHERE user = ?1 AND role = 'owner'))"
    );
    let mut look = connection.prepare_cached(&sql)?;
    let found = look.query_row((of.map(|of| of.0), id.0), hook_row);
    Ok(found.optional()?)
}

/// The commands that hooks take in a room, each with what its hook is called.
pub fn commands(connection: &Connection, room: RoomId) -> Result<Vec<(String, Title)>, StoreError> {
    hook::commands(connection, room)
}

/// Where something goes that is sent to an incoming hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// The hook.
    pub id: HookId,
    /// What it is called.
    pub name: Title,
    /// Who says it.
    pub bot: UserId,
    /// Where.
    pub room: RoomName,
    /// Whether it rests.
    pub paused: bool,
}

/// The incoming hook whose secret has this hash.
pub fn door(connection: &Connection, hash: &Hash) -> Result<Option<Door>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT h.id, h.name, h.bot, r.name, h.paused_at IS NOT NULL
         FROM hooks h JOIN rooms r ON r.id = h.room
         WHERE h.hash = ? AND r.deleted_at IS NULL",
    )?;
    let found = look.query_row([hash], |row| {
        Ok(Door {
            id: HookId(row.get(0)?),
            name: row.get(1)?,
            bot: UserId(row.get(2)?),
            room: row.get(3)?,
            paused: row.get(4)?,
        })
    });
    Ok(found.optional()?)
}
