//! Autobahn 5: messages in several frames.

use crate::support::*;

#[test]
fn fragments_make_one_message() {
    let server = Server::echo();
    let cases: [(&str, Vec<u8>, Vec<Want>); 16] = [
        (
            "two",
            [first(TEXT, b"ab"), last(b"cd")].concat(),
            vec![say("abcd")],
        ),
        (
            "three",
            [first(TEXT, b"a"), middle(b"b"), last(b"c")].concat(),
            vec![say("abc")],
        ),
        (
            "binary",
            [first(BINARY, b"\xff"), last(b"\xfe")].concat(),
            vec![bytes(b"\xff\xfe")],
        ),
        (
            "all empty",
            [first(TEXT, b""), middle(b""), last(b"")].concat(),
            vec![say("")],
        ),
        (
            "binary, all empty",
            [first(BINARY, b""), last(b"")].concat(),
            vec![bytes(b"")],
        ),
        (
            "first empty",
            [first(TEXT, b""), last(b"x")].concat(),
            vec![say("x")],
        ),
        (
            "last empty",
            [first(TEXT, b"x"), last(b"")].concat(),
            vec![say("x")],
        ),
        (
            "middle full",
            [first(TEXT, b""), middle(b"x"), last(b"")].concat(),
            vec![say("x")],
        ),
        (
            "middle empty",
            [first(TEXT, b"x"), middle(b""), last(b"y")].concat(),
            vec![say("xy")],
        ),
        (
            "a ping inside",
            [first(TEXT, b"a"), ping(b"p"), last(b"b")].concat(),
            vec![ponged(b"p"), say("ab")],
        ),
        (
            "pings everywhere",
            [
                ping(b"1"),
                first(TEXT, b"a"),
                ping(b"2"),
                middle(b"b"),
                ping(b"3"),
                last(b"c"),
            ]
            .concat(),
            vec![ponged(b"1"), ponged(b"2"), ponged(b"3"), say("abc")],
        ),
        (
            "a pong inside",
            [first(TEXT, b"a"), pong(b"p"), last(b"b")].concat(),
            vec![say("ab")],
        ),
        (
            "two messages",
            [
                first(TEXT, b"a"),
                last(b"b"),
                first(BINARY, b"c"),
                last(b"d"),
            ]
            .concat(),
            vec![say("ab"), bytes(b"cd")],
        ),
        (
            "then a whole one",
            [first(TEXT, b"a"), last(b"b"), text("whole")].concat(),
            vec![say("ab"), say("whole")],
        ),
        (
            "long ones",
            [first(BINARY, &pattern(70_000)), last(&pattern(200))].concat(),
            vec![bytes(&[pattern(70_000), pattern(200)].concat())],
        ),
        (
            "a close inside",
            [first(TEXT, b"a"), close(1000, b""), last(b"b")].concat(),
            vec![Want::Close(&[1000])],
        ),
    ];
    for (name, sent, wanted) in cases {
        check(&server, name, &sent, &wanted);
    }
}

#[test]
fn fragments_out_of_place_break_the_protocol() {
    let server = Server::echo();
    let cases: [(&str, Vec<u8>, Vec<Want>); 10] = [
        ("a continuation of nothing", last(b"a"), vec![BROKEN]),
        (
            "an open continuation of nothing",
            middle(b"a"),
            vec![BROKEN],
        ),
        ("an empty continuation of nothing", last(b""), vec![BROKEN]),
        (
            "after nothing, text",
            [last(b"a"), text("b")].concat(),
            vec![BROKEN],
        ),
        (
            "after a message",
            [text("a"), last(b"b")].concat(),
            vec![say("a"), BROKEN],
        ),
        (
            "after fragments",
            [first(TEXT, b"a"), last(b"b"), last(b"c")].concat(),
            vec![say("ab"), BROKEN],
        ),
        (
            "text inside",
            [first(TEXT, b"a"), text("b"), last(b"c")].concat(),
            vec![BROKEN],
        ),
        (
            "binary inside",
            [first(TEXT, b"a"), binary(b"b"), last(b"c")].concat(),
            vec![BROKEN],
        ),
        (
            "two firsts",
            [first(TEXT, b"a"), first(TEXT, b"b")].concat(),
            vec![BROKEN],
        ),
        (
            "ping, then text inside",
            [first(BINARY, b"a"), ping(b"p"), text("b")].concat(),
            vec![ponged(b"p"), BROKEN],
        ),
    ];
    for (name, sent, wanted) in cases {
        check(&server, name, &sent, &wanted);
    }
}

#[test]
fn a_message_may_have_seventy_thousand_fragments() {
    let server = Server::echo();
    const FRAGMENTS: usize = 70_000;
    let body = pattern(FRAGMENTS);
    let mut sent = first(BINARY, &body[..1]);
    for byte in &body[1..FRAGMENTS - 1] {
        sent.extend(middle(&[*byte]));
    }
    sent.extend(last(&body[FRAGMENTS - 1..]));
    check(
        &server,
        "seventy thousand fragments",
        &sent,
        &[bytes(&body)],
    );
}

#[test]
fn many_empty_fragments_are_a_message_too() {
    let server = Server::echo();
    let sent = [first(TEXT, b""), middle(b"").repeat(20_000), last(b"done")].concat();
    check(&server, "empty fragments", &sent, &[say("done")]);
}
