//! Autobahn 7: how a conversation ends.

use std::io::Read;
use std::net::Shutdown;

use crate::support::*;

#[test]
fn a_close_is_answered_with_its_code() {
    let server = Server::echo();
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3001, 3999, 4000,
        4001, 4999,
    ] {
        let wanted = Want::Close(Vec::leak(vec![code]));
        check(
            &server,
            &format!("close {code}"),
            &close(code, b""),
            std::slice::from_ref(&wanted),
        );
        let sent = close(code, "with a reason: κόσμε".as_bytes());
        check(
            &server,
            &format!("close {code} with a reason"),
            &sent,
            &[wanted],
        );
    }
}

#[test]
fn a_code_that_may_not_be_sent_breaks_the_protocol() {
    let server = Server::echo();
    for code in [
        0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999,
    ] {
        check(
            &server,
            &format!("close {code}"),
            &close(code, b""),
            &[BROKEN],
        );
        check(
            &server,
            &format!("close {code}, why"),
            &close(code, b"why"),
            &[BROKEN],
        );
    }
}

#[test]
fn a_code_that_nobody_has_defined_is_echoed_or_refused() {
    let server = Server::echo();
    for code in [1014, 5000, 65_535] {
        // What is echoed must be lawful to send; the reader of this test insists on it.
        let wanted: &[u16] = if code == 1014 { &[1014, 1002] } else { &[1002] };
        let wanted = Want::Close(Vec::leak(wanted.to_vec()));
        check(
            &server,
            &format!("close {code}"),
            &close(code, b""),
            &[wanted],
        );
    }
}

#[test]
fn the_body_of_a_close_is_checked() {
    let server = Server::echo();
    let long = "x".repeat(123);
    let cases: [(&str, Vec<u8>, &'static [u16]); 8] = [
        (
            "nothing",
            frame(true, 0, CLOSE, MASK, b""),
            &[NO_CODE, 1000],
        ),
        ("one byte", frame(true, 0, CLOSE, MASK, b"\x03"), &[1002]),
        (
            "a reason of 123 bytes",
            close(1000, long.as_bytes()),
            &[1000],
        ),
        ("a reason of 124 bytes", close(1000, &[b'x'; 124]), &[1002]),
        (
            "a reason that is no text",
            close(1000, b"\xce\xba\xff"),
            &[1007, 1002],
        ),
        (
            "a reason cut short",
            close(1000, b"\xe2\x82"),
            &[1007, 1002],
        ),
        (
            "a surrogate as reason",
            close(4000, b"\xed\xa0\x80"),
            &[1007, 1002],
        ),
        ("an empty reason", close(1001, b""), &[1001]),
    ];
    for (name, sent, codes) in cases {
        check(&server, name, &sent, &[Want::Close(codes)]);
    }
}

#[test]
fn nothing_is_heard_after_a_close() {
    let server = Server::echo();
    let cases = [
        ("a message", text("unheard")),
        ("a ping", ping(b"unanswered")),
        ("a second close", close(1001, b"")),
        ("nonsense", b"\xff\xff\xff\xff\xff\xff\xff\xff".to_vec()),
        ("plain HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("a lot", binary(&pattern(200_000))),
    ];
    for (name, after) in cases {
        let sent = [text("heard"), close(1000, b""), after].concat();
        let wanted = [say("heard"), Want::Close(&[1000])];
        check_in_pieces(
            &server,
            &format!("close, then {name}"),
            &sent,
            usize::MAX,
            &wanted,
        );
    }
}

#[test]
fn what_came_before_a_close_is_answered_before_it() {
    let server = Server::echo();
    let body = pattern(300_000);
    let sent = [binary(&body), ping(b"p"), close(3000, b"")].concat();
    let wanted = [bytes(&body), ponged(b"p"), Want::Close(&[3000])];
    check(&server, "a large message, then a close", &sent, &wanted);
}

/// RFC 6455, section 7.1.1: the server ends the TCP connection first, so that the waiting state of
/// TCP is its own; and with FIN, so that its close frame is not lost.
#[test]
fn the_server_ends_tcp_first_and_politely() {
    let server = Server::echo();
    for (name, sent) in [
        ("an agreed close", close(1000, b"")),
        ("a protocol error", frame(true, 0, 3, MASK, b"")),
        ("no text", frame(true, 0, TEXT, MASK, b"\xff")),
        (
            "too big",
            header(true, 0, BINARY, MASK, Size::SixtyFour, 1 << 40),
        ),
    ] {
        let mut peer = Peer::open(&server);
        peer.send(&sent);
        assert!(matches!(peer.event(), Event::Close(_)), "{name}");
        peer.stream().set_read_timeout(Some(PATIENCE)).unwrap();
        let end = peer.stream().read(&mut [0; 1]);
        assert_eq!(end.expect("a FIN, not an RST"), 0, "{name}");
    }
}

#[test]
fn a_client_that_hangs_up_harms_nobody() {
    let server = Server::echo();
    let starts: [&[u8]; 5] = [
        b"",
        &text("whole"),
        &text("cut")[..4],
        &first(TEXT, b"a"),
        &[0x81],
    ];
    for start in starts {
        let mut peer = Peer::open(&server);
        peer.send(start);
        drop(peer);
        let mut peer = Peer::open(&server);
        peer.send(start);
        // Our side ends without a close frame; theirs has to end too.
        peer.stream().shutdown(Shutdown::Write).unwrap();
        while peer.event() != Event::End {}
    }
    check(
        &server,
        "and the next one is served",
        &text("next"),
        &[say("next")],
    );
}

#[test]
fn after_a_protocol_error_nothing_more_is_answered() {
    let server = Server::echo();
    let sent = [
        frame(true, 0, 5, MASK, b""),
        text("unheard"),
        ping(b"unanswered"),
    ]
    .concat();
    check(&server, "error, then a message", &sent, &[BROKEN]);
    let sent = [frame(true, 0, TEXT, MASK, b"\xff"), close(1000, b"")].concat();
    check(&server, "error, then a close", &sent, &[NOT_TEXT]);
}

/// RFC 6455, section 7.4.1: 1001 says that a server goes down.
#[test]
fn a_server_that_is_told_to_end_says_goodbye() {
    let server = Server::echo();
    let mut peer = Peer::open(&server);
    peer.send(&text("before"));
    peer.expect(&say("before"));
    let status = server.terminate();
    assert!(status.success(), "ended with {status}");
    match peer.event() {
        Event::Close(1001) => assert_eq!(peer.event(), Event::End),
        other => assert_eq!(other, Event::End),
    }
}
