//! One encoding of a camera, as measured at the relay.
//!
//! A browser may encode its camera in up to three sizes. The feed writes here what arrives, packet by packet and without
//! a lock; whoever chooses a layer for a subscriber reads it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Layers of a source at most: a quarter, a half and the whole of a picture's height.
pub(super) const LAYERS: usize = 3;
/// A bit rate is an average over this time.
const WINDOW: Duration = Duration::from_millis(500);
/// A layer of which nothing came for so long does not flow: a browser that lacks the bits drops its largest first.
const RESTS: Duration = Duration::from_millis(700);
/// What was asked for comes within this time, or the browser cannot send it.
const PATIENCE: Duration = Duration::from_secs(3);
/// A layer that a browser could not send is asked for again after this time.
const AGAIN: Duration = Duration::from_secs(30);

/// What is known of a layer.
#[derive(Debug)]
pub(super) struct Layer {
    born: Instant,
    ssrc: AtomicU32,
    height: AtomicU32,
    rate: AtomicU32,
    /// Milliseconds after `born`, plus one; zero before the first packet.
    heard: AtomicU64,
    window_began: AtomicU64,
    window_bytes: AtomicU64,
    /// When its browser was asked for it; [`PAUSED`] when it was told not to send it.
    asked: AtomicU64,
    /// When it was found that it does not come although it was asked for; zero for never.
    failed: AtomicU64,
}

/// Stands for a layer that nobody wants.
const PAUSED: u64 = u64::MAX;

impl Layer {
    /// A layer of which nothing came yet.
    pub(super) fn new(born: Instant) -> Self {
        let [ssrc, height, rate] = [0; 3].map(AtomicU32::new);
        let [heard, window_began, window_bytes, asked, failed] = [0; 5].map(AtomicU64::new);
        Self { born, ssrc, height, rate, heard, window_began, window_bytes, asked, failed }
    }

    /// Counts a packet of `bytes` bytes; whether it is the first after a while without any. Only the feed calls it, so plain
    /// loads and stores do.
    pub(super) fn hear(&self, now: Instant, ssrc: u32, bytes: usize) -> bool {
        let at = self.millis(now);
        self.ssrc.store(ssrc, Ordering::Relaxed);
        let before = self.heard.swap(at, Ordering::Relaxed);
        let did_rest = before == 0 || at.saturating_sub(before) > millis(RESTS);
        if did_rest {
            self.window_began.store(at, Ordering::Relaxed);
            self.window_bytes.store(0, Ordering::Relaxed);
        }
        let sum = self.window_bytes.load(Ordering::Relaxed) + u64::try_from(bytes).unwrap_or(u64::MAX);
        let lasted = at.saturating_sub(self.window_began.load(Ordering::Relaxed));
        if lasted < millis(WINDOW) {
            self.window_bytes.store(sum, Ordering::Relaxed);
            return did_rest;
        }
        let rate = sum.saturating_mul(8000) / lasted.max(1);
        self.rate.store(u32::try_from(rate).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.window_began.store(at, Ordering::Relaxed);
        self.window_bytes.store(0, Ordering::Relaxed);
        did_rest
    }

    /// Notes the height of its pictures, in pixels.
    pub(super) fn set_height(&self, height: u16) {
        self.height.store(u32::from(height), Ordering::Relaxed);
    }

    /// The number of its stream; zero before the first packet.
    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc.load(Ordering::Relaxed)
    }

    /// The height of its pictures in pixels, once a keyframe named it.
    pub(super) fn height(&self) -> Option<u16> {
        u16::try_from(self.height.load(Ordering::Relaxed)).ok().filter(|height| *height > 0)
    }

    /// Bits a second, averaged over half a second; zero when not measured yet.
    pub(super) fn rate(&self) -> u32 {
        self.rate.load(Ordering::Relaxed)
    }

    /// Whether something came just now.
    pub(super) fn flows(&self, now: Instant) -> bool {
        let heard = self.heard.load(Ordering::Relaxed);
        heard != 0 && self.millis(now).saturating_sub(heard) <= millis(RESTS)
    }

    /// Notes whether its browser is asked to send it.
    pub(super) fn set_asked(&self, now: Instant, is_asked: bool) {
        if !is_asked {
            self.asked.store(PAUSED, Ordering::Relaxed);
        } else if self.asked.load(Ordering::Relaxed) == PAUSED {
            self.asked.store(self.millis(now), Ordering::Relaxed);
        }
    }

    /// Whether it can be had: it flows, or it was paused and may be asked for, or it was asked for a moment ago.
    pub(super) fn is_there(&self, now: Instant) -> bool {
        if self.flows(now) || self.ssrc() == 0 {
            return true;
        }
        let at = self.millis(now);
        let asked = self.asked.load(Ordering::Relaxed);
        if asked != PAUSED && (asked == 0 || at.saturating_sub(asked) > millis(PATIENCE)) {
            self.failed.store(at, Ordering::Relaxed);
            return false;
        }
        let failed = self.failed.load(Ordering::Relaxed);
        failed == 0 || at.saturating_sub(failed) > millis(AGAIN)
    }

    fn millis(&self, now: Instant) -> u64 {
        millis(now.saturating_duration_since(self.born)) + 1
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::instant;

    #[test]
    fn a_layer_knows_its_rate_and_whether_it_flows() {
        let born = instant::now();
        let layer = Layer::new(born);
        assert!(!layer.flows(born));
        let at = |millis: u64| born + Duration::from_millis(millis);
        for packet in 0..100 {
            layer.hear(at(packet * 20), 7, 1250);
        }
        assert_eq!(layer.ssrc(), 7);
        let rate = layer.rate();
        assert!((480_000..=540_000).contains(&rate), "1250 bytes every 20 ms are 500 kbit/s: {rate}");
        assert!(layer.flows(at(2_500)));
        assert!(!layer.flows(at(3_500)));
        layer.hear(at(60_000), 7, 1250);
        assert_eq!(layer.rate(), rate, "a pause is no slow stream");
    }
}
