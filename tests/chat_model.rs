//! # The chat against a model of it: many small worlds, each decided by its seed
//!
//! `cargo test --test chat_model` runs the fixed seeds;
//! `PARLOUR_SEEDS=100000 cargo test --release --test chat_model` runs that many;
//! `PARLOUR_SEED=7 cargo test --test chat_model` repeats one and tells what happened last.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "in a test a broken assumption ends the test; which seeds to run is the caller's wish, \
              and fresh ones come from the clock"
)]

mod seeds;

use std::panic;

use parlour::sim::chat::{self, Bug, Report};
use seeds::Worlds;

/// Seeds that always run.
const SEEDS: u64 = 200;
/// Seeds that nobody has seen before.
const FRESH: u64 = 10;

const WORLDS: Worlds<Report> = Worlds {
    test: "chat_model",
    run: chat::run,
    aloud: chat::run_aloud,
};

#[test]
fn every_chat_keeps_its_promises() {
    let seeds = seeds::seeds(0..SEEDS, FRESH);
    let mut sum = Report::default();
    WORLDS.check_all(&seeds, |report| {
        sum.turns += report.turns;
        sum.operations += report.operations;
        sum.commits += report.commits;
        sum.kills += report.kills;
        sum.connections += report.connections;
        sum.replies += report.replies;
        sum.events += report.events;
        sum.compared += report.compared;
        sum.probes += report.probes;
        sum.lasted_ms += report.lasted_ms;
    });
    eprintln!("{} worlds: {sum:?}", seeds.len());
    let is_lively = sum.kills > 20 && sum.compared > 1000 && sum.events > 1000;
    assert!(seeds.len() < 100 || is_lively, "hardly anything happened");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..10 {
        assert_eq!(WORLDS.check(seed), WORLDS.check(seed), "seed {seed}");
    }
    assert_ne!(
        WORLDS.check(1).hash,
        WORLDS.check(2).hash,
        "and others give others"
    );
}

// ------------------------------------------------------------------------ the checks are not empty

/// Worlds in which a mistake may hide before one shows it.
const HIDING: u64 = 40;

/// What the first world says in which a server with this bug is found out.
fn found_out(bug: Bug) -> String {
    let message = |panic: Box<dyn std::any::Any + Send>| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(_) => "without a text".to_owned(),
    };
    let found = (0..HIDING).find_map(|seed| {
        let run = panic::catch_unwind(|| chat::run_with(seed, bug));
        run.err().map(message)
    });
    found.unwrap_or_else(|| panic!("nobody notices {bug:?} in {HIDING} worlds"))
}

/// A server with this bug is found out, and for the right reason.
fn is_found_out(bug: Bug, reasons: &[&str]) {
    let told = found_out(bug);
    let is_right = reasons.iter().any(|reason| told.contains(reason));
    assert!(is_right, "{bug:?} is found out for another reason: {told}");
}

#[test]
fn a_message_that_is_dropped_is_noticed() {
    is_found_out(Bug::DropsMessages, &["gap:", "missing:"]);
}

#[test]
fn two_messages_in_the_wrong_order_are_noticed() {
    let reasons = ["order:", "gap:", "missing:", "acknowledged:"];
    is_found_out(Bug::SwapsTwo, &reasons);
}

#[test]
fn an_acknowledgement_before_the_commit_is_noticed() {
    is_found_out(Bug::AcknowledgesEarly, &["acknowledged:"]);
}

#[test]
fn a_forgotten_key_is_noticed() {
    is_found_out(Bug::ForgetsKeys, &["acknowledged:", "once:"]);
}

#[test]
fn telling_who_has_left_is_noticed() {
    is_found_out(Bug::TellsWhoLeft, &["left:"]);
}

#[test]
fn a_connection_that_outlives_its_token_is_noticed() {
    is_found_out(Bug::KeepsSignedOut, &["signed out:"]);
}

#[test]
fn resuming_one_too_far_is_noticed() {
    is_found_out(Bug::ResumesTooFar, &["gap:", "missing:", "caught up:"]);
}
