//! Whether so little passes to somebody that the sound alone is too much.
//!
//! The sound of others is never left out. Whoever speaks sends it in fewer bytes instead, once the room says who drowns;
//! the listener could say so too, but its own words drown with the rest.

use std::time::Duration;

use crate::domain::room::layers::Downstream;

/// Bits a second of a voice with everything that stands around its packets: where more arrives, a picture is too much.
const SOUND: u64 = 80_000;
/// A moment of congestion passes by itself, or costs a picture first.
const DROWNS_AFTER: Duration = Duration::from_millis(1_500);
/// So long must the path be calm before more is tried; doubled by each try that failed soon.
const DRIES_AFTER: Duration = Duration::from_secs(12);
const AT_MOST: Duration = Duration::from_secs(96);
/// A try that held so long has not failed.
const PROVED: Duration = Duration::from_secs(30);

/// How the sound fares on its way to one participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drowning {
    is_drowned: bool,
    /// Since when the other state is called for.
    since: Option<Duration>,
    dried_at: Option<Duration>,
    patience: Duration,
}

impl Default for Drowning {
    fn default() -> Self {
        Self { is_drowned: false, since: None, dried_at: None, patience: DRIES_AFTER }
    }
}

impl Drowning {
    /// Takes in how the path did; says the new state when it changes. `now` counts from any beginning, and never goes
    /// back. A path of which nothing is known changes nothing.
    pub fn observe(&mut self, now: Duration, path: Option<Downstream>) -> Option<bool> {
        let path = path?;
        let turns = if self.is_drowned { !path.is_congested } else { path.is_congested && path.delivered < SOUND };
        if !turns {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(now);
        let wait = if self.is_drowned { self.patience } else { DROWNS_AFTER };
        if now.saturating_sub(since) < wait {
            return None;
        }
        self.since = None;
        self.is_drowned = !self.is_drowned;
        if self.is_drowned {
            let failed = self.dried_at.is_some_and(|at| now.saturating_sub(at) < PROVED);
            self.patience = if failed { (self.patience * 2).min(AT_MOST) } else { DRIES_AFTER };
        } else {
            self.dried_at = Some(now);
        }
        Some(self.is_drowned)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FULL: Downstream = Downstream { is_congested: true, delivered: 40_000 };
    const CALM: Downstream = Downstream { is_congested: false, delivered: 30_000 };

    /// Looks four times a second; what was said, and when, in milliseconds.
    fn said(paths: impl IntoIterator<Item = Option<Downstream>>) -> Vec<(u64, bool)> {
        let mut drowning = Drowning::default();
        let looks = (0..).step_by(250).zip(paths);
        looks.filter_map(|(at, path)| Some((at, drowning.observe(Duration::from_millis(at), path)?))).collect()
    }

    #[test]
    fn who_gets_less_than_a_voice_drowns_after_a_second_and_a_half_and_is_dry_after_twelve_calm_ones() {
        let paths = std::iter::repeat_n(Some(FULL), 20).chain(std::iter::repeat_n(Some(CALM), 60));
        assert_eq!(said(paths), [(1_500, true), (17_000, false)]);
    }

    #[test]
    fn a_path_that_is_too_narrow_for_a_picture_alone_drowns_no_sound() {
        let picture = Downstream { is_congested: true, delivered: 200_000 };
        assert_eq!(said(std::iter::repeat_n(Some(picture), 400)), []);
    }

    #[test]
    fn a_moment_drowns_nobody_and_silence_about_the_path_changes_nothing() {
        let moments = (0..400).map(|at| Some(if at % 6 == 5 { CALM } else { FULL }));
        assert_eq!(said(moments), []);
        let unheard = std::iter::repeat_n(Some(FULL), 3).chain(std::iter::repeat_n(None, 40)).chain([Some(FULL)]);
        assert_eq!(said(unheard), [(10_750, true)]);
    }

    #[test]
    fn where_only_a_try_tells_it_is_tried_ever_later() {
        let mut drowning = Drowning::default();
        let (mut at, mut is_drowned, mut tries) = (Duration::ZERO, false, Vec::new());
        while tries.len() < 6 {
            let turned = drowning.observe(at, Some(if is_drowned { CALM } else { FULL }));
            if let Some(drowned) = turned {
                is_drowned = drowned;
                tries.extend((!drowned).then_some(at));
            }
            at += Duration::from_millis(250);
        }
        let between: Vec<_> = tries.windows(2).map(|two| two[1].saturating_sub(two[0]).as_secs()).collect();
        assert_eq!(between, [26, 50, 98, 98, 98]);
    }

    proptest! {
        #[test]
        fn it_says_one_and_the_other_in_turn_and_never_dries_in_haste(
            paths in proptest::collection::vec(proptest::option::of(any::<(bool, u32)>()), 0..600)
        ) {
            let paths = paths.into_iter().map(|path| {
                path.map(|(is_congested, delivered)| Downstream { is_congested, delivered: u64::from(delivered % 160_000) })
            });
            let said = said(paths);
            for (n, (at, is_drowned)) in said.iter().enumerate() {
                prop_assert_eq!(*is_drowned, n % 2 == 0);
                prop_assert!(*is_drowned || at - said[n - 1].0 >= 12_000);
            }
        }
    }
}
