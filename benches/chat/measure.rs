//! # Measuring: quantiles, ratios, and what the disk promises for

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::Outcome;

/// Durations of many like things.
#[derive(Default)]
pub(crate) struct Durations(Vec<Duration>);

impl Durations {
    pub(crate) fn add(&mut self, one: Duration) {
        self.0.push(one);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The one below which this share of them is.
    pub(crate) fn quantile(&mut self, share: f64) -> Duration {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.0.get(at).copied().unwrap_or_default()
    }
}

/// The one in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How long the disk takes to promise 4 KiB, just now: the usual time and a bad one.
pub(crate) fn disk(folder: &Path) -> Outcome<String> {
    let path = folder.join("disk-probe");
    let mut file = File::create(&path)?;
    let mut each = Durations::default();
    for _ in 0..300 {
        let begun = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        each.add(begun.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(format!(
        "4 KiB and fdatasync: p50 {:.2} ms, p99 {:.2} ms",
        millis(each.quantile(0.5)),
        millis(each.quantile(0.99))
    ))
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// CPU time of this program, which has one thread that works.
pub(crate) fn own_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = told
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok());
    Duration::from_nanos(ns.unwrap_or(0))
}
