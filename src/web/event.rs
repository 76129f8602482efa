//! # Events: what is said to channels and groups, and who is asked first
//!
//! An event goes to the clients of a group as it is, encoded once for all. A guest that intercepts
//! is handed it instead, in order, as soon as nobody is being called.

use std::collections::VecDeque;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::layer::Channel;
use crate::reactor::ConnId;

/// Events that may wait for guests that intercept them. They are handed over as soon as whoever
/// said them returns, so only guests that answer each other without end can fill it.
const DELIVERIES_MAX: usize = 1_000_000;

/// What is said to a channel or group: a kind, and a text that clients can be sent as it is.
///
/// It goes to the clients of a group as it is, encoded once for all: the kind is for those who intercept
/// and for [`events`](super::events). A page that is to tell kinds apart is sent [`json`](Self::json):
///
/// ```
/// use parlour::web::Event;
/// use serde_json::json;
///
/// let event = Event::json(&json!({ "type": "said", "by": "ann", "text": "hello" }));
/// assert_eq!(event.kind(), "said");
/// assert_eq!(event.read::<serde_json::Value>()?["by"], "ann");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A consumer that [intercepts](super::Consumer::intercepts) gives each kind a method of its own:
///
/// ```
/// use parlour::web::{Consumer, Event, Live};
/// use parlour::ws::Message;
///
/// struct Chat;
///
/// impl Chat {
///     fn said(&mut self, text: &str, live: &mut Live<'_, ()>) {
///         live.send(text);
///     }
/// }
///
/// impl Consumer<()> for Chat {
///     fn receive(&mut self, _: Message<'_>, _: &mut Live<'_, ()>) {}
///
///     fn intercepts(&self) -> bool {
///         true
///     }
///
///     fn event(&mut self, event: &Event, live: &mut Live<'_, ()>) {
///         match event.kind() {
///             "chat.said" => self.said(event.text(), live),
///             other => log::warn!("nobody knows the event '{other}'"),
///         }
///     }
/// }
/// # let _ = Chat;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    kind: Box<str>,
    text: Box<str>,
    number: u64,
}

impl Event {
    /// An event of a kind, with the text that is sent.
    pub fn new(kind: &str, text: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            text: text.into().into_boxed_str(),
            number: 0,
        }
    }

    /// The same with a number, by which a consumer that falls behind is told of the first event that
    /// its client misses: see [`Consumer::fell_behind`](super::Consumer::fell_behind). Events without
    /// one have 0.
    pub const fn numbered(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    /// A JSON object; its `type` is the kind.
    pub fn json(value: &Value) -> Self {
        let kind = value
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Self::new(kind, value.to_string())
    }

    /// An event of a kind whose text is a value of the app's own, as JSON. For one that cannot be
    /// written as JSON, such as a map whose keys are no strings, that is said.
    ///
    /// ```
    /// use parlour::web::Event;
    ///
    /// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    /// struct Moved {
    ///     to: (u8, u8),
    /// }
    ///
    /// let event = Event::of("moved", &Moved { to: (4, 2) })?;
    /// assert_eq!((event.kind(), event.text()), ("moved", r#"{"to":[4,2]}"#));
    /// assert_eq!(event.read::<Moved>()?, Moved { to: (4, 2) });
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn of<T: Serialize>(kind: &str, value: &T) -> Result<Self, serde_json::Error> {
        Ok(Self::new(kind, serde_json::to_string(value)?))
    }

    /// The value of an event that [`Event::of`] or [`Event::json`] made: for those who intercept.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.text)
    }

    /// What sort of event it is.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What is sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its [number](Self::numbered).
    pub const fn number(&self) -> u64 {
        self.number
    }
}

/// What waits for a guest that intercepts.
#[derive(Debug)]
pub(super) enum Delivery {
    Event(Rc<Event>),
    /// The close handshake is to begin, with this code and reason.
    Close(u16, Box<str>),
}

/// Who intercepts events, and what waits for them.
#[derive(Debug, Default)]
pub(super) struct Channels {
    /// By slot: the channel that intercepts.
    intercepting: Vec<Option<Channel>>,
    intercepting_len: usize,
    /// By slot: the channel that a guest has.
    present: Vec<Option<Channel>>,
    deliveries: VecDeque<(Channel, Delivery)>,
    /// The event of the last delivery, so that a group shares one copy.
    last: Option<Rc<Event>>,
}

impl Channels {
    fn slot(channel: Channel) -> usize {
        ConnId::from_bits(channel.0).slot()
    }

    /// A guest sits there from now on, and can join groups.
    pub(super) fn begin(&mut self, channel: Channel) {
        let slot = Self::slot(channel);
        if self.present.len() <= slot {
            self.present.resize(slot + 1, None);
        }
        self.present[slot] = Some(channel);
    }

    pub(super) fn is_present(&self, channel: Channel) -> bool {
        self.present.get(Self::slot(channel)) == Some(&Some(channel))
    }

    pub(super) fn any_intercepts(&self) -> bool {
        self.intercepting_len > 0
    }

    pub(super) fn intercepts(&self, channel: Channel) -> bool {
        self.intercepting_len > 0
            && self.intercepting.get(Self::slot(channel)) == Some(&Some(channel))
    }

    pub(super) fn intercept(&mut self, channel: Channel) {
        let slot = Self::slot(channel);
        if self.intercepting.len() <= slot {
            self.intercepting.resize(slot + 1, None);
        }
        self.intercepting[slot] = Some(channel);
        self.intercepting_len += 1;
    }

    pub(super) fn end(&mut self, channel: Channel) {
        if self.is_present(channel) {
            self.present[Self::slot(channel)] = None;
        }
        if self.intercepts(channel) {
            self.intercepting[Self::slot(channel)] = None;
            self.intercepting_len -= 1;
        }
    }

    /// Queues an event for a channel that intercepts. Whether there was room.
    pub(super) fn deliver(&mut self, channel: Channel, event: &Event) -> bool {
        if self.deliveries.len() >= DELIVERIES_MAX {
            return false;
        }
        let shared = match &self.last {
            Some(last) if **last == *event => Rc::clone(last),
            _ => Rc::clone(self.last.insert(Rc::new(event.clone()))),
        };
        self.deliveries
            .push_back((channel, Delivery::Event(shared)));
        true
    }

    /// Queues the end of a channel that intercepts, behind what was said to it.
    pub(super) fn close(&mut self, channel: Channel, code: u16, reason: &str) {
        let close = Delivery::Close(code, reason.into());
        self.deliveries.push_back((channel, close));
    }

    pub(super) fn next(&mut self) -> Option<(Channel, Delivery)> {
        let next = self.deliveries.pop_front();
        if next.is_none() {
            self.last = None;
        }
        next
    }
}
