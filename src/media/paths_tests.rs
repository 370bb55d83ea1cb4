//! Where packets go, by given moments.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::media::instant;

fn address(n: u16) -> SocketAddr {
    ([192, 0, 2, 7], 1000 + n).into()
}

/// A browser at several addresses, and what it was asked.
struct Scene {
    paths: Paths,
    start: Instant,
    questions: u8,
}

impl Scene {
    fn new() -> Self {
        Self { paths: Paths::default(), start: instant::now(), questions: 0 }
    }

    fn at(&self, millis: u64) -> Instant {
        self.start + Duration::from_millis(millis)
    }

    fn checks(&mut self, millis: u64, n: u16, nominates: bool) -> Option<Transaction> {
        self.questions = self.questions.wrapping_add(1);
        let (now, fresh) = (self.at(millis), [self.questions; 12]);
        self.paths.checked(now, address(n), nominates, || Some(fresh))
    }

    fn answers(&mut self, millis: u64, n: u16, question: Transaction) -> bool {
        let now = self.at(millis);
        self.paths.answered(now, address(n), question)
    }

    fn carries(&mut self, millis: u64, n: u16) -> Option<Transaction> {
        self.questions = self.questions.wrapping_add(1);
        let (now, fresh) = (self.at(millis), [self.questions; 12]);
        self.paths.strays(now, address(n)).then(|| self.paths.strayed(now, address(n), || Some(fresh)))?
    }

    fn goes_to(&self, millis: u64) -> Option<SocketAddr> {
        self.paths.to(self.at(millis))
    }
}

#[test]
fn the_first_address_that_a_check_came_from_is_used_and_is_not_asked() {
    let mut scene = Scene::new();
    assert_eq!(scene.goes_to(0), None);
    assert_eq!(scene.checks(0, 1, false), None);
    assert_eq!(scene.goes_to(0), Some(address(1)));
}

#[test]
fn another_address_is_used_when_it_was_nominated_and_answered_in_either_order() {
    let mut scene = Scene::new();
    scene.checks(0, 1, true);
    let question = scene.checks(10, 2, true).expect("asked");
    assert_eq!(scene.goes_to(20), Some(address(1)), "nominated is not enough");
    assert!(!scene.answers(20, 3, question), "from elsewhere");
    assert!(!scene.answers(20, 2, [99; 12]), "another question");
    assert_eq!(scene.goes_to(20), Some(address(1)));
    assert!(scene.answers(30, 2, question));
    assert_eq!(scene.goes_to(30), Some(address(2)));

    let question = scene.checks(40, 3, false).expect("asked");
    assert!(scene.answers(50, 3, question));
    assert_eq!(scene.goes_to(50), Some(address(2)), "answered is not enough");
    assert_eq!(scene.checks(60, 3, true), None, "and is asked no more");
    assert_eq!(scene.goes_to(60), Some(address(3)));
}

#[test]
fn an_answer_is_worth_thirty_seconds_and_not_a_millisecond_more() {
    for (later, is_used) in [(29_999, true), (30_000, false)] {
        let mut scene = Scene::new();
        scene.checks(0, 1, true);
        let question = scene.checks(0, 2, false).expect("asked");
        assert!(scene.answers(0, 2, question));
        scene.checks(20_000, 1, false);
        assert_eq!(scene.checks(later, 2, true).is_none(), is_used);
        assert_eq!(scene.goes_to(later), Some(address(if is_used { 2 } else { 1 })));
    }
}

#[test]
fn after_thirty_seconds_of_silence_nothing_goes_to_an_address_until_its_browser_answers_there() {
    let mut scene = Scene::new();
    scene.checks(0, 1, true);
    scene.checks(2_500, 1, false);
    assert_eq!(scene.goes_to(32_499), Some(address(1)), "a check that nominates nothing is a sign, too");
    assert_eq!(scene.goes_to(32_500), None);
    let question = scene.checks(40_000, 1, false).expect("it may be somebody else's by now");
    assert_eq!(scene.goes_to(40_000), None);
    assert!(scene.answers(40_030, 1, question));
    assert_eq!(scene.goes_to(40_030), Some(address(1)));
    assert_eq!(scene.goes_to(70_030), None);
}

#[test]
fn checks_from_elsewhere_do_not_keep_a_silent_address_in_use() {
    let mut scene = Scene::new();
    scene.checks(0, 1, true);
    for at in (0..30_000).step_by(500) {
        scene.checks(at, 2, true);
    }
    assert_eq!(scene.goes_to(29_999), Some(address(1)));
    assert_eq!(scene.goes_to(30_000), None);
}

#[test]
fn what_was_asked_under_the_name_of_before_proves_nothing() {
    let mut scene = Scene::new();
    scene.checks(0, 1, true);
    let question = scene.checks(10, 2, true).expect("asked");
    let now = scene.at(20);
    scene.paths.renew(now);
    assert!(!scene.answers(30, 2, question));
    let again = scene.checks(40, 2, true).expect("asked anew");
    assert!(scene.answers(50, 2, again));
    assert_eq!(scene.goes_to(50), Some(address(2)));
}

#[test]
fn a_browser_that_sends_from_another_address_and_no_more_from_the_one_in_use_is_asked_there_and_reached() {
    let mut scene = Scene::new();
    scene.checks(0, 1, true);
    let first = scene.checks(10, 2, false).expect("asked");
    assert!(scene.answers(20, 2, first));
    for at in (20..5_000).step_by(20) {
        assert_eq!(scene.carries(at, 1), None);
    }
    // What was sent before is there later, and is overtaken.
    assert_eq!(scene.carries(5_100, 2), None);
    assert_eq!(scene.carries(5_129, 2), None);
    let question = scene.carries(5_130, 2).expect("asked");
    assert_eq!(scene.goes_to(5_150), Some(address(1)), "whoever sends may have forged where from");
    assert!(scene.carries(5_160, 2).is_none_or(|again| again == question));
    assert!(scene.answers(5_180, 2, question));
    assert_eq!(scene.goes_to(5_180), Some(address(2)));
}

#[test]
fn what_is_late_from_the_address_of_before_takes_no_packet_back_there() {
    let mut scene = Scene::new();
    scene.checks(0, 1, true);
    let question = scene.checks(10, 2, true).expect("asked");
    assert!(scene.answers(1_000, 2, question));
    assert_eq!(scene.carries(1_010, 1), None);
    for at in (1_020..9_000).step_by(20) {
        assert_eq!((scene.carries(at, 2), scene.carries(at + 5, 1)), (None, None));
    }
    assert_eq!(scene.goes_to(9_000), Some(address(2)));
}

/// What may happen to a connection. Addresses below [`OWN`] are the browser's; the others are forged, and answer nothing.
#[derive(Clone, Copy, Debug)]
enum Step {
    Check {
        n: u16,
        nominates: bool,
    },
    /// Media, which anybody may have sent.
    Carry {
        n: u16,
    },
    /// The answer to what was asked there last.
    Answer {
        n: u16,
    },
    /// An answer to what was asked elsewhere.
    Misplaced {
        n: u16,
    },
    Renew,
    Wait {
        millis: u64,
    },
}

const OWN: u16 = 3;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..8_u16, any::<bool>()).prop_map(|(n, nominates)| Step::Check { n, nominates }),
        4 => (0..8_u16).prop_map(|n| Step::Carry { n }),
        4 => (0..OWN).prop_map(|n| Step::Answer { n }),
        2 => (OWN..8).prop_map(|n| Step::Misplaced { n }),
        1 => Just(Step::Renew),
        4 => (1..40_000_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

proptest! {
    #[test]
    fn packets_go_to_the_first_address_or_to_one_that_answered_and_only_where_the_browser_was_heard_lately(
        first in 0..OWN, steps in proptest::collection::vec(step(), 0..200),
    ) {
        let mut scene = Scene::new();
        scene.checks(0, first, true);
        let (mut now, mut asked) = (0, HashMap::new());
        let (mut answered, mut heard) = (HashSet::from([first]), HashMap::from([(first, 0)]));
        let mut number = 0_u64;
        for step in steps {
            match step {
                Step::Check { n, nominates } => {
                    number += 1;
                    let mut fresh = [0; 12];
                    fresh[..8].copy_from_slice(&number.to_be_bytes());
                    let at = scene.at(now);
                    if let Some(question) = scene.paths.checked(at, address(n), nominates, || Some(fresh)) {
                        asked.insert(n, question);
                    }
                    heard.insert(n, now);
                }
                Step::Carry { n } => {
                    number += 1;
                    let mut fresh = [0; 12];
                    fresh[..8].copy_from_slice(&number.to_be_bytes());
                    let at = scene.at(now);
                    if scene.paths.strays(at, address(n))
                        && let Some(question) = scene.paths.strayed(at, address(n), || Some(fresh))
                    {
                        asked.insert(n, question);
                    }
                }
                Step::Answer { n } => {
                    if asked.get(&n).is_some_and(|question| scene.answers(now, n, *question)) {
                        answered.insert(n);
                        heard.insert(n, now);
                    }
                }
                Step::Misplaced { n } => {
                    for question in asked.iter().filter(|(of, _)| **of != n).map(|(_, question)| *question) {
                        prop_assert!(!scene.answers(now, n, question), "an answer proves where it was asked for alone");
                    }
                }
                Step::Renew => {
                    let at = scene.at(now);
                    scene.paths.renew(at);
                }
                Step::Wait { millis } => now += millis,
            }
            if let Some(to) = scene.goes_to(now) {
                let n = (0..8).find(|n| address(*n) == to).expect("one of them");
                prop_assert!(answered.contains(&n), "{n} never answered");
                prop_assert!(now - heard[&n] < 30_000, "{n} is silent");
            }
        }
    }

    #[test]
    fn a_browser_that_nominates_and_answers_is_reached_at_once_whatever_was_forged_before(
        forged in proptest::collection::vec((OWN..200, any::<bool>(), 0..500_u64), 0..60),
    ) {
        let mut scene = Scene::new();
        scene.checks(0, 0, true);
        let mut now = 0;
        for (n, nominates, pause) in forged {
            now += pause;
            scene.checks(now, n, nominates);
        }
        // Whoever's turn to be asked it is, a second later there is room.
        now += 1_000;
        let question = scene.checks(now, 1, true).expect("asked");
        prop_assert!(scene.answers(now + 30, 1, question));
        prop_assert_eq!(scene.goes_to(now + 30), Some(address(1)));
    }
}
