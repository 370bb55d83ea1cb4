//! What came in at a stretch, on its way from the reader that took it in to those who watch.
//!
//! A datagram is unlocked where it was read, and its packet waits here for those that were read with it: what a publisher
//! sends together goes on together, and costs each subscriber one system call. Nobody waits for more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use rtc::rtp::Packet;

use super::core::Core;
use super::source::{Feed, Origin};

/// Packets that wait for each other at most: a large frame, or a few of several publishers.
const MOST: usize = 64;

/// A reader's own.
#[derive(Default)]
pub(super) struct Inflow {
    bursts: Vec<Burst>,
    packets: usize,
    /// Those to whom something came.
    touched: Vec<Arc<Core>>,
    /// Room that was used and is empty.
    spare: Vec<Vec<(Origin, Packet)>>,
}

/// Packets of one feed.
struct Burst {
    feed: Arc<Feed>,
    core: Arc<Core>,
    packets: Vec<(Origin, Packet)>,
}

impl Inflow {
    /// Takes a packet that a connection unlocked.
    pub(super) fn add(&mut self, core: &Arc<Core>, feed: &Arc<Feed>, from: Origin, packet: Packet) {
        self.packets += 1;
        if let Some(burst) = self.bursts.iter_mut().find(|burst| Arc::ptr_eq(&burst.feed, feed)) {
            return burst.packets.push((from, packet));
        }
        let mut packets = self.spare.pop().unwrap_or_default();
        packets.push((from, packet));
        self.bursts.push(Burst { feed: Arc::clone(feed), core: Arc::clone(core), packets });
    }

    /// Something came to a connection: it is asked afterwards what it has to say, and when again.
    pub(super) fn touch(&mut self, core: &Arc<Core>) {
        if !self.touched.iter().any(|known| Arc::ptr_eq(known, core)) {
            self.touched.push(Arc::clone(core));
        }
    }

    /// Whether it is time to hand on.
    pub(super) fn is_full(&self) -> bool {
        self.packets >= MOST
    }

    /// Hands everything on. No connection's engine is locked meanwhile.
    pub(super) fn flush(&mut self, now: Instant) {
        for Burst { feed, core, mut packets } in self.bursts.drain(..) {
            // A reader is everybody's: what breaks over one publisher's packets breaks its connection alone.
            if catch_unwind(AssertUnwindSafe(|| feed.forward(now, &packets))).is_err() {
                core.break_off();
            }
            packets.clear();
            self.spare.push(packets);
        }
        self.packets = 0;
        for core in self.touched.drain(..) {
            core.settle(now);
        }
    }
}
