//! In which order signed prescriptions wait for a pharmacist.
//!
//! The promise of the pharmacy comes first, attention second: whoever waits longer than was promised stands before
//! everybody who does not, the longest waiting first. Among those within the promise the more severe finding stands
//! first, and of equals the one that was signed first. So nobody is overtaken for longer than the promise lasts.

use std::cmp::Reverse;

use crate::domain::herb::gate::{Needs, Report, Severity};
use crate::domain::time::Timestamp;

/// The place of a prescription: less is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The promise is broken; ordered by when it was due.
    Late(Timestamp),
    /// It is not; ordered by attention, then by when it is due.
    InTime(Reverse<Option<Severity>>, Timestamp),
}

/// Where a prescription stands that should be judged by `due_at` and whose most severe finding is `severity`.
pub fn place(severity: Option<Severity>, due_at: Timestamp, now: Timestamp) -> Place {
    if now > due_at { Place::Late(due_at) } else { Place::InTime(Reverse(severity), due_at) }
}

/// The most severe of the findings that needed somebody's word; none where nobody was warned.
pub fn attention(report: &Report) -> Option<Severity> {
    let warned = report.findings.iter().filter(|finding| finding.needs != Needs::Nothing);
    warned.map(|finding| finding.severity).max()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn severity() -> impl Strategy<Value = Option<Severity>> {
        prop::option::of(prop::sample::select(vec![Severity::Info, Severity::Warn, Severity::Block]))
    }

    proptest! {
        #[test]
        fn the_promise_comes_first_and_attention_second(
            one in (severity(), 0..100_i64), other in (severity(), 0..100_i64), now in 0..100_i64,
        ) {
            let at = Timestamp::from_millis;
            let put = |(severity, due): (Option<Severity>, i64)| place(severity, at(due), at(now));
            let is_late = |due: i64| now > due;
            let is_before = put(one) < put(other);
            match (is_late(one.1), is_late(other.1)) {
                (true, true) => prop_assert_eq!(is_before, one.1 < other.1, "of the late ones the longest waiting"),
                (true, false) => prop_assert!(is_before, "who was promised too much stands first"),
                (false, true) => prop_assert!(!is_before),
                (false, false) if one.0 == other.0 => prop_assert_eq!(is_before, one.1 < other.1),
                (false, false) => prop_assert_eq!(is_before, one.0 > other.0, "the more severe"),
            }
        }
    }
}
