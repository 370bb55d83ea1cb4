//! How often a publisher is asked for whole pictures, whoever wishes them.

use std::time::{Duration, Instant};

/// A keyframe costs ten times the bits of another frame: a camera is asked for some at most this often, whatever the number
/// of its layers, of those who watch, and of the connections over which it comes.
const PAUSE: Duration = Duration::from_secs(1);

/// When one camera was asked for whole pictures.
#[derive(Debug, Default)]
pub(super) struct Pace {
    asked_at: Option<Instant>,
}

impl Pace {
    /// Which of the wished layers to ask for now, all in one request: a bit for each, and none when it is too early.
    pub(super) fn ask(&mut self, now: Instant, wished: u8) -> u8 {
        if wished == 0 || self.next().is_some_and(|at| at > now) {
            return 0;
        }
        self.asked_at = Some(now);
        wished
    }

    /// From when on it may be asked again; `None` before the first time.
    pub(super) fn next(&self) -> Option<Instant> {
        self.asked_at.map(|at| at + PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::instant;
    use crate::media::source::bit;

    const ALL: u8 = 0b111;

    /// The moments, in milliseconds, at which a publisher is asked when these are wished at these moments and until then.
    fn asked(wished: impl IntoIterator<Item = (u64, u8)>) -> Vec<(u64, u8)> {
        let (start, mut pace, mut open) = (instant::now(), Pace::default(), 0);
        let looks = wished.into_iter().map(|(at, layers)| {
            open |= layers;
            let due = pace.ask(start + Duration::from_millis(at), open);
            open &= !due;
            (at, due)
        });
        looks.filter(|(_, layers)| *layers != 0).collect()
    }

    #[test]
    fn whoever_and_however_many_wish_a_publisher_of_three_layers_is_asked_once_a_second() {
        // Three crowds, each on its own layer, and never in the same moment.
        let crowds = asked((0..10_000).map(|at| (at, bit(usize::try_from(at % 3).expect("small")))));
        let moments: Vec<_> = crowds.iter().map(|(at, _)| *at).collect();
        assert_eq!(moments, (0..10).map(|second| second * 1_000).collect::<Vec<_>>());
        assert!(crowds[1..].iter().all(|(_, layers)| *layers == ALL), "no layer is forgotten: {crowds:?}");
    }

    #[test]
    fn it_is_known_when_to_ask_again() {
        let (start, mut pace) = (instant::now(), Pace::default());
        let at = |millis: u64| start + Duration::from_millis(millis);
        assert_eq!(pace.ask(start, 0), 0);
        assert_eq!(pace.next(), None, "what nobody wished was not asked for");
        assert_eq!(pace.ask(at(10), ALL), ALL);
        assert_eq!(pace.next(), Some(at(1_010)));
    }

    proptest! {
        #[test]
        fn two_requests_never_follow_each_other_within_a_second(
            wishes in proptest::collection::vec((0_u64..400, 0_u8..=ALL), 0..300)
        ) {
            let times = wishes.iter().scan(0, |at, (pause, layers)| {
                *at += pause;
                Some((*at, *layers))
            });
            let asked = asked(times);
            prop_assert!(asked.windows(2).all(|two| two[1].0 - two[0].0 >= 1_000), "{:?}", asked);
        }
    }
}
