//! A slip in who somebody is, mended by whoever compares the document: before the identity is confirmed.
//!
//! The holder may mend it until the call. From the confirmation on, everything that is signed says whose it is, by a hash
//! over these words; then nothing changes them any more, here neither: whoever was seen under a wrong spelling is named
//! anew, and the record says what was wrong by an amendment.

use std::collections::HashMap;

use serde_json::json;

use crate::domain::date::in_china;
use crate::domain::identity::Document;
use crate::domain::ids::{HolderId, TicketId};
use crate::domain::people::{Relation, Role};
use crate::domain::permission::TriageAct;
use crate::domain::ticket::TicketState;
use crate::domain::time::Timestamp;
use crate::protocol::board::TicketRow as Row;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{IdentityCorrection, IdentityRequest};
use crate::services::Services;
use crate::services::intake::patients::read;
use crate::services::refusal::Refusal;
use crate::services::said::reason;
use crate::services::tickets::{announce_desk, ticket_of_locked_patient};
use crate::services::vault::Field;
use crate::services::visits::whose::identity_of;
use crate::services::work::Command;
use crate::store::{PatientRow, StoreError};

impl Services {
    /// Mends who a called patient is, at the step at which the document is compared: `POST /tickets/{id}/identity`. What
    /// was and what is stand in the audit by their hashes, which tell nobody a name.
    pub async fn correct_identity(
        &self,
        act: TriageAct,
        id: TicketId,
        request: IdentityCorrection,
        command: &Command,
    ) -> Result<Row, Refusal> {
        let why = reason(&request.reason, "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let ticket = ticket_of_locked_patient(&mut work.tx, act, id).await?;
        // A nurse helps every doctor; a doctor compares the document of the own patient.
        if act.role == Role::Doctor && ticket.doctor_id != Some(act.account) {
            return Err(Refusal::not_found());
        }
        let stale = || Refusal::new(ErrorCode::TicketState, "the document is compared between the yes and the visit");
        if ticket.state != TicketState::Called || ticket.accepted_at.is_none() || ticket.version != request.version {
            return Err(stale());
        }
        let holder = ticket.holder_id.ok_or_else(stale)?;
        let known =
            work.tx.patients().find(act.institution, ticket.patient_id).await?.ok_or_else(Refusal::not_found)?;
        let (said, fields) = self.mended(&known, holder, &request, work.now)?;
        if fields.is_empty() {
            return Err(Refusal::field(ErrorCode::IdentityInvalid, "name", "nothing of it is another"));
        }
        if work.tx.patients().is_confirmed(known.id).await? {
            let words = "somebody was seen under this identity: only an amendment of that record says otherwise";
            return Err(Refusal::field(ErrorCode::IdentitySettled, fields[0], words));
        }
        match work.tx.patients().rewrite(&said, holder).await {
            Ok(true) => {}
            Ok(false) => {
                let words = "others answer for this patient, too";
                return Err(Refusal::field(ErrorCode::IdentitySettled, fields[0], words));
            }
            Err(StoreError::Conflict) => {
                let words = "this telephone names that person already: call the other number";
                return Err(Refusal::field(ErrorCode::IdentityInvalid, "name", words));
            }
            Err(other) => return Err(other.into()),
        }
        // Whoever still looks at the old words confirms nothing.
        let moved = work.tx.tickets().read_anew(id, request.version).await?.ok_or_else(stale)?;
        let hash = |row: &PatientRow| identity_of(&self.vault, row).map_err(|e| Refusal::internal(&e));
        let detail = json!({ "ticket": id, "fields": fields, "was": hash(&known)?, "is": hash(&said)? });
        let (who, what) = (act.account.to_string(), known.id.to_string());
        work.audit_why(act.institution, &who, "patient.correct", &what, Some(why), detail).await?;
        let row = self.row(&mut work.tx, &moved, &HashMap::new()).await?;
        work.keep(command, &row).await?;
        self.announce_ticket(&mut work, &moved, "ticket.corrected").await?;
        announce_desk(&mut work, &moved, "desk.patient_corrected").await?;
        work.commit().await?;
        Ok(row)
    }

    /// The patient with what was said in place of what was known, and which fields that changes. What was not said stays,
    /// unless another number states it.
    fn mended(
        &self,
        known: &PatientRow,
        holder: HolderId,
        request: &IdentityCorrection,
        now: Timestamp,
    ) -> Result<(PatientRow, Vec<&'static str>), Refusal> {
        let open = |field, sealed: &[u8]| self.open_field(field, known.id.as_uuid(), sealed);
        let (was, number) =
            (open(Field::Name, &known.name_sealed)?, open(Field::DocumentNumber, &known.number_sealed)?);
        let name = request.name.clone().unwrap_or_else(|| was.clone());
        let document = request.document.unwrap_or(known.document);
        let number = request.number.clone().unwrap_or(number);
        let today = in_china(now);
        let is_stated = Document::parse(document, &number, today).is_ok_and(|one| one.birth_date().is_some());
        let birth_date = request.birth_date.clone().or_else(|| (!is_stated).then(|| known.birth_date.clone()));
        let sex = request.sex.or_else(|| (!is_stated).then_some(known.sex));
        let whole = IdentityRequest { name, document, number, birth_date, sex, relation: Relation::Myself };
        let identity = read(&whole, today)?;
        let said = PatientRow {
            created_at: known.created_at,
            ..self.patient_of(known.id, known.institution_id, holder, &identity, now)
        };
        let changes = [
            ("name", identity.name.reveal() != was),
            ("document", known.document != said.document),
            ("number", known.card_index != said.card_index),
            ("birth_date", known.birth_date != said.birth_date),
            ("sex", known.sex != said.sex),
        ];
        let fields = changes.into_iter().filter(|(_, is_other)| *is_other).map(|(field, _)| field).collect();
        Ok((said, fields))
    }
}
