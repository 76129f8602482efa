//! # Abroad: what goes to other nodes, and what comes from them
//!
//! At a gate, calls of services that are elsewhere leave, and what these say to a client arrives. At a
//! backend, calls become those of a stand-in session.

use super::cluster::{Heard, Word};
use super::endpoint::end;
use super::lobby::{Caller, Later, Lobby, Place};
use super::pipeline::Passing;
use super::play::{Failure, Play};
use super::session::{Record, SessionId};
use super::setup::Kit;
use crate::nano::Kind;
use crate::web::{House, Tick};

/// What is said to a client whose request was at a node that is no more.
const LOST: &str = "the server that had this request is gone: it may have been done or not. Ask again \
                    if it may be done twice";
/// What is said to a client that asks on without waiting for answers.
const TOO_MANY: &str =
    "too many of this session's requests are not answered yet: wait for some of them";

/// Nobody has what a route names.
pub(super) fn unknown(route: &str) -> Failure {
    Failure::new(404, format!("there is no route '{route}'"))
}

/// Hands a call to a node that has the service.
pub(super) fn forward<S: 'static>(
    kit: &Kit<S>,
    play: &mut Play<'_, S>,
    passing: &Passing<'_>,
) -> Result<(), Failure> {
    let unknown = || unknown(passing.route);
    let (service, _) = passing.route.rsplit_once('.').ok_or_else(unknown)?;
    let House { desk, net } = &mut play.house;
    let lobby = &mut *desk.nano;
    let nodes = match &lobby.cluster {
        Some(cluster) => cluster.nodes(service),
        None => Vec::new(),
    };
    let record = lobby.sessions.get_mut(&play.id).ok_or_else(unknown)?;
    let kept = record.bound.iter().find(|(name, _)| name == service);
    let node = match kept.map(|(_, node)| node).filter(|it| nodes.contains(it)) {
        Some(node) => node.clone(),
        None if nodes.is_empty() => return Err(unknown()),
        None => {
            let chosen = (kit.choose)(record, &nodes, net.seed());
            let node = nodes.get(chosen).unwrap_or(&nodes[0]).clone();
            record.bound.retain(|(name, _)| name != service);
            record.bound.push((service.to_owned(), node.clone()));
            node
        }
    };
    let uid = record.uid;
    let (gate, session) = match record.place.clone() {
        Place::Elsewhere { gate, session } => (gate, session),
        Place::Here(_) => {
            if passing.kind == Kind::Request {
                if !lobby.asked.has_room(play.id) {
                    return Err(Failure::new(429, TOO_MANY));
                }
                lobby.asked.ask((play.id, passing.id), &node);
            }
            let name = lobby.cluster.as_ref().map(|it| it.name().to_owned());
            (name.unwrap_or_default(), record.id.0)
        }
    };
    let word = Word::Call {
        gate,
        session,
        uid,
        mid: passing.id,
        route: passing.route.to_owned(),
        data: passing.data.to_vec(),
    };
    lobby.say_to(&node, word);
    Ok(())
}

/// Takes what the cluster has said.
pub(in crate::web) fn listen<S: 'static>(tick: &mut Tick<'_, S>) {
    while let Some(heard) = next_heard(&mut tick.house.desk.nano) {
        match heard {
            Heard::Word { from, word } => obey(tick, &from, word),
            Heard::Left(node) => {
                let lobby = &mut *tick.house.desk.nano;
                let lost = lobby
                    .stand_ins
                    .iter()
                    .filter(|((gate, _), _)| *gate == node);
                let lost: Vec<SessionId> = lost.map(|(_, id)| *id).collect();
                lost.into_iter().for_each(|id| end(tick, id));
                answer_for(tick, &node);
            }
        }
    }
}

/// Answers what a node has left behind.
fn answer_for<S: 'static>(tick: &mut Tick<'_, S>, node: &str) {
    let told = Failure::new(503, LOST).json();
    for (id, mid) in tick.house.desk.nano.asked.left_behind(node) {
        if let Some(mut session) = tick.house.session(id)
            && let Err(error) = session.response_mid(mid, told.as_str())
        {
            log::warn!("session {id} is not told that '{node}' is no more: {error}");
        }
    }
}

fn next_heard<S>(lobby: &mut Lobby<S>) -> Option<Heard> {
    lobby.cluster.as_mut()?.hear()
}

/// Does what a node says.
fn obey<S: 'static>(tick: &mut Tick<'_, S>, from: &str, word: Word) {
    match word {
        Word::Call {
            gate,
            session,
            uid,
            mid,
            route,
            data,
        } => {
            let lobby = &mut *tick.house.desk.nano;
            let key = (gate.clone(), session);
            let id = match lobby.stand_ins.get(&key) {
                Some(id) => *id,
                None => {
                    let id = lobby.next_id();
                    let place = Place::Elsewhere { gate, session };
                    lobby.sessions.insert(id, Record::new(id, None, place));
                    lobby.stand_ins.insert(key, id);
                    id
                }
            };
            if let Some(record) = lobby.sessions.get_mut(&id) {
                record.uid = uid;
            }
            lobby.later.push_back(Later::Call {
                session: id,
                mid,
                route,
                data,
                caller: Caller::Node,
            });
        }
        Word::Closed { session } => {
            let lobby = &tick.house.desk.nano;
            // Words of a session come from its gate, or from a node that it was called from.
            let mut named = lobby.stand_ins.iter();
            let found = named.find(|((gate, number), _)| gate == from && *number == session);
            if let Some(id) = found.map(|(_, id)| *id) {
                end(tick, id);
            }
        }
        Word::Push {
            session,
            route,
            data,
        } => speak(tick, session, from, Kind::Push, 0, &route, &data),
        Word::Response { session, mid, data } => {
            speak(tick, session, from, Kind::Response, mid, "", &data);
        }
        Word::Bind { session, uid } => {
            let record = tick.house.desk.nano.sessions.get_mut(&SessionId(session));
            if let Some(record) = record {
                record.uid = uid;
            }
        }
        Word::Kick { session, reason } => {
            if let Some(mut session) = tick.house.session(SessionId(session)) {
                session.kick_with(reason);
            }
        }
        Word::Close { session } => {
            if let Some(mut session) = tick.house.session(SessionId(session)) {
                session.close();
            }
        }
    }
}

/// Says what another node has to say to a client that is connected here.
fn speak<S: 'static>(
    tick: &mut Tick<'_, S>,
    session: u64,
    from: &str,
    kind: Kind,
    mid: u64,
    route: &str,
    data: &[u8],
) {
    // Who has gone meanwhile: that node will hear of it.
    let Some(mut session) = tick.house.session(SessionId(session)) else {
        return;
    };
    if let Err(error) = session.say_data(kind, mid, route, data) {
        log::warn!(
            "session {}: what '{from}' says is not told: {error}",
            session.id()
        );
    }
}
