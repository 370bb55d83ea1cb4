//! Raising an alarm: inside the transaction of what raised it, so that neither exists without the other.

use serde_json::json;
use sqlx::types::Json;

use crate::domain::alarm::AlarmKind;
use crate::domain::ids::{AlarmId, ClinicId, DeclarationId, HolderId, InstitutionId, PatientId, TicketId};
use crate::domain::text::Text;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::work::Work;
use crate::store::AlarmRow;

/// Whose alarm it is, as far as that is known: nothing, behind a red flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    /// Who is ill.
    pub patient: Option<PatientId>,
    /// Who answers.
    pub holder: Option<HolderId>,
    /// What was declared.
    pub declaration: Option<DeclarationId>,
    /// The ticket.
    pub ticket: Option<TicketId>,
}

impl Services {
    /// Raises an alarm at the nurse and at every open desk of the institution.
    pub(crate) async fn raise_alarm(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        clinic: ClinicId,
        kind: AlarmKind,
        reasons: Vec<Text>,
        cause: Cause,
    ) -> Result<AlarmId, Refusal> {
        let id = self.ids.make(AlarmId::from_uuid);
        let row = AlarmRow {
            id,
            institution_id: institution,
            clinic_id: clinic,
            kind,
            reasons: Json(reasons),
            patient_id: cause.patient,
            holder_id: cause.holder,
            declaration_id: cause.declaration,
            ticket_id: cause.ticket,
            raised_at: work.now,
            taken_by: None,
            taken_at: None,
            closed_at: None,
            outcome: None,
            note_sealed: None,
            version: 1,
        };
        work.tx.alarms().insert(&row).await?;
        let data = json!({ "alarm": id.as_uuid(), "kind": kind.as_str() });
        work.emit(institution, Topic::Alarms(institution).to_string(), "alarm.raised", data.clone()).await?;
        work.emit(institution, Topic::Clinic(clinic).to_string(), "alarm.raised", data).await?;
        Ok(id)
    }
}
