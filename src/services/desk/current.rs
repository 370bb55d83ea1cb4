//! The patient on a desk, as the doctor who called sees them: who it is, what was declared, and what was before.

use serde_json::{Value, json};

use crate::domain::access::ReadPurpose;
use crate::domain::ids::{HolderId, InstitutionId, PatientId};
use crate::domain::note::NoteContent;
use crate::domain::people::Relation;
use crate::domain::text::Text;
use crate::domain::ticket::TicketState;
use crate::protocol::current::{CurrentPatient, IdentityPanel, NamedOtherwise, PreviousVisit};
use crate::protocol::intake::ConsentRecord;
use crate::services::Services;
use crate::services::intake::patients::age_years;
use crate::services::intake::triage::Decisions;
use crate::services::refusal::Refusal;
use crate::services::signing::Validity;
use crate::services::tickets::{device_check, phase_of};
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{PatientRow, TicketRow, Tx, VisitRow};

/// Earlier visits that a doctor is shown.
const PREVIOUS: i64 = 10;
/// Others with the same document of whom a doctor is told.
const OTHERS: i64 = 20;

impl Services {
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

    /// Writes down, as a document is confirmed, whose earlier visits stand beside it from now on: each in the list of its own
    /// readers, whoever it was that was named with that document.
    pub(crate) async fn audit_previous_of_others(
        &self,
        work: &mut Work,
        who: &str,
        ticket: &TicketRow,
    ) -> Result<(), Refusal> {
        let visits = work.tx.visits().of_card(ticket.patient_id, PREVIOUS).await?;
        let of_others = visits.iter().filter(|one| one.ended_at.is_some() && one.patient_id != ticket.patient_id);
        for visit in of_others {
            let (what, detail) = (visit.id.to_string(), json!({ "ticket": ticket.id }));
            work.audit_read(visit.institution_id, who, "visit.line_read", &what, ReadPurpose::Treatment, detail)
                .await?;
        }
        Ok(())
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

    /// Who the patient of a visit is.
    pub(crate) async fn identity_of(&self, tx: &mut Tx, visit: &VisitRow) -> Result<IdentityPanel, Refusal> {
        let holder = visit.holder_id.ok_or_else(|| Refusal::internal("a visit without a holder"))?;
        self.identity(tx, visit.institution_id, visit.patient_id, holder).await
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
