//! The visit: the patient on the desk, the outcome, the end, and what the patient reads afterwards.

use serde_json::{Map, Value, json};

use crate::domain::access::{Access, Asked};
use crate::domain::ids::{DeclarationId, HolderId, InstitutionId, PatientId, VisitId};
use crate::domain::note::NoteContent;
use crate::domain::note::amendment::is_archived;
use crate::domain::note::plain::plain;
use crate::domain::people::{Relation, Role};
use crate::domain::permission::{Actor, DoctorAct, HolderAct, TriageAct};
use crate::domain::room::ParticipantRole;
use crate::domain::text::Text;
use crate::domain::ticket::TicketState;
use crate::domain::visit::{Outcome, VisitEnd, safety_net};
use crate::protocol::desk::DeskView;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::ConsentRecord;
use crate::protocol::reading::{Again, ReadAsked};
use crate::protocol::visit::{
    CurrentPatient, IdentityPanel, NamedOtherwise, OutcomeRequest, PreviousVisit, RoomGrant, VisitSummary, VisitView,
};
use crate::services::Services;
use crate::services::desk::desk_again;
use crate::services::intake::patients::age_years;
use crate::services::intake::triage::Decisions;
use crate::services::refusal::Refusal;
use crate::services::rooms::Guest;
use crate::services::said::reason;
use crate::services::sessions::staff_name;
use crate::services::signing::Validity;
use crate::services::tickets::{device_check, phase_of};
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::work::Command;
use crate::store::{PatientRow, TicketRow, Tx, VisitRow};

/// Earlier visits that a doctor is shown.
const PREVIOUS: i64 = 10;
/// Others with the same document of whom a doctor is told.
const OTHERS: i64 = 20;

impl Services {
    /// A sealed field of a row, in clear.
    pub(crate) fn open_field(&self, field: Field, row: uuid::Uuid, sealed: &[u8]) -> Result<String, Refusal> {
        self.vault.open(field, row, sealed).map_err(|broken| Refusal::internal(&broken))
    }

    /// The answers of a declaration, with the questionnaire's version.
    pub(crate) async fn answers_of(
        &self,
        tx: &mut Tx,
        institution: InstitutionId,
        id: DeclarationId,
    ) -> Result<Option<(String, Map<String, Value>)>, Refusal> {
        match tx.declarations().find(institution, id).await? {
            Some(row) => {
                let plain = self.open_field(Field::Answers, row.id.as_uuid(), &row.answers_sealed)?;
                let answers =
                    serde_json::from_str(&plain).map_err(|_| Refusal::internal("sealed answers are not JSON"))?;
                Ok(Some((row.questionnaire, answers)))
            }
            None => Ok(None),
        }
    }

    /// The patient whom a desk has called, serves, or was cut off from.
    pub(crate) async fn current_patient(&self, tx: &mut Tx, ticket: &TicketRow) -> Result<CurrentPatient, Refusal> {
        let orphan = || Refusal::internal("a called ticket without a declaration");
        let declaration = ticket.declaration_id.ok_or_else(orphan)?;
        let (questionnaire, answers) =
            self.answers_of(tx, ticket.institution_id, declaration).await?.ok_or_else(orphan)?;
        let holder = ticket.holder_id.ok_or_else(orphan)?;
        let decisions = Decisions::of(tx, ticket).await?.ok_or_else(orphan)?;
        let consents = tx.consents().all_standing(holder, ticket.patient_id).await?.into_iter();
        let consents = consents.map(|row| ConsentRecord {
            kind: row.kind,
            version: row.text_version,
            granted: row.granted,
            at: row.at,
        });
        Ok(CurrentPatient {
            ticket: ticket.id,
            no: ticket.no,
            version: ticket.version,
            phase: phase_of(ticket),
            ring_until: ticket.ring_until,
            call_count: u32::try_from(ticket.call_count).unwrap_or(0),
            online: self.live.is_online(ticket.id),
            identity: self.identity(tx, ticket.institution_id, ticket.patient_id, holder).await?,
            triage: decisions.view(tx).await?,
            declaration,
            questionnaire,
            answers,
            consents: consents.collect(),
            check: device_check(ticket),
            previous: self.previous(tx, ticket).await?,
            named_otherwise: self.named_otherwise(tx, ticket).await?,
            same_document: tx.tickets().mates(ticket).await?,
            visit: tx.visits().of_ticket(ticket.id).await?.filter(|v| v.ended_at.is_none()).map(|visit| visit.id),
            offline_since: self.offline_since(ticket),
            handover: self.handover(tx, ticket).await?,
            alarms: self.closed_alarms(tx, ticket).await?,
            stated: self.stated(Some(&decisions))?,
            waited: self.waited(&decisions)?,
            speech: self.speech(tx, ticket).await?,
        })
    }

    /// The earlier visits of everybody who was named with a ticket's document. While it rings nobody has looked at that
    /// document: those of this very name alone.
    async fn previous(&self, tx: &mut Tx, ticket: &TicketRow) -> Result<Vec<PreviousVisit>, Refusal> {
        let orphan = || Refusal::internal("a visit without its clinic or patient");
        let today = tx.patients().find(ticket.institution_id, ticket.patient_id).await?.ok_or_else(orphan)?;
        let mut previous = Vec::new();
        let mut visits = if ticket.state == TicketState::Called {
            tx.visits().all_of_patient(ticket.patient_id, PREVIOUS).await?
        } else {
            tx.visits().of_card(ticket.patient_id, PREVIOUS).await?
        };
        visits.retain(|visit| visit.ended_at.is_some());
        for visit in visits {
            let clinic = tx.clinics().find(visit.clinic_id).await?.ok_or_else(orphan)?;
            // A diagnosis that is not what somebody signed is none.
            let newest = match tx.notes().signed(visit.id).await?.pop() {
                Some(note) if matches!(self.check_note(tx, &note).await?, Validity::Holds(_)) => Some(note),
                _ => None,
            };
            let then = tx.patients().find(visit.institution_id, visit.patient_id).await?.ok_or_else(orphan)?;
            previous.push(PreviousVisit {
                visit: visit.id,
                at: visit.started_at,
                clinic_name: Text::new(clinic.name_zh, clinic.name_en),
                diagnosis: newest.and_then(|note| diagnosis_line(note.content.0)),
                named: if is_named_alike(&today, &then) { None } else { Some(self.named(&then)?) },
            });
        }
        Ok(previous)
    }

    /// As whom else the document of a ticket's patient was named: something to compare; while it rings, no whole name.
    async fn named_otherwise(&self, tx: &mut Tx, ticket: &TicketRow) -> Result<Vec<NamedOtherwise>, Refusal> {
        let orphan = || Refusal::internal("a ticket without a patient");
        let today = tx.patients().find(ticket.institution_id, ticket.patient_id).await?.ok_or_else(orphan)?;
        let mut others = Vec::new();
        for mate in tx.patients().mates(ticket.patient_id, OTHERS).await? {
            let mut named = self.named(&mate)?;
            if ticket.state == TicketState::Called {
                named.name.clone_from(&mate.name_masked);
            }
            if !is_named_alike(&today, &mate) && !others.contains(&named) {
                others.push(named);
            }
        }
        Ok(others)
    }

    fn named(&self, patient: &PatientRow) -> Result<NamedOtherwise, Refusal> {
        Ok(NamedOtherwise {
            name: self.open_field(Field::Name, patient.id.as_uuid(), &patient.name_sealed)?,
            birth_date: patient.birth_date.clone(),
            sex: patient.sex,
        })
    }

    async fn identity(
        &self,
        tx: &mut Tx,
        institution: InstitutionId,
        patient: PatientId,
        holder: HolderId,
    ) -> Result<IdentityPanel, Refusal> {
        let orphan = || Refusal::internal("a ticket without a patient");
        let relation = tx.patients().related(institution, holder, patient).await?;
        let patient = tx.patients().find(institution, patient).await?.ok_or_else(orphan)?;
        let phone_tail = tx.holders().find(institution, holder).await?.map(|holder| holder.phone_tail);
        Ok(IdentityPanel {
            patient: patient.id,
            name: self.open_field(Field::Name, patient.id.as_uuid(), &patient.name_sealed)?,
            document: patient.document,
            document_tail: patient.number_tail.clone(),
            phone_tail: phone_tail.unwrap_or_default(),
            age_years: age_years(&patient, self.clock.now()),
            sex: patient.sex,
            birth_date: patient.birth_date.clone(),
            relation: relation.map_or(Relation::Myself, |related| related.relation),
        })
    }

    /// Everything of one visit, for doctors and nurses who treat the patient or say why; the read is audited.
    pub async fn visit(&self, act: TriageAct, id: VisitId, asked: &ReadAsked) -> Result<VisitView, Refusal> {
        let purpose = asked.purpose.map(|Again::Continuity| Asked::Continuity);
        let mut work = self.begin().await?;
        let visit = staff_visit(&mut work.tx, act.institution, id).await?;
        let view = self.visit_view(&mut work.tx, &visit).await?;
        let access = self.may_read(&mut work, act, &visit, purpose, "").await?;
        // Its own doctor reads them where they are written.
        let is_asked = visit.doctor_id != act.account && matches!(access, Access::Treating | Access::Continuity);
        let prescriptions =
            if is_asked { self.prescriptions_read(&mut work, act, &visit, access).await? } else { Vec::new() };
        work.commit().await?;
        Ok(VisitView { access: Some(access), prescriptions, ..view })
    }

    /// Who the patient of a visit is.
    pub(crate) async fn identity_of(&self, tx: &mut Tx, visit: &VisitRow) -> Result<IdentityPanel, Refusal> {
        let holder = visit.holder_id.ok_or_else(|| Refusal::internal("a visit without a holder"))?;
        self.identity(tx, visit.institution_id, visit.patient_id, holder).await
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
        Ok(grant)
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

/// Whether two rows of one document say the same of its holder.
fn is_named_alike(one: &PatientRow, other: &PatientRow) -> bool {
    (&one.name_index, &one.birth_date, one.sex) == (&other.name_index, &other.birth_date, other.sex)
}

/// The diagnosis of a signed note, in one line.
fn diagnosis_line(content: Value) -> Option<String> {
    let content: NoteContent = serde_json::from_value(content).ok()?;
    Some(content.diagnosis_line().zh)
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
