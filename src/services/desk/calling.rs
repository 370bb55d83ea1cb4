//! The call: the next patient is called to a desk, rings, is confirmed, or is somebody else.

use std::time::Duration;

use serde_json::json;

use crate::domain::desk::Duty;
use crate::domain::ids::{DeskId, VisitId};
use crate::domain::permission::DoctorAct;
use crate::domain::room::RoomPurpose;
use crate::domain::signature::OUTCOME_SIGNED;
use crate::domain::ticket::{MoveReason, TicketState};
use crate::domain::visit::VisitEnd;
use crate::protocol::desk::DeskView;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::desk::{desk_again, duty_of, not_open, own_desk, present_ticket, stale, update};
use crate::services::opinions::withdraw_all;
use crate::services::refusal::Refusal;
use crate::services::visits::case_reports::withdraw_report;
use crate::services::work::{Command, Work};
use crate::store::{Caller, StoreError, TicketRow, VisitRow};

/// What a doctor does with the ticket that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallAct {
    /// Rings again.
    Recall,
    /// Counts the call as missed now.
    Skip,
    /// Takes the call back; the ticket keeps its place.
    Cancel,
    /// The identity was compared: the visit begins.
    Confirm,
    /// It is somebody else; in a visit, the media is cut.
    WrongPerson,
}

impl Services {
    /// Calls the next patient; which one is not the doctor's choice.
    pub async fn call_next(&self, act: DoctorAct, id: DeskId, command: &Command) -> Result<DeskView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return desk_again(work, act, command, done).await;
        }
        let mut desk = own_desk(&mut work.tx, act, id).await?;
        if duty_of(&desk, act)? != Duty::Open {
            return Err(not_open());
        }
        self.may_practise(&mut work, act).await?;
        if work.tx.tickets().of_doctor(act.account).await?.is_some() {
            return Err(Refusal::new(ErrorCode::DoctorBusy, "finish the present patient first"));
        }
        // Nobody is called who could not be seen: who is called from here on comes in.
        self.live.has_place(RoomPurpose::Visit)?;
        let clinic = work.tx.clinics().find(desk.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let now = work.now;
        let ring_until = now + ring(clinic.ring_secs);
        let caller = Caller { clinic: clinic.id, desk: id, doctor: act.account, ring_until };
        let called = match work.tx.tickets().call_next(caller, now).await {
            Err(StoreError::Conflict) => {
                return Err(Refusal::new(ErrorCode::DoctorBusy, "finish the present patient first"));
            }
            other => other?,
        };
        let Some(ticket) = called else { return Err(Refusal::new(ErrorCode::QueueEmpty, "nobody is waiting")) };
        desk.last_call_at = Some(now);
        update(&mut work.tx, &desk).await?;
        self.announce_act(&mut work, &ticket, "ticket.called", Some(id), Some(act.account)).await?;
        self.tell_near(&mut work, clinic.id).await?;
        let text = self.text_of_call(&mut work, &ticket).await?;
        let view = self.finish(work, act, id, command, "desk.called").await?;
        self.send_text(text);
        Ok(view)
    }

    /// Acts on the ticket that the doctor has called.
    pub async fn act_on_call(
        &self,
        act: DoctorAct,
        id: DeskId,
        what: CallAct,
        version: i64,
        command: &Command,
    ) -> Result<DeskView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return desk_again(work, act, command, done).await;
        }
        let ticket = present_ticket(&mut work.tx, act, id).await?;
        let clinic = work.tx.clinics().find(ticket.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let now = work.now;
        let mut ends = None;
        let (moved, kind) = match what {
            CallAct::Recall => {
                let until = now + ring(clinic.ring_secs);
                (work.tx.tickets().recall(ticket.id, version, until, now).await?, "ticket.called")
            }
            CallAct::Skip => {
                let (shift, limit) = (clinic.miss_shift, clinic.miss_limit);
                (work.tx.tickets().miss(ticket.id, version, shift, limit, now).await?, "ticket.missed")
            }
            CallAct::Cancel if ticket.state == TicketState::Called => {
                let back = work.tx.tickets().restore(ticket.id, version, MoveReason::CallCancelled).await?;
                (back, "ticket.restored")
            }
            CallAct::Cancel => return Err(stale()),
            CallAct::Confirm => {
                // Two telephones may wait for one person; two doctors never see that person at once.
                work.tx.patients().lock(ticket.patient_id).await?;
                if let Some(mate) = work.tx.tickets().mate_in_visit(&ticket).await? {
                    let words = format!("the same document is in a visit now as no. {}; ask there who it is", mate.no);
                    return Err(Refusal::new(ErrorCode::TicketSameDocument, words));
                }
                let moved = work.tx.tickets().serve(ticket.id, version, now).await?;
                if let Some(moved) = &moved {
                    self.begin_visit(&mut work, act, id, moved).await?;
                    self.audit_previous_of_others(&mut work, &act.account.to_string(), moved).await?;
                }
                (moved, "ticket.serving")
            }
            CallAct::WrongPerson => {
                let visit = work.tx.visits().of_ticket(ticket.id).await?;
                if let Some(visit) = visit.filter(|visit| visit.ended_at.is_none()) {
                    self.stop_visit(&mut work, &visit, VisitEnd::WrongPerson).await?;
                    self.stop_prescriptions(&mut work, act.account, visit.id, "本次就诊接诊的不是该患者").await?;
                    withdraw_all(&mut work, act.account, visit.id).await?;
                    withdraw_report(&mut work, act.account, visit.id).await?;
                    ends = Some(visit.room_id);
                }
                let (who, what) = (act.account.to_string(), ticket.id.to_string());
                work.audit(act.institution, &who, "visit.wrong_person", &what).await?;
                let (shift, limit) = (clinic.miss_shift, clinic.miss_limit);
                let back = work.tx.tickets().wrong_person(ticket.id, version, shift, limit, now).await?;
                (back, "ticket.wrong_person")
            }
        };
        let moved = moved.ok_or_else(stale)?;
        self.announce_act(&mut work, &moved, kind, Some(id), Some(act.account)).await?;
        if let CallAct::Skip | CallAct::Cancel = what {
            let action = if what == CallAct::Skip { "ticket.skip" } else { "ticket.cancel" };
            let detail = json!({ "desk": id });
            let (who, what) = (act.account.to_string(), ticket.id.to_string());
            work.audit_why(act.institution, &who, action, &what, None, detail).await?;
        }
        let text = if what == CallAct::Recall { self.text_of_call(&mut work, &moved).await? } else { None };
        let view = self.finish(work, act, id, command, "desk.changed").await?;
        self.send_text(text);
        if let Some(room) = ends {
            self.end_room(room, VisitEnd::WrongPerson.room_end()).await;
        }
        Ok(view)
    }

    /// The visit of a confirmed ticket: a new one with its room, or the one that was cut off.
    async fn begin_visit(
        &self,
        work: &mut Work,
        act: DoctorAct,
        desk: DeskId,
        ticket: &TicketRow,
    ) -> Result<VisitRow, Refusal> {
        let before = work.tx.visits().of_ticket(ticket.id).await?;
        let id = before.as_ref().map_or_else(|| self.ids.make(VisitId::from_uuid), |visit| visit.id);
        let agreed = self.is_recorded(work, ticket).await?;
        let room = self.room_for(work, act.institution, RoomPurpose::Visit, id.as_uuid(), agreed).await?;
        let visit = VisitRow {
            id,
            institution_id: act.institution,
            clinic_id: ticket.clinic_id,
            ticket_id: ticket.id,
            patient_id: ticket.patient_id,
            holder_id: ticket.holder_id,
            doctor_id: act.account,
            desk_id: desk,
            room_id: room.id,
            outcome: None,
            outcome_reason: None,
            started_at: work.now,
            ended_at: None,
            end_reason: None,
        };
        if before.is_some() {
            work.tx.visits().restart(&visit).await?;
        } else {
            work.tx.visits().insert(&visit).await?;
        }
        let (who, what) = (act.account.to_string(), visit.id.to_string());
        let detail = json!({ "identity": self.whose(&mut work.tx, &visit).await?, "outcome": OUTCOME_SIGNED });
        work.audit_why(act.institution, &who, "visit.identity_confirmed", &what, None, detail).await?;
        Ok(visit)
    }
}

pub(crate) fn ring(secs: i64) -> Duration {
    Duration::from_secs(u64::try_from(secs).unwrap_or(90))
}
