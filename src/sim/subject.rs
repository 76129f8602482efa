//! # Subject: the app that the engine is tried with
//!
//! Answers at once, later and in pieces, echoes and broadcasts, and holds the engine to what it
//! promises to apps. What it answers is a function of the request, so that people know it before.
//!
//! Promises (of the engine, asserted here)
//! 1. `opened` once, then messages, then `closed` once; nothing after it.
//! 2. A request that waits, or a stream, is answered or `aborted`, once.
//! 3. The next request of a connection comes when the last is answered.
//! 4. A body that comes in pieces comes in order and whole, and not while it is held.
//! 5. Of what it has aborted itself it hears no more.
//! 6. A member that may fall behind is given all of its room up to the number that is told, and is fed
//!    from there by the log whenever there is room.
//! 7. Of a member whose input is held it hears nothing until it is released.

use std::collections::{BTreeMap, BTreeSet};

use crate::ground::time::Instant;
use crate::http::{Head, Method, Response, Status};
use crate::reactor::{Answer, App, Call, ConnId, Net, Reception, Request, Sent, Upgrade};
use crate::sim::feed::{self, Feed};
use crate::ws::Message;

/// Bodies over this are refused.
pub(super) const BODY_BYTES_MAX: u64 = 40_000;
/// Messages over this are refused.
pub(super) const MESSAGE_BYTES_MAX: usize = 6_000;
/// Upgrades with this tag become echoes; above it are rooms.
pub(super) const ECHO: u64 = 0;

/// Part of the tag of who may fall behind.
const PATIENT: u64 = 1 << 62;
/// Part of the tag of who hears nothing before it says that it wants to.
const HOLD: u64 = 1 << 63;

/// The byte at `at` of the stream that is named `name`.
pub(super) fn stream_bytes(name: usize, from: usize, to: usize) -> Vec<u8> {
    (from..to)
        .map(|at| b'a' + ((at / 7 + at * name) % 26) as u8)
        .collect()
}

/// The body that answers a request.
pub(super) fn echo_body(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    [method.as_bytes(), b" ", target.as_bytes(), b"\n", body].concat()
}

/// The messages of a burst.
pub(super) fn burst(count: usize, size: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |number| format!("{number}:{}", "-".repeat(size)))
}

/// The number behind `name=` in a query.
fn number(query: Option<&str>, name: &str) -> usize {
    query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or_default()
}

/// A tag says which room, and in its highest bits who may fall behind and who is deaf at first.
fn upgrade(tag: u64) -> Upgrade {
    let upgrade = Upgrade::new(tag).message_bytes_max(MESSAGE_BYTES_MAX);
    if tag & PATIENT == 0 {
        upgrade
    } else {
        upgrade.may_fall_behind()
    }
}

/// What a request still waits for.
#[derive(Debug)]
enum Task {
    Answer(Vec<u8>),
    Stream(Stream),
    Upgrade {
        tag: u64,
        granted: bool,
    },
    Upload(Upload),
    /// Will be given up.
    GiveUp,
    /// Reads a feed, which goes on at its timer.
    Feed {
        name: usize,
        every_ms: u64,
    },
}

/// A body that comes in pieces, so far.
#[derive(Debug)]
struct Upload {
    body: Vec<u8>,
    held: bool,
    /// The longest that a piece makes the peer wait.
    hold_ms: u64,
    /// Answers, or gives up, after so many bytes.
    answer_at: usize,
    abort_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    name: usize,
    size: usize,
    known: bool,
    piece: usize,
    sent: usize,
    /// Writes one piece in so many milliseconds, instead of as many as there is room for.
    every_ms: u64,
    /// Does not look at what becomes of what it writes.
    careless: bool,
    /// Gives up after so many bytes.
    abort_at: usize,
    full: bool,
    begun: bool,
    gone: bool,
}

/// Somebody with an open WebSocket.
#[derive(Debug)]
struct Member {
    tag: u64,
    closed: bool,
    /// The next of its room that it is fed, while it is deaf.
    next: Option<usize>,
    /// Is not fed: it has not asked for it yet, or is about to end.
    fasts: bool,
    held: bool,
}

/// What was said in a room, by all who were told it.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) log: Vec<Vec<u8>>,
    members: Vec<ConnId>,
}

/// Where in the order of its room a member came and went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stay {
    pub(super) from: usize,
    pub(super) to: Option<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Subject {
    members: BTreeMap<ConnId, Member>,
    tasks: BTreeMap<Call, Task>,
    timers: BTreeSet<(Instant, Call)>,
    last_calls: BTreeMap<ConnId, Call>,
    given_up: BTreeSet<Call>,
    /// When those whose input is held are listened to again.
    releases: BTreeSet<(Instant, ConnId)>,
    started: bool,
    stopped: bool,
    pub(super) rooms: BTreeMap<u64, Room>,
    pub(super) stays: BTreeMap<ConnId, Stay>,
    feeds: BTreeMap<usize, Feed>,
    /// The first piece that each reader of a feed is owed.
    pub(super) fed_from: BTreeMap<ConnId, usize>,
    /// Pieces that several took together.
    pub(super) shared: u64,
}

impl Subject {
    /// Whether something is still to be said to `id`.
    pub(super) fn owes(&self, id: ConnId) -> bool {
        // Of a body that is not held it waits for more.
        let waits = |task: &Task| matches!(task, Task::Upload(Upload { held: false, .. }));
        let mut tasks = self.tasks.iter();
        let is_held = self.members.get(&id).is_some_and(|member| member.held);
        is_held || tasks.any(|(call, task)| call.id == id && !waits(task))
    }

    /// Asserts what must hold between two turns.
    pub(super) fn check(&self, net: &Net) {
        for (call, task) in &self.tasks {
            assert!(
                net.peer(call.id).is_some(),
                "{call:?} is gone and was not aborted"
            );
            if let Task::Stream(stream) = task {
                assert!(!stream.gone, "{call:?} is gone and was not aborted");
            }
        }
        for (id, member) in &self.members {
            assert!(
                member.closed || net.peer(*id).is_some(),
                "{id:?} is gone and was not closed"
            );
        }
    }

    /// Asserts what must hold when nothing moves for a while.
    pub(super) fn check_rest(&self, net: &Net) {
        for (id, member) in &self.members {
            assert!(
                member.closed || member.fasts || member.next.is_none() || net.queued_bytes(*id) > 0,
                "promise 6: {id:?} has room and is not fed"
            );
        }
    }

    /// Asserts that nothing is left.
    pub(super) fn check_end(&self) {
        assert!(self.tasks.is_empty(), "requests are left: {:?}", self.tasks);
        let open = self.members.values().filter(|member| !member.closed);
        assert_eq!(open.count(), 0, "members are left");
        assert!(self.rooms.values().all(|room| room.members.is_empty()));
        assert!(self.feeds.values().all(Feed::is_empty));
    }

    fn put_off(&mut self, call: Call, ms: usize, task: Task, net: &Net) -> Answer {
        let at = Instant(net.now().instant.0 + ms as u64);
        self.timers.insert((at, call));
        self.tasks.insert(call, task);
        Answer::Later
    }

    fn give_up(&mut self, call: Call, net: &mut Net) {
        self.tasks.remove(&call);
        self.given_up.insert(call);
        net.abort(call);
    }

    /// Has the body wait, or not, as chance will have it.
    fn hold(&mut self, call: Call, net: &mut Net) {
        let Some(Task::Upload(upload)) = self.tasks.get_mut(&call) else {
            return;
        };
        match net.seed().below(8) {
            0 => {
                net.pause(call);
                net.resume(call);
            }
            1..4 if upload.hold_ms > 0 => {
                upload.held = true;
                net.pause(call);
                let wait_ms = net.seed().below(upload.hold_ms);
                self.timers
                    .insert((Instant(net.now().instant.0 + wait_ms), call));
            }
            _ => {}
        }
    }

    /// Writes on, as far as the stream's habit says.
    fn pump(&mut self, call: Call, net: &mut Net) {
        let Some(Task::Stream(stream)) = self.tasks.get_mut(&call) else {
            return;
        };
        while stream.sent < stream.size {
            if stream.sent >= stream.abort_at {
                return self.give_up(call, net);
            }
            let to = (stream.sent + stream.piece)
                .min(stream.size)
                .min(stream.abort_at);
            let sent = net.write(call, &stream_bytes(stream.name, stream.sent, to));
            stream.sent = to;
            if stream.careless {
                continue;
            }
            match sent {
                Sent::Queued => stream.full = false,
                Sent::Full => {
                    stream.full = true;
                    return;
                }
                Sent::Gone => {
                    stream.gone = true;
                    return;
                }
            }
            if stream.every_ms > 0 {
                let at = Instant(net.now().instant.0 + stream.every_ms);
                self.timers.insert((at, call));
                return;
            }
        }
        net.end(call, &[("x-sent", "all")]);
        self.tasks.remove(&call);
    }

    fn stream(&mut self, call: Call, stream: Stream) -> Response {
        let length = stream.known.then_some(stream.size as u64);
        // Nothing would be asked for where nothing is to be sent.
        if !(stream.known && stream.size == 0) {
            self.tasks.insert(
                call,
                Task::Stream(Stream {
                    begun: true,
                    ..stream
                }),
            );
        }
        Response::new(Status::OK).stream(length)
    }

    /// Somebody reads a feed from now on.
    fn feed(&mut self, call: Call, query: Option<&str>, net: &Net) -> Response {
        let (name, count) = (number(query, "name"), number(query, "pieces").max(1));
        let feed = self.feeds.entry(name).or_insert_with(|| Feed::new(name));
        let from = feed.join(call, count);
        self.fed_from.insert(call.id, from);
        let every_ms = number(query, "every") as u64;
        self.tasks.insert(call, Task::Feed { name, every_ms });
        self.timers
            .insert((Instant(net.now().instant.0 + every_ms), call));
        let length = feed::pieces(name, from, count).len() as u64;
        let length = (number(query, "known") > 0).then_some(length);
        Response::new(Status::OK).stream(length)
    }

    /// Says the next piece of a feed to all who read it.
    fn say_in_feed(&mut self, name: usize, net: &mut Net) {
        let Some(feed) = self.feeds.get_mut(&name) else {
            return;
        };
        let (done, took) = feed.say(net);
        self.shared += u64::from(took > 1);
        for call in done {
            self.tasks.remove(&call);
        }
    }

    fn say_in_room(&mut self, tag: u64, message: &[u8], net: &mut Net) {
        let room = self.rooms.entry(tag).or_default();
        let numbered = [format!("{} ", room.log.len()).as_bytes(), message].concat();
        room.log.push(numbered.clone());
        let members = room.members.iter().copied();
        let number = room.log.len() - 1;
        net.broadcast_numbered(members, Message::Binary(&numbered), number as u64);
    }

    /// Says to a deaf member what it missed, as far as there is room.
    fn tell_missed(&mut self, id: ConnId, net: &mut Net) {
        let Some(Member {
            tag,
            next: next @ Some(_),
            ..
        }) = self.members.get_mut(&id)
        else {
            return;
        };
        let log = &self.rooms[&*tag].log;
        while let Some(message) = next.and_then(|next| log.get(next)) {
            *next = next.map(|next| next + 1);
            if net.send(id, Message::Binary(message)) != Sent::Queued {
                return;
            }
        }
        if net.hear(id) {
            *next = None;
        }
    }

    /// Listens no more to a member for a while, now and then.
    fn hold_input(&mut self, id: ConnId, net: &mut Net) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        match net.seed().below(12) {
            0 => {
                net.hold_input(id);
                net.release_input(id);
            }
            1 if net.hold_input(id) => {
                member.held = true;
                let wait_ms = net.seed().below(5000);
                let at = Instant(net.now().instant.0 + wait_ms);
                self.releases.insert((at, id));
            }
            _ => {}
        }
    }

    fn release_inputs(&mut self, now: Instant, net: &mut Net) {
        while let Some((at, id)) = self.releases.first().copied()
            && at <= now
        {
            self.releases.pop_first();
            if let Some(member) = self.members.get_mut(&id) {
                member.held = false;
            }
            net.release_input(id);
        }
    }
}

impl App for Subject {
    fn reception(&mut self, call: Call, head: &Head<'_>, net: &mut Net) -> Reception {
        match head.path() {
            "/upload" => {
                let limit = |name: &str| match number(head.query(), name) {
                    0 => usize::MAX,
                    limit => limit,
                };
                let upload = Upload {
                    body: Vec::new(),
                    held: false,
                    hold_ms: number(head.query(), "hold") as u64,
                    answer_at: limit("answer"),
                    abort_at: limit("abort"),
                };
                let before = self.tasks.insert(call, Task::Upload(upload));
                assert!(before.is_none(), "promise 3: one request at a time");
                self.hold(call, net);
                Reception::Stream {
                    bytes_max: BODY_BYTES_MAX,
                }
            }
            "/refuse" => Reception::Refuse(Response::refusal(Status::FORBIDDEN, "not here")),
            _ => Reception::Collect {
                bytes_max: BODY_BYTES_MAX,
            },
        }
    }

    fn body(&mut self, call: Call, bytes: &[u8], net: &mut Net) {
        let Some(Task::Upload(upload)) = self.tasks.get_mut(&call) else {
            panic!("promise 4: nobody waits for a piece of {call:?}");
        };
        assert!(!upload.held, "promise 4: not while it is held");
        assert!(!bytes.is_empty(), "promise 4: a piece is something");
        upload.body.extend_from_slice(bytes);
        if upload.body.len() >= upload.abort_at {
            self.give_up(call, net);
        } else if upload.body.len() >= upload.answer_at {
            self.tasks.remove(&call);
            net.answer(call, Response::refusal(Status::FORBIDDEN, "enough").into());
        } else {
            self.hold(call, net);
        }
    }

    fn request(&mut self, call: Call, request: &Request<'_>, net: &mut Net) -> Answer {
        let mut body = request.body;
        let task = self.tasks.remove(&call);
        if let Some(Task::Upload(upload)) = &task {
            assert!(!upload.held, "promise 4: not while it is held");
            assert!(body.is_empty(), "promise 4: it came in pieces");
            body = &upload.body;
        }
        assert!(!self.owes(call.id), "promise 3: one request at a time");
        assert!(
            self.last_calls
                .get(&call.id)
                .is_none_or(|last| *last < call),
            "promise 3: each request has a name of its own"
        );
        self.last_calls.insert(call.id, call);
        let head = &request.head;
        let (path, query) = (head.path(), head.query());
        let target = match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let ms = number(query, "ms");
        let body = echo_body(head.method().name(), &target, body);
        match path {
            "/echo" | "/upload" if ms == 0 => Response::text(body).into(),
            "/none" => Response::new(Status::NO_CONTENT).into(),
            "/big" => Response::text(stream_bytes(3, 0, number(query, "size"))).into(),
            "/later" if number(query, "abort") > 0 => self.put_off(call, ms, Task::GiveUp, net),
            "/later" | "/upload" => self.put_off(call, ms, Task::Answer(body), net),
            "/stream" => {
                let stream = Stream {
                    name: number(query, "name"),
                    size: number(query, "size"),
                    piece: number(query, "piece").max(1),
                    known: number(query, "known") > 0,
                    sent: 0,
                    every_ms: number(query, "every") as u64,
                    careless: number(query, "careless") > 0,
                    abort_at: match number(query, "abort") {
                        0 => usize::MAX,
                        abort_at => abort_at,
                    },
                    full: false,
                    begun: false,
                    gone: false,
                };
                if head.method() == Method::Head {
                    let length = stream.known.then_some(stream.size as u64);
                    return Response::new(Status::OK).stream(length).into();
                }
                if ms > 0 {
                    return self.put_off(call, ms, Task::Stream(stream), net);
                }
                self.stream(call, stream).into()
            }
            "/feed" => self.feed(call, query, net).into(),
            "/ws" => {
                let flag = |name: &str, bit: u64| match number(query, name) {
                    0 => 0,
                    _ => bit,
                };
                let room = number(query, "room") as u64;
                let tag = room | flag("patient", PATIENT) | flag("hold", HOLD);
                let granted = number(query, "no") == 0;
                if ms > 0 {
                    return self.put_off(call, ms, Task::Upgrade { tag, granted }, net);
                }
                Answer::Upgrade(upgrade(tag))
            }
            _ => Response::refusal(Status::NOT_FOUND, "nothing here").into(),
        }
    }

    fn drained(&mut self, call: Call, net: &mut Net) {
        assert!(
            self.last_calls.get(&call.id) == Some(&call),
            "promise 2: room is announced for the present answer only"
        );
        assert!(
            !self.given_up.contains(&call),
            "promise 5: {call:?} is over"
        );
        if let Some(Task::Stream(stream)) = self.tasks.get(&call) {
            assert!(stream.begun, "promise 2: room comes after the beginning");
            self.pump(call, net);
        }
    }

    fn aborted(&mut self, call: Call, _: &mut Net) {
        let task = self.tasks.remove(&call);
        assert!(task.is_some(), "promise 2: {call:?} was not waiting");
        if let Some(Task::Feed { name, .. }) = task
            && let Some(feed) = self.feeds.get_mut(&name)
        {
            feed.leave(call);
        }
    }

    fn opened(&mut self, id: ConnId, tag: u64, net: &mut Net) {
        assert!(net.peer(id).is_some(), "promise 1: {id:?} is there");
        let (is_deaf, tag) = (tag & HOLD != 0, tag & !(PATIENT | HOLD));
        let mut member = Member {
            tag,
            closed: false,
            next: None,
            fasts: is_deaf,
            held: false,
        };
        if is_deaf {
            assert!(net.deafen(id), "it is open");
            member.next = Some(self.rooms.entry(tag).or_default().log.len());
        }
        let before = self.members.insert(id, member);
        assert!(before.is_none(), "promise 1: {id:?} opened twice");
        if tag != ECHO {
            let room = self.rooms.entry(tag).or_default();
            room.members.push(id);
            let from = room.log.len();
            self.stays.insert(id, Stay { from, to: None });
        }
    }

    fn message(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        let member = self.members.get_mut(&id).filter(|member| !member.closed);
        let member = member.expect("promise 1: messages come while it is open");
        assert!(!member.held, "promise 7: {id:?} is held");
        let tag = member.tag;
        let words: Vec<&str> = match message {
            Message::Text(text) => text.split(' ').collect(),
            Message::Binary(_) => Vec::new(),
        };
        let argument = |at: usize| words.get(at).and_then(|word| word.parse().ok());
        match (words.first().copied(), argument(1), argument(2)) {
            (Some("burst"), Some(count), Some(size)) => {
                for text in burst(count, size) {
                    if tag == ECHO {
                        net.send(id, Message::Text(&text));
                    } else {
                        self.say_in_room(tag, text.as_bytes(), net);
                    }
                }
            }
            (Some("close"), Some(code), _) => {
                member.fasts = true;
                return net.close(id, code as u16, "as asked");
            }
            (Some("resume"), ..) if tag != ECHO => {
                member.fasts = self.stopped;
                self.tell_missed(id, net);
            }
            _ if tag == ECHO => {
                net.send(id, message);
            }
            _ => self.say_in_room(tag, message.bytes(), net),
        }
        self.hold_input(id, net);
    }

    fn fell_behind(&mut self, id: ConnId, missed: u64, net: &mut Net) {
        let member = self.members.get_mut(&id).filter(|member| !member.closed);
        let member = member.expect("promise 6: it is open");
        assert_eq!(member.next, None, "promise 6: told once");
        member.next = Some(missed as usize);
        assert!(net.queued_bytes(id) > 0, "promise 6: not without a reason");
    }

    fn has_room(&mut self, id: ConnId, net: &mut Net) {
        let member = self.members.get(&id).filter(|member| !member.closed);
        let member = member.expect("promise 6: it is open");
        assert!(member.next.is_some(), "promise 6: who hears is not fed");
        self.tell_missed(id, net);
    }

    fn closed(&mut self, id: ConnId, _: Option<u16>, net: &mut Net) {
        let member = self.members.get_mut(&id).filter(|member| !member.closed);
        let member = member.expect("promise 1: what closes was open");
        member.closed = true;
        member.held = false;
        let next = member.next;
        let tag = member.tag;
        if tag == ECHO {
            return;
        }
        let room = self.rooms.entry(tag).or_default();
        room.members.retain(|member| *member != id);
        if let Some(stay) = self.stays.get_mut(&id) {
            stay.to = Some(next.unwrap_or(room.log.len()));
        }
        // Apps that tell the others do so from in here.
        if tag % 2 == 1 {
            self.say_in_room(tag, b"one has left", net);
        }
    }

    fn woken(&mut self, net: &mut Net) {
        // Somebody is served before its time.
        if let Some((_, call)) = self.timers.pop_last() {
            self.serve(call, net);
        }
    }

    fn started(&mut self, net: &mut Net) {
        assert!(!std::mem::replace(&mut self.started, true), "said once");
        assert_eq!(net.connections(), 0, "before anybody is here");
    }

    fn stopping(&mut self, net: &mut Net) {
        assert!(!std::mem::replace(&mut self.stopped, true), "said once");
        let rooms: Vec<u64> = self.rooms.keys().copied().collect();
        for tag in rooms {
            self.say_in_room(tag, b"the last words", net);
        }
        self.release_inputs(Instant::NEVER, net);
        for member in self.members.values_mut() {
            member.fasts = true;
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let release = self.releases.first().map(|(at, _)| *at);
        timer.into_iter().chain(release).min()
    }

    fn elapsed(&mut self, net: &mut Net) {
        let now = net.now().instant;
        assert!(
            self.deadline().is_some_and(|at| at <= now),
            "promise 5 of the simulator: called for a reason"
        );
        while let Some((at, call)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            self.serve(call, net);
        }
        self.release_inputs(now, net);
    }
}

impl Subject {
    /// Does what the time has come for. Timers of what was aborted find nothing.
    fn serve(&mut self, call: Call, net: &mut Net) {
        match self.tasks.get_mut(&call) {
            Some(Task::Upload(upload)) => {
                upload.held = false;
                net.resume(call);
            }
            Some(Task::GiveUp) => self.give_up(call, net),
            Some(Task::Feed { name, every_ms }) => {
                let (name, at) = (*name, Instant(net.now().instant.0 + *every_ms));
                self.say_in_feed(name, net);
                if self.tasks.contains_key(&call) {
                    self.timers.insert((at, call));
                }
            }
            Some(Task::Stream(stream)) if stream.begun => self.pump(call, net),
            Some(Task::Stream(stream)) => {
                let stream = *stream;
                self.tasks.remove(&call);
                let response = self.stream(call, stream);
                net.answer(call, response.into());
            }
            Some(Task::Answer(_) | Task::Upgrade { .. }) => {
                let answer = match self.tasks.remove(&call) {
                    Some(Task::Answer(body)) => Response::text(body).into(),
                    Some(Task::Upgrade { tag, granted: true }) => Answer::Upgrade(upgrade(tag)),
                    _ => Response::refusal(Status::FORBIDDEN, "not you").into(),
                };
                net.answer(call, answer);
            }
            None => {}
        }
    }
}
