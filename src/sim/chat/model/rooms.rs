//! # The model's rooms: making them, coming and going, keeping order

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Judged, Member, Model, Room};
use crate::chat::{
    Answer, Code, DIRECT_PREFIX, Entry, Kind, Level, Operation, RoomId, Standing, UserName,
};
use crate::sim::chat::fact::Fact;

impl Model {
    pub(super) fn is_admin(&self, id: u32) -> bool {
        self.people.iter().any(|it| it.id == id && it.admin)
    }

    /// The room, if somebody may see it.
    pub(super) fn place(&self, by: u32, name: &str) -> Result<usize, Code> {
        let seen = |room: &Room| {
            room.name == name
                && !room.deleted
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

    pub(super) fn standing(&self, at: usize, user: u32) -> Option<Standing> {
        self.rooms[at].members.get(&user).map(|it| it.standing)
    }

    /// The room of who keeps order there.
    pub(super) fn order(&self, by: u32, name: &str, least: Standing) -> Result<usize, Code> {
        let at = self.place(by, name)?;
        let may = self.standing(at, by).is_some_and(|it| it >= least);
        match may || self.is_admin(by) {
            true => Ok(at),
            false => Err(Code::Forbidden),
        }
    }

    /// The room, and somebody over whom whoever asks stands there.
    fn over(&self, by: u32, name: &str, user: &str) -> Result<(usize, u32), Code> {
        let at = self.order(by, name, Standing::Moderator)?;
        self.must_be_open(at)?;
        let user = self.named(user)?;
        let (own, theirs) = (self.standing(at, by), self.standing(at, user));
        let is_beside = own != Some(Standing::Owner) && own.is_some() && theirs >= own;
        if is_beside && !self.is_admin(by) {
            return Err(Code::Forbidden);
        }
        Ok((at, user))
    }

    pub(super) fn named(&self, name: &str) -> Result<u32, Code> {
        let found = self.person(name);
        found.map(|person| person.id).ok_or(Code::NotFound)
    }

    pub(super) fn must_be_open(&self, at: usize) -> Result<(), Code> {
        match self.rooms[at].kind {
            Kind::Direct => Err(Code::Forbidden),
            _ if self.rooms[at].archived => Err(Code::Forbidden),
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
        let same = self.rooms.iter().filter(|room| room.name == name);
        let last = same.map(Room::version).max();
        self.rooms.push(Room {
            id: self.rooms.len() as u32 + 1,
            topic: String::new(),
            archived: false,
            pinned: None,
            deleted: false,
            floor: last.map_or(0, |last| last + 1),
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
        self.enter(at, by, None, Standing::Owner, now);
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
            self.enter(at, person, Some(by), Standing::Member, entry.at);
            self.tell(person, Fact::Opened { room: name.clone() });
        }
        Ok(Answer::Room(self.room_id(at)))
    }

    pub(super) fn enter(
        &mut self,
        at: usize,
        user: u32,
        by: Option<u32>,
        standing: Standing,
        now: u64,
    ) {
        let read = self.rooms[at].seq();
        let member = Member {
            standing,
            joined_at: now,
            read,
            level: None,
            muted_until: None,
        };
        self.rooms[at].members.insert(user, member);
        let fact = Fact::Joined {
            user: self.name(user),
            by: by.filter(|by| *by != user).map(|by| self.name(by)),
            role: standing.as_str().to_owned(),
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
        let standing = match room.members.is_empty() {
            true => Standing::Owner,
            false => Standing::Member,
        };
        self.enter(at, by, None, standing, now);
        Ok(Answer::Room(self.room_id(at)))
    }

    pub(super) fn leave(&mut self, by: u32, name: &str) -> Judged {
        let at = self.inside(by, name)?;
        if self.rooms[at].kind == Kind::Direct {
            return Err(Code::Forbidden);
        }
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
        let owns = |member: &Member| member.standing == Standing::Owner;
        if members.values().any(owns) {
            return;
        }
        let heir = members
            .iter()
            .min_by_key(|(id, it)| (Reverse(it.standing), it.joined_at, **id));
        let Some((&heir, _)) = heir else { return };
        self.set_standing(at, heir, actor, Standing::Owner);
    }

    fn set_standing(&mut self, at: usize, user: u32, actor: u32, standing: Standing) {
        let member = self.rooms[at].members.get_mut(&user).expect("a member");
        member.standing = standing;
        self.tell_member(at, user, actor);
    }

    fn tell_member(&mut self, at: usize, user: u32, actor: u32) {
        let member = &self.rooms[at].members[&user];
        let fact = Fact::Member {
            user: self.name(user),
            by: Some(self.name(actor)),
            role: member.standing.as_str().to_owned(),
            muted: member.muted_until.is_some(),
        };
        self.tell_room(at, fact);
    }

    pub(super) fn appoint(&mut self, by: u32, name: &str, user: &str, to: Standing) -> Judged {
        let at = self.order(by, name, Standing::Owner)?;
        self.must_be_open(at)?;
        let user = self.named(user)?;
        let before = self.standing(at, user).ok_or(Code::NotFound)?;
        let owns = |member: &&Member| member.standing == Standing::Owner;
        let owners = self.rooms[at].members.values().filter(owns).count();
        if before == Standing::Owner && owners == 1 && to != Standing::Owner {
            return Err(Code::Forbidden);
        }
        if before != to {
            self.set_standing(at, user, by, to);
        }
        Ok(Answer::Done)
    }

    pub(super) fn mute(&mut self, by: u32, name: &str, user: &str, until: Option<u64>) -> Judged {
        let (at, user) = self.over(by, name, user)?;
        let member = self.rooms[at].members.get_mut(&user);
        member.ok_or(Code::NotFound)?.muted_until = until;
        self.tell_member(at, user, by);
        Ok(Answer::Done)
    }

    pub(super) fn set_level(&mut self, by: u32, name: &str, level: Option<Level>) -> Judged {
        let at = self.inside(by, name)?;
        let member = self.rooms[at].members.get_mut(&by).expect("a member");
        member.level = level;
        let fact = Fact::Level {
            room: name.to_owned(),
            level: level.map(|it| it.as_str().to_owned()),
        };
        self.tell(by, fact);
        Ok(Answer::Done)
    }

    /// Deletes a room: each member hears of their own end.
    pub(super) fn close(&mut self, by: u32, name: &str) -> Judged {
        let at = self.order(by, name, Standing::Owner)?;
        if self.rooms[at].kind == Kind::Direct {
            return Err(Code::NotFound);
        }
        for user in std::mem::take(&mut self.rooms[at].members).into_keys() {
            let fact = Fact::Left {
                user: self.name(user),
                by: Some(self.name(by)),
                how: "closed",
            };
            self.tell_room(at, fact);
        }
        self.rooms[at].deleted = true;
        Ok(Answer::Done)
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
        self.enter(at, user, Some(by), Standing::Member, now);
        let fact = Fact::Invited {
            room: name.to_owned(),
            by: Some(self.name(by)),
        };
        self.tell(user, fact);
        Ok(Answer::Done)
    }

    pub(super) fn remove(&mut self, by: u32, name: &str, user: &str) -> Judged {
        let (at, user) = self.over(by, name, user)?;
        if !self.rooms[at].members.contains_key(&user) {
            return Err(Code::NotFound);
        }
        self.exit(at, user, by, Some(by), "removed");
        Ok(Answer::Done)
    }

    pub(super) fn ban(&mut self, by: u32, name: &str, user: &str, messages: bool) -> Judged {
        let (at, user) = self.over(by, name, user)?;
        if user == by {
            return Err(Code::BadField);
        }
        self.rooms[at].bans.insert(user);
        if self.rooms[at].members.contains_key(&user) {
            self.exit(at, user, by, Some(by), "banned");
        }
        if messages {
            self.unsay(at, by, user);
        }
        Ok(Answer::Done)
    }

    pub(super) fn unban(&mut self, by: u32, name: &str, user: &str) -> Judged {
        let at = self.order(by, name, Standing::Moderator)?;
        let user = self.named(user)?;
        match self.rooms[at].bans.remove(&user) {
            true => Ok(Answer::Done),
            false => Err(Code::NotFound),
        }
    }

    pub(super) fn change(&mut self, by: u32, name: &str, operation: &Operation) -> Judged {
        let Operation::ChangeRoom {
            title,
            topic,
            kind,
            archived,
            pinned,
            ..
        } = operation
        else {
            panic!("{operation:?} changes no room");
        };
        let is_small = title.is_none() && kind.is_none() && archived.is_none();
        let least = match is_small {
            true => Standing::Moderator,
            false => Standing::Owner,
        };
        let at = self.order(by, name, least)?;
        let room = &self.rooms[at];
        if room.kind == Kind::Direct && (title.is_some() || kind.is_some()) {
            return Err(Code::Forbidden);
        }
        if let Some(Some(seq)) = pinned {
            self.existing(at, *seq).map_err(|_| Code::NotFound)?;
        }
        let room = &mut self.rooms[at];
        let before = room.clone();
        room.title = title.as_deref().unwrap_or(&room.title).to_owned();
        room.topic = topic.as_deref().unwrap_or(&room.topic).to_owned();
        room.kind = kind.unwrap_or(room.kind);
        room.archived = archived.unwrap_or(room.archived);
        room.pinned = pinned.unwrap_or(room.pinned);
        let facts = |room: &Room| {
            let texts = (room.title.clone(), room.topic.clone());
            (texts, room.kind, room.archived, room.pinned)
        };
        if facts(room) != facts(&before) {
            let by = Some(self.name(by));
            self.tell_room(at, Fact::Changed { by });
        }
        Ok(Answer::Room(self.room_id(at)))
    }
}
