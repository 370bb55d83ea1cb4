//! How loud a microphone is, by the level that a browser writes beside each packet (RFC 6464).

use std::sync::atomic::{AtomicU32, Ordering};

/// Decibels below the loudest, 0–127, of pure silence.
const SILENCE: u8 = 127;

/// A level that rises at once and falls slowly: a pause between two words is no end of speech.
#[derive(Debug, Default)]
pub(super) struct Loudness(AtomicU32);

impl Loudness {
    /// Takes in the level of a packet, in decibels below the loudest.
    pub(super) fn hear(&self, level: u8) {
        let loud = f32::from(SILENCE - level.min(SILENCE));
        let before = f32::from_bits(self.0.load(Ordering::Relaxed));
        let smooth = if loud > before { 0.3 } else { 0.05 };
        self.0.store((before + (loud - before) * smooth).to_bits(), Ordering::Relaxed);
    }

    /// From 0 (silence) to 127 (as loud as can be).
    pub(super) fn now(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Without packets nobody speaks: called at each look.
    pub(super) fn fade(&self) {
        self.0.store((self.now() * 0.9).to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_loud_after_a_few_packets_and_stays_so_through_a_short_pause() {
        let loudness = Loudness::default();
        (0..10).for_each(|_| loudness.hear(20));
        assert!(loudness.now() > 95.0, "{}", loudness.now());
        (0..5).for_each(|_| loudness.hear(SILENCE));
        assert!(loudness.now() > 70.0, "a tenth of a second is no silence: {}", loudness.now());
        (0..100).for_each(|_| loudness.hear(SILENCE));
        assert!(loudness.now() < 5.0, "two seconds are");
        (0..10).for_each(|_| loudness.hear(20));
        (0..60).for_each(|_| loudness.fade());
        assert!(loudness.now() < 1.0, "nothing at all is silence as well");
    }
}
