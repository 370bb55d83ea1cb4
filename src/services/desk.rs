//! The desk: open, call, ring, confirm, and everything that can go otherwise.

use std::time::Duration;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::desk::{Desk, DeskPhase, Duty, Happening};
use crate::domain::ids::{DeskId, TicketId, VisitId};
use crate::domain::permission::{Actor, DoctorAct, TriageAct};
use crate::domain::recording::retain_until;
use crate::domain::room::RoomPurpose;
use crate::domain::text::Text;
use crate::domain::ticket::{LEASE, MoveReason, TicketState, lane_of};
use crate::domain::visit::VisitEnd;
use crate::protocol::desk::{DeskView, TransferRequest};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::alarms;
use crate::services::case_reports::withdraw_report;
use crate::services::opinions::withdraw_all;
use crate::services::outcomes::SIGNED;
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::tickets::{day_at, minutes};
use crate::services::topics::Topic;
use crate::services::unfinished::unfinished;
use crate::services::work::{Command, Work};
use crate::store::{Caller, ClinicRow, DeskRow, StoreError, TicketRow, Tx, VisitRow};

pub(crate) fn stale() -> Refusal {
    Refusal::new(ErrorCode::TicketState, "the ticket is not where it was; fetch the desk again")
}

/// What a doctor does to a desk as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeskAct {
    /// Begins to work there.
    Open,
    /// Calls nobody for so many minutes, or until resumed.
    Pause(Option<u32>),
    /// Calls again.
    Resume,
    /// Finishes the present patient, then goes.
    Close,
}

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
    /// The desk at which the doctor works.
    pub async fn my_desk(&self, act: DoctorAct) -> Result<Option<DeskView>, Refusal> {
        let mut tx = self.db.read().await?;
        let Some(desk) = tx.desks().of_account(act.account).await? else { return Ok(None) };
        self.read_desk(tx, act, &desk).await.map(Some)
    }

    /// A desk of the doctor's institution.
    pub async fn desk(&self, act: DoctorAct, id: DeskId) -> Result<DeskView, Refusal> {
        let mut tx = self.db.read().await?;
        let desk = own_desk(&mut tx, act, id).await?;
        self.read_desk(tx, act, &desk).await
    }

    /// Reads a desk; whoever sees a patient's declaration there for the first time in a call is in the audit log before.
    async fn read_desk(&self, mut tx: Tx, act: DoctorAct, desk: &DeskRow) -> Result<DeskView, Refusal> {
        let view = self.desk_view(&mut tx, act, desk).await?;
        let Some(current) = &view.current else { return Ok(view) };
        let ticket = tx.tickets().find(current.ticket).await?.ok_or_else(Refusal::not_found)?;
        if !tx.tickets().was_handed(&ticket, act.account).await? {
            drop(tx);
            let mut work = self.begin().await?;
            audit_handing(&mut work, act.triage(), &ticket, ReadPurpose::Treatment).await?;
            work.commit().await?;
        }
        Ok(view)
    }

    /// Opens, pauses, resumes or closes a desk.
    pub async fn set_desk(
        &self,
        act: DoctorAct,
        id: DeskId,
        what: DeskAct,
        command: &Command,
    ) -> Result<DeskView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return desk_again(work, act, command, done).await;
        }
        let mut desk = own_desk(&mut work.tx, act, id).await?;
        let now = work.now;
        let happening = match what {
            DeskAct::Open => {
                self.sit_down(&mut work, act, &desk).await?;
                desk.account_id = Some(act.account);
                desk.lease_until = Some(now + LEASE);
                Happening::Open
            }
            DeskAct::Pause(after) => {
                duty_of(&desk, act)?;
                if after.is_some_and(|n| !(1..=120).contains(&n)) {
                    return Err(Refusal::field(ErrorCode::Invalid, "minutes", "1 to 120"));
                }
                Happening::Pause { until: after.map(|n| now + minutes(i64::from(n))) }
            }
            DeskAct::Resume => {
                duty_of(&desk, act)?;
                Happening::Resume
            }
            DeskAct::Close => {
                duty_of(&desk, act)?;
                Happening::Close
            }
        };
        let has_patient = has_patient(&mut work.tx, &desk).await?;
        let next = desk.desk().after(happening, has_patient).ok_or_else(not_open)?;
        update(&mut work.tx, &desk.turned(next)).await?;
        self.finish(work, act, id, command, "desk.changed").await
    }

    /// The doctor begins to work at a desk that is free, and leaves the one before. A doctor who holds
    /// a patient elsewhere is refused, unless a colleague took the lost desk: then the patient comes along.
    async fn sit_down(&self, work: &mut Work, act: DoctorAct, desk: &DeskRow) -> Result<(), Refusal> {
        self.may_practise(work, act).await?;
        let is_others = desk.account_id.is_some_and(|other| other != act.account);
        if is_others && matches!(desk.desk(), Desk::AtWork(_)) {
            return Err(Refusal::new(ErrorCode::DeskTaken, "a colleague works at this desk"));
        }
        if let Some(other) = work.tx.desks().of_account(act.account).await?
            && other.id != desk.id
        {
            if work.tx.tickets().of_doctor(act.account).await?.is_some() {
                return Err(Refusal::new(ErrorCode::DoctorBusy, "finish the patient at the other desk first"));
            }
            let left = other.turned(Desk::Closed);
            update(&mut work.tx, &left).await?;
            announce(work, &left, "desk.closed").await?;
        }
        // A colleague may have taken the desk over that was lost with a patient at it.
        work.tx.tickets().sit_at(act.account, desk.id).await?;
        work.tx.visits().sit_at(act.account, desk.id).await?;
        self.go_on_with_patient(work, act).await
    }

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
        let desk = own_desk(&mut work.tx, act, id).await?;
        duty_of(&desk, act)?;
        let ticket = work.tx.tickets().of_doctor(act.account).await?.ok_or_else(stale)?;
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
                work.tx.patients().hold(ticket.patient_id).await?;
                if let Some(mate) = work.tx.tickets().mate_in_visit(&ticket).await? {
                    let words = format!("the same document is in a visit now as no. {}; ask there who it is", mate.no);
                    return Err(Refusal::new(ErrorCode::TicketSameDocument, words));
                }
                let moved = work.tx.tickets().serve(ticket.id, version, now).await?;
                if let Some(moved) = &moved {
                    self.begin_visit(&mut work, act, &desk, moved).await?;
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

    /// Sends the present patient on to another clinic; the time of arrival goes along.
    pub async fn transfer(
        &self,
        act: DoctorAct,
        id: DeskId,
        request: TransferRequest,
        command: &Command,
    ) -> Result<DeskView, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return desk_again(work, act, command, done).await;
        }
        let desk = own_desk(&mut work.tx, act, id).await?;
        duty_of(&desk, act)?;
        let ticket = work.tx.tickets().of_doctor(act.account).await?.ok_or_else(stale)?;
        let target = work.tx.clinics().find(request.clinic).await?.filter(|c| c.institution_id == act.institution);
        let target = target.filter(|c| c.id != ticket.clinic_id);
        let target = target.ok_or_else(|| Refusal::field(ErrorCode::Invalid, "clinic", "no such other clinic"))?;
        if !target.is_open {
            return Err(Refusal::new(ErrorCode::ClinicClosed, "that clinic takes no patients now"));
        }
        let now = work.now;
        let visit = work.tx.visits().of_ticket(ticket.id).await?.filter(|visit| visit.ended_at.is_none());
        if let Some(visit) = &visit {
            self.stop_visit(&mut work, visit, VisitEnd::Transferred).await?;
        }
        let next = self.continued(&mut work, &ticket, &target).await?;
        let moved = work.tx.tickets().transfer(ticket.id, request.version, next.id, now).await?.ok_or_else(stale)?;
        match work.tx.tickets().insert(&next).await {
            Err(StoreError::Conflict) => {
                return Err(Refusal::new(ErrorCode::TicketExists, "the patient already waits in that clinic"));
            }
            other => other?,
        }
        if let Some(declaration) = ticket.declaration_id {
            work.tx.triages().attach(declaration, next.id).await?;
        }
        for alarm in &work.tx.alarms().go_along(ticket.id, next.id).await? {
            alarms::announce(&mut work, alarm, "alarm.attached").await?;
        }
        let (who, what) = (act.account.to_string(), ticket.id.to_string());
        let detail = json!({ "to": target.id, "ticket": next.id });
        // The reason is a clinical word: it goes to the colleague, sealed, and not into the audit log.
        self.hand_over(&mut work, act, &ticket, &next, visit.as_ref(), &why).await?;
        work.audit_why(act.institution, &who, "ticket.transfer", &what, None, detail).await?;
        self.announce_ticket(&mut work, &moved, "ticket.transferred").await?;
        self.announce_ticket(&mut work, &next, "ticket.joined").await?;
        let view = self.finish(work, act, id, command, "desk.changed").await?;
        if let Some(visit) = visit {
            self.end_room(visit.room_id, VisitEnd::Transferred.room_end()).await;
        }
        Ok(view)
    }

    async fn continued(&self, work: &mut Work, ticket: &TicketRow, clinic: &ClinicRow) -> Result<TicketRow, Refusal> {
        let day = day_at(clinic, work.now)?.date.to_string();
        let no = work.tx.tickets().draw_no(clinic.id, &day).await?;
        Ok(TicketRow {
            id: self.ids.make(TicketId::from_uuid),
            clinic_id: clinic.id,
            day,
            no,
            state: TicketState::Waiting,
            lane: lane_of(ticket.level),
            // The head of one queue, for a doctor who was lost there, is not the head of another.
            rank: ticket.rank.max(ticket.arrived_at.as_millis()),
            version: 1,
            call_count: 0,
            miss_count: 0,
            wrong_count: 0,
            desk_id: None,
            doctor_id: None,
            lease_until: None,
            ring_until: None,
            accepted_at: None,
            joined_at: work.now,
            called_at: None,
            started_at: None,
            ended_at: None,
            from_ticket: Some(ticket.id),
            moved_to: None,
            move_reason: Some(MoveReason::Transferred),
            // Whom the patient booked with sits in the clinic that was left.
            want_doctor: None,
            want_until: None,
            ..ticket.clone()
        })
    }

    /// The visit of a confirmed ticket: a new one with its room, or the one that was cut off.
    async fn begin_visit(
        &self,
        work: &mut Work,
        act: DoctorAct,
        desk: &DeskRow,
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
            desk_id: desk.id,
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
        let detail = json!({ "identity": self.whose(&mut work.tx, &visit).await?, "outcome": SIGNED });
        work.audit_why(act.institution, &who, "visit.identity_confirmed", &what, None, detail).await?;
        Ok(visit)
    }

    pub(crate) async fn stop_visit(&self, work: &mut Work, visit: &VisitRow, why: VisitEnd) -> Result<(), Refusal> {
        let now = work.now;
        work.tx.visits().end(visit.id, why, now).await?;
        work.tx.recordings().retain(visit.id, retain_until(now)).await?;
        self.close_room(work, visit.room_id).await?;
        let data = json!({ "reason": why });
        work.emit(visit.institution_id, Topic::Visit(visit.id).to_string(), "visit.ended", data).await?;
        Ok(())
    }

    /// The doctor of a desk is heard: a lost one goes on as what it was, and its suspended visit with it.
    async fn go_on_with_patient(&self, work: &mut Work, act: DoctorAct) -> Result<(), Refusal> {
        let now = work.now;
        let Some(ticket) = work.tx.tickets().of_doctor(act.account).await? else { return Ok(()) };
        if ticket.state == TicketState::Suspended
            && let Some(moved) = work.tx.tickets().go_on(ticket.id, ticket.version, now).await?
        {
            self.announce_ticket(work, &moved, "ticket.serving").await?;
        }
        Ok(())
    }

    /// The desk's browser was heard: its leases go on. A desk that was lost does again what it did.
    pub async fn renew_desk(&self, actor: Actor, id: DeskId) -> Result<(), Refusal> {
        // Nurses may follow a desk; only its doctor keeps it alive.
        let Some(act) = actor.doctor() else { return Ok(()) };
        let mut work = self.begin().await?;
        let desk = own_desk(&mut work.tx, act, id).await?;
        if desk.account_id != Some(act.account) || desk.state == DeskPhase::Closed {
            return Ok(());
        }
        let until = work.now + LEASE;
        if let before @ Desk::Lost(_) = desk.desk() {
            let has_patient = has_patient(&mut work.tx, &desk).await?;
            let next = before.after(Happening::Return, has_patient).unwrap_or(before);
            let back = DeskRow { lease_until: Some(until), ..desk }.turned(next);
            update(&mut work.tx, &back).await?;
            announce(&mut work, &back, "desk.changed").await?;
        } else {
            work.tx.desks().renew(id, act.account, until).await?;
        }
        work.tx.tickets().renew(act.account, until).await?;
        self.go_on_with_patient(&mut work, act).await?;
        work.commit().await
    }

    /// Ends a desk act: the answer, its repetition, the event, the commit.
    pub(crate) async fn finish(
        &self,
        mut work: Work,
        act: DoctorAct,
        id: DeskId,
        command: &Command,
        kind: &str,
    ) -> Result<DeskView, Refusal> {
        let mut desk = own_desk(&mut work.tx, act, id).await?;
        let has_patient = has_patient(&mut work.tx, &desk).await?;
        let before = desk.desk();
        if let Some(next) = before.after(Happening::PatientGone, has_patient).filter(|next| *next != before) {
            update(&mut work.tx, &desk.turned(next)).await?;
            desk = own_desk(&mut work.tx, act, id).await?;
        }
        let view = self.desk_view(&mut work.tx, act, &desk).await?;
        work.keep(command, &view).await?;
        announce(&mut work, &desk, kind).await?;
        if let Some(current) = &view.current {
            let ticket = work.tx.tickets().find(current.ticket).await?.ok_or_else(Refusal::not_found)?;
            audit_handing(&mut work, act.triage(), &ticket, ReadPurpose::Treatment).await?;
        }
        work.commit().await?;
        Ok(view)
    }

    async fn desk_view(&self, tx: &mut Tx, act: DoctorAct, desk: &DeskRow) -> Result<DeskView, Refusal> {
        let clinic = tx.clinics().find(desk.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let is_mine = desk.account_id == Some(act.account);
        let held = if is_mine { tx.tickets().of_doctor(act.account).await? } else { None };
        let current = match held {
            Some(ticket) => Some(Box::new(self.current_patient(tx, &ticket).await?)),
            None => None,
        };
        let present = current.as_ref().and_then(|current| current.visit);
        let unfinished = unfinished(tx, act, present).await?;
        Ok(DeskView {
            id: desk.id,
            name: Text::new(desk.name_zh.clone(), desk.name_en.clone()),
            clinic: clinic.id,
            clinic_name: Text::new(clinic.name_zh, clinic.name_en),
            phase: desk.state,
            paused_until: desk.paused_until,
            current,
            unfinished,
            records: tx.recordings().is_wanted(clinic.id).await?,
            version: desk.version,
            as_of: self.clock.now(),
        })
    }
}

pub(crate) fn ring(secs: i64) -> Duration {
    Duration::from_secs(u64::try_from(secs).unwrap_or(90))
}

pub(crate) async fn own_desk(tx: &mut Tx, act: DoctorAct, id: DeskId) -> Result<DeskRow, Refusal> {
    let desk = tx.desks().find(id).await?.filter(|desk| desk.institution_id == act.institution);
    desk.ok_or_else(Refusal::not_found)
}

/// Audits that somebody was given a ticket's patient with the whole declaration: once a call, not at every reading.
pub(crate) async fn audit_handing(
    work: &mut Work,
    act: TriageAct,
    ticket: &TicketRow,
    purpose: ReadPurpose,
) -> Result<(), Refusal> {
    let now = work.now;
    if !work.tx.tickets().hand(ticket, act.account, now).await? {
        return Ok(());
    }
    let (who, what) = (act.account.to_string(), ticket.id.to_string());
    let detail = json!({ "patient": ticket.patient_id, "call": ticket.call_count });
    work.audit_read(act.institution, &who, "patient.read", &what, purpose, detail).await
}

/// A desk as a repeated command was answered: the patient who was at it is shown again.
pub(crate) async fn desk_again(
    work: Work,
    act: DoctorAct,
    command: &Command,
    view: DeskView,
) -> Result<DeskView, Refusal> {
    let Some(current) = &view.current else { return Ok(view) };
    let subject = current.ticket.to_string();
    work.shown_again(act.institution, command, "patient.read", &subject, ReadPurpose::Treatment, view).await
}

fn not_open() -> Refusal {
    Refusal::new(ErrorCode::DeskNotOpen, "open the desk first")
}

/// What the desk does at which this doctor works and is heard; a refusal at any other.
pub(crate) fn duty_of(desk: &DeskRow, act: DoctorAct) -> Result<Duty, Refusal> {
    match desk.desk() {
        Desk::AtWork(duty) if desk.account_id == Some(act.account) => Ok(duty),
        _ => Err(not_open()),
    }
}

/// Whether the doctor of a desk holds a patient.
pub(crate) async fn has_patient(tx: &mut Tx, desk: &DeskRow) -> Result<bool, Refusal> {
    match desk.account_id {
        Some(doctor) => Ok(tx.tickets().of_doctor(doctor).await?.is_some()),
        None => Ok(false),
    }
}

async fn update(tx: &mut Tx, desk: &DeskRow) -> Result<(), Refusal> {
    match tx.desks().update(desk).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::new(ErrorCode::VersionConflict, "the desk changed in between")),
        Err(StoreError::Conflict) => Err(Refusal::new(ErrorCode::DeskTaken, "you work at another desk")),
        Err(error) => Err(error.into()),
    }
}

/// Tells followers of the desk and of its clinic.
pub(crate) async fn announce(work: &mut Work, desk: &DeskRow, kind: &str) -> Result<(), Refusal> {
    let data = json!({ "desk": desk.id, "state": desk.state });
    work.emit(desk.institution_id, Topic::Desk(desk.id).to_string(), kind, data.clone()).await?;
    work.emit(desk.institution_id, Topic::Clinic(desk.clinic_id).to_string(), kind, data).await?;
    Ok(())
}
