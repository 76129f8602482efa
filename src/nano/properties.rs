//! # Properties that hold for all bytes
//!
//! A link played to its end, as text, and what must be true of it however the bytes were cut. The
//! fuzzer calls the same as the tests do.

use super::{Dictionary, Event, Kind, Link, Message, Rules, Step, handshake, packet};
use crate::ground::time::Instant;

/// Any bytes are events or one fault, the same ones however they were cut. The first three bytes
/// choose the limit (0: the usual one) and two sizes of pieces.
pub fn link(input: &[u8]) {
    let Some((&[tight, a, b], input)) = input.split_first_chunk() else {
        return;
    };
    let mut rules = Rules {
        dictionary: Dictionary::of([("room.join", 1), ("onMessage", 258)]).expect("two routes"),
        ..Rules::default()
    };
    if tight > 0 {
        rules.body_bytes_max = usize::from(tight);
    }
    let whole = play(&rules, &[input]);
    let sizes = [usize::from(a).max(1), usize::from(b).max(1)];
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(sizes[pieces.len() % 2].min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    assert_eq!(play(&rules, &pieces), whole, "in pieces");
    let singles: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(play(&rules, &singles), whole, "byte by byte");
}

/// Plays what comes in these pieces, accepts every handshake that is JSON, and writes down what
/// happened.
pub(super) fn play(rules: &Rules, pieces: &[&[u8]]) -> Vec<String> {
    let mut link = Link::new(Instant(0), rules);
    let mut steps = Vec::new();
    let mut came = 0;
    for piece in pieces {
        came += piece.len();
        let mut input = *piece;
        loop {
            match link.decode(&mut input, rules, Instant(1)) {
                Step::More => {
                    assert!(input.is_empty(), "all input is taken before more is wanted");
                    break;
                }
                Step::Broken(fault) => {
                    steps.push(format!("{fault:?}"));
                    assert_eq!(
                        link.decode(&mut input, rules, Instant(1)),
                        Step::Broken(fault)
                    );
                    assert!(link.is_over() && !link.is_working());
                    return steps;
                }
                Step::Event(Event::Handshake(body)) => {
                    steps.push(format!("Handshake {}", body.escape_ascii()));
                    assert!(body.len() <= rules.body_bytes_max);
                    match handshake::Hello::read(body) {
                        Some(_) => link.accept(),
                        None => link.end(),
                    }
                }
                Step::Event(Event::Ready) => steps.push("Ready".to_owned()),
                Step::Event(Event::Message(message)) => {
                    assert!(matches!(message.kind, Kind::Request | Kind::Notify));
                    assert_eq!(message.kind == Kind::Request, message.id > 0);
                    // What is written from it is read as the same, in the shortest form.
                    let mut bytes = Vec::new();
                    message.write(&rules.dictionary, &mut bytes);
                    assert_eq!(Message::read(&bytes, &rules.dictionary), Ok(message));
                    steps.push(format!(
                        "{:?} {} {} {}",
                        message.kind,
                        message.id,
                        message.route,
                        message.data.escape_ascii()
                    ));
                }
            }
        }
        let most = came.min(rules.body_bytes_max + packet::HEADER_BYTES);
        assert!(link.held_bytes() <= most, "what is kept has come, and fits");
        assert!(!link.is_over() || link.tick(Instant::NEVER, rules) == super::Beat::Wait);
    }
    steps
}
