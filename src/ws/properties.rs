//! # Properties that hold for all bytes
//!
//! One end with all that it needs, what it hears in words that are easy to compare, and what must
//! be true of it whatever comes. The fuzzer calls the same as the tests do.

use super::*;
use crate::ground::seed::Seed;

/// An event in the tests' words: owned, and short to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Closed(Option<u16>, String),
    Broken(Fault),
}

/// One end with all that it needs.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) session: Session,
    pub(crate) limits: Limits,
    pub(crate) deflate: Deflate,
    pub(crate) seed: Seed,
    pub(crate) out: Vec<u8>,
    pub(crate) heard: Vec<Heard>,
    /// How many bytes were given to it.
    bytes: usize,
}

/// Everything is compressed, and contexts are kept where that was agreed.
pub(crate) const POLICY: DeflatePolicy = DeflatePolicy {
    enabled: true,
    level: 6,
    bytes_min: 0,
    context_takeover: true,
};

impl End {
    pub(crate) fn new(role: Role, agreed: Option<Agreed>) -> Self {
        Self {
            session: Session::new(role, agreed),
            limits: Limits::default(),
            deflate: Deflate::new(POLICY),
            seed: Seed::new(3),
            out: Vec::new(),
            heard: Vec::new(),
            bytes: 0,
        }
    }

    /// Hears one piece of input, event after event.
    pub(crate) fn hear(&mut self, piece: &[u8]) {
        let mut piece = piece.to_vec();
        self.bytes += piece.len();
        let mut at = 0;
        loop {
            let rest = &mut piece[at..];
            let given = rest.len();
            let (limits, deflate, seed) = (&self.limits, &mut self.deflate, &mut self.seed);
            let step = self
                .session
                .decode(rest, limits, deflate, seed, &mut self.out);
            let heard = match step {
                Step::More => break,
                Step::Broken(fault) => {
                    self.heard.push(Heard::Broken(fault));
                    break;
                }
                Step::Event { used, event } => {
                    assert!(
                        used <= given && used > 0,
                        "an event takes bytes, and only ours"
                    );
                    at += used;
                    if let Some(message) = event.message() {
                        let len = message.bytes().len();
                        assert!(len <= self.limits.message_bytes_max, "no message is longer");
                    }
                    match event {
                        Event::Text(text) => Heard::Text(text.into_owned()),
                        Event::Binary(bytes) => Heard::Binary(bytes.into_owned()),
                        Event::Ping(payload) => Heard::Ping(payload.into_owned()),
                        Event::Pong(payload) => Heard::Pong(payload.into_owned()),
                        Event::Closed { code, reason } => Heard::Closed(code, reason.into_owned()),
                    }
                }
            };
            self.heard.push(heard);
            self.check();
        }
        self.check();
    }

    pub(crate) fn send(&mut self, message: Message<'_>) -> bool {
        self.session
            .send(message, &mut self.deflate, &mut self.seed, &mut self.out)
    }

    fn check(&self) {
        self.session.check();
        // A growing vector holds up to twice its bytes. Compressed ones may exceed the message.
        let message_bytes_max = self.limits.message_bytes_max / 256 * 257 + 256;
        let held_bytes_max = 2 * self.bytes.min(message_bytes_max) + 1024;
        assert!(
            self.session.held_bytes() <= held_bytes_max,
            "promise 4: memory is taken as payload arrives, and within the limits"
        );
    }
}

/// What an end hears and answers; `Broken` is told once however often it is asked.
pub(crate) fn hear(mut end: End, pieces: &[&[u8]]) -> (Vec<Heard>, Vec<u8>) {
    for piece in pieces {
        end.hear(piece);
        if end.session.is_over() {
            break;
        }
    }
    (end.heard, end.out)
}

/// Cuts `bytes` where the numbers say.
pub(crate) fn cut<'b>(bytes: &'b [u8], cuts: &[usize]) -> Vec<&'b [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// What the bits of two bytes agree on: whether to compress, whether to keep contexts, windows.
fn agreed_by(bits: u8, windows: u8) -> Option<Agreed> {
    let direction = |bits: u8, takeover: u8| Direction {
        window_bits: 8 + (bits & 7),
        takeover: takeover != 0,
    };
    (bits & 1 != 0).then_some(Agreed {
        server: direction(windows, bits & 2),
        client: direction(windows >> 3, bits & 4),
    })
}

/// Any bytes are frames or one fault, the same ones however they were cut, and the peer
/// understands each answer. The first four bytes choose the role, the limits, what was agreed,
/// and two places to cut.
pub fn frames(input: &[u8]) {
    let Some((&[bits, windows, a, b], wire)) = input.split_first_chunk() else {
        return;
    };
    let (role, peer) = match bits & 8 {
        0 => (Role::Server, Role::Client),
        _ => (Role::Client, Role::Server),
    };
    let agreed = agreed_by(bits, windows);
    let end = || {
        let mut end = End::new(role, agreed);
        if bits & 16 != 0 {
            end.limits = Limits {
                message_bytes_max: 300,
                frame_bytes_max: 200,
                fragments_max: 4,
            };
        }
        if bits & 32 != 0 {
            end.session.close(1001, "", &mut end.seed, &mut end.out);
        }
        end
    };
    let whole = hear(end(), &[wire]);
    let cuts = [a, b, a.wrapping_mul(7), b.wrapping_mul(13)].map(usize::from);
    assert_eq!(hear(end(), &cut(wire, &cuts)), whole, "in pieces");
    let singles: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(hear(end(), &singles), whole, "byte by byte");

    let (heard, out) = whole;
    if bits & 32 == 0 {
        let expected: Vec<Heard> = heard.into_iter().filter_map(answer).collect();
        let (heard, silence) = hear(End::new(peer, agreed), &[&out]);
        assert_eq!(heard, expected, "promise 5: each is answered, in order");
        // A close is answered with a close, which may be the only thing to say.
        assert!(silence.len() <= 8, "pongs are not answered: {silence:x?}");
    }
}

/// What the peer hears of our answer to what we heard, if there is one.
fn answer(heard: Heard) -> Option<Heard> {
    match heard {
        Heard::Text(_) | Heard::Binary(_) | Heard::Pong(_) => None,
        Heard::Ping(payload) => Some(Heard::Pong(payload)),
        Heard::Closed(code, _) => Some(Heard::Closed(code, String::new())),
        Heard::Broken(fault) => Some(Heard::Closed(Some(fault.close_code()), fault.to_string())),
    }
}

/// Any bytes inflate within the limit or are refused, and what one end compresses the other
/// inflates. The first four bytes choose what was agreed, the level, and how messages are made.
pub fn deflate(input: &[u8]) {
    let Some((&[bits, windows, level, shape], bytes)) = input.split_first_chunk() else {
        return;
    };
    inflate_anything(bytes, usize::from(level) * 16);
    let policy = DeflatePolicy {
        level: level % 10,
        ..POLICY
    };
    let (from, to) = match bits & 8 {
        0 => (Role::Server, Role::Client),
        _ => (Role::Client, Role::Server),
    };
    let agreed = agreed_by(bits | 1, windows);
    let (mut from, mut to) = (End::new(from, agreed), End::new(to, agreed));
    from.deflate = Deflate::new(policy);
    // Long messages of few bytes, so that they reach over a window; then what they repeat alone.
    let times = usize::from(shape % 32) + 1;
    let messages = [&bytes.repeat(times)[..], bytes, &bytes[bytes.len() / 2..]];
    let mut expected = Vec::new();
    for message in messages {
        let heard = match str::from_utf8(message) {
            Ok(text) => Heard::Text(text.to_owned()),
            Err(_) => Heard::Binary(message.to_vec()),
        };
        assert!(from.send(match &heard {
            Heard::Text(text) => Message::Text(text),
            _ => Message::Binary(message),
        }));
        expected.push(heard);
    }
    let size = usize::from(shape / 32) * 100 + 50;
    from.out.chunks(size).for_each(|piece| to.hear(piece));
    assert_eq!(to.heard, expected, "what is sent is heard");
}

fn inflate_anything(bytes: &[u8], bytes_max: usize) {
    let mut deflate = Deflate::new(POLICY);
    let mut inflate = |is_text| {
        let shared = deflate.inflate(None, bytes, is_text, bytes_max);
        let mut own = Deflate::own_inflater(15);
        let own = deflate.inflate(Some(&mut own), bytes, is_text, bytes_max);
        (shared, own)
    };
    let (binary, own) = inflate(false);
    let Ok(deflate::Inflated::Binary(binary)) = binary else {
        return;
    };
    assert!(binary.len() <= bytes_max, "promise 2: no more than that");
    let Ok(deflate::Inflated::Binary(own)) = own else {
        panic!("an inflater of one's own does what the shared one does");
    };
    assert_eq!(own, binary);
    match (str::from_utf8(&binary), inflate(true).0) {
        (Ok(text), Ok(deflate::Inflated::Text(inflated))) => assert_eq!(inflated, text),
        (text, inflated) => {
            assert!(
                text.is_err() && matches!(inflated, Err(Fault::InvalidUtf8)),
                "text is UTF-8: {inflated:?}"
            );
        }
    }
}

/// Any fields are an upgrade or a refusal, and our own client understands the answer as the
/// server does. The first byte chooses both policies; each line of the rest is a field.
pub fn extensions(input: &[u8]) {
    let Some((&bits, input)) = input.split_first() else {
        return;
    };
    let policy = |bits: u8| DeflatePolicy {
        enabled: bits & 1 != 0,
        context_takeover: bits & 2 != 0,
        ..POLICY
    };
    let (server, client) = (policy(bits), policy(bits >> 2));
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let offers = extension::offer(&client);
    let offers = offers.map(|offer| ("Sec-WebSocket-Extensions", offer.as_bytes()));
    let own: [(&str, &[u8]); 5] = [
        ("Host", b"h"),
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Key", key.as_bytes()),
        ("Sec-WebSocket-Version", b"13"),
    ];
    let lines = || {
        let fields = input.split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
        });
        // As in a head that was read: no NUL, no CR, no LF.
        fields.filter(|(_, value)| !value.iter().any(|byte| b"\0\r".contains(byte)))
    };

    let asked = own.into_iter().chain(lines()).chain(offers);
    if let Ok(accepted) = handshake::accept("GET", 1, asked, &server) {
        let request = handshake::Request {
            host: "h",
            target: "/",
            key,
            protocols: &accepted.protocols,
            // Whoever offered, the answer is judged as by one who may have offered the same.
            policy: server,
        };
        let mut out = Vec::new();
        let protocol = accepted.protocols.first().map(String::as_str);
        accepted.write(protocol, [], &mut out);
        let mut fields = [httparse::EMPTY_HEADER; 8];
        let mut head = httparse::Response::new(&mut fields);
        assert_eq!(head.parse(&out), Ok(httparse::Status::Complete(out.len())));
        let fields = head.headers.iter().map(|field| (field.name, field.value));
        let welcome = request.check(101, fields).expect("our own answer fits");
        assert_eq!(welcome.agreed, accepted.agreed, "both ends agree");
        assert_eq!(welcome.protocol.as_deref(), protocol);
        if let (Some(agreed), Some(answer)) = (accepted.agreed, &accepted.extensions) {
            let again = extension::negotiate([answer.as_bytes()].into_iter(), &server);
            assert_eq!(again, Some((agreed, answer.clone())), "it asks for itself");
        }
    }

    // The same lines as an answer.
    let request = handshake::Request {
        host: "h",
        target: "/",
        key,
        protocols: &["a".to_owned()],
        policy: client,
    };
    let own: [(&str, &[u8]); 3] = [
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    if let Ok(welcome) = request.check(101, own.into_iter().chain(lines()))
        && let Some(agreed) = welcome.agreed
    {
        assert!(client.enabled, "nobody asked");
        for direction in [agreed.server, agreed.client] {
            assert!((8..=15).contains(&direction.window_bits));
        }
        assert!(client.context_takeover || !agreed.client.takeover);
    }
}
