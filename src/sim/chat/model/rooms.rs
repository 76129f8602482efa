//! # The model's rooms: making them, coming and going, keeping order

use std::collections::{BTreeMap, BTreeSet};

use super::{Judged, Member, Model, Room};
use crate::chat::{Answer, Code, DIRECT_PREFIX, Entry, Kind, RoomId, UserName};
use crate::sim::chat::fact::Fact;

impl Model {
    pub(super) fn is_admin(&self, id: u32) -> bool {
        self.people.iter().any(|it| it.id == id && it.admin)
    }

    /// The room, if somebody may see it.
    pub(super) fn place(&self, by: u32, name: &str) -> Result<usize, Code> {
        let seen = |room: &Room| {
            room.name == name
                && (room.kind == Kind::Public
                    || room.members.contains_key(&by)
                    || room.kind == Kind::Private && self.is_admin(by))
        };
        self.rooms.iter().position(seen).ok_or(Code::NotFound)
    }

    pub(super) fn inside(&self, by: u32, name: &str) -> Result<usize, Code> {
        let at = self.place(by, name)?;
        match self.rooms[at].members.contains_key(&by) {
            true => Ok(at),
            false => Err(Code::NotAMember),
        }
    }

    /// The room of who keeps order there.
    pub(super) fn order(&self, by: u32, name: &str) -> Result<usize, Code> {
        let at = self.place(by, name)?;
        let owns = self.rooms[at].members.get(&by).is_some_and(|it| it.owner);
        match owns || self.is_admin(by) {
            true => Ok(at),
            false => Err(Code::Forbidden),
        }
    }

    pub(super) fn named(&self, name: &str) -> Result<u32, Code> {
        let found = self.person(name);
        found.map(|person| person.id).ok_or(Code::NotFound)
    }

    pub(super) fn must_be_open(&self, at: usize) -> Result<(), Code> {
        match self.rooms[at].kind {
            Kind::Direct => Err(Code::Forbidden),
            _ => Ok(()),
        }
    }

    pub(super) fn add_room(
        &mut self,
        name: String,
        title: String,
        kind: Kind,
        people: Vec<u32>,
    ) -> usize {
        self.rooms.push(Room {
            id: self.rooms.len() as u32 + 1,
            name,
            kind,
            people,
            title,
            events: Vec::new(),
            messages: Vec::new(),
            members: BTreeMap::new(),
            bans: BTreeSet::new(),
        });
        self.rooms.len() - 1
    }

    pub(super) fn room_id(&self, at: usize) -> RoomId {
        RoomId(self.rooms[at].id)
    }

    pub(super) fn create(&mut self, by: u32, name: &str, kind: Kind, now: u64) -> Judged {
        if self.room(name).is_some() {
            return Err(Code::Exists);
        }
        let at = self.add_room(name.to_owned(), name.to_owned(), kind, Vec::new());
        self.enter(at, by, None, true, now);
        let room = name.to_owned();
        self.tell(by, Fact::Opened { room });
        Ok(Answer::Room(self.room_id(at)))
    }

    pub(super) fn direct(&mut self, by: u32, users: &[UserName], entry: &Entry) -> Judged {
        let mut people = vec![by];
        for user in users {
            people.push(self.named(user)?);
        }
        people.sort_unstable();
        people.dedup();
        if let Some(at) = self.rooms.iter().position(|room| room.people == people) {
            return Ok(Answer::Room(self.room_id(at)));
        }
        let hex: String = entry.random[..8]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let name = format!("{DIRECT_PREFIX}{hex}");
        let at = self.add_room(name.clone(), String::new(), Kind::Direct, people.clone());
        for person in people {
            self.enter(at, person, Some(by), false, entry.at);
            self.tell(person, Fact::Opened { room: name.clone() });
        }
        Ok(Answer::Room(self.room_id(at)))
    }

    pub(super) fn enter(&mut self, at: usize, user: u32, by: Option<u32>, owner: bool, now: u64) {
        let read = self.rooms[at].seq();
        let member = Member {
            owner,
            joined_at: now,
            read,
        };
        self.rooms[at].members.insert(user, member);
        let fact = Fact::Joined {
            user: self.name(user),
            by: by.filter(|by| *by != user).map(|by| self.name(by)),
            role: if owner { "owner" } else { "member" }.to_owned(),
        };
        self.tell_room(at, fact);
    }

    pub(super) fn join(&mut self, by: u32, name: &str, now: u64) -> Judged {
        let at = self.place(by, name)?;
        let room = &self.rooms[at];
        if room.members.contains_key(&by) {
            return Ok(Answer::Room(self.room_id(at)));
        }
        self.must_be_open(at)?;
        if room.bans.contains(&by) {
            return Err(Code::Forbidden);
        }
        let owner = room.members.is_empty();
        self.enter(at, by, None, owner, now);
        Ok(Answer::Room(self.room_id(at)))
    }

    pub(super) fn leave(&mut self, by: u32, name: &str) -> Judged {
        let at = self.inside(by, name)?;
        self.must_be_open(at)?;
        self.exit(at, by, by, None, "left");
        Ok(Answer::Done)
    }

    pub(super) fn exit(
        &mut self,
        at: usize,
        user: u32,
        actor: u32,
        by: Option<u32>,
        how: &'static str,
    ) {
        let fact = Fact::Left {
            user: self.name(user),
            by: by.map(|by| self.name(by)),
            how,
        };
        self.tell_room(at, fact);
        let members = &mut self.rooms[at].members;
        members.remove(&user);
        if members.values().any(|member| member.owner) {
            return;
        }
        let heir = members
            .iter_mut()
            .min_by_key(|(id, it)| (it.joined_at, **id));
        let Some((&heir, member)) = heir else { return };
        member.owner = true;
        let fact = Fact::Member {
            user: self.name(heir),
            by: Some(self.name(actor)),
            role: "owner".to_owned(),
        };
        self.tell_room(at, fact);
    }

    pub(super) fn invite(&mut self, by: u32, name: &str, user: &str, now: u64) -> Judged {
        let at = self.inside(by, name)?;
        self.must_be_open(at)?;
        let user = self.named(user)?;
        let room = &self.rooms[at];
        if room.bans.contains(&user) {
            return Err(Code::Forbidden);
        }
        if room.members.contains_key(&user) {
            return Ok(Answer::Done);
        }
        self.enter(at, user, Some(by), false, now);
        let fact = Fact::Invited {
            room: name.to_owned(),
            by: Some(self.name(by)),
        };
        self.tell(user, fact);
        Ok(Answer::Done)
    }

    pub(super) fn remove(&mut self, by: u32, name: &str, user: &str) -> Judged {
        let at = self.order(by, name)?;
        self.must_be_open(at)?;
        let user = self.named(user)?;
        if !self.rooms[at].members.contains_key(&user) {
            return Err(Code::NotFound);
        }
        self.exit(at, user, by, Some(by), "removed");
        Ok(Answer::Done)
    }

    pub(super) fn ban(&mut self, by: u32, name: &str, user: &str) -> Judged {
        let at = self.order(by, name)?;
        self.must_be_open(at)?;
        let user = self.named(user)?;
        if user == by {
            return Err(Code::BadField);
        }
        self.rooms[at].bans.insert(user);
        if self.rooms[at].members.contains_key(&user) {
            self.exit(at, user, by, Some(by), "banned");
        }
        Ok(Answer::Done)
    }

    pub(super) fn unban(&mut self, by: u32, name: &str, user: &str) -> Judged {
        let at = self.order(by, name)?;
        let user = self.named(user)?;
        match self.rooms[at].bans.remove(&user) {
            true => Ok(Answer::Done),
            false => Err(Code::NotFound),
        }
    }

    pub(super) fn change(&mut self, by: u32, name: &str, title: Option<&str>) -> Judged {
        let at = self.order(by, name)?;
        self.must_be_open(at)?;
        if let Some(title) = title.filter(|title| *title != self.rooms[at].title) {
            self.rooms[at].title = title.to_owned();
            let by = Some(self.name(by));
            self.tell_room(at, Fact::Changed { by });
        }
        Ok(Answer::Room(self.room_id(at)))
    }
}
