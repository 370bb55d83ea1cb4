//! Finding the visit of somebody whom one does not treat: by the document in one's hand, or by the number on the paper.
//! There is no search by name: nobody browses.

use serde_json::json;

use crate::domain::access::{ReadPurpose, Tie};
use crate::domain::date::in_china;
use crate::domain::identity::{Document, parse_date};
use crate::domain::permission::SearchAct;
use crate::domain::text::Text;
use crate::protocol::error::ErrorCode;
use crate::protocol::reading::{ByDocument, ByNumber, FoundVisit};
use crate::services::Services;
use crate::services::access::tie;
use crate::services::identity::sessions::staff_name;
use crate::services::intake::patients::age_years;
use crate::services::reading::Reading;
use crate::services::refusal::Refusal;
use crate::store::VisitRow;

/// Visits of one person that are shown.
const VISITS: i64 = 20;

impl Services {
    /// The visits of whoever this document is of.
    pub async fn visits_by_document(&self, act: SearchAct, request: ByDocument) -> Result<Vec<FoundVisit>, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let document = Document::parse(request.document, &request.number, in_china(reading.now))
            .map_err(|error| Refusal::field(ErrorCode::IdentityInvalid, "number", error.to_string()))?;
        let index = self.card_index(document.kind(), document.reveal());
        let mut visits = Vec::new();
        for patient in reading.tx.patients().by_card(act.institution, &index).await? {
            visits.extend(reading.tx.visits().all_of_patient(patient.id, VISITS).await?);
        }
        // Those whom several telephones named are among each other by time; the newest are nobody's to push out.
        visits.sort_by_key(|visit| std::cmp::Reverse(visit.started_at));
        self.found(reading, act, visits, "document").await
    }

    /// The visit of a number of a clinic's day.
    pub async fn visits_by_number(&self, act: SearchAct, request: ByNumber) -> Result<Vec<FoundVisit>, Refusal> {
        let invalid = |field, words| Refusal::field(ErrorCode::Invalid, field, words);
        let day = parse_date(&request.day).ok_or_else(|| invalid("day", "a day is written YYYY-MM-DD"))?;
        let mut reading = self.reading(act.institution, &act.account).await?;
        let clinic = reading.tx.clinics().find(request.clinic).await?.filter(|c| c.institution_id == act.institution);
        let clinic = clinic.ok_or_else(|| invalid("clinic", "no such clinic"))?;
        let mut visits = Vec::new();
        if let Some(ticket) = reading.tx.tickets().by_no(clinic.id, &day.to_string(), request.no).await? {
            visits.extend(reading.tx.visits().of_ticket(ticket).await?);
        }
        self.found(reading, act, visits, "number").await
    }

    async fn found(
        &self,
        mut reading: Reading,
        act: SearchAct,
        visits: Vec<VisitRow>,
        by: &str,
    ) -> Result<Vec<FoundVisit>, Refusal> {
        let mut found = Vec::with_capacity(visits.len());
        for visit in visits {
            let orphan = || Refusal::internal("a visit without its ticket, clinic or patient");
            let ticket = reading.tx.tickets().find(visit.ticket_id).await?.ok_or_else(orphan)?;
            let clinic = reading.tx.clinics().find(visit.clinic_id).await?.ok_or_else(orphan)?;
            let patient = reading.tx.patients().find(act.institution, visit.patient_id).await?.ok_or_else(orphan)?;
            let is_treated = tie(&mut reading.tx, act.account, &visit).await? != Tie::Stranger;
            found.push(FoundVisit {
                id: visit.id,
                no: ticket.no,
                started_at: visit.started_at,
                clinic_name: Text::new(clinic.name_zh, clinic.name_en),
                doctor_name: staff_name(&mut reading.tx, visit.doctor_id).await?.0,
                age_years: age_years(&patient, reading.now),
                sex: patient.sex,
                name_masked: patient.name_masked,
                is_treated,
            });
        }
        // Who searches, and how, is written down as well when nothing was found: somebody may be trying numbers.
        let detail = json!({ "by": by, "found": found.len() });
        reading.see("visit.search", &act.account, ReadPurpose::Finding, detail);
        self.answer(reading, found).await
    }
}
