//! # Properties that hold for all bytes
//!
//! A connection played to its end, as text, and what must be true of it however the bytes were cut.

use super::{Ended, Limits, Receiver, Step};

/// Plays a connection that receives these pieces and then ends, and writes down what happened.
/// Body pieces that follow each other are joined, for where they are cut is not promised.
pub(super) fn steps(pieces: &[&[u8]], limits: &Limits, body_bytes_max: u64) -> Vec<String> {
    let mut receiver = Receiver::new();
    let mut input: Vec<u8> = Vec::new();
    let mut steps: Vec<String> = Vec::new();
    let mut body: Vec<u8> = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let step = receiver.decode(&mut input, limits);
            if !matches!(step, Step::Body { .. } | Step::More { .. }) {
                flush(&mut body, &mut steps);
            }
            let used = match step {
                Step::Head { used, head, body } => {
                    let mut text = format!("{} {}", head.method(), head.path());
                    if let Some(query) = head.query() {
                        text += &format!(" ?{query}");
                    }
                    if head.authority() != head.field("host") {
                        text += &format!(" @{}", head.authority().unwrap());
                    }
                    if head.minor_version() == 0 {
                        text += " 1.0";
                    }
                    if head.expects_continue() {
                        text += " continue";
                    }
                    steps.push(format!("{text} {body:?}"));
                    receiver.body_bytes_max(body_bytes_max);
                    used
                }
                Step::Body { used, bytes } => {
                    assert!(!bytes.is_empty(), "no piece of a body is empty");
                    body.extend_from_slice(bytes);
                    used
                }
                Step::End { used, trailers } => {
                    let mut text = "End".to_owned();
                    for (name, value) in trailers {
                        text += &format!(" {name}={}", value.escape_ascii());
                    }
                    steps.push(text);
                    used
                }
                Step::More { used } => {
                    input.drain(..used);
                    break;
                }
                Step::Broken(fault) => {
                    steps.push(format!("{fault:?}"));
                    return steps;
                }
            };
            input.drain(..used);
        }
    }
    flush(&mut body, &mut steps);
    let clean = receiver.idle();
    let ended = receiver.ended();
    assert_eq!(
        clean,
        ended == Ended::Clean,
        "only between requests may a connection end"
    );
    steps.push(format!("{ended:?}"));
    steps
}

fn flush(body: &mut Vec<u8>, steps: &mut Vec<String>) {
    if !body.is_empty() {
        steps.push(format!("\"{}\"", body.escape_ascii()));
        body.clear();
    }
}

/// The same bytes in pieces, each as long as `size` says for its number, at least one byte.
pub(super) fn cut_into(input: &[u8], mut size: impl FnMut(usize) -> usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(size(pieces.len()).clamp(1, rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
