//! The queue as its people use it: take a number, see the truth, answer the call, leave; and what all of that tells.

mod answer;
pub(super) mod board;
pub(super) mod estimate;
mod level;
mod near;
mod pair;
pub(super) mod presence;
pub mod receipts;
pub(super) mod ring_texts;
mod take;
pub(super) mod truth;
mod view;

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::json;

use crate::domain::date::{Day, day_of, zone, zone_or_home};
use crate::domain::ids::{AccountId, DeskId, TicketId};
use crate::domain::permission::{HolderAct, TriageAct};
use crate::domain::ticket::TicketState;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::ticket::{DeviceCheck, TicketPhase};
use crate::services::Services;
use crate::services::alarms::raising::Cause;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::work::Work;
use crate::store::{ClinicRow, TicketRow, Tx};

fn stale() -> Refusal {
    Refusal::new(ErrorCode::TicketState, "the ticket is not where it was; fetch it again")
}

impl Services {
    /// Writes what happened to a ticket to its own topic and to its clinic's.
    pub(crate) async fn announce_ticket(&self, work: &mut Work, ticket: &TicketRow, kind: &str) -> Result<(), Refusal> {
        self.announce_act(work, ticket, kind, ticket.desk_id, None).await
    }

    /// The same of something that happened at a desk: `by` names its doctor, and nobody where time itself did it.
    pub(crate) async fn announce_act(
        &self,
        work: &mut Work,
        ticket: &TicketRow,
        kind: &str,
        desk: Option<DeskId>,
        by: Option<AccountId>,
    ) -> Result<(), Refusal> {
        // By these the queue can be played again: where the ticket stands, why, and who stepped aside for it.
        let slot = match ticket.appointment_id.filter(|_| kind == "ticket.joined") {
            Some(id) => work.tx.appointments().find(id).await?.map(|row| row.starts_at),
            None => None,
        };
        let was_put_back = matches!(kind, "ticket.missed" | "ticket.wrong_person" | "ticket.put_back");
        let aside = if was_put_back { work.tx.tickets().close_behind(ticket).await? } else { Vec::new() };
        // Somebody else's first answer costs no place.
        let shift = match kind {
            _ if !was_put_back => 0,
            "ticket.wrong_person" if ticket.wrong_count <= 1 => 0,
            _ => work.tx.clinics().find(ticket.clinic_id).await?.map_or(0, |clinic| clinic.miss_shift),
        };
        let data = json!({
            "lane": ticket.lane,
            "rank": ticket.rank,
            "arrived": ticket.arrived_at,
            "slot": slot,
            "want": ticket.want_doctor,
            "want_until": ticket.want_until,
            "aside": aside,
            "shift": shift,
            "ticket": ticket.id,
            "no": ticket.no,
            "state": ticket.state,
            "level": ticket.level,
            "version": ticket.version,
            "moved": ticket.move_reason,
            "desk": desk,
            "by": by,
        });
        work.emit(ticket.institution_id, Topic::Ticket(ticket.id).to_string(), kind, data.clone()).await?;
        work.emit(ticket.institution_id, Topic::Clinic(ticket.clinic_id).to_string(), kind, data).await?;
        Ok(())
    }
}

/// Tells the desk that holds a ticket, if one does.
pub(crate) async fn announce_desk(work: &mut Work, ticket: &TicketRow, kind: &str) -> Result<(), Refusal> {
    if let Some(desk) = ticket.desk_id {
        let data = json!({ "ticket": ticket.id });
        work.emit(ticket.institution_id, Topic::Desk(desk).to_string(), kind, data).await?;
    }
    Ok(())
}

/// Whom an alarm of this ticket is about.
pub(crate) fn cause_of(ticket: &TicketRow) -> Cause {
    Cause {
        patient: Some(ticket.patient_id),
        holder: ticket.holder_id,
        declaration: ticket.declaration_id,
        ticket: Some(ticket.id),
        origin: None,
    }
}

/// What the check before the call found.
pub(crate) fn device_check(ticket: &TicketRow) -> Option<DeviceCheck> {
    ticket.device_check.as_ref().and_then(|check| serde_json::from_value(check.0.clone()).ok())
}

/// The state with what the patient's yes adds to it.
pub(crate) fn phase_of(ticket: &TicketRow) -> TicketPhase {
    match ticket.state {
        TicketState::Waiting => TicketPhase::Waiting,
        TicketState::Called if ticket.accepted_at.is_some() => TicketPhase::Accepted,
        TicketState::Called => TicketPhase::Called,
        TicketState::Serving => TicketPhase::Serving,
        TicketState::Suspended => TicketPhase::Suspended,
        TicketState::Emergency => TicketPhase::Emergency,
        TicketState::Done => TicketPhase::Done,
        TicketState::NoShow => TicketPhase::NoShow,
        TicketState::Left => TicketPhase::Left,
        TicketState::Transferred => TicketPhase::Transferred,
    }
}

/// The zone in which a clinic's wall hangs; the hospital's, said loudly, where nobody knows the clinic's.
pub(crate) fn place(clinic: &ClinicRow) -> TimeZone {
    if zone(&clinic.time_zone).is_none() {
        tracing::error!(clinic.id = %clinic.id, "a clinic's time zone is unknown");
    }
    zone_or_home(&clinic.time_zone)
}

/// The day that it is at a clinic.
pub(crate) fn day_at(clinic: &ClinicRow, now: Timestamp) -> Result<Day, Refusal> {
    day_of(&place(clinic), now).ok_or_else(|| Refusal::internal("a moment outside of the calendar"))
}

/// Minutes of a clinic's policy as a span.
pub(crate) fn minutes(n: i64) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(0) * 60)
}

async fn own_ticket(tx: &mut Tx, act: HolderAct, id: TicketId) -> Result<(TicketRow, ClinicRow), Refusal> {
    let ticket = tx.tickets().find(id).await?;
    let ticket = ticket.filter(|t| t.holder_id == Some(act.holder) && t.institution_id == act.institution);
    let ticket = ticket.ok_or_else(Refusal::not_found)?;
    let clinic = tx.clinics().find(ticket.clinic_id).await?.ok_or_else(Refusal::not_found)?;
    Ok((ticket, clinic))
}

/// A ticket of the institution of somebody of its staff.
async fn staff_ticket(tx: &mut Tx, act: TriageAct, id: TicketId) -> Result<TicketRow, Refusal> {
    let ticket = tx.tickets().find(id).await?.filter(|ticket| ticket.institution_id == act.institution);
    ticket.ok_or_else(Refusal::not_found)
}

/// The same, with its patient locked: whoever confirms, mends or closes one of the same person waits.
pub(crate) async fn ticket_of_locked_patient(tx: &mut Tx, act: TriageAct, id: TicketId) -> Result<TicketRow, Refusal> {
    let ticket = staff_ticket(tx, act, id).await?;
    tx.patients().lock(ticket.patient_id).await?;
    Ok(ticket)
}
