//! # Context: what a handler has at hand

use super::event::{Channels, Event};
use super::guard::User;
use super::helper::{Busy, Helpers, Wait};
use super::nano::Lobby;
use super::pages::Pages;
use super::request::Request;
use super::seats::{Asked, HouseWait};
use super::timer::{Tick, TimerId, Timers};
use crate::ground::time::Now;
use crate::layer::{Bounds, Channel, Layer, LocalLayer, Refusal};
use crate::reactor::{ConnId, Net, Sent};
use crate::ws::Message;
use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// The shortest time that a timer waits, so that timers which set timers leave the loop room.
const TURN: Duration = Duration::from_millis(1);
/// How often conditions are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What a handler has at hand: the app's state, the request, and the house around them.
///
/// ```
/// use parlour::web::{Cx, Error};
///
/// fn greet(cx: &mut Cx<'_, Vec<String>>) -> Result<String, Error> {
///     let name: String = cx.request.param("name")?;
///     cx.state.push(name.clone());
///     let online = cx.house.user_len(&name);
///     Ok(format!("Hello {name}, you are here {online} times; {} came so far", cx.state.len()))
/// }
/// # let _ = greet;
/// ```
#[derive(Debug)]
pub struct Cx<'a, S> {
    /// The app's own.
    pub state: &'a mut S,
    /// What is asked.
    pub request: &'a mut Request,
    /// Groups, timers and time.
    pub house: House<'a, S>,
}

impl<S> Cx<'_, S> {
    /// Who is signed in, if middleware found out.
    pub fn user(&self) -> Option<&str> {
        self.request.carried::<User>().map(|user| user.0.as_str())
    }
}

/// Everything of a server that is not an app's own.
#[derive(Debug)]
pub(super) struct Desk<S> {
    pub(super) layer: LocalLayer,
    /// Groups of their own, that nobody can join by a name: the connections of each user.
    pub(super) people: LocalLayer,
    pub(super) channels: Channels,
    pub(super) helpers: Helpers,
    pub(super) timers: Timers<S>,
    pub(super) pages: Pages,
    /// Sessions of games.
    pub(super) nano: Box<Lobby<S>>,
    /// What was asked of helpers for nobody in particular.
    pub(super) waits: Vec<Asked<S>>,
    /// Guests that intercept and were cut off.
    cut_off: u64,
}

impl<S> Desk<S> {
    pub(super) fn new(pages: Pages, bounds: Bounds, spill_folder: PathBuf) -> Self {
        Self {
            layer: LocalLayer::new(bounds),
            people: LocalLayer::new(Bounds {
                name_bytes_max: usize::MAX,
                ..Bounds::default()
            }),
            channels: Channels::default(),
            helpers: Helpers::new(spill_folder),
            timers: Timers::default(),
            pages,
            nano: Box::default(),
            waits: Vec::new(),
            cut_off: 0,
        }
    }
}

/// Groups, timers and time, wherever an app is called.
///
/// ```
/// use std::time::Duration;
/// use parlour::web::{Cx, Event};
///
/// fn alarm(cx: &mut Cx<'_, ()>) -> &'static str {
///     cx.house.group_send("kitchen", &Event::new("alarm", "the timer is set"));
///     let timer = cx.house.after(Duration::from_secs(180), |tick| {
///         tick.house.group_send("kitchen", &Event::new("alarm", "the eggs are done"));
///     });
///     let _ = timer; // cx.house.cancel(timer) would take it back.
///     "set"
/// }
/// # let _ = alarm;
/// ```
#[derive(Debug)]
pub struct House<'a, S> {
    pub(super) desk: &'a mut Desk<S>,
    pub(super) net: &'a mut Net,
}

impl<S> House<'_, S> {
    /// The same house, lent on to a function that wants one of its own.
    pub fn again(&mut self) -> House<'_, S> {
        House {
            desk: self.desk,
            net: self.net,
        }
    }

    /// What the clocks say; the same for all that happens in a turn.
    pub fn now(&self) -> Now {
        self.net.now()
    }

    /// How many readers have missed something so far, because too much waited for them. Each was cut
    /// off with close code 4002, a stream with a reset: who misses something is told.
    pub fn cut_off(&self) -> u64 {
        self.net.cut_off() + self.desk.cut_off
    }

    /// Makes a channel a member of a group: it hears everything that is said there from now on.
    pub fn group_add(&mut self, group: &str, channel: Channel) -> Result<bool, Refusal> {
        // Who has gone would be a member for ever.
        if !self.desk.channels.is_present(channel) {
            return Ok(false);
        }
        self.desk.layer.join(group, channel)
    }

    /// Ends a membership.
    pub fn group_discard(&mut self, group: &str, channel: Channel) -> bool {
        self.desk.layer.leave(group, channel)
    }

    /// The groups that a channel is in.
    pub fn groups_of(&self, channel: Channel) -> Vec<&str> {
        self.desk.layer.groups(channel)
    }

    /// How many connections are in a group.
    pub fn group_len(&self, group: &str) -> usize {
        self.desk.layer.members(group).len()
    }

    /// Says something to every member of a group. It is encoded once; who intercepts events is
    /// asked instead ([`Consumer::intercepts`](super::Consumer::intercepts)). A member that cannot
    /// take it is cut off with close code 4002, and so knows that it missed something; or it falls
    /// behind, if it may ([`Consumer::may_fall_behind`](super::Consumer::may_fall_behind)).
    pub fn group_send(&mut self, group: &str, event: &Event) {
        self.group_send_but(group, event, &[]);
    }

    /// The same to every member but these: whoever types need not be told that they do.
    ///
    /// ```
    /// use parlour::web::{Event, Live};
    ///
    /// fn typing(live: &mut Live<'_, ()>) {
    ///     let own = [live.channel()];
    ///     live.house.group_send_but("kitchen", &Event::new("typing", "somebody types"), &own);
    /// }
    /// # let _ = typing;
    /// ```
    pub fn group_send_but(&mut self, group: &str, event: &Event, but: &[Channel]) {
        let Desk {
            layer,
            channels,
            cut_off,
            ..
        } = &mut *self.desk;
        let members = layer.members(group);
        *cut_off += tell(members, but, event, channels, self.net);
    }

    /// Says something to these channels, as [`group_send`](Self::group_send) does to the members of a
    /// group: for an app that knows by itself who is to hear it.
    ///
    /// ```
    /// use parlour::layer::Channel;
    /// use parlour::web::{Cx, Event};
    ///
    /// /// The state is who waits for a table.
    /// fn next(cx: &mut Cx<'_, Vec<Channel>>) -> &'static str {
    ///     let party: Vec<_> = cx.state.drain(..4.min(cx.state.len())).collect();
    ///     cx.house.send_each(&party, &Event::new("table", "your table is free"));
    ///     "done"
    /// }
    /// # let _ = next;
    /// ```
    pub fn send_each(&mut self, channels: &[Channel], event: &Event) {
        let desk = &mut *self.desk;
        desk.cut_off += tell(channels, &[], event, &mut desk.channels, self.net);
    }

    /// Says something to every connection of a user, as [`group_send`](Self::group_send) does to a
    /// group. A connection is its user's from its opening to its end; whose it is was found out by
    /// middleware when it was asked for.
    ///
    /// ```
    /// use parlour::web::{Cx, Error, Event};
    ///
    /// fn nudge(cx: &mut Cx<'_, ()>) -> Result<&'static str, Error> {
    ///     let whom: String = cx.request.param("user")?;
    ///     if cx.house.user_len(&whom) == 0 {
    ///         return Ok("nobody is there");
    ///     }
    ///     cx.house.user_send(&whom, &Event::new("nudge", "somebody thinks of you"));
    ///     Ok("done")
    /// }
    /// # let _ = nudge;
    /// ```
    pub fn user_send(&mut self, user: &str, event: &Event) {
        let Desk {
            people,
            channels,
            cut_off,
            ..
        } = &mut *self.desk;
        let members = people.members(user);
        *cut_off += tell(members, &[], event, channels, self.net);
    }

    /// Begins the close handshake with every WebSocket of a user: who is signed out everywhere, or may
    /// not come in any more, is not to hear on.
    pub fn user_close(&mut self, user: &str, code: u16, reason: &str) {
        for channel in self.desk.people.members(user).to_vec() {
            self.close(channel, code, reason);
        }
    }

    /// Begins the close handshake with the WebSocket of a channel, behind all that was said to it.
    pub fn close(&mut self, channel: Channel, code: u16, reason: &str) {
        if self.desk.channels.intercepts(channel) {
            self.desk.channels.close(channel, code, reason);
        } else {
            self.net.close(ConnId::from_bits(channel.0), code, reason);
        }
    }

    /// How many connections a user has: none is away.
    pub fn user_len(&self, user: &str) -> usize {
        self.desk.people.members(user).len()
    }

    /// Says something to one channel.
    pub fn send(&mut self, channel: Channel, event: &Event) {
        if !self.desk.channels.intercepts(channel) {
            self.net
                .send(ConnId::from_bits(channel.0), Message::Text(event.text()));
        } else if !self.desk.channels.deliver(channel, event) {
            cut_off(self.net, channel);
            self.desk.cut_off += 1;
        }
    }

    /// Says something to the client of a channel, whether or not its consumer intercepts events and
    /// whether or not it is deaf to them: how a [`Tick`] feeds a client that fell behind.
    pub fn send_text(&mut self, channel: Channel, text: &str) -> Sent {
        let id = ConnId::from_bits(channel.0);
        self.net.send(id, Message::Text(text))
    }

    /// Has everything that is said to groups and users pass the client of a channel by, until
    /// [`hear`](Self::hear): for one that is to be told first what it missed. What is said to it alone
    /// still reaches it. Whether it is a WebSocket, and open. A consumer that intercepts events gets
    /// them nevertheless, and may keep them to itself.
    pub fn deafen(&mut self, channel: Channel) -> bool {
        self.net.deafen(ConnId::from_bits(channel.0))
    }

    /// Has the client of a channel hear from now on what is said to groups and users, after
    /// [`deafen`](Self::deafen) or [`Consumer::fell_behind`](super::Consumer::fell_behind). Whether it
    /// does: not if it is gone, nor if it fell behind just now and its consumer is still to be told.
    pub fn hear(&mut self, channel: Channel) -> bool {
        self.net.hear(ConnId::from_bits(channel.0))
    }

    /// Has what the client of a channel says from now on wait until
    /// [`release_input`](Self::release_input): for one that has more under way than it may. Messages
    /// that have come already wait here, the rest with the client, and all come in order later. No
    /// deadline runs against the client meanwhile, and that it ended is heard when it is released.
    /// Whether the channel is a WebSocket, and open.
    pub fn hold_input(&mut self, channel: Channel) -> bool {
        self.net.hold_input(ConnId::from_bits(channel.0))
    }

    /// Goes on with what the client of a channel says, in the next turn at the latest.
    pub fn release_input(&mut self, channel: Channel) {
        self.net.release_input(ConnId::from_bits(channel.0));
    }

    /// Has a helper do something, and goes on with what came of it, whoever is still there by then:
    /// what was stored is told to a group even if its sender has gone. Waits of one caller begin in
    /// the order in which they were asked for. A full queue is told at once, as [`Busy`]; of a job
    /// that panics nothing comes but a line in the log.
    ///
    /// ```
    /// use parlour::store::Database;
    /// use parlour::web::{Event, Live, Wait};
    ///
    /// fn say(live: &mut Live<'_, Database>, text: String) {
    ///     let stored = Wait::stored(live.state, |connection| {
    ///         connection.execute("INSERT INTO messages VALUES (?)", [&text])?;
    ///         Ok(text)
    ///     });
    ///     let sender = live.channel();
    ///     live.house.wait(stored, move |tick, stored| match stored {
    ///         Ok(Ok(text)) => tick.house.group_send("all", &Event::new("said", text)),
    ///         _ => tick.house.send(sender, &Event::new("error", "that was not stored")),
    ///     });
    /// }
    /// ```
    pub fn wait<T: 'static>(
        &mut self,
        wait: Wait<T>,
        go_on: impl FnOnce(&mut Tick<'_, S>, Result<T, Busy>) + 'static,
    ) {
        let (errand, unpack) = wait.into_parts();
        self.desk.waits.push(Asked::House(HouseWait {
            errand,
            go_on: Box::new(move |tick, outcome| go_on(tick, outcome.map(unpack))),
        }));
    }

    /// Calls `then` once, after `wait`; not in this turn, however short that is.
    pub fn after(
        &mut self,
        wait: Duration,
        then: impl FnOnce(&mut Tick<'_, S>) + 'static,
    ) -> TimerId {
        let at = self.net.now().instant + wait.max(TURN);
        self.desk.timers.after(at, Box::new(then))
    }

    /// Calls `each` again and again, `period` apart, until it is cancelled.
    pub fn every(
        &mut self,
        period: Duration,
        each: impl FnMut(&mut Tick<'_, S>) + 'static,
    ) -> TimerId {
        let now = self.net.now().instant;
        self.desk.timers.every(now, period, Box::new(each))
    }

    /// Calls `each` so many times, `period` apart, unless it is cancelled.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlour::web::{Cx, Event};
    ///
    /// fn countdown(cx: &mut Cx<'_, u32>) -> &'static str {
    ///     *cx.state = 3;
    ///     cx.house.count(Duration::from_secs(1), 3, |tick| {
    ///         *tick.state -= 1;
    ///         tick.house.group_send("all", &Event::new("left", tick.state.to_string()));
    ///     });
    ///     "three"
    /// }
    /// # let _ = countdown;
    /// ```
    pub fn count(
        &mut self,
        period: Duration,
        times: u32,
        mut each: impl FnMut(&mut Tick<'_, S>) + 'static,
    ) -> TimerId {
        let own = Rc::new(Cell::new(None));
        let known = Rc::clone(&own);
        let mut left = times;
        let timer = self.every(period, move |tick| {
            left = left.saturating_sub(1);
            if left == 0
                && let Some(timer) = known.get()
            {
                tick.house.cancel(timer);
            }
            if times > 0 {
                each(tick);
            }
        });
        own.set(Some(timer));
        timer
    }

    /// Calls `then` whenever `condition` holds, which is looked at ten times a second, until it is
    /// cancelled.
    ///
    /// ```
    /// use parlour::web::{Cx, Event};
    ///
    /// fn watch(cx: &mut Cx<'_, Vec<u32>>) -> &'static str {
    ///     cx.house.when(|tick| tick.state.len() > 100, |tick| {
    ///         tick.state.clear();
    ///         tick.house.group_send("all", &Event::new("full", "all of it was thrown away"));
    ///     });
    ///     "watching"
    /// }
    /// # let _ = watch;
    /// ```
    pub fn when(
        &mut self,
        mut condition: impl FnMut(&mut Tick<'_, S>) -> bool + 'static,
        mut then: impl FnMut(&mut Tick<'_, S>) + 'static,
    ) -> TimerId {
        self.every(LOOK, move |tick| {
            if condition(tick) {
                then(tick);
            }
        })
    }

    /// Takes a timer back. Whether it was still to come.
    pub fn cancel(&mut self, timer: TimerId) -> bool {
        self.desk.timers.cancel(timer)
    }
}

/// Says something to channels: encoded once, or by way of those that intercept. How many of these had
/// to be cut off.
fn tell(
    members: &[Channel],
    but: &[Channel],
    event: &Event,
    channels: &mut Channels,
    net: &mut Net,
) -> u64 {
    let mut missed = 0;
    if channels.any_intercepts() {
        for member in members.iter().filter(|member| !but.contains(member)) {
            if channels.intercepts(*member) && !channels.deliver(*member, event) {
                cut_off(net, *member);
                missed += 1;
            }
        }
    }
    let plain = members
        .iter()
        .filter(|member| !channels.intercepts(**member) && !but.contains(member));
    let ids = plain.map(|member| ConnId::from_bits(member.0));
    net.broadcast_numbered(ids, Message::Text(event.text()), event.number());
    missed
}

/// More waits for guests that intercept than may wait: this one misses something, and is told.
fn cut_off(net: &mut Net, channel: Channel) {
    let reason = "too slow: more waited to be handled here than may wait";
    net.close(ConnId::from_bits(channel.0), 4002, reason);
}
