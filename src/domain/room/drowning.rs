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
/// What drowns comes up now and then: it is a moment only where it was calm for so long.
const BREATH: Duration = Duration::from_secs(1);
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
    full_at: Duration,
    dried_at: Option<Duration>,
    patience: Duration,
}

impl Default for Drowning {
    fn default() -> Self {
        Self { is_drowned: false, since: None, full_at: Duration::ZERO, dried_at: None, patience: DRIES_AFTER }
    }
}

impl Drowning {
    /// Whether the sound alone is too much.
    pub const fn is_drowned(&self) -> bool {
        self.is_drowned
    }

    /// Takes in how the path did; says the new state when it changes. `now` counts from any beginning, and never goes
    /// back. Nothing known of a path that was full a moment ago is no good news: its own reports drown first.
    pub fn observe(&mut self, now: Duration, path: Option<Downstream>) -> Option<bool> {
        let is_full = path.map(|path| path.is_congested && (self.is_drowned || path.delivered < SOUND));
        let turns = if self.is_drowned { self.dries(now, is_full) } else { self.drowns(now, is_full) };
        if !turns {
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

    fn drowns(&mut self, now: Duration, is_full: Option<bool>) -> bool {
        match is_full {
            Some(true) => {
                self.since.get_or_insert(now);
                self.full_at = now;
            }
            Some(false) if now.saturating_sub(self.full_at) >= BREATH => self.since = None,
            _ => {}
        }
        is_full != Some(false) && self.since.is_some_and(|since| now.saturating_sub(since) >= DROWNS_AFTER)
    }

    fn dries(&mut self, now: Duration, is_full: Option<bool>) -> bool {
        if is_full != Some(false) {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        now.saturating_sub(since) >= self.patience
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
    fn a_moment_drowns_nobody_but_who_comes_up_for_a_moment_drowns_all_the_same() {
        let moments = |full: u64| (0..400).map(move |at| Some(if at % 6 < full { FULL } else { CALM }));
        assert_eq!(said(moments(1)), []);
        assert_eq!(said(moments(3)).first(), Some(&(1_500, true)));
    }

    #[test]
    fn a_full_path_of_which_no_more_is_heard_is_full_and_one_that_was_calm_is_not() {
        let silence = || std::iter::repeat_n(None, 40);
        assert_eq!(said([Some(FULL)].into_iter().chain(silence())), [(1_500, true)]);
        assert_eq!(said([Some(CALM)].into_iter().chain(silence())), []);
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
