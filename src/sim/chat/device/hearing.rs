//! # Hearing: what a device is answered and told, and whether that may be

use serde_json::{Value, json};

use super::{Device, Fate, Intent, Mood, Question};
use crate::chat::Answer;
use crate::sim::chat::ear::{Owner, Was};
use crate::sim::chat::errand::Errand;
use crate::sim::chat::fact::{Fact, Heard, body_of_wire, text};
use crate::sim::chat::link::News;
use crate::sim::chat::model::Model;
use crate::sim::chat::{checks, state};

impl Device {
    /// Bytes have come. What is to be said to them is appended to `out`.
    pub(in crate::sim::chat) fn hear(
        &mut self,
        bytes: &[u8],
        model: &Model,
        out: &mut Vec<u8>,
    ) -> Mood {
        let Some(link) = &mut self.link else {
            return Mood::Over;
        };
        for news in link.hear(bytes, out) {
            match news {
                News::Opened => {}
                News::Status(401) => {
                    let token = self.tokens[self.life];
                    assert!(
                        model.ended.contains_key(&token),
                        "signed out: {}'s token is refused though it is good",
                        self.name
                    );
                    self.sign_in();
                    return Mood::Over;
                }
                News::Status(other) => panic!("an upgrade is answered {other}"),
                News::Closed(code) => {
                    assert_ne!(code, Some(1011), "the server has failed");
                    return Mood::Over;
                }
                News::Text(text) if text == "{}" => {
                    if let Some(link) = &mut self.link {
                        out.extend(link.frame("{}"));
                    }
                }
                News::Text(text) => {
                    if let Some(lines) = &mut self.lines {
                        lines.push(format!("◄ {text}"));
                    }
                    let json: Value = serde_json::from_str(&text).expect("texts are JSON");
                    self.told(&json, model);
                }
            }
        }
        Mood::Fine
    }

    /// Takes a new token.
    fn sign_in(&mut self) {
        self.life += 1;
        assert!(self.life < self.tokens.len(), "there are tokens enough");
    }

    fn told(&mut self, json: &Value, model: &Model) {
        if let Some(id) = json["re"].as_i64() {
            return self.answered(id, json, model);
        }
        if json["error"].is_object() {
            // Who types somewhere has no id for the answer.
            return assert!(json["re"].is_null(), "reply: {json}");
        }
        let (id, token) = self.owner();
        let name = self.name.clone();
        let owner = Owner {
            id,
            name: &name,
            token,
        };
        match json["event"].as_str() {
            Some("hello") => {
                if self.must_be_exact {
                    checks::hello(json, model, id);
                }
                self.ear.hello(json, model, &mut self.memory);
            }
            Some("caught_up") => self.ear.caught_up(json, model, owner),
            Some("bye") => {
                let is_out = model.ended.contains_key(&token);
                assert!(
                    json["code"] != 4001 || is_out,
                    "signed out: {name} is though the token is good"
                );
                assert_ne!(json["code"], 4003, "nobody has that many devices");
            }
            Some("message") if json["state"] == true => self.ear.state(json, model),
            Some(_) => {
                if let Some(heard) = Heard::of_wire(json) {
                    self.check_not_early(&heard);
                    self.ear.event(&heard, model, owner, &mut self.memory);
                }
            }
            None => panic!("neither reply nor event: {json}"),
        }
    }

    /// The `ok` of something comes before what it causes.
    fn check_not_early(&self, heard: &Heard) {
        let (Fact::Message { by, key, .. }, Some(body)) = (&heard.fact, &heard.body) else {
            return;
        };
        let waits = self.pending.iter().any(|pending| {
            let Intent { wish, said, .. } = &self.intents[pending.intent];
            let is_new = *said == 1 && !wish.is_reused;
            // Another that was said under this key may have come first, and this one be refused.
            let is_this = wish.said().is_some_and(|(_, said)| said == body.text);
            is_new && wish.key.is_some() && wish.key == *key && is_this
        });
        assert!(*by != self.name || !waits, "early: {heard:?} before its ok");
    }

    fn answered(&mut self, id: i64, json: &Value, model: &Model) {
        self.replies += 1;
        if let Some((_, was, is_ours)) = self.was.take_if(|(it, ..)| *it == id) {
            if json["error"].is_object() {
                let code = text(&json["error"], "code");
                assert!(matches!(code.as_str(), "not_found"), "resume: {json}");
                return;
            }
            let mut ok = json["ok"].clone();
            if let (Was::Versions(asked), true) = (&was, self.resumes_too_far) {
                for (name, room) in ok["rooms"].as_object_mut().into_iter().flatten() {
                    if let (Some(at), true) = (asked.get(name), room["from"].is_u64()) {
                        room["from"] = json!(at);
                    }
                }
            }
            let (id, token) = self.owner();
            let name = self.name.clone();
            let owner = Owner {
                id,
                name: &name,
                token,
            };
            let memory = &mut self.memory;
            self.ear.resumed(&was, is_ours, &ok, model, owner, memory);
            return;
        }
        if let Some(question) = self.asked.remove(&id) {
            return check_answer(&question, json, model, self.id);
        }
        let code = json["error"]["code"].as_str();
        let at = self.pending.iter().position(|it| it.id == id);
        let at = at.unwrap_or_else(|| panic!("reply: nobody waits for {json}"));
        // What is not taken at all is told at once; all else in the order in which it was wanted.
        assert!(
            at == 0 || code == Some("busy"),
            "order: the reply {json} comes before others"
        );
        let pending = self.pending.remove(at).expect("it was found");
        match code {
            None => self.check_ok(pending.intent, true, &json["ok"], model),
            Some("busy" | "storage") => {
                let intent = &mut self.intents[pending.intent];
                if intent.wish.key.is_none() && intent.fate == Fate::Open {
                    intent.fate = Fate::Refused;
                }
            }
            Some(code) => self.check_refusal(pending.intent, pending.was_done, code),
        }
    }

    fn check_refusal(&mut self, which: usize, was_done: bool, code: &str) {
        assert_ne!(code, "internal", "the server has failed");
        let intent = &mut self.intents[which];
        assert!(
            !was_done,
            "once: {:?} was done, and is refused now: {code}",
            intent.wish
        );
        if intent.fate == Fate::Open {
            intent.fate = Fate::Refused;
        }
    }

    /// `is_in_line`: on the connection on which its event comes as well.
    fn check_ok(&mut self, which: usize, is_in_line: bool, ok: &Value, model: &Model) {
        let intent = &mut self.intents[which];
        let wish = &intent.wish;
        let is_repeat = ok["repeat"].as_bool().unwrap_or_default();
        assert!(
            is_repeat || !intent.is_done_anew,
            "once: {wish:?} was done twice"
        );
        assert!(
            !is_repeat || intent.said > 1 || wish.is_reused,
            "once: {wish:?} repeats nothing"
        );
        intent.fate = Fate::Done;
        intent.is_done_anew |= !is_repeat;
        let number = |name: &str| ok[name].as_u64().unwrap_or_default() as u32;
        if let Some((room, said)) = wish.said() {
            let found = model.room_at(room, number("version"));
            let at = number("seq") as usize;
            let message = found.and_then(|it| it.messages.get(at.checked_sub(1)?));
            let is_there = message.is_some_and(|message| {
                let (version, body) = &message.bodies[0];
                message.by == self.name && body.text == said && *version == number("version")
            });
            assert!(is_there, "acknowledged: {wish:?} as {ok}, and not stored");
            let heard = self.ear.has(room, number("version"));
            assert!(
                is_repeat || !heard || !is_in_line,
                "early: {ok} behind its event"
            );
        }
        let Some(key) = &wish.key else { return };
        let kept = model.keys.get(&(self.id, key.clone()));
        let Some((_, answer)) = kept else {
            panic!("acknowledged: {wish:?} as {ok}, and its key is not stored");
        };
        let is_same = match answer {
            Answer::Sent { seq, version, .. } => {
                number("seq") == *seq && number("version") == *version
            }
            Answer::Changed { version, .. } => number("version") == *version,
            Answer::Noted { id, .. } => number("id") == id.0,
            Answer::Read { seq, .. } => number("read") == *seq,
            _ => true,
        };
        assert!(is_same, "acknowledged: {wish:?} as {ok}, not as {answer:?}");
    }

    /// All is quiet, and this must be so.
    pub(in crate::sim::chat) fn check_quiet(&self, model: &Model) -> u64 {
        assert!(
            self.is_content(),
            "quiet: {} still waits: {:?} {:?}",
            self.name,
            self.pending,
            self.link
        );
        let (id, token) = self.owner();
        let name = &self.name;
        self.ear.check_quiet(model, Owner { id, name, token });
        state::check(&self.memory, model, id, name)
    }

    /// A request was answered.
    pub(in crate::sim::chat) fn come_back(
        &mut self,
        errand: &Errand,
        status: u16,
        json: Value,
        model: &Model,
    ) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("◄ {status} {json}"));
        }
        let code = json["error"]["code"].as_str();
        match (errand, status) {
            (_, 401 | 503) | (Errand::SignOut, 204 | 404) => {}
            (Errand::Say(which, _), 200 | 201) => self.check_ok(*which, false, &json, model),
            (Errand::Say(which, was_done), 403 | 404 | 409) => {
                self.check_refusal(*which, *was_done, code.unwrap_or_default());
            }
            (Errand::Ask(question), 200) => {
                check_answer(question, &json!({"ok": json}), model, self.id);
            }
            (Errand::Ask(question), 403 | 404) => check_answer(question, &json, model, self.id),
            (errand, status) => panic!("reply: {errand:?} is answered {status} {json}"),
        }
    }
}

/// Whether a question was answered with what is there.
fn check_answer(question: &Question, json: &Value, model: &Model, user: u32) {
    if json["error"].is_object() {
        let code = text(&json["error"], "code");
        let may = matches!(code.as_str(), "not_a_member" | "not_found");
        assert!(may, "question: {json}");
        return;
    }
    let ok = &json["ok"];
    match question {
        Question::History { least } => {
            let messages = ok["messages"].as_array().expect("messages");
            let mut next = None;
            let mut is_same = false;
            for message in messages {
                let seq = message["seq"].as_u64().expect("a number") as u32;
                assert!(next.is_none_or(|next| next == seq), "history: {json}");
                next = Some(seq + 1);
                let version = message["version"].as_u64().expect("a version") as u32;
                let room = model
                    .room_at(&text(ok, "room"), version)
                    .expect("a room that was there");
                is_same = room.event(least.0).is_some();
                let said = room.messages[seq as usize - 1].bodies.iter();
                let is_true = said
                    .clone()
                    .any(|(at, body)| *at == version && *body == body_of_wire(message));
                assert!(is_true, "history: {message} was never so");
            }
            let last = next.map_or(0, |next| next - 1);
            assert!(
                !is_same || last >= least.1,
                "history: {json} ends before {least:?}"
            );
        }
        Question::Notifications => {
            for note in ok["notifications"].as_array().into_iter().flatten() {
                let id = note["id"].as_u64().expect("a number") as usize;
                let is = &model.notes[id - 1];
                assert!(
                    is.user == user && is.text == text(note, "text"),
                    "notification: {note}"
                );
            }
        }
        Question::Other => {}
    }
}
