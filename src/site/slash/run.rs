//! # Run: doing what somebody typed
//!
//! Promises
//! 1. Whoever asks is answered once, after the commit if anything is stored.
//! 2. Said again under the same key, what is stored is stored once.

use super::reply::{Asked, Does, Reply};
use super::typed::Typed;
use crate::chat::limits::TEXT_CHARS_MAX;
use crate::chat::{
    Answer, Code, Hit, Key, Kind, Operation, Part, Refusal, RoomId, RoomName, Standing, Text,
    UserId, Verdict, hooks, is_used, people, summary,
};
use crate::site::hall::{Hall, want};
use crate::site::questions::find;
use crate::site::socket::answer_object;
use crate::site::wire::Object;
use crate::site::wire::time::rfc3339;
use crate::site::{searching, wire};
use crate::web::{Tick, Wait};

/// What came of a command.
#[derive(Clone, Debug)]
pub(in crate::site) struct Done {
    command: String,
    /// There is no such command.
    unknown: bool,
    /// What was stored, and whether it had been before.
    pub(in crate::site) stored: Option<(Answer, bool)>,
    /// For whoever asked alone.
    pub(in crate::site) told: Option<String>,
}

type Then = Box<dyn FnOnce(&mut Tick<'_, Hall>, Result<Done, Refusal>)>;

/// A command while it is done.
struct Course {
    user: UserId,
    key: Option<Key>,
    typed: Typed,
    /// Why they may not, as far as is known here. What is stored is judged once more, when all is that
    /// was wanted before; and what was stored before is answered as it was then.
    doubt: Option<Refusal>,
    /// Something was done under this key before.
    is_again: bool,
    then: Then,
}

/// Does what somebody typed. `then` is called with what came of it, before others are told.
pub(in crate::site) fn run(
    tick: &mut Tick<'_, Hall>,
    user: UserId,
    key: Option<Key>,
    typed: Typed,
    then: impl FnOnce(&mut Tick<'_, Hall>, Result<Done, Refusal>) + 'static,
) {
    let mut course = Course {
        user,
        key,
        typed,
        doubt: None,
        is_again: false,
        then: Box::new(then),
    };
    match course.reply(tick) {
        Ok(reply) => course.go_on(tick, reply),
        Err(refusal) => course.refuse(tick, refusal),
    }
}

impl Course {
    fn reply(&mut self, tick: &mut Tick<'_, Hall>) -> Result<Reply, Refusal> {
        let asked = self.asked(tick)?;
        let commands = &tick.state.commands;
        let Some(command) = commands.find(&self.typed.name) else {
            if self.is_handed_over(tick.state, asked.room_id)? {
                let operation = Operation::HandOver {
                    room: self.typed.room.clone(),
                    command: self.typed.name.clone(),
                    text: self.typed.whole.clone(),
                };
                return Ok(Reply(Does::Want(operation, None)));
            }
            let tell = commands.unknown(&asked, &self.typed.name);
            return Ok(match self.typed.attachment {
                None => Reply(Does::Unknown(tell)),
                Some(_) => Reply::wrong(tell),
            });
        };
        command.fits(asked.kind)?;
        if let Err(refusal) = command.allowed(asked.standing, asked.is_admin) {
            self.doubt.get_or_insert(refusal);
        }
        match &self.doubt {
            // Whether an app's own may be used is known here and nowhere else.
            Some(refusal) if !command.is_judged() && !self.is_again => Err(refusal.clone()),
            _ => command.run(tick, &asked),
        }
    }

    /// Whether a hook of the room takes it.
    fn is_handed_over(&self, hall: &Hall, room: RoomId) -> Result<bool, Refusal> {
        let found = hall.look(|tables, _| hooks::commands(tables, room))?;
        Ok(found.iter().any(|(name, _)| *name == self.typed.name))
    }

    /// The room, and what whoever asks is in it.
    fn place(&self, hall: &Hall) -> Result<(RoomId, Kind, Standing), Refusal> {
        let name = &self.typed.room;
        let (room, _) = find(hall, self.user, name)?;
        let found =
            hall.look(|tables, horizon| summary::summary(tables, room, self.user, horizon))?;
        let joined = found.and_then(|it| Some((room, it.facts.kind, it.joined?.standing)));
        joined.ok_or_else(|| {
            let tell = format!("Join room \"{name}\" before sending to it.");
            Refusal::new(Code::NotAMember, tell)
        })
    }

    /// Who asks, and where.
    fn asked(&mut self, tick: &mut Tick<'_, Hall>) -> Result<Asked, Refusal> {
        let (hall, user) = (&mut *tick.state, self.user);
        let name = &self.typed.room;
        let key = self.key.as_ref();
        let (is_again, person, is_admin) = hall.look(|tables, _| {
            Ok((
                key.map_or(Ok(false), |key| is_used(tables, user, key))?,
                people::face(tables, user)?,
                summary::is_admin(tables, user)?,
            ))
        })?;
        self.is_again = is_again;
        let (room, kind, standing) = match self.place(hall) {
            Err(refusal) if matches!(refusal.code, Code::NotFound | Code::NotAMember) => {
                self.doubt = Some(refusal);
                (RoomId(0), Kind::Public, Standing::Member)
            }
            place => place?,
        };
        let gone = || Refusal::new(Code::Unauthenticated, "Sign in first.");
        let (person, _) = person.ok_or_else(gone)?;
        let random = match &self.key {
            Some(key) => hall.drawn_for(user, key),
            None => hall.random(),
        };
        Ok(Asked {
            rest: self.typed.rest.clone(),
            offset: self.typed.offset,
            room: name.clone(),
            room_id: room,
            kind,
            user,
            name: person.name,
            display_name: person.display_name,
            standing,
            is_admin,
            at: tick.house.now().unix_ms,
            random,
        })
    }

    fn end(
        self,
        tick: &mut Tick<'_, Hall>,
        stored: Option<(Answer, bool)>,
        told: Option<String>,
        unknown: bool,
    ) {
        let command = self.typed.name;
        let done = Done {
            command,
            unknown,
            stored,
            told,
        };
        (self.then)(tick, Ok(done));
    }

    /// Refuses what never came to be stored.
    fn refuse(self, tick: &mut Tick<'_, Hall>, refusal: Refusal) {
        tick.state.counts.refused(&refusal);
        (self.then)(tick, Err(refusal));
    }

    fn go_on(self, tick: &mut Tick<'_, Hall>, reply: Reply) {
        let room = self.typed.room.clone();
        if self.typed.attachment.is_some() && !matches!(reply.0, Does::Say(..) | Does::Refuse(_)) {
            let tell = format!("/{} takes no file. Send the file alone.", self.typed.name);
            return self.refuse(tick, Refusal::field("attachment", tell));
        }
        let is_judged = match &reply.0 {
            Does::Say(..) | Does::Bot(_) => true,
            Does::Want(operation, _) => operation.room().is_some() || self.is_again,
            _ => false,
        };
        if let Some(refusal) = self.doubt.clone().filter(|_| !is_judged) {
            return self.refuse(tick, refusal);
        }
        match reply.0 {
            Does::Unknown(text) => self.end(tick, None, Some(text), true),
            Does::Tell(text) => self.end(tick, None, Some(text), false),
            Does::Refuse(refusal) => self.refuse(tick, refusal),
            Does::Say(text, style) => {
                let text = match Text::parse("text", &text) {
                    Ok(text) => text,
                    Err(refusal) => return self.refuse(tick, refusal),
                };
                let operation = Operation::Send {
                    room,
                    text,
                    reply_to: self.typed.reply_to,
                    attachment: self.typed.attachment.clone(),
                    style,
                };
                self.want(tick, operation, |_| None);
            }
            Does::Bot(text) => {
                let text = match Text::parse("text", &cut(text)) {
                    Ok(text) => text,
                    Err(refusal) => return self.refuse(tick, refusal),
                };
                let asked = self.typed.whole.clone();
                self.want(tick, Operation::BotSay { room, asked, text }, |_| None);
            }
            Does::Want(operation, tell) => {
                self.want(tick, operation, |answer| tell.map(|tell| tell(answer)));
            }
            Does::Search(asked) => {
                searching::find(tick, asked, move |tick, found| match found {
                    Ok(hits) => self.end(tick, None, Some(found_text(&hits)), false),
                    Err(refusal) => self.refuse(tick, refusal),
                });
            }
            Does::Later(job) => {
                tick.house
                    .wait(Wait::on_helper(job), move |tick, reply| match reply {
                        Ok(reply) => self.go_on(tick, reply),
                        Err(_) => {
                            let tell =
                                "Too much is being looked up just now. Try again in a moment.";
                            self.refuse(tick, Refusal::later(Code::Busy, tell, 1000));
                        }
                    });
            }
        }
    }

    fn want(
        self,
        tick: &mut Tick<'_, Hall>,
        operation: Operation,
        tell: impl FnOnce(&Answer) -> Option<String> + 'static,
    ) {
        let (user, key) = (Some(self.user), self.key.clone());
        let then = move |tick: &mut Tick<'_, Hall>, verdict: &Verdict| match verdict {
            Ok(outcome) => {
                let told = tell(&outcome.answer);
                let stored = (outcome.answer.clone(), outcome.repeat);
                self.end(tick, Some(stored), told, false);
            }
            Err(refusal) => (self.then)(tick, Err(refusal.clone())),
        };
        want(tick.state, &mut tick.house, user, key, operation, then);
    }
}

/// As much of a text as a message takes.
fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
        let last = text[..end].char_indices().next_back();
        text.truncate(last.map_or(0, |(at, _)| at));
        text.push('…');
    }
    text
}

/// What was found, a line each.
fn found_text(hits: &Part<Hit>) -> String {
    if hits.items.is_empty() {
        return "Nothing was found.".to_owned();
    }
    let lines = hits.items.iter().map(|hit| {
        let message = &hit.message;
        let (name, seq) = (&hit.name, message.seq);
        let (day, who) = (&rfc3339(message.at)[..10], &message.from.display_name);
        format!(
            "#{name}/{seq}, {day}, {}: {}",
            who.as_str(),
            hit.snippet.text
        )
    });
    let more = hits
        .more
        .then(|| "There is more: search for less.".to_owned());
    lines.chain(more).collect::<Vec<_>>().join("\n")
}

/// What whoever asked is answered, `ok`.
pub(in crate::site) fn done_json(
    hall: &Hall,
    user: UserId,
    room: &RoomName,
    done: &Done,
) -> Result<Object, Refusal> {
    let object = match &done.stored {
        Some((answer @ Answer::Sent { .. }, repeat)) => {
            answer_object(hall, user, Some(room), answer, *repeat)?
        }
        Some((answer @ Answer::Reminder { .. }, repeat)) => {
            answer_object(hall, user, None, answer, *repeat)?.text("room", room)
        }
        Some((_, true)) => Object::new().text("room", room).flag("repeat", true),
        _ => Object::new().text("room", room),
    };
    let object = object.text("command", &done.command);
    Ok(match done.unknown {
        true => object.flag("unknown", true),
        false => object,
    })
}

/// What is for whoever asked alone, as an event without a version.
pub(in crate::site) fn told(
    done: &Done,
    room: &RoomName,
    key: Option<&Key>,
    at: u64,
) -> Option<String> {
    let text = done.told.as_deref()?;
    Some(wire::answer(
        room,
        &done.command,
        text,
        key.map(|key| key.as_str()),
        at,
    ))
}
