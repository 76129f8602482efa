//! Autobahn 2: pings and pongs.

use crate::support::*;

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    let server = Server::echo();
    for length in [0, 1, 5, 64, 124, 125] {
        let body = pattern(length);
        check(
            &server,
            &format!("ping of {length}"),
            &ping(&body),
            &[ponged(&body)],
        );
    }
    let odd = [0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff];
    check(
        &server,
        "ping that is no text",
        &ping(&odd),
        &[ponged(&odd)],
    );
}

#[test]
fn a_control_frame_above_125_bytes_breaks_the_protocol() {
    let server = Server::echo();
    for opcode in [CLOSE, PING, PONG] {
        for length in [126, 127, 65_536] {
            let sent = frame(true, 0, opcode, MASK, &pattern(length));
            check(
                &server,
                &format!("control {opcode} of {length}"),
                &sent,
                &[BROKEN],
            );
        }
    }
}

#[test]
fn ten_pings_get_ten_pongs_in_order() {
    let server = Server::echo();
    let bodies: Vec<String> = (0..10).map(|number| format!("ping {number}")).collect();
    let sent: Vec<u8> = bodies
        .iter()
        .flat_map(|body| ping(body.as_bytes()))
        .collect();
    let wanted: Vec<Want> = bodies.iter().map(|body| ponged(body.as_bytes())).collect();
    check(&server, "ten pings", &sent, &wanted);
}

#[test]
fn a_pong_that_nobody_asked_for_is_passed_over() {
    let server = Server::echo();
    let cases: [(&str, Vec<u8>, Vec<Want>); 4] = [
        ("an empty pong", pong(b""), vec![]),
        ("a pong with payload", pong(b"unasked"), vec![]),
        (
            "a pong, then a ping",
            [pong(b"a"), ping(b"b")].concat(),
            vec![ponged(b"b")],
        ),
        (
            "a pong between messages",
            [text("a"), pong(b"x"), text("b")].concat(),
            { vec![say("a"), say("b")] },
        ),
    ];
    for (name, sent, wanted) in cases {
        check(&server, name, &sent, &wanted);
    }
}

#[test]
fn a_ping_between_fragments_is_answered_at_once() {
    let server = Server::echo();
    let mut peer = Peer::open(&server);
    peer.send(&[first(TEXT, b"frag"), ping(b"now")].concat());
    peer.expect(&ponged(b"now"));
    peer.send(&last(b"ment"));
    peer.hear("ping between fragments", &[say("fragment")]);
}

#[test]
fn a_fragmented_control_frame_breaks_the_protocol() {
    let server = Server::echo();
    for opcode in [CLOSE, PING, PONG] {
        let sent = [frame(false, 0, opcode, MASK, b""), last(b"")].concat();
        check(
            &server,
            &format!("control {opcode} without FIN"),
            &sent,
            &[BROKEN],
        );
    }
}

#[test]
fn pings_and_messages_keep_their_order() {
    let server = Server::echo();
    let sent = [text("a"), ping(b"1"), binary(b"b"), ping(b"2"), text("c")].concat();
    let wanted = [say("a"), ponged(b"1"), bytes(b"b"), ponged(b"2"), say("c")];
    check(&server, "pings among messages", &sent, &wanted);
}
