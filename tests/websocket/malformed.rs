//! Autobahn 3 and 4, and whatever else a header can get wrong: reserved bits and opcodes, missing
//! masks, lengths written too long.

use crate::support::*;

#[test]
fn reserved_bits_break_the_protocol() {
    let server = Server::echo();
    for rsv in 1..=7 {
        for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
            let bad = frame(true, rsv, opcode, MASK, b"");
            check(&server, &format!("RSV {rsv} on {opcode}"), &bad, &[BROKEN]);
            let sent = [text("good"), bad, text("unheard")].concat();
            check(
                &server,
                &format!("RSV {rsv} on {opcode}, later"),
                &sent,
                &[say("good"), BROKEN],
            );
        }
        let sent = [
            first(TEXT, b"a"),
            frame(true, rsv, CONTINUATION, MASK, b"b"),
        ]
        .concat();
        check(
            &server,
            &format!("RSV {rsv} on a continuation"),
            &sent,
            &[BROKEN],
        );
    }
}

#[test]
fn reserved_opcodes_break_the_protocol() {
    let server = Server::echo();
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        for body in [&b""[..], b"payload"] {
            let bad = frame(true, 0, opcode, MASK, body);
            check(&server, &format!("opcode {opcode}"), &bad, &[BROKEN]);
            let sent = [text("good"), bad, ping(b"unanswered")].concat();
            check(
                &server,
                &format!("opcode {opcode}, later"),
                &sent,
                &[say("good"), BROKEN],
            );
        }
        let sent = [
            first(TEXT, b"a"),
            frame(true, 0, opcode, MASK, b""),
            last(b"b"),
        ]
        .concat();
        check(
            &server,
            &format!("opcode {opcode} inside a message"),
            &sent,
            &[BROKEN],
        );
    }
}

#[test]
fn a_frame_without_mask_breaks_the_protocol() {
    let server = Server::echo();
    let cases = [
        ("text", frame(true, 0, TEXT, None, b"bare")),
        ("empty text", frame(true, 0, TEXT, None, b"")),
        ("binary", frame(true, 0, BINARY, None, &pattern(300))),
        ("ping", frame(true, 0, PING, None, b"bare")),
        ("pong", frame(true, 0, PONG, None, b"")),
        (
            "close",
            frame(true, 0, CLOSE, None, &1000_u16.to_be_bytes()),
        ),
        ("first fragment", frame(false, 0, TEXT, None, b"bare")),
    ];
    for (name, sent) in cases {
        check(&server, &format!("bare {name}"), &sent, &[BROKEN]);
    }
    let sent = [first(TEXT, b"a"), frame(true, 0, CONTINUATION, None, b"b")].concat();
    check(&server, "bare continuation", &sent, &[BROKEN]);
    let sent = [text("good"), frame(true, 0, TEXT, None, b"bare")].concat();
    check(&server, "bare after good", &sent, &[say("good"), BROKEN]);
}

#[test]
fn a_length_written_too_long_breaks_the_protocol() {
    let server = Server::echo();
    for (size, length) in [
        (Size::Sixteen, 0),
        (Size::Sixteen, 1),
        (Size::Sixteen, 125),
        (Size::SixtyFour, 0),
        (Size::SixtyFour, 125),
        (Size::SixtyFour, 126),
        (Size::SixtyFour, 65_535),
    ] {
        let mut sent = header(true, 0, BINARY, MASK, size, length);
        sent.extend(vec![0; length as usize]);
        check(
            &server,
            &format!("{length} written too long"),
            &sent,
            &[BROKEN],
        );
    }
    for opcode in [CLOSE, PING, PONG] {
        for size in [Size::Sixteen, Size::SixtyFour] {
            let mut sent = header(true, 0, opcode, Some([0; 4]), size, 2);
            sent.extend(1000_u16.to_be_bytes());
            check(
                &server,
                &format!("control {opcode} written too long"),
                &sent,
                &[BROKEN],
            );
        }
    }
}

#[test]
fn a_length_of_64_bits_with_the_top_bit_set_is_refused() {
    let server = Server::echo();
    for length in [1 << 63, (1 << 63) | 5, u64::MAX] {
        let sent = header(true, 0, BINARY, MASK, Size::SixtyFour, length);
        check(
            &server,
            &format!("{length:#x}"),
            &sent,
            &[Want::Close(&[1002, 1009])],
        );
    }
}
