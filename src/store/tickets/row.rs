//! What is kept of a ticket, and how one begins.

use serde_json::Value;
use sqlx::types::Json;

use crate::domain::ids::{
    AccountId, AppointmentId, ClinicId, DeclarationId, DeskId, HolderId, InstitutionId, PatientId, TicketId,
};
use crate::domain::ticket::{MoveReason, TicketState, lane_of};
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;

/// A ticket as it is kept.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct TicketRow {
    /// The ticket.
    pub id: TicketId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The queue.
    pub clinic_id: ClinicId,
    /// `YYYY-MM-DD` in the clinic's zone.
    pub day: String,
    /// The printed number, gap-free per clinic and day.
    pub no: i64,
    /// Who is ill.
    pub patient_id: PatientId,
    /// Who answers.
    pub holder_id: Option<HolderId>,
    /// What was declared.
    pub declaration_id: Option<DeclarationId>,
    /// Triage level.
    pub level: Level,
    /// What it is doing.
    pub state: TicketState,
    /// Lower lanes are called first.
    pub lane: i64,
    /// Lower ranks are called first in a lane: the time of arrival, unless a stated rule moved the ticket.
    pub rank: i64,
    /// Optimistic lock and fencing token.
    pub version: i64,
    /// How often it was called.
    pub call_count: i64,
    /// How often nobody answered.
    pub miss_count: i64,
    /// How often somebody else answered.
    pub wrong_count: i64,
    /// Which desk holds it.
    pub desk_id: Option<DeskId>,
    /// Which doctor holds it.
    pub doctor_id: Option<AccountId>,
    /// The holder must be heard before this.
    pub lease_until: Option<Timestamp>,
    /// A call is missed after this.
    pub ring_until: Option<Timestamp>,
    /// When the patient said yes to the present call.
    pub accepted_at: Option<Timestamp>,
    /// When it was drawn.
    pub joined_at: Timestamp,
    /// When the patient arrived; kept over transfers.
    pub arrived_at: Timestamp,
    /// When it was last called.
    pub called_at: Option<Timestamp>,
    /// When the visit began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The ticket that it continues.
    pub from_ticket: Option<TicketId>,
    /// The ticket that continues it.
    pub moved_to: Option<TicketId>,
    /// Why it last moved.
    pub move_reason: Option<MoveReason>,
    /// When the three questions are due.
    pub retriage_due: Option<Timestamp>,
    /// A nurse should call.
    pub nurse_call: bool,
    /// What the check before the call found.
    pub device_check: Option<Json<Value>>,
    /// Whom it waits for, where it was booked.
    pub want_doctor: Option<AccountId>,
    /// After this anybody may call it.
    pub want_until: Option<Timestamp>,
    /// The appointment that it was made from.
    pub appointment_id: Option<AppointmentId>,
}

/// A number that is drawn for a patient who arrives.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// The ticket.
    pub id: TicketId,
    /// The tenant.
    pub institution: InstitutionId,
    /// The queue.
    pub clinic: ClinicId,
    /// `YYYY-MM-DD` in the clinic's zone.
    pub day: String,
    /// The number that was drawn for it.
    pub no: i64,
    /// Who is ill.
    pub patient: PatientId,
    /// Triage level.
    pub level: Level,
    /// When the patient arrived.
    pub at: Timestamp,
}

impl TicketRow {
    /// A ticket that waits where its level and its arrival put it: nobody has called it, and no rule has moved it.
    pub fn waiting(new: NewTicket) -> Self {
        Self {
            id: new.id,
            institution_id: new.institution,
            clinic_id: new.clinic,
            day: new.day,
            no: new.no,
            patient_id: new.patient,
            holder_id: None,
            declaration_id: None,
            level: new.level,
            state: TicketState::Waiting,
            lane: lane_of(new.level),
            rank: new.at.as_millis(),
            version: 1,
            call_count: 0,
            miss_count: 0,
            wrong_count: 0,
            desk_id: None,
            doctor_id: None,
            lease_until: None,
            ring_until: None,
            accepted_at: None,
            joined_at: new.at,
            arrived_at: new.at,
            called_at: None,
            started_at: None,
            ended_at: None,
            from_ticket: None,
            moved_to: None,
            move_reason: None,
            retriage_due: None,
            nurse_call: false,
            device_check: None,
            want_doctor: None,
            want_until: None,
            appointment_id: None,
        }
    }
}
