//! The note: saved as a draft every two seconds, signed once, amended by a new version that names the old.

use serde_json::json;

use crate::domain::access::{Access, Asked, ReadPurpose};
use crate::domain::ids::{AccountId, NoteId, VisitId};
use crate::domain::note::amendment::is_archived;
use crate::domain::note::diff::diff;
use crate::domain::note::merge::merge;
use crate::domain::note::templates::with_marks;
use crate::domain::note::words::sections;
use crate::domain::note::{NoteContent, Wrong};
use crate::domain::permission::DoctorAct;
use crate::domain::signature::{Noted, Purpose};
use crate::domain::text::Text;
use crate::domain::visit::VisitEnd;
use crate::protocol::error::ErrorCode;
use crate::protocol::note::{
    MergeRequest, MergedNote, NoteDraft, NoteSave, NoteVersion, NoteVersionView, SignRequest, SignatureView, SignedNote,
};
use crate::protocol::reading::Again;
use crate::protocol::visit::VisitView;
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::said::perhaps;
use crate::services::signing::{SignAs, Validity, fingerprint, is_signed_by};
use crate::services::topics::Topic;
use crate::services::visits::doctors_visit;
use crate::services::work::{Command, Work};
use crate::store::{DraftRow, Json, NoteRow, SignatureRow, StoreError, Tx, VisitRow};

/// Saves of one draft that are kept after a signature; before it all are.
const VERSIONS_KEPT: i64 = 100;
/// Saves that are listed at once.
const VERSIONS_LISTED: i64 = 200;

impl Services {
    /// Saves the draft over the version that was edited.
    pub async fn save_note(
        &self,
        act: DoctorAct,
        id: VisitId,
        save: NoteSave,
        command: &Command,
    ) -> Result<NoteDraft, Refusal> {
        let content = save.content.as_prose();
        refuse_faults(&content)?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.visit_again(act, command, id, done).await;
        }
        can_be_written(&doctors_visit(&mut work.tx, act, id).await?)?;
        let before = self.draft(&mut work.tx, id).await?;
        if before.version != save.version {
            return Err(stale());
        }
        let content = with_marks(content.with_names(), &before.content.inserted);
        let row = DraftRow {
            visit_id: id,
            version: save.version.saturating_add(1),
            content: Json(json!(content)),
            saved_by: act.account,
            saved_at: work.now,
        };
        let draft = self.keep_draft(&mut work, act, &row, content).await?;
        work.keep(command, &draft).await?;
        work.commit().await?;
        Ok(draft)
    }

    /// Writes a draft and its version, and tells the other windows.
    pub(crate) async fn keep_draft(
        &self,
        work: &mut Work,
        act: DoctorAct,
        row: &DraftRow,
        content: NoteContent,
    ) -> Result<NoteDraft, Refusal> {
        if !work.tx.notes().save(row).await? {
            return Err(stale());
        }
        work.tx.note_versions().keep(row).await?;
        let data = json!({ "version": row.version });
        work.emit(act.institution, Topic::Visit(row.visit_id).to_string(), "note.saved", data).await?;
        Ok(NoteDraft { version: row.version, saved_at: Some(row.saved_at), content })
    }

    /// What a window wrote over an older version, merged with what is saved. Nothing is saved by it.
    pub async fn merge_note(&self, act: DoctorAct, id: VisitId, request: MergeRequest) -> Result<MergedNote, Refusal> {
        let content = request.content.as_prose();
        refuse_faults(&content)?;
        let mut work = self.begin().await?;
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        can_be_written(&visit)?;
        // The answer is the whole draft, whatever was sent.
        let asked = request.purpose.map(|Again::Continuity| Asked::Continuity);
        self.may_read(&mut work, act.triage(), &visit, asked, "").await?;
        work.commit().await?;
        let mut tx = self.db.read().await?;
        let theirs = self.draft(&mut tx, id).await?;
        let saved_by = match tx.notes().draft(id).await? {
            Some(row) => staff_name(&mut tx, row.saved_by).await?.0,
            None => Text::new("", ""),
        };
        // A version that is not kept any more is as if nothing had been written: then all that differs is asked.
        let base = match tx.note_versions().find(id, request.version).await? {
            Some(row) => serde_json::from_value(row.content.0).map_err(|e| Refusal::internal(&e))?,
            None => NoteContent::default(),
        };
        let mine = with_marks(content.with_names(), &theirs.content.inserted);
        let merged = merge(&base, &mine, &theirs.content);
        Ok(MergedNote {
            version: theirs.version,
            content: with_marks(merged.content, &theirs.content.inserted),
            conflicts: merged.conflicts,
            theirs: theirs.content,
            saved_by,
            saved_at: theirs.saved_at,
        })
    }

    /// The saves of a draft, newest first.
    pub async fn note_versions(&self, act: DoctorAct, id: VisitId) -> Result<Vec<NoteVersion>, Refusal> {
        let mut tx = self.db.read().await?;
        doctors_visit(&mut tx, act, id).await?;
        let mut versions = Vec::new();
        for row in tx.note_versions().of(id, VERSIONS_LISTED).await? {
            let saved_by = staff_name(&mut tx, row.saved_by).await?.0;
            versions.push(NoteVersion { version: row.version, saved_by, saved_at: row.saved_at });
        }
        Ok(versions)
    }

    /// One save with its text, and what it changed; the read is audited.
    pub async fn note_version(&self, act: DoctorAct, id: VisitId, version: i64) -> Result<NoteVersionView, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let tx = &mut reading.tx;
        doctors_visit(tx, act, id).await?;
        let row = tx.note_versions().find(id, version).await?.ok_or_else(Refusal::not_found)?;
        let content: NoteContent = serde_json::from_value(row.content.0).map_err(|e| Refusal::internal(&e))?;
        let before = match tx.note_versions().find(id, version - 1).await? {
            Some(before) => serde_json::from_value(before.content.0).map_err(|e| Refusal::internal(&e))?,
            None => NoteContent::default(),
        };
        let saved_by = staff_name(tx, row.saved_by).await?.0;
        let why = ReadPurpose::Record(Access::OwnWork);
        reading.see("note.version_read", &id, why, json!({ "version": version }));
        let changes = diff(&before, &content);
        self.answer(reading, NoteVersionView { version, saved_by, saved_at: row.saved_at, changes, content }).await
    }

    /// Signs the draft; after the first signature, as an amendment with a reason.
    pub async fn sign_note(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: SignRequest,
        command: &Command,
    ) -> Result<VisitView, Refusal> {
        let reason = perhaps(request.reason.as_deref(), "reason")?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return work.visit_again(act, command, id, done).await;
        }
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        can_be_written(&visit)?;
        let missing = |field: &str| Refusal::field(ErrorCode::NoteIncomplete, field, "needed for a signature");
        let draft = work.tx.notes().draft(id).await?.ok_or_else(|| missing("diagnosis"))?;
        if draft.version != request.version {
            // What is newer leaves with the refusal, as it is read otherwise.
            self.may_read(&mut work, act.triage(), &visit, Some(Asked::Continuity), "").await?;
            let newer = self.draft(&mut work.tx, id).await?;
            work.commit().await?;
            let stale = Refusal::new(ErrorCode::VersionConflict, "the draft changed; read it before signing");
            return Err(stale.with_newer(&newer));
        }
        let content: NoteContent =
            serde_json::from_value(draft.content.0.clone()).map_err(|e| Refusal::internal(&e))?;
        let identity = self.identity_of(&mut work.tx, &visit).await?;
        if let Some(field) = content.unready(identity.sex, identity.age_years).first() {
            return Err(missing(field));
        }
        let before = work.tx.notes().signed(id).await?.pop();
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
            identity: Some(self.whose(&mut work.tx, &visit).await?),
        };
        let note = NoteRow { hash: hash_of(&note), ..note };
        // What is archived is changed by approval alone.
        if note.number > 1 && is_archived(visit.ended_at, work.now) {
            return self.ask_amendment(work, act, &visit, note, command).await;
        }
        match work.tx.notes().sign(&note).await {
            Err(StoreError::Conflict) => {
                return Err(Refusal::new(ErrorCode::AlreadySigned, "it was signed in between"));
            }
            other => other?,
        }
        // Subject of the signature is this version of the note, by the name that the audit has for it too.
        let subject = note_id.to_string();
        let by = SignAs::Account(act.account);
        self.sign(&mut work, act.institution, by, Purpose::Note, &subject, &note.hash).await?;
        work.tx.note_versions().prune(id, VERSIONS_KEPT).await?;
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

    /// Whether a signed version is what its signer signed, and of whom. One that nobody signed is as broken as one of a
    /// wrong signature: its hash has no key, and who may write to the database writes both.
    pub(crate) async fn check_note(&self, tx: &mut Tx, row: &NoteRow) -> Result<Validity, Refusal> {
        if hash_of(row) != row.hash {
            return Ok(Validity::Broken);
        }
        let validity = self.check_signatures(tx, &row.id.to_string(), &row.hash).await?;
        let Validity::Holds(signatures) = &validity else { return Ok(validity) };
        if !self.is_whose(tx, row.visit_id, row.identity.as_deref()).await? {
            tracing::error!(note.id = %row.id, "a signed note is not of the patient of whom it was signed");
            return Ok(Validity::Broken);
        }
        let owner = SignAs::Account(row.signed_by).owner();
        let is_own = is_signed_by(tx, signatures, Purpose::Note, &owner).await?;
        Ok(if is_own { validity } else { Validity::Broken })
    }

    pub(crate) async fn signed_notes(&self, tx: &mut Tx, visit: VisitId) -> Result<Vec<SignedNote>, Refusal> {
        let mut notes: Vec<SignedNote> = Vec::new();
        for row in tx.notes().signed(visit).await? {
            if hash_of(&row) != row.hash {
                tracing::error!(note.id = %row.id, "a signed note does not match its hash");
                return Err(Refusal::new(ErrorCode::SignatureBroken, "a signed note does not match its hash"));
            }
            let (signature, approved_by) = match self.check_note(tx, &row).await? {
                Validity::Holds(signatures) => {
                    let approved_by = approver_of(tx, &signatures).await?;
                    let own = signatures.into_iter().find(|one| one.purpose == Purpose::Note);
                    let signature = match own {
                        Some(signature) => Some(signature_view(tx, signature).await?),
                        None => None,
                    };
                    (signature, approved_by)
                }
                Validity::Unsigned | Validity::Broken => {
                    tracing::error!(note.id = %row.id, "a signed note has no signature of its signer that holds");
                    return Err(Refusal::new(ErrorCode::SignatureBroken, "a signature does not hold, or is gone"));
                }
            };
            let content: NoteContent = serde_json::from_value(row.content.0).map_err(|e| Refusal::internal(&e))?;
            notes.push(SignedNote {
                id: row.id,
                number: row.number,
                changes: notes.last().map(|before| diff(&before.content, &content)).unwrap_or_default(),
                sections: sections(&content),
                content,
                hash: row.hash,
                signer: staff_name(tx, row.signed_by).await?.0,
                signed_at: row.signed_at,
                reason: row.reason,
                signature,
                approved_by,
            });
        }
        Ok(notes)
    }
}

/// Who let an amendment into an archived record, by their signature.
async fn approver_of(tx: &mut Tx, signatures: &[SignatureRow]) -> Result<Option<Text>, Refusal> {
    let Some(approval) = signatures.iter().find(|one| one.purpose == Purpose::Approval) else { return Ok(None) };
    let key = tx.signatures().key(approval.key_id).await?;
    match key.and_then(|key| AccountId::from_key(&key.owner)) {
        Some(account) => Ok(Some(staff_name(tx, account).await?.0)),
        None => Err(Refusal::internal("an approval of nobody's key")),
    }
}

pub(crate) async fn signature_view(tx: &mut Tx, signature: SignatureRow) -> Result<SignatureView, Refusal> {
    let key = tx.signatures().key(signature.key_id).await?;
    let key = key.ok_or_else(|| Refusal::internal("a signature without its key"))?;
    let short = fingerprint(&key.public_key).get(..16).unwrap_or_default().to_owned();
    Ok(SignatureView { algorithm: key.algorithm, key: short, at: signature.at })
}

fn stale() -> Refusal {
    Refusal::new(ErrorCode::VersionConflict, "a newer draft was saved elsewhere; merge with it first")
}

/// A visit with the wrong person is in nobody's record.
pub(crate) fn can_be_written(visit: &VisitRow) -> Result<(), Refusal> {
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
        identity: note.identity.as_deref(),
    };
    of.hash()
}

/// Refuses the first field that is wrong.
pub(crate) fn refuse_faults(content: &NoteContent) -> Result<(), Refusal> {
    let Some(fault) = content.faults().into_iter().next() else { return Ok(()) };
    let code = if fault.what == Wrong::UnknownTerm { ErrorCode::TermUnknown } else { ErrorCode::Invalid };
    Err(Refusal::field(code, format!("content.{}", fault.field), fault.what.words()))
}
