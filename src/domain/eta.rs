//! How long a wait may take: the present queue, played two hundred times.
//!
//! Each draw gives every visit a log-normal length (mean per level, learnt and shrunk to a prior) and lets the open desks
//! take the queue in its order. A place's range is the median and the ninetieth percentile of its starting times, rounded
//! up to five minutes. The figure is honest or absent: none without an open desk, none when nobody was called for 15 min.

use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::domain::triage::Level;

/// Plays of the queue.
const DRAWS: usize = 200;
/// Standard deviation of a visit's length over its mean; a figure of practice, to be replaced by the clinic's own.
const SPREAD: f64 = 0.6;
/// The length of a visit before the clinic has learnt its own.
const PRIOR: Duration = Duration::from_mins(8);
/// Visits whose weight the prior has.
const PRIOR_WEIGHT: f64 = 10.0;
/// After this silence of the desks the estimate is withdrawn.
const SILENCE: Duration = Duration::from_mins(15);
/// People who wait are told in steps of this many minutes.
const STEP_MIN: u32 = 5;

/// What is known of the length of visits of one level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learnt {
    /// Their mean, in milliseconds.
    pub mean_ms: f64,
    /// How many there were.
    pub visits: f64,
}

/// The present queue.
#[derive(Clone, Debug)]
pub struct Queue<'a> {
    /// Levels of the waiting, in calling order.
    pub waiting: &'a [Level],
    /// For each open desk, since when it has a patient; `None` when it is free.
    pub desks: &'a [Option<Timestamp>],
    /// When the clinic last called somebody.
    pub last_call_at: Option<Timestamp>,
    /// The moment of the estimate.
    pub now: Timestamp,
}

/// The range for one place, in whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The median.
    pub p50_min: u32,
    /// The ninetieth percentile.
    pub p90_min: u32,
}

/// The range of each waiting place, or `None` where there is no honest one. The same queue and seed give the same.
pub fn estimate(queue: &Queue<'_>, learnt: impl Fn(Level) -> Option<Learnt>, seed: u64) -> Option<Vec<Range>> {
    let is_silent = queue.last_call_at.is_some_and(|at| queue.now.since(at) > SILENCE);
    if queue.desks.is_empty() || is_silent {
        return None;
    }
    let mean = |level| shrunk(learnt(level));
    let means: Vec<f64> = queue.waiting.iter().map(|level| mean(*level)).collect();
    let running = mean(Level::Standard);
    let mut seeds = Chance(seed);
    let mut starts = vec![Vec::with_capacity(DRAWS); means.len()];
    for _ in 0..DRAWS {
        // Each play has its own chance, taken in the queue's order: nobody's range moves because somebody joins behind.
        let mut chance = Chance(seeds.next());
        let mut free: Vec<f64> =
            queue.desks.iter().map(|busy| residual(*busy, queue.now, running, &mut chance)).collect();
        for (mean, starts) in means.iter().zip(&mut starts) {
            let first = free.iter_mut().min_by(|a, b| a.total_cmp(b)).expect("there is a desk");
            starts.push(*first);
            *first += chance.log_normal(*mean);
        }
    }
    Some(starts.into_iter().map(range).collect())
}

fn shrunk(learnt: Option<Learnt>) -> f64 {
    let prior = PRIOR.as_secs_f64() * 1000.0;
    match learnt {
        Some(l) => (l.mean_ms * l.visits + prior * PRIOR_WEIGHT) / (l.visits + PRIOR_WEIGHT),
        None => prior,
    }
}

/// What is left of a visit that began at `busy`: a draw longer than what has passed, or a fifth of the mean.
fn residual(busy: Option<Timestamp>, now: Timestamp, mean: f64, chance: &mut Chance) -> f64 {
    let Some(since) = busy else { return 0.0 };
    let passed = now.since(since).as_secs_f64() * 1000.0;
    (chance.log_normal(mean) - passed).max(mean / 5.0)
}

fn range(mut starts: Vec<f64>) -> Range {
    starts.sort_by(f64::total_cmp);
    let at = |share: usize| starts.get((starts.len() * share).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0.0);
    Range { p50_min: in_steps(at(50)), p90_min: in_steps(at(90)) }
}

/// Milliseconds as minutes, rounded up to a whole step and at least one.
fn in_steps(ms: f64) -> u32 {
    let steps = (ms / 60_000.0 / f64::from(STEP_MIN)).ceil().clamp(1.0, 1000.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1–1000 just above")]
    let steps = steps as u32;
    steps * STEP_MIN
}

/// Splitmix64 (Steele, Lea, Flood 2014): small, fast, and good enough to play a queue; not for secrets.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly in (0, 1].
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exactly what an f64 holds")]
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// A log-normal length with this mean and [`SPREAD`].
    fn log_normal(&mut self, mean: f64) -> f64 {
        let variance = (1.0 + SPREAD * SPREAD).ln();
        // Box and Muller: one normal number from two even ones.
        let normal = (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        (mean.ln() - variance / 2.0 + variance.sqrt() * normal).exp()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(10_000_000);

    fn ranges(waiting: &[Level], desks: &[Option<Timestamp>], last_call_at: Option<Timestamp>) -> Option<Vec<Range>> {
        estimate(&Queue { waiting, desks, last_call_at, now: NOW }, |_| None, 7)
    }

    #[test]
    fn there_is_no_estimate_without_an_open_desk() {
        assert_eq!(ranges(&[Level::Standard], &[], Some(NOW)), None);
    }

    #[test]
    fn there_is_no_estimate_when_nobody_was_called_for_a_quarter_of_an_hour() {
        assert!(ranges(&[Level::Standard], &[None], Some(NOW - SILENCE)).is_some());
        assert_eq!(ranges(&[Level::Standard], &[None], Some(NOW - SILENCE - Duration::from_millis(1))), None);
    }

    #[test]
    fn the_first_place_before_a_free_desk_waits_less_than_five_minutes() {
        assert_eq!(ranges(&[Level::Urgent], &[None], None), Some(vec![Range { p50_min: 5, p90_min: 5 }]));
    }

    #[test]
    fn what_a_clinic_learnt_counts_more_with_every_visit() {
        let few = shrunk(Some(Learnt { mean_ms: 60_000.0, visits: 1.0 }));
        let many = shrunk(Some(Learnt { mean_ms: 60_000.0, visits: 1000.0 }));
        assert!(many < few && few < shrunk(None));
    }

    proptest! {
        #[test]
        fn a_place_further_back_never_waits_less(ahead in 1..60_usize, desks in 1..6_usize, seed: u64) {
            let (waiting, desks) = (vec![Level::Standard; ahead], vec![None; desks]);
            let queue = Queue { waiting: &waiting, desks: &desks, last_call_at: None, now: NOW };
            let ranges = estimate(&queue, |_| None, seed).unwrap();
            prop_assert!(ranges.iter().all(|r| r.p50_min <= r.p90_min));
            prop_assert!(ranges.windows(2).all(|w| w[0].p50_min <= w[1].p50_min && w[0].p90_min <= w[1].p90_min));
        }

        #[test]
        fn a_range_does_not_move_because_somebody_joins_behind(
            urgent in prop::collection::vec(any::<bool>(), 2..40),
            busy in prop::collection::vec(prop::option::of(0..3_600_000_u64), 1..6),
            seed: u64,
        ) {
            let level = |is_urgent: &bool| if *is_urgent { Level::Urgent } else { Level::Standard };
            let waiting: Vec<Level> = urgent.iter().map(level).collect();
            let desks: Vec<_> = busy.into_iter().map(|ms| Some(NOW - Duration::from_millis(ms?))).collect();
            let learnt = |level| (level == Level::Urgent).then_some(Learnt { mean_ms: 900_000.0, visits: 50.0 });
            let ranges = |waiting| estimate(&Queue { waiting, desks: &desks, last_call_at: None, now: NOW }, learnt, seed);
            let (before, after) = (ranges(&waiting[..waiting.len() - 1]).unwrap(), ranges(&waiting).unwrap());
            prop_assert_eq!(&before[..], &after[..before.len()]);
            prop_assert!(after.windows(2).all(|w| w[0].p50_min <= w[1].p50_min && w[0].p90_min <= w[1].p90_min));
        }
    }
}
