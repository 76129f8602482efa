//! Autobahn 13: what is agreed on when a client offers compression (RFC 7692, section 7.1).

use crate::support::*;

/// What the answer to an offer has to be.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Agreed, with these limits on the two windows: `None` where no limit was offered.
    Agreed { server: Option<u8>, client: Client },
    /// No agreement; the connection is opened without it.
    Declined,
    /// Lawful, but so rare that a server may decline it: both are fine.
    Rare { server: Option<u8>, client: Client },
    /// The field is no list of extensions: no agreement, and no connection is fine as well.
    Malformed,
}

/// What the client said about its own window.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Client {
    /// Nothing: the server may not name one.
    Fixed,
    /// It can be limited to anything up to this.
    UpTo(u8),
}

use Answer::{Declined, Malformed};
use Client::{Fixed, UpTo};

const fn agreed(server: Option<u8>, client: Client) -> Answer {
    Answer::Agreed { server, client }
}

const fn rare(server: Option<u8>, client: Client) -> Answer {
    Answer::Rare { server, client }
}

const PLAIN: Answer = agreed(None, Fixed);

const OFFERS: [(&str, Answer); 66] = [
    // What is offered alone.
    ("permessage-deflate", PLAIN),
    ("permessage-deflate; server_no_context_takeover", PLAIN),
    ("permessage-deflate; client_no_context_takeover", PLAIN),
    (
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        PLAIN,
    ),
    (
        "permessage-deflate; client_max_window_bits",
        agreed(None, UpTo(15)),
    ),
    (
        "permessage-deflate; client_max_window_bits=8",
        agreed(None, UpTo(8)),
    ),
    (
        "permessage-deflate; client_max_window_bits=9",
        agreed(None, UpTo(9)),
    ),
    (
        "permessage-deflate; client_max_window_bits=12",
        agreed(None, UpTo(12)),
    ),
    (
        "permessage-deflate; client_max_window_bits=15",
        agreed(None, UpTo(15)),
    ),
    (
        "permessage-deflate; server_max_window_bits=8",
        agreed(Some(8), Fixed),
    ),
    (
        "permessage-deflate; server_max_window_bits=9",
        agreed(Some(9), Fixed),
    ),
    (
        "permessage-deflate; server_max_window_bits=10",
        agreed(Some(10), Fixed),
    ),
    (
        "permessage-deflate; server_max_window_bits=11",
        agreed(Some(11), Fixed),
    ),
    (
        "permessage-deflate; server_max_window_bits=12",
        agreed(Some(12), Fixed),
    ),
    (
        "permessage-deflate; server_max_window_bits=13",
        agreed(Some(13), Fixed),
    ),
    (
        "permessage-deflate; server_max_window_bits=14",
        agreed(Some(14), Fixed),
    ),
    (
        "permessage-deflate; server_max_window_bits=15",
        agreed(Some(15), Fixed),
    ),
    // Several parameters, in any order.
    (
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11",
        agreed(Some(10), UpTo(11)),
    ),
    (
        "permessage-deflate; client_max_window_bits; server_max_window_bits=9",
        agreed(Some(9), UpTo(15)),
    ),
    (
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=12; \
         server_no_context_takeover; client_max_window_bits=13",
        agreed(Some(12), UpTo(13)),
    ),
    // How it may be written.
    (
        "permessage-deflate;client_max_window_bits",
        agreed(None, UpTo(15)),
    ),
    (
        "permessage-deflate ; server_max_window_bits=10",
        agreed(Some(10), Fixed),
    ),
    ("permessage-deflate;\tserver_no_context_takeover", PLAIN),
    (
        "permessage-deflate; server_max_window_bits=\"10\"",
        rare(Some(10), Fixed),
    ),
    (
        "permessage-deflate; client_max_window_bits=\"8\"",
        rare(None, UpTo(8)),
    ),
    ("  permessage-deflate  ", PLAIN),
    // Values that are not allowed.
    ("permessage-deflate; server_max_window_bits", Declined),
    ("permessage-deflate; server_max_window_bits=0", Declined),
    ("permessage-deflate; server_max_window_bits=7", Declined),
    ("permessage-deflate; server_max_window_bits=16", Declined),
    ("permessage-deflate; server_max_window_bits=08", Declined),
    ("permessage-deflate; server_max_window_bits=010", Declined),
    ("permessage-deflate; server_max_window_bits=256", Declined),
    ("permessage-deflate; server_max_window_bits=264", Declined),
    ("permessage-deflate; server_max_window_bits=+10", Declined),
    ("permessage-deflate; server_max_window_bits=-10", Declined),
    ("permessage-deflate; server_max_window_bits=ten", Declined),
    ("permessage-deflate; server_max_window_bits=10x", Declined),
    ("permessage-deflate; client_max_window_bits=7", Declined),
    ("permessage-deflate; client_max_window_bits=16", Declined),
    ("permessage-deflate; client_max_window_bits=09", Declined),
    ("permessage-deflate; client_max_window_bits=x", Declined),
    ("permessage-deflate; server_no_context_takeover=1", Declined),
    (
        "permessage-deflate; client_no_context_takeover=true",
        Declined,
    ),
    // Parameters that do not exist, or came already.
    ("permessage-deflate; unknown", Declined),
    ("permessage-deflate; unknown=15", Declined),
    (
        "permessage-deflate; server_no_context_takeover; unknown",
        Declined,
    ),
    (
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        Declined,
    ),
    (
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        Declined,
    ),
    (
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        Declined,
    ),
    (
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=12",
        Declined,
    ),
    (
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        Declined,
    ),
    (
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        Declined,
    ),
    // Other extensions.
    ("permessage-bzip2", Declined),
    ("x-webkit-deflate-frame", Declined),
    ("permessage-deflate-not", Declined),
    ("foo; bar=\"permessage-deflate\"", Declined),
    ("foo; bar=\"a, permessage-deflate\"", Declined),
    // Several offers: the first that can be had.
    ("foo, permessage-deflate", PLAIN),
    ("permessage-deflate; unknown, permessage-deflate", PLAIN),
    (
        "permessage-deflate; server_max_window_bits=16, permessage-deflate; \
         server_max_window_bits=11",
        agreed(Some(11), Fixed),
    ),
    (
        "permessage-deflate; server_max_window_bits=10, permessage-deflate",
        agreed(Some(10), Fixed),
    ),
    (
        "permessage-deflate; client_max_window_bits=10, permessage-deflate",
        agreed(None, UpTo(10)),
    ),
    // Not a list of extensions at all.
    ("permessage-deflate;", Malformed),
    ("permessage-deflate; =10", Malformed),
    ("permessage-deflate; server_max_window_bits=\"10", Malformed),
];

/// The agreement in an answer, which must be one the offer allows.
fn hold(offer: &str, value: &str, server: Option<u8>, client: Client) {
    let mut parts = value.split(';').map(str::trim);
    assert_eq!(parts.next(), Some("permessage-deflate"), "{offer}: {value}");
    let (mut names, mut server_bits) = (Vec::new(), None);
    for part in parts {
        let (name, bits) = part
            .split_once('=')
            .map_or((part, None), |(n, b)| (n, Some(b)));
        let bits = bits.map(|bits| bits.parse::<u8>().expect("a number"));
        match (name, bits) {
            ("server_no_context_takeover" | "client_no_context_takeover", None) => {}
            ("server_max_window_bits", Some(bits @ 8..=15)) => server_bits = Some(bits),
            ("client_max_window_bits", Some(bits @ 8..=15)) => match client {
                Fixed => panic!("{offer}: the client did not offer to limit itself: {value}"),
                UpTo(max) => assert!(bits <= max, "{offer}: more than offered: {value}"),
            },
            _ => panic!("{offer}: {part:?} has no place in an answer"),
        }
        assert!(!names.contains(&name), "{offer}: {name} came twice");
        names.push(name);
    }
    for name in ["server_no_context_takeover", "client_no_context_takeover"] {
        assert!(
            names.contains(&name),
            "{offer}: {name} is missing in {value}"
        );
    }
    if let Some(max) = server {
        let bits = server_bits.unwrap_or_else(|| panic!("{offer}: no server window in {value}"));
        assert!(bits <= max, "{offer}: more than asked for: {value}");
    }
}

fn check_offer(server: &Server, fields: &str, answer: Answer) {
    let mut peer = Peer::connect(server.address);
    peer.send(upgrade(server.address, "/echo", fields).as_bytes());
    let response = peer.response();
    if matches!(answer, Malformed) && response.status == 400 {
        return;
    }
    assert_eq!(response.status, 101, "{fields}: {response:?}");
    let value = response.one("sec-websocket-extensions");
    // "Hello" of RFC 7692, section 7.2.3.1.
    let packed = frame(true, 4, TEXT, MASK, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    match (answer, value) {
        (Answer::Agreed { server, client } | Answer::Rare { server, client }, Some(value)) => {
            hold(fields, value, server, client);
            peer.deflate = true;
            peer.send(&packed);
            match peer.event() {
                Event::Text(words) => assert_eq!(words, "Hello"),
                Event::Deflated(true, body) => {
                    let inflated = crate::inflate::inflate_message(&body).unwrap();
                    assert_eq!(inflated.bytes, b"Hello");
                }
                other => panic!("{fields}: {other:?}"),
            }
            peer.send(&text("plain"));
            assert!(matches!(
                peer.event(),
                Event::Text(_) | Event::Deflated(true, _)
            ));
            peer.hear(fields, &[]);
        }
        (Declined | Malformed | Answer::Rare { .. }, None) => {
            peer.send(&[text("plain"), packed].concat());
            peer.hear(fields, &[say("plain"), BROKEN]);
        }
        (answer, value) => panic!("{fields}: wanted {answer:?}, got {value:?}"),
    }
}

#[test]
fn every_offer_gets_the_answer_it_deserves() {
    let server = Server::echo();
    for (offer, answer) in OFFERS {
        check_offer(
            &server,
            &format!("Sec-WebSocket-Extensions: {offer}\r\n"),
            answer,
        );
    }
}

#[test]
fn offers_may_come_in_several_fields() {
    let server = Server::echo();
    let two = |one: &str, two: &str| {
        format!("Sec-WebSocket-Extensions: {one}\r\nsec-websocket-extensions: {two}\r\n")
    };
    check_offer(&server, &two("foo", "permessage-deflate"), PLAIN);
    check_offer(&server, &two("foo", "bar"), Declined);
    let offers = two(
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate",
    );
    check_offer(&server, &offers, agreed(Some(10), Fixed));
    let offers = two(
        "permessage-deflate; unknown",
        "permessage-deflate; client_max_window_bits",
    );
    check_offer(&server, &offers, agreed(None, UpTo(15)));
}

#[test]
fn without_an_offer_there_is_no_agreement() {
    let server = Server::echo();
    check_offer(&server, "", Declined);
}
