//! When something was seen or heard, from the numbers that its packets carry.
//!
//! An RTP timestamp counts from an unknown beginning. Sender reports (RFC 3550, section 6.4.1) tie it to one clock of the
//! sender for all its streams, so sound and picture fall exactly together. Without one the quickest packet of late tells
//! the beginning: what came later was held up on its way.

use std::time::Duration;

/// How long a minimum counts: shorter than a drift that one would hear, longer than a jam.
const WINDOW: i64 = 10_000_000;
/// A sender's clock that is further off than this is another one: the participant came back on another machine.
const ANOTHER: i64 = 5_000_000;

/// The least of the values of the last one to two windows.
#[derive(Clone, Copy, Debug, Default)]
struct Least {
    since: i64,
    now: Option<i64>,
    before: Option<i64>,
}

impl Least {
    fn add(&mut self, at: i64, value: i64) -> i64 {
        if self.now.is_none() || at - self.since >= WINDOW {
            self.before = self.now.replace(value);
            self.since = at;
        }
        let now = self.now.map_or(value, |now| now.min(value));
        self.now = Some(now);
        self.before.map_or(now, |before| before.min(now))
    }

    fn get(&self) -> Option<i64> {
        self.now.map(|now| self.before.map_or(now, |before| before.min(now)))
    }
}

/// The clock of a sender, shared by its streams: how far ours is ahead of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SenderClock(Least);

/// One stream.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    rate: u32,
    newest: Option<(u32, i64)>,
    begin: Least,
    /// The sender's clock, in microseconds, at tick zero of this stream.
    zero: Option<i64>,
}

impl Timeline {
    pub(super) fn new(rate: u32) -> Self {
        Self { rate, newest: None, begin: Least::default(), zero: None }
    }

    fn ticks(&mut self, timestamp: u32) -> i64 {
        let ticks = match self.newest {
            None => 0,
            Some((newest, ticks)) => ticks + i64::from(timestamp.wrapping_sub(newest).cast_signed()),
        };
        if self.newest.is_none_or(|(_, newest)| ticks >= newest) {
            self.newest = Some((timestamp, ticks));
        }
        ticks
    }

    fn micros(&self, ticks: i64) -> i64 {
        ticks.saturating_mul(1_000_000) / i64::from(self.rate)
    }

    /// A packet arrived: it tells when the stream began.
    pub(super) fn arrived(&mut self, at: Duration, timestamp: u32) {
        let ticks = self.ticks(timestamp);
        let (at, media) = (micros(at), self.micros(ticks));
        self.begin.add(at, at - media);
    }

    /// A sender report: `timestamp` was at `ntp` of the sender's clock, in microseconds.
    pub(super) fn report(&mut self, clock: &mut SenderClock, at: Duration, timestamp: u32, ntp: i64) {
        let ticks = self.ticks(timestamp);
        self.zero = Some(ntp.saturating_sub(self.micros(ticks)));
        let ahead = micros(at).saturating_sub(ntp);
        if clock.0.get().is_some_and(|known| known.abs_diff(ahead) > ANOTHER.unsigned_abs()) {
            *clock = SenderClock::default();
        }
        clock.0.add(micros(at), ahead);
    }

    /// Whether a report has tied it to the sender's clock.
    pub(super) fn is_reported(&self) -> bool {
        self.zero.is_some()
    }

    /// When `timestamp` was, in milliseconds of the recording.
    pub(super) fn at(&mut self, clock: &SenderClock, timestamp: u32) -> u64 {
        let ticks = self.ticks(timestamp);
        let begin = match (self.zero, clock.0.get()) {
            (Some(zero), Some(ahead)) => zero.saturating_add(ahead),
            _ => self.begin.get().unwrap_or_default(),
        };
        u64::try_from(begin.saturating_add(self.micros(ticks)) / 1000).unwrap_or(0)
    }
}

fn micros(at: Duration) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jam_does_not_move_what_was_said() {
        let mut line = Timeline::new(48_000);
        let clock = SenderClock::default();
        for n in 0_u32..200 {
            let jam = if n % 3 == 0 { 0 } else { u64::from(n % 7) * 10 };
            line.arrived(Duration::from_millis(500 + u64::from(n) * 20 + jam), n * 960);
            assert_eq!(line.at(&clock, n * 960), 500 + u64::from(n) * 20);
        }
    }

    #[test]
    fn reports_put_two_streams_on_one_clock_however_late_one_of_them_comes() {
        let mut clock = SenderClock::default();
        let (mut sound, mut picture) = (Timeline::new(48_000), Timeline::new(90_000));
        // The picture takes 150 ms longer on its way, and so do its reports.
        sound.arrived(Duration::from_secs(1), u32::MAX - 10);
        picture.arrived(Duration::from_millis(1150), 77);
        sound.report(&mut clock, Duration::from_secs(1), u32::MAX - 10, 5_000_000);
        picture.report(&mut clock, Duration::from_millis(1150), 77, 5_000_000);
        assert_eq!(sound.at(&clock, 48_000 - 11), 2000);
        assert_eq!(picture.at(&clock, 90_077), 2000);
    }
}
