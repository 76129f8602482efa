//! # Place: a room, and what somebody may do in it
//!
//! One look at the tables tells both, because nearly every operation asks for both.

use super::apply::Stop;
use super::id::{Millis, RoomId, UserId};
use super::name::RoomName;
use super::operation::{Kind, Role, Standing};
use super::refusal::{Code, Refusal};
use super::work::{Actor, Work, person};

/// A room as somebody finds it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) id: RoomId,
    pub(super) name: RoomName,
    pub(super) kind: Kind,
    pub(super) archived: bool,
    /// What they are in it; nothing for who is no member.
    pub(super) standing: Option<Standing>,
    pub(super) muted_until: Option<Millis>,
}

impl Work<'_> {
    /// The room, if whoever asks may see it; and who that is.
    pub(super) fn place(&self, name: &RoomName) -> Result<(Place, Actor), Stop> {
        let Some(by) = self.by() else {
            return Err(Refusal::new(Code::Unauthenticated, "Sign in first.").into());
        };
        let found = self.row(
            "SELECT r.id, r.kind, r.archived_at IS NOT NULL, m.role, m.muted_until,
                    u.id, u.name, u.display_name, u.role
             FROM users u, rooms r LEFT JOIN members m ON m.room = r.id AND m.user = u.id
             WHERE r.name = ? AND r.deleted_at IS NULL
               AND u.id = ? AND u.disabled_at IS NULL AND u.erased_at IS NULL",
            (name.as_str(), by.0),
            |row| {
                let place = Place {
                    id: RoomId(row.get(0)?),
                    name: name.clone(),
                    kind: row.get(1)?,
                    archived: row.get(2)?,
                    standing: row.get(3)?,
                    muted_until: row.get(4)?,
                };
                let actor = Actor {
                    person: person(row, 5)?,
                    role: row.get(8)?,
                };
                Ok((place, actor))
            },
        )?;
        let Some((place, actor)) = found else {
            // Who may not do anything is told so, not that the room is missing.
            self.actor()?;
            return Err(no_room(name).into());
        };
        let is_visible = place.kind == Kind::Public
            || place.standing.is_some()
            || (actor.role == Role::Admin && place.kind == Kind::Private);
        if is_visible {
            Ok((place, actor))
        } else {
            Err(no_room(name).into())
        }
    }

    /// The room, of which whoever asks has to be a member; `what` says what they want to do.
    pub(super) fn inside(&self, name: &RoomName, what: &str) -> Result<(Place, Actor), Stop> {
        let (place, actor) = self.place(name)?;
        if place.standing.is_some() {
            return Ok((place, actor));
        }
        let tell = format!("Join room \"{name}\" before {what}.");
        Err(Refusal::new(Code::NotAMember, tell).into())
    }

    /// A room for whoever keeps order in it, admins and the command line included.
    pub(super) fn keeping_order(
        &self,
        name: &RoomName,
        least: Standing,
        what: &str,
    ) -> Result<(Place, Option<Actor>), Stop> {
        if self.by().is_none() {
            return Ok((self.any_place(name)?, None));
        }
        let (place, actor) = self.place(name)?;
        if actor.role == Role::Admin || place.standing.is_some_and(|it| it >= least) {
            return Ok((place, Some(actor)));
        }
        let who = match least {
            Standing::Owner => "an owner",
            _ => "an owner or moderator",
        };
        Err(Refusal::forbidden(format!("Only {who} of \"{name}\" may {what}.")).into())
    }

    /// A room as the command line finds it, who sees everything.
    pub(super) fn any_place(&self, name: &RoomName) -> Result<Place, Stop> {
        let found = self.row(
            "SELECT id, kind, archived_at IS NOT NULL FROM rooms
             WHERE name = ? AND deleted_at IS NULL",
            [name.as_str()],
            |row| {
                Ok(Place {
                    id: RoomId(row.get(0)?),
                    name: name.clone(),
                    kind: row.get(1)?,
                    archived: row.get(2)?,
                    standing: None,
                    muted_until: None,
                })
            },
        )?;
        Ok(found.ok_or_else(|| no_room(name))?)
    }

    /// A room by its number, as nobody in particular finds it, also when it is deleted.
    pub(super) fn place_numbered(&self, id: RoomId) -> Result<Place, Stop> {
        let found = self.row(
            "SELECT name, kind, archived_at IS NOT NULL FROM rooms WHERE id = ?",
            [id.0],
            |row| {
                Ok(Place {
                    id,
                    name: row.get(0)?,
                    kind: row.get(1)?,
                    archived: row.get(2)?,
                    standing: None,
                    muted_until: None,
                })
            },
        )?;
        Ok(found.expect("rooms are never removed from their table"))
    }

    /// What somebody is in a room; nothing for who is no member.
    pub(super) fn standing(&self, room: RoomId, user: UserId) -> Result<Option<Standing>, Stop> {
        let sql = "SELECT role FROM members WHERE room = ? AND user = ?";
        self.row(sql, (room.0, user.0), |row| row.get(0))
    }
}

pub(super) fn no_room(name: &RoomName) -> Refusal {
    Refusal::not_found(format!(
        "There is no room \"{name}\", or you may not see it."
    ))
}
