//! # Server-Sent Events: a page that listens without a WebSocket
//!
//! An answer that does not end: a [`Feed`] that joins groups, and writes what is said there as events
//! of a browser's `EventSource`.

use std::time::Duration;

use super::event::Event;
use super::reply::Reply;
use super::stream::{Feed, Flow, stream};
use super::timer::Tick;
use crate::http::event_stream;
use crate::reactor::{Call, Sent};

/// Silence after which a comment is written. Proxies give up after a minute or so.
const BEAT: Duration = Duration::from_secs(15);

/// Answers with events: `open` joins groups, and says what the reader has missed. What is said to a
/// group comes as an event named like its kind, so a page hears it with
/// `new EventSource("/news").addEventListener("said", e => …)`; `onmessage` hears only the kind
/// `message`. A comment now and then tells proxies that the stream is alive, and us whether the reader
/// is.
///
/// ```
/// use parlour::web::{App, Cx, Reply, events};
///
/// fn news(cx: &mut Cx<'_, ()>) -> Reply<()> {
///     let topic = cx.request.query("topic").unwrap_or_default();
///     events(move |flow| {
///         if flow.join(&topic).is_err() {
///             flow.end();
///         }
///     })
/// }
/// # let _ = App::new(()).get("/news", news);
/// ```
pub fn events<S: 'static>(open: impl FnOnce(&mut Flow<'_, S>) + 'static) -> Reply<S> {
    stream(
        event_stream::response(),
        None,
        EventFeed {
            open: Some(Box::new(open)),
        },
    )
}

/// How a stream begins.
type Open<S> = Box<dyn FnOnce(&mut Flow<'_, S>)>;

struct EventFeed<S> {
    open: Option<Open<S>>,
}

impl<S: 'static> Feed<S> for EventFeed<S> {
    fn more(&mut self, flow: &mut Flow<'_, S>) {
        if let Some(open) = self.open.take() {
            let call = flow.call;
            flow.house.after(BEAT, move |tick| beat(call, tick));
            open(flow);
        }
    }

    fn hung_up(&mut self, flow: &mut Flow<'_, S>) {
        flow.end();
    }

    fn event(&mut self, event: &Event, flow: &mut Flow<'_, S>) {
        flow.say(&event_stream::Event::new(event.text()).named(event.kind()));
    }
}

/// Writes a comment, and comes again as long as somebody takes it.
fn beat<S: 'static>(call: Call, tick: &mut Tick<'_, S>) {
    if tick.house.net.write(call, b":\n\n") != Sent::Gone {
        tick.house.after(BEAT, move |tick| beat(call, tick));
    }
}

impl<S> Flow<'_, S> {
    /// Writes a Server-Sent Event, with an id if the reader is to say when it comes back what it has
    /// seen last (see [`event_stream::last_id`]). One that cannot be written is logged.
    ///
    /// ```
    /// use parlour::http::event_stream::{Event, last_id};
    /// use parlour::web::{Cx, Flow, Reply, events};
    ///
    /// /// The state is everything that was ever said.
    /// fn news(cx: &mut Cx<'_, Vec<String>>) -> Reply<Vec<String>> {
    ///     let seen = last_id(cx.request.head().all_fields()).and_then(|id| id.parse::<usize>().ok());
    ///     events(move |flow: &mut Flow<'_, Vec<String>>| {
    ///         let news = flow.state.clone();
    ///         for (at, text) in news.iter().enumerate().skip(seen.map_or(0, |id| id + 1)) {
    ///             flow.say(&Event::new(text).id(&at.to_string()));
    ///         }
    ///     })
    /// }
    /// # let _ = news;
    /// ```
    pub fn say(&mut self, event: &event_stream::Event<'_>) -> Sent {
        let mut bytes = Vec::new();
        match event.push(&mut bytes) {
            Ok(()) => self.write(&bytes),
            Err(fault) => {
                log::error!("an event is not sent: {fault}");
                Sent::Queued
            }
        }
    }
}
