//! Whether a prescription may exist for a visit: what the doctor ticks, and what follows.

use jiff::civil::Date;
use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::herb::gate::Pregnancy;
use crate::domain::ids::{PrescriptionId, VisitId};
use crate::domain::people::Sex;
use crate::domain::permission::DoctorAct;
use crate::domain::prescription::{
    Basis, ClosedReason, EPIDEMIC, LegalFlags, Pane, VisitBasis, VisitKind, legal_basis, may_exist,
};
use crate::protocol::error::ErrorCode;
use crate::protocol::prescription::{BasisRequest, RxPane, VisitPrescriptions};
use crate::services::Services;
use crate::services::prescriptions::facts::Facts;
use crate::services::refusal::Refusal;
use crate::services::tickets::day_at;
use crate::services::topics::Topic;
use crate::services::visits::doctors_visit;
use crate::services::work::Command;
use crate::store::{BasisRow, Tx, VisitRow};

impl Services {
    /// The prescriptions of a visit, and whether one may exist; the read is audited: `GET /visits/{id}/prescriptions`.
    pub async fn prescriptions(&self, act: DoctorAct, id: VisitId) -> Result<VisitPrescriptions, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let visit = doctors_visit(&mut reading.tx, act, id).await?;
        let view = self.prescriptions_of(&mut reading.tx, &visit).await?;
        let read: Vec<PrescriptionId> = view.prescriptions.iter().map(|one| one.id).collect();
        if !read.is_empty() {
            reading.see("rx.read", &id, ReadPurpose::Treatment, json!({ "prescriptions": read }));
        }
        self.answer(reading, view).await
    }

    async fn prescriptions_of(&self, tx: &mut Tx, visit: &VisitRow) -> Result<VisitPrescriptions, Refusal> {
        let facts = self.facts_for_gate(tx, visit, self.clock.now()).await?;
        let mut prescriptions = Vec::new();
        for row in tx.prescriptions().of_visit(visit.id).await? {
            prescriptions.push(self.prescription_read(tx, row).await?);
        }
        Ok(VisitPrescriptions { pane: pane(&facts, self.legal_flags()), prescriptions })
    }

    /// What the hospital has switched on; the days on which the law allows it are data.
    pub(crate) fn legal_flags(&self) -> LegalFlags {
        LegalFlags { epidemic: self.config.epidemic_prescriptions }
    }

    /// The epidemic's basis, where it was that of a visit: something was signed on it, or the doctor says so in a hospital
    /// that uses it.
    pub(crate) async fn epidemic_basis(&self, tx: &mut Tx, visit: &VisitRow) -> Result<Option<Basis>, Refusal> {
        let is_ticked = tx.prescriptions().basis(visit.id).await?.is_some_and(|row| row.kind == VisitKind::Epidemic);
        let rows = tx.prescriptions().of_visit(visit.id).await?;
        let is_used = rows.iter().any(|row| row.hash.is_some() && row.legal_basis == EPIDEMIC);
        let is_said = is_ticked && self.legal_flags().epidemic;
        if !is_used && !is_said {
            return Ok(None);
        }
        let clinic = tx.clinics().find(visit.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        Ok(legal_basis(EPIDEMIC, day_at(&clinic, visit.started_at)?.date))
    }

    /// Ticks what kind of visit it is: `PUT /visits/{id}/basis`.
    pub async fn tick_basis(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: BasisRequest,
        command: &Command,
    ) -> Result<VisitPrescriptions, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.rx_again(act.institution, command, &id.to_string(), ReadPurpose::Treatment, done).await;
        }
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        let row = BasisRow {
            visit_id: id,
            institution_id: act.institution,
            kind: request.kind,
            proof_seen: request.proof_seen,
            guardian_present: request.guardian_present,
            paediatric: request.paediatric,
            pregnancy: request.pregnancy,
            ticked_by: act.account,
            ticked_at: work.now,
        };
        work.tx.prescriptions().tick(&row).await?;
        let view = self.prescriptions_of(&mut work.tx, &visit).await?;
        work.keep(command, &view).await?;
        let (who, what) = (act.account.to_string(), id.to_string());
        let detail = json!({
            "kind": row.kind, "proof_seen": row.proof_seen, "guardian_present": row.guardian_present,
            "paediatric": row.paediatric, "pregnancy": row.pregnancy,
        });
        work.audit_why(act.institution, &who, "visit.basis", &what, None, detail).await?;
        let read: Vec<PrescriptionId> = view.prescriptions.iter().map(|one| one.id).collect();
        if !read.is_empty() {
            let detail = json!({ "prescriptions": read });
            work.audit_read(act.institution, &who, "rx.read", &what, ReadPurpose::Treatment, detail).await?;
        }
        work.emit(act.institution, Topic::Visit(id).to_string(), "rx.basis", json!({})).await?;
        work.commit().await?;
        Ok(view)
    }
}

/// Whether one may be written today.
fn decide(facts: &Facts, flags: LegalFlags) -> Pane {
    if facts.is_archived {
        return Pane::Closed(ClosedReason::Archived);
    }
    may_exist(ticked(facts), facts.today, flags, facts.patient.age_months)
}

/// The basis on which a prescription may be written today.
///
/// # Errors
/// Where none may: the reason is the field.
pub(super) fn open_basis(facts: &Facts, flags: LegalFlags) -> Result<Basis, Refusal> {
    opened(decide(facts, flags))
}

/// The basis of one that was written on this day, by what is ticked now.
///
/// # Errors
/// Where there is none: the reason is the field.
pub(crate) fn basis_of_day(facts: &Facts, flags: LegalFlags, day: Date) -> Result<Basis, Refusal> {
    opened(may_exist(ticked(facts), day, flags, facts.patient.age_months))
}

fn opened(pane: Pane) -> Result<Basis, Refusal> {
    match pane {
        Pane::Open(basis) => Ok(basis),
        Pane::Closed(reason) => {
            Err(Refusal::field(ErrorCode::RxClosed, reason.as_str(), "no prescription may exist for this visit"))
        }
    }
}

fn ticked(facts: &Facts) -> VisitBasis {
    facts.basis.as_ref().map_or_else(VisitBasis::default, |row| VisitBasis {
        kind: row.kind,
        proof_seen: row.proof_seen,
        guardian_present: row.guardian_present,
        paediatric: row.paediatric,
    })
}

fn pane(facts: &Facts, flags: LegalFlags) -> RxPane {
    let (basis, closed) = match decide(facts, flags) {
        Pane::Open(basis) => (Some(basis), None),
        Pane::Closed(reason) => (None, Some(reason)),
    };
    let patient = &facts.patient;
    let is_of_age = (144..672).contains(&patient.age_months);
    RxPane {
        basis,
        closed,
        ticked: ticked(facts),
        pregnancy: patient.pregnancy,
        asks_pregnancy: patient.sex == Sex::Female && (is_of_age || patient.pregnancy == Pregnancy::Pregnant),
        asks_guardian: patient.age_months < 72,
        allergies: patient.allergies.clone(),
        drugs: patient.drugs.clone(),
    }
}
