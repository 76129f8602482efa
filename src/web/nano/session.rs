//! # Sessions: who is connected, and what is remembered of them
//!
//! A [`Record`] is what the house keeps of a session, a [`Session`] is one with the house at hand: what can
//! be said to it. A session whose client is at another node has the same face.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::cluster::Word;
use super::data::Encode;
use super::lobby::{Caller, Later, Lobby, Place};
use crate::nano::{Kind, Link, Packet, packet};
use crate::reactor::Peer;
use crate::web::House;

/// The number of a session. They grow, and none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why something was not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SayError {
    /// As much waits for this client as may: try again later, or leave it.
    BufferExceeded,
    /// The session has ended.
    Gone,
    /// The message that is being handled is no request: nobody waits for an answer.
    NotAsked,
    /// The route is longer than 255 bytes and not in the dictionary.
    RouteTooLong,
    /// The value cannot be written.
    Unwritable(String),
    /// A hook of the outbound pipeline rejected it.
    Rejected(String),
}

impl fmt::Display for SayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferExceeded => f.write_str("buffer exceeded"),
            Self::Gone => f.write_str("the session has ended"),
            Self::NotAsked => f.write_str("a notify is not answered"),
            Self::RouteTooLong => f.write_str("the route is longer than 255 bytes"),
            Self::Unwritable(why) => write!(f, "the value cannot be written: {why}"),
            Self::Rejected(why) => write!(f, "rejected on the way out: {why}"),
        }
    }
}

impl std::error::Error for SayError {}

/// What is kept of a session.
#[derive(Debug)]
pub struct Record {
    pub(super) id: SessionId,
    pub(super) uid: i64,
    pub(super) peer: Option<Peer>,
    pub(super) last_mid: u64,
    pub(super) place: Place,
    /// The protocol's end, unless it is at work just now or the client is elsewhere.
    pub(super) link: Option<Link>,
    /// It was ended from here: nothing is said to it any more.
    pub(super) is_over: bool,
    values: Option<Box<Map<String, Value>>>,
    /// Nodes that have a stand-in, and the services for which each was chosen.
    pub(super) bound: Vec<(String, String)>,
}

impl Record {
    pub(super) fn new(id: SessionId, peer: Option<Peer>, place: Place) -> Self {
        Self {
            id,
            uid: 0,
            peer,
            last_mid: 0,
            place,
            link: None,
            is_over: false,
            values: None,
            bound: Vec::new(),
        }
    }

    /// Its number.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Whose it is; 0 as long as it is nobody's.
    pub const fn uid(&self) -> i64 {
        self.uid
    }

    /// The id of the last request that it made; 0 if what came last was a notify.
    pub const fn last_mid(&self) -> u64 {
        self.last_mid
    }

    /// Where its client is connected from, if that is here.
    pub const fn remote_addr(&self) -> Option<Peer> {
        self.peer
    }

    /// Remembers a value. One that cannot be JSON is not remembered, and that is said.
    pub fn set(&mut self, key: &str, value: impl Serialize) -> Result<(), serde_json::Error> {
        let value = serde_json::to_value(value)?;
        let values = self.values.get_or_insert_with(Box::default);
        values.insert(key.to_owned(), value);
        Ok(())
    }

    /// What is remembered under a key, if it is of that type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        T::deserialize(self.values.as_ref()?.get(key)?).ok()
    }

    /// Whether anything is remembered under a key.
    pub fn has(&self, key: &str) -> bool {
        self.values.as_ref().is_some_and(|it| it.contains_key(key))
    }

    /// Forgets a value. Whether there was one.
    pub fn remove(&mut self, key: &str) -> bool {
        let values = self.values.as_mut();
        values.is_some_and(|values| values.remove(key).is_some())
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.values = None;
    }

    /// All that is remembered, to [`restore`](Self::restore) it in another session.
    pub fn state(&self) -> Map<String, Value> {
        self.values.as_deref().cloned().unwrap_or_default()
    }

    /// Remembers these values, and no others.
    pub fn restore(&mut self, state: Map<String, Value>) {
        self.values = (!state.is_empty()).then(|| Box::new(state));
    }
}

/// A session, with the house at hand.
///
/// What is remembered of it is at hand too: it is a [`Record`] as well.
///
/// ```
/// use parlour::web::nano::{Failure, Json, Play};
/// use serde_json::{Value, json};
///
/// fn enter(_: &mut (), play: &mut Play<'_, ()>, name: Json<String>) -> Result<(), Failure> {
///     let mut session = play.session();
///     if session.has("name") {
///         session.kick(&json!({ "reason": "you are here already" }));
///         return Ok(());
///     }
///     session.set("name", &name.0).map_err(|error| error.to_string())?;
///     session.bind(session.id().0 as i64)?;
///     session.push("onWelcome", &json!({ "name": name.0 }))?;
///     Ok(session.response(&json!({ "code": 0 }))?)
/// }
/// # let _ = enter;
/// ```
#[derive(Debug)]
pub struct Session<'a, S> {
    pub(super) house: House<'a, S>,
    pub(super) id: SessionId,
}

impl<S> std::ops::Deref for Session<'_, S> {
    type Target = Record;

    fn deref(&self) -> &Record {
        let record = self.house.desk.nano.sessions.get(&self.id);
        record.expect("a session is lent out only while it is there")
    }
}

impl<S> std::ops::DerefMut for Session<'_, S> {
    fn deref_mut(&mut self) -> &mut Record {
        let record = self.house.desk.nano.sessions.get_mut(&self.id);
        record.expect("a session is lent out only while it is there")
    }
}

impl<S> Session<'_, S> {
    /// Makes the session somebody's: `uid` is above 0.
    pub fn bind(&mut self, uid: i64) -> Result<(), String> {
        if uid <= 0 {
            return Err(format!("{uid} is nobody: an uid is above 0"));
        }
        self.uid = uid;
        if let Place::Elsewhere { gate, session } = self.place.clone() {
            self.lobby().say_to(&gate, Word::Bind { session, uid });
        }
        Ok(())
    }

    /// Tells the client something.
    pub fn push(&mut self, route: &str, value: &(impl Encode + ?Sized)) -> Result<(), SayError> {
        self.say(Kind::Push, 0, route, value)
    }

    /// Answers the request that is being handled.
    pub fn response(&mut self, value: &(impl Encode + ?Sized)) -> Result<(), SayError> {
        let mid = self.last_mid;
        self.response_mid(mid, value)
    }

    /// Answers a request of before: see [`Play::mid`](super::Play::mid).
    pub fn response_mid(
        &mut self,
        mid: u64,
        value: &(impl Encode + ?Sized),
    ) -> Result<(), SayError> {
        if mid == 0 {
            return Err(SayError::NotAsked);
        }
        self.say(Kind::Response, mid, "", value)
    }

    /// Notifies a service, here or at another node, in the name of this session. It is called when
    /// whoever asks for it returns.
    pub fn rpc(&mut self, route: &str, value: &(impl Encode + ?Sized)) -> Result<(), SayError> {
        let mut data = Vec::new();
        value.encode(&mut data).map_err(SayError::Unwritable)?;
        let (session, route) = (self.id, route.to_owned());
        let later = Later::Call {
            session,
            mid: 0,
            route,
            data,
            caller: Caller::Here,
        };
        self.lobby().later.push_back(later);
        Ok(())
    }

    /// Tells the client that it has to go, and ends the session. It must not come again by itself.
    pub fn kick(&mut self, reason: &(impl Encode + ?Sized)) {
        let mut body = Vec::new();
        if let Err(why) = reason.encode(&mut body) {
            log::error!("session {} is kicked without a reason: {why}", self.id);
            body.clear();
        }
        self.kick_with(body);
    }

    pub(super) fn kick_with(&mut self, reason: Vec<u8>) {
        match self.place.clone() {
            Place::Here(_) => {
                let mut bytes = Vec::new();
                packet::write(Packet::Kick, &reason, &mut bytes);
                self.send_packet(&bytes);
                self.close();
            }
            Place::Elsewhere { gate, session } => {
                self.lobby().say_to(&gate, Word::Kick { session, reason });
            }
        }
    }

    /// Ends the session, behind all that was said to it.
    pub fn close(&mut self) {
        match self.place.clone() {
            Place::Here(id) => {
                if let Some(link) = &mut self.link {
                    link.end();
                }
                self.is_over = true;
                self.house.net.close(id, 1000, "the session has ended");
            }
            Place::Elsewhere { gate, session } => {
                self.lobby().say_to(&gate, Word::Close { session });
            }
        }
    }

    fn lobby(&mut self) -> &mut Lobby<S> {
        &mut self.house.desk.nano
    }

    fn say(
        &mut self,
        kind: Kind,
        mid: u64,
        route: &str,
        value: &(impl Encode + ?Sized),
    ) -> Result<(), SayError> {
        let mut data = Vec::new();
        value.encode(&mut data).map_err(SayError::Unwritable)?;
        self.say_data(kind, mid, route, &data)
    }

    pub(super) fn say_data(
        &mut self,
        kind: Kind,
        mid: u64,
        route: &str,
        data: &[u8],
    ) -> Result<(), SayError> {
        let (lobby, net) = (&mut *self.house.desk.nano, &mut *self.house.net);
        lobby.say(net, self.id, kind, mid, route, data)
    }

    pub(super) fn send_packet(&mut self, bytes: &[u8]) {
        if let Place::Here(id) = self.place {
            self.house.net.send(id, crate::ws::Message::Binary(bytes));
        }
    }
}
