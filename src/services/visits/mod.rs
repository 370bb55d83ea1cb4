//! The visit: its view, the outcome, the end, and what the patient reads afterwards.

pub(super) mod adverse_events;
pub(super) mod amendments;
pub(super) mod case_reports;
pub mod notes;
pub(super) mod outcomes;
pub mod pictures;
pub mod sealing;
pub(super) mod stated;
pub mod templates;
pub mod terms;
pub mod uploads;
pub(super) mod whose;

use serde_json::json;

use crate::domain::access::{Access, Asked, ReadPurpose};
use crate::domain::ids::{InstitutionId, VisitId};
use crate::domain::note::amendment::is_archived;
use crate::domain::note::plain::plain;
use crate::domain::people::Role;
use crate::domain::permission::{Actor, DoctorAct, HolderAct, TriageAct};
use crate::domain::recording::retain_until;
use crate::domain::room::ParticipantRole;
use crate::domain::text::Text;
use crate::domain::visit::{Outcome, VisitEnd, safety_net};
use crate::protocol::desk::DeskView;
use crate::protocol::error::ErrorCode;
use crate::protocol::grant::RoomGrant;
use crate::protocol::reading::{Again, ReadAsked};
use crate::protocol::visit::{OutcomeRequest, VisitSummary, VisitView};
use crate::services::Services;
use crate::services::access::access_to;
use crate::services::desk::desk_again;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::rooms::Guest;
use crate::services::said::reason;
use crate::services::topics::Topic;
use crate::services::work::{Command, Work};
use crate::store::{Tx, VisitRow};

impl Services {
    /// Everything of one visit, for doctors and nurses who treat the patient or say why; the read is audited.
    pub async fn visit(&self, act: TriageAct, id: VisitId, asked: &ReadAsked) -> Result<VisitView, Refusal> {
        let purpose = asked.purpose.map(|Again::Continuity| Asked::Continuity);
        let mut reading = self.reading(act.institution, &act.account).await?;
        let visit = staff_visit(&mut reading.tx, act.institution, id).await?;
        let access = access_to(&mut reading.tx, act.account, &visit, purpose, "").await?;
        let view = self.visit_view(&mut reading.tx, &visit).await?;
        reading.see("visit.read", &id, ReadPurpose::Record(access), json!({}));
        // Its own doctor reads them where they are written.
        let is_asked = visit.doctor_id != act.account && matches!(access, Access::Treating | Access::Continuity);
        let prescriptions =
            if is_asked { self.prescriptions_beside(&mut reading.tx, &visit).await? } else { Vec::new() };
        for sheet in &prescriptions {
            reading.see("rx.read", &sheet.id, ReadPurpose::Record(access), json!({}));
        }
        self.answer(reading, VisitView { access: Some(access), prescriptions, ..view }).await
    }

    pub(crate) async fn visit_view(&self, tx: &mut Tx, visit: &VisitRow) -> Result<VisitView, Refusal> {
        let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(Refusal::not_found)?;
        Ok(VisitView {
            id: visit.id,
            room: visit.room_id,
            no: ticket.no,
            identity: self.identity_of(tx, visit).await?,
            started_at: visit.started_at,
            ended_at: visit.ended_at,
            outcome: visit.outcome,
            outcome_reason: visit.outcome_reason.clone(),
            draft: self.draft(tx, visit.id).await?,
            signed: self.signed_notes(tx, visit.id).await?,
            is_archived: is_archived(visit.ended_at, self.clock.now()),
            amendment: self.open_amendment(tx, visit).await?,
            prescriptions: Vec::new(),
            access: None,
        })
    }

    /// Chooses what happens next; why, where that sends the patient on.
    pub async fn set_outcome(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: OutcomeRequest,
        command: &Command,
    ) -> Result<VisitView, Refusal> {
        let OutcomeRequest { outcome, reason: said } = request;
        let is_said = !said.trim().is_empty();
        let why = if is_said || outcome.asks_reason() { Some(reason(&said, "reason")?) } else { None };
        // Nobody is sent anywhere: there is nothing to say why.
        let why = why.filter(|_| outcome.refers_to().is_some());
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.visit_again(act, command, id, done).await;
        }
        doctors_visit(&mut work.tx, act, id).await?;
        if !work.tx.visits().set_outcome(id, outcome, why.as_deref()).await? {
            return Err(Refusal::new(ErrorCode::VisitEnded, "the visit is over"));
        }
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        self.sign_outcome(&mut work, act, &visit).await?;
        self.weigh_outcome(&mut work, &visit, outcome).await?;
        let view = self.visit_view(&mut work.tx, &visit).await?;
        work.keep(command, &view).await?;
        let data = json!({ "outcome": outcome });
        work.emit(act.institution, Topic::Visit(id).to_string(), "outcome.set", data).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Ends the visit and its call; needs an outcome. The note may be signed later, and stays in the unfinished list.
    pub async fn end_visit(&self, act: DoctorAct, id: VisitId, command: &Command) -> Result<DeskView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return desk_again(work, act, command, done).await;
        }
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        if visit.ended_at.is_some() {
            return Err(Refusal::new(ErrorCode::VisitEnded, "the visit is over"));
        }
        if visit.outcome.is_none() {
            return Err(Refusal::new(ErrorCode::OutcomeMissing, "choose what happens next first"));
        }
        let now = work.now;
        let ticket = work.tx.tickets().find(visit.ticket_id).await?.ok_or_else(Refusal::not_found)?;
        self.stop_visit(&mut work, &visit, VisitEnd::Finished).await?;
        let done = work.tx.tickets().finish(ticket.id, ticket.version, now).await?;
        let done = done.ok_or_else(|| Refusal::new(ErrorCode::TicketState, "the ticket moved in between"))?;
        let took = i64::try_from(now.since(visit.started_at).as_millis()).unwrap_or(i64::MAX);
        work.tx.tickets().learn(ticket.clinic_id, ticket.level, took).await?;
        work.audit(act.institution, &act.account.to_string(), "visit.end", &id.to_string()).await?;
        self.announce_ticket(&mut work, &done, "ticket.done").await?;
        let view = self.finish(work, act, visit.desk_id, command, "desk.changed").await?;
        self.end_room(visit.room_id, VisitEnd::Finished.room_end()).await;
        Ok(view)
    }

    /// Ends a visit and closes its room, for whatever reason.
    pub(crate) async fn stop_visit(&self, work: &mut Work, visit: &VisitRow, why: VisitEnd) -> Result<(), Refusal> {
        let now = work.now;
        work.tx.visits().end(visit.id, why, now).await?;
        work.tx.recordings().retain(visit.id, retain_until(now)).await?;
        self.close_room(work, visit.room_id).await?;
        let data = json!({ "reason": why });
        work.emit(visit.institution_id, Topic::Visit(visit.id).to_string(), "visit.ended", data).await?;
        Ok(())
    }

    /// A seat in the call of a visit: for its doctor and for the patient's holder, while it lasts.
    pub async fn grant_visit(&self, actor: Actor, id: VisitId) -> Result<RoomGrant, Refusal> {
        let mut work = self.begin().await?;
        let visit = work.tx.visits().find(id).await?.filter(|visit| visit.institution_id == actor.institution());
        let visit = visit.ok_or_else(Refusal::not_found)?;
        let guest = match actor {
            Actor::Staff { account, role: Role::Doctor, .. } if visit.doctor_id == account => {
                Guest { role: ParticipantRole::Doctor, name: staff_name(&mut work.tx, account).await?.0 }
            }
            Actor::Holder { holder, .. } if visit.holder_id == Some(holder) => {
                let patient = work.tx.patients().find(visit.institution_id, visit.patient_id).await?;
                let name = patient.ok_or_else(Refusal::not_found)?.name_masked;
                Guest { role: ParticipantRole::Patient, name: Text::new(name.clone(), name) }
            }
            Actor::Staff { .. } | Actor::Holder { .. } | Actor::Caller { .. } | Actor::Guest { .. } => {
                return Err(Refusal::not_found());
            }
        };
        if visit.ended_at.is_some() {
            return Err(Refusal::new(ErrorCode::VisitEnded, "the visit is over"));
        }
        let room = work.tx.rooms().find(visit.room_id).await?.ok_or_else(Refusal::not_found)?;
        let grant = self.grant(&mut work, room, actor, guest).await?;
        work.commit().await?;
        Ok(RoomGrant { visit: Some(id), ..grant })
    }

    /// What a holder can read later; the read is audited, of each record once a minute.
    pub async fn my_visits(&self, act: HolderAct) -> Result<Vec<VisitSummary>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut read = Vec::new();
        let visits = tx.visits().of_holder(act.holder, 50).await?;
        let mut summaries = Vec::with_capacity(visits.len());
        for visit in visits.into_iter().filter(|visit| visit.institution_id == act.institution) {
            let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(Refusal::not_found)?;
            let clinic = tx.clinics().find(visit.clinic_id).await?.ok_or_else(Refusal::not_found)?;
            let patient = tx.patients().find(act.institution, visit.patient_id).await?;
            let (doctor_name, doctor_title) = staff_name(&mut tx, visit.doctor_id).await?;
            let notes = self.signed_notes(&mut tx, visit.id).await;
            let notes = self.told.readable("my_visits", &visit.id, notes)?;
            let is_broken = notes.is_none();
            let note = notes.and_then(|mut notes| notes.pop());
            if note.is_some() {
                read.push(visit.id.to_string());
            }
            summaries.push(VisitSummary {
                id: visit.id,
                no: ticket.no,
                clinic_name: Text::new(clinic.name_zh, clinic.name_en),
                doctor_name,
                doctor_title,
                patient_masked: patient.map(|patient| patient.name_masked).unwrap_or_default(),
                started_at: visit.started_at,
                ended_at: visit.ended_at,
                outcome: visit.outcome,
                outcome_text: visit.outcome.map(Outcome::next_step),
                safety_net: safety_net(),
                plain: note.as_ref().map(|note| plain(&note.content)).unwrap_or_default(),
                note,
                is_broken,
            });
        }
        drop(tx);
        self.note_own_reads(act, "visit.read_own", read).await?;
        Ok(summaries)
    }
}

/// A visit of an institution, for its staff.
pub(crate) async fn staff_visit(tx: &mut Tx, institution: InstitutionId, id: VisitId) -> Result<VisitRow, Refusal> {
    let visit = tx.visits().find(id).await?.filter(|visit| visit.institution_id == institution);
    visit.ok_or_else(Refusal::not_found)
}

/// A visit of this doctor.
pub(crate) async fn doctors_visit(tx: &mut Tx, act: DoctorAct, id: VisitId) -> Result<VisitRow, Refusal> {
    let visit = staff_visit(tx, act.institution, id).await?;
    if visit.doctor_id == act.account { Ok(visit) } else { Err(Refusal::not_found()) }
}
