//! Where a document stands for the public page: what was signed, and whether it is in force.

use super::referral;
use crate::domain::ids::{ClinicId, NoteId, OpinionId, PrescriptionId};
use crate::domain::prescription::{Phase, identity_in};
use crate::domain::time::Timestamp;
use crate::domain::visit::VisitEnd;
use crate::protocol::document::{DocumentKind, DocumentState};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::opinions::hash_of as hash_of_opinion;
use crate::services::prescriptions::{state_of, version_words};
use crate::services::refusal::Refusal;
use crate::services::signing::Validity;
use crate::services::visits::whose::names;
use crate::store::{CodeOfDocument, Tx, VisitRow};

/// Of a document that is what was signed.
pub(super) struct Standing {
    pub(super) state: DocumentState,
    pub(super) signed_at: Timestamp,
    pub(super) clinic: ClinicId,
    /// The hash under the signature.
    pub(super) signed: String,
}

impl Services {
    /// Nothing where the document is not what was signed.
    pub(super) async fn standing(&self, tx: &mut Tx, code: &CodeOfDocument) -> Result<Option<Standing>, Refusal> {
        if code.kind == DocumentKind::Prescription.as_str() {
            self.prescription_standing(tx, code).await
        } else if code.kind == DocumentKind::Opinion.as_str() {
            self.opinion_standing(tx, code).await
        } else {
            self.note_standing(tx, code).await
        }
    }

    async fn prescription_standing(&self, tx: &mut Tx, code: &CodeOfDocument) -> Result<Option<Standing>, Refusal> {
        let Some(id) = PrescriptionId::from_key(&code.subject) else { return Ok(None) };
        let Some(row) = tx.prescriptions().find(id).await? else { return Ok(None) };
        let version = tx.prescriptions().signed(id).await?.into_iter().find(|one| one.hash == code.hash);
        let Some(version) = version else { return Ok(None) };
        let identity = identity_in(version.stated.as_deref());
        let is_named = names(identity.as_deref(), row.patient_id);
        let is_itself = version_words(&code.subject, &version).hash() == code.hash;
        if !is_itself || !is_named || !self.is_whose(tx, row.visit_id, identity.as_deref()).await? {
            return Ok(None);
        }
        let state = if row.hash.as_ref() == Some(&code.hash) {
            match self.intact(tx, &row).await {
                Ok(_) => {}
                Err(refusal) if refusal.code == ErrorCode::SignatureBroken => return Ok(None),
                Err(refusal) => return Err(refusal),
            }
            match state_of(&row)?.at(self.clock.now()).phase() {
                Phase::Stopped | Phase::Refused | Phase::Expired => DocumentState::Stopped,
                Phase::Draft | Phase::Returned => DocumentState::Amended,
                Phase::Signed => DocumentState::Unreviewed,
                Phase::Approved => DocumentState::Authentic,
                Phase::Dispensed => DocumentState::Dispensed,
            }
        } else {
            DocumentState::Amended
        };
        let (signed_at, clinic, signed) = (version.signed_at, row.clinic_id, code.hash.clone());
        Ok(Some(Standing { state, signed_at, clinic, signed }))
    }

    /// A record, or a referral slip: a slip is made of the note and of where and why the visit sends its patient. One that
    /// says something else than the visit does now was printed before, and is in force no longer.
    async fn note_standing(&self, tx: &mut Tx, code: &CodeOfDocument) -> Result<Option<Standing>, Refusal> {
        let Some(id) = NoteId::from_key(&code.subject) else { return Ok(None) };
        let Some(note) = tx.notes().version(id).await? else { return Ok(None) };
        let Some(visit) = tx.visits().find(note.visit_id).await? else { return Ok(None) };
        let is_slip = code.kind == DocumentKind::Referral.as_str();
        let is_whole = if is_slip { self.ends_as_signed(tx, &visit).await? } else { note.hash == code.hash };
        if !is_whole || !matches!(self.check_note(tx, &note).await?, Validity::Holds(_)) {
            return Ok(None);
        }
        let newest = tx.notes().signed(note.visit_id).await?.pop().map(|newest| newest.number);
        let is_behind = newest > Some(note.number) || (is_slip && !referral::is_of(&visit, &note.hash, &code.hash));
        let state = match standing_in(&visit) {
            DocumentState::Authentic if is_behind => DocumentState::Amended,
            other => other,
        };
        Ok(Some(Standing { state, signed_at: note.signed_at, clinic: visit.clinic_id, signed: note.hash }))
    }

    /// An opinion: once signed it is never amended.
    async fn opinion_standing(&self, tx: &mut Tx, code: &CodeOfDocument) -> Result<Option<Standing>, Refusal> {
        let Some(id) = OpinionId::from_key(&code.subject) else { return Ok(None) };
        let Some(row) = tx.opinions().find(id).await? else { return Ok(None) };
        let Some(visit) = tx.visits().find(row.visit_id).await? else { return Ok(None) };
        let is_whole = row.hash.as_ref() == Some(&code.hash) && hash_of_opinion(&row) == code.hash;
        let is_whole = is_whole && self.is_whose(tx, row.visit_id, row.identity.as_deref()).await?;
        let Some(signed_at) = row.closed_at.filter(|_| is_whole) else { return Ok(None) };
        let (state, signed) = (standing_in(&visit), code.hash.clone());
        Ok(Some(Standing { state, signed_at, clinic: visit.clinic_id, signed }))
    }
}

/// Where the newest paper of a visit stands: what was signed of somebody who was not its patient is in force no longer.
fn standing_in(visit: &VisitRow) -> DocumentState {
    if visit.end_reason == Some(VisitEnd::WrongPerson) { DocumentState::Stopped } else { DocumentState::Authentic }
}
