//! Autobahn 12: messages that travel compressed (RFC 7692), in both directions.

use flate2::{Compress, Compression, FlushCompress};

use crate::inflate::inflate_message;
use crate::support::*;

const RSV1: u8 = 4;

/// Compresses one message as section 7.2.1 says: flushed to a byte, the last four bytes cut off.
pub(crate) fn squeeze(body: &[u8], level: u32, window_bits: u8) -> Vec<u8> {
    squeeze_pieces(&[body], level, window_bits)
}

/// The same with a flush after each piece, which ends a block there.
fn squeeze_pieces(pieces: &[&[u8]], level: u32, window_bits: u8) -> Vec<u8> {
    let mut compress = Compress::new_with_window_bits(Compression::new(level), false, window_bits);
    let mut out = Vec::new();
    for piece in pieces {
        add(&mut compress, piece, &mut out);
    }
    assert!(
        out.ends_with(&[0, 0, 0xff, 0xff]),
        "a flush ends with an empty block"
    );
    out.truncate(out.len() - 4);
    out
}

fn add(compress: &mut Compress, piece: &[u8], out: &mut Vec<u8>) {
    let before = compress.total_in();
    loop {
        out.reserve(piece.len() / 2 + 1024);
        let done = (compress.total_in() - before) as usize;
        compress
            .compress_vec(&piece[done..], out, FlushCompress::Sync)
            .unwrap();
        // Space left over says that the flush is complete.
        if out.len() < out.capacity() {
            return;
        }
    }
}

/// Words that repeat near and far, so that a small window shows.
pub(crate) fn repetitive(length: usize) -> Vec<u8> {
    let noise = prose(3000);
    let far = prose(40_000);
    let parts = [
        &far[..20_000],
        &noise,
        &noise[..500],
        "again and again and again, ",
        &far,
    ];
    parts.concat().bytes().cycle().take(length).collect()
}

/// A connection with compression agreed.
fn open(server: &Server, offer: &str) -> Peer {
    let mut peer = Peer::connect(server.address);
    let field = format!("Sec-WebSocket-Extensions: {offer}\r\n");
    peer.send(upgrade(server.address, "/echo", &field).as_bytes());
    let response = peer.response();
    assert_eq!(response.status, 101, "{offer}: {response:?}");
    let agreed = response.one("sec-websocket-extensions").unwrap_or_default();
    assert!(
        agreed.starts_with("permessage-deflate"),
        "{offer}: agreed on {agreed:?}"
    );
    peer.deflate = true;
    peer
}

/// Hears one message, compressed or not, that must not reach back farther than the window.
fn hear_message(peer: &mut Peer, window_bits: u32) -> (bool, Vec<u8>) {
    match peer.event() {
        Event::Text(words) => (true, words.into_bytes()),
        Event::Binary(body) => (false, body),
        Event::Deflated(is_text, body) => {
            let inflated = inflate_message(&body).expect("the server compresses lawfully");
            let farthest = inflated.farthest;
            assert!(
                farthest <= 1 << window_bits,
                "{farthest} back with {window_bits} bits"
            );
            (is_text, inflated.bytes)
        }
        other => panic!("wanted a message, heard {other:?}"),
    }
}

/// `sent` is heard as one message: text or not, and its bytes.
fn check_message(server: &Server, name: &str, sent: &[u8], is_text: bool, body: &[u8]) {
    for piece in [usize::MAX, 1] {
        if piece == 1 && sent.len() > 3000 {
            continue;
        }
        let mut peer = open(server, "permessage-deflate");
        peer.send_in_pieces(sent, piece);
        let heard = hear_message(&mut peer, 15);
        assert!(heard.0 == is_text, "{name}: the kind differs");
        assert!(
            heard.1 == body,
            "{name}: {} bytes instead of {}",
            heard.1.len(),
            body.len()
        );
        peer.hear(name, &[]);
    }
}

/// `sent` ends the connection with one of these codes.
fn check_refused(server: &Server, name: &str, sent: &[u8], codes: &'static [u16]) {
    for piece in [usize::MAX, 1] {
        if piece == 1 && sent.len() > 3000 {
            continue;
        }
        let mut peer = open(server, "permessage-deflate; client_max_window_bits");
        peer.send_in_pieces(sent, piece);
        peer.hear(name, &[Want::Close(codes)]);
    }
}

/// RFC 7692, section 7.2.3, byte for byte.
#[test]
fn the_examples_of_the_rfc_are_understood() {
    let server = Server::echo();
    let hello = |name, body: &[u8]| {
        check_message(
            &server,
            name,
            &frame(true, RSV1, TEXT, MASK, body),
            true,
            b"Hello",
        );
    };
    hello("one block", b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    hello(
        "no compression",
        b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
    );
    hello("a final block", b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00");
    hello(
        "two blocks",
        b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
    );
    let sent = [
        frame(false, RSV1, TEXT, MASK, b"\xf2\x48\xcd"),
        last(b"\xc9\xc9\x07\x00"),
    ];
    check_message(&server, "two fragments", &sent.concat(), true, b"Hello");
    check_message(
        &server,
        "empty",
        &frame(true, RSV1, TEXT, MASK, b"\x00"),
        true,
        b"",
    );
    check_message(
        &server,
        "empty binary",
        &frame(true, RSV1, BINARY, MASK, b"\x00"),
        false,
        b"",
    );
}

#[test]
fn every_level_and_window_of_a_client_is_understood() {
    let server = Server::echo();
    let body = repetitive(60_000);
    for level in [0, 1, 3, 6, 9] {
        for bits in [9, 10, 12, 15] {
            let sent = frame(true, RSV1, BINARY, MASK, &squeeze(&body, level, bits));
            check_message(
                &server,
                &format!("level {level}, {bits} bits"),
                &sent,
                false,
                &body,
            );
        }
    }
}

#[test]
fn every_size_comes_back() {
    let server = Server::echo();
    for length in [
        0,
        1,
        2,
        15,
        16,
        125,
        126,
        127,
        128,
        1000,
        4096,
        65_535,
        65_536,
        131_072,
        1 << 20,
    ] {
        for (kind, body) in [
            ("repetitive", repetitive(length)),
            ("random", pattern(length)),
        ] {
            let name = format!("{kind} {length}");
            let sent = frame(true, RSV1, BINARY, MASK, &squeeze(&body, 6, 15));
            check_message(&server, &name, &sent, false, &body);
            check_message(
                &server,
                &format!("plain {name}"),
                &binary(&body),
                false,
                &body,
            );
        }
        let words = prose(length);
        let sent = frame(true, RSV1, TEXT, MASK, &squeeze(words.as_bytes(), 9, 15));
        check_message(
            &server,
            &format!("text {length}"),
            &sent,
            true,
            words.as_bytes(),
        );
    }
}

#[test]
fn fragments_of_a_compressed_message_may_be_cut_anywhere() {
    let server = Server::echo();
    let words = "κόσμε and again κόσμε and once more κόσμε 👍";
    let whole = squeeze(words.as_bytes(), 9, 15);
    for cut in 0..=whole.len() {
        let (head, tail) = whole.split_at(cut);
        let sent = [frame(false, RSV1, TEXT, MASK, head), last(tail)].concat();
        check_message(
            &server,
            &format!("cut at {cut}"),
            &sent,
            true,
            words.as_bytes(),
        );
    }
    let mut sent = frame(false, RSV1, TEXT, MASK, b"");
    whole.iter().for_each(|byte| sent.extend(middle(&[*byte])));
    sent.extend(last(b""));
    check_message(&server, "a frame a byte", &sent, true, words.as_bytes());
}

#[test]
fn a_message_may_have_many_blocks() {
    let server = Server::echo();
    let body = repetitive(20_000);
    for size in [1, 100, 7000] {
        let pieces: Vec<&[u8]> = body.chunks(size).take(500).collect();
        let whole = squeeze_pieces(&pieces, 6, 15);
        let sent = frame(true, RSV1, BINARY, MASK, &whole);
        check_message(
            &server,
            &format!("blocks of {size}"),
            &sent,
            false,
            &pieces.concat(),
        );
    }
}

#[test]
fn a_final_block_ends_a_message_and_not_the_connection() {
    let server = Server::echo();
    let mut peer = open(&server, "permessage-deflate");
    let is_final = frame(true, RSV1, TEXT, MASK, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00");
    let plain = frame(true, RSV1, TEXT, MASK, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    peer.send(&[is_final.clone(), plain, is_final, text("bare")].concat());
    for wanted in ["Hello", "Hello", "Hello", "bare"] {
        assert_eq!(
            hear_message(&mut peer, 15),
            (true, wanted.as_bytes().to_vec())
        );
    }
    peer.hear("final blocks", &[]);
}

#[test]
fn compressed_and_plain_messages_and_pings_mix() {
    let server = Server::echo();
    let mut peer = open(&server, "permessage-deflate");
    let body = repetitive(5000);
    let packed = squeeze(&body, 6, 15);
    let (head, tail) = packed.split_at(20);
    for _ in 0..20 {
        peer.send(&frame(false, RSV1, BINARY, MASK, head));
        peer.send(&[ping(b"p"), last(tail), text("plain")].concat());
        assert_eq!(peer.event(), Event::Pong(b"p".to_vec()));
        assert!(hear_message(&mut peer, 15) == (false, body.clone()));
        assert_eq!(hear_message(&mut peer, 15), (true, b"plain".to_vec()));
    }
    peer.hear("mixed", &[]);
}

#[test]
fn the_server_keeps_within_the_window_it_agreed_to() {
    let server = Server::echo();
    for bits in 8..=15 {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let mut peer = open(&server, &offer);
        for length in [100, 300, 600, 5000, 40_000, 200_000] {
            let body = repetitive(length);
            peer.send(&binary(&body));
            assert!(
                hear_message(&mut peer, bits) == (false, body),
                "{length} with {bits} bits"
            );
        }
        peer.hear(&offer, &[]);
    }
}

#[test]
fn each_of_the_servers_messages_stands_alone() {
    let server = Server::echo();
    let mut peer = open(&server, "permessage-deflate");
    let body = repetitive(4000);
    for _ in 0..10 {
        peer.send(&frame(true, RSV1, BINARY, MASK, &squeeze(&body, 6, 15)));
        // The inflater begins anew each time: a reference to an earlier message would fail.
        assert!(hear_message(&mut peer, 15) == (false, body.clone()));
    }
    peer.hear("ten alone", &[]);
}

#[test]
fn what_compresses_well_is_sent_compressed() {
    let server = Server::echo();
    let mut peer = open(&server, "permessage-deflate");
    peer.send(&text(&"la ".repeat(20_000)));
    match peer.event() {
        Event::Deflated(true, body) => assert!(body.len() < 6000, "{} bytes", body.len()),
        other => panic!("wanted compressed text, heard {other:?}"),
    }
    peer.hear("la la la", &[]);
}

#[test]
fn rsv1_has_its_place() {
    let server = Server::echo();
    let packed = squeeze(b"some words, some words", 6, 15);
    let cases = [
        ("a ping", frame(true, RSV1, PING, MASK, b"")),
        ("a pong", frame(true, RSV1, PONG, MASK, b"")),
        (
            "a close",
            frame(true, RSV1, CLOSE, MASK, &1000_u16.to_be_bytes()),
        ),
        (
            "a continuation",
            [
                frame(false, RSV1, TEXT, MASK, &packed[..3]),
                frame(true, RSV1, CONTINUATION, MASK, &packed[3..]),
            ]
            .concat(),
        ),
        (
            "a continuation of plain text",
            [
                first(TEXT, b"a"),
                frame(true, RSV1, CONTINUATION, MASK, &packed),
            ]
            .concat(),
        ),
        ("RSV2 too", frame(true, 6, TEXT, MASK, &packed)),
        ("RSV3 too", frame(true, 5, TEXT, MASK, &packed)),
    ];
    for (name, sent) in cases {
        check_refused(&server, &format!("RSV1 on {name}"), &sent, &[1002]);
    }
    let sent = frame(true, RSV1, TEXT, MASK, &packed);
    check(&server, "RSV1 without an agreement", &sent, &[BROKEN]);
}

#[test]
fn what_does_not_inflate_is_refused() {
    let server = Server::echo();
    let cases: [(&str, &[u8]); 6] = [
        ("a block of type 3", b"\x07"),
        (
            "two lengths that differ",
            b"\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00",
        ),
        ("a match before the start", b"\x03\x02\x00"),
        (
            "a dynamic block of nonsense",
            b"\xfc\xff\xff\xff\xff\xff\xff",
        ),
        ("noise", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9"),
        (
            "a good block, then nonsense",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\x07\xff\xff",
        ),
    ];
    for (name, body) in cases {
        let sent = frame(true, RSV1, BINARY, MASK, body);
        check_refused(&server, name, &sent, &[1002, 1007]);
        let sent = [
            frame(false, RSV1, BINARY, MASK, &body[..1]),
            last(&body[1..]),
        ]
        .concat();
        check_refused(
            &server,
            &format!("{name}, in fragments"),
            &sent,
            &[1002, 1007],
        );
    }
}

/// Context takeover was declined for the client: its second message may not lean on its first.
#[test]
fn the_window_is_forgotten_between_messages() {
    let server = Server::echo();
    let body = prose(600).into_bytes();
    let mut compress = Compress::new_with_window_bits(Compression::new(9), false, 15);
    let (mut one, mut two) = (Vec::new(), Vec::new());
    add(&mut compress, &body, &mut one);
    add(&mut compress, &body, &mut two);
    assert!(two.len() < 60, "the second leans on the first");
    let mut peer = open(&server, "permessage-deflate");
    peer.send(&frame(true, RSV1, BINARY, MASK, &one[..one.len() - 4]));
    assert!(hear_message(&mut peer, 15) == (false, body));
    peer.send(&frame(true, RSV1, BINARY, MASK, &two[..two.len() - 4]));
    peer.hear("a message that leans", &[Want::Close(&[1002, 1007])]);
}

#[test]
fn compressed_text_must_be_text() {
    let server = Server::echo();
    for body in [
        &b"\xff"[..],
        b"good \xed\xa0\x80",
        b"caf\xe9",
        b"\xe2\x82",
        &[0xff; 5000],
    ] {
        let name = body[..body.len().min(20)].escape_ascii().to_string();
        let packed = squeeze(body, 6, 15);
        check_refused(
            &server,
            &name,
            &frame(true, RSV1, TEXT, MASK, &packed),
            &[1007],
        );
        let (head, tail) = packed.split_at(packed.len() / 2);
        let sent = [frame(false, RSV1, TEXT, MASK, head), last(tail)].concat();
        check_refused(&server, &format!("{name}, in fragments"), &sent, &[1007]);
        check_message(
            &server,
            &name,
            &frame(true, RSV1, BINARY, MASK, &packed),
            false,
            body,
        );
    }
}

#[test]
fn a_bomb_is_refused() {
    let server = Server::echo();
    let just_over = squeeze(&vec![0; (16 << 20) + 1], 9, 15);
    assert!(just_over.len() < 40_000, "small outside");
    let far_over = squeeze(&vec![0; 64 << 20], 9, 15);
    for (name, bomb) in [("just over", just_over), ("far over", far_over)] {
        for opcode in [TEXT, BINARY] {
            let sent = frame(true, RSV1, opcode, MASK, &bomb);
            check_refused(&server, name, &sent, &[1009]);
            let mut sent = frame(false, RSV1, opcode, MASK, b"");
            bomb.chunks(1000)
                .for_each(|piece| sent.extend(middle(piece)));
            sent.extend(last(b""));
            check_refused(&server, &format!("{name}, in fragments"), &sent, &[1009]);
        }
    }
}
