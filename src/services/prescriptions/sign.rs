//! The doctor's signature, and the stop.

use std::ops::ControlFlow;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::date::bounds;
use crate::domain::ids::{AccountId, PrescriptionId, VisitId};
use crate::domain::permission::DoctorAct;
use crate::domain::prescription::{Content, Face, Longer, MOST_VALID_DAYS, State, Stated};
use crate::domain::signature::Purpose;
use crate::protocol::error::ErrorCode;
use crate::protocol::prescription::{PrescriptionAct, PrescriptionSign, PrescriptionView};
use crate::services::Services;
use crate::services::prescriptions::facts::note_of;
use crate::services::prescriptions::intact::sheet_words;
use crate::services::prescriptions::pane::open_basis;
use crate::services::prescriptions::{becomes, my_locked, refused, state_of};
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::signing::SignAs;
use crate::services::tickets::place;
use crate::services::visits::doctors_visit;
use crate::services::visits::notes::can_be_written;
use crate::services::work::{Command, Work};
use crate::store::{PrescriptionRow, SignedVersionRow};

impl Services {
    /// Signs a draft, every finding answered: `POST /prescriptions/{id}/sign`.
    pub async fn sign_prescription(
        &self,
        act: DoctorAct,
        id: PrescriptionId,
        request: PrescriptionSign,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let longer = longer(&request)?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Treatment, done).await;
        }
        let mut row = my_locked(&mut work.tx, act, id).await?;
        if row.version != request.version {
            return Err(self.behind(work, row, act.account, ReadPurpose::Treatment).await);
        }
        self.may_practise(&mut work, act).await?;
        let visit = doctors_visit(&mut work.tx, act, row.visit_id).await?;
        can_be_written(&visit)?;
        work.tx.patients().lock(visit.patient_id).await?;
        let facts = self.facts_for_gate(&mut work.tx, &visit, work.now).await?;
        row.legal_basis = open_basis(&facts, self.legal_flags())?.code;
        let content: Content = serde_json::from_str(&row.content).map_err(|e| Refusal::internal(&e))?;
        if content.is_empty() {
            return Err(Refusal::field(ErrorCode::RxUnanswered, "content", "nothing is prescribed"));
        }
        // The patient may have said something new, and another prescription may have come, since it was saved.
        let (report, span) = self.judge(&mut work.tx, &visit, &facts, &content, &row).await?;
        let mut answers = request.answers;
        answers.retain(|key, _| report.findings.iter().any(|finding| finding.key == *key));
        for (key, text) in &mut answers {
            if !text.trim().is_empty() {
                *text = reason(text, &format!("answers.{key}"))?;
            }
        }
        let identity = Some(self.whose(&mut work.tx, &visit).await?);
        let mut stated = Stated { identity, ..Stated::of(note_of(&mut work.tx, &visit, work.now).await?, longer) };
        let clinic = work.tx.clinics().find(visit.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let day = bounds(&place(&clinic), stated.last_day(facts.today));
        let (_, until) = day.ok_or_else(|| Refusal::internal("a day outside of the calendar"))?;
        let (number, basis) = (row.number.clone(), row.legal_basis.clone());
        stated.face = Some(Face { number, basis, from: span.from.to_string(), to: span.to.to_string(), until });
        let draft = state_of(&row)?.at(work.now);
        let signed = draft.sign(act.account, &report, &answers, request.confirm, &stated, until).map_err(refused)?;
        becomes(&mut row, &signed, act.account, work.now);
        row.report = serde_json::to_string(&report).map_err(|e| Refusal::internal(&e))?;
        row.answers = serde_json::to_string(&answers).map_err(|e| Refusal::internal(&e))?;
        row.data_version.clone_from(&report.data_version);
        (row.start_day, row.end_day) = (span.from.to_string(), span.to.to_string());
        row.stated = Some(serde_json::to_string(&stated).map_err(|e| Refusal::internal(&e))?);
        let subject = id.to_string();
        let hash = sheet_words(&subject, &row).hash();
        row.hash = Some(hash.clone());
        work.tx.prescriptions().save(&row).await?;
        let kept = SignedVersionRow {
            prescription_id: id,
            version: row.version,
            content: row.content.clone(),
            report: row.report.clone(),
            answers: row.answers.clone(),
            stated: row.stated.clone(),
            hash: hash.clone(),
            signed_by: act.account,
            signed_at: work.now,
        };
        work.tx.prescriptions().sign(&kept).await?;
        let by = SignAs::Account(act.account);
        self.sign(&mut work, act.institution, by, Purpose::Prescription, &subject, &hash).await?;
        if report.needs_confirmation() {
            self.sign(&mut work, act.institution, by, Purpose::Confirmation, &subject, &hash).await?;
        }
        let rules: Vec<&str> = report.findings.iter().map(|finding| finding.rule.as_str()).collect();
        let detail = json!({ "version": row.version, "hash": hash, "findings": rules, "data": report.data_version,
                             "valid_until": until });
        work.audit_why(act.institution, &act.account.to_string(), "rx.sign", &subject, None, detail).await?;
        self.tell(&mut work, &row, "rx.signed").await?;
        let view = self.prescription_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Stops every prescription of a visit that is in force: it was somebody else who sat there.
    pub(crate) async fn stop_prescriptions(
        &self,
        work: &mut Work,
        by: AccountId,
        visit: VisitId,
        why: &str,
    ) -> Result<(), Refusal> {
        for row in work.tx.prescriptions().of_visit(visit).await? {
            let Some(mut row) = work.tx.prescriptions().lock(row.id).await? else { continue };
            let Ok(stopped) = state_of(&row)?.at(work.now).stop(why.to_owned()) else { continue };
            self.stop_locked(work, by, &mut row, &stopped, why).await?;
        }
        Ok(())
    }

    /// Writes, notes and tells that a prescription which may be stopped is.
    async fn stop_locked(
        &self,
        work: &mut Work,
        by: AccountId,
        row: &mut PrescriptionRow,
        stopped: &State,
        why: &str,
    ) -> Result<(), Refusal> {
        becomes(row, stopped, by, work.now);
        work.tx.prescriptions().save(row).await?;
        let (who, what, why) = (by.to_string(), row.id.to_string(), Some(why.to_owned()));
        let detail = json!({ "version": row.version });
        work.audit_why(row.institution_id, &who, "rx.stop", &what, why, detail).await?;
        self.tell(work, row, "rx.stopped").await
    }

    /// Stops a prescription, as when the patient turns out to be pregnant: `POST /prescriptions/{id}/stop`.
    pub async fn stop_prescription(
        &self,
        act: DoctorAct,
        id: PrescriptionId,
        request: PrescriptionAct,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let (mut work, why) = match self.open_act(act, id, &request, ReadPurpose::Treatment, command).await? {
            ControlFlow::Continue(begun) => begun,
            ControlFlow::Break(view) => return Ok(*view),
        };
        let mut row = my_locked(&mut work.tx, act, id).await?;
        if row.version != request.version {
            return Err(self.behind(work, row, act.account, ReadPurpose::Treatment).await);
        }
        let stopped = state_of(&row)?.at(work.now).stop(why.clone()).map_err(refused)?;
        self.stop_locked(&mut work, act.account, &mut row, &stopped, &why).await?;
        let view = self.prescription_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }
}

/// Why it is good for longer than its day, where the doctor says so. What is said without need is looked at all the same.
fn longer(request: &PrescriptionSign) -> Result<Option<Longer>, Refusal> {
    let days = request.valid_days;
    if !(1..=MOST_VALID_DAYS).contains(&days) {
        return Err(Refusal::field(ErrorCode::Invalid, "valid_days", format!("1 to {MOST_VALID_DAYS}")));
    }
    if days == 1 && request.valid_reason.trim().is_empty() {
        return Ok(None);
    }
    let reason = reason(&request.valid_reason, "valid_reason")?;
    Ok((days > 1).then_some(Longer { days, reason }))
}
