//! # Crowd: who is connected, and with what
//!
//! A person may have several devices, each with a seat: a WebSocket or a stream of events. Whoever
//! signs out takes the seats of a token or of the person along. Of sessions of the game protocol only
//! the number is known here: they are there, and what they are told is no affair of this file.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::behind::Behind;
use super::watching::Watch;
use crate::chat::{Millis, RoomId, RoomName, Scopes, Title, TokenId, UserId, UserName};
use crate::ground::time::Instant;
use crate::layer::Channel;

/// Connections that one person may have. Beyond it something is wrong with a program, not a person.
pub(super) const SEATS_PER_PERSON_MAX: usize = 64;

/// One connection of a person.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) channel: Channel,
    pub(super) token: TokenId,
    /// When its token ends, if it does.
    pub(super) expires_at: Option<Millis>,
    /// Its device says that nobody looks at it.
    pub(super) away: bool,
    /// When something was wanted last.
    pub(super) active: Instant,
    /// That was so long ago that it is taken to be unattended.
    pub(super) idle: bool,
    /// Commands that were not answered yet.
    pub(super) in_flight: u16,
    /// What its token is good for, if that is not everything.
    pub(super) scopes: Option<Rc<Scopes>>,
    /// The rooms of which it wants to be told, if it does not of all.
    pub(super) only: Option<Rc<[RoomName]>>,
    /// What it shows, if it has said so.
    pub(super) watch: Option<Box<Watch>>,
    /// What it has not been told yet, if it does not hear what is told now.
    pub(super) behind: Option<Box<Behind>>,
}

impl Seat {
    const fn is_unattended(&self) -> bool {
        self.away || self.idle
    }

    /// Whether it wants to be told of a room.
    pub(super) fn wants(&self, room: &RoomName) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(room)) && self.may_hear(room)
    }

    /// Whether its token is good for a room.
    fn may_hear(&self, room: &RoomName) -> bool {
        self.scopes.as_ref().is_none_or(|it| it.has_room(room))
    }

    /// Whether its token is good for some rooms alone: what concerns its person is not for it.
    pub(super) fn is_limited(&self) -> bool {
        self.scopes.as_ref().is_some_and(|it| it.is_limited())
    }

    /// Whether it wants to be told who is in a room, and who types there.
    pub(super) fn shows(&self, room: RoomId, name: &RoomName) -> bool {
        self.wants(name) && self.watch.as_ref().is_none_or(|watch| watch.shows(room))
    }
}

/// How somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Online,
    /// All of their devices are unattended.
    Away,
    Offline,
}

impl State {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Offline => "offline",
        }
    }
}

/// Somebody who is connected, or was until a moment ago.
#[derive(Debug)]
struct Here {
    name: UserName,
    display_name: Title,
    seats: Vec<Seat>,
    /// Sessions of the game protocol.
    playing: u32,
}

impl Here {
    const fn has_gone(&self) -> bool {
        self.seats.is_empty() && self.playing == 0
    }

    /// Whether nobody looks at any device. Whoever plays does.
    fn is_unattended(&self) -> bool {
        self.playing == 0 && self.seats.iter().all(Seat::is_unattended)
    }
}

/// Who is connected.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    people: BTreeMap<UserId, Here>,
    seats: usize,
    /// How many have said what they show.
    watching: usize,
    /// No token of a connection ends before.
    first_end: Option<Millis>,
    /// When those who have gone were there last, since the server began.
    last_seen: HashMap<UserId, Millis>,
}

impl Crowd {
    /// How many connections there are.
    pub(super) fn seats_len(&self) -> usize {
        self.seats
    }

    /// How many people are connected.
    pub(super) fn people_len(&self) -> usize {
        self.people.len()
    }

    /// How many connections are told what they missed.
    pub(super) fn behind_len(&self) -> usize {
        let seats = self.everybody().into_iter();
        seats.filter(|(_, seat)| seat.behind.is_some()).count()
    }

    /// The connections of a person.
    pub(super) fn seats(&self, user: UserId) -> &[Seat] {
        self.people.get(&user).map_or(&[], |here| &here.seats)
    }

    /// The connections of a person, to change them.
    pub(super) fn seats_mut(&mut self, user: UserId) -> &mut [Seat] {
        self.people
            .get_mut(&user)
            .map_or(&mut [], |here| &mut here.seats)
    }

    /// One connection, to change it.
    pub(super) fn seat_mut(&mut self, user: UserId, channel: Channel) -> Option<&mut Seat> {
        self.seats_mut(user)
            .iter_mut()
            .find(|seat| seat.channel == channel)
    }

    /// Whether a connection's token is good for some rooms alone.
    pub(super) fn is_limited(&self, user: UserId, channel: Channel) -> bool {
        let mut seats = self.seats(user).iter();
        seats.any(|seat| seat.channel == channel && seat.is_limited())
    }

    /// What somebody who is connected is called.
    pub(super) fn name(&self, user: UserId) -> Option<(&UserName, &Title)> {
        self.people
            .get(&user)
            .map(|here| (&here.name, &here.display_name))
    }

    /// Somebody wants to be called something else.
    pub(super) fn rename(&mut self, user: UserId, display_name: &Title) {
        if let Some(here) = self.people.get_mut(&user) {
            here.display_name = display_name.clone();
        }
    }

    /// How somebody is there.
    pub(super) fn state(&self, user: UserId) -> State {
        match self.people.get(&user) {
            None => State::Offline,
            Some(here) if here.has_gone() => State::Offline,
            Some(here) if here.is_unattended() => State::Away,
            Some(_) => State::Online,
        }
    }

    /// When somebody who is not connected was so last, if the server knows.
    pub(super) fn last_seen(&self, user: UserId) -> Option<Millis> {
        self.last_seen.get(&user).copied()
    }

    /// Whether there is room for one more connection of a person.
    pub(super) fn has_seat(&self, user: UserId) -> bool {
        self.seats(user).len() < SEATS_PER_PERSON_MAX
    }

    /// Whether any connection has said what it shows.
    pub(super) const fn is_watching(&self) -> bool {
        self.watching > 0
    }

    /// A connection has said what it shows.
    pub(super) fn watches(&mut self, user: UserId, channel: Channel, watch: Watch) {
        if let Some(seat) = self.seat_mut(user, channel) {
            let before = seat.watch.replace(Box::new(watch));
            self.watching += usize::from(before.is_none());
        }
    }

    /// A connection goes on with another token of its person's.
    pub(super) fn renew(
        &mut self,
        user: UserId,
        channel: Channel,
        token: TokenId,
        expires_at: Option<Millis>,
    ) {
        if let Some(seat) = self.seat_mut(user, channel) {
            seat.token = token;
            seat.expires_at = expires_at;
            self.ends(expires_at);
        }
    }

    fn ends(&mut self, at: Option<Millis>) {
        self.first_end = self.first_end.into_iter().chain(at).min();
    }

    /// Connections whose token has ended by now.
    pub(super) fn expired(&mut self, now: Millis) -> Vec<(UserId, Channel)> {
        if self.first_end.is_none_or(|end| end > now) {
            return Vec::new();
        }
        let mut expired = Vec::new();
        let mut first = None;
        for (user, seat) in self.everybody() {
            match seat.expires_at {
                Some(end) if end <= now => expired.push((user, seat.channel)),
                end => first = first.into_iter().chain(end).min(),
            }
        }
        self.first_end = first;
        expired
    }

    /// Somebody has come.
    pub(super) fn sit(&mut self, user: UserId, name: &UserName, display_name: &Title, seat: Seat) {
        self.ends(seat.expires_at);
        let here = self.here(user, name, display_name);
        // Most people have one or two.
        if here.seats.len() == here.seats.capacity() {
            here.seats.reserve_exact(1);
        }
        here.seats.push(seat);
        self.seats += 1;
    }

    fn here(&mut self, user: UserId, name: &UserName, display_name: &Title) -> &mut Here {
        self.people.entry(user).or_insert_with(|| Here {
            name: name.clone(),
            display_name: display_name.clone(),
            seats: Vec::new(),
            playing: 0,
        })
    }

    /// Somebody has come by the game protocol.
    pub(super) fn play(&mut self, user: UserId, name: &UserName, display_name: &Title) {
        self.here(user, name, display_name).playing += 1;
    }

    /// A session of the game protocol is over. Whether that was their last connection, as of
    /// [`stand_up`](Self::stand_up).
    pub(super) fn stop_playing(&mut self, user: UserId, at: Millis) -> bool {
        let Some(here) = self.people.get_mut(&user).filter(|here| here.playing > 0) else {
            return false;
        };
        here.playing -= 1;
        let is_last = here.has_gone();
        if is_last {
            self.last_seen.insert(user, at);
        }
        is_last
    }

    /// Somebody has gone. Whether that was their last connection; they are remembered until
    /// [`forget`](Self::forget).
    pub(super) fn stand_up(&mut self, user: UserId, channel: Channel, at: Millis) -> bool {
        let Some(here) = self.people.get_mut(&user) else {
            return false;
        };
        let before = here.seats.len();
        let mut going = here.seats.iter().filter(|seat| seat.channel == channel);
        self.watching -= usize::from(going.any(|seat| seat.watch.is_some()));
        here.seats.retain(|seat| seat.channel != channel);
        self.seats -= before - here.seats.len();
        let is_last = before > 0 && here.has_gone();
        if is_last {
            self.last_seen.insert(user, at);
        }
        is_last
    }

    /// Somebody stays away. What they were called, unless they have come back.
    pub(super) fn forget(&mut self, user: UserId) -> Option<UserName> {
        if self.people.get(&user)?.has_gone() {
            return self.people.remove(&user).map(|here| here.name);
        }
        None
    }

    /// Everybody's connections, people in the order of their numbers.
    pub(super) fn everybody(&self) -> Vec<(UserId, &Seat)> {
        let seats = self.people.iter().flat_map(|(user, here)| {
            let user = *user;
            here.seats.iter().map(move |seat| (user, seat))
        });
        seats.collect()
    }

    /// Devices that nobody has touched since then become unattended; whose they are, if that
    /// changes how they are there.
    pub(super) fn sweep(&mut self, since: Instant) -> Vec<UserId> {
        let mut changed = Vec::new();
        for (user, here) in &mut self.people {
            let before = here.is_unattended();
            for seat in &mut here.seats {
                seat.idle = seat.active < since;
            }
            if !before && here.is_unattended() {
                changed.push(*user);
            }
        }
        changed
    }

    /// Somebody has wanted something, with one of their connections or, where that is not known, with
    /// any. Whether that changes how they are there.
    pub(super) fn stir(&mut self, user: UserId, with: Option<Channel>, now: Instant) -> bool {
        let before = self.state(user);
        let is_meant = |seat: &&mut Seat| with.is_none_or(|channel| seat.channel == channel);
        let mut was_idle = false;
        for seat in self.seats_mut(user).iter_mut().filter(is_meant) {
            seat.active = now;
            was_idle |= std::mem::take(&mut seat.idle);
        }
        was_idle && self.state(user) != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: UserId = UserId(1);

    fn sit(crowd: &mut Crowd, channel: Channel, away: bool) {
        let seat = Seat {
            channel,
            token: TokenId(1),
            expires_at: None,
            away,
            active: Instant(0),
            idle: false,
            in_flight: 0,
            scopes: None,
            only: None,
            watch: None,
            behind: None,
        };
        let name = UserName::parse("name", "ana").unwrap();
        let display_name = Title::parse("display_name", "Ana").unwrap();
        crowd.sit(ANA, &name, &display_name, seat);
    }

    #[test]
    fn who_plays_is_there_until_the_last_session_is_over() {
        let (mut crowd, one) = (Crowd::default(), Channel(1));
        let name = UserName::parse("name", "ana").unwrap();
        let display_name = Title::parse("display_name", "Ana").unwrap();
        sit(&mut crowd, one, true);
        assert_eq!(crowd.state(ANA), State::Away);
        crowd.play(ANA, &name, &display_name);
        crowd.play(ANA, &name, &display_name);
        assert_eq!(crowd.state(ANA), State::Online);
        assert_eq!(crowd.sweep(Instant(11)), [], "who plays is not away");
        assert!(!crowd.stop_playing(ANA, 1));
        assert!(!crowd.stand_up(ANA, one, 2), "a session is left");
        assert_eq!(crowd.forget(ANA), None);
        assert_eq!(crowd.state(ANA), State::Online);
        assert!(crowd.stop_playing(ANA, 3));
        assert_eq!(
            (crowd.state(ANA), crowd.last_seen(ANA)),
            (State::Offline, Some(3))
        );
        assert!(!crowd.stop_playing(ANA, 4), "that was told");
        assert_eq!(crowd.forget(ANA), Some(name));
        assert_eq!(crowd.people_len(), 0);
    }

    #[test]
    fn who_does_nothing_for_long_is_away_until_they_do_something() {
        let (mut crowd, one, other) = (Crowd::default(), Channel(1), Channel(2));
        sit(&mut crowd, one, false);
        sit(&mut crowd, other, true);
        assert_eq!(crowd.state(ANA), State::Online);
        assert!(!crowd.stir(ANA, None, Instant(10)));
        assert_eq!(crowd.sweep(Instant(10)), []);
        assert_eq!(crowd.sweep(Instant(11)), [ANA]);
        assert_eq!(crowd.state(ANA), State::Away);
        assert_eq!(crowd.sweep(Instant(12)), [], "that was told");
        assert!(
            !crowd.stir(ANA, Some(other), Instant(20)),
            "it says that nobody looks at it"
        );
        assert!(crowd.stir(ANA, Some(one), Instant(20)));
        assert_eq!(crowd.state(ANA), State::Online);
        assert_eq!(crowd.sweep(Instant(20)), []);
    }
}
