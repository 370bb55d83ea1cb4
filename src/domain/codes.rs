//! One-time codes: how long they live, how often they may be tried, how often they may be sent.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// Digits of a code.
pub const DIGITS: usize = 6;
/// How long a code is good.
pub const LIFETIME: Duration = Duration::from_mins(10);
/// How often one code may be tried; twenty codes an hour for a number make 100 guesses of a million.
pub const ATTEMPTS: u32 = 5;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At most this often within any [`WINDOW`].
    pub most: usize,
    /// At least this long after the last time.
    pub gap: Duration,
}

/// The span over which [`Limit::most`] is counted.
pub const WINDOW: Duration = Duration::from_hours(1);

/// For one telephone number asked for at one place, or within one block of IPv6: nobody needs more codes than that. It is counted by place, so that a
/// stranger who asks for codes to somebody's number spends their own and not the owner's.
pub const PER_NUMBER_AND_PLACE: Limit = Limit { most: 5, gap: Duration::from_mins(1) };
/// For one telephone number wherever it is asked for, but where it has been signed in from: its owner must not be flooded with
/// messages. To keep an owner in a new place from a code, a stranger must sit in four networks, or blocks of them, at once, and for as long as it
/// is to last.
pub const PER_NUMBER: Limit = Limit { most: 20, gap: Duration::ZERO };
/// For one place, a network address: whoever sits there must not spend the hospital's money. A ward or a family behind
/// one address stays below it.
pub const PER_PLACE: Limit = Limit { most: 20, gap: Duration::ZERO };
/// The same in a demonstration, where no message is sent and everybody comes from the same machine.
pub const PER_PLACE_IN_DEMO: Limit = Limit { most: 500, gap: Duration::ZERO };
/// For one block of IPv6, which has 256 such places: as much as for four of them.
pub const PER_BLOCK: Limit = Limit { most: 80, gap: Duration::ZERO };
/// For a whole institution: ten new patients a minute, more than its desks can see. Beyond it somebody drains its account
/// at the gateway from many networks.
pub const PER_INSTITUTION: Limit = Limit { most: 600, gap: Duration::ZERO };

/// Too often; nothing was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooOften {
    /// The gap is not over; it ends after this.
    Gap(Duration),
    /// The window is full; a place is free after this.
    Window(Duration),
}

/// The moments to remember when it happens once more at `now`, oldest first; only those that still count are kept.
pub fn admit(before: &[Timestamp], now: Timestamp, limit: Limit) -> Result<Vec<Timestamp>, TooOften> {
    // A clock that was set back must not lock anybody out until it catches up.
    let counted = |at: &Timestamp| *at <= now && now.since(*at) < WINDOW;
    let mut recent: Vec<Timestamp> = before.iter().copied().filter(counted).collect();
    recent.sort_unstable();
    if let Some(last) = recent.last()
        && now.since(*last) < limit.gap
    {
        return Err(TooOften::Gap(limit.gap.saturating_sub(now.since(*last))));
    }
    if recent.len() >= limit.most {
        let first_to_leave = recent[recent.len() - limit.most];
        return Err(TooOften::Window(WINDOW.saturating_sub(now.since(first_to_leave))));
    }
    recent.push(now);
    Ok(recent)
}

/// Whole seconds to wait, rounded up, so that who waits them is not refused again.
pub fn seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_number_waits_a_minute_for_the_next_code() {
        let sent = admit(&[], at(0), PER_NUMBER_AND_PLACE).unwrap();
        assert_eq!(admit(&sent, at(59), PER_NUMBER_AND_PLACE), Err(TooOften::Gap(Duration::from_secs(1))));
        assert_eq!(admit(&sent, at(60), PER_NUMBER_AND_PLACE), Ok(vec![at(0), at(60)]));
    }

    #[test]
    fn no_hour_holds_more_than_five_codes_wherever_it_begins() {
        let mut sent = Vec::new();
        let mut admitted = Vec::new();
        for second in (0..4 * 3600).step_by(10) {
            if let Ok(next) = admit(&sent, at(second), PER_NUMBER_AND_PLACE) {
                sent = next;
                admitted.push(second);
            }
        }
        for window in admitted.windows(6) {
            assert!(window[5] - window[0] >= 3600);
        }
        assert!(admitted.len() >= 20);
    }

    #[test]
    fn the_wait_that_is_told_is_the_wait_that_is_needed() {
        let sent: Vec<_> = (0..5).map(|n| at(n * 100)).collect();
        let Err(TooOften::Window(wait)) = admit(&sent, at(1000), PER_NUMBER_AND_PLACE) else {
            panic!("the window is full")
        };
        assert!(admit(&sent, at(1000) + wait.saturating_sub(Duration::from_millis(1)), PER_NUMBER_AND_PLACE).is_err());
        assert!(admit(&sent, at(1000) + wait, PER_NUMBER_AND_PLACE).is_ok());
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        assert_eq!(admit(&[at(9000)], at(10), PER_NUMBER), Ok(vec![at(10)]));
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_secs(2)), 2);
    }
}
