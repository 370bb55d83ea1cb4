//! The second doctor: what opposes itself is signed by two, or goes back to the first.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::ids::PrescriptionId;
use crate::domain::permission::DoctorAct;
use crate::domain::prescription::State;
use crate::domain::signature::{Purpose, review_hash, review_subject};
use crate::protocol::prescription::{PrescriptionAct, PrescriptionView, ReviewKept, ReviewVerdict, SecondSheet};
use crate::services::Services;
use crate::services::prescriptions::{Intact, becomes, locked, refused, stale, state_of};
use crate::services::refusal::Refusal;
use crate::services::signing::SignAs;
use crate::services::vault::Field;
use crate::services::visits::notes::can_be_written;
use crate::services::work::{Command, Work};
use crate::store::PrescriptionRow;

/// A sheet that is held and is what its doctor signed.
struct Awaiting {
    row: PrescriptionRow,
    state: State,
    hash: String,
}

impl Services {
    /// What waits for a second doctor other than the one who asks; the read is audited.
    pub async fn to_countersign(&self, act: DoctorAct) -> Result<Vec<PrescriptionView>, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let rows = reading.tx.prescriptions().to_countersign(act.institution, act.account).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id;
            if state_of(&row)?.at(reading.now).phase() != row.state {
                continue;
            }
            let view = self.prescription_view(&mut reading.tx, row).await;
            let Some(view) = self.told.readable("to_countersign", &id, view)? else { continue };
            views.push(view);
            reading.see("rx.read", &id, ReadPurpose::Countersign, json!({}));
        }
        self.answer(reading, views).await
    }

    /// One of them with whom it is for, as whoever is to sign it has to know; the read is audited:
    /// `GET /prescriptions/{id}/countersign`.
    pub async fn second_sheet(&self, act: DoctorAct, id: PrescriptionId) -> Result<SecondSheet, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let row = reading.tx.prescriptions().find(id).await?.filter(|row| row.institution_id == act.institution);
        let row = row.ok_or_else(Refusal::not_found)?;
        // Whoever could not sign it has no reason to read whose it is.
        state_of(&row)?.at(reading.now).countersign(act.account).map_err(refused)?;
        self.intact(&mut reading.tx, &row).await?;
        let visit = reading.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        can_be_written(&visit)?;
        let facts = self.facts_for_gate(&mut reading.tx, &visit, reading.now).await?;
        let patient = reading.tx.patients().find(row.institution_id, row.patient_id).await?;
        let patient = patient.ok_or_else(Refusal::not_found)?;
        let detail = json!({ "version": row.version, "named": true });
        reading.see("rx.read", &id, ReadPurpose::Countersign, detail);
        let sheet = SecondSheet {
            name: self.open_field(Field::Name, patient.id.as_uuid(), &patient.name_sealed)?,
            age_years: facts.patient.age_months / 12,
            sex: facts.patient.sex,
            pregnancy: facts.patient.pregnancy,
            allergies: facts.patient.allergies,
            drugs: facts.patient.drugs,
            diagnosis: self.diagnosis_of_sheet(&mut reading.tx, &row).await?,
            prescription: self.prescription_view(&mut reading.tx, row).await?,
        };
        self.answer(reading, sheet).await
    }

    /// Signs beside the first doctor: `POST /prescriptions/{id}/countersign`.
    pub async fn countersign_prescription(
        &self,
        act: DoctorAct,
        id: PrescriptionId,
        request: PrescriptionAct,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let (work, why) = match self.open_act(act, id, &request, ReadPurpose::Countersign, command).await? {
            ControlFlow::Continue(begun) => begun,
            ControlFlow::Break(view) => return Ok(*view),
        };
        let (mut work, Awaiting { mut row, state, hash }) = self.awaiting(work, act, id, request.version).await?;
        let both = state.countersign(act.account).map_err(refused)?;
        becomes(&mut row, &both, act.account, work.now);
        let (what, by) = (id.to_string(), SignAs::Account(act.account));
        self.sign(&mut work, act.institution, by, Purpose::Countersignature, &what, &hash).await?;
        let detail = json!({ "version": row.version, "hash": hash });
        work.audit_why(act.institution, &act.account.to_string(), "rx.countersign", &what, Some(why), detail).await?;
        self.finish_second(work, row, "rx.countersigned", command).await
    }

    /// Does not sign beside the first doctor: the sheet goes back with the reason, as when a pharmacist gives it back:
    /// `POST /prescriptions/{id}/decline`. The word is signed, so that nobody can put it into another's mouth.
    pub async fn decline_prescription(
        &self,
        act: DoctorAct,
        id: PrescriptionId,
        request: PrescriptionAct,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        let (work, why) = match self.open_act(act, id, &request, ReadPurpose::Countersign, command).await? {
            ControlFlow::Continue(begun) => begun,
            ControlFlow::Break(view) => return Ok(*view),
        };
        let (mut work, Awaiting { mut row, state, hash }) = self.awaiting(work, act, id, request.version).await?;
        let back = state.decline(act.account, why.clone()).map_err(refused)?;
        let kept = ReviewKept { verdict: ReviewVerdict::Declined, items: BTreeSet::new(), reason: why.clone() };
        let kept = serde_json::to_value(&kept).map_err(|e| Refusal::internal(&e))?.to_string();
        let (what, by) = (id.to_string(), SignAs::Account(act.account));
        let signed = review_hash(&hash, &kept);
        self.sign(&mut work, act.institution, by, Purpose::Review, &review_subject(&what), &signed).await?;
        becomes(&mut row, &back, act.account, work.now);
        row.review = Some(kept);
        let detail = json!({ "version": row.version, "hash": hash, "review": signed });
        work.audit_why(act.institution, &act.account.to_string(), "rx.declined", &what, Some(why), detail).await?;
        self.finish_second(work, row, "rx.declined", command).await
    }

    /// The sheet on which a second doctor acts: of this version, and what its doctor signed.
    async fn awaiting(
        &self,
        mut work: Work,
        act: DoctorAct,
        id: PrescriptionId,
        version: i64,
    ) -> Result<(Work, Awaiting), Refusal> {
        let row = locked(&mut work.tx, act.institution, id).await?;
        if row.version != version {
            // What waits for nobody's second signature any more is its author's again.
            let waits = state_of(&row)?.at(work.now).countersign(act.account).is_ok();
            return Err(if waits {
                self.behind(work, row, act.account, ReadPurpose::Countersign).await
            } else {
                stale()
            });
        }
        self.may_practise(&mut work, act).await?;
        let visit = work.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        can_be_written(&visit)?;
        let state = state_of(&row)?.at(work.now);
        state.clone().countersign(act.account).map_err(refused)?;
        let Intact { hash, .. } = self.intact(&mut work.tx, &row).await?;
        Ok((work, Awaiting { row, state, hash }))
    }

    async fn finish_second(
        &self,
        mut work: Work,
        row: PrescriptionRow,
        kind: &str,
        command: &Command,
    ) -> Result<PrescriptionView, Refusal> {
        work.tx.prescriptions().save(&row).await?;
        self.tell(&mut work, &row, kind).await?;
        let view = self.prescription_view(&mut work.tx, row).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }
}
