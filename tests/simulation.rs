//! # Simulation: many small worlds, each decided by its seed
//!
//! `cargo test --test simulation` runs the fixed seeds and a few fresh ones;
//! `PARLOUR_SEEDS=10000 cargo test --release --test simulation` runs that many;
//! `PARLOUR_SEED=7 cargo test --test simulation` repeats one and tells what happened last.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "in a test a broken assumption ends the test; which seeds to run is the caller's wish, \
              and fresh ones come from the clock"
)]

mod seeds;

use parlour::sim::{self, Report};
use seeds::Worlds;

/// Seeds that always run. Those that once found something belong here too, at the end.
const SEEDS: u64 = 300;
/// Seeds that nobody has seen before.
const FRESH: u64 = 20;

const WORLDS: Worlds<Report> = Worlds {
    test: "simulation",
    run: sim::run,
    aloud: sim::run_aloud,
};

#[test]
fn every_world_keeps_its_promises() {
    let seeds = seeds::seeds(0..SEEDS, FRESH);
    let mut sum = Report::default();
    WORLDS.check_all(&seeds, |report| {
        sum.turns += report.turns;
        sum.served += report.served;
        sum.compared += report.compared;
        sum.bytes += report.bytes;
        sum.lasted_ms += report.lasted_ms;
        sum.shared += report.shared;
    });
    eprintln!("{} worlds: {sum:?}", seeds.len());
    assert!(
        seeds.len() < 100 || sum.shared > 100,
        "hardly anybody read together"
    );
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..30 {
        assert_eq!(WORLDS.check(seed), WORLDS.check(seed), "seed {seed}");
    }
    assert_ne!(
        WORLDS.check(1).hash,
        WORLDS.check(2).hash,
        "and others give others"
    );
}
