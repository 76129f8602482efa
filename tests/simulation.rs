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

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::time::SystemTime;

use parlour::sim::{self, Report};

/// Seeds that always run. Those that once found something belong here too, at the end.
const SEEDS: u64 = 300;
/// Seeds that nobody has seen before.
const FRESH: u64 = 20;

/// Runs one world; a failing one is told by its number, first and last.
fn check(seed: u64) -> Report {
    panic::catch_unwind(|| sim::run(seed)).unwrap_or_else(|_| {
        let again = format!("PARLOUR_SEED={seed} cargo test --test simulation");
        eprintln!("\nseed {seed} fails; what happened last:\n");
        let _ = panic::catch_unwind(AssertUnwindSafe(|| sim::run_aloud(seed)));
        panic!("seed {seed} fails: repeat it with {again}");
    })
}

fn number(name: &str) -> Option<u64> {
    Some(env::var(name).ok()?.parse().expect("a number"))
}

/// The seeds that this run is about.
fn seeds() -> Vec<u64> {
    if let Some(seed) = number("PARLOUR_SEED") {
        return vec![seed];
    }
    if let Some(count) = number("PARLOUR_SEEDS") {
        return (0..count).collect();
    }
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let first = since.as_millis() as u64;
    eprintln!("fresh seeds: {first} to {}", first + FRESH - 1);
    (0..SEEDS).chain(first..first + FRESH).collect()
}

#[test]
fn every_world_keeps_its_promises() {
    let seeds = seeds();
    let mut sum = Report::default();
    for &seed in &seeds {
        let report = check(seed);
        sum.turns += report.turns;
        sum.served += report.served;
        sum.compared += report.compared;
        sum.bytes += report.bytes;
        sum.lasted_ms += report.lasted_ms;
        sum.shared += report.shared;
    }
    eprintln!("{} worlds: {sum:?}", seeds.len());
    assert!(
        seeds.len() < 100 || sum.shared > 100,
        "hardly anybody read together"
    );
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..30 {
        assert_eq!(check(seed), check(seed), "seed {seed}");
    }
    assert_ne!(check(1).hash, check(2).hash, "and others give others");
}
