//! For how long somebody who proved who they are is taken for that person: until they rest.
//!
//! A doctor or pharmacist proves it at the sign-in and again after rest, before the next patient is called or anything is signed
//! (互联网诊疗监管细则(试行), 国卫办医发〔2022〕2号, Art. 13; the number of minutes is ours). What counts is what a person
//! does, and not what a page asks by itself.

use std::time::Duration;

use crate::domain::time::Timestamp;

/// A rest after which one proves anew who one is.
pub const REST: Duration = Duration::from_mins(30);
/// An act so soon after the one that was noted is not noted again.
pub const NOTE_EVERY: Duration = Duration::from_mins(1);

/// What an act means to whoever keeps when the person last did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The same person went on; the moment is to be kept.
    WentOn,
    /// The moment that is kept is near enough.
    JustNow,
    /// The person rested: nothing but a proof changes that.
    Rested,
}

/// What an act at `now` means where the last was at `acted_at`.
pub fn seen(acted_at: Timestamp, now: Timestamp) -> Seen {
    match now.since(acted_at) {
        rest if rest >= REST => Seen::Rested,
        rest if rest >= NOTE_EVERY => Seen::WentOn,
        _ => Seen::JustNow,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000) + Duration::from_secs(seconds)
    }

    #[test]
    fn half_an_hour_without_an_act_is_a_rest() {
        assert_eq!(seen(at(0), at(59)), Seen::JustNow);
        assert_eq!(seen(at(0), at(60)), Seen::WentOn);
        assert_eq!(seen(at(0), at(1799)), Seen::WentOn);
        assert_eq!(seen(at(0), at(1800)), Seen::Rested);
        assert_eq!(seen(at(9), at(0)), Seen::JustNow, "a clock that was set back is no rest");
    }

    proptest! {
        /// Noting to the minute never makes a rest longer than it may be, and no act after a rest ends it.
        #[test]
        fn a_rest_is_found_no_later_than_half_an_hour_after_the_last_act(gaps in proptest::collection::vec(0_u64..2_400, 1..40)) {
            let (mut now, mut kept, mut last, mut has_rested) = (0, 0, 0, false);
            for gap in gaps {
                now += gap;
                has_rested |= now - last >= REST.as_secs();
                let found = seen(at(kept), at(now));
                prop_assert!(found == Seen::Rested || !has_rested, "{now}");
                // Whoever acts all the time is asked no earlier than a minute before.
                prop_assert!(found != Seen::Rested || has_rested || now - last >= REST.as_secs() - NOTE_EVERY.as_secs());
                if found == Seen::Rested {
                    has_rested = true;
                }
                if found == Seen::WentOn {
                    kept = now;
                }
                last = now;
            }
        }
    }
}
