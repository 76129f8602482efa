//! # Guests: how consumers and feeds are called
//!
//! Whatever happens to a connection that stays is told to its guest here. What guests say to each
//! other meanwhile, and what they ask of helpers, is worked off when nobody is being called.
//!
//! Promises
//! 1. A consumer hears `opened` first, then what arrives, then `disconnect`, once each; a feed hears
//!    `ended` once, unless it ended or broke off the answer itself.
//! 2. A guest that has gone is in no group, also if it joined one while it was told of its end.
//! 3. A guest that panics loses its connection, and nobody else does.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::consumer::{Consumer, Live};
use super::cx::House;
use super::event::Delivery;
use super::helper::{Busy, Outcome};
use super::nano;
use super::seats::{Asked, Guest, GuestGoOn, GuestWait, HouseWait};
use super::service::{Newcomer, Parked, Service, told};
use super::stream::{Feed, Flow};
use crate::layer::{Channel, Layer};
use crate::reactor::{Call, ConnId, Net, Sent};

/// What a client is told when it was our mistake.
const OURS: &str = "something went wrong here; it is not your fault";

impl<S: 'static> Service<S> {
    pub(super) fn consumer_opened(&mut self, call: Call, newcomer: Newcomer<S>, net: &mut Net) {
        let Newcomer {
            consumer,
            user,
            intercepts,
        } = newcomer;
        if let Some(user) = user {
            self.seat_person(&user, call);
        }
        self.desk.channels.begin(Channel(call.id.to_bits()));
        if intercepts {
            self.desk.channels.intercept(Channel(call.id.to_bits()));
        }
        self.seats.take(call, Guest::Consumer(consumer));
        self.consume(call.id, net, |consumer, live| consumer.opened(live));
    }

    /// A connection is its user's from now on.
    pub(super) fn seat_person(&mut self, user: &str, call: Call) {
        if let Err(refusal) = self.desk.people.join(user, Channel(call.id.to_bits())) {
            log::error!("'{user}' does not hear what is said to users: {refusal}");
        }
    }

    /// Calls the consumer at a connection, and then works off what came of it.
    pub(super) fn consume(
        &mut self,
        id: ConnId,
        net: &mut Net,
        call: impl FnOnce(&mut dyn Consumer<S>, &mut Live<'_, S>),
    ) {
        self.call_consumer(id, net, call);
        self.work_off(net);
    }

    fn call_consumer(
        &mut self,
        id: ConnId,
        net: &mut Net,
        call: impl FnOnce(&mut dyn Consumer<S>, &mut Live<'_, S>),
    ) {
        let Some((came_with, Guest::Consumer(consumer))) = self.seats.at(id) else {
            return;
        };
        let mut live = Live {
            state: &mut self.state,
            house: House {
                desk: &mut self.desk,
                net,
            },
            call: came_with,
        };
        let called = catch_unwind(AssertUnwindSafe(|| call(&mut **consumer, &mut live)));
        if let Err(panic) = called {
            log::error!("a consumer panicked: {}", told(&*panic));
            live.close(1011, OURS);
        }
    }

    pub(super) fn consumer_closed(&mut self, id: ConnId, code: Option<u16>, net: &mut Net) {
        let Some((came_with, _)) = self.seats.at(id) else {
            return;
        };
        self.leave_groups(Channel(id.to_bits()));
        self.call_consumer(id, net, |consumer, live| consumer.disconnect(code, live));
        self.clear(came_with);
        self.work_off(net);
    }

    pub(super) fn feed_more(&mut self, call: Call, net: &mut Net) {
        if let Some(user) = self.beginning.remove(&call) {
            if let Some(user) = user {
                self.seat_person(&user, call);
            }
            self.desk.channels.begin(Channel(call.id.to_bits()));
            self.desk.channels.intercept(Channel(call.id.to_bits()));
        }
        self.call_feed(call, net, |feed, flow| feed.more(flow));
        if net.write(call, &[]) == Sent::Gone && self.seats.of(call).is_some() {
            // Nobody takes it, as with HEAD.
            return self.feed_ended(call, net);
        }
        self.work_off(net);
    }

    pub(super) fn feed_hung_up(&mut self, call: Call, net: &mut Net) {
        self.call_feed(call, net, |feed, flow| feed.hung_up(flow));
        self.work_off(net);
    }

    pub(super) fn feed_ended(&mut self, call: Call, net: &mut Net) {
        self.beginning.remove(&call);
        self.leave_groups(Channel(call.id.to_bits()));
        self.call_feed(call, net, |feed, flow| {
            flow.over = true;
            feed.ended(flow);
        });
        self.work_off(net);
    }

    fn call_feed(
        &mut self,
        call: Call,
        net: &mut Net,
        what: impl FnOnce(&mut dyn Feed<S>, &mut Flow<'_, S>),
    ) {
        let Some(Guest::Feed(feed)) = self.seats.of(call) else {
            return;
        };
        let mut flow = Flow {
            state: &mut self.state,
            house: House {
                desk: &mut self.desk,
                net,
            },
            call,
            over: false,
        };
        let called = catch_unwind(AssertUnwindSafe(|| what(&mut **feed, &mut flow)));
        if let Err(panic) = called {
            log::error!("a feed panicked: {}", told(&*panic));
            flow.abort();
        }
        if flow.over {
            self.clear(call);
        }
    }

    fn leave_groups(&mut self, channel: Channel) {
        self.desk.layer.end(channel);
        self.desk.people.end(channel);
    }

    /// A guest has gone: nothing that bears its name stays.
    fn clear(&mut self, call: Call) {
        let channel = Channel(call.id.to_bits());
        self.leave_groups(channel);
        self.desk.channels.end(channel);
        self.seats.leave(call);
    }

    /// Hands out what was said to guests that intercept, and what was asked of helpers.
    pub(super) fn work_off(&mut self, net: &mut Net) {
        loop {
            for asked in std::mem::take(&mut self.desk.waits) {
                let ticket = self.ticket();
                match asked {
                    Asked::Guest(GuestWait {
                        call,
                        errand,
                        go_on,
                    }) => match errand(&mut self.desk.helpers, ticket) {
                        Ok(()) => self.park(ticket, Parked::Guest { call, go_on }),
                        Err(busy) => self.hand_back(call, go_on, Err(busy), net),
                    },
                    Asked::House(HouseWait { errand, go_on }) => {
                        match errand(&mut self.desk.helpers, ticket) {
                            Ok(()) => self.park(ticket, Parked::House { go_on }),
                            Err(busy) => drop(self.ticked(net, |tick| go_on(tick, Err(busy)))),
                        }
                    }
                }
            }
            while self.desk.nano.has_later() {
                self.ticked(net, |tick| nano::call_later(tick));
            }
            let Some((channel, delivery)) = self.desk.channels.next() else {
                if self.desk.waits.is_empty() {
                    return;
                }
                continue;
            };
            let id = ConnId::from_bits(channel.0);
            let event = match delivery {
                Delivery::Event(event) => event,
                Delivery::Close(code, reason) => {
                    net.close(id, code, &reason);
                    continue;
                }
            };
            match self.seats.at(id) {
                Some((_, Guest::Consumer(_))) => {
                    self.call_consumer(id, net, |consumer, live| consumer.event(&event, live));
                }
                Some((call, Guest::Feed(_))) => {
                    self.call_feed(call, net, |feed, flow| feed.event(&event, flow));
                }
                None => {}
            }
        }
    }

    /// A guest's wait is over; without an outcome if the job panicked, which ends the guest.
    pub(super) fn guest_goes_on(
        &mut self,
        call: Call,
        go_on: GuestGoOn<S>,
        outcome: Option<Outcome>,
        net: &mut Net,
    ) {
        let Some(outcome) = outcome else {
            log::error!("a helper's job panicked");
            return match self.seats.of(call) {
                Some(Guest::Consumer(_)) => net.close(call.id, 1011, OURS),
                Some(Guest::Feed(_)) => self.call_feed(call, net, |_, flow| flow.abort()),
                None => {}
            };
        };
        self.hand_back(call, go_on, Ok(outcome), net);
    }

    fn hand_back(
        &mut self,
        call: Call,
        go_on: GuestGoOn<S>,
        outcome: Result<Outcome, Busy>,
        net: &mut Net,
    ) {
        match go_on {
            GuestGoOn::Consumer(go_on) => self.call_consumer(call.id, net, |consumer, live| {
                let consumer: &mut dyn Any = consumer;
                go_on(consumer, live, outcome);
            }),
            GuestGoOn::Feed(go_on) => self.call_feed(call, net, |feed, flow| {
                let feed: &mut dyn Any = feed;
                go_on(feed, flow, outcome);
            }),
        }
    }
}
