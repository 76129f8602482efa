//! # Endpoint: how a connection's bytes become calls
//!
//! One for each connection, whether a WebSocket's or a plain one. What it says is judged by the
//! [`Link`], handed to handlers by route, and answered in any case if an answer is wanted.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Map;

use super::abroad::{forward, unknown};
use super::cluster::Word;
use super::lobby::{Caller, Later, Place};
use super::pipeline::Passing;
use super::play::{Failure, Play};
use super::session::{Record, SessionId};
use super::setup::Kit;
use crate::nano::handshake::{self, Hello};
use crate::nano::{Beat, Event, Kind, Link, Packet, Step, packet};
use crate::reactor::ConnId;
use crate::web::service::told;
use crate::web::{Consumer, House, Live, Tick};
use crate::ws::Message;

/// Packets that fit into one WebSocket message even where single ones are small.
const MESSAGE_BYTES_MIN: usize = 1 << 20;
/// Heartbeats that are due within so long leave together: one turn for many instead of one each.
const TOGETHER: Duration = Duration::from_millis(50);
/// The close code for a broken rule of the protocol.
const BROKEN: u16 = 1002;
/// The close code for who may not come in, and for who is silent.
const REFUSED: u16 = 1008;
const SILENT: u16 = 4008;

/// A connection.
#[derive(Debug)]
pub(in crate::web) struct Endpoint {
    session: Option<SessionId>,
    message_bytes_max: usize,
}

impl Endpoint {
    pub(in crate::web) fn new(body_bytes_max: usize) -> Self {
        let one = body_bytes_max.saturating_add(packet::HEADER_BYTES);
        Self {
            session: None,
            message_bytes_max: one.max(MESSAGE_BYTES_MIN),
        }
    }
}

impl<S: 'static> Consumer<S> for Endpoint {
    fn opened(&mut self, live: &mut Live<'_, S>) {
        let now = live.house.now().instant;
        let conn = ConnId::from_bits(live.channel().0);
        let peer = live.house.net.peer(conn);
        let lobby = &mut *live.house.desk.nano;
        let id = lobby.next_id();
        let link = Link::new(now, &lobby.rules);
        if !lobby.rules.heartbeat.is_zero() {
            lobby.beats.push_back((link.next_tick(), id));
        }
        let mut record = Record::new(id, peer, Place::Here(conn));
        record.link = Some(link);
        lobby.sessions.insert(id, record);
        self.session = Some(id);
        arm(&mut live.house);
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, S>) {
        let Some(id) = self.session else { return };
        let lobby = &mut *live.house.desk.nano;
        let (rules, kit) = (Rc::clone(&lobby.rules), lobby.kit.clone());
        let record = lobby.sessions.get_mut(&id);
        // While its messages are handled the link is here, so that what handlers do to the session
        // cannot meet it at work.
        let taken = record.and_then(|record| record.link.take());
        let (Some(mut link), Some(kit)) = (taken, kit) else {
            return;
        };
        let now = live.house.now().instant;
        link.heard(now);
        let mut input = message.bytes();
        let mut play = Play {
            state: live.state,
            house: live.house.again(),
            id,
            mid: 0,
        };
        loop {
            match link.decode(&mut input, &rules, now) {
                Step::More => break,
                Step::Broken(fault) => {
                    log::warn!("session {id} is closed: {fault}");
                    play.house.desk.nano.count(fault);
                    finish(&mut play.house, id, BROKEN, fault.reason());
                    break;
                }
                Step::Event(Event::Handshake(body)) => match judge(&kit, &mut play, body) {
                    Ok(answer) => {
                        link.accept();
                        say(&mut play, Packet::Handshake, answer.as_bytes());
                    }
                    Err(failure) => {
                        link.end();
                        let answer = handshake::refusal(failure.code(), &failure.to_string());
                        say(&mut play, Packet::Handshake, answer.as_bytes());
                        finish(&mut play.house, id, REFUSED, "the handshake was refused");
                        break;
                    }
                },
                Step::Event(Event::Ready) => {}
                Step::Event(Event::Message(message)) => {
                    if let Some(record) = play.house.desk.nano.sessions.get_mut(&id) {
                        record.last_mid = message.id;
                    }
                    play.mid = message.id;
                    let passing = Passing {
                        kind: message.kind,
                        id: message.id,
                        route: message.route,
                        data: Cow::Borrowed(message.data),
                    };
                    handle(&kit, &mut play, passing, Caller::Client);
                }
            }
            let is_over = |record: &Record| record.is_over;
            if play.house.desk.nano.sessions.get(&id).is_none_or(is_over) {
                link.end();
            }
        }
        if let Some(record) = live.house.desk.nano.sessions.get_mut(&id) {
            record.link = Some(link);
        }
    }

    fn disconnect(&mut self, _: Option<u16>, live: &mut Live<'_, S>) {
        if let Some(id) = self.session.take() {
            end(&mut live.tick(), id);
        }
    }

    fn message_bytes_max(&self) -> usize {
        self.message_bytes_max
    }
}

/// Says a packet to the session that is served just now.
fn say<S>(play: &mut Play<'_, S>, kind: Packet, body: &[u8]) {
    let mut bytes = Vec::new();
    packet::write(kind, body, &mut bytes);
    play.session().send_packet(&bytes);
}

/// Ends the connection of a session.
fn finish<S>(house: &mut House<'_, S>, id: SessionId, code: u16, reason: &str) {
    if let Some(record) = house.desk.nano.sessions.get_mut(&id)
        && let Place::Here(conn) = record.place
    {
        record.is_over = true;
        house.net.close(conn, code, reason);
    }
}

/// What a handshake is answered.
fn judge<S: 'static>(kit: &Kit<S>, play: &mut Play<'_, S>, body: &[u8]) -> Result<String, Failure> {
    let hello = Hello::read(body).ok_or("the handshake is no JSON object")?;
    let user = match &kit.validator {
        Some(judge) => called(|| judge(play, &hello)).map_err(|failure| match failure.code() {
            handshake::UNSUITABLE => failure,
            _ => Failure::new(handshake::REFUSED, failure.to_string()),
        })?,
        None => Map::new(),
    };
    let rules = &play.house.desk.nano.rules;
    Ok(handshake::welcome(
        rules.heartbeat.as_secs(),
        play.house.now().unix_ms / 1000,
        &rules.dictionary,
        &user,
    ))
}

/// Calls what an app wrote. A panic is a failure like others.
fn called<T>(call: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        log::error!("a handler panicked: {}", told(&*panic));
        Err("something went wrong here; it is not your fault".into())
    })
}

/// Has the service do something that a route names: a handler here, or that of another node.
fn handle<S: 'static>(
    kit: &Kit<S>,
    play: &mut Play<'_, S>,
    mut passing: Passing<'_>,
    caller: Caller,
) {
    let lobby = &mut *play.house.desk.nano;
    let mut outcome = Ok(());
    if caller == Caller::Client
        && let Some(record) = lobby.sessions.get_mut(&play.id)
    {
        let passed = kit.inbound.pass(record, &mut passing);
        outcome = passed.map_err(|why| Failure::new(403, why));
    }
    let route = passing.route;
    let outcome = outcome.and_then(|()| match kit.routes.get(route) {
        Some(handler) => called(|| handler(play, &passing.data)),
        // Whoever called has chosen this node: nodes that take each other for the one that knows
        // would hand a call to and fro for ever.
        None if caller == Caller::Node => Err(unknown(route)),
        None => forward(kit, play, &passing),
    });
    let Err(failure) = outcome else { return };
    if passing.kind != Kind::Request {
        log::warn!("session {}: '{route}' failed: {failure}", play.id);
        return;
    }
    if failure.code() == 500 {
        log::warn!("session {}: '{route}' failed: {failure}", play.id);
    }
    let json = failure.json();
    if let Some(mut session) = play.house.session(play.id)
        && let Err(error) = session.response_mid(passing.id, json.as_str())
    {
        log::warn!("session {} is not told of a failure: {error}", session.id());
    }
}

/// A session has ended: those who want to know are told, and nothing of it stays.
pub(super) fn end<S: 'static>(tick: &mut Tick<'_, S>, id: SessionId) {
    let lobby = &mut *tick.house.desk.nano;
    let kit = lobby.kit.clone();
    let Some(record) = lobby.sessions.get_mut(&id) else {
        return;
    };
    record.is_over = true;
    record.last_mid = 0;
    let mut play = Play {
        state: tick.state,
        house: tick.house.again(),
        id,
        mid: 0,
    };
    if let Some(kit) = kit {
        // A panic was told; the other hooks are called as well.
        for component in &kit.components {
            let _ = called(|| {
                component.borrow_mut().closed(&mut play);
                Ok(())
            });
        }
        for hook in &kit.on_closed {
            let _ = called(|| {
                hook(&mut play);
                Ok(())
            });
        }
    }
    let lobby = &mut *tick.house.desk.nano;
    let Some(record) = lobby.forget(id) else {
        return;
    };
    let mut nodes: Vec<String> = Vec::new();
    for (_, node) in record.bound {
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    let session = match record.place {
        Place::Here(_) => record.id.0,
        // Its gate tells those whom it knows; whoever was called from here is told from here.
        Place::Elsewhere { session, .. } => session,
    };
    for node in nodes {
        lobby.say_to(&node, Word::Closed { session });
    }
}

/// Sets the timer for the next heartbeats.
fn arm<S: 'static>(house: &mut House<'_, S>) {
    let now = house.now().instant;
    let lobby = &mut *house.desk.nano;
    let Some((due, _)) = lobby.beats.front() else {
        return;
    };
    if !lobby.is_armed {
        lobby.is_armed = true;
        let together = TOGETHER.min(lobby.rules.heartbeat / 20);
        let wait = due.since(now) + together;
        house.after(wait, beat);
    }
}

/// Says the heartbeats that are due, and ends those who are silent.
fn beat<S: 'static>(tick: &mut Tick<'_, S>) {
    let now = tick.house.now().instant;
    let House { desk, net } = &mut tick.house;
    let lobby = &mut *desk.nano;
    lobby.is_armed = false;
    let mut alive = Vec::new();
    while let Some((_, id)) = lobby.beats.pop_front_if(|(due, _)| *due <= now) {
        let Some(record) = lobby.sessions.get_mut(&id) else {
            continue;
        };
        let (Some(link), Place::Here(conn)) = (&mut record.link, &record.place) else {
            continue;
        };
        match link.tick(now, &lobby.rules) {
            Beat::Say => {
                alive.push(*conn);
                lobby.beats.push_back((link.next_tick(), id));
            }
            Beat::Dead => {
                record.is_over = true;
                net.close(*conn, SILENT, "nothing was heard for two heartbeats");
            }
            // It was ended from here: its end is on its way.
            Beat::Wait => {}
        }
    }
    if !alive.is_empty() {
        let mut bytes = Vec::new();
        packet::write(Packet::Heartbeat, b"", &mut bytes);
        net.broadcast(alive, Message::Binary(&bytes));
    }
    arm(&mut tick.house);
}

/// Calls what waited until nobody was being called. Whether there was anything.
pub(in crate::web) fn call_later<S: 'static>(tick: &mut Tick<'_, S>) -> bool {
    let lobby = &mut *tick.house.desk.nano;
    let Some(Later::Call {
        session,
        mid,
        route,
        data,
        caller,
    }) = lobby.later.pop_front()
    else {
        return false;
    };
    let kit = lobby.kit.clone();
    let Some(record) = lobby.sessions.get_mut(&session) else {
        return true;
    };
    record.last_mid = mid;
    let kind = if mid > 0 { Kind::Request } else { Kind::Notify };
    if let Some(kit) = kit {
        let mut play = Play {
            state: tick.state,
            house: tick.house.again(),
            id: session,
            mid,
        };
        let passing = Passing {
            kind,
            id: mid,
            route: &route,
            data: Cow::Owned(data),
        };
        handle(&kit, &mut play, passing, caller);
    }
    true
}
