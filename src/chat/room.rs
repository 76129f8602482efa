//! # Rooms: making them, coming and going, keeping order
//!
//! Promises
//! 1. Who is no member hears nothing that happens in a room from that commit on.
//! 2. A direct room has the same people for ever: nobody is invited, nobody removed.
//! 3. A room has an owner as long as it has members: the last to leave hands it on.

use super::apply::Stop;
use super::event::{EventKind, Exit, Facts, Person, What};
use super::id::{Millis, RoomId, Seq, UserId, Version};
use super::limits::{DIRECT_PEOPLE_MAX, ROOMS_PER_PERSON_MAX};
use super::name::{DIRECT_PREFIX, RoomName, Title, Topic, UserName};
use super::operation::{Kind, Level, Operation, Standing};
use super::outcome::Answer;
use super::place::{Place, no_room};
use super::refusal::{Code, Refusal};
use super::work::{Note, Work};
use super::{hook, removal};

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::CreateRoom {
            room,
            title,
            topic,
            kind,
        } => create(work, room, title.as_ref(), topic.as_ref(), *kind),
        Operation::Direct { users } => direct(work, users),
        Operation::Join { room } => join(work, room),
        Operation::Leave { room } => leave(work, room),
        Operation::Invite { room, user } => invite(work, room, user),
        Operation::Remove { room, user } => remove(work, room, user),
        Operation::Ban {
            room,
            user,
            messages,
        } => ban(work, room, user, *messages),
        Operation::Unban { room, user } => unban(work, room, user),
        Operation::ChangeRoom { .. } => change(work, operation),
        Operation::DeleteRoom { room } => delete(work, room),
        Operation::SetStanding { room, user, role } => set_standing(work, room, user, *role),
        Operation::Mute { room, user, until } => mute(work, room, user, *until),
        Operation::MuteFor { room, user, ms } => {
            let until = work.at().saturating_add(*ms);
            mute(work, room, user, Some(until))
        }
        Operation::SetLevel { room, level } => set_level(work, room, *level),
        other => unreachable!("{other:?} is not about rooms"),
    }
}

fn create(
    work: &mut Work<'_>,
    name: &RoomName,
    title: Option<&Title>,
    topic: Option<&Topic>,
    kind: Kind,
) -> Result<Answer, Stop> {
    if kind == Kind::Direct {
        let tell = "`kind` is `public` or `private`; direct rooms are opened with `dm`.";
        return Err(Refusal::field("kind", tell).into());
    }
    let actor = match work.by() {
        None => None,
        Some(_) => Some(work.actor()?.person),
    };
    let sql = "SELECT count(*) FROM rooms WHERE name = ?";
    if work.value::<u32>(sql, [name.as_str()])? > 0 {
        let tell = format!("There is a room \"{name}\" already.");
        return Err(Refusal::new(Code::Exists, tell).into());
    }
    let title = title.map_or(name.as_str(), |title| title.as_str());
    let topic = topic.map_or("", |topic| topic.as_str());
    let id = insert(work, name, title, topic, kind, None)?;
    begin_above(work, id, name)?;
    let place = fresh(id, name, kind);
    if let Some(person) = actor {
        enter(work, &place, &person, None, Standing::Owner)?;
        opened(work, &place, person.id)?;
    }
    Ok(Answer::Room(id))
}

fn insert(
    work: &Work<'_>,
    name: &RoomName,
    title: &str,
    topic: &str,
    kind: Kind,
    people: Option<&str>,
) -> Result<RoomId, Stop> {
    let id = work.value(
        "INSERT INTO rooms (name, title, topic, kind, people, created_at, created_by)
         VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            name.as_str(),
            title,
            topic,
            kind,
            people,
            work.at(),
            work.by().map(|id| id.0),
        ),
    )?;
    Ok(RoomId(id))
}

/// A room that is called as another was: its versions begin above all that were told of that one,
/// and one is left out between. Whoever was away and says how far they were in the old room is below
/// all of the new one, and is told to begin anew.
fn begin_above(work: &Work<'_>, id: RoomId, name: &RoomName) -> Result<(), Stop> {
    let sql = "SELECT max(version) FROM rooms
               WHERE substr(name, instr(substr(name, 2), '~') + 2) = ? AND deleted_at IS NOT NULL";
    if let Some(last) = work.value::<Option<Version>>(sql, [name.as_str()])? {
        let sql = "UPDATE rooms SET version = ?1, first_version = ?1 + 1 WHERE id = ?2";
        work.execute(sql, (last + 1, id.0))?;
    }
    Ok(())
}

fn fresh(id: RoomId, name: &RoomName, kind: Kind) -> Place {
    Place {
        id,
        name: name.clone(),
        kind,
        archived: false,
        standing: None,
        muted_until: None,
    }
}

fn opened(work: &mut Work<'_>, place: &Place, user: UserId) -> Result<(), Stop> {
    let what = What::Opened {
        room: place.name.clone(),
        id: place.id,
    };
    work.tell_user(user, EventKind::Opened, Some(place.id), None, what)?;
    Ok(())
}

fn direct(work: &mut Work<'_>, users: &[UserName]) -> Result<Answer, Stop> {
    let actor = work.actor()?.person;
    let mut people = vec![actor.clone()];
    for name in users {
        let person = work.person_named(name)?;
        if !people.iter().any(|known| known.id == person.id) {
            people.push(person);
        }
    }
    if people.len() > DIRECT_PEOPLE_MAX {
        let tell = format!(
            "A direct room has at most {DIRECT_PEOPLE_MAX} people. Create a private room instead."
        );
        return Err(Refusal::field("users", tell).into());
    }
    people.sort_by_key(|person| person.id);
    let ids: Vec<String> = people
        .iter()
        .map(|person| person.id.0.to_string())
        .collect();
    let ids = ids.join(",");
    let sql = "SELECT id FROM rooms WHERE people = ?";
    if let Some(id) = work.row(sql, [&ids], |row| row.get(0))? {
        return Ok(Answer::Room(RoomId(id)));
    }
    let random: String = work.entry().random[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let name = RoomName::trusted(format!("{DIRECT_PREFIX}{random}"));
    let names: Vec<&str> = people
        .iter()
        .map(|person| person.display_name.as_str())
        .collect();
    let id = insert(work, &name, &names.join(", "), "", Kind::Direct, Some(&ids))?;
    let place = fresh(id, &name, Kind::Direct);
    for person in &people {
        enter(work, &place, person, Some(&actor), Standing::Member)?;
        opened(work, &place, person.id)?;
    }
    Ok(Answer::Room(id))
}

/// Makes somebody a member, and has everybody told.
pub(super) fn enter(
    work: &mut Work<'_>,
    place: &Place,
    person: &Person,
    by: Option<&Person>,
    standing: Standing,
) -> Result<(), Stop> {
    let sql = "SELECT count(*) FROM members WHERE user = ?";
    if work.value::<u32>(sql, [person.id.0])? >= ROOMS_PER_PERSON_MAX {
        let tell = format!("Nobody is in more than {ROOMS_PER_PERSON_MAX} rooms. Leave one first.");
        return Err(Refusal::new(Code::TooMany, tell).into());
    }
    // What was said before somebody came is not unread for them.
    work.execute(
        "INSERT INTO members (room, user, role, joined_at, read)
         SELECT id, ?, ?, ?, seq FROM rooms WHERE id = ?",
        (person.id.0, standing, work.at(), place.id.0),
    )?;
    let note = Note {
        subject: Some(person.id),
        text: Some(standing.as_str()),
        ..Note::default()
    };
    let what = What::Joined {
        user: person.clone(),
        by: by.filter(|by| by.id != person.id).cloned(),
        standing,
    };
    work.tell_room(place, EventKind::Joined, note, what)?;
    Ok(())
}

pub(super) fn must_be_open(place: &Place, what: &str) -> Result<(), Stop> {
    if place.archived {
        let tell = format!("Room \"{}\" is archived: nobody can {what}.", place.name);
        return Err(Refusal::forbidden(tell).into());
    }
    if place.kind == Kind::Direct {
        let tell = "A direct room keeps its people. Open another with `dm`.";
        return Err(Refusal::forbidden(tell).into());
    }
    Ok(())
}

pub(super) fn must_not_be_banned(
    work: &Work<'_>,
    place: &Place,
    user: &Person,
) -> Result<(), Stop> {
    let sql = "SELECT count(*) FROM bans WHERE room = ? AND user = ?";
    if work.value::<u32>(sql, (place.id.0, user.id.0))? == 0 {
        return Ok(());
    }
    let tell = format!("\"{}\" is banned from \"{}\".", user.name, place.name);
    Err(Refusal::forbidden(tell).into())
}

fn join(work: &mut Work<'_>, name: &RoomName) -> Result<Answer, Stop> {
    let (place, actor) = work.place(name)?;
    if place.standing.is_some() {
        return Ok(Answer::Room(place.id));
    }
    must_be_open(&place, "join")?;
    must_not_be_banned(work, &place, &actor.person)?;
    let standing = standing_of_next(work, &place)?;
    enter(work, &place, &actor.person, None, standing)?;
    Ok(Answer::Room(place.id))
}

/// A room that has lost all of its people is whoever's who comes first.
fn standing_of_next(work: &Work<'_>, place: &Place) -> Result<Standing, Stop> {
    let sql = "SELECT count(*) FROM members WHERE room = ?";
    Ok(match work.value::<u32>(sql, [place.id.0])? {
        0 => Standing::Owner,
        _ => Standing::Member,
    })
}

/// Makes somebody who has just got their account a member.
pub(super) fn welcome(work: &mut Work<'_>, room: RoomId, person: &Person) -> Result<(), Stop> {
    let place = work.place_numbered(room)?;
    let standing = standing_of_next(work, &place)?;
    enter(work, &place, person, None, standing)
}

fn leave(work: &mut Work<'_>, name: &RoomName) -> Result<Answer, Stop> {
    let (place, actor) = work.inside(name, "leaving it")?;
    if place.kind == Kind::Direct {
        let tell = "A direct room keeps its people. Set its level to `nothing` instead.";
        return Err(Refusal::forbidden(tell).into());
    }
    exit(work, &place, &actor.person, None, Exit::Left)?;
    Ok(Answer::Done)
}

/// Ends a membership, and has everybody told, whoever goes included.
pub(super) fn exit(
    work: &mut Work<'_>,
    place: &Place,
    person: &Person,
    by: Option<Person>,
    exit: Exit,
) -> Result<(), Stop> {
    let kind = match exit {
        Exit::Left => EventKind::Left,
        Exit::Removed => EventKind::Removed,
        Exit::Banned => EventKind::Banned,
        Exit::Closed => EventKind::Closed,
    };
    let note = Note {
        subject: Some(person.id),
        ..Note::default()
    };
    let what = What::Left {
        user: person.clone(),
        by,
        exit,
    };
    work.tell_room(place, kind, note, what)?;
    let sql = "DELETE FROM members WHERE room = ? AND user = ?";
    work.execute(sql, (place.id.0, person.id.0))?;
    hand_on(work, place)
}

/// Sees to it that a room with members has an owner: the one who keeps order and has been there
/// for longest.
fn hand_on(work: &mut Work<'_>, place: &Place) -> Result<(), Stop> {
    let sql = "SELECT count(*) FROM members WHERE room = ? AND role = 'owner'";
    if place.kind == Kind::Direct || work.value::<u32>(sql, [place.id.0])? > 0 {
        return Ok(());
    }
    let heir = work.row(
        "SELECT user FROM members WHERE room = ?
         ORDER BY role = 'moderator' DESC, joined_at, user LIMIT 1",
        [place.id.0],
        |row| Ok(UserId(row.get(0)?)),
    )?;
    match heir {
        None => Ok(()),
        Some(heir) => appoint(work, place, heir, Standing::Owner),
    }
}

fn invite(work: &mut Work<'_>, name: &RoomName, user: &UserName) -> Result<Answer, Stop> {
    let (place, by) = match work.by() {
        None => (work.any_place(name)?, None),
        Some(_) => {
            let (place, actor) = work.inside(name, "inviting people to it")?;
            (place, Some(actor.person))
        }
    };
    must_be_open(&place, "be invited")?;
    let person = work.person_named(user)?;
    must_not_be_banned(work, &place, &person)?;
    if work.standing(place.id, person.id)?.is_some() {
        return Ok(Answer::Done);
    }
    let standing = standing_of_next(work, &place)?;
    enter(work, &place, &person, by.as_ref(), standing)?;
    let what = What::Invited {
        room: place.name.clone(),
        id: place.id,
        by,
    };
    work.tell_user(person.id, EventKind::Invited, Some(place.id), None, what)?;
    Ok(Answer::Done)
}

fn remove(work: &mut Work<'_>, name: &RoomName, user: &UserName) -> Result<Answer, Stop> {
    let (place, by) = over(work, name, user, "remove people")?;
    let person = work.person_named(user)?;
    if work.standing(place.id, person.id)?.is_none() {
        let tell = format!("\"{user}\" is no member of \"{name}\".");
        return Err(Refusal::not_found(tell).into());
    }
    exit(work, &place, &person, by, Exit::Removed)?;
    Ok(Answer::Done)
}

/// A room for whoever wants to do something to a member: they have to stand above that member.
fn over(
    work: &Work<'_>,
    name: &RoomName,
    user: &UserName,
    what: &str,
) -> Result<(Place, Option<Person>), Stop> {
    let (place, actor) = work.keeping_order(name, Standing::Moderator, what)?;
    must_be_open(&place, what)?;
    let person = work.person_named(user)?;
    if let (Some(own), Some(theirs)) = (place.standing, work.standing(place.id, person.id)?)
        && actor
            .as_ref()
            .is_some_and(|it| it.role != super::operation::Role::Admin)
        && theirs >= own
        && own != Standing::Owner
    {
        let tell = format!("\"{user}\" keeps order in \"{name}\" as you do: ask an owner.");
        return Err(Refusal::forbidden(tell).into());
    }
    Ok((place, actor.map(|actor| actor.person)))
}

fn ban(
    work: &mut Work<'_>,
    name: &RoomName,
    user: &UserName,
    messages: bool,
) -> Result<Answer, Stop> {
    let (place, by) = over(work, name, user, "ban people")?;
    let person = work.person_named(user)?;
    if by.as_ref().is_some_and(|by| by.id == person.id) {
        return Err(Refusal::field("user", "Nobody bans themselves. Leave the room.").into());
    }
    work.execute(
        "INSERT OR IGNORE INTO bans (room, user, by, at) VALUES (?, ?, ?, ?)",
        (
            place.id.0,
            person.id.0,
            by.as_ref().map(|by| by.id.0),
            work.at(),
        ),
    )?;
    if work.standing(place.id, person.id)?.is_some() {
        exit(work, &place, &person, by, Exit::Banned)?;
    }
    if messages {
        let sql = "SELECT seq FROM rooms WHERE id = ?";
        let last: Seq = work.value(sql, [place.id.0])?;
        removal::unsay(work, &person, (place.id.key(0), place.id.key(last)))?;
    }
    Ok(Answer::Done)
}

fn unban(work: &Work<'_>, name: &RoomName, user: &UserName) -> Result<Answer, Stop> {
    let (place, _) = work.keeping_order(name, Standing::Moderator, "lift bans")?;
    let person = work.person_named(user)?;
    let sql = "DELETE FROM bans WHERE room = ? AND user = ?";
    if work.execute(sql, (place.id.0, person.id.0))? == 0 {
        let tell = format!("\"{user}\" is not banned from \"{name}\".");
        return Err(Refusal::not_found(tell).into());
    }
    Ok(Answer::Done)
}

fn change(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    let Operation::ChangeRoom {
        room,
        title,
        topic,
        kind,
        archived,
        pinned,
    } = operation
    else {
        unreachable!("only a change comes here");
    };
    let is_small = title.is_none() && kind.is_none() && archived.is_none();
    let least = if is_small {
        Standing::Moderator
    } else {
        Standing::Owner
    };
    let (place, actor) = work.keeping_order(room, least, "change it so")?;
    if place.kind == Kind::Direct && (kind.is_some() || title.is_some()) {
        let tell = "A direct room is called after its people, and stays direct.";
        return Err(Refusal::forbidden(tell).into());
    }
    if *kind == Some(Kind::Direct) {
        let tell = "`kind` is `public` or `private`; direct rooms are opened with `dm`.";
        return Err(Refusal::field("kind", tell).into());
    }
    if let Some(Some(seq)) = pinned {
        let sql = "SELECT count(*) FROM messages WHERE key = ? AND deleted_at IS NULL";
        if work.value::<u32>(sql, [place.id.key(*seq)])? == 0 {
            let tell = format!("There is no message {seq} in \"{room}\" to pin.");
            return Err(Refusal::not_found(tell).into());
        }
    }
    let before = facts(work, place.id)?;
    let after = Facts {
        title: title.clone().unwrap_or_else(|| before.title.clone()),
        topic: topic.clone().unwrap_or_else(|| before.topic.clone()),
        kind: kind.unwrap_or(before.kind),
        archived: archived.unwrap_or(before.archived),
        pinned: pinned.unwrap_or(before.pinned),
    };
    if after != before {
        work.execute(
            "UPDATE rooms SET title = ?, topic = ?, kind = ?, pinned = ?,
                 archived_at = CASE WHEN ? THEN coalesce(archived_at, ?) END
             WHERE id = ?",
            (
                after.title.as_str(),
                after.topic.as_str(),
                after.kind,
                after.pinned,
                after.archived,
                work.at(),
                place.id.0,
            ),
        )?;
        let by = actor.map(|actor| actor.person);
        let what = What::Changed { by, facts: after };
        work.tell_room(&place, EventKind::Changed, Note::default(), what)?;
    }
    Ok(Answer::Room(place.id))
}

pub(super) fn facts(work: &Work<'_>, room: RoomId) -> Result<Facts, Stop> {
    let found = work.row(
        "SELECT title, topic, kind, archived_at IS NOT NULL, pinned FROM rooms WHERE id = ?",
        [room.0],
        |row| {
            Ok(Facts {
                title: row.get(0)?,
                topic: row.get(1)?,
                kind: row.get(2)?,
                archived: row.get(3)?,
                pinned: row.get(4)?,
            })
        },
    )?;
    Ok(found.expect("a room that was looked up in this transaction is there"))
}

fn delete(work: &mut Work<'_>, name: &RoomName) -> Result<Answer, Stop> {
    let (place, actor) = work.keeping_order(name, Standing::Owner, "delete it")?;
    if place.kind == Kind::Direct {
        return Err(no_room(name).into());
    }
    let by = actor.map(|actor| actor.person);
    let sql = "SELECT u.id, u.name, u.display_name FROM members m JOIN users u ON u.id = m.user
               WHERE m.room = ? ORDER BY m.user";
    let members = work.rows(sql, [place.id.0], |row| super::work::person(row, 0))?;
    // Nobody inherits a room that is about to go.
    for person in members {
        let note = Note {
            subject: Some(person.id),
            ..Note::default()
        };
        let what = What::Left {
            user: person,
            by: by.clone(),
            exit: Exit::Closed,
        };
        work.tell_room(&place, EventKind::Closed, note, what)?;
    }
    work.execute("DELETE FROM members WHERE room = ?", [place.id.0])?;
    hook::forget_room(work, place.id)?;
    work.execute("DELETE FROM reminders WHERE room = ?", [place.id.0])?;
    work.execute(
        "UPDATE rooms SET deleted_at = ?, name = '~' || id || '~' || name WHERE id = ?",
        (work.at(), place.id.0),
    )?;
    Ok(Answer::Done)
}

fn set_standing(
    work: &mut Work<'_>,
    name: &RoomName,
    user: &UserName,
    standing: Standing,
) -> Result<Answer, Stop> {
    let (place, _) = work.keeping_order(name, Standing::Owner, "say who keeps order")?;
    must_be_open(&place, "keep order")?;
    let person = work.person_named(user)?;
    let Some(before) = work.standing(place.id, person.id)? else {
        let tell = format!("\"{user}\" is no member of \"{name}\".");
        return Err(Refusal::not_found(tell).into());
    };
    let sql = "SELECT count(*) FROM members WHERE room = ? AND role = 'owner'";
    let is_last = before == Standing::Owner && work.value::<u32>(sql, [place.id.0])? == 1;
    if is_last && standing != Standing::Owner {
        let tell = format!("\"{user}\" is the last owner of \"{name}\": name another first.");
        return Err(Refusal::forbidden(tell).into());
    }
    if before != standing {
        appoint(work, &place, person.id, standing)?;
    }
    Ok(Answer::Done)
}

fn appoint(
    work: &mut Work<'_>,
    place: &Place,
    user: UserId,
    standing: Standing,
) -> Result<(), Stop> {
    let sql = "UPDATE members SET role = ? WHERE room = ? AND user = ?";
    work.execute(sql, (standing, place.id.0, user.0))?;
    tell_member(work, place, user)
}

fn mute(
    work: &mut Work<'_>,
    name: &RoomName,
    user: &UserName,
    until: Option<Millis>,
) -> Result<Answer, Stop> {
    let (place, _) = over(work, name, user, "mute people")?;
    let person = work.person_named(user)?;
    let sql = "UPDATE members SET muted_until = ? WHERE room = ? AND user = ?";
    if work.execute(sql, (until, place.id.0, person.id.0))? == 0 {
        let tell = format!("\"{user}\" is no member of \"{name}\".");
        return Err(Refusal::not_found(tell).into());
    }
    tell_member(work, &place, person.id)?;
    Ok(Answer::Done)
}

/// Has everybody told what a member may do now.
fn tell_member(work: &mut Work<'_>, place: &Place, user: UserId) -> Result<(), Stop> {
    let by = work.teller()?;
    let (standing, muted_until): (Standing, Option<Millis>) = work
        .row(
            "SELECT role, muted_until FROM members WHERE room = ? AND user = ?",
            (place.id.0, user.0),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .expect("a member has a row");
    let allowed = match muted_until {
        None => String::from(standing.as_str()),
        Some(until) => format!("{} {until}", standing.as_str()),
    };
    let note = Note {
        subject: Some(user),
        text: Some(&allowed),
        ..Note::default()
    };
    let what = What::Member {
        user: work.person(user)?,
        by,
        standing,
        muted_until,
    };
    work.tell_room(place, EventKind::Member, note, what)?;
    Ok(())
}

fn set_level(work: &mut Work<'_>, name: &RoomName, level: Option<Level>) -> Result<Answer, Stop> {
    let (place, actor) = work.inside(name, "saying what to be told of in it")?;
    let user = actor.person.id;
    let sql = "UPDATE members SET level = ? WHERE room = ? AND user = ?";
    work.execute(sql, (level, place.id.0, user.0))?;
    let what = What::Level {
        room: place.name.clone(),
        level,
    };
    let number = level.map(|level| level as u32);
    work.tell_user(user, EventKind::Level, Some(place.id), number, what)?;
    Ok(Answer::Done)
}
