//! The note: saved as a draft every two seconds, signed once, amended by a new version that names the old.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::types::Json;

use crate::domain::hex::hex;
use crate::domain::ids::{NoteId, VisitId};
use crate::domain::permission::DoctorAct;
use crate::domain::time::Timestamp;
use crate::domain::visit::{VisitEnd, signed_text};
use crate::protocol::error::ErrorCode;
use crate::protocol::visit::{NoteContent, NoteDraft, NoteSave, SignRequest, SignedNote, VisitView};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::sessions::staff_name;
use crate::services::topics::Topic;
use crate::services::visits::doctors_visit;
use crate::services::work::Command;
use crate::store::{DraftRow, NoteRow, StoreError, Tx, VisitRow};

/// Characters of one field of a note.
const FIELD_LIMIT: usize = 4000;

impl Services {
    /// Saves the draft over the version that was edited.
    pub async fn save_note(
        &self,
        act: DoctorAct,
        id: VisitId,
        save: NoteSave,
        command: &Command,
    ) -> Result<NoteDraft, Refusal> {
        check_lengths(&save.content)?;
        check_vitals(&save.content)?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        can_be_written(&doctors_visit(&mut work.tx, act, id).await?)?;
        let row = DraftRow {
            visit_id: id,
            version: save.version.saturating_add(1),
            content: Json(json!(save.content)),
            saved_by: act.account,
            saved_at: work.now,
        };
        // A first save carries version 0; a draft that exists refuses it by its own version.
        let is_first = work.tx.notes().draft(id).await?.is_none();
        if (is_first && save.version != 0) || !work.tx.notes().save(&row).await? {
            return Err(Refusal::new(ErrorCode::VersionConflict, "a newer draft was saved elsewhere; fetch it first"));
        }
        let draft = NoteDraft { version: row.version, saved_at: Some(work.now), content: save.content };
        work.keep(command, &draft).await?;
        work.commit().await?;
        Ok(draft)
    }

    /// Signs the draft; after the first signature, as an amendment with a reason.
    pub async fn sign_note(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: SignRequest,
        command: &Command,
    ) -> Result<VisitView, Refusal> {
        if request.reason.as_ref().is_some_and(|reason| reason.chars().count() > 500) {
            return Err(Refusal::field(ErrorCode::Invalid, "reason", "at most 500 characters"));
        }
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        can_be_written(&visit)?;
        let missing = |field: &str| Refusal::field(ErrorCode::NoteIncomplete, field, "needed for a signature");
        let draft = work.tx.notes().draft(id).await?.ok_or_else(|| missing("diagnosis"))?;
        if draft.version != request.version {
            return Err(Refusal::new(ErrorCode::VersionConflict, "the draft changed; read it before signing"));
        }
        let content: NoteContent =
            serde_json::from_value(draft.content.0.clone()).map_err(|e| Refusal::internal(&e))?;
        for (field, text) in [("diagnosis", &content.diagnosis), ("advice", &content.advice)] {
            if text.trim().is_empty() {
                return Err(missing(field));
            }
        }
        let before = work.tx.notes().signed(id).await?.pop();
        let reason = request.reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        if let Some(before) = &before {
            if before.content.0 == draft.content.0 {
                return Err(Refusal::new(ErrorCode::AlreadySigned, "this text is signed already"));
            }
            if reason.is_none() {
                return Err(missing("reason"));
            }
        }
        let (number, previous_hash) = before.map_or((1, String::new()), |before| (before.number + 1, before.hash));
        let note_id = self.ids.make(NoteId::from_uuid);
        let note = NoteRow {
            id: note_id,
            institution_id: act.institution,
            visit_id: id,
            number,
            hash: String::new(),
            content: draft.content,
            previous_hash,
            signed_by: act.account,
            signed_at: work.now,
            reason,
        };
        let note = NoteRow { hash: hash_of(&note), ..note };
        match work.tx.notes().sign(&note).await {
            Err(StoreError::Conflict) => {
                return Err(Refusal::new(ErrorCode::AlreadySigned, "it was signed in between"));
            }
            other => other?,
        }
        let view = self.visit_view(&mut work.tx, &visit).await?;
        work.keep(command, &view).await?;
        let (who, what) = (act.account.to_string(), note_id.to_string());
        let detail = json!({ "visit": id, "number": number, "hash": note.hash });
        work.audit_why(act.institution, &who, "note.sign", &what, note.reason, detail).await?;
        let data = json!({ "number": number });
        work.emit(act.institution, Topic::Visit(id).to_string(), "note.signed", data).await?;
        work.commit().await?;
        Ok(view)
    }

    pub(crate) async fn draft(&self, tx: &mut Tx, visit: VisitId) -> Result<NoteDraft, Refusal> {
        let Some(row) = tx.notes().draft(visit).await? else {
            return Ok(NoteDraft { version: 0, saved_at: None, content: NoteContent::default() });
        };
        let content = serde_json::from_value(row.content.0).map_err(|e| Refusal::internal(&e))?;
        Ok(NoteDraft { version: row.version, saved_at: Some(row.saved_at), content })
    }

    pub(crate) async fn signed_notes(&self, tx: &mut Tx, visit: VisitId) -> Result<Vec<SignedNote>, Refusal> {
        let mut notes = Vec::new();
        for row in tx.notes().signed(visit).await? {
            if hash_of(&row) != row.hash {
                tracing::error!(note.id = %row.id, "a signed note does not match its hash");
                return Err(Refusal::new(ErrorCode::Internal, "a signed note does not match its hash"));
            }
            notes.push(SignedNote {
                id: row.id,
                number: row.number,
                content: serde_json::from_value(row.content.0).map_err(|e| Refusal::internal(&e))?,
                hash: row.hash,
                signer: staff_name(tx, row.signed_by).await?.0,
                signed_at: row.signed_at,
                reason: row.reason,
            });
        }
        Ok(notes)
    }
}

/// A visit with the wrong person is in nobody's record.
fn can_be_written(visit: &VisitRow) -> Result<(), Refusal> {
    if visit.end_reason == Some(VisitEnd::WrongPerson) {
        return Err(Refusal::new(ErrorCode::VisitEnded, "this was not the patient; nothing of it is a record"));
    }
    Ok(())
}

/// What the signature covers: visit, number, text, signer, time, reason, and the version before.
pub(crate) fn hash_of(note: &NoteRow) -> String {
    let (visit, content) = (note.visit_id.to_string(), note.content.0.to_string());
    let of = Noted {
        visit: &visit,
        number: note.number,
        content: &content,
        signed_by: &note.signed_by.to_string(),
        signed_at: note.signed_at,
        reason: note.reason.as_deref(),
        previous_hash: &note.previous_hash,
    };
    of.hash()
}

/// A signed version by its words, wherever they are kept.
pub(crate) struct Noted<'a> {
    pub visit: &'a str,
    pub number: i64,
    pub content: &'a str,
    pub signed_by: &'a str,
    pub signed_at: Timestamp,
    pub reason: Option<&'a str>,
    pub previous_hash: &'a str,
}

impl Noted<'_> {
    /// SHA-256 over all of it, hexadecimal.
    pub(crate) fn hash(&self) -> String {
        let (number, at) = (self.number.to_string(), self.signed_at.as_millis().to_string());
        let text = signed_text(&[
            ("visit", self.visit),
            ("number", &number),
            ("content", self.content),
            ("signer", self.signed_by),
            ("at", &at),
            ("reason", self.reason.unwrap_or_default()),
            ("previous", self.previous_hash),
        ]);
        hex(&Sha256::digest(text.as_bytes()))
    }
}

fn check_lengths(content: &NoteContent) -> Result<(), Refusal> {
    let fields = [
        ("complaint", &content.complaint),
        ("history", &content.history),
        ("background", &content.background),
        ("examination", &content.examination),
        ("diagnosis", &content.diagnosis),
        ("advice", &content.advice),
    ];
    for (name, text) in fields {
        if text.chars().count() > FIELD_LIMIT {
            let field = format!("content.{name}");
            return Err(Refusal::field(ErrorCode::Invalid, field, format!("at most {FIELD_LIMIT} characters")));
        }
    }
    Ok(())
}

fn check_vitals(content: &NoteContent) -> Result<(), Refusal> {
    let vitals = &content.vitals;
    let ranges = [
        ("temperature", vitals.temperature, 30.0..=45.0),
        ("heart_rate", vitals.heart_rate, 20.0..=300.0),
        ("respiratory_rate", vitals.respiratory_rate, 4.0..=120.0),
        ("oxygen_saturation", vitals.oxygen_saturation, 30.0..=100.0),
        ("systolic", vitals.systolic, 40.0..=300.0),
        ("diastolic", vitals.diastolic, 20.0..=200.0),
    ];
    for (name, value, range) in ranges {
        if value.is_some_and(|value| !range.contains(&value)) {
            let words = format!("{} to {}", range.start(), range.end());
            return Err(Refusal::field(ErrorCode::Invalid, format!("content.vitals.{name}"), words));
        }
    }
    Ok(())
}
