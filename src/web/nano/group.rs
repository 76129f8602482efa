//! # Groups: sessions that are told the same

use std::fmt;

use super::data::Encode;
use super::session::{Record, SayError, SessionId};
use crate::layer::{Channel, Layer, Refusal};
use crate::web::House;

/// Sessions that are told the same.
///
/// A session that ends leaves its groups by itself. What is broadcast is written once. A member for
/// which too much waits already is cut off, and so knows that it missed something. Two groups of one
/// name are one.
///
/// ```
/// use parlour::web::nano::{Failure, Group, Play};
/// use serde_json::json;
///
/// fn join(group: &Group, play: &mut Play<'_, ()>) -> Result<(), Failure> {
///     let uids = group.members(&play.house);
///     play.session().push("onMembers", &json!({ "members": uids }))?;
///     group.broadcast(&mut play.house, "onNewUser", &json!({ "id": play.id.0 }))?;
///     Ok(group.add(&mut play.house, play.id)?)
/// }
/// # let _ = (Group::new("table 7"), join);
/// ```
#[derive(Debug)]
pub struct Group {
    name: Box<str>,
    is_closed: bool,
}

/// Why a group does not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupError {
    /// The group is closed.
    Closed,
    /// The session is a member already.
    Already,
    /// The session has ended.
    Gone,
    /// There is no room.
    Refused(Refusal),
    /// The message cannot be said.
    Unsaid(SayError),
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the group is closed"),
            Self::Already => f.write_str("the session is in the group already"),
            Self::Gone => f.write_str("the session has ended"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unsaid(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for GroupError {}

impl Group {
    /// The group of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into().into_boxed_str(),
            is_closed: false,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn open(&self) -> Result<(), GroupError> {
        match self.is_closed {
            true => Err(GroupError::Closed),
            false => Ok(()),
        }
    }

    /// Makes a session a member. Twice is an error.
    pub fn add<S>(&self, house: &mut House<'_, S>, session: SessionId) -> Result<(), GroupError> {
        self.open()?;
        let lobby = &mut *house.desk.nano;
        if !lobby.sessions.contains_key(&session) {
            return Err(GroupError::Gone);
        }
        match lobby.layer.join(&self.name, Channel(session.0)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(GroupError::Already),
            Err(refusal) => Err(GroupError::Refused(refusal)),
        }
    }

    /// Ends a membership. Whether there was one.
    pub fn leave<S>(
        &self,
        house: &mut House<'_, S>,
        session: SessionId,
    ) -> Result<bool, GroupError> {
        self.open()?;
        let lobby = &mut *house.desk.nano;
        Ok(lobby.layer.leave(&self.name, Channel(session.0)))
    }

    /// Ends all memberships.
    pub fn leave_all<S>(&self, house: &mut House<'_, S>) -> Result<(), GroupError> {
        self.open()?;
        let lobby = &mut *house.desk.nano;
        for member in lobby.members(&self.name) {
            lobby.layer.leave(&self.name, Channel(member.0));
        }
        Ok(())
    }

    /// Whether one of somebody's sessions is a member.
    pub fn contains<S>(&self, house: &House<'_, S>, uid: i64) -> bool {
        self.member(house, uid).is_some()
    }

    /// The session by which somebody is a member.
    pub fn member<S>(&self, house: &House<'_, S>, uid: i64) -> Option<SessionId> {
        let lobby = &house.desk.nano;
        let is_theirs = |id: &SessionId| lobby.sessions.get(id).is_some_and(|it| it.uid() == uid);
        lobby.members(&self.name).into_iter().find(is_theirs)
    }

    /// Whose sessions the members are.
    pub fn members<S>(&self, house: &House<'_, S>) -> Vec<i64> {
        let lobby = &house.desk.nano;
        let members = lobby.members(&self.name).into_iter();
        members
            .filter_map(|id| lobby.sessions.get(&id).map(Record::uid))
            .collect()
    }

    /// How many members there are.
    pub fn count<S>(&self, house: &House<'_, S>) -> usize {
        house.desk.nano.layer.members(&self.name).len()
    }

    /// Tells all members something.
    pub fn broadcast<S>(
        &self,
        house: &mut House<'_, S>,
        route: &str,
        value: &(impl Encode + ?Sized),
    ) -> Result<(), GroupError> {
        self.multicast(house, route, value, |_| true)
    }

    /// Tells those members something for whom `filter` says yes.
    pub fn multicast<S>(
        &self,
        house: &mut House<'_, S>,
        route: &str,
        value: &(impl Encode + ?Sized),
        filter: impl Fn(&Record) -> bool,
    ) -> Result<(), GroupError> {
        self.open()?;
        let mut data = Vec::new();
        let unwritable = |why| GroupError::Unsaid(SayError::Unwritable(why));
        value.encode(&mut data).map_err(unwritable)?;
        let lobby = &mut *house.desk.nano;
        lobby
            .push_to_group(house.net, &self.name, route, &data, filter)
            .map_err(GroupError::Unsaid)
    }

    /// Ends all memberships, and the group: whatever else is asked of it is an error.
    pub fn close<S>(&mut self, house: &mut House<'_, S>) -> Result<(), GroupError> {
        self.leave_all(house)?;
        self.is_closed = true;
        Ok(())
    }
}
