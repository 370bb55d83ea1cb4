//! What the doctors of waiting prescriptions were warned of, and what they said to it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::herb::gate::{Needs, Report};
use crate::domain::permission::PharmacistAct;
use crate::domain::prescription::{attention, place};
use crate::protocol::prescription::{WarnedFinding, WarnedPrescription};
use crate::services::Services;
use crate::services::pharmacy::queue::LIST;
use crate::services::prescriptions::{PROMISE, state_of};
use crate::services::refusal::Refusal;
use crate::services::sessions::staff_name;

impl Services {
    /// The waiting prescriptions with findings that needed the doctor's word, in the order of the queue. It shows what
    /// is prescribed, so each that is shown is in the audit: `GET /pharmacy/warned`.
    pub async fn warned_prescriptions(&self, act: PharmacistAct) -> Result<Vec<WarnedPrescription>, Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        let mut warned = Vec::new();
        for row in work.tx.prescriptions().to_review(act.institution, LIST).await? {
            let broken = || Refusal::internal("a prescription does not read");
            if state_of(&row)?.at(now).phase() != row.state {
                continue;
            }
            let report: Report = serde_json::from_str(&row.report).map_err(|_| broken())?;
            let Some(severity) = attention(&report) else { continue };
            let mut answers: BTreeMap<String, String> = serde_json::from_str(&row.answers).map_err(|_| broken())?;
            let patient = work.tx.patients().find(act.institution, row.patient_id).await?.ok_or_else(broken)?;
            let due_at = row.signed_at.map(|at| at + PROMISE);
            let findings = report.findings.into_iter().filter(|finding| finding.needs != Needs::Nothing);
            let findings =
                findings.map(|finding| WarnedFinding { reason: answers.remove(&finding.key), finding }).collect();
            let (who, what) = (act.account.to_string(), row.id.to_string());
            let detail = json!({ "version": row.version });
            work.audit_read(act.institution, &who, "rx.read", &what, ReadPurpose::Review, detail).await?;
            let view = WarnedPrescription {
                id: row.id,
                number: row.number,
                version: row.version,
                patient_masked: patient.name_masked,
                doctor: staff_name(&mut work.tx, row.doctor_id).await?.0,
                due_at,
                findings,
            };
            warned.push((place(Some(severity), due_at.unwrap_or(now), now), view));
        }
        work.commit().await?;
        warned.sort_by_key(|(place, _)| *place);
        Ok(warned.into_iter().map(|(_, view)| view).collect())
    }
}
