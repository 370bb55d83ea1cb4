//! An amendment of an archived record: its doctor writes and signs it, and it is in force when somebody else has approved it.
//!
//! Law: nothing becomes part of an archived record that one person alone wanted there.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::time::Timestamp;

/// How long after the end of its visit a record is archived (J: the rules on electronic records of 2017 leave the hour to
/// the hospital; until then a doctor amends what was written today).
pub const ARCHIVED_AFTER: Duration = Duration::from_hours(24);

/// Whether the record of a visit is archived; that of one that goes on is not.
pub fn is_archived(ended_at: Option<Timestamp>, now: Timestamp) -> bool {
    ended_at.is_some_and(|ended| now >= ended + ARCHIVED_AFTER)
}

/// A state as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AmendmentPhase)]
pub enum Phase {
    /// Signed by its doctor; somebody else is to say yes or no.
    Asked,
    /// In force.
    Approved,
    /// It was not let in.
    Declined,
}

impl Phase {
    /// Every word.
    pub const ALL: [Self; 3] = [Self::Asked, Self::Approved, Self::Declined];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// Where an amendment stands, with what that state knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Asked {
        /// Whose it is.
        by: AccountId,
    },
    /// It is in force.
    Approved {
        /// Whose it is.
        by: AccountId,
        /// On whose word.
        approver: AccountId,
    },
    /// It is not.
    Declined {
        /// Whose it is.
        by: AccountId,
        /// On whose word.
        approver: AccountId,
        /// Why.
        reason: String,
    },
}

/// Why a step is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It was decided.
    State,
    /// Nobody approves or declines their own.
    Oneself,
}

impl State {
    /// The state as a word.
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Asked { .. } => Phase::Asked,
            Self::Approved { .. } => Phase::Approved,
            Self::Declined { .. } => Phase::Declined,
        }
    }

    /// Somebody else says yes.
    ///
    /// # Errors
    /// Where it was decided, or is one's own.
    pub fn approve(self, approver: AccountId) -> Result<Self, Wrong> {
        let by = self.undecided(approver)?;
        Ok(Self::Approved { by, approver })
    }

    /// Somebody else says no, and why.
    ///
    /// # Errors
    /// Likewise.
    pub fn decline(self, approver: AccountId, reason: String) -> Result<Self, Wrong> {
        let by = self.undecided(approver)?;
        Ok(Self::Declined { by, approver, reason })
    }

    fn undecided(self, other: AccountId) -> Result<AccountId, Wrong> {
        match self {
            Self::Asked { by } if by == other => Err(Wrong::Oneself),
            Self::Asked { by } => Ok(by),
            Self::Approved { .. } | Self::Declined { .. } => Err(Wrong::State),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn account(number: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn words_on_the_wire_and_in_columns_are_the_same() {
        assert!(Phase::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.as_str()));
    }

    #[test]
    fn a_record_is_archived_a_day_after_its_visit_and_not_a_moment_before() {
        let end = Timestamp::from_millis(1_600_000_000_000);
        let day = end + ARCHIVED_AFTER;
        assert!(!is_archived(None, day), "a visit that goes on");
        assert!(!is_archived(Some(end), day - Duration::from_millis(1)));
        assert!(is_archived(Some(end), day));
    }

    proptest! {
        #[test]
        fn what_is_in_force_was_approved_once_and_by_somebody_else(
            acts in prop::collection::vec((any::<bool>(), 1_u128..4), 0..12),
        ) {
            let author = account(1);
            let mut state = State::Asked { by: author };
            let mut decided = 0;
            for (is_yes, who) in acts {
                let before = state.clone();
                let next = if is_yes {
                    state.approve(account(who))
                } else {
                    state.decline(account(who), "不符".into())
                };
                state = match next {
                    Ok(next) => {
                        decided += 1;
                        prop_assert_ne!(account(who), author);
                        prop_assert_eq!(before.phase(), Phase::Asked);
                        next
                    }
                    Err(wrong) => {
                        let is_own = before.phase() == Phase::Asked;
                        prop_assert_eq!(wrong, if is_own { Wrong::Oneself } else { Wrong::State });
                        before
                    }
                };
            }
            prop_assert!(decided <= 1);
            match state {
                State::Asked { by } => prop_assert!(decided == 0 && by == author),
                State::Approved { by, approver } | State::Declined { by, approver, .. } => {
                    prop_assert!(decided == 1 && by == author && approver != author);
                }
            }
        }
    }
}
