//! Check-in: an appointment becomes a ticket in the lane that its declaration says.

use crate::domain::appointment::AppointmentState;
use crate::domain::appointment::check_in::{Refused, may_check_in};
use crate::domain::ids::AppointmentId;
use crate::domain::permission::HolderAct;
use crate::protocol::booking::CheckInRequest;
use crate::protocol::error::ErrorCode;
use crate::protocol::ticket::{TicketRequest, TicketView};
use crate::services::Services;
use crate::services::booking::{behind, locked, stale};
use crate::services::refusal::Refusal;
use crate::services::work::Command;

impl Services {
    /// The patient is here: makes the ticket, once. Where the doctor is away the ticket stands where it would, and whoever is
    /// free calls it: a patient who has come is not sent home because somebody else has not.
    pub async fn check_in(
        &self,
        act: HolderAct,
        id: AppointmentId,
        request: CheckInRequest,
        command: &Command,
    ) -> Result<TicketView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let now = work.now;
        let row = locked(&mut work.tx, act, id).await?;
        if row.state != AppointmentState::Booked || row.version != request.version {
            return Err(behind(&mut work.tx, act, id, now).await);
        }
        match may_check_in(row.starts_at, row.ends_at, now) {
            Ok(()) => {}
            Err(Refused::TooEarly(opens_at)) => {
                let wait = u32::try_from(opens_at.since(now).as_secs()).unwrap_or(u32::MAX);
                let refusal = Refusal::new(ErrorCode::AppointmentTooEarly, "check-in begins 30 minutes before");
                return Err(Refusal { retry_after: Some(wait.max(1)), ..refusal });
            }
            Err(Refused::TooLate) => {
                return Err(Refusal::new(
                    ErrorCode::AppointmentTooLate,
                    "check-in is over; take a number or book anew",
                ));
            }
        }
        // It closes before this, and the ticket waits for nobody; or after, and frees the ticket.
        work.tx.slots().lock(row.slot_id, row.slot_id).await?;
        let request = TicketRequest { declaration: request.declaration, check: request.check };
        let (ticket, clinic) = self.join(&mut work, act, request, Some(&row)).await?;
        let row = work.tx.appointments().check_in(id, row.version, ticket.id, now).await?.ok_or_else(stale)?;
        let truth = self.truth_within(&mut work.tx, clinic.id).await?;
        let view = self.view(&mut work.tx, act, &ticket, &clinic, &truth, now).await?;
        work.keep(command, &view).await?;
        self.announce_ticket(&mut work, &ticket, "ticket.joined").await?;
        self.announce_appointment(&mut work, &row, "appointment.checked_in").await?;
        work.commit().await?;
        Ok(view)
    }
}
