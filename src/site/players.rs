//! # Players: the chat for pomelo's, nano's and starx' clients
//!
//! The component `chat` of the game protocol: the same rooms and the same operations as everybody
//! else's, told in the words that these clients know. Who somebody is, the token in the handshake
//! says.
//!
//! Promises
//! 1. A session hears of the rooms that it has joined, as long as its person is a member there.
//! 2. Whose sign-in has ended hears nothing that was stored afterwards.
//! 3. Whose session is here is there for others, like anybody who is connected.
//! 4. What a session has under way is bounded; what is beyond that is refused by name.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::commands::{self, Saying};
use super::crowd::State;
use super::fields::{Fields, object};
use super::hall::{Hall, want};
use super::secret::hash;
use super::wire::players as wire;
use super::{announce, presence, questions, rest, scope, slash};
use crate::chat::{
    Answer, Code, Identity, Millis, Operation, Person, Refusal, RoomId, RoomName, TokenId, UserId,
    What, people, summary,
};
use crate::nano::handshake::Hello;
use crate::nano::text::mended;
use crate::web::Tick;
use crate::web::nano::{Component, Failure, Group, Handlers, Nano, Play, SessionId};

/// Operations of a session that may be under way.
const IN_FLIGHT_MAX: u16 = 64;

/// Members of a room that a newcomer is told of.
const MEMBERS_MAX: u32 = 200;

/// Somebody who has come in by the handshake.
#[derive(Clone, Copy, Debug)]
struct Player {
    user: UserId,
    token: TokenId,
    expires_at: Option<Millis>,
    in_flight: u16,
}

/// Everybody who speaks the game protocol and has said who they are.
#[derive(Debug, Default)]
pub(super) struct Players(BTreeMap<SessionId, Player>);

impl Players {
    /// How many have said who they are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one of somebody's sessions is here.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.0.values().any(|player| player.user == user)
    }

    fn sessions(&self, user: UserId, goes: impl Fn(TokenId) -> bool) -> Vec<SessionId> {
        let theirs = |player: &Player| player.user == user && goes(player.token);
        let all = self.0.iter().filter(|(_, player)| theirs(player));
        all.map(|(id, _)| *id).collect()
    }
}

/// The chat as clients of the game protocol find it.
pub(super) fn nano() -> Nano<Hall> {
    Nano::new()
        .component("chat", Chat)
        .lower_case()
        .validator(come_in)
}

/// Who comes; without a token it is nobody, who may do nothing.
fn come_in(play: &mut Play<'_, Hall>, hello: &Hello) -> Result<Map<String, Value>, Failure> {
    let Some(token) = hello.user("token").filter(|token| !token.is_null()) else {
        return Ok(Map::new());
    };
    let token = token.as_str().ok_or("`user.token` has to be a text.")?;
    let at = play.house.now().unix_ms;
    let hash = hash(token);
    let found = play
        .state
        .reader
        .query(|tables| people::identity(tables, &hash, at))
        .map_err(|error| failure(&error.into()))?
        .ok_or("This token is not good, or not any more. Sign in again.")?;
    scope::must_be_for_all_rooms(found.scopes.as_ref()).map_err(|refusal| failure(&refusal))?;
    let before = play.state.players.0.get(&play.id);
    if before.is_some_and(|player| player.user != found.user) {
        return Err("This session is somebody else's already. Connect anew.".into());
    }
    play.state.uses.asked(&found, at);
    let user = wire::user(&found);
    sit(play, &found)?;
    Ok(user)
}

fn sit(play: &mut Play<'_, Hall>, identity: &Identity) -> Result<(), Failure> {
    play.session().bind(i64::from(identity.user.0))?;
    let player = Player {
        user: identity.user,
        token: identity.token,
        expires_at: identity.expires_at,
        in_flight: 0,
    };
    // Who shakes hands again is here already.
    if play.state.players.0.insert(play.id, player).is_none() {
        let crowd = &mut play.state.crowd;
        let before = crowd.state(identity.user);
        crowd.play(identity.user, &identity.name, &identity.display_name);
        if before != State::Online {
            presence::changed(&mut play.tick(), identity.user, &identity.name);
        }
    }
    Ok(())
}

/// A session is nobody's any more. Whose it was.
fn get_up(tick: &mut Tick<'_, Hall>, id: SessionId) -> Option<Player> {
    let player = tick.state.players.0.remove(&id)?;
    let at = tick.house.now().unix_ms;
    let before = tick.state.crowd.state(player.user);
    let is_last = tick.state.crowd.stop_playing(player.user, at);
    presence::parted(tick, player.user, before, is_last);
    Some(player)
}

fn failure(refusal: &Refusal) -> Failure {
    Failure::new(rest::status(refusal.code).code(), refusal.message.clone())
}

fn group(room: RoomId) -> Group {
    Group::new(announce::room_group(room))
}

/// The component `chat`.
struct Chat;

impl Component<Hall> for Chat {
    fn handlers(handlers: &mut Handlers<Self, Hall>) {
        handlers
            .on("Join", Self::join)
            .on("Leave", Self::leave)
            .on("Message", Self::message)
            .on("History", Self::history);
    }

    fn closed(&mut self, play: &mut Play<'_, Hall>) {
        let id = play.id;
        if let Some(player) = get_up(&mut play.tick(), id) {
            let at = play.house.now().unix_ms;
            play.state.uses.note(player.token, at);
        }
    }
}

impl Chat {
    fn join(&mut self, play: &mut Play<'_, Hall>, body: Vec<u8>) -> Result<(), Failure> {
        let room = read(play, &body, |fields| fields.room())?;
        let operation = Operation::Join { room: room.clone() };
        obey(play, None, operation, move |tick, id, answer| {
            let Answer::Room(number) = *answer else {
                return Ok(wire::success().end());
            };
            joined(tick, id, number, &room)?;
            Ok(wire::success().text("room", &room).end())
        })
    }

    fn leave(&mut self, play: &mut Play<'_, Hall>, body: Vec<u8>) -> Result<(), Failure> {
        let room = read(play, &body, |fields| fields.room())?;
        obey(play, None, Operation::Leave { room }, |_, _, _| {
            Ok(wire::success().end())
        })
    }

    fn message(&mut self, play: &mut Play<'_, Hall>, body: Vec<u8>) -> Result<(), Failure> {
        let (saying, key) = read(play, &body, |fields| {
            let mut sent = fields.0.clone();
            if let Some(content) = sent.remove("content") {
                sent.insert("text".to_owned(), content);
            }
            sent.remove("attachment");
            let saying = commands::send(Fields(&sent)).map_err(of_content)?;
            Ok((saying, fields.key()?))
        })?;
        match saying {
            Saying::Say(operation) => obey(play, key, operation, |_, _, answer| {
                Ok(match answer {
                    Answer::Sent { seq, at, .. } => wire::sent(*seq, *at),
                    _ => wire::success().end(),
                })
            }),
            Saying::Run(typed) => {
                let (user, id, mid) = begin(play)?;
                slash::run(&mut play.tick(), user, key, typed, move |tick, done| {
                    end(tick, id);
                    let outcome = done.map(|done| {
                        let told = done.told.as_deref();
                        wire::success().maybe_text("answer", told).end()
                    });
                    answer(tick, id, mid, outcome);
                });
                Ok(())
            }
        }
    }

    fn history(&mut self, play: &mut Play<'_, Hall>, body: Vec<u8>) -> Result<(), Failure> {
        let user = who(play)?;
        let map = object(&mended(&body)).map_err(|refusal| failure(&refusal))?;
        let page = questions::history_page(play.state, user, Fields(&map));
        let page = page.map_err(|refusal| failure(&refusal))?;
        Ok(play.session().response(page.as_str())?)
    }
}

/// What is called `text` elsewhere is `content` here, also where it is wrong.
fn of_content(refusal: Refusal) -> Refusal {
    Refusal {
        message: refusal.message.replacen("`text`", "`content`", 1),
        ..refusal
    }
}

/// Who asks.
fn who(play: &Play<'_, Hall>) -> Result<UserId, Failure> {
    let player = play.state.players.0.get(&play.id);
    let tell = "Sign in first, and send your token as `user.token` in the handshake.";
    player
        .map(|player| player.user)
        .ok_or_else(|| failure(&Refusal::new(Code::Unauthenticated, tell)))
}

/// What a body says. Before that it has to be somebody who says it.
fn read<T>(
    play: &Play<'_, Hall>,
    body: &[u8],
    read: impl FnOnce(Fields<'_>) -> Result<T, Refusal>,
) -> Result<T, Failure> {
    who(play)?;
    let map = object(&mended(body)).and_then(|map| read(Fields(&map)));
    map.map_err(|refusal| failure(&refusal))
}

/// Has something done that is to last, and answers when it is.
fn obey(
    play: &mut Play<'_, Hall>,
    key: Option<crate::chat::Key>,
    operation: Operation,
    then: impl FnOnce(&mut Tick<'_, Hall>, SessionId, &Answer) -> Result<String, Refusal> + 'static,
) -> Result<(), Failure> {
    let (user, id, mid) = begin(play)?;
    let by = Some(user);
    want(
        play.state,
        &mut play.house,
        by,
        key,
        operation,
        move |tick, verdict| {
            end(tick, id);
            let outcome = match verdict {
                Ok(outcome) => then(tick, id, &outcome.answer),
                Err(refusal) => Err(refusal.clone()),
            };
            answer(tick, id, mid, outcome);
        },
    );
    Ok(())
}

/// Something of a player's is under way, if not too much is; who wants it, and what is answered.
fn begin(play: &mut Play<'_, Hall>) -> Result<(UserId, SessionId, u64), Failure> {
    let user = who(play)?;
    let (id, mid) = (play.id, play.mid());
    if let Some(player) = play.state.players.0.get_mut(&id) {
        if player.in_flight >= IN_FLIGHT_MAX {
            let tell = "Too much of yours is under way. Wait for some of the answers.";
            return Err(failure(&Refusal::new(Code::TooMany, tell)));
        }
        player.in_flight += 1;
    }
    Ok((user, id, mid))
}

fn end(tick: &mut Tick<'_, Hall>, id: SessionId) {
    if let Some(player) = tick.state.players.0.get_mut(&id) {
        player.in_flight -= 1;
    }
}

fn answer(tick: &mut Tick<'_, Hall>, id: SessionId, mid: u64, outcome: Result<String, Refusal>) {
    let json = outcome.unwrap_or_else(|refusal| {
        tick.state.counts.refused(&refusal);
        wire::refused(rest::status(refusal.code).code(), &refusal)
    });
    // Who notifies wants no answer, and who has gone needs none.
    if mid > 0
        && let Some(mut session) = tick.house.session(id)
        && let Err(error) = session.response_mid(mid, json.as_str())
    {
        log::warn!("session {id} is not answered: {error}");
    }
}

/// A session hears of a room from now on, and is told who is there.
fn joined(
    tick: &mut Tick<'_, Hall>,
    id: SessionId,
    room: RoomId,
    name: &RoomName,
) -> Result<(), Refusal> {
    let members = tick
        .state
        .look(|tables, _| summary::members(tables, room, None, MEMBERS_MAX))?;
    let uid = tick.house.session(id).map_or(0, |session| session.uid());
    let names = members.items.iter().map(|member| &member.person);
    let others = names.filter(|person| i64::from(person.id.0) != uid);
    let told = wire::members(name, others);
    if let Some(mut session) = tick.house.session(id)
        && let Err(error) = session.push("onMembers", told.as_str())
    {
        log::warn!("session {id} is not told who is there: {error}");
    }
    let group = group(room);
    // Who joins again is in already.
    let _ = group.add(&mut tick.house, id);
    Ok(())
}

/// Tells an event of a room to those who hear of it here.
pub(super) fn tell(tick: &mut Tick<'_, Hall>, room: RoomId, name: &RoomName, what: &What) {
    if tick.state.players.0.is_empty() {
        return;
    }
    let group = group(room);
    let told = match what {
        What::Message(message) => group.broadcast(
            &mut tick.house,
            "onMessage",
            wire::message(name, message).as_str(),
        ),
        What::Joined { user, .. } => {
            let told = wire::newcomer(name, user);
            let is_other = |uid: i64| uid != uid_of(user);
            group.multicast(&mut tick.house, "onNewUser", told.as_str(), |record| {
                is_other(record.uid())
            })
        }
        What::Left { user, .. } => {
            while let Some(id) = group.member(&tick.house, uid_of(user)) {
                let _ = group.leave(&mut tick.house, id);
            }
            Ok(())
        }
        _ => Ok(()),
    };
    if let Err(error) = told {
        log::error!("players are not told what happens in a room: {error}");
    }
}

const fn uid_of(person: &Person) -> i64 {
    person.id.0 as i64
}

/// Ends sessions of somebody whose sign-in has ended.
pub(super) fn end_where(tick: &mut Tick<'_, Hall>, user: UserId, goes: impl Fn(TokenId) -> bool) {
    for id in tick.state.players.sessions(user, goes) {
        kick(tick, id, &super::socket::SIGNED_OUT);
    }
}

/// Ends sessions whose token has had its time.
pub(super) fn end_expired(tick: &mut Tick<'_, Hall>) {
    let now = tick.house.now().unix_ms;
    let ended = |player: &Player| player.expires_at.is_some_and(|end| end <= now);
    let all = tick.state.players.0.iter();
    let gone: Vec<_> = all
        .filter(|(_, player)| ended(player))
        .map(|(id, _)| *id)
        .collect();
    for id in gone {
        kick(tick, id, &super::socket::EXPIRED);
    }
}

fn kick(tick: &mut Tick<'_, Hall>, id: SessionId, bye: &super::socket::Bye) {
    get_up(tick, id);
    if let Some(mut session) = tick.house.session(id) {
        session.kick(wire::kicked(bye.reason).as_str());
    }
}
