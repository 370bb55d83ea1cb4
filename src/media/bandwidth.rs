//! How a subscriber's downstream does, from its transport-wide feedback (draft-holmer-rmcat-transport-wide-cc).
//!
//! Two signs of too much are told apart from a bad radio. A *standing queue*: for half a second not one packet came as
//! fast as packets can; jitter moves the slowest packets, a queue moves the fastest as well (the idea of RFC 8289). And
//! *heavy loss*: more than a lossy radio takes. What to do about it is [`crate::domain::room::layers::Budget`]'s.
//!
//! The engine brings an estimator of its own. It was measured against this one on the same simulated paths (see
//! `docs/BENCHMARKS.md`): where we send less than the path carries, which is what a forwarder mostly does, its target
//! grows without evidence, and at one lost packet in ten it falls to its floor.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::room::layers::Downstream;

/// What is looked at, or [`FEW`] packets where there are no more in it, as of a voice in long packets: a little more than four
/// feedback messages of a browser.
const WINDOW: Duration = Duration::from_millis(500);
/// Packets below which nothing can be said.
const FEW: usize = 10;
/// The fastest way is the fastest of the last ten to twenty seconds: routes change.
const REMEMBERED: Duration = Duration::from_secs(10);
/// A queue in which even the fastest packet stands so long is one that we fill.
const STANDING: Duration = Duration::from_millis(80);
/// With loss beside it, half of that is enough.
const STANDING_WITH_LOSS: Duration = Duration::from_millis(40);
/// A radio loses less, a full path more.
const HEAVY_LOSS: f64 = 0.2;
/// Loss that counts beside a queue.
const SOME_LOSS: f64 = 0.05;
/// Without feedback for so long nothing is known any more.
const STALE: Duration = Duration::from_secs(2);

/// One packet's fate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) left: Instant,
    /// On the receiver's clock.
    pub(super) arrived: Option<Duration>,
    pub(super) bytes: usize,
}

/// What is known of the path to one subscriber.
#[derive(Debug, Default)]
pub(super) struct Path {
    fates: VecDeque<Fate>,
    /// Any moment before all others; the clocks of both sides are compared by differences alone.
    epoch: Option<Instant>,
    /// The shortest way seen, in this period and the one before, in microseconds.
    shortest: [Option<i64>; 2],
    period_began: Option<Instant>,
    heard_at: Option<Instant>,
}

impl Path {
    fn learn(&mut self, now: Instant, fates: impl Iterator<Item = Fate>) {
        self.heard_at = Some(now);
        if self.period_began.is_none_or(|began| now.saturating_duration_since(began) >= REMEMBERED) {
            self.period_began = Some(now);
            self.shortest = [None, self.shortest[0].or(self.shortest[1])];
        }
        for fate in fates {
            if let Some(way) = self.way(&fate) {
                let shortest = &mut self.shortest[0];
                *shortest = Some(shortest.map_or(way, |known| known.min(way)));
            }
            self.fates.push_back(fate);
        }
        let newest = self.fates.back().map_or(now, |fate| fate.left);
        let is_over = |fate: &Fate, count: usize| {
            let age = newest.saturating_duration_since(fate.left);
            age > STALE || (age > WINDOW && count > FEW)
        };
        while self.fates.front().is_some_and(|fate| is_over(fate, self.fates.len())) {
            self.fates.pop_front();
        }
    }

    /// From leaving to arriving, in microseconds of two clocks that do not agree.
    fn way(&mut self, fate: &Fate) -> Option<i64> {
        let epoch = *self.epoch.get_or_insert(fate.left);
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let left =
            micros(fate.left.saturating_duration_since(epoch)) - micros(epoch.saturating_duration_since(fate.left));
        Some(micros(fate.arrived?).saturating_sub(left))
    }

    /// How it does; `None` while too little is known.
    fn look(&mut self, now: Instant) -> Option<Downstream> {
        let heard_at = self.heard_at?;
        if now.saturating_duration_since(heard_at) > STALE || self.fates.len() < FEW {
            return None;
        }
        let fates: Vec<_> = self.fates.iter().copied().collect();
        let fastest = fates.iter().filter_map(|fate| self.way(fate)).min();
        let shortest = self.shortest.iter().flatten().copied().min();
        let standing = match (fastest, shortest) {
            (Some(fastest), Some(shortest)) => Duration::from_micros(u64::try_from(fastest - shortest).unwrap_or(0)),
            _ => Duration::ZERO,
        };
        let arrived = fates.iter().filter(|fate| fate.arrived.is_some());
        let (count, bytes) = arrived.fold((0_usize, 0_usize), |(count, bytes), fate| (count + 1, bytes + fate.bytes));
        let loss = share(fates.len() - count, fates.len());
        let span = fates.last()?.left.saturating_duration_since(fates.first()?.left).max(WINDOW / 4);
        let delivered = u64::try_from(bytes as u128 * 8000 / span.as_millis().max(1)).unwrap_or(u64::MAX);
        let is_congested =
            standing > STANDING || loss > HEAVY_LOSS || (loss > SOME_LOSS && standing > STANDING_WITH_LOSS);
        Some(Downstream { is_congested, delivered })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of a few hundred packets")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The path, shared by the egress that learns and the seat that looks.
#[derive(Clone, Debug, Default)]
pub(super) struct PathMeter(Arc<Mutex<Path>>);

impl PathMeter {
    /// Takes in what became of packets, in the order in which they left.
    pub(super) fn learn(&self, now: Instant, fates: impl Iterator<Item = Fate>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).learn(now, fates);
    }

    /// How the path does; `None` while too little is known.
    pub(super) fn look(&self, now: Instant) -> Option<Downstream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).look(now)
    }
}

#[cfg(test)]
#[path = "bandwidth_tests.rs"]
mod tests;
