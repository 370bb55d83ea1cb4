//! An alarm is raised: whom it is about, from where it came, and how it finds the ticket that is drawn later.

use crate::domain::alarm::{AlarmKind, RINGING};
use crate::domain::ids::{AlarmId, ClinicId, DeclarationId, HolderId, InstitutionId, PatientId, TicketId};
use crate::domain::text::Text;
use crate::domain::ticket::TicketState;
use crate::services::Services;
use crate::services::alarms::announce;
use crate::services::alarms::line::purpose_of;
use crate::services::refusal::Refusal;
use crate::services::tickets::cause_of;
use crate::services::work::Work;
use crate::store::{AlarmRow, Json, TicketRow};

/// Whom an alarm is about, as far as known, and from where it came.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// Who is ill.
    pub patient: Option<PatientId>,
    /// Who answers.
    pub holder: Option<HolderId>,
    /// What was declared.
    pub declaration: Option<DeclarationId>,
    /// The ticket.
    pub ticket: Option<TicketId>,
    /// What alarms of one caller have in common, as [`Services::origin`] makes it; `None` when staff raise one, which
    /// always rings.
    pub origin: Option<Vec<u8>>,
}

impl Services {
    /// What is stored of where an alarm came from: a keyed hash of the holder, or of an unnamed caller's network. A holder
    /// is not counted with the network: a stranger in a ward's network must not fold the ward's declared emergencies.
    pub(crate) fn origin(&self, of: &str) -> Vec<u8> {
        self.vault.mac("alarm-origin", &[of.as_bytes()])[..16].to_vec()
    }

    /// Raises an alarm in the transaction of `work`: it rings at the nurse and at every open desk. When [`RINGING`] of its
    /// origin do, it is folded behind them, and rises when one of them is taken.
    pub(crate) async fn raise_alarm(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        clinic: ClinicId,
        kind: AlarmKind,
        reasons: Vec<Text>,
        cause: Cause,
    ) -> Result<AlarmId, Refusal> {
        let folded = match &cause.origin {
            Some(origin) => work.tx.alarms().count_ringing(clinic, origin).await? >= RINGING,
            None => false,
        };
        let alarm = AlarmRow {
            reasons: Json(reasons),
            patient_id: cause.patient,
            holder_id: cause.holder,
            declaration_id: cause.declaration,
            ticket_id: cause.ticket,
            origin: cause.origin,
            folded,
            ..AlarmRow::begun(self.ids.make(AlarmId::from_uuid), institution, clinic, kind, work.now)
        };
        self.keep_alarm(work, &alarm).await?;
        tracing::warn!(alarm.id = %alarm.id, kind = kind.as_str(), folded, "alarm raised");
        Ok(alarm.id)
    }

    /// Keeps a new alarm with the room of its line, and tells of it unless it is folded.
    pub(super) async fn keep_alarm(&self, work: &mut Work, alarm: &AlarmRow) -> Result<(), Refusal> {
        let purpose = purpose_of(alarm.kind);
        work.tx.alarms().insert(alarm).await?;
        self.room_for(work, alarm.institution_id, purpose, alarm.id.as_uuid(), None).await?;
        if alarm.folded {
            return Ok(());
        }
        announce(work, alarm, "alarm.raised").await
    }

    /// An emergency has taken its number: whoever answers the alarm of its declaration finds the ticket, and closing the
    /// alarm settles it. Where nobody answers any more, the alarm rings again: no emergency waits unheard.
    pub(crate) async fn alarm_for_ticket(
        &self,
        work: &mut Work,
        ticket: &TicketRow,
        reasons: Vec<Text>,
    ) -> Result<(), Refusal> {
        let attached =
            work.tx.alarms().attach(ticket.clinic_id, ticket.patient_id, ticket.holder_id, ticket.id).await?;
        for alarm in &attached {
            announce(work, alarm, "alarm.attached").await?;
        }
        if attached.is_empty() && ticket.state == TicketState::Emergency {
            let (institution, clinic) = (ticket.institution_id, ticket.clinic_id);
            let cause = cause_of(ticket);
            self.raise_alarm(work, institution, clinic, AlarmKind::Triage, reasons, cause).await?;
        }
        Ok(())
    }
}
