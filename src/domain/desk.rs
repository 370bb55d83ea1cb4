//! The desk: what it is doing, and what becomes of it when its doctor acts, falls silent, comes back, or has no patient
//! any more.

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// What a desk is doing, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeskPhase {
    /// Nobody works there.
    Closed,
    /// Calls patients.
    Open,
    /// Calls nobody until `paused_until`, or until resumed.
    Paused,
    /// Finishes the present patient, then closes.
    Closing,
    /// The doctor's browser was not heard for 90 s.
    Lost,
}

impl DeskPhase {
    /// All phases.
    pub const ALL: [Self; 5] = [Self::Closed, Self::Open, Self::Paused, Self::Closing, Self::Lost];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Closing => "closing",
            Self::Lost => "lost",
        }
    }
}

/// What a desk does while its doctor is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Calls patients.
    Open,
    /// Calls nobody.
    Paused {
        /// When the pause ends by itself.
        until: Option<Timestamp>,
    },
    /// Finishes the present patient, then closes.
    Closing,
}

impl Duty {
    /// The word for it.
    pub const fn phase(self) -> DeskPhase {
        match self {
            Self::Open => DeskPhase::Open,
            Self::Paused { .. } => DeskPhase::Paused,
            Self::Closing => DeskPhase::Closing,
        }
    }
}

/// A desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    /// Nobody works there.
    Closed,
    /// A doctor works there.
    AtWork(Duty),
    /// Its doctor is not heard; whoever comes back finds it as it was left.
    Lost(Duty),
}

/// What can happen to a desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A doctor begins to work there.
    Open,
    /// The doctor calls nobody for a while.
    Pause {
        /// When the pause ends by itself.
        until: Option<Timestamp>,
    },
    /// The doctor calls again.
    Resume,
    /// The doctor finishes the present patient, then goes.
    Close,
    /// The doctor's browser was not heard.
    Silence,
    /// The doctor's browser was heard again.
    Return,
    /// The patient at the desk has gone, whichever way.
    PatientGone,
    /// It is later than it was.
    Passed(Timestamp),
}

impl Desk {
    /// What becomes of the desk; `has_patient` says whether its doctor holds one after it. `None` for an act that this
    /// desk does not allow; what merely happens is never refused.
    pub fn after(self, what: Happening, has_patient: bool) -> Option<Self> {
        let next = match (self, what) {
            (_, Happening::Open) | (Self::AtWork(_), Happening::Resume) => Self::AtWork(Duty::Open),
            (Self::AtWork(Duty::Open), Happening::Pause { until }) => Self::AtWork(Duty::Paused { until }),
            (Self::AtWork(_), Happening::Close) => Self::AtWork(Duty::Closing),
            (_, Happening::Pause { .. } | Happening::Resume | Happening::Close) => return None,
            (Self::AtWork(duty), Happening::Silence) => Self::Lost(duty),
            (Self::Lost(duty), Happening::Return) => Self::AtWork(duty),
            (Self::AtWork(Duty::Paused { until: Some(until) }), Happening::Passed(now)) if until < now => {
                Self::AtWork(Duty::Open)
            }
            (same, Happening::Silence | Happening::Return | Happening::PatientGone | Happening::Passed(_)) => same,
        };
        // What closes stays for its patient's sake only.
        let is_done = matches!(next, Self::AtWork(Duty::Closing) | Self::Lost(Duty::Closing)) && !has_patient;
        Some(if is_done { Self::Closed } else { next })
    }

    /// The word for it.
    pub const fn phase(self) -> DeskPhase {
        match self {
            Self::Closed => DeskPhase::Closed,
            Self::AtWork(duty) => duty.phase(),
            Self::Lost(_) => DeskPhase::Lost,
        }
    }

    /// What it does, or will do when its doctor is heard again.
    pub const fn duty(self) -> Option<Duty> {
        match self {
            Self::Closed => None,
            Self::AtWork(duty) | Self::Lost(duty) => Some(duty),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_000);

    fn duty() -> impl Strategy<Value = Duty> {
        let until = prop::option::of((0..2_000_i64).prop_map(Timestamp::from_millis));
        prop_oneof![Just(Duty::Open), Just(Duty::Closing), until.prop_map(|until| Duty::Paused { until })]
    }

    fn happening() -> impl Strategy<Value = Happening> {
        let moment = (0..2_000_i64).prop_map(Timestamp::from_millis);
        prop_oneof![
            Just(Happening::Open),
            prop::option::of(moment.clone()).prop_map(|until| Happening::Pause { until }),
            Just(Happening::Resume),
            Just(Happening::Close),
            Just(Happening::Silence),
            Just(Happening::Return),
            Just(Happening::PatientGone),
            moment.prop_map(Happening::Passed),
        ]
    }

    #[test]
    fn phases_are_the_same_word_everywhere() {
        for phase in DeskPhase::ALL {
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
        }
    }

    #[test]
    fn a_pause_ends_by_itself_a_moment_after_its_end_and_never_without_one() {
        let paused = |until| Desk::AtWork(Duty::Paused { until });
        let passed = Happening::Passed(NOON);
        assert_eq!(paused(Some(NOON)).after(passed, false), Some(paused(Some(NOON))));
        let before = Timestamp::from_millis(NOON.as_millis() - 1);
        assert_eq!(paused(Some(before)).after(passed, false), Some(Desk::AtWork(Duty::Open)));
        assert_eq!(paused(None).after(passed, true), Some(paused(None)));
    }

    #[test]
    fn closing_without_a_patient_is_closed_at_once_and_with_one_when_the_patient_has_gone() {
        let open = Desk::AtWork(Duty::Open);
        assert_eq!(open.after(Happening::Close, false), Some(Desk::Closed));
        let closing = open.after(Happening::Close, true).unwrap();
        assert_eq!(closing, Desk::AtWork(Duty::Closing));
        assert_eq!(closing.after(Happening::PatientGone, false), Some(Desk::Closed));
        let lost = closing.after(Happening::Silence, true).unwrap();
        assert_eq!(lost.after(Happening::PatientGone, false), Some(Desk::Closed));
    }

    proptest! {
        #[test]
        fn whoever_comes_back_finds_the_desk_as_it_was_left(duty in duty()) {
            let desk = Desk::AtWork(duty);
            let lost = desk.after(Happening::Silence, true).unwrap();
            prop_assert_eq!(lost.phase(), DeskPhase::Lost);
            prop_assert_eq!(lost.after(Happening::Return, true), Some(desk));
        }

        #[test]
        fn no_desk_goes_on_closing_without_a_patient(all in prop::collection::vec((happening(), any::<bool>()), 1..40)) {
            let mut desk = Desk::Closed;
            for (what, has_patient) in all {
                let Some(next) = desk.after(what, has_patient) else { continue };
                desk = next;
                prop_assert!(has_patient || desk.duty() != Some(Duty::Closing), "{:?}", desk);
            }
        }

        #[test]
        fn a_desk_opens_only_because_somebody_said_so_or_its_pause_was_over(
            duty in duty(),
            is_lost in any::<bool>(),
            what in happening(),
            has_patient in any::<bool>(),
        ) {
            let desk = if is_lost { Desk::Lost(duty) } else { Desk::AtWork(duty) };
            let is_open = desk.after(what, has_patient) == Some(Desk::AtWork(Duty::Open));
            let may_open = match what {
                Happening::Open | Happening::Resume => true,
                Happening::Passed(now) => matches!(duty, Duty::Paused { until: Some(until) } if until < now),
                _ => false,
            };
            prop_assert!(!is_open || may_open || duty == Duty::Open);
        }

        #[test]
        fn what_merely_happens_is_never_refused_and_a_closed_desk_stays_closed(what in happening(), has_patient in any::<bool>()) {
            let is_act = matches!(what, Happening::Pause { .. } | Happening::Resume | Happening::Close);
            let expected = match what {
                Happening::Open => Some(Desk::AtWork(Duty::Open)),
                _ if is_act => None,
                _ => Some(Desk::Closed),
            };
            prop_assert_eq!(Desk::Closed.after(what, has_patient), expected);
        }
    }
}
