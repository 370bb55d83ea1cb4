//! What came in through a feed: who falls silent is told to both sides.

use std::sync::atomic::{AtomicU64, Ordering};

/// Received packets of all streams of a feed.
#[derive(Debug, Default)]
pub(super) struct Tally(AtomicU64);

impl Tally {
    /// Counts a packet.
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Packets that arrived.
    pub(super) fn sum(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
