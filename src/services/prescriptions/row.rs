//! A prescription's state in the columns of its row: read here, written here, and nowhere else.

use crate::domain::ids::AccountId;
use crate::domain::prescription::{Phase, Second, State};
use crate::domain::time::Timestamp;
use crate::services::prescriptions::view::review_of;
use crate::services::refusal::Refusal;
use crate::store::PrescriptionRow;

/// Where a prescription stands, as the domain knows it.
pub(crate) fn state_of(row: &PrescriptionRow) -> Result<State, Refusal> {
    let broken = || Refusal::internal("a prescription's columns contradict its state");
    let by = row.doctor_id;
    let reason = || review_of(row).map(|review| review.reason).unwrap_or_default();
    Ok(match row.state {
        Phase::Draft => State::Draft,
        Phase::Signed => {
            let second = match (row.needs_second, row.countersigned_by) {
                (false, _) => Second::NotNeeded,
                (true, None) => Second::Awaited,
                (true, Some(doctor)) => Second::Given(doctor),
            };
            State::Signed { by, until: row.valid_until.ok_or_else(broken)?, second }
        }
        Phase::Approved => State::Approved {
            by,
            pharmacist: row.reviewed_by.ok_or_else(broken)?,
            until: row.valid_until.ok_or_else(broken)?,
        },
        Phase::Returned => State::Returned { reason: reason() },
        Phase::Refused => State::Refused { reason: reason() },
        Phase::Dispensed => State::Dispensed { by, pharmacist: row.reviewed_by.ok_or_else(broken)? },
        Phase::Stopped => State::Stopped { reason: row.stop_reason.clone().unwrap_or_default() },
        Phase::Expired => State::Expired,
    })
}

/// Writes what an act of `who` has made of a prescription: the state, and what that state knows. What was signed, and the
/// words of a judgement, are written by the acts that make them.
pub(crate) fn becomes(row: &mut PrescriptionRow, state: &State, who: AccountId, now: Timestamp) {
    row.state = state.phase();
    match state {
        // Whatever was signed is signed no more. Why a pharmacist gave it back stays until the next signature.
        State::Draft => {
            (row.hash, row.stated, row.signed_at, row.valid_until) = (None, None, None, None);
            (row.needs_second, row.countersigned_by, row.countersigned_at) = (false, None, None);
            claimed_no_more(row);
        }
        // Beside the first doctor; a pharmacist who reads it meanwhile goes on reading.
        State::Signed { second: Second::Given(doctor), .. } => {
            (row.countersigned_by, row.countersigned_at) = (Some(*doctor), Some(now));
        }
        State::Signed { until, second, .. } => {
            (row.signed_at, row.valid_until) = (Some(now), Some(*until));
            row.needs_second = *second == Second::Awaited;
            (row.reviewed_by, row.reviewed_at, row.review) = (None, None, None);
        }
        State::Approved { pharmacist, .. } => {
            (row.reviewed_by, row.reviewed_at) = (Some(*pharmacist), Some(now));
            claimed_no_more(row);
        }
        State::Returned { .. } | State::Refused { .. } => {
            (row.reviewed_by, row.reviewed_at) = (Some(who), Some(now));
            claimed_no_more(row);
        }
        State::Dispensed { .. } => (row.dispensed_by, row.dispensed_at) = (Some(who), Some(now)),
        State::Stopped { reason } => {
            row.stop_reason = Some(reason.clone());
            claimed_no_more(row);
        }
        State::Expired => {}
    }
}

/// A claim ends with the act for which it was held, and with the sheet on which it was.
fn claimed_no_more(row: &mut PrescriptionRow) {
    (row.claimed_by, row.claim_until) = (None, None);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::domain::herb::gate::Report;
    use crate::domain::ids::{ClinicId, InstitutionId, PatientId, PrescriptionId, VisitId};
    use crate::domain::prescription::{Answers, Stated, Verdict, Wrong};
    use crate::domain::triage::RuleSetStatus;
    use crate::store::NewSheet;

    const MORNING: Timestamp = Timestamp::from_millis(1_600_000_000_000);

    fn account(number: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(number))
    }

    fn draft() -> PrescriptionRow {
        PrescriptionRow::begun(NewSheet {
            id: PrescriptionId::from_uuid(Uuid::nil()),
            institution: InstitutionId::from_uuid(Uuid::nil()),
            clinic: ClinicId::from_uuid(Uuid::nil()),
            visit: VisitId::from_uuid(Uuid::nil()),
            patient: PatientId::from_uuid(Uuid::nil()),
            doctor: account(1),
            number: String::new(),
            legal_basis: String::new(),
            day: String::new(),
            at: MORNING,
        })
    }

    /// What an act makes of a state, and whose it is.
    fn act(state: State, what: u8, now: Timestamp) -> (Result<State, Wrong>, AccountId) {
        let report = Report {
            findings: Vec::new(),
            passed: Vec::new(),
            data_version: "1".into(),
            data_status: RuleSetStatus::Draft,
        };
        let stated = Stated { diagnosis: "感冒".into(), ..Stated::default() };
        let until = now + Duration::from_hours(72);
        match what {
            0 => (state.change(), account(1)),
            1 => (state.sign(account(1), &report, &Answers::new(), false, &stated, until), account(1)),
            2 => (state.countersign(account(2)), account(2)),
            3 => (state.review(account(3), Verdict::Approve, now), account(3)),
            4 => (state.review(account(3), Verdict::Return("改".into()), now), account(3)),
            5 => (state.review(account(3), Verdict::Refuse("否".into()), now), account(3)),
            6 => (state.dispense(now), account(4)),
            9 => (state.decline(account(2), "不同意".into()), account(2)),
            7 => (state.stop("停".into()), account(1)),
            _ => (Ok(state.at(now)), account(1)),
        }
    }

    proptest! {
        #[test]
        fn a_row_says_the_state_that_was_written_into_it(acts in prop::collection::vec((0_u8..10, any::<bool>()), 0..40)) {
            let mut row = draft();
            let mut state = State::Draft;
            let mut now = MORNING;
            for (what, has_second) in acts {
                now = now + Duration::from_hours(10);
                let (Ok(next), who) = act(state.clone(), what, now) else { continue };
                let next = match next {
                    State::Signed { by, until, second: Second::NotNeeded } if what == 1 && has_second => {
                        State::Signed { by, until, second: Second::Awaited }
                    }
                    next => next,
                };
                let was = row.clone();
                becomes(&mut row, &next, who, now);
                if let State::Returned { reason } | State::Refused { reason } = &next {
                    row.review = Some(json!({ "verdict": "returned", "items": [], "reason": reason }).to_string());
                }
                prop_assert_eq!(&state_of(&row).unwrap(), &next);
                if next == State::Draft {
                    prop_assert!(row.hash.is_none() && row.signed_at.is_none() && row.countersigned_by.is_none());
                }
                // Who signed and who judged stays known, whatever comes after.
                if matches!(next, State::Approved { .. } | State::Dispensed { .. } | State::Stopped { .. } | State::Expired) {
                    prop_assert_eq!(row.signed_at, was.signed_at);
                    prop_assert_eq!(row.countersigned_by, was.countersigned_by);
                }
                state = next;
            }
        }

        #[test]
        fn a_claim_lasts_until_the_act_for_which_it_is_held(what in 0_u8..10) {
            let until = MORNING + Duration::from_hours(72);
            let signed = State::Signed { by: account(1), until, second: Second::Awaited };
            let mut row = draft();
            becomes(&mut row, &signed, account(1), MORNING);
            (row.claimed_by, row.claim_until) = (Some(account(3)), Some(until));
            // An approval waits for the second doctor, and what is signed is not signed again, and handed out is nothing yet.
            if let (Ok(next), who) = act(signed, what, MORNING) {
                becomes(&mut row, &next, who, MORNING);
                prop_assert_eq!(row.claimed_by.is_some(), matches!(what, 2 | 8));
            }
        }
    }
}
