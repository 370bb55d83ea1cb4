//! The ticket as its holder sees it.

use std::time::Duration;

use crate::domain::ids::TicketId;
use crate::domain::permission::{Actor, HolderAct};
use crate::domain::text::Text;
use crate::domain::ticket::TicketState;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::ticket::{DeskCall, TicketView};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::intake::patients::{patient_card, related};
use crate::services::intake::triage::Decisions;
use crate::services::refusal::Refusal;
use crate::services::tickets::truth::Truth;
use crate::services::tickets::{own_ticket, phase_of};
use crate::store::{ClinicRow, TicketRow, Tx};

/// How long an ended ticket is still shown to its holder.
const SHOWN_AFTER: Duration = Duration::from_hours(24);

impl Services {
    /// The newest ticket of a holder in a clinic: live, or ended within a day.
    pub async fn current_ticket(&self, act: HolderAct, link: &str) -> Result<Option<TicketView>, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let clinic = tx.clinics().by_link(link).await?.filter(|clinic| clinic.institution_id == act.institution);
        let clinic = clinic.ok_or_else(|| Refusal::new(ErrorCode::LinkUnknown, "no such link"))?;
        let Some(mut ticket) = tx.tickets().newest_of_holder(act.holder, clinic.id).await? else { return Ok(None) };
        let mut clinic = clinic;
        // Follow every transfer to where the patient waits now.
        while let Some(next) = ticket.moved_to
            && let Some(row) = tx.tickets().find(next).await?
        {
            clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
            ticket = row;
        }
        let is_old = ticket.ended_at.is_some_and(|ended| now.since(ended) > SHOWN_AFTER);
        if is_old {
            return Ok(None);
        }
        let truth = self.truth(&mut tx, clinic.id).await?;
        Ok(Some(self.view(&mut tx, act, &ticket, &clinic, &truth, now).await?))
    }

    /// A ticket as its holder sees it.
    pub async fn ticket_for(&self, actor: Actor, id: TicketId) -> Result<TicketView, Refusal> {
        let act = actor.holder().ok_or_else(Refusal::not_found)?;
        let mut tx = self.db.read().await?;
        let (ticket, clinic) = own_ticket(&mut tx, act, id).await?;
        let truth = self.truth(&mut tx, clinic.id).await?;
        self.view(&mut tx, act, &ticket, &clinic, &truth, self.clock.now()).await
    }

    pub(crate) async fn view(
        &self,
        tx: &mut Tx,
        act: HolderAct,
        ticket: &TicketRow,
        clinic: &ClinicRow,
        truth: &Truth,
        now: Timestamp,
    ) -> Result<TicketView, Refusal> {
        let related = related(tx, act, ticket.patient_id).await?;
        let patient = patient_card(tx, act, &related, now).await?;
        let decisions = Decisions::of(tx, ticket).await?;
        let reasons = decisions.as_ref().map_or_else(Vec::new, Decisions::told);
        let ruleset = decisions.as_ref().map(Decisions::ruleset);
        let place = truth.places.get(&ticket.id);
        let call = match (ticket.desk_id, ticket.doctor_id, ticket.state) {
            (Some(desk), Some(doctor), TicketState::Called | TicketState::Serving | TicketState::Suspended) => {
                let desk_row = tx.desks().find(desk).await?.ok_or_else(Refusal::not_found)?;
                let (doctor_name, doctor_title) = staff_name(tx, doctor).await?;
                let desk_name = Text::new(desk_row.name_zh, desk_row.name_en);
                Some(DeskCall {
                    desk,
                    desk_name,
                    doctor_name,
                    doctor_title,
                    ring_until: ticket.ring_until.unwrap_or(now),
                    ring_secs: u32::try_from(clinic.ring_secs).unwrap_or(0),
                })
            }
            _ => None,
        };
        let has_visit = matches!(ticket.state, TicketState::Serving | TicketState::Suspended | TicketState::Done);
        let visit = if has_visit { tx.visits().of_ticket(ticket.id).await?.map(|visit| visit.id) } else { None };
        let alarm = if ticket.state.is_live() { tx.alarms().open_for_ticket(ticket.id).await? } else { None };
        Ok(TicketView {
            id: ticket.id,
            clinic: clinic.id,
            clinic_name: Text::new(clinic.name_zh.clone(), clinic.name_en.clone()),
            no: ticket.no,
            phase: phase_of(ticket),
            version: ticket.version,
            level: ticket.level,
            reasons,
            ruleset,
            patient,
            arrived_at: ticket.arrived_at,
            ahead: place.map(|place| place.ahead),
            estimate: place.map_or(crate::protocol::ticket::WaitEstimate::Unknown, |place| place.estimate.clone()),
            desks_open: truth.desks_open,
            last_call_at: truth.last_call_at,
            call,
            visit,
            nurse_call: alarm.map(|alarm| alarm.id),
            missed: u32::try_from(ticket.miss_count).unwrap_or(0),
            wrong_persons: u32::try_from(ticket.wrong_count).unwrap_or(0),
            void_after: u32::try_from(clinic.miss_limit).unwrap_or(0),
            miss_shift: u32::try_from(clinic.miss_shift).unwrap_or(0),
            moved: ticket.move_reason,
            moved_to: ticket.moved_to,
            retriage_due: ticket.retriage_due,
            notices: self.notices_of(tx, ticket).await?,
            as_of: now,
        })
    }
}
