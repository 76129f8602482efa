//! Autobahn 1: every way to write a length, text and binary, however TCP cuts it.

use crate::support::*;

#[test]
fn every_length_comes_back_as_it_went() {
    let server = Server::echo();
    for length in [
        0,
        1,
        2,
        124,
        125,
        126,
        127,
        128,
        129,
        65_534,
        65_535,
        65_536,
        65_537,
        1 << 20,
    ] {
        let words = prose(length);
        check(
            &server,
            &format!("text of {length}"),
            &text(&words),
            &[say(&words)],
        );
        let body = pattern(length);
        check(
            &server,
            &format!("binary of {length}"),
            &binary(&body),
            &[bytes(&body)],
        );
    }
}

#[test]
fn where_tcp_cuts_makes_no_difference() {
    let server = Server::echo();
    for length in [125, 126, 1000, 65_535, 65_536, 1 << 20] {
        for piece in [997, 1024] {
            let words = prose(length);
            let name = format!("{length} in pieces of {piece}");
            check_in_pieces(&server, &name, &text(&words), piece, &[say(&words)]);
            let body = pattern(length);
            check_in_pieces(&server, &name, &binary(&body), piece, &[bytes(&body)]);
        }
    }
    let body = pattern(5000);
    check_in_pieces(
        &server,
        "5000 in pieces of 1",
        &binary(&body),
        1,
        &[bytes(&body)],
    );
}

#[test]
fn any_mask_will_do() {
    let server = Server::echo();
    let body = pattern(300);
    for mask in [
        [0; 4],
        [0xff; 4],
        [0, 0, 0, 1],
        [1, 0, 0, 0],
        [0x80, 0x7f, 0x80, 0x7f],
    ] {
        let sent = frame(true, 0, BINARY, Some(mask), &body);
        check(&server, &format!("mask {mask:?}"), &sent, &[bytes(&body)]);
    }
}

#[test]
fn a_new_mask_for_every_frame_is_used_for_that_frame() {
    let server = Server::echo();
    let mut sent = Vec::new();
    let mut wanted = Vec::new();
    for length in 0..40_u8 {
        let body = pattern(usize::from(length));
        let mask = [length, !length, length.wrapping_mul(77), 200 - length];
        sent.extend(frame(true, 0, BINARY, Some(mask), &body));
        wanted.push(bytes(&body));
    }
    check(&server, "forty masks", &sent, &wanted);
}

#[test]
fn a_thousand_messages_in_one_write_come_back_in_order() {
    let server = Server::echo();
    let words: Vec<String> = (0..1000)
        .map(|number| format!("message {number}"))
        .collect();
    let sent: Vec<u8> = words.iter().flat_map(|words| text(words)).collect();
    let wanted: Vec<Want> = words.iter().map(|words| say(words)).collect();
    check(&server, "a thousand messages", &sent, &wanted);
    check_in_pieces(&server, "a thousand messages in sevens", &sent, 7, &wanted);
}

#[test]
fn kinds_may_alternate() {
    let server = Server::echo();
    let sent = [
        text("one"),
        binary(b"two"),
        text(""),
        binary(b""),
        text("five"),
    ]
    .concat();
    let wanted = [say("one"), bytes(b"two"), say(""), bytes(b""), say("five")];
    check(&server, "alternating", &sent, &wanted);
}

#[test]
fn two_connections_do_not_mix() {
    let server = Server::echo();
    let mut one = Peer::open(&server);
    let mut two = Peer::open(&server);
    let (halves, whole) = (text("from one"), text("from two"));
    one.send(&halves[..5]);
    two.send(&whole);
    two.expect(&say("from two"));
    one.send(&halves[5..]);
    one.expect(&say("from one"));
    one.hear("one", &[]);
    two.hear("two", &[]);
}
