//! # Talk: messages as a page shows them
//!
//! Grouped by day, and by person where one goes on within a few minutes, as `timeline.js` does it.

use std::collections::HashMap;

use minijinja::Value;

use super::{markdown, moment};
use crate::chat::{Attachment, Message, Millis, Seq, Style, UserName, people};
use crate::http::form::push_encoded;
use crate::site::hall::Hall;
use crate::site::wire::time::rfc3339;
use crate::web::context;

/// Messages of one person within this time stand together.
const TOGETHER_MS: Millis = 5 * 60 * 1000;

/// Letters of a message that is quoted.
const QUOTED_CHARS: usize = 120;

/// Colours for those without a picture.
const TONES: u32 = 10;

/// Who looks at it.
pub(super) struct Reader<'a> {
    pub(super) name: &'a UserName,
    /// May take away what others said.
    pub(super) moderates: bool,
    /// Up to where they have read.
    pub(super) read: Seq,
}

/// Days with their messages.
pub(super) fn days(hall: &Hall, messages: &[Message], reader: &Reader<'_>) -> Vec<Value> {
    let faces = faces(hall, messages);
    let quoted: HashMap<Seq, &Message> = messages.iter().map(|it| (it.seq, it)).collect();
    let mut days: Vec<(String, Vec<Value>)> = Vec::new();
    let mut before: Option<&Message> = None;
    for message in messages {
        let day = moment::day(message.at);
        let is_same_day = days.last().is_some_and(|(last, _)| *last == day);
        if !is_same_day {
            days.push((day, Vec::new()));
            before = None;
        }
        let is_new = reader.read > 0
            && message.seq > reader.read
            && before_of(messages, message).is_some_and(|it| it.seq <= reader.read);
        let follows = !is_new
            && before.is_some_and(|it| {
                it.from.id == message.from.id && message.at.saturating_sub(it.at) < TOGETHER_MS
            });
        let answers = message.reply_to.map(|seq| quote(seq, &quoted));
        let own = message.from.name == *reader.name;
        let is_there = message.deleted_at.is_none();
        let said = context! {
            seq => message.seq,
            name => message.from.name.as_str(),
            display_name => message.from.display_name.as_str(),
            face => faces.get(&message.from.name),
            at => rfc3339(message.at),
            clock => moment::clock(message.at),
            follows,
            is_new,
            own,
            action => message.style == Style::Action,
            deleted => !is_there,
            may_delete => is_there && (own || reader.moderates),
            edited => is_there && message.edited_at.is_some(),
            html => Value::from_safe_string(markdown::html(&message.text)),
            answers,
            file => message.attachment.as_ref().map(file),
            reactions => reactions(message),
        };
        if let Some((_, said_that_day)) = days.last_mut() {
            said_that_day.push(said);
        }
        before = Some(message);
    }
    let titled = days.into_iter().zip(first_of_days(messages));
    let day = |((date, messages), at)| {
        context! { date, title => moment::said_day(at), messages }
    };
    titled.map(day).collect()
}

/// The message before one of a page.
fn before_of<'m>(messages: &'m [Message], message: &Message) -> Option<&'m Message> {
    let at = messages.partition_point(|it| it.seq < message.seq);
    at.checked_sub(1).map(|before| &messages[before])
}

/// When the first message of each day was said.
fn first_of_days(messages: &[Message]) -> Vec<Millis> {
    let mut firsts: Vec<Millis> = Vec::new();
    for message in messages {
        let last = firsts.last().map(|at| moment::day(*at));
        if last != Some(moment::day(message.at)) {
            firsts.push(message.at);
        }
    }
    firsts
}

fn quote(seq: Seq, known: &HashMap<Seq, &Message>) -> Value {
    let message = known.get(&seq);
    let name = message.map(|it| it.from.display_name.as_str());
    let gist = message.map(|it| gist(it)).unwrap_or_default();
    context! { seq, name, gist }
}

/// What a message says, in a line.
pub(super) fn gist(message: &Message) -> String {
    if message.deleted_at.is_some() {
        return "This message was deleted.".to_owned();
    }
    let file = message.attachment.as_ref().map(|file| &*file.name);
    let text = match (message.text.is_empty(), file) {
        (true, Some(file)) => file,
        _ => &message.text,
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn file(file: &Attachment) -> Value {
    let mut url = format!("/api/v1/uploads/{}/", file.id);
    push_encoded(&mut url, &file.name);
    let is_image = [
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
    ]
    .contains(&&*file.media);
    let frame = file.size.map(frame);
    context! { url, name => &*file.name, is_image, frame, size => size(file.bytes) }
}

/// How large a picture is shown, as the style sheet has room for it.
fn frame((width, height): (u32, u32)) -> (u32, u32) {
    let scale = (480.0 / f64::from(width)).min(240.0 / f64::from(height));
    let side = |side: u32| ((f64::from(side) * scale.min(1.0)).round() as u32).max(1);
    (side(width), side(height))
}

/// How large something is: `3 KB`.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

fn reactions(message: &Message) -> Vec<Value> {
    let each = message.reactions.iter().map(|reaction| {
        let names: Vec<&str> = reaction.users.iter().map(|it| it.as_str()).collect();
        context! {
            emoji => reaction.emoji.as_str(),
            count => names.len(),
            names => names.join(", "),
        }
    });
    each.collect()
}

/// The pictures of those who speak.
fn faces(hall: &Hall, messages: &[Message]) -> HashMap<UserName, Value> {
    let mut faces = HashMap::new();
    for message in messages {
        let name = &message.from.name;
        if faces.contains_key(name) {
            continue;
        }
        let face = face(hall, name, &message.from.display_name);
        faces.insert(name.clone(), face);
    }
    faces
}

/// Somebody's picture, or what stands for it.
pub(super) fn face(hall: &Hall, name: &UserName, display_name: &str) -> Value {
    let profile = hall.reader.query(|tables| people::profile(tables, name));
    let avatar = profile.ok().flatten().and_then(|it| it.avatar);
    let picture = avatar.map(|id| format!("/api/v1/uploads/{id}/avatar"));
    let (letters, tone) = (initials(display_name), tone(name));
    context! { picture, letters, tone }
}

/// Which colour a name gets, as `avatar.js` chooses it.
fn tone(name: &str) -> u32 {
    let add = |sum: u32, letter: char| sum.wrapping_mul(31).wrapping_add(u32::from(letter));
    name.chars().fold(7, add) % TONES
}

/// `Ana María Ruiz` is AR.
fn initials(name: &str) -> String {
    let words: Vec<&str> = name
        .split(|c: char| c.is_whitespace() || ",._-".contains(c))
        .filter(|word| word.contains(char::is_alphanumeric))
        .collect();
    let first = |word: &&str| word.chars().find(|c| c.is_alphanumeric());
    let ends = match words.as_slice() {
        [] => return "?".to_owned(),
        [one] => vec![one],
        [one, .., last] => vec![one, last],
    };
    let letters = ends.into_iter().filter_map(first);
    letters.flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_have_letters_and_a_colour() {
        assert_eq!(initials("Ana María Ruiz"), "AR");
        assert_eq!(initials("ana"), "A");
        assert_eq!(initials("-"), "?");
        assert_eq!(initials("ßeta"), "SS");
        // As in `avatar.js`.
        assert_eq!(tone("ana"), (((7 * 31 + 97) * 31 + 110) * 31 + 97) % 10);
    }

    #[test]
    fn sizes_are_said_in_round_numbers() {
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1001), "2 KB");
        assert_eq!(size(2_350_000), "2.3 MB");
    }
}
