//! A stream, looked at four times a second.

use proptest::prelude::*;

use super::*;

/// The looks of the relay.
const LOOK: u64 = 250;
/// A browser speaks of what it got so much later.
const WORD: u64 = 150;

/// What left and when, what of it arrived, and how its browser is.
struct Play {
    left: Vec<(u64, bool)>,
    until: u64,
    speaks: Speaks,
    /// From when on nothing comes from the browser.
    dies: Option<u64>,
}

impl Play {
    fn of_each(left: impl IntoIterator<Item = (u64, bool)>, until: u64) -> Self {
        Self { left: left.into_iter().collect(), until, speaks: Speaks::OfEach, dies: None }
    }

    /// Every change of what is missed, with its moment in milliseconds.
    fn said(&self) -> Vec<(u64, bool)> {
        let (mut passage, mut is_missed, mut said) = (Passage::new(Duration::ZERO), false, Vec::new());
        for now in (LOOK..=self.until).step_by(usize::try_from(LOOK).unwrap()) {
            let since = now - LOOK;
            let left = self.left.iter().filter(|(at, _)| (since..now).contains(at)).count();
            let is_alive = self.dies.is_none_or(|at| now < at);
            let did_arrive =
                is_alive && self.left.iter().any(|(at, arrives)| *arrives && (since..now).contains(&(at + WORD)));
            let passed = Passed { left: u64::try_from(left).unwrap(), did_arrive, speaks: self.speaks };
            let next = passage.observe(Duration::from_millis(now), passed, is_alive);
            if std::mem::replace(&mut is_missed, next) != next {
                said.push((now, next));
            }
        }
        said
    }
}

fn every(pause: usize, span: std::ops::Range<u64>, arrives: bool) -> impl Iterator<Item = (u64, bool)> {
    span.step_by(pause).map(move |at| (at, arrives))
}

#[test]
fn what_is_sent_and_does_not_arrive_is_missed_and_what_arrives_again_is_not() {
    let left =
        every(20, 0..10_000, true).chain(every(20, 10_000..20_000, false)).chain(every(20, 20_000..30_000, true));
    let said = Play::of_each(left, 30_000).said();
    assert_eq!(said, [(12_750, true), (20_250, false)]);
}

#[test]
fn ten_minutes_of_discontinuous_speech_are_not_missed_though_one_of_ten_packets_is_lost() {
    let speech = (0..600_000).filter(|ms| if ms % 10_000 < 2_000 { ms % 20 == 0 } else { ms % 400 == 0 });
    let left = speech.enumerate().map(|(at, ms)| (ms, at % 10 != 3));
    assert_eq!(Play::of_each(left, 600_000).said(), []);
}

#[test]
fn a_layer_that_rests_is_not_missed_though_its_last_packet_was_lost_nor_when_it_goes_on() {
    let left = every(20, 0..5_000, true).chain([(5_000, false)]).chain(every(20, 60_000..65_000, true));
    assert_eq!(Play::of_each(left, 65_000).said(), []);
}

#[test]
fn what_is_no_longer_sent_is_no_longer_missed() {
    let left = every(20, 0..2_000, true).chain(every(20, 2_000..8_000, false));
    let said = Play::of_each(left, 20_000).said();
    assert_eq!(said.len(), 2);
    assert!(said[1].0 <= 9_250 && !said[1].1, "{said:?}");
}

#[test]
fn nothing_is_missed_by_a_browser_of_which_nothing_comes_or_that_never_spoke() {
    let left = || every(20, 0..2_000, true).chain(every(20, 2_000..20_000, false));
    let gone = Play { dies: Some(2_500), ..Play::of_each(left(), 20_000) };
    assert_eq!(gone.said(), [], "it is cut off, and that is another word");
    let mute = Play { speaks: Speaks::Never, ..Play::of_each(every(20, 0..20_000, false), 20_000) };
    assert_eq!(mute.said(), []);
}

#[test]
fn a_browser_that_reports_seldom_is_given_time() {
    let reports = |at: u64| at.is_multiple_of(7_400);
    let left = (0..60_000).step_by(20).map(|at| (at, reports(at)));
    let seldom = Play { speaks: Speaks::Seldom, ..Play::of_each(left, 60_000) };
    assert_eq!(seldom.said(), []);
    let left = every(20, 0..5_000, true).chain(every(20, 5_000..40_000, false));
    let seldom = Play { speaks: Speaks::Seldom, ..Play::of_each(left, 40_000) };
    assert_eq!(seldom.said().len(), 1);
}

proptest! {
    #[test]
    fn whatever_speech_stops_arriving_is_told_within_three_and_a_half_seconds_and_once(
        last in 1_000_u64..20_000, pause in 10_usize..60,
    ) {
        let left = every(pause, 0..last, true).chain(every(pause, last..last + 10_000, false));
        let said = Play::of_each(left, last + 10_000).said();
        prop_assert_eq!(said.len(), 1, "{:?}", said);
        let after = said[0].0 - last;
        prop_assert!((2_000..=3_500).contains(&after), "after {}", after);
    }

    #[test]
    fn gaps_of_two_seconds_in_what_arrives_are_not_missed(
        spans in prop::collection::vec((20_u64..2_000, 20_u64..2_000), 1..20),
    ) {
        let (mut at, mut left) = (0, Vec::new());
        for (good, bad) in spans {
            left.extend(every(20, at..at + good, true));
            left.extend(every(20, at + good..at + good + bad, false));
            at += good + bad;
            // What ends a gap is a packet that came.
            left.push((at, true));
            at += 20;
        }
        prop_assert_eq!(Play::of_each(left, at).said(), []);
    }

    #[test]
    fn what_is_missed_was_sent_and_nothing_of_it_came(
        looks in prop::collection::vec((0_u64..30, any::<bool>(), any::<bool>()), 0..200),
    ) {
        let mut passage = Passage::new(Duration::ZERO);
        let mut since_word = 0;
        for (step, (left, did_arrive, is_alive)) in looks.into_iter().enumerate() {
            let now = Duration::from_millis(LOOK) * u32::try_from(step + 1).unwrap();
            since_word = if did_arrive { 0 } else { since_word + left };
            let passed = Passed { left, did_arrive, speaks: Speaks::OfEach };
            if passage.observe(now, passed, is_alive) {
                prop_assert!(!did_arrive && since_word >= FEW);
            }
        }
    }
}
