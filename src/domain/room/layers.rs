//! Which size of each picture a participant is sent: forwarding decisions as values.
//!
//! Two questions, asked several times a second for everybody who receives. How much may we send ([`Budget`])? And for
//! that much, which layer of which picture ([`share`])? Sound is not asked for: it goes first, and always.

use std::time::Duration;

/// Less than this is no video any more.
const LEAST: u64 = 40_000;
/// What is more than this is not worth counting.
const MOST: u64 = 20_000_000;
/// A cut is given this long to act before the next.
const BETWEEN_CUTS: Duration = Duration::from_millis(600);
/// How long nothing is raised after a cut; doubled for each cut that follows soon on a raise.
const FIRST_PAUSE: Duration = Duration::from_secs(4);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Trouble that lasts so long in spite of cuts is no hiccup of a busy machine.
const LASTING: Duration = Duration::from_secs(3);
/// Without trouble for so long, the pause begins small again.
const FORGIVEN: Duration = Duration::from_mins(1);

/// One size of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Pixels.
    pub height: u16,
    /// Bits a second, measured or expected.
    pub rate: u32,
    /// Whether it can be had: it flows, or it was paused for want of viewers.
    pub is_there: bool,
}

/// A picture that a participant may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The height in which it is shown, in pixels of the screen; 0 is not at all.
    pub shown: u16,
    /// Its layers, from small to large.
    pub layers: Vec<Layer>,
}

impl Picture {
    /// The smallest layer that fills the tile, or the largest there is.
    fn wanted(&self) -> Option<usize> {
        if self.shown == 0 {
            return None;
        }
        let there = || self.layers.iter().enumerate().filter(|(_, layer)| layer.is_there);
        // A tile a little larger than a layer is not worth four times the bits.
        let enough = |layer: &Layer| u32::from(layer.height) * 5 >= u32::from(self.shown) * 4;
        there().find(|(_, layer)| enough(layer)).or_else(|| there().next_back()).map(|(at, _)| at)
    }

    fn rate(&self, layer: usize) -> u64 {
        self.layers.get(layer).map_or(0, |layer| u64::from(layer.rate))
    }

    /// The next smaller layer that can be had.
    fn below(&self, layer: usize) -> Option<usize> {
        (0..layer).rev().find(|at| self.layers[*at].is_there)
    }
}

/// The layer of each picture for `budget` bits a second: `None` where there is nothing to send, or no room for it.
///
/// Everybody gets what the tile asks for, and while that is too much the picture that costs most goes one layer down;
/// when all are at the smallest, the smallest tile goes dark first, unless three quarters of what all cost are there: a
/// path that carries so much of a picture is one that hiccups, and the dark lasts longer than the hiccup.
pub fn share(budget: u64, pictures: &[Picture]) -> Vec<Option<usize>> {
    let mut chosen: Vec<_> = pictures.iter().map(Picture::wanted).collect();
    loop {
        let cost = cost(&chosen, pictures);
        if cost <= budget {
            return chosen;
        }
        let lower = chosen.iter().zip(pictures).enumerate();
        let lower = lower.filter_map(|(n, (at, picture))| Some((n, picture.rate((*at)?), picture.below((*at)?)?)));
        if let Some((n, _, below)) = lower.max_by_key(|(n, rate, _)| (*rate, std::cmp::Reverse(*n))) {
            chosen[n] = Some(below);
            continue;
        }
        if cost * 3 / 4 <= budget {
            return chosen;
        }
        let lit = chosen.iter().zip(pictures).enumerate().filter(|(_, (at, _))| at.is_some());
        let Some((n, _)) = lit.min_by_key(|(n, (_, picture))| (picture.shown, std::cmp::Reverse(*n))) else {
            return chosen;
        };
        chosen[n] = None;
    }
}

fn cost(chosen: &[Option<usize>], pictures: &[Picture]) -> u64 {
    chosen.iter().zip(pictures).filter_map(|(at, picture)| Some(picture.rate((*at)?))).sum()
}

/// What it takes, in bits a second, to light the largest of the tiles that are dark for want of room; `None` when none is.
pub fn to_light(chosen: &[Option<usize>], pictures: &[Picture]) -> Option<u64> {
    let dark = chosen.iter().zip(pictures).enumerate();
    let dark = dark.filter(|(_, (at, picture))| at.is_none() && picture.wanted().is_some());
    // The one that went dark last.
    let (_, (_, largest)) = dark.max_by_key(|(n, (_, picture))| (picture.shown, std::cmp::Reverse(*n)))?;
    let smallest = largest.layers.iter().position(|layer| layer.is_there)?;
    Some(cost(chosen, pictures) + largest.rate(smallest))
}

/// How a participant's downstream did since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downstream {
    /// More was sent than the path carries: a queue stands, or much is lost.
    pub is_congested: bool,
    /// Bits a second that arrived.
    pub delivered: u64,
}

/// How much a participant may be sent: all there is, until its path says no.
///
/// Down at once, to what arrived; up slowly, and after each failed attempt later. So a path that carries one layer is
/// not asked for two every few seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    limit: Option<u64>,
    cut_at: Option<Duration>,
    raised_at: Option<Duration>,
    pause: Duration,
    looked_at: Option<Duration>,
    congested_since: Option<Duration>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { limit: None, cut_at: None, raised_at: None, pause: FIRST_PAUSE, looked_at: None, congested_since: None }
    }
}

impl Budget {
    /// Bits a second for video and sound together.
    pub fn bits(&self) -> u64 {
        self.limit.unwrap_or(MOST)
    }

    /// Whether the path has said no and was not forgiven yet.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Takes in how it went; `now` counts from any beginning, and never goes back.
    pub fn observe(&mut self, now: Duration, path: Downstream) {
        let passed = self.looked_at.replace(now).map_or(Duration::ZERO, |before| now.saturating_sub(before));
        if path.is_congested {
            let since = *self.congested_since.get_or_insert(now);
            if self.cut_at.is_some_and(|at| now.saturating_sub(at) < BETWEEN_CUTS) {
                return;
            }
            let failed = self.raised_at.is_some_and(|at| now.saturating_sub(at) < 2 * FIRST_PAUSE);
            // A first cut after a long quiet is news; one soon after a raise says that the raise was wrong.
            if failed && self.cut_at.is_some_and(|at| now.saturating_sub(at) >= self.pause) {
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            let limit = self.limit.unwrap_or(MOST);
            // What was cut acts only when the queue of before has drained; a queue that stands longer wants more.
            let lasts = now.saturating_sub(since) >= LASTING;
            let carried = if lasts { path.delivered.min(limit) } else { path.delivered };
            self.limit = Some((carried * 85 / 100).min(limit).max(LEAST));
            self.cut_at = Some(now);
            return;
        }
        self.congested_since = None;
        let (Some(limit), Some(cut_at)) = (self.limit, self.cut_at) else { return };
        let quiet = now.saturating_sub(cut_at);
        if quiet >= FORGIVEN {
            self.pause = FIRST_PAUSE;
        }
        if quiet < self.pause {
            return;
        }
        let grown = limit + limit * u64::try_from(passed.as_millis().min(1000)).unwrap_or(1000) / 5000;
        self.raised_at = Some(now);
        self.limit = Some(grown).filter(|grown| *grown < MOST);
    }

    /// Somebody looks at a dark tile, and `bits` would light it: after the pause it is tried, whatever the path says. A
    /// path over which nothing is sent says nothing.
    pub fn try_for(&mut self, now: Duration, bits: u64) {
        let (Some(limit), Some(cut_at)) = (self.limit, self.cut_at) else { return };
        if limit < bits && now.saturating_sub(cut_at) >= self.pause {
            self.raised_at = Some(now);
            self.limit = Some(bits);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layer(height: u16, rate: u32) -> Layer {
        Layer { height, rate, is_there: true }
    }

    fn camera(shown: u16) -> Picture {
        Picture { shown, layers: vec![layer(180, 150_000), layer(360, 500_000), layer(720, 1_500_000)] }
    }

    #[test]
    fn a_small_tile_gets_the_small_picture_and_a_hidden_one_none() {
        assert_eq!(
            share(MOST, &[camera(0), camera(120), camera(300), camera(400), camera(1080)]),
            [None, Some(0), Some(1), Some(1), Some(2)]
        );
    }

    #[test]
    fn what_is_too_much_goes_down_where_it_costs_most_and_the_smallest_tile_goes_dark_first() {
        assert_eq!(share(2_100_000, &[camera(720), camera(720)]), [Some(1), Some(2)]);
        assert_eq!(share(700_000, &[camera(720), camera(720)]), [Some(0), Some(1)]);
        assert_eq!(share(200_000, &[camera(720), camera(180)]), [Some(0), None]);
        assert_eq!(share(100_000, &[camera(720), camera(180)]), [None, None]);
    }

    #[test]
    fn a_layer_that_cannot_be_had_is_not_chosen() {
        let mut weak = camera(720);
        weak.layers[2].is_there = false;
        assert_eq!(share(MOST, &[weak]), [Some(1)]);
    }

    fn seconds(count: f64) -> Duration {
        Duration::from_secs_f64(count)
    }

    #[test]
    fn a_path_that_says_no_is_heard_at_once_and_asked_again_ever_later() {
        let mut budget = Budget::default();
        assert_eq!(budget.bits(), MOST);
        // A path of 600 kbit/s. We send what the layers of one camera allow.
        let (mut raises, mut last) = (Vec::new(), 2);
        for step in 0..2400 {
            let now = seconds(f64::from(step) * 0.25);
            let chosen = share(budget.bits(), &[camera(720)])[0];
            let sent: u64 = chosen.map_or(0, |at| [150_000, 500_000, 1_500_000][at]);
            if chosen > Some(last) {
                raises.push(step / 4);
            }
            last = chosen.unwrap_or(0);
            budget.observe(now, Downstream { is_congested: sent > 600_000, delivered: sent.min(600_000) });
        }
        let to_the_top = raises.len();
        assert!(to_the_top >= 3, "it does ask again: {raises:?}");
        let late = raises.iter().filter(|second| **second >= 300).count();
        assert!(late <= 12, "but not every few seconds: {raises:?}");
    }

    #[test]
    fn a_path_that_recovers_is_trusted_again() {
        let mut budget = Budget::default();
        budget.observe(seconds(1.0), Downstream { is_congested: true, delivered: 300_000 });
        assert_eq!(budget.bits(), 255_000);
        let mut at = 1.0;
        while budget.bits() < 2_000_000 {
            at += 0.25;
            budget.observe(seconds(at), Downstream { is_congested: false, delivered: 300_000 });
            assert!(at < 30.0, "{budget:?}");
        }
    }

    #[test]
    fn a_hiccup_darkens_nothing_and_lasting_trouble_does() {
        // Two sizes of a weak machine; the path carries all, and late.
        let weak = Picture { shown: 720, layers: vec![layer(360, 200_000)] };
        let mut budget = Budget::default();
        let mut dark_at = None;
        for step in 0..40 {
            let now = Duration::from_millis(250) * step;
            let chosen = share(budget.bits(), std::slice::from_ref(&weak))[0];
            if chosen.is_none() {
                dark_at.get_or_insert(now);
            }
            budget.observe(now, Downstream { is_congested: true, delivered: 200_000 });
        }
        let dark_at = dark_at.expect("it lasted ten seconds");
        assert!((LASTING..LASTING * 2).contains(&dark_at), "{dark_at:?}");
    }

    #[test]
    fn a_dark_tile_is_tried_after_the_pause_though_nothing_is_heard_of_the_path() {
        let mut budget = Budget::default();
        budget.observe(seconds(1.0), Downstream { is_congested: true, delivered: 0 });
        let pictures = [camera(720)];
        let need = to_light(&share(budget.bits(), &pictures), &pictures).expect("dark");
        budget.try_for(seconds(4.9), need);
        assert_eq!(share(budget.bits(), &pictures), [None], "not yet");
        budget.try_for(seconds(5.0), need);
        assert_eq!(share(budget.bits(), &pictures), [Some(0)]);
        // It failed: the next attempt is later.
        budget.observe(seconds(6.0), Downstream { is_congested: true, delivered: 0 });
        budget.try_for(seconds(13.9), need);
        assert_eq!(share(budget.bits(), &pictures), [None]);
        budget.try_for(seconds(14.0), need);
        assert_eq!(share(budget.bits(), &pictures), [Some(0)]);
    }

    fn any_picture() -> impl Strategy<Value = Picture> {
        let layers = proptest::collection::vec((90_u16..1080, 1_u32..3_000_000, any::<bool>()), 0..4);
        (0_u16..1400, layers).prop_map(|(shown, mut layers)| {
            layers.sort_unstable();
            let layers = layers.into_iter().map(|(height, rate, is_there)| Layer { height, rate, is_there });
            Picture { shown, layers: layers.collect() }
        })
    }

    proptest! {
        #[test]
        fn nobody_is_sent_more_than_the_budget_nor_what_is_not_there(
            budget in 0_u64..8_000_000, pictures in proptest::collection::vec(any_picture(), 0..12),
        ) {
            let chosen = share(budget, &pictures);
            prop_assert_eq!(chosen.len(), pictures.len());
            let mut cost = 0;
            for (at, picture) in chosen.iter().zip(&pictures) {
                if let Some(at) = at {
                    prop_assert!(picture.shown > 0 && picture.layers[*at].is_there);
                    cost += u64::from(picture.layers[*at].rate);
                }
            }
            let is_smallest = chosen.iter().zip(&pictures).all(|(at, picture)| at.is_none_or(|at| picture.below(at).is_none()));
            prop_assert!(cost <= budget || (is_smallest && cost * 3 / 4 <= budget));
        }

        #[test]
        fn a_dark_tile_is_lit_for_what_it_takes(
            budget in 0_u64..8_000_000, pictures in proptest::collection::vec(any_picture(), 0..12),
        ) {
            let chosen = share(budget, &pictures);
            let lit = |chosen: &[Option<usize>]| chosen.iter().flatten().count();
            if let Some(bits) = to_light(&chosen, &pictures) {
                prop_assert!(lit(&share(bits, &pictures)) > lit(&chosen));
            } else {
                prop_assert_eq!(lit(&chosen), lit(&share(u64::MAX, &pictures)));
            }
        }

        #[test]
        fn with_room_enough_every_shown_picture_fills_its_tile(pictures in proptest::collection::vec(any_picture(), 0..12)) {
            for (at, picture) in share(u64::MAX, &pictures).iter().zip(&pictures) {
                prop_assert_eq!(*at, picture.wanted());
            }
        }

        #[test]
        fn a_budget_never_rises_while_the_path_is_congested(
            looks in proptest::collection::vec((any::<bool>(), 0_u64..4_000_000), 1..200),
        ) {
            let mut budget = Budget::default();
            for (step, (is_congested, delivered)) in looks.into_iter().enumerate() {
                let before = budget.bits();
                budget.observe(Duration::from_millis(250) * u32::try_from(step).unwrap_or(0), Downstream { is_congested, delivered });
                if is_congested {
                    prop_assert!(budget.bits() <= before);
                }
                prop_assert!(budget.bits() >= LEAST);
            }
        }
    }
}
