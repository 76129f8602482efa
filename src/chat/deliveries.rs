//! # Deliveries: what outgoing hooks are to be sent, and how that goes
//!
//! Each hook has looked for what it wants up to an op, its cursor; what it found waits here until it has
//! arrived or is given up. Only the event's place is kept: what it says is looked up when it leaves, so
//! that nothing is sent that is deleted by then.
//!
//! Promises
//! 1. What is found is noted in one transaction with the cursor: nothing is left out, and nothing found
//!    twice, whatever ends the process in between.
//! 2. A hook finds nothing that its bot may not hear, nothing that its bot said or did, and nothing that
//!    a hook has answered.
//! 3. What waits of one hook is bounded: one that has [`WAITING_MAX`] looks no further until it has less.
//!
//! Never knows: how anything is sent, or a clock.

use rusqlite::{Connection, OptionalExtension, Row};

use super::event::{Event, What};
use super::hook::events_of;
use super::id::{HookId, Millis, Op, RoomId, UserId, Version};
use super::mention::mentions;
use super::missed::{came_in, room_events, version_at};
use super::name::{HookUrl, RoomName, Title, UserName};
use super::operation::HookEvent;
use crate::store::{StoreError, rusqlite};

/// Deliveries of one hook that wait, at most.
pub const WAITING_MAX: u32 = 1000;

/// Deliveries of one hook that were given up and are kept.
const DEAD_MAX: u32 = 1000;

/// Ops that are looked at in one go.
const WINDOW: Op = 500;

/// What keys of what hooks have answered begin with. Others may use such keys, too: only of bots of hooks
/// it counts.
pub const ANSWER_KEY: &str = "hook:";

/// An outgoing hook that is neither paused nor given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its number.
    pub id: HookId,
    /// What it is called.
    pub name: Title,
    /// Who answers.
    pub bot: UserId,
    /// By which name it is mentioned.
    pub bot_name: UserName,
    /// Whom to tell when it is given up.
    pub owner: Option<UserName>,
    /// Its room; nothing for all that the bot is in.
    pub room: Option<RoomId>,
    /// Where to.
    pub url: HookUrl,
    /// What.
    pub events: Vec<HookEvent>,
    /// Which command is handed to it.
    pub command: Option<String>,
    /// What it signs with.
    pub secret: String,
    /// Up to where it has looked.
    pub cursor: Op,
    /// How often it has failed since it did not.
    pub failures: u32,
}

/// All of them.
pub fn outgoing(connection: &Connection) -> Result<Vec<Outgoing>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT h.id, h.name, h.bot, b.name, o.name, h.room, h.url, h.events, h.secret, h.cursor,
             h.failures, h.command
         FROM hooks h JOIN users b ON b.id = h.bot LEFT JOIN users o ON o.id = h.owner
         WHERE h.direction = 'outgoing' AND h.paused_at IS NULL AND h.failed_at IS NULL
           AND b.disabled_at IS NULL
         ORDER BY h.id",
    )?;
    let rows = look.query_map((), |row| {
        Ok(Outgoing {
            id: HookId(row.get(0)?),
            name: row.get(1)?,
            bot: UserId(row.get(2)?),
            bot_name: row.get(3)?,
            owner: row.get::<_, Option<String>>(4)?.map(UserName::trusted),
            room: row.get::<_, Option<u32>>(5)?.map(RoomId),
            url: row.get(6)?,
            events: events_of(&row.get::<_, String>(7)?),
            secret: row.get(8)?,
            cursor: row.get(9)?,
            failures: row.get(10)?,
            command: row.get(11)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Something that a hook is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The event's place in the server.
    pub op: Op,
    /// Why.
    pub kind: HookEvent,
    /// Where it happened.
    pub room: RoomId,
    /// The event's place in the room.
    pub version: Version,
    /// When it happened.
    pub at: Millis,
    /// How often it was tried.
    pub tries: u32,
}

/// What a hook finds behind `after`, up to `upto` at most, and up to where it has looked then; `bots` are
/// those of all outgoing hooks.
pub fn find(
    connection: &Connection,
    hook: &Outgoing,
    bots: &[UserId],
    (after, upto): (Op, Op),
) -> Result<(Op, Vec<Due>), StoreError> {
    let upto = upto.min(after + WINDOW);
    let mut found = Vec::new();
    for room in rooms(connection, hook, after)? {
        let from = version_at(connection, room, after)?;
        let to = version_at(connection, room, upto)?;
        if from >= to {
            continue;
        }
        // Who came in in between hears what came from then on.
        let from = match came_in(connection, room, hook.bot, from, to)? {
            Some(version) => version,
            None => from,
        };
        let events = room_events(connection, room, from, to, u32::MAX)?;
        let due = events
            .iter()
            .filter_map(|event| due(hook, bots, room, event));
        found.extend(due);
    }
    found.sort_unstable_by_key(|due| due.op);
    Ok((upto, found))
}

/// The rooms of a hook in which something happened after an op.
fn rooms(connection: &Connection, hook: &Outgoing, after: Op) -> Result<Vec<RoomId>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT r.id FROM members m JOIN rooms r ON r.id = m.room
         WHERE m.user = ?1 AND (?2 IS NULL OR r.id = ?2) AND r.op > ?3 AND r.deleted_at IS NULL",
    )?;
    let values = (hook.bot.0, hook.room.map(|room| room.0), after);
    let rows = look.query_map(values, |row| Ok(RoomId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn due(hook: &Outgoing, bots: &[UserId], room: RoomId, event: &Event) -> Option<Due> {
    let wants = |kind: HookEvent| hook.events.contains(&kind).then_some(kind);
    let kind = match &event.what {
        What::Message(message) => {
            let is_answer = message
                .key
                .as_deref()
                .is_some_and(|key| key.starts_with(ANSWER_KEY))
                && bots.contains(&message.from.id);
            if message.from.id == hook.bot || is_answer || message.deleted_at.is_some() {
                return None;
            }
            // It was handed over when it was said.
            let said = message.text.strip_prefix('/');
            let word = said.and_then(|it| it.split_whitespace().next());
            if hook.command.is_some() && word.map(str::to_lowercase) == hook.command {
                return None;
            }
            let is_mentioned = || mentions(&message.text).names.contains(&hook.bot_name);
            wants(HookEvent::Mention)
                .filter(|_| is_mentioned())
                .or_else(|| wants(HookEvent::Message))?
        }
        What::Joined { user, .. } if user.id != hook.bot => wants(HookEvent::Join)?,
        _ => return None,
    };
    let super::event::To::Room { version, .. } = &event.to else {
        return None;
    };
    Some(Due {
        op: event.op,
        kind,
        room,
        version: *version,
        at: event.at,
        tries: 0,
    })
}

/// Notes what a hook has found, and up to where it has looked.
pub fn note(
    connection: &Connection,
    hook: HookId,
    upto: Op,
    found: &[Due],
) -> Result<(), StoreError> {
    let mut put = connection.prepare_cached(
        "INSERT OR IGNORE INTO deliveries (hook, op, kind, room, version, next_at)
         SELECT id, ?, ?, ?, ?, ? FROM hooks WHERE id = ?",
    )?;
    for due in found {
        put.execute((due.op, due.kind, due.room.0, due.version, due.at, hook.0))?;
    }
    let mut moved = connection.prepare_cached("UPDATE hooks SET cursor = ? WHERE id = ?")?;
    moved.execute((upto, hook.0))?;
    Ok(())
}

/// How much of a hook waits.
pub fn waiting(connection: &Connection, hook: HookId) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM deliveries WHERE hook = ? AND next_at IS NOT NULL";
    let mut look = connection.prepare_cached(sql)?;
    Ok(look.query_row([hook.0], |row| row.get(0))?)
}

fn due_row(row: &Row<'_>) -> rusqlite::Result<Due> {
    Ok(Due {
        op: row.get(0)?,
        kind: row.get(1)?,
        room: RoomId(row.get(2)?),
        version: row.get(3)?,
        at: row.get(4)?,
        tries: row.get(5)?,
    })
}

/// What of a hook is to be sent next, if its time has come.
pub fn next(connection: &Connection, hook: HookId, at: Millis) -> Result<Option<Due>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT op, kind, room, version, next_at, tries FROM deliveries
         WHERE hook = ? AND next_at <= ? ORDER BY next_at, op LIMIT 1",
    )?;
    Ok(look.query_row((hook.0, at), due_row).optional()?)
}

/// What happened there, and in which room, if the hook's bot may still hear it.
pub fn event(
    connection: &Connection,
    bot: UserId,
    due: &Due,
) -> Result<Option<(RoomName, Event)>, StoreError> {
    let sql = "SELECT r.name FROM rooms r JOIN members m ON m.room = r.id
               WHERE r.id = ? AND m.user = ? AND r.deleted_at IS NULL";
    let mut look = connection.prepare_cached(sql)?;
    let name: Option<String> = look
        .query_row((due.room.0, bot.0), |row| row.get(0))
        .optional()?;
    let Some(name) = name else {
        return Ok(None);
    };
    let before = due.version.saturating_sub(1);
    let events = room_events(connection, due.room, before, due.version, 1)?;
    let name = RoomName::trusted(name);
    Ok(events.into_iter().next().map(|event| (name, event)))
}

/// It has arrived, or there is nothing left to send.
pub fn done(
    connection: &Connection,
    hook: HookId,
    op: Op,
    arrived: bool,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM deliveries WHERE hook = ? AND op = ?";
    connection.prepare_cached(sql)?.execute((hook.0, op))?;
    if arrived {
        let sql = "UPDATE hooks SET failures = 0 WHERE id = ? AND failures > 0";
        connection.prepare_cached(sql)?.execute([hook.0])?;
    }
    Ok(())
}

/// It has not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// When.
    pub at: Millis,
    /// Why.
    pub error: String,
    /// When it is tried again; nothing if it is given up.
    pub next_at: Option<Millis>,
    /// The hook is given up, too.
    pub ends_hook: bool,
}

/// Notes that it has not arrived.
pub fn failed(
    connection: &Connection,
    hook: HookId,
    op: Op,
    failed: &Failed,
) -> Result<(), StoreError> {
    let mut note = connection.prepare_cached(
        "UPDATE deliveries SET tries = tries + 1, tried_at = ?, error = ?, next_at = ?
         WHERE hook = ? AND op = ?",
    )?;
    note.execute((failed.at, &failed.error, failed.next_at, hook.0, op))?;
    let sql = "UPDATE hooks SET failures = failures + 1, failed_at = ? WHERE id = ?";
    let failed_at = failed.ends_hook.then_some(failed.at);
    connection
        .prepare_cached(sql)?
        .execute((failed_at, hook.0))?;
    if failed.next_at.is_none() {
        let mut forget = connection.prepare_cached(
            "DELETE FROM deliveries WHERE hook = ?1 AND next_at IS NULL AND op <=
                 (SELECT op FROM deliveries WHERE hook = ?1 AND next_at IS NULL
                  ORDER BY op DESC LIMIT 1 OFFSET ?2)",
        )?;
        forget.execute((hook.0, DEAD_MAX))?;
    }
    Ok(())
}

/// What was given up is tried anew: one, or all of a hook's; how many.
pub fn redeliver(
    connection: &Connection,
    hook: HookId,
    op: Option<Op>,
    at: Millis,
) -> Result<usize, StoreError> {
    let mut again = connection.prepare_cached(
        "UPDATE deliveries SET next_at = ?, tries = 0
         WHERE hook = ?2 AND next_at IS NULL AND (?3 IS NULL OR op = ?3)",
    )?;
    Ok(again.execute((at, hook.0, op))?)
}

/// A delivery that has failed, or waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event's place in the server.
    pub op: Op,
    /// Why.
    pub kind: HookEvent,
    /// Where it happened.
    pub room: RoomName,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next; nothing for what was given up.
    pub next_at: Option<Millis>,
    /// When it was tried last.
    pub tried_at: Option<Millis>,
    /// Why that failed.
    pub error: Option<String>,
}

/// The latest deliveries of a hook that have not arrived.
pub fn deliveries(
    connection: &Connection,
    hook: HookId,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT d.op, d.kind, r.name, d.tries, d.next_at, d.tried_at, d.error
         FROM deliveries d JOIN rooms r ON r.id = d.room
         WHERE d.hook = ? ORDER BY d.op DESC LIMIT ?",
    )?;
    let rows = look.query_map((hook.0, limit), |row| {
        Ok(Delivery {
            op: row.get(0)?,
            kind: row.get(1)?,
            room: row.get(2)?,
            tries: row.get(3)?,
            next_at: row.get(4)?,
            tried_at: row.get(5)?,
            error: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
