//! # Notifications: what somebody is to know, wherever they are
//!
//! Stored before it is told, so that whoever is away finds it later, on every device.

use super::apply::Stop;
use super::event::{EventKind, Notice, Notification, Person, What};
use super::id::{NotificationId, Seq, UserId};
use super::name::{Text, UserName};
use super::operation::Operation;
use super::outcome::Answer;
use super::place::Place;
use super::refusal::Refusal;
use super::work::Work;

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::Notify { to, text } => notify(work, to, text),
        Operation::Seen { id } => seen(work, *id),
        other => unreachable!("{other:?} is not about notifications"),
    }
}

fn notify(work: &mut Work<'_>, to: &UserName, text: &Text) -> Result<Answer, Stop> {
    let from = match work.by() {
        None => None,
        Some(_) => Some(work.actor()?.person),
    };
    let to = work.person_named(to)?;
    let id = store(work, to.id, Notice::Note, from, None, text)?;
    Ok(Answer::Noted { id, at: work.at() })
}

/// A message in a room mentions somebody.
pub(super) fn mention(
    work: &mut Work<'_>,
    user: UserId,
    by: &Person,
    place: &Place,
    seq: Seq,
    text: &Text,
) -> Result<(), Stop> {
    store(
        work,
        user,
        Notice::Mention,
        Some(by.clone()),
        Some((place, seq)),
        text,
    )?;
    Ok(())
}

/// Stores a notification, and tells it.
pub(super) fn store(
    work: &mut Work<'_>,
    user: UserId,
    kind: Notice,
    from: Option<Person>,
    place: Option<(&Place, Seq)>,
    text: &Text,
) -> Result<NotificationId, Stop> {
    let op = work.op_for_user()?;
    let id = work.value(
        "INSERT INTO notifications (user, op, at, kind, by, room, seq, text)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            user.0,
            op,
            work.at(),
            match kind {
                Notice::Note => "note",
                Notice::Mention => "mention",
            },
            from.as_ref().map(|from| from.id.0),
            place.map(|(place, _)| place.id.0),
            place.map(|(_, seq)| seq),
            text.as_str(),
        ),
    )?;
    let room = place.map(|(place, _)| place.id);
    let what = What::Notified(Notification {
        id: NotificationId(id),
        kind,
        from,
        room: place.map(|(place, seq)| (place.name.clone(), seq)),
        text: text.as_str().into(),
        at: work.at(),
        seen: false,
    });
    work.note_for_user(user, op, EventKind::Notified, room, Some(id), what)?;
    Ok(NotificationId(id))
}

/// Everything up to `id` is seen.
fn seen(work: &mut Work<'_>, id: NotificationId) -> Result<Answer, Stop> {
    let user = work.actor()?.person.id;
    let sql = "SELECT count(*) FROM notifications WHERE id = ? AND user = ?";
    if work.value::<u32>(sql, (id.0, user.0))? == 0 {
        let tell = format!("You have no notification {}.", id.0);
        return Err(Refusal::not_found(tell).into());
    }
    let sql = "UPDATE notifications SET seen_at = ?
               WHERE user = ? AND id <= ? AND seen_at IS NULL";
    if work.execute(sql, (work.at(), user.0, id.0))? > 0 {
        work.tell_user(user, EventKind::Seen, None, Some(id.0), What::Seen(id))?;
    }
    Ok(Answer::Seen)
}
