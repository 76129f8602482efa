//! # Tests of the protocol core: vectors, tables, properties

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use super::properties::play;
use super::*;
use crate::ground::corpus;
use crate::ground::time::Instant;

/// Made by an independent implementation.
fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
}

/// One thing that a peer does, by a number: for scripts.
fn said(number: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let message = |kind, id, route| {
        let mut body = Vec::new();
        let data = b"{}";
        let message = Message {
            kind,
            id,
            route,
            data,
        };
        message.write(&Dictionary::default(), &mut body);
        body
    };
    match number % 10 {
        0 => packet::write(Packet::Handshake, br#"{"sys":{},"user":{}}"#, &mut out),
        1 => packet::write(Packet::HandshakeAck, b"", &mut out),
        2 => packet::write(Packet::Heartbeat, b"", &mut out),
        3 => packet::write(Packet::Kick, b"{}", &mut out),
        4 => packet::write(Packet::Data, &message(Kind::Request, 7, "a.b"), &mut out),
        5 => packet::write(Packet::Data, &message(Kind::Notify, 0, "a.b"), &mut out),
        6 => packet::write(Packet::Data, &message(Kind::Push, 0, "a.b"), &mut out),
        7 => packet::write(Packet::Data, b"", &mut out),
        8 => packet::write(Packet::Handshake, b"no JSON", &mut out),
        _ => out.extend_from_slice(b"\x09\0\0\0"),
    }
    out
}

/// Time for a link that hears something at these moments: the moments at which it is told to say a
/// heartbeat, and when it is found dead.
fn beats(every: Duration, heard_at: &[u64], until: u64) -> (Vec<u64>, Option<u64>) {
    let rules = Rules {
        heartbeat: every,
        ..Rules::default()
    };
    let mut link = Link::new(Instant(0), &rules);
    let mut said = Vec::new();
    for now in 0..=until {
        if heard_at.contains(&now) {
            let mut input = &b"\x03\0\0\0"[..];
            assert_eq!(link.decode(&mut input, &rules, Instant(now)), Step::More);
        }
        match link.tick(Instant(now), &rules) {
            Beat::Wait => {}
            Beat::Say => said.push(now),
            Beat::Dead => return (said, Some(now)),
        }
    }
    (said, None)
}

#[test]
fn packets_are_those_of_the_vectors() {
    for vector in vectors()["packets"].as_array().unwrap() {
        let (body, wire) = (bytes(&vector["body"]), bytes(&vector["wire"]));
        let kind = Packet::of(vector["type"].as_u64().unwrap() as u8).unwrap();
        let mut out = Vec::new();
        packet::write(kind, &body, &mut out);
        assert_eq!(out, wire, "{}", vector["name"]);
        let mut packets = Packets::default();
        let found = packets.next(&mut &wire[..], 65_536);
        assert_eq!(found, Ok(Some((kind, &body[..]))), "{}", vector["name"]);
    }
}

#[test]
fn messages_are_those_of_the_vectors() {
    for vector in vectors()["messages"].as_array().unwrap() {
        let (body, wire) = (bytes(&vector["body"]), bytes(&vector["wire"]));
        let kinds = [Kind::Request, Kind::Notify, Kind::Response, Kind::Push];
        let code = vector["route"].as_u64().map(|code| code as u16);
        let dictionary = Dictionary::of(code.map(|code| ("the.route", code))).unwrap();
        let message = Message {
            kind: kinds[vector["type"].as_u64().unwrap() as usize],
            id: vector["id"].as_u64().unwrap(),
            route: match code {
                Some(_) => "the.route",
                None => vector["route"].as_str().unwrap_or_default(),
            },
            data: &body,
        };
        let mut out = Vec::new();
        message.write(&dictionary, &mut out);
        assert_eq!(out, wire, "{}", vector["name"]);
        assert_eq!(
            Message::read(&wire, &dictionary),
            Ok(message),
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn the_corpus_holds() {
    corpus::replay("nano_link", properties::link);
}

#[track_caller]
fn check_message(bytes: &[u8], expected: Fault) {
    let dictionary = Dictionary::of([("a.b", 1)]).unwrap();
    assert_eq!(Message::read(bytes, &dictionary), Err(expected));
    // The same through a link, behind a message that is right.
    let rules = Rules {
        dictionary,
        ..Rules::default()
    };
    let mut stream = [said(0), said(1), said(5)].concat();
    packet::write(Packet::Data, bytes, &mut stream);
    stream.extend(said(5));
    let steps = play(&rules, &[&stream]);
    let expected = [
        "Ready".to_owned(),
        "Notify 0 a.b {}".to_owned(),
        format!("{expected:?}"),
    ];
    assert_eq!(steps[1..], expected);
}

#[test]
fn what_is_malformed_has_a_name() {
    check_message(b"", Fault::EmptyMessage);
    for kind in 4..8_u8 {
        check_message(&[kind << 1, 1, 0], Fault::UnknownMessage);
    }
    check_message(b"\x00", Fault::BadMessageId);
    check_message(b"\x00\x80", Fault::BadMessageId);
    check_message(
        b"\x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00",
        Fault::BadMessageId,
    );
    check_message(
        b"\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00",
        Fault::BadMessageId,
    );
    check_message(b"\x00\x00\x03a.b", Fault::RequestWithoutId);
    check_message(b"\x00\x80\x00\x03a.b", Fault::RequestWithoutId);
    check_message(b"\x00\x01", Fault::TruncatedRoute);
    check_message(b"\x02", Fault::TruncatedRoute);
    check_message(b"\x02\x04a.b", Fault::TruncatedRoute);
    check_message(b"\x03\x00", Fault::TruncatedRoute);
    check_message(b"\x03\x00\x02", Fault::UnknownRouteCode);
    check_message(b"\x02\x02\xff\xfe", Fault::RouteNotText);
}

#[test]
fn only_servers_answer_and_push() {
    for stream in [&b"\x04\0\0\x02\x04\x05"[..], b"\x04\0\0\x02\x06\0"] {
        let stream = [&said(0)[..], &said(1), stream].concat();
        let steps = play(&Rules::default(), &[&stream]);
        assert_eq!(steps.last().unwrap(), "ServersMessage");
    }
}

#[test]
fn ids_of_64_bits_come_and_go() {
    let dictionary = Dictionary::default();
    for id in [1, 127, 128, 300, 1 << 56, u64::MAX - 1, u64::MAX] {
        let message = Message {
            kind: Kind::Response,
            id,
            route: "",
            data: b"d",
        };
        let mut out = Vec::new();
        message.write(&dictionary, &mut out);
        assert!(out.len() <= 12);
        assert_eq!(Message::read(&out, &dictionary), Ok(message));
    }
}

#[test]
fn packets_break_at_their_first_wrong_byte() {
    let check = |stream: &[u8], expected: Fault| {
        let stream = [&said(0)[..], stream].concat();
        let steps = play(&Rules::default(), &[&stream]);
        assert_eq!(steps[1..], [format!("{expected:?}")]);
    };
    check(b"\0", Fault::UnknownPacket);
    check(b"\x06", Fault::UnknownPacket);
    check(b"\xff\0\0\0", Fault::UnknownPacket);
    check(b"\x04\x01\0\x01", Fault::PacketTooLong);
    check(b"\x04\0\0\0", Fault::DataBeforeHandshake);
    let longest = [&b"\x01\x01\0\0"[..], &[b' '; 65_536]].concat();
    let steps = play(&Rules::default(), &[&longest]);
    assert_eq!(steps.len(), 1, "as long as the limit is not too long");
}

/// The table of section 2 of the specification, in the tests' own words.
fn allowed(state: u8, packet: u8) -> Option<u8> {
    const START: u8 = 0;
    const HANDSHAKE: u8 = 1;
    const WORKING: u8 = 2;
    match (packet, state) {
        (0, _) => Some(HANDSHAKE),
        (1, START | HANDSHAKE) => Some(WORKING),
        (4 | 5, WORKING) | (1, WORKING) => Some(WORKING),
        (2 | 3, state) => Some(state),
        _ => None,
    }
}

#[test]
fn every_packet_in_every_state_does_what_the_table_says() {
    // What brings a link to each state.
    let ways: [&[u8]; 3] = [&[], &[0], &[0, 1]];
    for (state, way) in ways.iter().enumerate() {
        for number in 0..10 {
            let mut stream: Vec<u8> = way.iter().flat_map(|number| said(*number)).collect();
            stream.extend(said(number));
            // Whether it works on is seen by what a notify does.
            let steps = play(&Rules::default(), &[&stream, &said(5)]);
            let last = steps.last().unwrap();
            match allowed(state as u8, number) {
                Some(2) => assert_eq!(last, "Notify 0 a.b {}", "{number} in {state}"),
                Some(_) => assert_eq!(last, "DataBeforeHandshake", "{number} in {state}"),
                None if number == 8 => assert_eq!(last, "Handshake no JSON"),
                None => assert!(
                    steps
                        .iter()
                        .filter(|step| step.starts_with("Notify"))
                        .count()
                        == 0,
                    "{number} in {state}: {steps:?}"
                ),
            }
        }
    }
}

#[test]
fn heartbeats_come_in_time_and_silence_ends() {
    let every = Duration::from_millis(30);
    // At 90 nothing was heard for 90, which is longer than 60; at 60 it was not longer.
    assert_eq!(beats(every, &[], 200), (vec![30, 60], Some(90)));
    assert_eq!(
        beats(every, &[29, 59, 89], 200),
        (vec![30, 60, 90, 120], Some(150))
    );
    assert_eq!(beats(every, &[30], 200), (vec![30, 60, 90], Some(120)));
    let (said, dead) = beats(every, &[50, 100, 150, 200], 200);
    assert_eq!((said.len(), dead), (6, None));
    assert_eq!(beats(Duration::ZERO, &[], 10_000), (vec![], None));
}

#[test]
fn whoever_looks_late_takes_nothing_from_the_peer() {
    let rules = Rules::default();
    let mut link = Link::new(Instant(0), &rules);
    assert_eq!(link.tick(Instant(30_900), &rules), Beat::Say);
    assert_eq!(link.next_tick(), Instant(60_000));
    assert_eq!(link.tick(Instant(60_900), &rules), Beat::Say);
    assert_eq!(link.tick(Instant(90_900), &rules), Beat::Dead);
}

#[test]
fn a_half_packet_is_a_sign_of_life_if_its_owner_says_so() {
    let rules = Rules::default();
    let mut link = Link::new(Instant(0), &rules);
    assert_eq!(
        link.decode(&mut &b"\x01"[..], &rules, Instant(80_000)),
        Step::More
    );
    link.heard(Instant(80_000));
    assert_eq!(link.tick(Instant(90_000), &rules), Beat::Say);
}

#[test]
fn the_answers_to_handshakes_are_those_of_the_specification() {
    let dictionary = Dictionary::of([("room.join", 1)]).unwrap();
    let user = serde_json::Map::new();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(
        read(&handshake::welcome(30, 1_700_000_000, &dictionary, &user)),
        serde_json::json!({
            "code": 200,
            "sys": { "heartbeat": 30, "servertime": 1_700_000_000, "dict": { "room.join": 1 } },
            "user": {}
        })
    );
    let plain = read(&handshake::welcome(0, 1, &Dictionary::default(), &user));
    assert_eq!(plain["sys"], serde_json::json!({ "servertime": 1 }));
    assert_eq!(read(&handshake::refusal(501, "too old"))["code"], 501);
}

proptest! {
    /// Any order of packets, in any state, cut anyhow.
    #[test]
    fn any_script_is_the_same_however_it_is_cut(
        script in prop::collection::vec(0..10_u8, 0..30),
        seed in any::<[u8; 3]>(),
    ) {
        let stream: Vec<u8> = script.iter().flat_map(|number| said(*number)).collect();
        properties::link(&[&seed[..], &stream].concat());
        // A plain model of the states says where it ends.
        let (mut state, mut heard, mut over) = (0, 0, false);
        for number in &script {
            match allowed(state, *number) {
                _ if over => {}
                Some(next) => {
                    heard += usize::from(matches!(number, 4 | 5));
                    state = next;
                }
                None => over = true,
            }
        }
        let steps = play(&Rules::default(), &[&stream]);
        let messages = |step: &&String| step.starts_with("Notify") || step.starts_with("Request");
        prop_assert_eq!(steps.iter().filter(messages).count(), heard);
    }

    /// Any bytes at all, and any bytes behind a handshake.
    #[test]
    fn any_bytes_end_in_events_or_a_fault(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        seed in any::<[u8; 3]>(),
    ) {
        properties::link(&[&seed[..], &bytes].concat());
        let mut stream = [&[0, seed[1], seed[2]][..], &said(0), &said(1)].concat();
        packet::write(Packet::Data, &bytes, &mut stream);
        properties::link(&stream);
    }
}
