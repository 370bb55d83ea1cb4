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
            let left = u64::try_from(left).unwrap();
            let passed = Passed { left, did_arrive, speaks: self.speaks, lacks: None, is_unheard: false };
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

/// A stream of which its browser only reports now and then, and when its reports are made.
struct Reported {
    left: Vec<(u64, bool)>,
    reports: Vec<u64>,
    until: u64,
    page: Says,
}

/// What its page says of it.
enum Says {
    Nothing,
    /// The truth, which it looks at ten times a second.
    Truth,
    /// From then on that nothing comes.
    Errs(u64),
}

impl Reported {
    /// Reports as browsers make them: after the mean time, give or take half of it. `chances` are of one in a thousand.
    fn every(mean: u64, chances: &[u64], left: impl IntoIterator<Item = (u64, bool)>, until: u64) -> Self {
        let mut at = 0;
        let reports = chances.iter().cycle().map(|chance| {
            at += mean / 2 + mean * chance / 1_000;
            at
        });
        let reports = reports.take_while(|at| *at < until).collect();
        Self { left: left.into_iter().collect(), reports, until, page: Says::Nothing }
    }

    /// Whether the page says at this moment that nothing comes.
    fn is_unheard(&self, now: u64) -> bool {
        match self.page {
            Says::Nothing => false,
            Says::Errs(since) => now >= since,
            Says::Truth => {
                let looked = now.saturating_sub(WORD) / 100 * 100;
                let newest = self.left.iter().rev().find(|(at, arrives)| *arrives && *at <= looked);
                newest.is_some_and(|(at, _)| looked - at >= 2_000)
            }
        }
    }

    /// What a report made at this moment says: the place of the newest packet that came, and what it lacks.
    fn says(&self, made: u64) -> (Option<usize>, Option<Lack>) {
        let newest = self.left.iter().rposition(|(at, arrives)| *arrives && *at <= made);
        let lacked = self.left.iter().skip(newest.map_or(0, |newest| newest + 1)).filter(|(at, _)| *at <= made);
        let since = lacked.clone().next().map(|(at, _)| *at);
        let lack = since.map(|since| Lack {
            since: Duration::from_millis(since),
            spans: Duration::from_millis(made - since),
            count: u64::try_from(lacked.count()).unwrap(),
        });
        // Who got nothing at all reports of nothing.
        (newest, lack.filter(|_| newest.is_some()))
    }

    fn said(&self) -> Vec<(u64, bool)> {
        let (mut passage, mut is_missed, mut said) = (Passage::new(Duration::ZERO), false, Vec::new());
        let (mut newest, mut lacks) = (None, None);
        for now in (LOOK..=self.until).step_by(usize::try_from(LOOK).unwrap()) {
            let since = now - LOOK;
            let mut did_arrive = false;
            for made in self.reports.iter().filter(|made| (since..now).contains(&(**made + WORD))) {
                let (next, lack) = self.says(*made);
                did_arrive |= std::mem::replace(&mut newest, next) != next;
                lacks = lack;
            }
            let before = |moment: u64| self.left.partition_point(|(at, _)| *at < moment);
            let left = u64::try_from(before(now) - before(since)).unwrap();
            let passed = Passed { left, did_arrive, speaks: Speaks::Seldom, lacks, is_unheard: self.is_unheard(now) };
            let next = passage.observe(Duration::from_millis(now), passed, true);
            if std::mem::replace(&mut is_missed, next) != next {
                said.push((now, next));
            }
        }
        said
    }
}

#[test]
fn a_page_that_errs_is_believed_no_longer_than_until_the_browser_reports() {
    let play = Reported::every(5_000, &[300, 900], every(20, 0..60_000, true), 60_000);
    let report = play.reports.iter().find(|made| **made > 20_000).copied().unwrap();
    let said = Reported { page: Says::Errs(20_000), ..play }.said();
    assert!(said.len() == 2 && said[1].0 <= report + WORD + LOOK, "{said:?}, and the next report at {report}");
}

#[test]
fn of_what_rests_or_is_another_source_a_page_that_hears_nothing_is_not_believed_before_it_goes_on_for_as_long() {
    let left = every(20, 0..5_000, true).chain(every(20, 30_000..32_000, true));
    assert_eq!(Reported { page: Says::Truth, ..Reported::every(5_000, &[500], left, 32_000) }.said(), []);
    // A section that another source has now, of which the page said before that it hears nothing.
    let passed = |left| Passed { left, did_arrive: false, speaks: Speaks::Seldom, lacks: None, is_unheard: true };
    let mut passage = Passage::new(Duration::from_secs(100));
    let looks: Vec<_> =
        (1..=14).map(|look| passage.observe(Duration::from_millis(100_000 + look * LOOK), passed(12), true)).collect();
    assert_eq!(looks.iter().position(|is_missed| *is_missed), Some(9), "after two seconds and a half");
}

#[test]
fn what_a_layer_lost_before_it_rested_is_not_missed_when_it_goes_on() {
    let left = every(20, 0..5_000, true).chain(every(20, 5_000..6_200, false)).chain(every(20, 60_000..65_000, true));
    assert_eq!(Reported::every(1_000, &[500], left, 65_000).said(), []);
}

proptest! {
    #[test]
    fn pictures_of_which_a_browser_reports_now_and_then_are_told_within_three_and_a_half_seconds(
        last in 3_000_u64..20_000, pause in 10_usize..200, chances in prop::collection::vec(0_u64..1_000, 40),
    ) {
        let left = every(pause, 0..last, true).chain(every(pause, last..last + 10_000, false));
        let said = Reported::every(1_000, &chances, left, last + 10_000).said();
        prop_assert_eq!(said.len(), 1, "{:?}", said);
        let after = said[0].0 - last;
        prop_assert!((2_000..=3_500).contains(&after), "after {}", after);
    }

    #[test]
    fn sound_of_which_a_browser_reports_now_and_then_is_told_with_its_next_report_after_a_second_and_a_half(
        last in 8_000_u64..30_000, pause in 10_usize..60, chances in prop::collection::vec(0_u64..1_000, 40),
    ) {
        let left = every(pause, 0..last, true).chain(every(pause, last..last + 10_000, false));
        let play = Reported::every(5_000, &chances, left, last + 10_000);
        let said = play.said();
        prop_assert_eq!(said.len(), 1, "{:?}", said);
        let report = play.reports.iter().find(|made| **made >= last + 1_460).copied().unwrap();
        prop_assert!(said[0].0 <= (report + WORD + LOOK).max(last + 3_000), "after {} ms", said[0].0 - last);
        prop_assert!(said[0].0 - last <= 9_500);
    }

    #[test]
    fn sound_of_which_a_page_hears_nothing_is_told_within_three_and_a_half_seconds_and_no_longer_than_that_is_so(
        last in 8_000_u64..30_000, pause in 10_usize..60, chances in prop::collection::vec(0_u64..1_000, 40),
    ) {
        let (end, until) = (last + 6_000, last + 20_000);
        let left = every(pause, 0..last, true).chain(every(pause, last..end, false)).chain(every(pause, end..until, true));
        let said = Reported { page: Says::Truth, ..Reported::every(5_000, &chances, left, until) }.said();
        prop_assert_eq!(said.len(), 2, "{:?}", said);
        prop_assert!((2_000..=3_500).contains(&(said[0].0 - last)), "after {} ms", said[0].0 - last);
        prop_assert!(said[1].0 - end <= 600, "until {} ms after", said[1].0 - end);
    }

    #[test]
    fn of_what_is_reported_now_and_then_gaps_of_a_second_and_the_loss_of_one_packet_in_ten_are_not_missed(
        spans in prop::collection::vec((20_u64..4_000, 20_u64..1_300), 1..20),
        chances in prop::collection::vec(0_u64..1_000, 40),
        mean in prop::sample::select(vec![1_000_u64, 5_000]),
    ) {
        let (mut at, mut left) = (0, Vec::new());
        for (good, bad) in spans {
            left.extend(every(20, at..at + good, true).enumerate().map(|(nth, (at, _))| (at, nth % 10 != 3)));
            left.extend(every(20, at + good..at + good + bad, false));
            at += good + bad;
            left.push((at, true));
            at += 20;
        }
        let page = if mean == 1_000 { Says::Nothing } else { Says::Truth };
        prop_assert_eq!(Reported { page, ..Reported::every(mean, &chances, left, at) }.said(), []);
    }

    #[test]
    fn discontinuous_speech_of_which_a_browser_reports_now_and_then_is_not_missed(
        chances in prop::collection::vec(0_u64..1_000, 40), lost in 0_usize..10,
    ) {
        let speech = (0..60_000).filter(|ms| if ms % 10_000 < 2_000 { ms % 20 == 0 } else { ms % 400 == 0 });
        let left = speech.enumerate().map(|(at, ms)| (ms, at % 10 != lost));
        prop_assert_eq!(Reported { page: Says::Truth, ..Reported::every(5_000, &chances, left, 60_000) }.said(), []);
    }

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
            let passed = Passed { left, did_arrive, speaks: Speaks::OfEach, lacks: None, is_unheard: false };
            if passage.observe(now, passed, is_alive) {
                prop_assert!(!did_arrive && since_word >= FEW);
            }
        }
    }
}
