//! How a visit ends, as its doctor signed it: what a referral slip prints is under a signature.

use serde_json::json;

use crate::domain::permission::DoctorAct;
use crate::domain::signature::{Purpose, outcome_hash, outcome_subject, signs_outcomes};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::signing::{SignAs, Validity, is_signed_by};
use crate::services::work::Work;
use crate::store::{Tx, VisitRow};

/// What is signed of a visit's outcome; nothing while it has none.
pub(crate) fn hash_of_outcome(visit: &VisitRow) -> Option<String> {
    let outcome = visit.outcome?;
    Some(outcome_hash(&visit.id.to_string(), outcome.as_str(), visit.outcome_reason.as_deref()))
}

impl Services {
    /// Signs how a visit ends, as its row says now.
    pub(crate) async fn sign_outcome(&self, work: &mut Work, act: DoctorAct, visit: &VisitRow) -> Result<(), Refusal> {
        let Some(hash) = hash_of_outcome(visit) else { return Ok(()) };
        let what = visit.id.to_string();
        let (by, subject) = (SignAs::Account(act.account), outcome_subject(&what));
        self.sign(work, act.institution, by, Purpose::Outcome, &subject, &hash).await?;
        let detail = json!({ "hash": hash });
        work.audit_why(act.institution, &act.account.to_string(), "outcome.sign", &what, None, detail).await
    }

    /// Whether a visit ends as its doctor signed, by the last word of the audit of it. Of a visit of before outcomes were
    /// signed there is no such word.
    pub(crate) async fn ends_as_signed(&self, tx: &mut Tx, visit: &VisitRow) -> Result<bool, Refusal> {
        let what = visit.id.to_string();
        let last = tx.audit().last_outcome(visit.institution_id, &what).await?;
        let Some((_, action, detail)) = last else { return Ok(true) };
        if action != "outcome.sign" {
            return Ok(visit.outcome.is_none() || !signs_outcomes(&detail));
        }
        let detail: serde_json::Value = serde_json::from_str(&detail).unwrap_or_default();
        let Some(hash) = hash_of_outcome(visit).filter(|hash| detail["hash"] == *hash) else { return Ok(false) };
        match self.check_signatures(tx, &outcome_subject(&what), &hash).await? {
            Validity::Holds(signatures) => {
                let owner = SignAs::Account(visit.doctor_id).owner();
                is_signed_by(tx, &signatures, Purpose::Outcome, &owner).await
            }
            Validity::Unsigned | Validity::Broken => Ok(false),
        }
    }
}
