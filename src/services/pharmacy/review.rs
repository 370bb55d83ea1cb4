//! The pharmacist's word: approved, given back, refused; and handed out.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::herb::gate::{Finding, Needs, Report};
use crate::domain::ids::PrescriptionId;
use crate::domain::permission::PharmacistAct;
use crate::domain::prescription::{Content, Phase, SUITABILITY, Span, Verdict, hash_of};
use crate::domain::signature::{Purpose, review_hash, review_subject};
use crate::protocol::error::ErrorCode;
use crate::protocol::prescription::{PrescriptionAct, PrescriptionView, ReviewKept, ReviewRequest, ReviewVerdict};
use crate::services::Services;
use crate::services::notes::can_be_written;
use crate::services::prescriptions::{held, reason, refused, same_version, state_of};
use crate::services::refusal::Refusal;
use crate::services::signing::{SignAs, Validity};
use crate::services::work::{Command, Work};
use crate::store::PrescriptionRow;

impl Services {
    /// Says yes, not so, or no: `POST /pharmacy/{id}/approve`, `return`, `refuse`.
    pub async fn review_prescription(
        &self,
        act: PharmacistAct,
        id: PrescriptionId,
        verdict: ReviewVerdict,
        request: ReviewRequest,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let said = match verdict {
            ReviewVerdict::Approved => {
                if let Some(open) = SUITABILITY.iter().find(|item| !request.items.contains(item)) {
                    let field = format!("items.{}", json!(open).as_str().unwrap_or_default());
                    return Err(Refusal::field(ErrorCode::Invalid, field, "an approval needs all ten items"));
                }
                String::new()
            }
            ReviewVerdict::Returned | ReviewVerdict::Refused => reason(&request.reason, "reason")?,
        };
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Review, done).await;
        }
        let mut row = held(&mut work.tx, act.institution, id).await?;
        if row.state == Phase::Draft {
            return Err(Refusal::not_found());
        }
        same_version(&row, request.version)?;
        let state = state_of(&row)?.at(work.now);
        let step = match verdict {
            ReviewVerdict::Approved => Verdict::Approve,
            ReviewVerdict::Returned => Verdict::Return(said.clone()),
            ReviewVerdict::Refused => Verdict::Refuse(said.clone()),
        };
        let next = state.review(act.account, step, work.now).map_err(refused)?;
        let is_mine = row.claimed_by == Some(act.account) && row.claim_until.is_some_and(|until| until > work.now);
        if !is_mine {
            return Err(Refusal::new(ErrorCode::RxClaimed, "take it first; a claim holds for five minutes"));
        }
        let hash = self.intact(&mut work, &row).await?;
        if verdict == ReviewVerdict::Approved {
            self.still_holds(&mut work, &row).await?;
        }
        let kept = ReviewKept { verdict, items: request.items, reason: said.clone() };
        let kept = serde_json::to_value(&kept).map_err(|e| Refusal::internal(&e))?.to_string();
        let what = id.to_string();
        let (by, signed) = (SignAs::Account(act.account), review_hash(&hash, &kept));
        self.sign(&mut work, act.institution, by, Purpose::Review, &review_subject(&what), &signed).await?;
        row.state = next.phase();
        (row.reviewed_by, row.reviewed_at, row.review) = (Some(act.account), Some(work.now), Some(kept));
        (row.claimed_by, row.claim_until) = (None, None);
        work.tx.prescriptions().save(&row).await?;
        let kind = match verdict {
            ReviewVerdict::Approved => "rx.approved",
            ReviewVerdict::Returned => "rx.returned",
            ReviewVerdict::Refused => "rx.refused",
        };
        let why = Some(said).filter(|why| !why.is_empty());
        let detail = json!({ "version": row.version, "hash": hash, "review": signed });
        work.audit_why(act.institution, &act.account.to_string(), kind, &what, why, detail).await?;
        self.finish_review(work, row, kind, command).await
    }

    /// Hands out: `POST /pharmacy/{id}/dispense`. Every signature is checked once more.
    pub async fn dispense_prescription(
        &self,
        act: PharmacistAct,
        id: PrescriptionId,
        request: PrescriptionAct,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Review, done).await;
        }
        let mut row = held(&mut work.tx, act.institution, id).await?;
        if row.state == Phase::Draft {
            return Err(Refusal::not_found());
        }
        same_version(&row, request.version)?;
        let next = state_of(&row)?.at(work.now).dispense(work.now).map_err(refused)?;
        let hash = self.intact(&mut work, &row).await?;
        let what = id.to_string();
        let reviewed = review_hash(&hash, row.review.as_deref().unwrap_or_default());
        let review = self.check_signatures(&mut work.tx, &review_subject(&what), &reviewed).await?;
        if !matches!(review, Validity::Holds(_)) {
            return Err(broken(&what));
        }
        let span = self.still_holds(&mut work, &row).await?;
        (row.start_day, row.end_day) = (span.from.to_string(), span.to.to_string());
        row.state = next.phase();
        (row.dispensed_by, row.dispensed_at) = (Some(act.account), Some(work.now));
        work.tx.prescriptions().save(&row).await?;
        let detail = json!({ "version": row.version, "hash": hash });
        work.audit_why(act.institution, &act.account.to_string(), "rx.dispense", &what, None, detail).await?;
        self.finish_review(work, row, "rx.dispensed", command).await
    }

    /// The hash that the doctors signed, after a look that it is still the content's and that everybody's signature holds.
    async fn intact(&self, work: &mut Work, row: &PrescriptionRow) -> Result<String, Refusal> {
        let subject = row.id.to_string();
        let hash = hash_of(&subject, row.version, &row.content, &row.report, &row.answers, row.stated.as_deref());
        if row.hash.as_ref() != Some(&hash) {
            return Err(broken(&subject));
        }
        let Validity::Holds(found) = self.check_signatures(&mut work.tx, &subject, &hash).await? else {
            return Err(broken(&subject));
        };
        let has = |purpose: Purpose| found.iter().any(|signature| signature.purpose == purpose);
        let report: Report = serde_json::from_str(&row.report).map_err(|e| Refusal::internal(&e))?;
        let is_second = row.countersigned_by.is_none() || has(Purpose::Countersignature);
        let is_confirmed = !report.needs_confirmation() || has(Purpose::Confirmation);
        if has(Purpose::Prescription) && is_second && is_confirmed { Ok(hash) } else { Err(broken(&subject)) }
    }

    /// Looks whether what was signed may still be taken: this was the patient, and the gate finds nothing today that the
    /// doctor has not answered. The days are those on which it is taken from today on.
    async fn still_holds(&self, work: &mut Work, row: &PrescriptionRow) -> Result<Span, Refusal> {
        let visit = work.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        can_be_written(&visit)?;
        work.tx.patients().hold(visit.patient_id).await?;
        let facts = self.facts_for_gate(&mut work.tx, &visit, work.now).await?;
        let content: Content = serde_json::from_str(&row.content).map_err(|e| Refusal::internal(&e))?;
        let signed: Report = serde_json::from_str(&row.report).map_err(|e| Refusal::internal(&e))?;
        let (report, span) = self.judge(&mut work.tx, &visit, &facts, &content, row).await?;
        let is_new =
            |one: &&Finding| one.needs != Needs::Nothing && !signed.findings.iter().any(|known| known.key == one.key);
        if let Some(found) = report.findings.iter().find(is_new) {
            let rule = found.rule.clone();
            return Err(Refusal::field(ErrorCode::RxChanged, rule, "something new is known; the doctor signs anew"));
        }
        Ok(span)
    }

    async fn finish_review(
        &self,
        mut work: Work,
        row: PrescriptionRow,
        kind: &str,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        self.tell(&mut work, &row, kind).await?;
        let view = self.prescription_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }
}

fn broken(subject: &str) -> Refusal {
    tracing::error!(prescription.id = subject, "a signature of a prescription does not hold");
    Refusal::new(ErrorCode::SignatureBroken, "a signature does not match what it signs")
}
