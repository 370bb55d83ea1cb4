//! A doctor's own visits that have ended: an archived record is amended from here.

use std::time::Duration;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::note::amendment::is_archived;
use crate::domain::permission::DoctorAct;
use crate::domain::text::Text;
use crate::protocol::visit::EndedVisit;
use crate::services::Services;
use crate::services::refusal::Refusal;

/// How far back the list goes.
const BACK: Duration = Duration::from_hours(7 * 24);
/// Visits that are listed.
const LISTED: i64 = 50;

impl Services {
    /// The doctor's own visits that ended in the last seven days, the newest first; the read is audited.
    pub async fn ended_visits(&self, act: DoctorAct) -> Result<Vec<EndedVisit>, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let mut views = Vec::new();
        for visit in reading.tx.visits().ended_of(act.account, reading.now - BACK, LISTED).await? {
            let orphan = || Refusal::internal("a visit without its ticket, clinic or end");
            let ended_at = visit.ended_at.ok_or_else(orphan)?;
            let clinic = reading.tx.clinics().find(visit.clinic_id).await?.ok_or_else(orphan)?;
            let patient = reading.tx.patients().find(act.institution, visit.patient_id).await?;
            views.push(EndedVisit {
                visit: visit.id,
                no: reading.tx.tickets().find(visit.ticket_id).await?.ok_or_else(orphan)?.no,
                name_masked: patient.map(|patient| patient.name_masked).unwrap_or_default(),
                clinic_name: Text::new(clinic.name_zh, clinic.name_en),
                ended_at,
                outcome: visit.outcome,
                is_signed: !reading.tx.notes().signed(visit.id).await?.is_empty(),
                is_archived: is_archived(visit.ended_at, reading.now),
            });
        }
        reading.see("visit.list", &act.account, ReadPurpose::Treatment, json!({}));
        self.answer(reading, views).await
    }
}
