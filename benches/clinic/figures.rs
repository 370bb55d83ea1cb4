//! Many measurements as one figure; tested in `tests/suite/figures.rs`, for a bench has no tests of its own.

use std::fmt;

/// The middle of several runs, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// As many runs above as below.
    pub median: f64,
    /// The lowest run.
    pub low: f64,
    /// The highest run.
    pub high: f64,
}

impl Spread {
    /// The spread of at least one run.
    pub fn of(runs: &[f64]) -> Self {
        let mut runs = runs.to_vec();
        runs.sort_by(f64::total_cmp);
        let (low, high) = (runs[0], runs[runs.len() - 1]);
        let half = runs.len() / 2;
        let median = if runs.len() % 2 == 1 { runs[half] } else { f64::midpoint(runs[half - 1], runs[half]) };
        Self { median, low, high }
    }
}

impl fmt::Display for Spread {
    /// `median (low–high)`, with as many decimals as asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(0);
        let Self { median, low, high } = self;
        write!(f, "{median:.decimals$} ({low:.decimals$}–{high:.decimals$})")
    }
}

/// How long most of many waits were, and the longest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// Half of them were not longer.
    pub p50: f64,
    /// One in a hundred was longer.
    pub p99: f64,
    /// The longest.
    pub slowest: f64,
}

impl Tail {
    /// The tail of at least one wait.
    pub fn of(waits: &[f64]) -> Self {
        let mut waits = waits.to_vec();
        waits.sort_by(f64::total_cmp);
        let last = waits.len() - 1;
        Self { p50: waits[last / 2], p99: waits[last * 99 / 100], slowest: waits[last] }
    }
}

impl fmt::Display for Tail {
    /// `p50 / p99 / slowest`, with as many decimals as asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = f.precision().unwrap_or(0);
        let Self { p50, p99, slowest } = self;
        write!(f, "{p50:.decimals$} / {p99:.decimals$} / {slowest:.decimals$}")
    }
}

/// The number of KiB behind `field` in a file such as `/proc/meminfo`.
pub fn kib(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
