//! The desk: opened, paused, closed, lost and heard again, and what its doctor sees there. Whom it calls is in
//! [`crate::services::desk::calling`].

pub mod calling;
pub(super) mod current;
pub mod dropped;
pub(super) mod ended;
pub(super) mod handover;
pub(super) mod transfer;
pub(super) mod unfinished;

use std::time::Duration;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::desk::{Desk, DeskPhase, Duty, Happening};
use crate::domain::ids::DeskId;
use crate::domain::permission::{Actor, DoctorAct, TriageAct};
use crate::domain::text::Text;
use crate::domain::ticket::{LEASE, TicketState};
use crate::protocol::desk::DeskView;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::desk::unfinished::unfinished;
use crate::services::reading::Reading;
use crate::services::refusal::Refusal;
use crate::services::tickets::{day_at, minutes};
use crate::services::topics::Topic;
use crate::services::work::{Command, Work};
use crate::store::{DeskRow, StoreError, TicketRow, Tx};

/// A visit that ended today did not begin longer before the day.
const LONGEST: Duration = Duration::from_hours(24);

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

impl Services {
    /// The desk at which the doctor works.
    pub async fn my_desk(&self, act: DoctorAct) -> Result<Option<DeskView>, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let Some(desk) = reading.tx.desks().of_account(act.account).await? else { return Ok(None) };
        self.read_desk(reading, act, &desk).await.map(Some)
    }

    /// A desk of the doctor's institution.
    pub async fn desk(&self, act: DoctorAct, id: DeskId) -> Result<DeskView, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let desk = own_desk(&mut reading.tx, act, id).await?;
        self.read_desk(reading, act, &desk).await
    }

    /// Reads a desk; whoever sees a patient's declaration there for the first time in a call is in the audit log before.
    async fn read_desk(&self, mut reading: Reading, act: DoctorAct, desk: &DeskRow) -> Result<DeskView, Refusal> {
        let view = self.desk_view(&mut reading.tx, act, desk).await?;
        let Some(current) = &view.current else { return self.answer(reading, view).await };
        let ticket = reading.tx.tickets().find(current.ticket).await?.ok_or_else(Refusal::not_found)?;
        if reading.tx.tickets().was_handed(&ticket, act.account).await? {
            return self.answer(reading, view).await;
        }
        let mut work = self.closing(reading).await?;
        audit_handing(&mut work, act.triage(), &ticket, ReadPurpose::Treatment).await?;
        work.commit().await?;
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
        let ticket = if is_mine { tx.tickets().of_doctor(act.account).await? } else { None };
        let current = match ticket {
            Some(ticket) => Some(Box::new(self.current_patient(tx, &ticket).await?)),
            None => None,
        };
        let present = current.as_ref().and_then(|current| current.visit);
        let unfinished = unfinished(tx, act, present).await?;
        let midnight = day_at(&clinic, self.clock.now())?.began_at;
        let mut finished = tx.visits().signed_of(act.account, midnight - LONGEST, midnight).await?;
        finished.retain(|visit| unfinished.iter().all(|one| one.visit != *visit));
        Ok(DeskView {
            id: desk.id,
            name: Text::new(desk.name_zh.clone(), desk.name_en.clone()),
            clinic: clinic.id,
            clinic_name: Text::new(clinic.name_zh, clinic.name_en),
            phase: desk.state,
            paused_until: desk.paused_until,
            current,
            unfinished,
            finished_today: u32::try_from(finished.len()).unwrap_or(u32::MAX),
            records: tx.recordings().is_wanted(clinic.id).await?,
            version: desk.version,
            as_of: self.clock.now(),
        })
    }
}

pub(crate) async fn own_desk(tx: &mut Tx, act: DoctorAct, id: DeskId) -> Result<DeskRow, Refusal> {
    let desk = tx.desks().find(id).await?.filter(|desk| desk.institution_id == act.institution);
    desk.ok_or_else(Refusal::not_found)
}

/// The ticket that the doctor of a desk has called there, serves, or was cut off from.
pub(crate) async fn present_ticket(tx: &mut Tx, act: DoctorAct, id: DeskId) -> Result<TicketRow, Refusal> {
    let desk = own_desk(tx, act, id).await?;
    duty_of(&desk, act)?;
    tx.tickets().of_doctor(act.account).await?.ok_or_else(stale)
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

pub(crate) fn not_open() -> Refusal {
    Refusal::new(ErrorCode::DeskNotOpen, "open the desk first")
}

pub(crate) fn stale() -> Refusal {
    Refusal::new(ErrorCode::TicketState, "the ticket is not where it was; fetch the desk again")
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

pub(crate) async fn update(tx: &mut Tx, desk: &DeskRow) -> Result<(), Refusal> {
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
