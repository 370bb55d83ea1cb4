use rtc::interceptor::{BandwidthEstimator, Gcc, PacketReport};
use rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn;

use super::*;
use crate::media::instant;

/// The same reports for our meter as for the engine's estimator.
impl BandwidthEstimator for PathMeter {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        let fates = reports.iter().map(|report| Fate {
            left: report.departure,
            arrived: report.arrival.filter(|_| report.arrived),
            bytes: report.size,
        });
        self.learn(now, fates);
    }

    fn target_bitrate(&self) -> f64 {
        f64::from(u32::MAX)
    }
}

/// A path with a queue, on a clock of its own: bits a second, the longest queue, a random loss, a delay and a jitter.
struct Link {
    rate: f64,
    queue: Duration,
    loss: u64,
    delay: Duration,
    jitter: u64,
    chance: u64,
    free_at: Duration,
}

impl Link {
    fn new(rate: f64) -> Self {
        let (queue, delay) = (Duration::from_millis(400), Duration::from_millis(20));
        Self { rate, queue, loss: 0, delay, jitter: 0, chance: 7, free_at: Duration::ZERO }
    }

    /// A repeatable number below `most`.
    fn dice(&mut self, most: u64) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % most.max(1)
    }

    /// When a packet sent at `at` arrives, if it does.
    fn carry(&mut self, at: Duration, bytes: usize) -> Option<Duration> {
        if self.dice(100) < self.loss {
            return None;
        }
        let begins = self.free_at.max(at);
        if begins.saturating_sub(at) > self.queue {
            return None;
        }
        self.free_at = begins + Duration::from_secs_f64(f64::from(u32::try_from(bytes).unwrap()) * 8.0 / self.rate);
        Some(self.free_at + self.delay + Duration::from_millis(self.dice(self.jitter + 1)))
    }
}

/// Sends `rate` bits a second through the link for `lasts`, with feedback every 100 ms, and returns what each look said.
fn send(link: &mut Link, rate: u32, lasts: Duration, mut hear: impl FnMut(Instant, Vec<PacketReport>)) {
    let start = instant::now();
    let step = Duration::from_secs_f64(8.0 * 1200.0 / f64::from(rate));
    let (mut at, mut id, mut reports, mut told) = (Duration::ZERO, 0_u64, Vec::new(), Duration::ZERO);
    while at < lasts {
        let arrival = link.carry(at, 1200);
        reports.push(PacketReport {
            ssrc: 1,
            id,
            rtp_sequence_number: u16::try_from(id & 0xffff).unwrap(),
            is_twcc: true,
            twcc_sequence_number: u16::try_from(id & 0xffff).unwrap(),
            size: 1200,
            arrived: arrival.is_some(),
            departure: start + at,
            arrival,
            ecn: Ecn::default(),
        });
        id += 1;
        at += step;
        if at.saturating_sub(told) >= Duration::from_millis(100) {
            told = at;
            hear(start + at, std::mem::take(&mut reports));
        }
    }
}

/// The share of looks that found the path congested, once half a second had passed.
fn congested(link: &mut Link, rate: u32, seconds: u64) -> f64 {
    let mut meter = PathMeter::default();
    let mut looks = Vec::new();
    send(link, rate, Duration::from_secs(seconds), |now, reports| {
        meter.on_reports(now, &reports);
        looks.extend(meter.look(now).map(|path| path.is_congested));
    });
    assert!(looks.len() > 10, "it says something");
    share(looks.iter().filter(|is| **is).count(), looks.len())
}

#[test]
fn a_path_that_carries_what_is_sent_is_not_congested_however_far_or_rough() {
    for (delay, jitter, loss) in [(20, 0, 0), (300, 0, 0), (80, 60, 0), (40, 10, 10), (150, 120, 5)] {
        let mut link = Link::new(4_000_000.0);
        link.delay = Duration::from_millis(delay);
        (link.jitter, link.loss) = (jitter, loss);
        let share = congested(&mut link, 1_500_000, 60);
        assert!(share < 0.01, "delay {delay}, jitter {jitter}, loss {loss} %: {share}");
    }
}

#[test]
fn more_than_the_path_carries_is_seen_within_a_second_and_what_arrives_is_its_rate() {
    for queue in [50, 400] {
        let mut link = Link::new(500_000.0);
        link.queue = Duration::from_millis(queue);
        let mut meter = PathMeter::default();
        let (mut first, mut last, start) = (None, None, instant::now());
        let mut began = None;
        send(&mut link, 1_200_000, Duration::from_secs(5), |now, reports| {
            let began = *began.get_or_insert(now);
            meter.on_reports(now, &reports);
            let seen = meter.look(now);
            if seen.is_some_and(|path| path.is_congested) {
                first.get_or_insert(now - began);
            }
            last = seen.or(last);
        });
        assert!(start <= instant::now());
        assert!(first.is_some_and(|after| after < Duration::from_secs(1)), "queue {queue}: {first:?}");
        let delivered = last.expect("looked").delivered;
        assert!((400_000..650_000).contains(&delivered), "queue {queue}: {delivered}");
    }
}

#[test]
fn nothing_is_said_of_a_path_that_says_nothing() {
    let mut meter = PathMeter::default();
    let now = instant::now();
    assert_eq!(meter.look(now), None);
    let mut heard = now;
    send(&mut Link::new(1_000_000.0), 500_000, Duration::from_secs(2), |at, reports| {
        meter.on_reports(at, &reports);
        heard = at;
    });
    assert!(meter.look(heard).is_some());
    assert_eq!(meter.look(heard + Duration::from_secs(3)), None);
}

/// Why the engine's own estimator does not choose layers here: the figures of `docs/BENCHMARKS.md`.
#[test]
fn the_engines_estimator_promises_what_was_never_tried_and_falls_for_a_lossy_radio() {
    let after_a_minute = |link: &mut Link, rate: u32| {
        let mut gcc = Gcc::default();
        send(link, rate, Duration::from_mins(1), |now, reports| gcc.on_reports(now, &reports));
        gcc.target_bitrate()
    };
    let promised = after_a_minute(&mut Link::new(500_000.0), 150_000);
    assert!(promised > 2.0 * 500_000.0, "on a path of 500 kbit/s of which 150 were used: {promised}");
    let lossy = || Link { loss: 12, ..Link::new(8_000_000.0) };
    let fallen = after_a_minute(&mut lossy(), 1_500_000);
    assert!(fallen < 400_000.0, "on a path of 8 Mbit/s that loses 12 %: {fallen}");
    let ours = congested(&mut lossy(), 1_500_000, 60);
    assert!(ours < 0.05, "ours, on the same: {ours}");
}
