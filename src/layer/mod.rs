//! # Layer: who hears what is said to a group
//!
//! Every connection that takes events is a [`Channel`] with a unique name; channels join groups by
//! name, and what is said to a group is said to each of its members. Joining and leaving take the
//! same time however large the group is, and a channel that ends leaves everything at once.
//!
//! ```
//! use parlour::layer::{Channel, Layer, LocalLayer};
//!
//! let mut layer = LocalLayer::default();
//! layer.join("news", Channel(7))?;
//! for member in layer.members("news") {
//!     println!("{member} hears it");
//! }
//! # Ok::<(), parlour::layer::Refusal>(())
//! ```
//!
//! Promises
//! 1. A member is in a group once, from `join` to `leave` or `end`, and nowhere after `end`.
//! 2. Members are listed in an order that only joins and leaves decide: the same calls give the
//!    same lists.
//! 3. A group without members, and a channel without groups, own no memory.
//! 4. Nothing is dropped in silence: what cannot be taken is refused by name ([`Refusal`]).
//!
//! Never knows: sockets, frames, what an event means. [`Layer`] is the trait behind which several
//! machines may stand; [`LocalLayer`] is one machine. Start reading at [`LocalLayer::join`].

use std::collections::HashMap;
use std::fmt;

use slab::Slab;

/// A connection that takes events: its name is never given to another.
///
/// Whoever wants to be answered later leaves it, and is found as long as the connection lasts:
///
/// ```
/// use parlour::layer::Channel;
/// use parlour::web::{Consumer, Event, Live};
/// use parlour::ws::Message;
///
/// /// Whoever asks waits for somebody who knows.
/// struct Help;
///
/// impl Consumer<Vec<Channel>> for Help {
///     fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Vec<Channel>>) {
///         match message {
///             Message::Text("help") => live.state.push(live.channel()),
///             Message::Text(advice) => {
///                 for asker in std::mem::take(live.state) {
///                     live.house.send(asker, &Event::new("advice", advice));
///                 }
///             }
///             Message::Binary(_) => {}
///         }
///     }
/// }
/// # let _ = Help;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(pub u64);

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel.{:x}", self.0)
    }
}

/// Why a join is refused.
///
/// ```
/// use parlour::layer::{Bounds, Channel, Layer, LocalLayer, Refusal};
///
/// let mut layer = LocalLayer::new(Bounds { members_max: 2, ..Bounds::default() });
/// for player in [Channel(1), Channel(2)] {
///     layer.join("table", player)?;
/// }
/// let refused = layer.join("table", Channel(3));
/// assert_eq!(refused, Err(Refusal::GroupFull));
/// assert_eq!(Refusal::GroupFull.to_string(), "the group has as many members as it may");
/// # Ok::<(), Refusal>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The name is empty or longer than [`Bounds::name_bytes_max`].
    BadName,
    /// The group has [`Bounds::members_max`] members.
    GroupFull,
    /// The channel is in [`Bounds::groups_max`] groups.
    TooManyGroups,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadName => "the name of a group is empty or too long",
            Self::GroupFull => "the group has as many members as it may",
            Self::TooManyGroups => "the channel is in as many groups as it may be",
        })
    }
}

impl std::error::Error for Refusal {}

/// How large a layer may grow.
///
/// ```
/// use parlour::layer::Bounds;
/// use parlour::web::App;
///
/// // Tables for four, and nobody plays at more than three.
/// let tables = Bounds { members_max: 4, groups_max: 3, ..Bounds::default() };
/// let app = App::new(()).group_bounds(tables);
/// # drop(app);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of a group's name. Others: Django Channels 100 characters.
    pub name_bytes_max: usize,
    /// Members of a group.
    pub members_max: usize,
    /// Groups of a channel: without it one connection could fill the machine with names.
    pub groups_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            name_bytes_max: 200,
            members_max: 1_000_000,
            groups_max: 1000,
        }
    }
}

/// What a cluster would stand behind: who is where, on this machine.
///
/// ```
/// use parlour::layer::{Channel, Layer, LocalLayer};
///
/// let mut layer = LocalLayer::default();
/// layer.join("kitchen", Channel(1))?;
/// layer.join("kitchen", Channel(2))?;
/// layer.end(Channel(1));
/// assert_eq!(layer.members("kitchen"), [Channel(2)]);
/// # Ok::<(), parlour::layer::Refusal>(())
/// ```
pub trait Layer {
    /// Makes `channel` a member of `group`. Whether it was none before.
    fn join(&mut self, group: &str, channel: Channel) -> Result<bool, Refusal>;
    /// Ends a membership. Whether there was one.
    fn leave(&mut self, group: &str, channel: Channel) -> bool;
    /// Ends all memberships of a channel.
    fn end(&mut self, channel: Channel);
    /// The members of a group, on this machine.
    fn members(&self, group: &str) -> &[Channel];
    /// The groups of a channel, in the order in which it joined them, as far as none was left.
    fn groups(&self, channel: Channel) -> Vec<&str>;
}

/// A group: its members, and for each the place of its own entry for this group.
#[derive(Debug)]
struct Group {
    name: Box<str>,
    members: Vec<Channel>,
    /// For each member: where in its list of seats this group stands.
    backs: Vec<u32>,
}

/// Where a channel sits: which group, and which of its members it is.
#[derive(Clone, Copy, Debug)]
struct Seat {
    group: u32,
    place: u32,
}

/// The layer of one machine.
///
/// An app has one inside and asks it by way of its [`House`](crate::web::House). It can be used alone, by
/// a server without the framework:
///
/// ```
/// use parlour::layer::{Channel, Layer, LocalLayer};
///
/// let mut layer = LocalLayer::default();
/// layer.join("kitchen", Channel(1))?;
/// layer.join("garden", Channel(1))?;
/// layer.join("garden", Channel(2))?;
/// assert_eq!(layer.groups(Channel(1)), ["kitchen", "garden"]);
/// assert!(layer.leave("kitchen", Channel(1)) && !layer.leave("kitchen", Channel(1)));
/// // A group without members is gone.
/// assert_eq!((layer.groups_len(), layer.channels_len()), (1, 2));
/// # Ok::<(), parlour::layer::Refusal>(())
/// ```
#[derive(Debug, Default)]
pub struct LocalLayer {
    bounds: Bounds,
    groups: Slab<Group>,
    by_name: HashMap<Box<str>, u32>,
    seats: HashMap<Channel, Vec<Seat>>,
}

impl LocalLayer {
    /// A layer without groups.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            ..Self::default()
        }
    }

    /// How many groups have members.
    pub fn groups_len(&self) -> usize {
        self.groups.len()
    }

    /// How many channels are in groups.
    pub fn channels_len(&self) -> usize {
        self.seats.len()
    }

    fn seat_in(&self, group: &str, channel: Channel) -> Option<usize> {
        let group = *self.by_name.get(group)?;
        self.seats
            .get(&channel)?
            .iter()
            .position(|seat| seat.group == group)
    }

    /// Empties the seat `index` of `channel`; whoever is moved by that keeps a true seat.
    fn vacate(&mut self, channel: Channel, index: usize) {
        let Some(seats) = self.seats.get_mut(&channel) else {
            return;
        };
        let Seat { group, place } = seats.swap_remove(index);
        if let Some(moved) = seats.get(index) {
            self.groups[moved.group as usize].backs[moved.place as usize] = index as u32;
        }
        if seats.is_empty() {
            self.seats.remove(&channel);
        }
        let place = place as usize;
        let left = &mut self.groups[group as usize];
        left.members.swap_remove(place);
        left.backs.swap_remove(place);
        if let Some(moved) = left.members.get(place) {
            let back = left.backs[place] as usize;
            let seats = self.seats.get_mut(moved).expect("a member has a seat");
            seats[back].place = place as u32;
        }
        if left.members.is_empty() {
            let name = self.groups.remove(group as usize).name;
            self.by_name.remove(&name);
        } else if left.members.len() * 4 < left.members.capacity() {
            let room = left.members.len() * 2;
            left.members.shrink_to(room);
            left.backs.shrink_to(room);
        }
    }

    /// Asserts the promises.
    pub fn check(&self) {
        let mut memberships = 0;
        for (index, group) in &self.groups {
            assert!(
                !group.members.is_empty(),
                "promise 3: an empty group is gone"
            );
            assert_eq!(
                group.members.len(),
                group.backs.len(),
                "each member has a way back"
            );
            memberships += group.members.len();
            for (place, member) in group.members.iter().enumerate() {
                let seat = self.seats[member][group.backs[place] as usize];
                assert_eq!((seat.group as usize, seat.place as usize), (index, place));
            }
        }
        #[expect(clippy::disallowed_methods, reason = "a sum is the same in any order")]
        let seats: usize = self.seats.values().map(Vec::len).sum();
        assert_eq!(memberships, seats, "promise 1");
    }
}

impl Layer for LocalLayer {
    fn join(&mut self, group: &str, channel: Channel) -> Result<bool, Refusal> {
        if group.is_empty() || group.len() > self.bounds.name_bytes_max {
            return Err(Refusal::BadName);
        }
        if self.seat_in(group, channel).is_some() {
            return Ok(false);
        }
        if self
            .seats
            .get(&channel)
            .is_some_and(|seats| seats.len() >= self.bounds.groups_max)
        {
            return Err(Refusal::TooManyGroups);
        }
        if self.members(group).len() >= self.bounds.members_max {
            return Err(Refusal::GroupFull);
        }
        let index = self.by_name.get(group).copied().unwrap_or_else(|| {
            let name: Box<str> = group.into();
            let new = Group {
                name: name.clone(),
                members: Vec::new(),
                backs: Vec::new(),
            };
            let index = self.groups.insert(new) as u32;
            self.by_name.insert(name, index);
            index
        });
        let group = &mut self.groups[index as usize];
        let seats = self.seats.entry(channel).or_default();
        group.backs.push(seats.len() as u32);
        seats.push(Seat {
            group: index,
            place: group.members.len() as u32,
        });
        group.members.push(channel);
        Ok(true)
    }

    fn leave(&mut self, group: &str, channel: Channel) -> bool {
        let seat = self.seat_in(group, channel);
        if let Some(index) = seat {
            self.vacate(channel, index);
        }
        seat.is_some()
    }

    fn end(&mut self, channel: Channel) {
        while let Some(last) = self.seats.get(&channel).map(|seats| seats.len() - 1) {
            self.vacate(channel, last);
        }
    }

    fn members(&self, group: &str) -> &[Channel] {
        match self.by_name.get(group) {
            Some(index) => &self.groups[*index as usize].members,
            None => &[],
        }
    }

    fn groups(&self, channel: Channel) -> Vec<&str> {
        let seats = self.seats.get(&channel).map_or(&[][..], |seats| seats);
        seats
            .iter()
            .map(|seat| &*self.groups[seat.group as usize].name)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn who_joins_twice_is_a_member_once() {
        let mut layer = LocalLayer::default();
        assert_eq!(layer.join("a", Channel(1)), Ok(true));
        assert_eq!(layer.join("a", Channel(1)), Ok(false));
        assert_eq!(layer.members("a"), [Channel(1)]);
    }

    #[test]
    fn bounds_are_refusals_with_names() {
        let bounds = Bounds {
            name_bytes_max: 3,
            members_max: 2,
            groups_max: 2,
        };
        let mut layer = LocalLayer::new(bounds);
        assert_eq!(layer.join("", Channel(1)), Err(Refusal::BadName));
        assert_eq!(layer.join("long", Channel(1)), Err(Refusal::BadName));
        assert_eq!(layer.join("a", Channel(1)), Ok(true));
        assert_eq!(layer.join("a", Channel(2)), Ok(true));
        assert_eq!(layer.join("a", Channel(3)), Err(Refusal::GroupFull));
        assert_eq!(layer.join("b", Channel(1)), Ok(true));
        assert_eq!(layer.join("c", Channel(1)), Err(Refusal::TooManyGroups));
        layer.check();
    }

    #[test]
    fn a_million_cycles_leave_nothing_behind() {
        let mut layer = LocalLayer::default();
        for cycle in 0..1_000_000_u64 {
            layer.join("room", Channel(cycle)).unwrap();
            layer
                .join(if cycle % 2 == 0 { "even" } else { "odd" }, Channel(cycle))
                .unwrap();
            layer.end(Channel(cycle));
        }
        assert_eq!((layer.groups_len(), layer.channels_len()), (0, 0));
        assert!(layer.groups.capacity() < 16 && layer.by_name.capacity() < 64);
    }

    proptest! {
        /// Whatever joins, leaves and ends: the layer says what a plain set of pairs says.
        #[test]
        fn it_agrees_with_a_plain_set(
            acts in prop::collection::vec((0..4u8, 0..6u64, 0..5u8), 1..200)
        ) {
            let mut layer = LocalLayer::default();
            let mut plain: BTreeSet<(String, Channel)> = BTreeSet::new();
            for (act, channel, group) in acts {
                let (channel, group) = (Channel(channel), format!("g{group}"));
                match act {
                    0 | 1 => prop_assert_eq!(
                        layer.join(&group, channel),
                        Ok(plain.insert((group.clone(), channel)))
                    ),
                    2 => prop_assert_eq!(
                        layer.leave(&group, channel),
                        plain.remove(&(group.clone(), channel))
                    ),
                    _ => {
                        layer.end(channel);
                        plain.retain(|(_, member)| *member != channel);
                    }
                }
                layer.check();
                for number in 0..5 {
                    let group = format!("g{number}");
                    let mut members = layer.members(&group).to_vec();
                    members.sort();
                    let wanted: Vec<Channel> = plain.iter()
                        .filter(|(name, _)| *name == group).map(|(_, member)| *member).collect();
                    prop_assert_eq!(members, wanted);
                }
            }
        }
    }
}
