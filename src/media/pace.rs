//! How often a publisher is asked for whole pictures, whoever wishes them.

use std::time::{Duration, Instant};

use super::layer::LAYERS;
use super::source::bit;

/// A keyframe costs ten times the bits of another frame: a layer is asked for one at most this often, and so is its
/// publisher, whatever the number of layers and of those who watch.
const PAUSE: Duration = Duration::from_secs(1);
/// Requests that may follow each other sooner, once: whoever changes from one layer to another does not wait for the pause
/// of somebody else's. In ten seconds there are eleven at most.
const BURST: u32 = 2;

/// What was asked of one publisher's stream of pictures, and when.
#[derive(Debug, Default)]
pub(super) struct Pace {
    asked: [Option<Instant>; LAYERS],
    /// When everything that was asked would be paid for, at one request in a [`PAUSE`].
    paid_at: Option<Instant>,
}

impl Pace {
    /// Which of the wished layers to ask for now, all in one request: a bit for each, and none when it is too early.
    pub(super) fn ask(&mut self, now: Instant, wished: u8) -> u8 {
        let due =
            (0..LAYERS).filter(|layer| wished & bit(*layer) != 0 && self.layer_at(*layer).is_none_or(|at| at <= now));
        let due = due.fold(0, |all, layer| all | bit(layer));
        if due == 0 || self.anything_at().is_some_and(|at| at > now) {
            return 0;
        }
        for (layer, asked) in self.asked.iter_mut().enumerate() {
            if due & bit(layer) != 0 {
                *asked = Some(now);
            }
        }
        self.paid_at = Some(self.paid_at.map_or(now, |at| at.max(now)) + PAUSE);
        due
    }

    /// When one of the wished layers may be asked for; `None` when none is wished.
    pub(super) fn next(&self, wished: u8) -> Option<Instant> {
        let layers = (0..LAYERS).filter(|layer| wished & bit(*layer) != 0);
        let soonest = layers.map(|layer| self.layer_at(layer)).min()?;
        soonest.max(self.anything_at())
    }

    fn layer_at(&self, layer: usize) -> Option<Instant> {
        self.asked.get(layer).copied().flatten().map(|at| at + PAUSE)
    }

    fn anything_at(&self) -> Option<Instant> {
        self.paid_at?.checked_sub(PAUSE * (BURST - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::instant;

    const ALL: u8 = 0b111;

    /// The moments, in milliseconds, at which a publisher is asked when these are wished at every millisecond of ten seconds.
    fn asked(wished: impl Fn(u64) -> u8) -> Vec<(u64, u8)> {
        let (start, mut pace) = (instant::now(), Pace::default());
        let looks = (0..10_000).map(|at| (at, pace.ask(start + Duration::from_millis(at), wished(at))));
        looks.filter(|(_, layers)| *layers != 0).collect()
    }

    #[test]
    fn whoever_and_however_many_wish_a_publisher_of_three_layers_is_asked_once_a_second() {
        assert_eq!(asked(|_| ALL).len(), 10, "all at once are one request");
        // Three crowds, each on its own layer, and never in the same moment.
        let crowds = asked(|at| bit(usize::try_from(at % 3).expect("small")));
        assert!(crowds.len() <= 11, "{crowds:?}");
        for layer in 0..LAYERS {
            let of: Vec<_> = crowds.iter().filter(|(_, layers)| layers & bit(layer) != 0).map(|(at, _)| *at).collect();
            assert!(of.len() >= 3, "no layer is forgotten: {crowds:?}");
            assert!(of.windows(2).all(|two| two[1] - two[0] >= 1_000), "{crowds:?}");
        }
    }

    #[test]
    fn a_change_of_layer_does_not_wait_for_the_pause_of_another() {
        assert_eq!(asked(|at| if at < 300 { bit(0) } else { bit(2) })[..2], [(0, bit(0)), (300, bit(2))]);
    }

    #[test]
    fn it_is_known_when_to_ask_again() {
        let (start, mut pace) = (instant::now(), Pace::default());
        let at = |millis: u64| start + Duration::from_millis(millis);
        assert_eq!(pace.next(0), None);
        for millis in 0..10_000 {
            let (now, due) = (at(millis), pace.next(bit(1)).unwrap_or(start));
            assert_eq!(pace.ask(now, bit(1)) != 0, due <= now, "at {millis}");
        }
    }
}
