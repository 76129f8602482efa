//! # Erase: forgetting a person
//!
//! Promises
//! 1. At once nobody is called so any more and nobody can sign in as them; when their
//!    [`removal`] has come to its end, no table has the person's name, address, picture or password; where their number
//!    has to stay, it is called [`DISPLAY_NAME`].
//! 2. Rooms that they were in hear that they left, under the name by which they were known there.
//! 3. Direct rooms stay for the others in them.
//! 4. What they said stays unless it is asked for; then it is removed everywhere, also in rooms that
//!    they left before or that are deleted.

use super::account::{past_name, take_back, tell_account};
use super::apply::Stop;
use super::event::{Exit, Person};
use super::id::RoomId;
use super::name::UserName;
use super::operation::Kind;
use super::work::Work;
use super::{hook, removal, room};

/// What somebody is called who is gone.
const DISPLAY_NAME: &str = "Erased person";

/// Forgets somebody: what there may be much of, some of it at a time.
pub(super) fn erase(work: &mut Work<'_>, person: &Person, messages: bool) -> Result<(), Stop> {
    leave(work, person)?;
    take_back(work, person.id)?;
    for sql in [
        "DELETE FROM bans WHERE user = ?",
        "DELETE FROM uploads WHERE by = ? AND message IS NULL",
    ] {
        work.execute(sql, [person.id.0])?;
    }
    hook::forget_bot(work, person.id)?;
    rename(work, person)?;
    // The one event that is left of them: the server ends their connections by it, also where
    // another process has erased them.
    tell_account(work, person.id)?;
    removal::erase(work, person, messages)
}

/// Leaves all rooms but the direct ones, which have the same people for ever.
fn leave(work: &mut Work<'_>, person: &Person) -> Result<(), Stop> {
    let is_oneself = work.by() == Some(person.id);
    let (by, exit) = if is_oneself {
        (None, Exit::Left)
    } else {
        (work.teller()?, Exit::Removed)
    };
    let sql = "SELECT room FROM members WHERE user = ? ORDER BY room";
    let rooms: Vec<u32> = work.rows(sql, [person.id.0], |row| row.get(0))?;
    for id in rooms {
        let place = work.place_numbered(RoomId(id))?;
        if place.kind != Kind::Direct {
            room::exit(work, &place, person, by.clone(), exit)?;
        }
    }
    Ok(())
}

fn rename(work: &Work<'_>, person: &Person) -> Result<(), Stop> {
    let id = person.id.0;
    let sql = "INSERT OR IGNORE INTO past_names (hash) VALUES (?)";
    work.execute(sql, [past_name(&person.name)])?;
    let name = UserName::trusted(format!("erased-{id}"));
    work.execute(
        "UPDATE users SET name = ?, display_name = ?, email = NULL, password = NULL, avatar = NULL,
             disabled_at = coalesce(disabled_at, ?4), erased_at = ?4
         WHERE id = ?3",
        (name.as_str(), DISPLAY_NAME, id, work.at()),
    )?;
    // What is left are direct rooms, where nobody calls them any more, and whose titles were made
    // of names.
    let sql = "UPDATE members SET level = 'nothing' WHERE user = ?";
    work.execute(sql, [id])?;
    work.execute(
        "UPDATE rooms SET title =
             (SELECT group_concat(u.display_name, ', ' ORDER BY u.id)
              FROM members m JOIN users u ON u.id = m.user WHERE m.room = rooms.id)
         WHERE id IN (SELECT room FROM members WHERE user = ?)",
        [id],
    )?;
    Ok(())
}
