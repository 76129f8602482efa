//! # Lobby: everybody who is there
//!
//! The live state of an app's nano: sessions, who is in which group, what waits until nobody is
//! being called, and when the next heartbeats are due. It lies with the house, so that whoever has
//! the house can speak to any session.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use super::asked::Asked;
use super::cluster::{Cluster, Word};
use super::pipeline::{Outbound, Passing};
use super::session::{Record, SayError, Session, SessionId};
use super::setup::Kit;
use crate::ground::time::Instant;
use crate::layer::{Bounds, Channel, Layer, LocalLayer};
use crate::nano::{Fault, Kind, Message, Packet, Rules, packet};
use crate::reactor::{ConnId, Net, Sent};
use crate::web::House;
use crate::ws;

/// Where the client of a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Connected here.
    Here(ConnId),
    /// Connected to another node, its gate, where its session has another number.
    Elsewhere { gate: String, session: u64 },
}

/// Who wants a service to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The client, connected here.
    Client,
    /// Something that was called here.
    Here,
    /// Another node, for a client that is connected elsewhere. It has chosen this one, and nobody
    /// else is asked.
    Node,
}

/// What waits until nobody is being called.
#[derive(Debug)]
pub(super) enum Later {
    /// A service is called in the name of a session.
    Call {
        session: SessionId,
        mid: u64,
        route: String,
        data: Vec<u8>,
        caller: Caller,
    },
}

/// What is kept of each session.
pub(super) type Sessions = HashMap<SessionId, Record, BuildHasherDefault<Spread>>;

/// Spreads the numbers of sessions over a table. They are given by the house, one after the other,
/// so that nobody can choose any that meet; and a broadcast looks up every member.
#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 by the golden ratio: neighbours get bits that differ at both ends.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Everybody who is there.
pub(in crate::web) struct Lobby<S> {
    /// What the app's nano is made of; nothing if it has none.
    pub(super) kit: Option<Rc<Kit<S>>>,
    pub(super) rules: Rc<Rules>,
    pub(super) outbound: Outbound,
    pub(super) sessions: Sessions,
    /// Stand-ins, by their gate and their number there.
    pub(super) stand_ins: BTreeMap<(String, u64), SessionId>,
    pub(super) layer: LocalLayer,
    pub(super) later: VecDeque<Later>,
    /// When each session's tick is due: all wait equally long, so the first is in front.
    pub(super) beats: VecDeque<(Instant, SessionId)>,
    /// A timer is set for the first of them.
    pub(super) is_armed: bool,
    pub(super) cluster: Option<Box<dyn Cluster>>,
    pub(super) asked: Asked,
    /// How often which rule was broken, in the order of [`Fault::ALL`].
    pub(super) faults: [u64; Fault::ALL.len()],
    last: u64,
}

impl<S> std::fmt::Debug for Lobby<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lobby")
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

impl<S> Default for Lobby<S> {
    fn default() -> Self {
        Self {
            kit: None,
            rules: Rc::default(),
            outbound: Rc::default(),
            sessions: Sessions::default(),
            stand_ins: BTreeMap::new(),
            layer: LocalLayer::new(Bounds::default()),
            later: VecDeque::new(),
            beats: VecDeque::new(),
            is_armed: false,
            cluster: None,
            asked: Asked::default(),
            faults: [0; Fault::ALL.len()],
            last: 0,
        }
    }
}

impl<S> Lobby<S> {
    /// What the app's nano is made of, if it has one.
    pub(in crate::web) fn kit(&self) -> Option<Rc<Kit<S>>> {
        self.kit.clone()
    }

    /// Whether there are other nodes.
    pub(in crate::web) const fn has_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// For how many sessions and heartbeats there is room.
    #[cfg(test)]
    pub(in crate::web) fn room(&self) -> (usize, usize) {
        (self.sessions.capacity(), self.beats.capacity())
    }

    /// How many sessions there are.
    #[cfg(test)]
    pub(in crate::web) fn sessions_len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether something waits until nobody is being called.
    pub(in crate::web) fn has_later(&self) -> bool {
        !self.later.is_empty()
    }

    /// A number for a session.
    pub(super) const fn next_id(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last)
    }

    /// Says something to a node.
    pub(super) fn say_to(&mut self, node: &str, word: Word) {
        match &mut self.cluster {
            Some(cluster) => cluster.say(node, word),
            None => log::error!("'{node}' cannot be reached: there is no cluster"),
        }
    }

    /// Says something to a session, by way of the outbound pipeline.
    pub(super) fn say(
        &mut self,
        net: &mut Net,
        id: SessionId,
        kind: Kind,
        mid: u64,
        route: &str,
        data: &[u8],
    ) -> Result<(), SayError> {
        if !Message::fits(route, &self.rules.dictionary) {
            return Err(SayError::RouteTooLong);
        }
        if kind == Kind::Response {
            self.asked.answered((id, mid));
        }
        let outbound = Rc::clone(&self.outbound);
        let record = self.sessions.get_mut(&id).ok_or(SayError::Gone)?;
        let mut passing = Passing {
            kind,
            id: mid,
            route,
            data: Cow::Borrowed(data),
        };
        outbound
            .pass(record, &mut passing)
            .map_err(SayError::Rejected)?;
        self.deliver(net, id, &passing)
    }

    /// The same behind the pipeline.
    pub(super) fn deliver(
        &mut self,
        net: &mut Net,
        id: SessionId,
        passing: &Passing<'_>,
    ) -> Result<(), SayError> {
        let record = self.sessions.get(&id).ok_or(SayError::Gone)?;
        if record.is_over {
            return Err(SayError::Gone);
        }
        match record.place.clone() {
            Place::Here(id) => {
                let bytes = written(&self.rules, passing);
                let queued = net.queued_bytes(id);
                if queued > 0 && queued + bytes.len() > net.outbox_bytes_max() {
                    return Err(SayError::BufferExceeded);
                }
                match net.send(id, ws::Message::Binary(&bytes)) {
                    Sent::Gone => Err(SayError::Gone),
                    Sent::Queued | Sent::Full => Ok(()),
                }
            }
            Place::Elsewhere { gate, session } => {
                let data = passing.data.to_vec();
                let word = match passing.kind {
                    Kind::Response => Word::Response {
                        session,
                        mid: passing.id,
                        data,
                    },
                    Kind::Push | Kind::Request | Kind::Notify => Word::Push {
                        session,
                        route: passing.route.to_owned(),
                        data,
                    },
                };
                self.say_to(&gate, word);
                Ok(())
            }
        }
    }

    /// Pushes something to the members of a group for whom `filter` says yes: written once for those
    /// who are here, unless the outbound pipeline changes it for one of them.
    pub(super) fn push_to_group(
        &mut self,
        net: &mut Net,
        group: &str,
        route: &str,
        data: &[u8],
        filter: impl Fn(&Record) -> bool,
    ) -> Result<(), SayError> {
        if !Message::fits(route, &self.rules.dictionary) {
            return Err(SayError::RouteTooLong);
        }
        let push = |data| Passing {
            kind: Kind::Push,
            id: 0,
            route,
            data,
        };
        let members = self.layer.members(group);
        let mut same = Vec::with_capacity(members.len());
        let mut apart = Vec::new();
        // A room may have thousands: each is looked up once, and nothing else is done for most.
        for channel in members {
            let id = SessionId(channel.0);
            let record = self.sessions.get_mut(&id);
            let Some(record) = record.filter(|it| !it.is_over && filter(it)) else {
                continue;
            };
            let mut passing = push(Cow::Borrowed(data));
            if !self.outbound.is_empty()
                && let Err(why) = self.outbound.pass(record, &mut passing)
            {
                log::warn!("session {id} is not told '{route}': {why}");
                continue;
            }
            match (&record.place, &passing.data) {
                (Place::Here(conn), Cow::Borrowed(_)) => same.push(*conn),
                _ => apart.push((id, passing)),
            }
        }
        if !same.is_empty() {
            let bytes = written(&self.rules, &push(Cow::Borrowed(data)));
            net.broadcast(same, ws::Message::Binary(&bytes));
        }
        for (id, passing) in apart {
            if let Err(error) = self.deliver(net, id, &passing) {
                log::warn!("session {id} is not told '{route}': {error}");
            }
        }
        Ok(())
    }

    /// The members of a group.
    pub(super) fn members(&self, group: &str) -> Vec<SessionId> {
        let members = self.layer.members(group).iter();
        members.map(|channel| SessionId(channel.0)).collect()
    }

    /// A session is no more: nothing bears its name.
    pub(super) fn forget(&mut self, id: SessionId) -> Option<Record> {
        self.layer.end(Channel(id.0));
        self.asked.forget(id);
        let record = self.sessions.remove(&id)?;
        self.shrink();
        if let Place::Elsewhere { gate, session } = &record.place {
            self.stand_ins.remove(&(gate.clone(), *session));
        }
        Some(record)
    }

    /// Gives back what only a past rush needed.
    fn shrink(&mut self) {
        let len = self.sessions.len();
        // Those who come and go within a heartbeat must not pile up until it is due.
        if self.beats.len() > 64 + 2 * len {
            let sessions = &self.sessions;
            self.beats.retain(|(_, id)| sessions.contains_key(id));
        }
        if self.sessions.capacity() > 64 + 8 * len {
            self.sessions.shrink_to(64 + 2 * len);
            self.beats.shrink_to(64 + 2 * len);
        }
    }

    /// Counts a broken rule.
    pub(super) fn count(&mut self, fault: Fault) {
        self.faults[fault as usize] += 1;
    }
}

impl<S> House<'_, S> {
    /// A session of the app's [nano](crate::web::nano), if it is still there.
    ///
    /// ```
    /// use parlour::web::Tick;
    /// use parlour::web::nano::SessionId;
    /// use serde_json::json;
    ///
    /// fn remind(tick: &mut Tick<'_, Vec<SessionId>>) {
    ///     for id in std::mem::take(tick.state) {
    ///         if let Some(mut session) = tick.house.session(id) {
    ///             let _ = session.push("onTurn", &json!({ "yours": true }));
    ///         }
    ///     }
    /// }
    /// # let _ = remind;
    /// ```
    pub fn session(&mut self, id: SessionId) -> Option<Session<'_, S>> {
        let is_here = self.desk.nano.sessions.contains_key(&id);
        is_here.then(|| Session {
            house: self.again(),
            id,
        })
    }

    /// How many sessions the app's [nano](crate::web::nano) has.
    pub fn sessions_len(&self) -> usize {
        self.desk.nano.sessions.len()
    }

    /// How often clients of the app's [nano](crate::web::nano) have broken a rule of the protocol.
    pub fn nano_faults(&self, fault: Fault) -> u64 {
        self.desk.nano.faults[fault as usize]
    }
}

/// A message as the bytes that leave.
fn written(rules: &Rules, passing: &Passing<'_>) -> Vec<u8> {
    let message = Message {
        kind: passing.kind,
        id: passing.id,
        route: passing.route,
        data: &passing.data,
    };
    let room = packet::HEADER_BYTES + 16 + message.route.len() + message.data.len();
    let mut bytes = Vec::with_capacity(room);
    packet::write_with(Packet::Data, &mut bytes, |out| {
        message.write(&rules.dictionary, out);
    });
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn sessions_one_after_the_other_lie_apart() {
        // A table takes its places from the low bits, and tells neighbours apart by the highest seven.
        let (mut places, mut tags) = (BTreeMap::new(), BTreeMap::new());
        for number in 1..=4096 {
            let hash = Sessions::default().hasher().hash_one(SessionId(number));
            *places.entry(hash & 0xfff).or_insert(0) += 1;
            *tags.entry(hash >> 57).or_insert(0) += 1;
        }
        assert_eq!(places.len(), 4096, "each has a place of its own");
        assert!(tags.len() == 128 && tags.values().all(|count| (24..=40).contains(count)));
    }
}
