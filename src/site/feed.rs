//! # Feed: events without a WebSocket
//!
//! A client that cannot have a WebSocket listens to Server-Sent Events, or asks again and again and
//! waits a while each time. Both say where they were, as versions or as the last op, and are told
//! the same events as on a WebSocket, in the order of their ops: whoever breaks off goes on from the
//! last one.
//!
//! Promises
//! 1. An event's id is `epoch.op`; everything up to it has been told.
//! 2. What the client has no room for is told from the store when it has.
//! 3. Whoever waits is answered with the first events, or with none when the time is over.

use std::rc::Rc;
use std::time::Duration;

use super::crowd::Seat;
use super::hall::Hall;
use super::resume::{self, Start};
use super::socket::{fall_behind, leave};
use super::wire::Object;
use super::{announce, presence};
use crate::chat::{Identity, Op, Refusal, RoomName, UserId};
use crate::http::event_stream;
use crate::reactor::Sent;
use crate::web::{Event, Feed, Flow, TimerId, Wait};

/// Silence after which a comment is written. Proxies give up after a minute or so.
const BEAT: Duration = Duration::from_secs(15);

/// Events of one answer to whoever waits.
pub(super) const POLL_EVENTS_MAX: u32 = 500;

/// Pages that a stream is fed in a row, before others have their turn.
const PAGES_IN_A_ROW: usize = 2;

/// What the feed says to itself when a time is over.
const TIME: &str = "time";

/// How a client listens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// Server-Sent Events, without an end.
    Stream,
    /// One answer with so many events at most, after this time at the latest.
    Poll(Duration, usize),
}

/// One stream of events, or one answer that waits for some.
#[derive(Debug)]
pub(super) struct EventFeed {
    identity: Identity,
    start: Start,
    only: Option<Rc<[RoomName]>>,
    way: Way,
    /// It is told all that it missed, however much that is.
    is_durable: bool,
    timer: Option<TimerId>,
    is_seated: bool,
    /// Nothing is left that it has to be told first. Its seat does not say that: who is signed out has
    /// none, and is still told what was said before.
    hears: bool,
    /// Everything up to here was told. What waits to be said to this feed may have come later.
    told: Op,
    /// What it is told of where it is now, if it has to read something anew.
    reset: Option<String>,
}

impl EventFeed {
    /// `only` are the rooms of which it wants to be told, if not of all.
    pub(super) fn new(
        identity: Identity,
        start: Start,
        only: Option<Rc<[RoomName]>>,
        way: Way,
    ) -> Self {
        Self {
            identity,
            start,
            only,
            way,
            is_durable: false,
            timer: None,
            is_seated: false,
            hears: false,
            told: 0,
            reset: None,
        }
    }

    /// It is told all that it missed, however much that is.
    pub(super) const fn durable(mut self, is_durable: bool) -> Self {
        self.is_durable = is_durable;
        self
    }

    fn user(&self) -> UserId {
        self.identity.user
    }

    /// Seats whoever listens, where they say that they were.
    fn begin(&mut self, flow: &mut Flow<'_, Hall>) -> Result<(), Refusal> {
        let (user, channel) = (self.user(), flow.channel());
        let behind = resume::at_head(
            flow.state,
            &resume::rooms_of(flow.state, user, self.identity.scopes.as_ref())?,
        );
        let seat = Seat {
            channel,
            token: self.identity.token,
            expires_at: self.identity.expires_at,
            away: false,
            active: flow.house.now().instant,
            idle: false,
            in_flight: 0,
            scopes: self.identity.scopes.clone().map(Rc::new),
            only: self.only.clone(),
            watch: None,
            behind: Some(Box::new(behind)),
        };
        let before = flow.state.crowd.state(user);
        let Identity {
            name, display_name, ..
        } = &self.identity;
        flow.state.crowd.sit(user, name, display_name, seat);
        self.is_seated = true;
        let only = self.only.as_deref();
        let resumed = resume::start(
            flow.state,
            (user, channel),
            &self.start,
            only,
            self.is_durable,
        )?;
        for group in resumed.rooms.iter().map(|room| announce::room_group(*room)) {
            flow.join(&group).map_err(too_many)?;
        }
        self.reset = resumed.is_reset.then(|| resumed.json.clone());
        if matches!(self.way, Way::Stream) {
            let json = Object::new()
                .text("event", "hello")
                .text("epoch", &flow.state.epoch)
                .number("op", flow.state.announced)
                .json("resume", &resumed.json);
            let json = match resumed.is_reset {
                true => json.flag("reset", true).end(),
                false => json.end(),
            };
            // Whoever missed something is where it was until the first event that follows.
            let here = resumed.is_current.then_some(flow.state.announced);
            self.write(flow, "hello", here, &json);
        }
        if before != super::crowd::State::Online {
            presence::changed(&mut flow.tick(), user, &self.identity.name);
        }
        let wait = match self.way {
            Way::Stream => BEAT,
            Way::Poll(wait, _) => wait,
        };
        self.timer = Some(remind(flow, wait));
        Ok(())
    }

    /// Tells what was missed, as much as there is room for.
    fn tell_missed(&mut self, flow: &mut Flow<'_, Hall>) {
        let (user, channel) = (self.user(), flow.channel());
        let taken = flow.state.crowd.seat_mut(user, channel);
        let Some(mut behind) = taken.and_then(|seat| seat.behind.take()) else {
            return;
        };
        let is_limited = flow.state.crowd.is_limited(user, channel);
        let mut gathered = Vec::new();
        let mut pages = 0;
        let is_over = 'pages: loop {
            let page = match behind.page(flow.state, user) {
                Ok(page) => page,
                Err(error) => {
                    log::error!("a listener cannot be told what it missed: {error}");
                    return self.break_off(flow);
                }
            };
            if page.is_empty() {
                break behind.is_over(flow.state);
            }
            for parcel in &page {
                behind.advance(parcel);
                // What has no op of its own says that a room has been told up to now; that comes
                // when all of them have.
                self.told = parcel.op.unwrap_or(flow.state.announced);
                if is_limited && parcel.is_personal() {
                    continue;
                }
                let json = &parcel.told.json;
                match self.way {
                    Way::Poll(..) if parcel.op.is_none() => {}
                    Way::Poll(_, limit) => {
                        gathered.push(json.clone());
                        if gathered.len() >= limit {
                            break 'pages false;
                        }
                    }
                    Way::Stream => {
                        let id = Some(self.told);
                        if self.write(flow, parcel.told.name, id, json) != Sent::Queued {
                            break 'pages false;
                        }
                    }
                }
            }
            pages += 1;
            if pages == PAGES_IN_A_ROW && matches!(self.way, Way::Stream) {
                // Whoever takes everything at once is not to keep the others waiting.
                let soon = Wait::on(|back| {
                    back.hand(());
                    Ok(())
                });
                flow.wait(soon, |feed: &mut Self, flow, _| feed.tell_missed(flow));
                break false;
            }
        };
        if is_over {
            self.hears = true;
            self.told = flow.state.announced;
        }
        // Whoever has to read anew need not wait for that.
        let is_reset = self.reset.is_some() && matches!(self.way, Way::Poll(..));
        if !gathered.is_empty() || is_reset {
            return self.answer(flow, &gathered, !is_over);
        }
        if !is_over && let Some(seat) = flow.state.crowd.seat_mut(user, channel) {
            seat.behind = Some(behind);
        }
    }

    fn write(&self, flow: &mut Flow<'_, Hall>, name: &str, op: Option<Op>, json: &str) -> Sent {
        let id = op.map(|op| format!("{}.{op}", flow.state.epoch));
        let mut event = event_stream::Event::new(json).named(name);
        if let Some(id) = &id {
            event = event.id(id);
        }
        flow.say(&event)
    }

    /// The one answer to whoever waits.
    fn answer(&mut self, flow: &mut Flow<'_, Hall>, events: &[String], more: bool) {
        let mut object = Object::new()
            .array("events", events)
            .text("next", &format!("{}.{}", flow.state.epoch, self.told))
            .flag("more", more);
        if let Some(reset) = &self.reset {
            object = object.flag("reset", true).json("resume", reset);
        }
        flow.write(object.end().as_bytes());
        self.end(flow);
    }

    /// There is nothing more to tell: a stream ends, and whoever asked for one answer gets it.
    fn finish(&mut self, flow: &mut Flow<'_, Hall>) {
        match self.way {
            Way::Poll(..) => self.answer(flow, &[], false),
            Way::Stream => self.end(flow),
        }
    }

    fn end(&mut self, flow: &mut Flow<'_, Hall>) {
        self.get_up(flow);
        flow.end();
    }

    fn break_off(&mut self, flow: &mut Flow<'_, Hall>) {
        self.get_up(flow);
        flow.abort();
    }

    fn get_up(&mut self, flow: &mut Flow<'_, Hall>) {
        if let Some(timer) = self.timer.take() {
            flow.house.cancel(timer);
        }
        if std::mem::take(&mut self.is_seated) {
            let channel = flow.channel();
            leave(flow.state, &mut flow.house, self.identity.user, channel);
        }
    }

    /// It is time for a sign of life, or for an answer without events.
    fn time_is_over(&mut self, flow: &mut Flow<'_, Hall>) {
        match self.way {
            Way::Poll(..) => self.finish(flow),
            Way::Stream => {
                if self.hears && flow.write(b":\n\n") != Sent::Queued {
                    self.fall_behind(flow);
                }
                self.timer = Some(remind(flow, BEAT));
            }
        }
    }

    /// Something was told that lasts.
    fn told(&mut self, flow: &mut Flow<'_, Hall>, name: &str, op: Op, json: &str) {
        // What it does not hear is told from the store, in its turn, or was while this was on its way.
        if !self.hears || op <= self.told {
            return;
        }
        self.told = op;
        if let Way::Poll(..) = self.way {
            return self.answer(flow, &[json.to_owned()], false);
        }
        if self.write(flow, name, Some(op), json) != Sent::Queued {
            self.fall_behind(flow);
        }
    }

    /// There is no room for more: what comes is told from the store.
    fn fall_behind(&mut self, flow: &mut Flow<'_, Hall>) {
        self.hears = false;
        let (user, channel) = (self.user(), flow.channel());
        if let Err(refusal) = fall_behind(flow.state, &flow.house, (user, channel), self.told) {
            log::error!("a slow listener cannot be fed: {refusal}");
            self.break_off(flow);
        }
    }
}

fn too_many(refusal: crate::layer::Refusal) -> Refusal {
    Refusal::new(crate::chat::Code::TooMany, refusal.to_string())
}

/// Has the feed told when a time is over.
fn remind(flow: &mut Flow<'_, Hall>, wait: Duration) -> TimerId {
    let channel = flow.channel();
    flow.house.after(wait, move |tick| {
        tick.house.send(channel, &Event::new(TIME, ""));
    })
}

impl Feed<Hall> for EventFeed {
    fn more(&mut self, flow: &mut Flow<'_, Hall>) {
        if !self.is_seated {
            if flow.write(&[]) == Sent::Gone {
                // Nobody takes it, as with HEAD.
                return;
            }
            if let Err(refusal) = self.begin(flow) {
                log::error!("somebody cannot listen: {refusal}");
                return self.break_off(flow);
            }
        }
        self.tell_missed(flow);
    }

    fn event(&mut self, event: &Event, flow: &mut Flow<'_, Hall>) {
        match event.kind().split_once(' ') {
            Some((name, op)) => {
                let op = op.parse().expect("what lasts is told with its op");
                self.told(flow, name, op, event.text());
            }
            None if event.kind() == TIME => self.time_is_over(flow),
            None if event.kind() == "bye" => {
                if matches!(self.way, Way::Stream) {
                    self.write(flow, "bye", None, event.text());
                }
                self.finish(flow);
            }
            // Who is here and who types: for those who have room, and are not just asking.
            None => {
                if matches!(self.way, Way::Stream)
                    && self.hears
                    && self.write(flow, event.kind(), None, event.text()) != Sent::Queued
                {
                    self.fall_behind(flow);
                }
            }
        }
    }

    fn hung_up(&mut self, flow: &mut Flow<'_, Hall>) {
        self.finish(flow);
    }

    fn ended(&mut self, flow: &mut Flow<'_, Hall>) {
        self.get_up(flow);
    }
}
