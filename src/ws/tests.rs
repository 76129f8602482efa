//! The room as a whole: rules as tables, golden bytes, properties, and a foreign implementation.

use proptest::prelude::*;

use super::properties::Heard::{Binary, Broken, Closed, Ping, Pong, Text};
use super::properties::{self, End, Heard, POLICY, cut, hear};
use super::*;
use crate::ground::corpus;

#[test]
fn the_corpora_keep_every_promise() {
    corpus::replay("ws_frames", properties::frames);
    corpus::replay("ws_deflate", properties::deflate);
    corpus::replay("extensions", properties::extensions);
}

const fn agreed(window_bits: u8, takeover: bool) -> Agreed {
    let direction = Direction {
        window_bits,
        takeover,
    };
    Agreed {
        server: direction,
        client: direction,
    }
}

/// A client reads `bytes`, at once and byte by byte.
fn check(agreed: Option<Agreed>, bytes: &[u8], expected: &[Heard]) {
    let whole = hear(End::new(Role::Client, agreed), &[bytes]);
    assert_eq!(whole.0, expected, "{bytes:x?}");
    let singles: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(
        hear(End::new(Role::Client, agreed), &singles),
        whole,
        "{bytes:x?} byte by byte"
    );
}

fn text(text: &str) -> Heard {
    Text(text.to_owned())
}

fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(first, None, payload, &mut out);
    out
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(first, Some([0x37, 0xfa, 0x21, 0x3d]), payload, &mut out);
    out
}

#[test]
fn the_examples_of_rfc_6455_are_understood() {
    check(None, b"\x81\x05Hello", &[text("Hello")]);
    check(None, b"\x01\x03Hel\x80\x02lo", &[text("Hello")]);
    check(None, b"\x89\x05Hello", &[Ping(b"Hello".to_vec())]);
    check(None, b"\x8a\x05Hello", &[Pong(b"Hello".to_vec())]);
    for len in [256, 65_536] {
        check(
            None,
            &unmasked(0x82, &vec![7; len]),
            &[Binary(vec![7; len])],
        );
    }
    let (heard, out) = hear(
        End::new(Role::Server, None),
        &[b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"],
    );
    assert_eq!(heard, [text("Hello"), Ping(b"Hello".to_vec())]);
    assert_eq!(out, b"\x8a\x05Hello");
}

#[test]
fn the_examples_of_rfc_7692_are_understood() {
    let alone = Some(agreed(15, false));
    // 7.2.3.1: one frame, and two fragments.
    check(
        alone,
        b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",
        &[text("Hello")],
    );
    check(
        alone,
        b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00",
        &[text("Hello")],
    );
    // 7.2.3.2: the second message refers to the first.
    check(
        Some(agreed(15, true)),
        b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00",
        &[text("Hello"), text("Hello")],
    );
    check(
        alone,
        b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00",
        &[text("Hello"), Broken(Fault::InvalidDeflate)],
    );
    // 7.2.3.3: a stored block. 7.2.3.4: a final block. 7.2.3.5: two blocks. 7.2.3.6: nothing.
    check(
        alone,
        b"\xc1\x0b\x00\x05\x00\xfa\xffHello\x00",
        &[text("Hello")],
    );
    check(
        alone,
        b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
        &[text("Hello")],
    );
    check(
        alone,
        b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        &[text("Hello")],
    );
    check(alone, b"\xc1\x01\x00", &[text("")]);
    check(alone, b"\xc1\x00", &[text("")]);
    // The byte after the final block forgotten; two streams; plain among the compressed.
    check(
        alone,
        b"\xc1\x07\xf3\x48\xcd\xc9\xc9\x07\x00",
        &[text("Hello")],
    );
    let two = b"\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    check(
        alone,
        &unmasked(0xc2, two),
        &[Binary(b"HelloHello".to_vec())],
    );
    check(alone, b"\x81\x05Hello", &[text("Hello")]);
}

#[test]
fn every_rule_has_its_fault() {
    let broken = |bytes: &[u8], fault| check(None, bytes, &[Broken(fault)]);
    broken(b"\xc1\x00", Fault::ReservedBits);
    broken(b"\xa1\x00", Fault::ReservedBits);
    broken(b"\x91\x00", Fault::ReservedBits);
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        broken(&[0x80 | opcode, 0], Fault::ReservedOpcode(opcode));
    }
    broken(b"\x09\x00", Fault::FragmentedControl);
    broken(b"\x89\x7e\x00\x7e", Fault::LongControl);
    broken(b"\x89\x7e\x00\x05", Fault::WideLength);
    broken(b"\x81\x80mask", Fault::MaskedFrame);
    broken(b"\x81\x7e\x00\x7d", Fault::WideLength);
    broken(b"\x81\x7f\0\0\0\0\0\0\xff\xff", Fault::WideLength);
    broken(b"\x81\x7f\x80\0\0\0\0\0\0\0", Fault::HugeLength);
    broken(
        b"\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
        Fault::FrameTooLarge,
    );
    broken(b"\x80\x00", Fault::NothingToContinue);
    broken(b"\x01\x00\x81\x00", Fault::UnfinishedMessage);
    broken(b"\x81\x02\xc3\x28", Fault::InvalidUtf8);
    broken(b"\x01\x01\xc3\x80\x00", Fault::InvalidUtf8);
    broken(b"\x88\x01\x03", Fault::HalfCloseCode);
    broken(b"\x88\x02\x03\xed", Fault::InvalidCloseCode(1005));
    broken(b"\x88\x03\x03\xe8\xff", Fault::InvalidReason);

    let deflated = |bytes: &[u8], fault| check(Some(agreed(15, false)), bytes, &[Broken(fault)]);
    deflated(b"\xc9\x00", Fault::MisplacedCompression);
    deflated(b"\x41\x00\xc0\x00", Fault::MisplacedCompression);
    deflated(b"\xe1\x00", Fault::ReservedBits);
    deflated(b"\xc1\x01\xff", Fault::InvalidDeflate);
    // Cut off in the middle of a block.
    deflated(b"\xc1\x04\xf2\x48\xcd\xc9", Fault::InvalidDeflate);
    // Stored blocks with bytes that are no text.
    deflated(
        b"\xc1\x08\x00\x02\x00\xfd\xff\xc3\x28\x00",
        Fault::InvalidUtf8,
    );

    let (heard, out) = hear(End::new(Role::Server, None), &[b"\x81\x05Hello"]);
    assert_eq!(heard, [Broken(Fault::UnmaskedFrame)]);
    assert_eq!(
        out,
        unmasked(0x88, b"\x03\xeaa client must mask its frames")
    );
}

#[test]
fn limits_are_kept_for_frames_messages_fragments_and_inflated_bytes() {
    let limits = Limits {
        message_bytes_max: 1000,
        frame_bytes_max: 600,
        fragments_max: 3,
    };
    let check = |bytes: &[u8], expected: Option<Fault>| {
        for step in [bytes.len(), 1] {
            let mut end = End::new(Role::Client, Some(agreed(15, false)));
            end.limits = limits;
            let (heard, _) = hear(end, &bytes.chunks(step).collect::<Vec<_>>());
            let fault = match heard.last() {
                Some(Broken(fault)) => Some(*fault),
                _ => None,
            };
            assert_eq!(fault, expected);
        }
    };
    let head = |len: u16| [&[0x82, 0x7e], &len.to_be_bytes()[..]].concat();
    check(&unmasked(0x82, &[0; 600]), None);
    check(&head(601), Some(Fault::FrameTooLarge));
    check(
        &[unmasked(0x02, &[0; 500]), unmasked(0x80, &[0; 500])].concat(),
        None,
    );
    check(
        &[unmasked(0x02, &[0; 500]), unmasked(0x80, &[0; 501])].concat(),
        Some(Fault::MessageTooLarge),
    );
    check(b"\x02\x00\x00\x00\x80\x00", None);
    check(
        b"\x02\x00\x00\x00\x00\x00\x80\x00",
        Some(Fault::TooManyFragments),
    );
    let packed = |len: usize| {
        let mut out = Vec::new();
        deflated_frame(
            Message::Binary(&vec![0; len]),
            15,
            &mut Deflate::new(POLICY),
            &mut out,
        );
        out
    };
    check(&packed(1000), None);
    check(&packed(1001), Some(Fault::MessageTooLarge));
    check(&packed(500_000), Some(Fault::MessageTooLarge));
    check(&unmasked(0xc2, &[0x03, 0x00].repeat(250)), None);
}

#[test]
fn text_is_refused_at_the_very_byte_while_its_frame_trickles_in() {
    let mut end = End::new(Role::Client, None);
    end.hear(b"\x81\x0a\xce\xba\xe1\xbd");
    assert_eq!(end.heard, []);
    end.hear(b"\xf4");
    assert_eq!(end.heard, [Broken(Fault::InvalidUtf8)]);
    end.hear(b"\x81\x00");
    assert_eq!(
        end.heard[1..],
        [Broken(Fault::InvalidUtf8)],
        "the first reason, for ever"
    );
}

#[test]
fn a_ping_between_fragments_is_answered_at_once() {
    let bytes = [
        masked(0x01, b"Hel"),
        masked(0x89, b"?"),
        masked(0x80, b"lo"),
    ]
    .concat();
    let (heard, out) = hear(End::new(Role::Server, None), &[&bytes]);
    assert_eq!(heard, [Ping(b"?".to_vec()), text("Hello")]);
    assert_eq!(out, b"\x8a\x01?");
}

#[test]
fn a_close_is_answered_with_its_code_and_nothing_is_heard_after_it() {
    let mut end = End::new(Role::Server, None);
    end.hear(&[masked(0x88, b"\x0f\xa0bye"), masked(0x81, b"late")].concat());
    assert_eq!(end.heard, [Closed(Some(4000), "bye".to_owned())]);
    assert_eq!(end.out, b"\x88\x02\x0f\xa0");
    assert!(end.session.is_over() && !end.send(Message::Text("late")));
    assert_eq!(end.session.ended(), Step::More);
    end.session.close(1000, "", &mut end.seed, &mut end.out);
    assert_eq!(end.out.len(), 4, "nothing is said after a close");
}

#[test]
fn our_close_waits_for_theirs_and_is_said_once() {
    let mut end = End::new(Role::Server, None);
    end.session
        .close(1001, "moving", &mut end.seed, &mut end.out);
    end.session
        .close(1000, "again", &mut end.seed, &mut end.out);
    assert!(end.session.awaits_close() && !end.session.is_open());
    assert!(!end.send(Message::Text("late")));
    end.session.ping(b"late", &mut end.seed, &mut end.out);
    assert_eq!(end.out, b"\x88\x08\x03\xe9moving");
    // Messages that were under way are heard, a ping is answered.
    end.hear(
        &[
            masked(0x81, b"under way"),
            masked(0x89, b""),
            masked(0x88, b""),
        ]
        .concat(),
    );
    assert_eq!(
        end.heard,
        [text("under way"), Ping(vec![]), Closed(None, String::new())]
    );
    assert_eq!(&end.out[10..], b"\x8a\x00");
}

#[test]
fn an_end_without_a_close_is_1006_once() {
    let mut end = End::new(Role::Server, None);
    end.hear(b"\x01\x85ma");
    let reason = "".into();
    let event = Event::Closed {
        code: Some(1006),
        reason,
    };
    assert_eq!(end.session.ended(), Step::Event { used: 0, event });
    assert_eq!(end.session.ended(), Step::More);
    end.session.check();
}

#[test]
fn one_encoding_serves_every_session_with_the_same_window() {
    let line = "the same for everyone, ".repeat(50);
    for bits in 8..=15 {
        let mut out = Vec::new();
        deflated_frame(
            Message::Text(&line),
            bits,
            &mut Deflate::new(POLICY),
            &mut out,
        );
        assert!(out.len() < line.len() / 2);
        check(Some(agreed(bits, false)), &out, &[text(&line)]);
    }
    let session = |agreed| Session::new(Role::Server, agreed);
    assert_eq!(session(Some(agreed(11, false))).shared_bits(), Some(11));
    assert_eq!(session(Some(agreed(11, true))).shared_bits(), None);
    assert_eq!(session(None).shared_bits(), None);
}

#[test]
fn with_takeover_the_second_message_is_a_fraction_of_the_first() {
    let mut server = End::new(Role::Server, Some(agreed(15, true)));
    let mut client = End::new(Role::Client, Some(agreed(15, true)));
    let line = "{\"room\":\"lobby\",\"from\":\"ada\",\"text\":\"how do you do?\",\"seq\":1234567}";
    let mut sizes = Vec::new();
    for _ in 0..3 {
        assert!(server.send(Message::Text(line)) && server.send(Message::Text("")));
        sizes.push(server.out.len());
        client.hear(&std::mem::take(&mut server.out));
    }
    assert!(sizes[1] * 3 < sizes[0], "{sizes:?}");
    let expected = std::iter::repeat_n([text(line), text("")], 3).flatten();
    assert_eq!(client.heard, expected.collect::<Vec<_>>());
}

/// What two ends may say to each other, as messages in frames.
fn messages() -> impl Strategy<Value = Vec<Heard>> {
    let message = prop_oneof![
        ".{0,200}".prop_map(Text),
        "[ab ]{0,700}".prop_map(Text),
        prop::collection::vec(any::<u8>(), 0..700).prop_map(Binary),
        prop::collection::vec(any::<u8>(), 0..125).prop_map(Ping),
    ];
    prop::collection::vec(message, 0..8)
}

fn agreements() -> impl Strategy<Value = Option<Agreed>> {
    prop_oneof![
        Just(None),
        (8u8..=15, any::<bool>()).prop_map(|(bits, takeover)| Some(agreed(bits, takeover)))
    ]
}

/// Bytes that look like frames often enough to go deep.
fn wire(from: Role) -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        ".{0,20}".prop_map(String::into_bytes),
        Just(b"\xf2\x48\xcd\xc9\xc9\x07\x00".to_vec()),
        Just(b"\x03\xe8bye".to_vec()),
    ];
    let first = prop_oneof![
        4 => prop::sample::select(vec![0x81u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0xc1, 0x41]),
        1 => any::<u8>(),
    ];
    let framed = (first, payload, any::<[u8; 4]>()).prop_map(move |(first, payload, mask)| {
        let mut out = Vec::new();
        frame::write(
            first,
            (from == Role::Client).then_some(mask),
            &payload,
            &mut out,
        );
        out
    });
    let piece = prop_oneof![8 => framed, 1 => prop::collection::vec(any::<u8>(), 0..20)];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_sent_is_heard(
        messages in messages(),
        agreed in agreements(),
        from_client: bool,
        cuts: Vec<usize>,
    ) {
        let (from, to) = if from_client {
            (Role::Client, Role::Server)
        } else {
            (Role::Server, Role::Client)
        };
        let (mut from, to) = (End::new(from, agreed), End::new(to, agreed));
        for message in &messages {
            match message {
                Text(text) => assert!(from.send(Message::Text(text))),
                Binary(bytes) => assert!(from.send(Message::Binary(bytes))),
                Ping(payload) => from.session.ping(payload, &mut from.seed, &mut from.out),
                Pong(_) | Closed(..) | Broken(_) => {}
            }
        }
        let (heard, out) = hear(to, &cut(&from.out, &cuts));
        prop_assert_eq!(heard, messages.clone());
        from.hear(&out);
        let pongs = messages.into_iter().filter_map(|heard| match heard {
            Ping(payload) => Some(Pong(payload)),
            _ => None,
        });
        prop_assert_eq!(from.heard, pongs.collect::<Vec<_>>());
    }

    #[test]
    fn any_split_gives_the_same_events_and_answers(
        (from_client, bytes) in any::<bool>().prop_flat_map(|from_client| {
            (Just(from_client), wire(if from_client { Role::Client } else { Role::Server }))
        }),
        agreed in agreements(),
        cuts: Vec<usize>,
    ) {
        let role = if from_client { Role::Server } else { Role::Client };
        let whole = hear(End::new(role, agreed), &[&bytes]);
        let pieces = hear(End::new(role, agreed), &cut(&bytes, &cuts));
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn whatever_noise_inflates_to_it_does_not_panic(
        mut noise in prop::collection::vec(any::<u8>(), 0..200),
        prefix in 0usize..40,
        takeover: bool,
    ) {
        // A sound beginning leads deeper in than noise alone.
        let mut sound = Vec::new();
        let line = "sound, sound, and sound again".repeat(3);
        deflated_frame(Message::Text(&line), 15, &mut Deflate::new(POLICY), &mut sound);
        noise.splice(..0, sound[2..].iter().copied().take(prefix));
        let bytes = unmasked(0xc2, &noise);
        let whole = hear(End::new(Role::Client, Some(agreed(15, takeover))), &[&bytes]);
        let singles: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(hear(End::new(Role::Client, Some(agreed(15, takeover))), &singles), whole);
    }

    #[test]
    fn fragments_make_the_same_message(
        text in ".{0,100}",
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let pieces = cut(text.as_bytes(), &cuts);
        let mut bytes = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            let fin = if at + 1 == pieces.len() { 0x80 } else { 0 };
            bytes.extend(masked(fin | u8::from(at == 0), piece));
        }
        let (heard, _) = hear(End::new(Role::Server, None), &[&bytes]);
        prop_assert_eq!(heard, [Text(text)]);
    }
}

/// Our session and tungstenite's on the same plain bytes.
mod foreign {
    use std::io::{Cursor, Read, Result, Write};

    use tungstenite::Message as Theirs;
    use tungstenite::protocol::{Role as TheirRole, WebSocket};

    use super::*;

    /// Input to read, and what was written.
    struct Wire {
        input: Cursor<Vec<u8>>,
        output: Vec<u8>,
    }

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
            self.input.read(buffer)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.output.write(bytes)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn socket(input: Vec<u8>, role: TheirRole) -> WebSocket<Wire> {
        let wire = Wire {
            input: Cursor::new(input),
            output: Vec::new(),
        };
        WebSocket::from_raw_socket(wire, role, None)
    }

    /// What tungstenite hears, up to the end or the first fault; whether there was a fault.
    fn heard(input: Vec<u8>, role: TheirRole) -> (Vec<Heard>, bool) {
        let mut socket = socket(input, role);
        let mut heard = Vec::new();
        loop {
            match socket.read() {
                Ok(Theirs::Text(text)) => heard.push(Text(text.to_string())),
                Ok(Theirs::Binary(bytes)) => heard.push(Binary(bytes.to_vec())),
                Ok(Theirs::Ping(payload)) => heard.push(Ping(payload.to_vec())),
                Ok(Theirs::Pong(payload)) => heard.push(Pong(payload.to_vec())),
                Ok(Theirs::Close(frame)) => {
                    let code = frame.as_ref().map(|frame| u16::from(frame.code));
                    let reason = frame.map_or_else(String::new, |frame| frame.reason.to_string());
                    heard.push(Closed(code, reason));
                    return (heard, false);
                }
                Ok(Theirs::Frame(_)) => unreachable!("reading gives no raw frames"),
                Err(tungstenite::Error::Protocol(
                    tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
                )) => return (heard, false),
                Err(_) => return (heard, true),
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_they_refuse_we_refuse_and_the_rest_is_the_same(bytes in wire(Role::Client)) {
            let (theirs, they_refuse) = heard(bytes.clone(), TheirRole::Server);
            let (mut ours, _) = hear(End::new(Role::Server, None), &[&bytes]);
            let fault = match ours.last() {
                Some(Broken(fault)) => Some(*fault),
                _ => None,
            };
            if let Some(fault) = fault {
                ours.pop();
                // They let lengths pass that are wider than need be, answer a close code that must
                // not be sent with 1002 but take the frame for a close, and wait for payloads of
                // frames that we refuse by their headers.
                let waits = theirs.len() == ours.len();
                let lets_pass = matches!(fault, Fault::WideLength | Fault::InvalidCloseCode(_));
                prop_assert!(they_refuse || waits || lets_pass, "only we: {fault}");
                prop_assert_eq!(&theirs[..ours.len().min(theirs.len())], &ours[..]);
            } else {
                prop_assert!(!they_refuse, "only they refuse");
                prop_assert_eq!(theirs, ours);
            }
        }

        #[test]
        fn what_we_send_they_hear(messages in messages(), from_client: bool) {
            let (role, theirs) = if from_client {
                (Role::Client, TheirRole::Server)
            } else {
                (Role::Server, TheirRole::Client)
            };
            let mut end = End::new(role, None);
            for message in &messages {
                match message {
                    Text(text) => assert!(end.send(Message::Text(text))),
                    Binary(bytes) => assert!(end.send(Message::Binary(bytes))),
                    Ping(payload) => end.session.ping(payload, &mut end.seed, &mut end.out),
                    Pong(_) | Closed(..) | Broken(_) => {}
                }
            }
            end.session.close(4001, "enough", &mut end.seed, &mut end.out);
            let (heard, refused) = heard(end.out, theirs);
            prop_assert!(!refused);
            let mut expected = messages;
            expected.push(Closed(Some(4001), "enough".to_owned()));
            prop_assert_eq!(heard, expected);
        }
    }
}
