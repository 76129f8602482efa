//! # The model's messages and notifications

use std::collections::BTreeSet;

use super::{Judged, Message, Model, Note};
use crate::chat::{Answer, Code, Level, NotificationId, Standing, Style, Tokens};
use crate::sim::chat::fact::{Body, Fact};

impl Model {
    pub(super) fn send(
        &mut self,
        by: u32,
        name: &str,
        (text, style): (&str, Style),
        reply_to: Option<u32>,
        key: Option<String>,
        now: u64,
    ) -> Judged {
        let at = self.inside(by, name)?;
        self.may_speak(at, by, now)?;
        if reply_to.is_some_and(|seq| seq == 0 || seq > self.rooms[at].seq()) {
            return Err(Code::NotFound);
        }
        let seq = self.rooms[at].seq() + 1;
        let fact = Fact::Message {
            seq,
            by: self.name(by),
            key,
            reply_to,
        };
        let version = self.tell_room(at, fact);
        let body = Body {
            text: text.to_owned(),
            action: style == Style::Action,
            ..Body::default()
        };
        let message = Message {
            by: self.name(by),
            bodies: vec![(version, body)],
            calls: BTreeSet::new(),
        };
        self.rooms[at].messages.push(message);
        self.call(at, by, seq, text, "");
        Ok(Answer::Sent {
            room: self.room_id(at),
            seq,
            version,
            at: now,
        })
    }

    fn may_speak(&self, at: usize, by: u32, now: u64) -> Result<(), Code> {
        let room = &self.rooms[at];
        let is_muted = room.members[&by].muted_until.is_some_and(|it| it > now);
        match room.archived || is_muted {
            true => Err(Code::Forbidden),
            false => Ok(()),
        }
    }

    /// Notifies whom a text calls that did not call them before.
    pub(super) fn call(&mut self, at: usize, by: u32, seq: u32, text: &str, before: &str) {
        let calls = |text: &str, name: &str| text.split(' ').any(|word| word[..] == *name);
        let everybody = calls(text, "@room") && !calls(before, "@room");
        let members: Vec<u32> = self.rooms[at].members.keys().copied().collect();
        for user in members {
            let name = format!("@{}", self.name(user));
            let by_name = calls(text, &name) && !calls(before, &name);
            let is_deaf = self.rooms[at].members[&user].level == Some(Level::Nothing);
            let message = &mut self.rooms[at].messages[seq as usize - 1];
            if user == by || is_deaf || !(everybody || by_name) || !message.calls.insert(user) {
                continue;
            }
            let place = (self.rooms[at].id, seq);
            self.note(user, Some(by), Some(place), text);
        }
    }

    /// The message, if it is there and was not deleted.
    pub(super) fn existing(&self, at: usize, seq: u32) -> Result<usize, Code> {
        let room = &self.rooms[at];
        let which = (seq as usize).wrapping_sub(1);
        match room.messages.get(which) {
            None => Err(Code::NotFound),
            Some(message) if message.now().deleted => Err(Code::Gone),
            Some(_) => Ok(which),
        }
    }

    pub(super) fn edit(&mut self, by: u32, name: &str, seq: u32, text: &str, now: u64) -> Judged {
        let at = self.inside(by, name)?;
        self.may_speak(at, by, now)?;
        let which = self.existing(at, seq)?;
        let by_name = self.name(by);
        let message = &self.rooms[at].messages[which];
        if message.by != by_name {
            return Err(Code::Forbidden);
        }
        let before = message.now().text.clone();
        let version = self.tell_room(at, Fact::Edited { seq, by: by_name });
        self.rooms[at].messages[which].change(version, |body| body.text = text.to_owned());
        if !text.split(' ').any(|word| word == "@room") {
            let room = &self.rooms[at];
            let stays = |user: &u32| {
                let name = format!("@{}", self.name(*user));
                !room.members.contains_key(user) || text.split(' ').any(|word| word == name)
            };
            let calls = room.messages[which].calls.iter().copied();
            let calls = calls.filter(stays).collect();
            self.rooms[at].messages[which].calls = calls;
        }
        self.call(at, by, seq, text, &before);
        let room = self.room_id(at);
        Ok(Answer::Changed { room, version })
    }

    pub(super) fn delete(&mut self, by: u32, name: &str, seq: u32) -> Judged {
        let at = match self.inside(by, name) {
            Err(_) if self.is_admin(by) => self.place(by, name)?,
            other => other?,
        };
        let which = self.existing(at, seq)?;
        let by_name = self.name(by);
        let room = &self.rooms[at];
        let keeps_order = self.standing(at, by) >= Some(Standing::Moderator);
        if room.messages[which].by != by_name && !keeps_order && !self.is_admin(by) {
            return Err(Code::Forbidden);
        }
        let version = self.take_back(at, by, seq);
        let room = self.room_id(at);
        Ok(Answer::Changed { room, version })
    }

    /// Deletes a message, and whatever there is because of it.
    pub(super) fn take_back(&mut self, at: usize, by: u32, seq: u32) -> u32 {
        let by = self.name(by);
        let version = self.tell_room(at, Fact::Deleted { seq, by });
        let room = &mut self.rooms[at];
        let message = &mut room.messages[seq as usize - 1];
        message.change(version, Body::delete);
        message.calls.clear();
        let place = Some((room.id, seq));
        for note in self.notes.iter_mut().filter(|note| note.message == place) {
            note.gone = true;
        }
        version
    }

    pub(super) fn react(
        &mut self,
        by: u32,
        name: &str,
        seq: u32,
        (emoji, on): (&str, bool),
        now: u64,
    ) -> Judged {
        let at = self.inside(by, name)?;
        self.may_speak(at, by, now)?;
        let which = self.existing(at, seq)?;
        let by = self.name(by);
        let pair = (emoji.to_owned(), by.clone());
        let is_on = self.rooms[at].messages[which]
            .now()
            .reactions
            .contains(&pair);
        let mut version = self.rooms[at].version();
        if is_on != on {
            let fact = Fact::Reaction {
                seq,
                by: by.clone(),
                emoji: emoji.to_owned(),
                on,
            };
            version = self.tell_room(at, fact);
            let message = &mut self.rooms[at].messages[which];
            message.change(version, |body| body.react(emoji, &by, on));
        }
        let room = self.room_id(at);
        Ok(Answer::Changed { room, version })
    }

    pub(super) fn read(&mut self, by: u32, name: &str, seq: u32) -> Judged {
        let at = self.inside(by, name)?;
        if seq > self.rooms[at].seq() {
            return Err(Code::BadField);
        }
        let member = self.rooms[at].members.get_mut(&by);
        let member = member.expect("who is inside is a member");
        let before = member.read;
        let seq = seq.max(before);
        member.read = seq;
        if seq > before {
            let room = name.to_owned();
            self.tell(by, Fact::Read { room, seq });
        }
        let room = self.room_id(at);
        Ok(Answer::Read { room, seq })
    }

    pub(super) fn note(
        &mut self,
        user: u32,
        by: Option<u32>,
        message: Option<(u32, u32)>,
        text: &str,
    ) -> u32 {
        let id = self.notes.len() as u32 + 1;
        self.notes.push(Note {
            id,
            user,
            message,
            text: text.to_owned(),
            seen: false,
            gone: false,
        });
        let fact = Fact::Notified {
            id,
            from: by.map(|by| self.name(by)),
            text: text.to_owned(),
        };
        self.tell(user, fact);
        id
    }

    pub(super) fn notify(&mut self, by: Option<u32>, to: &str, text: &str, now: u64) -> Judged {
        let to = self.named(to)?;
        let id = NotificationId(self.note(to, by, None, text));
        Ok(Answer::Noted { id, at: now })
    }

    pub(super) fn seen(&mut self, by: u32, id: u32) -> Judged {
        let own = |note: &&mut Note| note.user == by && !note.gone;
        if !self.notes.iter_mut().filter(own).any(|note| note.id == id) {
            return Err(Code::NotFound);
        }
        let mut changed = false;
        for note in self.notes.iter_mut().filter(own) {
            if note.id <= id && !note.seen {
                note.seen = true;
                changed = true;
            }
        }
        if changed {
            self.tell(by, Fact::Seen { id });
        }
        Ok(Answer::Seen)
    }

    pub(super) fn revoke(&mut self, user: &str, which: &Tokens) -> Judged {
        let Tokens::One(token) = which else {
            panic!("nobody ends {which:?}");
        };
        let user = self.named(user)?;
        if self.ended.contains_key(&token.0) {
            return Err(Code::NotFound);
        }
        self.tell(user, Fact::SignedOut);
        self.ended.insert(token.0, self.op);
        Ok(Answer::Done)
    }
}
