//! The pharmacist's word: approved, given back, refused; and handed out.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::herb::gate::Report;
use crate::domain::ids::{AccountId, PrescriptionId};
use crate::domain::permission::PharmacistAct;
use crate::domain::prescription::{Content, Phase, SUITABILITY, Span, Verdict, unforeseen};
use crate::domain::signature::{Purpose, review_hash, review_subject};
use crate::protocol::error::ErrorCode;
use crate::protocol::pharmacy::ReviewRequest;
use crate::protocol::prescription::{PrescriptionAct, PrescriptionView, ReviewKept, ReviewVerdict};
use crate::services::Services;
use crate::services::prescriptions::{basis_of_day, becomes, locked, refused, stale, state_of, written_on};
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::signing::SignAs;
use crate::services::visits::notes::can_be_written;
use crate::services::work::{Command, Work};
use crate::store::PrescriptionRow;

impl Services {
    /// Says yes, not so, or no: `POST /pharmacy/{id}/approve`, `return`, `refuse`.
    pub async fn review_prescription(
        &self,
        act: PharmacistAct,
        id: PrescriptionId,
        verdict: Verdict,
        request: ReviewRequest,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let step = match verdict {
            Verdict::Approve => {
                if let Some(open) = SUITABILITY.iter().find(|item| !request.items.contains(item)) {
                    let field = format!("items.{}", json!(open).as_str().unwrap_or_default());
                    return Err(Refusal::field(ErrorCode::Invalid, field, "an approval needs all ten items"));
                }
                Verdict::Approve
            }
            Verdict::Return(why) => Verdict::Return(reason(&why, "reason")?),
            Verdict::Refuse(why) => Verdict::Refuse(reason(&why, "reason")?),
        };
        let (kind, verdict, why) = match &step {
            Verdict::Approve => ("rx.approved", ReviewVerdict::Approved, None),
            Verdict::Return(why) => ("rx.returned", ReviewVerdict::Returned, Some(why.clone())),
            Verdict::Refuse(why) => ("rx.refused", ReviewVerdict::Refused, Some(why.clone())),
        };
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Review, done).await;
        }
        let mut row = locked(&mut work.tx, act.institution, id).await?;
        if row.state == Phase::Draft {
            return Err(Refusal::not_found());
        }
        if row.version != request.version {
            return Err(self.behind_review(work, row, act.account).await);
        }
        let state = state_of(&row)?.at(work.now);
        let next = state.review(act.account, step, work.now).map_err(refused)?;
        let is_mine = row.claimed_by == Some(act.account) && row.claim_until.is_some_and(|until| until > work.now);
        if !is_mine {
            return Err(Refusal::new(ErrorCode::RxClaimed, "take it first; a claim holds for five minutes"));
        }
        let hash = self.intact(&mut work.tx, &row).await?.hash;
        if verdict == ReviewVerdict::Approved {
            self.still_holds(&mut work, &row).await?;
        }
        let kept = ReviewKept { verdict, items: request.items, reason: why.clone().unwrap_or_default() };
        let kept = serde_json::to_value(&kept).map_err(|e| Refusal::internal(&e))?.to_string();
        let what = id.to_string();
        let (by, signed) = (SignAs::Account(act.account), review_hash(&hash, &kept));
        self.sign(&mut work, act.institution, by, Purpose::Review, &review_subject(&what), &signed).await?;
        becomes(&mut row, &next, act.account, work.now);
        row.review = Some(kept);
        work.tx.prescriptions().save(&row).await?;
        let detail = json!({ "version": row.version, "hash": hash, "review": signed });
        work.audit_why(act.institution, &act.account.to_string(), kind, &what, why, detail).await?;
        self.finish_review(work, row, kind, command).await
    }

    /// A pharmacist reads what waits for one or was approved, and nothing else.
    async fn behind_review(&self, work: Work, row: PrescriptionRow, who: AccountId) -> Refusal {
        match row.state {
            Phase::Signed | Phase::Approved => self.behind(work, row, who, ReadPurpose::Review).await,
            _ => stale(),
        }
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
        let mut row = locked(&mut work.tx, act.institution, id).await?;
        if row.state == Phase::Draft {
            return Err(Refusal::not_found());
        }
        if row.version != request.version {
            return Err(self.behind_review(work, row, act.account).await);
        }
        let next = state_of(&row)?.at(work.now).dispense(work.now).map_err(refused)?;
        let hash = self.intact(&mut work.tx, &row).await?.hash;
        let what = id.to_string();
        let span = self.still_holds(&mut work, &row).await?;
        (row.start_day, row.end_day) = (span.from.to_string(), span.to.to_string());
        becomes(&mut row, &next, act.account, work.now);
        work.tx.prescriptions().save(&row).await?;
        let detail = json!({ "version": row.version, "hash": hash });
        work.audit_why(act.institution, &act.account.to_string(), "rx.dispense", &what, None, detail).await?;
        self.finish_review(work, row, "rx.dispensed", command).await
    }

    /// Looks whether what was signed may still be taken: this was the patient, the law allows on the day of its writing what
    /// is ticked now, and the gate finds nothing today that the doctor has not answered. The days are those on which it is
    /// taken from today on.
    async fn still_holds(&self, work: &mut Work, row: &PrescriptionRow) -> Result<Span, Refusal> {
        let visit = work.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        can_be_written(&visit)?;
        work.tx.patients().lock(visit.patient_id).await?;
        let facts = self.facts_for_gate(&mut work.tx, &visit, work.now).await?;
        let day = written_on(&mut work.tx, row).await?;
        basis_of_day(&facts, self.legal_flags(), day)?;
        let content: Content = serde_json::from_str(&row.content).map_err(|e| Refusal::internal(&e))?;
        let signed: Report = serde_json::from_str(&row.report).map_err(|e| Refusal::internal(&e))?;
        let (report, span) = self.judge(&mut work.tx, &visit, &facts, &content, row).await?;
        if let Some(found) = unforeseen(&report, &signed) {
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
