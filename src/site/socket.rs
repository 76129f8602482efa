//! # Socket: the protocol `parlour.v1` over one WebSocket
//!
//! Each command gets one reply, `ok` or `error`; events come as they are told. A client may have so
//! many commands under way; further ones are left unread until some are answered.
//!
//! Promises
//! 1. Each command is answered once, those that are stored in the order of their commits.
//! 2. An error never ends the connection.
//! 3. With `hold` nothing is told before the client has said where it was.
//! 4. Whoever falls behind misses nothing: it is fed from the store until it hears again.

use std::rc::Rc;
use std::time::Duration;

use super::behind::Behind;
use super::commands::{Command, Question, command};
use super::crowd::{Seat, State};
use super::fields::{Fields, object};
use super::hall::{Hall, want};
use super::questions;
use super::slash::{self, Typed};
use super::wire::{self, Object};
use super::{announce, presence, resume, scope};
use crate::chat::limits::{HELLO_ROOMS_MAX, TEXT_CHARS_MAX};
use crate::chat::{
    Answer, Code, Identity, Key, Op, Operation, Refusal, RoomId, RoomName, UserId, Verdict, missed,
    notifications, summary,
};
use crate::http::Status;
use crate::layer::Channel;
use crate::reactor::Sent;
use crate::web::{Connect, Consumer, House, Live, Scope, Tick};
use crate::ws::Message;

/// The subprotocol.
pub(super) const PROTOCOL: &str = "parlour.v1";

/// What a client hears at least so often.
pub(super) const HEARTBEAT_S: u32 = 30;

/// What is said when there is nothing else to say.
const BEAT: &str = "{}";

/// Bytes of a message: a text of full length, with every character escaped.
const FRAME_BYTES_MAX: usize = 128 << 10;

/// Commands of a connection that may be under way.
const IN_FLIGHT_MAX: u16 = 64;

/// Pages that a connection is fed in a row, before others have their turn.
const PAGES_IN_A_ROW: usize = 2;

/// Why the server ends a connection, and what its client should do then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bye {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) reconnect: bool,
}

/// Whoever signed in with this has signed out.
pub(super) const SIGNED_OUT: Bye = Bye {
    code: 4001,
    reason: "signed out",
    reconnect: false,
};

/// The token has had its time.
pub(super) const EXPIRED: Bye = Bye {
    code: 4001,
    reason: "your token has expired: sign in again",
    reconnect: false,
};

/// More devices than one person has.
const TOO_MANY: Bye = Bye {
    code: 4003,
    reason: "too many connections: close some of your other devices",
    reconnect: false,
};

/// Nothing came for two heartbeats.
const SILENT: Bye = Bye {
    code: 4008,
    reason: "nothing was heard for two heartbeats",
    reconnect: true,
};

/// Where it was is lost here, as when the database cannot be read: its client knows it still.
const LOST: Bye = Bye {
    code: 4002,
    reason: "connect again and resume",
    reconnect: true,
};

/// The server ends, most likely to start again.
pub(super) const GOING_AWAY: Bye = Bye {
    code: 4004,
    reason: "restarting",
    reconnect: true,
};

/// One WebSocket.
#[derive(Debug)]
pub(super) struct Socket {
    /// Who is about to come: once they are here, the crowd knows them.
    newcomer: Option<Box<Identity>>,
    user: Option<UserId>,
    hold: bool,
    /// What had been told when it opened.
    since: Op,
}

impl Socket {
    pub(super) const fn new() -> Self {
        Self {
            newcomer: None,
            user: None,
            hold: false,
            since: 0,
        }
    }

    fn user(&self) -> UserId {
        self.user.unwrap_or(UserId(0))
    }
}

impl Consumer<Hall> for Socket {
    fn connect(&mut self, scope: &mut Scope<'_, Hall>) -> Connect {
        let identity = match super::auth::identity(scope) {
            Ok(identity) => identity,
            Err(refusal) => {
                let status = super::rest::status(refusal.code);
                return Connect::Reject(status, refusal.message);
            }
        };
        self.hold = scope.request.query("hold").is_some_and(|it| it != "0");
        self.newcomer = Some(Box::new(identity));
        if scope.request.offers_protocol(PROTOCOL) {
            Connect::Protocol(PROTOCOL.to_owned())
        } else if scope.request.field("Sec-WebSocket-Protocol").is_some() {
            let tell = format!("this server speaks the subprotocol {PROTOCOL}");
            Connect::Reject(Status::BAD_REQUEST, tell)
        } else {
            Connect::Accept
        }
    }

    fn opened(&mut self, live: &mut Live<'_, Hall>) {
        self.since = live.state.announced;
        let Some(identity) = self.newcomer.take() else {
            return;
        };
        let channel = live.channel();
        let user = identity.user;
        if !live.state.crowd.has_seat(user) {
            return say_bye(&mut live.house, channel, TOO_MANY);
        }
        self.user = Some(user);
        if let Err(refusal) = self.begin(live, &identity) {
            log::error!("a connection cannot begin: {refusal}");
            live.close(1011, "something went wrong here; it is not your fault");
        }
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Hall>) {
        let user = self.user();
        let channel = live.channel();
        let Message::Text(text) = message else {
            let refusal = Refusal::new(Code::BadJson, "Commands are text, not binary messages.");
            refuse(live, channel, None, &refusal);
            return;
        };
        // The client's own heartbeat: it is there, and nobody has touched it.
        if text.trim() == BEAT {
            return;
        }
        if live.state.crowd.seat_mut(user, channel).is_none() {
            return;
        }
        presence::stir(&mut live.tick(), user, Some(channel));
        self.obey(text, live);
    }

    fn disconnect(&mut self, _: Option<u16>, live: &mut Live<'_, Hall>) {
        let channel = live.channel();
        let Some(user) = self.user.take() else {
            return;
        };
        leave(live.state, &mut live.house, user, channel);
    }

    fn message_bytes_max(&self) -> usize {
        FRAME_BYTES_MAX
    }

    fn may_fall_behind(&self) -> bool {
        true
    }

    fn heartbeat(&self) -> Option<(Duration, String)> {
        Some((Duration::from_secs(HEARTBEAT_S.into()), BEAT.to_owned()))
    }

    fn unanswered(&mut self, live: &mut Live<'_, Hall>) {
        let channel = live.channel();
        say_bye(&mut live.house, channel, SILENT);
    }

    fn fell_behind(&mut self, missed_op: u64, live: &mut Live<'_, Hall>) {
        let user = self.user();
        let channel = live.channel();
        let told = missed_op.saturating_sub(1);
        if let Err(refusal) = fall_behind(live.state, &live.house, (user, channel), told) {
            log::error!("a slow connection cannot be fed: {refusal}");
            say_bye(&mut live.house, channel, LOST);
        }
    }

    fn catch_up(&mut self, live: &mut Live<'_, Hall>) {
        let channel = live.channel();
        feed(live.state, &mut live.house, self.user(), channel);
    }
}

impl Socket {
    /// Seats whoever has come, and says hello.
    fn begin(&self, live: &mut Live<'_, Hall>, identity: &Identity) -> Result<(), Refusal> {
        let channel = live.channel();
        let user = identity.user;
        let rooms = resume::rooms_of(live.state, user, identity.scopes.as_ref())?;
        let hello = hello(live.state, identity, &rooms)?;
        let mut behind = None;
        if self.hold {
            let mut held = resume::at_head(live.state, &rooms);
            held.held = true;
            behind = Some(Box::new(held));
            live.deafen();
        }
        let before = live.state.crowd.state(user);
        let seat = Seat {
            channel,
            token: identity.token,
            expires_at: identity.expires_at,
            away: false,
            active: live.house.now().instant,
            idle: false,
            in_flight: 0,
            scopes: identity.scopes.clone().map(Rc::new),
            only: None,
            watch: None,
            behind,
        };
        live.state
            .crowd
            .sit(user, &identity.name, &identity.display_name, seat);
        live.send(&hello);
        for group in rooms.iter().map(|room| announce::room_group(*room)) {
            live.join(&group).map_err(|refusal| {
                Refusal::new(Code::TooMany, format!("{group} cannot be heard: {refusal}"))
            })?;
        }
        if before != State::Online {
            presence::changed(&mut live.tick(), user, &identity.name);
        }
        Ok(())
    }

    /// Does what a command wants.
    fn obey(&self, text: &str, live: &mut Live<'_, Hall>) {
        let channel = live.channel();
        let map = match object(text.as_bytes()) {
            Ok(map) => map,
            Err(refusal) => return refuse(live, channel, None, &refusal),
        };
        let fields = Fields(&map);
        let id = map.get("id").and_then(serde_json::Value::as_i64);
        let name = match fields.text("do") {
            Ok(name) => name,
            Err(refusal) => return refuse(live, channel, id, &refusal),
        };
        if id.is_none() && (map.contains_key("id") || name != "typing") {
            let refusal = Refusal::field("id", "`id` has to be a whole number of your choice.");
            return refuse(live, channel, None, &refusal);
        }
        let seat = live.state.crowd.seat_mut(self.user(), channel);
        let scopes = seat.and_then(|seat| seat.scopes.clone());
        if let Err(refusal) = scope::must_have(scopes.as_deref(), &scope::of_command(name, fields))
        {
            return refuse(live, channel, id, &refusal);
        }
        match command(name, fields) {
            Err(refusal) => refuse(live, channel, id, &refusal),
            Ok(Command::Want(operation)) => match fields.key() {
                Ok(key) => self.want(live, id, key, operation),
                Err(refusal) => refuse(live, channel, id, &refusal),
            },
            Ok(Command::Run(typed)) => {
                match scope::must_have_commands(scopes.as_deref()).and_then(|()| fields.key()) {
                    Ok(key) => self.run(live, id, key, typed),
                    Err(refusal) => refuse(live, channel, id, &refusal),
                }
            }
            Ok(Command::Ask(Question::Resume)) => self.resume(live, id, fields),
            Ok(Command::Ask(question)) => {
                questions::ask(live, self.user(), id, question, fields);
            }
        }
    }

    fn want(
        &self,
        live: &mut Live<'_, Hall>,
        id: Option<i64>,
        key: Option<Key>,
        operation: Operation,
    ) {
        let channel = live.channel();
        let user = self.user();
        let room = operation.room().cloned();
        self.take_off(live);
        let state = &mut *live.state;
        want(
            state,
            &mut live.house,
            Some(user),
            key,
            operation,
            move |tick, verdict| {
                answer(tick, user, channel, id, room.as_ref(), verdict);
                land(tick, user, channel);
            },
        );
    }

    /// One more command is under way.
    fn take_off(&self, live: &mut Live<'_, Hall>) {
        let channel = live.channel();
        if let Some(seat) = live.state.crowd.seat_mut(self.user(), channel) {
            seat.in_flight += 1;
            if seat.in_flight == IN_FLIGHT_MAX {
                live.house.hold_input(channel);
            }
        }
    }

    /// Does what somebody typed; what is for them alone comes behind the reply.
    fn run(&self, live: &mut Live<'_, Hall>, id: Option<i64>, key: Option<Key>, typed: Typed) {
        let channel = live.channel();
        let user = self.user();
        let room = typed.room.clone();
        let its_key = key.clone();
        self.take_off(live);
        slash::run(&mut live.tick(), user, key, typed, move |tick, done| {
            let json = done.as_ref().map_err(Clone::clone);
            let json = json.and_then(|done| slash::done_json(tick.state, user, &room, done));
            let json = json.map(Object::end);
            match &json {
                Ok(json) => reply(&mut tick.house, channel, id, Ok(json)),
                Err(refusal) => reply(&mut tick.house, channel, id, Err(refusal)),
            }
            let now = tick.house.now().unix_ms;
            let told = done
                .ok()
                .and_then(|done| slash::told(&done, &room, its_key.as_ref(), now));
            if let Some(told) = told {
                tick.house.send_text(channel, &told);
            }
            land(tick, user, channel);
        });
    }

    /// The client says where it was.
    fn resume(&self, live: &mut Live<'_, Hall>, id: Option<i64>, fields: Fields<'_>) {
        let channel = live.channel();
        let user = self.user();
        let heard = (!self.hold).then_some(self.since);
        let rooms = announce::rooms_heard(&live.house, channel);
        let hears = (channel, &rooms[..]);
        match resume::resume(live.state, user, hears, heard, fields) {
            Err(refusal) => {
                refuse(live, channel, id, &refusal);
                if refusal.code.may_retry() {
                    say_bye(&mut live.house, channel, LOST);
                }
            }
            Ok(json) => {
                reply(&mut live.house, channel, id, Ok(&json));
                live.deafen();
                feed(live.state, &mut live.house, user, channel);
            }
        }
    }
}

/// The text with which a connection to these rooms begins, in the order of their numbers.
fn hello(hall: &Hall, identity: &Identity, heard: &[RoomId]) -> Result<String, Refusal> {
    let user = identity.user;
    let (rooms, unseen, latest) = hall.look(|tables, horizon| {
        Ok((
            summary::hello(tables, user, HELLO_ROOMS_MAX, horizon)?,
            notifications::unseen(tables, user, horizon.op)?,
            notifications::notifications(tables, user, None, horizon.op, 10)?,
        ))
    })?;
    // What concerns a person alone is not for a token that is good for some rooms.
    let is_limited = identity.scopes.as_ref().is_some_and(|it| it.is_limited());
    let latest = if is_limited { &[] } else { &latest.items[..] };
    let about = Object::new()
        .text("name", &identity.name)
        .text("display_name", &identity.display_name)
        .text("role", identity.role.as_str())
        .flag("admin", identity.role == crate::chat::Role::Admin)
        .maybe_text("avatar", identity.avatar.as_deref());
    let limits = Object::new()
        .number("text", TEXT_CHARS_MAX as u64)
        .number("frame", FRAME_BYTES_MAX as u64)
        .number("in_flight", IN_FLIGHT_MAX);
    let notes = Object::new()
        .number("unread", if is_limited { 0 } else { unseen })
        .array("latest", latest.iter().map(wire::notification));
    Ok(Object::new()
        .text("event", "hello")
        .text("protocol", PROTOCOL)
        .text("epoch", &hall.epoch)
        .number("op", hall.announced)
        .json("user", &about.end())
        .text("server", concat!("parlour/", env!("CARGO_PKG_VERSION")))
        .number("heartbeat", HEARTBEAT_S)
        .json("limits", &limits.end())
        .texts(
            "features",
            ["hold", "resume.since", "watch", "auth", "commands"],
        )
        .array(
            "rooms",
            rooms
                .items
                .iter()
                .filter(|room| heard.binary_search(&room.id).is_ok())
                .map(|room| wire::room(room).end()),
        )
        .flag("more", rooms.more)
        .json("notifications", &notes.end())
        .end())
}

/// A command was answered.
fn land(tick: &mut Tick<'_, Hall>, user: UserId, channel: Channel) {
    if let Some(seat) = tick.state.crowd.seat_mut(user, channel) {
        seat.in_flight -= 1;
        if seat.in_flight == IN_FLIGHT_MAX / 2 {
            tick.house.release_input(channel);
        }
    }
}

/// Answers a command whose operation was judged.
fn answer(
    tick: &mut Tick<'_, Hall>,
    user: UserId,
    channel: Channel,
    id: Option<i64>,
    room: Option<&RoomName>,
    verdict: &Verdict,
) {
    let json = match verdict {
        Ok(outcome) => answer_json(tick.state, user, room, &outcome.answer, outcome.repeat),
        Err(refusal) => Err(refusal.clone()),
    };
    let json = json.as_deref();
    reply(&mut tick.house, channel, id, json);
}

/// What whoever wanted something is told.
pub(super) fn answer_json(
    hall: &Hall,
    user: UserId,
    room: Option<&RoomName>,
    answer: &Answer,
    repeat: bool,
) -> Result<String, Refusal> {
    answer_object(hall, user, room, answer, repeat).map(Object::end)
}

/// The same, to which more may be added.
pub(super) fn answer_object(
    hall: &Hall,
    user: UserId,
    room: Option<&RoomName>,
    answer: &Answer,
    repeat: bool,
) -> Result<Object, Refusal> {
    let object = match answer {
        Answer::Sent {
            seq, version, at, ..
        } => Object::new()
            .maybe_text("room", room.map(|room| room.as_str()))
            .number("seq", *seq)
            .number("version", *version)
            .text("at", &wire::time::rfc3339(*at)),
        Answer::Changed { version, .. } => Object::new().number("version", *version),
        Answer::Room(id) => match questions::room(hall, user, *id) {
            // It was done, and by now they may not see the room any more.
            Err(refusal) if refusal.code == Code::NotFound => {
                Object::new().maybe_text("room", room.map(|room| room.as_str()))
            }
            found => found?,
        },
        Answer::Noted { id, at } => Object::new()
            .number("id", id.0)
            .text("at", &wire::time::rfc3339(*at)),
        Answer::Reminder { id, due } => Object::new()
            .number("id", *id)
            .text("due", &wire::time::rfc3339(*due)),
        Answer::Read { room, seq } => {
            let head = hall.head(*room);
            let upto = head.seq.max(*seq);
            let mentions =
                hall.look(|tables, _| summary::mentioned(tables, user, *room, *seq, upto))?;
            Object::new()
                .number("read", *seq)
                .number("unread", upto - seq)
                .number("mentions", mentions)
        }
        Answer::Seen => {
            let unseen =
                hall.look(|tables, horizon| notifications::unseen(tables, user, horizon.op))?;
            Object::new().number("unread", unseen)
        }
        Answer::User(id) => Object::new().number("user", id.0),
        Answer::Token(_, id) => Object::new().number("token", id.0),
        Answer::Invite(number) => Object::new().number("invite", *number),
        Answer::Hook(id) => Object::new().number("webhook", id.0),
        Answer::Done => Object::new(),
    };
    Ok(if repeat {
        object.flag("repeat", true)
    } else {
        object
    })
}

/// Says that something was not done, and counts that.
pub(super) fn refuse(
    live: &mut Live<'_, Hall>,
    channel: Channel,
    id: Option<i64>,
    refusal: &Refusal,
) {
    live.state.counts.refused(refusal);
    reply(&mut live.house, channel, id, Err(refusal));
}

/// Says the one reply to a command.
pub(super) fn reply(
    house: &mut House<'_, Hall>,
    channel: Channel,
    id: Option<i64>,
    json: Result<&str, &Refusal>,
) {
    let re = id.map_or_else(|| "null".to_owned(), |id| id.to_string());
    let object = Object::new().json("re", &re);
    let text = match json {
        Ok(json) => object.json("ok", json).end(),
        Err(refusal) => object.json("error", &wire::refusal(refusal)).end(),
    };
    house.send_text(channel, &text);
}

/// A connection that has been told everything up to an op hears no more, and is to be told the rest.
pub(super) fn fall_behind(
    hall: &mut Hall,
    house: &House<'_, Hall>,
    (user, channel): (UserId, Channel),
    op: Op,
) -> Result<(), Refusal> {
    let mut behind = Behind::since(op);
    hall.reader.query(|tables| {
        for room in announce::rooms_heard(house, channel) {
            let version = missed::version_at(tables, room, op)?;
            behind.enter(room, version.min(hall.head(room).version));
        }
        Ok(())
    })?;
    if let Some(seat) = hall.crowd.seat_mut(user, channel) {
        for (who, parting) in &hall.partings {
            if *who == user && parting.op > op && seat.wants(&parting.name) {
                behind.has_left(parting);
            }
        }
        seat.behind = Some(Box::new(behind));
    }
    Ok(())
}

/// Tells a connection what it has not been told yet, as much as it takes; when that is everything,
/// it hears again.
pub(super) fn feed(hall: &mut Hall, house: &mut House<'_, Hall>, user: UserId, channel: Channel) {
    let taken = hall
        .crowd
        .seat_mut(user, channel)
        .and_then(|seat| seat.behind.take());
    let Some(mut behind) = taken else {
        return;
    };
    let is_limited = hall.crowd.is_limited(user, channel);
    let mut pages = 0;
    let is_fed = loop {
        let page = match behind.page(hall, user) {
            Ok(page) => page,
            Err(error) => {
                log::error!("a slow connection cannot be fed: {error}");
                say_bye(house, channel, LOST);
                break false;
            }
        };
        if page.is_empty() {
            break behind.is_over(hall) && house.hear(channel);
        }
        let mut is_full = false;
        for parcel in &page {
            behind.advance(parcel);
            let is_silent = parcel.is_silent() || (is_limited && parcel.is_personal());
            if !is_silent && house.send_text(channel, &parcel.told.json) != Sent::Queued {
                is_full = true;
                break;
            }
        }
        pages += 1;
        if is_full {
            break false;
        }
        if pages == PAGES_IN_A_ROW {
            // Whoever takes everything at once is not to keep the others waiting.
            house.after(Duration::ZERO, move |tick| {
                feed(tick.state, &mut tick.house, user, channel);
            });
            break false;
        }
    };
    if !is_fed && let Some(seat) = hall.crowd.seat_mut(user, channel) {
        // Whoever fell behind anew meanwhile knows better.
        seat.behind.get_or_insert(behind);
    }
}

/// A connection has ended.
pub(super) fn leave(hall: &mut Hall, house: &mut House<'_, Hall>, user: UserId, channel: Channel) {
    let before = hall.crowd.state(user);
    if let Some(seat) = hall.crowd.seat_mut(user, channel) {
        hall.uses.note(seat.token, house.now().unix_ms);
    }
    let is_last = hall.crowd.stand_up(user, channel, house.now().unix_ms);
    let mut tick = Tick {
        state: hall,
        house: house.again(),
    };
    presence::parted(&mut tick, user, before, is_last);
}

/// Ends a connection that the server wants to end.
pub(super) fn part(tick: &mut Tick<'_, Hall>, user: UserId, channel: Channel, bye: Bye) {
    say_bye(&mut tick.house, channel, bye);
    leave(tick.state, &mut tick.house, user, channel);
}

fn say_bye(house: &mut House<'_, Hall>, channel: Channel, bye: Bye) {
    bye_after(house, channel, bye, None);
}

/// The same, with a time after which to come back.
pub(super) fn bye_after(
    house: &mut House<'_, Hall>,
    channel: Channel,
    bye: Bye,
    retry_after_ms: Option<u64>,
) {
    let mut object = Object::new()
        .text("event", "bye")
        .number("code", bye.code)
        .text("reason", bye.reason)
        .flag("reconnect", bye.reconnect);
    if let Some(ms) = retry_after_ms {
        object = object.json("retry_after", &format!("{}.{:03}", ms / 1000, ms % 1000));
    }
    house.deafen(channel);
    house.send(channel, &crate::web::Event::new("bye", object.end()));
    house.close(channel, bye.code, bye.reason);
}
