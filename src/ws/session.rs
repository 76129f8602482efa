//! # Session: one end of a connection after its handshake
//!
//! Small, because most of a chat server's connections say nothing most of the time. What is
//! unfinished lives in a box that exists only as long as it is.
//!
//! Promises: those of the room. `check` asserts them by their number.

use std::borrow::Cow;

use flate2::{Compress, Decompress};

use crate::ground::seed::Seed;
use crate::ws::assemble::{Assembly, Parts};
use crate::ws::deflate::Inflated;
use crate::ws::frame::{self, Head};
use crate::ws::{Agreed, Deflate, Event, Fault, Limits, Message, Role, Step, close, mask};

/// One end of a connection, after the handshake.
///
/// ```
/// use parlour::ground::seed::Seed;
/// use parlour::ws::{Deflate, DeflatePolicy, Event, Limits, Message, Role, Session, Step};
///
/// let mut deflate = Deflate::new(DeflatePolicy::default());
/// let mut seed = Seed::new(1);
/// let mut wire = Vec::new();
/// let mut client = Session::new(Role::Client, None);
/// assert!(client.send(Message::Text("Hello"), &mut deflate, &mut seed, &mut wire));
///
/// let mut answers = Vec::new();
/// let mut server = Session::new(Role::Server, None);
/// let step =
///     server.decode(&mut wire, &Limits::default(), &mut deflate, &mut seed, &mut answers);
/// assert_eq!(step, Step::Event { used: 11, event: Event::Text("Hello".into()) });
/// ```
#[derive(Debug)]
pub struct Session {
    /// What is unfinished, if anything is.
    work: Option<Box<Work>>,
    /// Compression contexts, where they are this session's own.
    contexts: Option<Box<Contexts>>,
    agreed: Option<Agreed>,
    state: State,
    role: Role,
}

// An idle connection is paid for by the hundred thousand.
const _: () = assert!(size_of::<Session>() <= 40, "a session is small");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Our close frame is out, the peer's is not here.
    Closing,
    /// Both close frames went, or the transport ended.
    Closed,
    Broken(Fault),
}

#[derive(Debug, Default)]
struct Work {
    /// The beginning of a header.
    rest: [u8; frame::HEAD_BYTES_MAX],
    rest_len: usize,
    /// A frame whose payload has not wholly arrived.
    frame: Option<Unfinished>,
    /// Payload of an unfinished control frame.
    control: Vec<u8>,
    /// A message that is not finished.
    message: Option<Assembly>,
}

#[derive(Clone, Copy, Debug)]
struct Unfinished {
    head: Head,
    arrived: u64,
}

#[derive(Debug, Default)]
struct Contexts {
    compressor: Option<Compress>,
    inflater: Option<Decompress>,
}

/// A value, or the rule that was broken; `fail` writes its close frame.
type Judged<T> = Result<T, Fault>;

impl Session {
    /// A session after a handshake that ended with `agreed`.
    pub const fn new(role: Role, agreed: Option<Agreed>) -> Self {
        Self {
            work: None,
            contexts: None,
            agreed,
            state: State::Open,
            role,
        }
    }

    /// What the next bytes mean. Consumes all of `input` or up to an event; call again with what
    /// is after `used`. Answers (pongs, close frames) are appended to `out`.
    #[inline]
    pub fn decode<'i>(
        &mut self,
        input: &'i mut [u8],
        limits: &Limits,
        deflate: &mut Deflate,
        seed: &mut Seed,
        out: &mut Vec<u8>,
    ) -> Step<'i> {
        // Nearly every message is one plain frame that is wholly here: no state is touched.
        if self.state == State::Open
            && self.work.is_none()
            && let Some(head) = Head::read(input)
            && matches!(head.first ^ frame::FIN, frame::TEXT | frame::BINARY)
            && head.mask.is_some() == (self.role == Role::Server)
            && head.is_minimal()
            && head.len <= limits.frame_bytes_max.min(limits.message_bytes_max) as u64
            && head.len <= (input.len() - head.size) as u64
        {
            let used = head.size + head.len as usize;
            let payload = &mut input[head.size..used];
            if let Some(key) = head.mask {
                mask::apply(key, 0, payload);
            }
            return match plain(&head, payload) {
                Ok(event) => Step::Event { used, event },
                Err(fault) => self.fail(fault, seed, out),
            };
        }
        self.decode_slowly(input, limits, deflate, seed, out)
    }

    /// Appends a message. False if the session is closing: then nothing is sent.
    pub fn send(
        &mut self,
        message: Message<'_>,
        deflate: &mut Deflate,
        seed: &mut Seed,
        out: &mut Vec<u8>,
    ) -> bool {
        if !self.is_open() {
            return false;
        }
        let mask = self.mask(seed);
        let first = frame::FIN | frame::opcode(message);
        let bytes = message.bytes();
        match self.agreed {
            Some(agreed) if deflate.is_worth(bytes.len()) => {
                match self.pack(agreed, bytes, deflate) {
                    Some(packed) => frame::write(first | frame::RSV1, mask, packed, out),
                    None => frame::write(first, mask, bytes, out),
                }
                deflate.tidy();
            }
            _ => frame::write(first, mask, bytes, out),
        }
        true
    }

    /// Appends a ping, unless the session is closing. At most 125 bytes.
    pub fn ping(&self, payload: &[u8], seed: &mut Seed, out: &mut Vec<u8>) {
        assert!(
            payload.len() <= frame::CONTROL_BYTES_MAX,
            "a ping holds at most 125 bytes"
        );
        if self.is_open() {
            frame::write(frame::FIN | frame::PING, self.mask(seed), payload, out);
        }
    }

    /// Begins the close handshake, unless it has begun. A reason over 123 bytes is cut.
    pub fn close(&mut self, code: u16, reason: &str, seed: &mut Seed, out: &mut Vec<u8>) {
        assert!(
            close::is_close_code(code),
            "close code {code} must not be sent"
        );
        if self.is_open() {
            self.say_close(&close::payload(code, reason), seed, out);
            self.state = State::Closing;
        }
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether our close frame waits for the peer's: the time for a deadline.
    pub fn awaits_close(&self) -> bool {
        self.state == State::Closing
    }

    /// Whether nothing more will come: both ends closed, or a rule was broken.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::Broken(_))
    }

    /// What was negotiated.
    pub const fn agreed(&self) -> Option<Agreed> {
        self.agreed
    }

    /// The window for [`deflated_frame`](crate::ws::deflated_frame) if this session can share
    /// compressed frames: with takeover it cannot, because its peer's window is its own.
    pub fn shared_bits(&self) -> Option<u8> {
        let ours = self.agreed?.sends(self.role);
        (!ours.takeover).then_some(ours.window_bits)
    }

    /// The transport ended. Without a close frame from the peer that is 1006 (RFC 6455, 7.1.5).
    pub fn ended(&mut self) -> Step<'static> {
        match self.state {
            State::Broken(fault) => Step::Broken(fault),
            State::Closed => Step::More,
            State::Open | State::Closing => {
                self.finish(State::Closed);
                let reason = Cow::Borrowed("");
                Step::Event {
                    used: 0,
                    event: Event::Closed {
                        code: Some(1006),
                        reason,
                    },
                }
            }
        }
    }

    /// Asserts the room's promises, as far as a session can see them.
    pub fn check(&self) {
        let Some(work) = &self.work else { return };
        assert!(!self.is_over(), "promise 3: nothing is kept after the end");
        assert!(
            !work.is_empty(),
            "promise 4: an idle session owns no heap memory"
        );
        assert!(
            work.rest_len < frame::HEAD_BYTES_MAX,
            "promise 1: a whole header is used"
        );
        assert!(
            work.rest_len == 0 || work.frame.is_none(),
            "promise 1: one frame at a time"
        );
        if let Some(Unfinished { head, arrived }) = work.frame {
            assert!(arrived < head.len, "promise 1: a whole frame is used");
            assert!(
                !head.is_control() || work.control.len() as u64 == arrived,
                "promise 4: as much is held as arrived"
            );
        }
    }

    /// How much heap memory unfinished messages and frames hold.
    #[cfg(any(test, fuzzing))]
    pub(super) fn held_bytes(&self) -> usize {
        self.work.as_ref().map_or(0, |work| {
            let message = work.message.as_ref().map_or(0, Assembly::held_bytes);
            size_of::<Work>() + work.control.capacity() + message
        })
    }

    fn decode_slowly<'i>(
        &mut self,
        input: &'i mut [u8],
        limits: &Limits,
        deflate: &mut Deflate,
        seed: &mut Seed,
        out: &mut Vec<u8>,
    ) -> Step<'i> {
        match self.state {
            State::Broken(fault) => return Step::Broken(fault),
            State::Closed => return Step::More,
            State::Open | State::Closing => {}
        }
        match self.advance(input, limits, deflate, seed, out) {
            Ok(Some((used, event))) => Step::Event { used, event },
            Ok(None) => Step::More,
            Err(fault) => self.fail(fault, seed, out),
        }
    }

    /// Goes through the input up to the first event.
    fn advance<'i>(
        &mut self,
        input: &'i mut [u8],
        limits: &Limits,
        deflate: &mut Deflate,
        seed: &mut Seed,
        out: &mut Vec<u8>,
    ) -> Judged<Option<(usize, Event<'i>)>> {
        let mut at = 0;
        loop {
            let begun = self.work.as_mut().and_then(|work| work.frame.take());
            let (head, arrived) = match begun {
                Some(Unfinished { head, arrived }) => (head, arrived),
                None => {
                    let Some((head, used)) = self.read_head(&input[at..]) else {
                        return Ok(None);
                    };
                    at += used;
                    self.admit(&head, limits)?;
                    (head, 0)
                }
            };
            // What is missing, as far as it is here.
            let missing = head.len - arrived;
            let here = missing.min((input.len() - at) as u64) as usize;
            let is_whole = here as u64 == missing;
            let piece = at..at + here;
            at += here;
            if let Some(key) = head.mask {
                mask::apply(key, arrived, &mut input[piece.clone()]);
            }

            let in_message = self
                .work
                .as_ref()
                .is_some_and(|work| work.message.is_some());
            if is_whole && begun.is_none() {
                if head.is_control() {
                    let payload: &'i [u8] = &input[piece];
                    return self
                        .control(&head, payload, seed, out)
                        .map(|event| Some((at, event)));
                }
                if head.is_final() && !in_message {
                    self.tidy();
                    let payload: &'i [u8] = &input[piece];
                    let event = if head.first & frame::RSV1 == 0 {
                        plain(&head, payload)?
                    } else {
                        let is_text = head.opcode() == frame::TEXT;
                        self.inflate(payload, is_text, limits, deflate)?
                    };
                    return Ok(Some((at, event)));
                }
            }

            let is_new = begun.is_none();
            let work = self.work.get_or_insert_default();
            if head.is_control() {
                work.control.extend_from_slice(&input[piece]);
            } else {
                let message = work.message.get_or_insert_with(|| Assembly::new(&head));
                message.fragments += u32::from(is_new);
                message.push(&input[piece])?;
            }
            if !is_whole {
                work.frame = Some(Unfinished {
                    head,
                    arrived: arrived + here as u64,
                });
                return Ok(None);
            }
            if head.is_control() {
                let payload = std::mem::take(&mut work.control);
                let event = self.control(&head, &payload, seed, out)?;
                return Ok(Some((at, into_owned(event))));
            }
            if head.is_final()
                && let Some(message) = work.message.take()
            {
                self.tidy();
                return self
                    .deliver(message, limits, deflate)
                    .map(|event| Some((at, event)));
            }
        }
    }

    /// The next header and how many bytes of `input` it took; keeps the beginning of one.
    fn read_head(&mut self, input: &[u8]) -> Option<(Head, usize)> {
        let rest_len = self.work.as_ref().map_or(0, |work| work.rest_len);
        if rest_len == 0 {
            if let Some(head) = Head::read(input) {
                return Some((head, head.size));
            }
            if input.is_empty() {
                return None;
            }
        }
        let work = self.work.get_or_insert_default();
        let room = &mut work.rest[rest_len..];
        let taken = room.len().min(input.len());
        room[..taken].copy_from_slice(&input[..taken]);
        let Some(head) = Head::read(&work.rest[..rest_len + taken]) else {
            work.rest_len += taken;
            return None;
        };
        work.rest_len = 0;
        Some((head, head.size - rest_len))
    }

    /// Every rule that a header alone can break.
    fn admit(&self, head: &Head, limits: &Limits) -> Judged<()> {
        let message = self.work.as_ref().and_then(|work| work.message.as_ref());
        let starts = matches!(head.opcode(), frame::TEXT | frame::BINARY);
        match head.first & frame::RSV {
            0 => {}
            frame::RSV1 if self.agreed.is_some() && starts => {}
            frame::RSV1 if self.agreed.is_some() => return Err(Fault::MisplacedCompression),
            _ => return Err(Fault::ReservedBits),
        }
        match (self.role, head.mask) {
            (Role::Server, None) => return Err(Fault::UnmaskedFrame),
            (Role::Client, Some(_)) => return Err(Fault::MaskedFrame),
            (Role::Server, Some(_)) | (Role::Client, None) => {}
        }
        match head.opcode() {
            frame::CONTINUATION if message.is_none() => return Err(Fault::NothingToContinue),
            frame::TEXT | frame::BINARY if message.is_some() => {
                return Err(Fault::UnfinishedMessage);
            }
            frame::CONTINUATION | frame::TEXT | frame::BINARY => {}
            frame::CLOSE | frame::PING | frame::PONG => return admit_control(head),
            reserved => return Err(Fault::ReservedOpcode(reserved)),
        }
        if head.len >> 63 != 0 {
            return Err(Fault::HugeLength);
        }
        if !head.is_minimal() {
            return Err(Fault::WideLength);
        }
        let is_deflated = message.map_or(head.first & frame::RSV1 != 0, |message| {
            message.is_deflated()
        });
        // What does not compress grows a little: five bytes for each stored block.
        let slack = if is_deflated {
            limits.message_bytes_max / 256 + 64
        } else {
            0
        };
        if head.len > limits.frame_bytes_max.saturating_add(slack) as u64 {
            return Err(Fault::FrameTooLarge);
        }
        let before = message.map_or(0, Assembly::len) as u64;
        if before + head.len > limits.message_bytes_max.saturating_add(slack) as u64 {
            return Err(Fault::MessageTooLarge);
        }
        if message.is_some_and(|message| message.fragments >= limits.fragments_max) {
            return Err(Fault::TooManyFragments);
        }
        Ok(())
    }

    /// A whole control frame.
    fn control<'p>(
        &mut self,
        head: &Head,
        payload: &'p [u8],
        seed: &mut Seed,
        out: &mut Vec<u8>,
    ) -> Judged<Event<'p>> {
        if head.opcode() == frame::CLOSE {
            let (code, reason) = close::read(payload)?;
            if self.is_open() {
                // The code comes back as the answer (RFC 6455, 5.5.1), the reason need not.
                self.say_close(payload.get(..2).unwrap_or_default(), seed, out);
            }
            self.finish(State::Closed);
            return Ok(Event::Closed {
                code,
                reason: Cow::Borrowed(reason),
            });
        }
        self.tidy();
        if head.opcode() == frame::PONG {
            return Ok(Event::Pong(Cow::Borrowed(payload)));
        }
        // Answered even while our close waits: only a received close ends this (5.5.2).
        frame::write(frame::FIN | frame::PONG, self.mask(seed), payload, out);
        Ok(Event::Ping(Cow::Borrowed(payload)))
    }

    /// The event of a message that arrived in pieces.
    fn deliver(
        &mut self,
        message: Assembly,
        limits: &Limits,
        deflate: &mut Deflate,
    ) -> Judged<Event<'static>> {
        match message.parts {
            Parts::Text(text) => Ok(Event::Text(Cow::Owned(text.finish()?))),
            Parts::Binary(bytes) => Ok(Event::Binary(Cow::Owned(bytes))),
            Parts::Deflated { is_text, bytes } => self.inflate(&bytes, is_text, limits, deflate),
        }
    }

    fn inflate(
        &mut self,
        bytes: &[u8],
        is_text: bool,
        limits: &Limits,
        deflate: &mut Deflate,
    ) -> Judged<Event<'static>> {
        let theirs = self.agreed.map(|agreed| agreed.receives(self.role));
        let own = match theirs {
            Some(theirs) if theirs.takeover => {
                let contexts = self.contexts.get_or_insert_default();
                let make = || Deflate::own_inflater(theirs.window_bits);
                Some(contexts.inflater.get_or_insert_with(make))
            }
            _ => None,
        };
        match deflate.inflate(own, bytes, is_text, limits.message_bytes_max)? {
            Inflated::Text(text) => Ok(Event::Text(Cow::Owned(text))),
            Inflated::Binary(bytes) => Ok(Event::Binary(Cow::Owned(bytes))),
        }
    }

    /// A message's compressed bytes, unless it is better sent plain.
    fn pack<'d>(
        &mut self,
        agreed: Agreed,
        bytes: &[u8],
        deflate: &'d mut Deflate,
    ) -> Option<&'d [u8]> {
        let ours = agreed.sends(self.role);
        if !ours.takeover {
            return deflate.pack(ours.window_bits, bytes);
        }
        let contexts = self.contexts.get_or_insert_default();
        let make = || deflate.compressor(ours.window_bits);
        let compressor = contexts.compressor.get_or_insert_with(make);
        Some(deflate.pack_with(compressor, bytes))
    }

    #[cold]
    fn fail(&mut self, fault: Fault, seed: &mut Seed, out: &mut Vec<u8>) -> Step<'static> {
        if self.is_open() {
            self.say_close(
                &close::payload(fault.close_code(), &fault.to_string()),
                seed,
                out,
            );
        }
        self.finish(State::Broken(fault));
        Step::Broken(fault)
    }

    fn say_close(&self, payload: &[u8], seed: &mut Seed, out: &mut Vec<u8>) {
        frame::write(frame::FIN | frame::CLOSE, self.mask(seed), payload, out);
    }

    /// Nothing comes any more: all memory goes.
    fn finish(&mut self, state: State) {
        self.state = state;
        self.work = None;
        self.contexts = None;
    }

    /// Gives the box back when there is nothing in it.
    fn tidy(&mut self) {
        if self.work.as_ref().is_some_and(|work| work.is_empty()) {
            self.work = None;
        }
    }

    fn mask(&self, seed: &mut Seed) -> Option<[u8; 4]> {
        match self.role {
            Role::Server => None,
            Role::Client => Some(seed.mask()),
        }
    }
}

impl Work {
    const fn is_empty(&self) -> bool {
        self.rest_len == 0 && self.frame.is_none() && self.message.is_none()
    }
}

/// The rules for control frames.
fn admit_control(head: &Head) -> Judged<()> {
    if !head.is_final() {
        return Err(Fault::FragmentedControl);
    }
    if head.len > frame::CONTROL_BYTES_MAX as u64 {
        return Err(Fault::LongControl);
    }
    if head.is_minimal() {
        Ok(())
    } else {
        Err(Fault::WideLength)
    }
}

/// The event of a whole uncompressed message.
#[inline]
fn plain<'p>(head: &Head, payload: &'p [u8]) -> Judged<Event<'p>> {
    if head.opcode() == frame::BINARY {
        return Ok(Event::Binary(Cow::Borrowed(payload)));
    }
    let text = simdutf8::basic::from_utf8(payload).map_err(|_| Fault::InvalidUtf8)?;
    Ok(Event::Text(Cow::Borrowed(text)))
}

/// The same event, without the buffer that its bytes were in.
fn into_owned(event: Event<'_>) -> Event<'static> {
    match event {
        Event::Text(text) => Event::Text(Cow::Owned(text.into_owned())),
        Event::Binary(bytes) => Event::Binary(Cow::Owned(bytes.into_owned())),
        Event::Ping(payload) => Event::Ping(Cow::Owned(payload.into_owned())),
        Event::Pong(payload) => Event::Pong(Cow::Owned(payload.into_owned())),
        Event::Closed { code, reason } => Event::Closed {
            code,
            reason: Cow::Owned(reason.into_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::DeflatePolicy;

    fn hear(session: &mut Session, bytes: &[u8]) {
        let (mut deflate, mut seed) = (Deflate::new(DeflatePolicy::default()), Seed::new(1));
        let mut bytes = bytes.to_vec();
        session.decode(
            &mut bytes,
            &Limits::default(),
            &mut deflate,
            &mut seed,
            &mut Vec::new(),
        );
        session.check();
    }

    #[test]
    fn a_promised_length_reserves_nothing_and_what_is_done_leaves_nothing() {
        let mut session = Session::new(Role::Client, None);
        hear(&mut session, b"\x82\x7f\0\0\0\0\0\x10\0\0first");
        let work = session.work.as_ref().unwrap();
        let Parts::Binary(bytes) = &work.message.as_ref().unwrap().parts else {
            panic!("a binary message was begun")
        };
        assert!(bytes.capacity() < 100, "{}", bytes.capacity());
        hear(&mut session, &vec![0; (1 << 20) - 5]);
        assert!(session.work.is_none());

        for piece in [&b"\x89"[..], b"\x02", b"ab", b"\x01\x01a", b"\x80\x00"] {
            hear(&mut session, piece);
        }
        assert!(session.work.is_none());

        hear(&mut session, b"\x01\x05he");
        hear(&mut session, b"\xff");
        assert!(session.work.is_none() && session.is_over());
    }
}
