//! A draft: begun, saved over the version that was edited, and judged by the gate each time.

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::herb::HerbSet;
use crate::domain::ids::{PrescriptionId, VisitId};
use crate::domain::permission::DoctorAct;
use crate::domain::prescription::{Content, Misfit, Phase, canonical};
use crate::protocol::error::ErrorCode;
use crate::protocol::prescription::{PrescriptionNew, PrescriptionSave, PrescriptionView};
use crate::services::Services;
use crate::services::prescriptions::facts::Facts;
use crate::services::prescriptions::pane::open_basis;
use crate::services::prescriptions::{becomes, my_locked, refused, state_of};
use crate::services::refusal::Refusal;
use crate::services::visits::doctors_visit;
use crate::services::visits::notes::can_be_written;
use crate::services::work::{Command, Work};
use crate::store::{NewSheet, PrescriptionRow, VisitRow};

/// Prescriptions of one visit.
const OF_A_VISIT: usize = 10;

impl Services {
    /// Begins a draft: `POST /visits/{id}/prescriptions`.
    pub async fn begin_prescription(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: PrescriptionNew,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Treatment, done).await;
        }
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        if work.tx.prescriptions().of_visit(id).await?.len() >= OF_A_VISIT {
            return Err(Refusal::new(ErrorCode::RxState, "a visit holds at most ten prescriptions"));
        }
        let (facts, basis) = self.may_write(&mut work, &visit).await?;
        let prescription = self.ids.make(PrescriptionId::from_uuid);
        let day = facts.today.to_string();
        let mut row = PrescriptionRow::begun(NewSheet {
            id: prescription,
            institution: act.institution,
            clinic: visit.clinic_id,
            visit: id,
            patient: visit.patient_id,
            doctor: act.account,
            number: number(&day, prescription),
            legal_basis: basis,
            day,
            at: work.now,
        });
        self.write(&mut work, &visit, &facts, &mut row, request.content).await?;
        work.tx.prescriptions().insert(&row).await?;
        self.finish_draft(work, act, row, "rx.begin", command).await
    }

    /// Saves a draft. What was signed before is signed no more: `PUT /prescriptions/{id}`.
    pub async fn save_prescription(
        &self,
        act: DoctorAct,
        id: PrescriptionId,
        save: PrescriptionSave,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Treatment, done).await;
        }
        let mut row = my_locked(&mut work.tx, act, id).await?;
        if row.version != save.version {
            return Err(self.behind(work, row, act.account, ReadPurpose::Treatment).await);
        }
        let was = row.state;
        let draft = state_of(&row)?.at(work.now).change().map_err(refused)?;
        let visit = doctors_visit(&mut work.tx, act, row.visit_id).await?;
        let (facts, basis) = self.may_write(&mut work, &visit).await?;
        row.legal_basis = basis;
        row.version += 1;
        becomes(&mut row, &draft, act.account, work.now);
        self.write(&mut work, &visit, &facts, &mut row, save.content).await?;
        work.tx.prescriptions().save(&row).await?;
        let kind = if was == Phase::Draft { "rx.saved" } else { "rx.withdrawn" };
        self.finish_draft(work, act, row, kind, command).await
    }

    /// The facts of a visit for which this doctor may write, and the code of the basis.
    async fn may_write(&self, work: &mut Work, visit: &VisitRow) -> Result<(Facts, String), Refusal> {
        can_be_written(visit)?;
        let facts = self.facts_for_gate(&mut work.tx, visit, work.now).await?;
        let basis = open_basis(&facts, self.legal_flags())?;
        Ok((facts, basis.code))
    }

    async fn write(
        &self,
        work: &mut Work,
        visit: &VisitRow,
        facts: &Facts,
        row: &mut PrescriptionRow,
        content: Content,
    ) -> Result<(), Refusal> {
        let content = match content {
            Content::Herbal(sheet) => Content::Herbal(sheet.in_order()),
            medicines @ Content::Medicines(_) => medicines,
        };
        content
            .check(HerbSet::shipped())
            .map_err(|Misfit { field, words }| Refusal::field(ErrorCode::Invalid, format!("content.{field}"), words))?;
        let (report, span) = self.judge(&mut work.tx, visit, facts, &content, row).await?;
        row.content = canonical(&content);
        row.report = serde_json::to_string(&report).map_err(|e| Refusal::internal(&e))?;
        row.data_version = report.data_version;
        (row.start_day, row.end_day) = (span.from.to_string(), span.to.to_string());
        row.saved_at = work.now;
        Ok(())
    }

    async fn finish_draft(
        &self,
        mut work: Work,
        act: DoctorAct,
        row: PrescriptionRow,
        kind: &str,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        // A save every second is no matter for the audit; that a signature was taken back is.
        if kind != "rx.saved" {
            let (who, what) = (act.account.to_string(), row.id.to_string());
            let detail = json!({ "visit": row.visit_id, "version": row.version });
            work.audit_why(act.institution, &who, kind, &what, None, detail).await?;
        }
        self.tell(&mut work, &row, kind).await?;
        let view = self.prescription_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }
}

/// What stands on the paper: the day, and the end of the id, so that no counter has to be held.
fn number(day: &str, id: PrescriptionId) -> String {
    let simple = id.as_uuid().simple().to_string();
    format!("R{}-{}", day.replace('-', ""), simple[simple.len() - 8..].to_uppercase())
}
