//! What the doctors of waiting prescriptions were warned of, and what they said to it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::herb::gate::{Needs, Report, Severity};
use crate::domain::permission::PharmacistAct;
use crate::domain::prescription::{attention, place};
use crate::domain::time::Timestamp;
use crate::protocol::pharmacy::{WarnedFinding, WarnedPrescription};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::pharmacy::queue::LIST;
use crate::services::prescriptions::{PROMISE, state_of};
use crate::services::refusal::Refusal;
use crate::store::{PrescriptionRow, Tx};

impl Services {
    /// The waiting prescriptions with findings that needed the doctor's word, in the order of the queue. It shows what
    /// is prescribed, so each that is shown is in the audit: `GET /pharmacy/warned`.
    pub async fn warned_prescriptions(&self, act: PharmacistAct) -> Result<Vec<WarnedPrescription>, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let now = reading.now;
        let mut warned = Vec::new();
        for row in reading.tx.prescriptions().to_review(act.institution, now, LIST).await? {
            let (id, detail) = (row.id, json!({ "version": row.version }));
            let view = view(&mut reading.tx, act, row, now).await;
            let Some((severity, view)) = self.told.readable("pharmacy_warned", &id, view)?.flatten() else { continue };
            reading.see("rx.read", &id, ReadPurpose::Review, detail);
            warned.push((place(Some(severity), view.due_at.unwrap_or(now), now), view));
        }
        warned.sort_by_key(|(place, _)| *place);
        self.answer(reading, warned.into_iter().map(|(_, view)| view).collect()).await
    }
}

/// A prescription whose doctor was warned, and how severely.
async fn view(
    tx: &mut Tx,
    act: PharmacistAct,
    row: PrescriptionRow,
    now: Timestamp,
) -> Result<Option<(Severity, WarnedPrescription)>, Refusal> {
    let broken = || Refusal::internal("a prescription does not read");
    if state_of(&row)?.at(now).phase() != row.state {
        return Ok(None);
    }
    let report: Report = serde_json::from_str(&row.report).map_err(|_| broken())?;
    let Some(severity) = attention(&report) else { return Ok(None) };
    let mut answers: BTreeMap<String, String> = serde_json::from_str(&row.answers).map_err(|_| broken())?;
    let patient = tx.patients().find(act.institution, row.patient_id).await?.ok_or_else(broken)?;
    let findings = report.findings.into_iter().filter(|finding| finding.needs != Needs::Nothing);
    let findings = findings.map(|finding| WarnedFinding { reason: answers.remove(&finding.key), finding }).collect();
    let view = WarnedPrescription {
        id: row.id,
        number: row.number,
        version: row.version,
        patient_masked: patient.name_masked,
        doctor: staff_name(tx, row.doctor_id).await?.0,
        due_at: row.signed_at.map(|at| at + PROMISE),
        findings,
    };
    Ok(Some((severity, view)))
}
