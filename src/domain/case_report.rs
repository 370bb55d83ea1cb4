//! A case report (传染病报告): what is owed within two hours of a doctor's suspicion, and how it ends.
//!
//! 传染病防治法 Art. 30 and 突发公共卫生事件应急条例 Art. 20: a suspected case is reported within two hours. The time runs from
//! the moment at which a doctor says so, not from the end of the visit. There is no interface to the national system: a
//! person copies the card there, and writes down here the number that it was given.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::time::Timestamp;

/// Within which time a suspicion is reported.
pub const WITHIN: Duration = Duration::from_hours(2);
/// An overdue report rings, rings again after this, and then with every full hour of delay.
pub const SOON_AGAIN: Duration = Duration::from_mins(30);
/// Characters of a receipt's number.
pub const RECEIPT_LIMIT: usize = 64;
/// A number in fewer characters is none.
pub const RECEIPT_LEAST: usize = 4;

/// What made a report due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CaseReportCause)]
pub enum Cause {
    /// The doctor chose an outcome that is a suspicion.
    Outcome,
    /// The doctor opened it by hand, with a reason.
    Hand,
}

impl Cause {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Outcome, Self::Hand];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Hand => "hand",
        }
    }
}

/// A state as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CaseReportPhase)]
pub enum Phase {
    /// Nobody has reported yet.
    Due,
    /// It was reported, and its receipt has a number.
    Reported,
    /// A second doctor found no reason to report.
    Dismissed,
    /// Its doctor chose otherwise while the visit went on, or it was not the right person.
    Withdrawn,
}

impl Phase {
    /// Every word.
    pub const ALL: [Self; 4] = [Self::Due, Self::Reported, Self::Dismissed, Self::Withdrawn];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Reported => "reported",
            Self::Dismissed => "dismissed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Why something cannot be done with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is closed.
    State,
    /// Nobody dismisses the own suspicion.
    SamePerson,
}

/// Where a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Owed.
    Due {
        /// Whose suspicion it is.
        by: AccountId,
        /// Until when.
        due_at: Timestamp,
    },
    /// Done.
    Reported {
        /// Who did it.
        by: AccountId,
        /// When.
        at: Timestamp,
    },
    /// Nothing to report.
    Dismissed {
        /// Who found so.
        by: AccountId,
        /// When.
        at: Timestamp,
    },
    /// Taken back within the visit.
    Withdrawn {
        /// By whom.
        by: AccountId,
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// A suspicion of `by` at `at`.
    pub fn suspect(by: AccountId, at: Timestamp) -> Self {
        Self::Due { by, due_at: at + WITHIN }
    }

    /// The state as a word.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Due { .. } => Phase::Due,
            Self::Reported { .. } => Phase::Reported,
            Self::Dismissed { .. } => Phase::Dismissed,
            Self::Withdrawn { .. } => Phase::Withdrawn,
        }
    }

    /// It was reported, in time or late.
    pub fn report(self, by: AccountId, at: Timestamp) -> Result<Self, Wrong> {
        match self {
            Self::Due { .. } => Ok(Self::Reported { by, at }),
            Self::Reported { .. } | Self::Dismissed { .. } | Self::Withdrawn { .. } => Err(Wrong::State),
        }
    }

    /// Somebody else than whose suspicion it is finds nothing to report.
    pub fn dismiss(self, by: AccountId, at: Timestamp) -> Result<Self, Wrong> {
        match self {
            Self::Due { by: suspected_by, .. } if suspected_by == by => Err(Wrong::SamePerson),
            Self::Due { .. } => Ok(Self::Dismissed { by, at }),
            Self::Reported { .. } | Self::Dismissed { .. } | Self::Withdrawn { .. } => Err(Wrong::State),
        }
    }

    /// The doctor of the visit thinks otherwise before it has ended.
    pub fn withdraw(self, by: AccountId, at: Timestamp) -> Result<Self, Wrong> {
        match self {
            Self::Due { .. } => Ok(Self::Withdrawn { by, at }),
            Self::Reported { .. } | Self::Dismissed { .. } | Self::Withdrawn { .. } => Err(Wrong::State),
        }
    }
}

/// When a report that is due at `due_at` rings next, seen from `now`: when it becomes overdue, half an hour later, an hour
/// later, and then every hour. Whoever was away for a day rings once on coming back, and not for every hour of it.
pub fn next_ring(due_at: Timestamp, now: Timestamp) -> Timestamp {
    if now < due_at {
        return due_at;
    }
    let late = now.since(due_at);
    if late < SOON_AGAIN {
        return due_at + SOON_AGAIN;
    }
    due_at + Duration::from_hours(late.as_secs() / 3600 + 1)
}

/// The number of a receipt as it is kept: letters, digits and the marks between them, without blanks around it.
pub fn receipt(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (RECEIPT_LEAST..=RECEIPT_LIMIT).contains(&text.len());
    let is_number = text.chars().any(|letter| letter.is_ascii_digit());
    let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '/' | '.'));
    (fits && is_number && is_plain).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_600_000_000_000);
    const MINUTE: Duration = Duration::from_mins(1);

    fn doctor(number: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn words_on_the_wire_and_in_columns_are_the_same() {
        assert!(Phase::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.as_str()));
        assert!(Cause::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.as_str()));
    }

    #[test]
    fn a_suspicion_is_due_two_hours_later_and_nobody_dismisses_their_own() {
        let due = State::suspect(doctor(1), NOW);
        assert_eq!(due, State::Due { by: doctor(1), due_at: NOW + Duration::from_hours(2) });
        assert_eq!(due.dismiss(doctor(1), NOW), Err(Wrong::SamePerson));
        assert_eq!(due.dismiss(doctor(2), NOW), Ok(State::Dismissed { by: doctor(2), at: NOW }));
        assert_eq!(due.report(doctor(1), NOW), Ok(State::Reported { by: doctor(1), at: NOW }));
    }

    #[test]
    fn it_rings_when_it_is_overdue_after_half_an_hour_after_an_hour_and_then_every_hour() {
        let due_at = NOW + WITHIN;
        let rings = |after: Duration| next_ring(due_at, due_at + after).since(due_at).as_secs() / 60;
        assert_eq!(next_ring(due_at, NOW), due_at);
        assert_eq!(next_ring(due_at, due_at - Duration::from_millis(1)), due_at);
        assert_eq!(
            [0, 29, 30, 59, 60, 119, 120, 1439].map(|n| rings(MINUTE * n)),
            [30, 30, 60, 60, 120, 120, 180, 1440]
        );
    }

    #[test]
    fn a_receipt_is_a_number_and_neither_a_word_nor_a_sentence() {
        assert_eq!(receipt(" 3201-2020-00042 \n").as_deref(), Some("3201-2020-00042"));
        assert_eq!(receipt("NCP2020"), Some("NCP2020".into()));
        let wrong = ["", "   ", "123", "reported", "已报告20200101", "12 34 56", "=1+1cmd|'1'", "1234\u{200b}"];
        assert!(wrong.map(receipt).iter().all(Option::is_none));
        assert!(receipt(&"9".repeat(RECEIPT_LIMIT)).is_some() && receipt(&"9".repeat(RECEIPT_LIMIT + 1)).is_none());
    }

    /// What somebody may try, and how long after the step before.
    #[derive(Clone, Debug)]
    enum Step {
        Report(u128),
        Dismiss(u128),
        Withdraw(u128),
        Look,
    }

    fn step() -> impl Strategy<Value = (u64, Step)> {
        let what = prop_oneof![
            1 => (1_u128..4).prop_map(Step::Report),
            1 => (1_u128..4).prop_map(Step::Dismiss),
            1 => (1_u128..4).prop_map(Step::Withdraw),
            6 => Just(Step::Look),
        ];
        (0_u64..200, what)
    }

    proptest! {
        #[test]
        fn a_report_is_closed_once_and_rings_only_while_it_is_owed(steps in prop::collection::vec(step(), 0..40)) {
            let (mut now, mut rang) = (NOW, Vec::new());
            let mut state = State::suspect(doctor(1), NOW);
            let due_at = NOW + WITHIN;
            let mut rings_at = next_ring(due_at, NOW);
            for (minutes, step) in steps {
                now = now + MINUTE * u32::try_from(minutes).unwrap();
                let was = state;
                let next = match step {
                    Step::Report(who) => state.report(doctor(who), now),
                    Step::Dismiss(who) => {
                        let next = state.dismiss(doctor(who), now);
                        prop_assert!(next.is_err() || who != 1, "a second person");
                        next
                    }
                    Step::Withdraw(who) => state.withdraw(doctor(who), now),
                    Step::Look => {
                        if state.phase() == Phase::Due && rings_at <= now {
                            rang.push(now);
                            rings_at = next_ring(due_at, now);
                            prop_assert!(rings_at > now, "one look rings once");
                        }
                        Ok(state)
                    }
                };
                if was.phase() != Phase::Due && !matches!(step, Step::Look) {
                    prop_assert_eq!(next, Err(Wrong::State), "what is closed stays as it is");
                }
                state = next.unwrap_or(was);
            }
            prop_assert!(rang.iter().all(|at| *at >= due_at), "not before it is overdue");
            prop_assert!(rang.is_sorted_by(|one, other| one < other));
            let most = now.since(due_at).as_secs() / 3600 + 2;
            prop_assert!(rang.len() as u64 <= most, "{} rings", rang.len());
        }

        #[test]
        fn whoever_looks_every_minute_hears_every_step_and_no_other(hours in 0_u64..30) {
            let due_at = NOW + WITHIN;
            let (mut rings_at, mut heard) = (next_ring(due_at, NOW), Vec::new());
            for minute in 0..=(120 + hours * 60) {
                let now = NOW + MINUTE * u32::try_from(minute).unwrap();
                if rings_at <= now {
                    heard.push(now.since(due_at).as_secs() / 60);
                    rings_at = next_ring(due_at, now);
                }
            }
            let mut steps = vec![0, 30];
            steps.extend((1..=hours).map(|hour| hour * 60));
            steps.retain(|step| *step <= hours * 60);
            prop_assert_eq!(heard, steps);
        }
    }
}
