//! A visit sealed for a dispute: every signed version of the record and of its prescriptions, every signed opinion, how it
//! ends, every signature, every entry of the audit about them, in one file that the server signs and that anybody verifies without the server.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::domain::access::{Access, REASON_LEAST, REASON_LIMIT, ReadPurpose, is_reason};
use crate::domain::audit::Kept;
use crate::domain::audit::day::DaySeal;
use crate::domain::audit::merkle::{Hash, inclusion};
use crate::domain::hex::hex;
use crate::domain::ids::{AccountId, InstitutionId, VisitId};
use crate::domain::permission::AdministratorAct;
use crate::domain::prescription::identity_in;
use crate::domain::signature::{Purpose, export_hash, export_subject, outcome_subject, review_subject};
use crate::domain::time::Timestamp;
use crate::domain::visit::Outcome;
use crate::protocol::error::ErrorCode;
use crate::protocol::proof::ExportSignature;
use crate::protocol::reading::SealRequest;
use crate::protocol::sealed::{
    Included, SealedLine, SealedNote, SealedOpinion, SealedOutcome, SealedPrescription, SealedVersion, VISIT_FORMAT,
    VisitExport,
};
use crate::services::Services;
use crate::services::prescriptions::state_of;
use crate::services::refusal::Refusal;
use crate::services::signing::SignAs;
use crate::services::verifying::{confirmed, contents};
use crate::services::visits::outcomes::hash_of_outcome;
use crate::services::visits::staff_visit;
use crate::services::visits::whose::not_theirs;
use crate::store::{NoteRow, OpinionRow, PrescriptionRow, SignatureRow, SignedVersionRow, Tx, VisitRow};

impl Services {
    /// A visit as a sealed file: the whole record, for a reason that somebody else judges. That it was made is in the audit,
    /// with its hash.
    pub async fn seal_visit(
        &self,
        act: AdministratorAct,
        id: VisitId,
        request: SealRequest,
    ) -> Result<String, Refusal> {
        if !is_reason(&request.reason) {
            let words = format!("why, in {REASON_LEAST} to {REASON_LIMIT} characters");
            return Err(Refusal::field(ErrorCode::Invalid, "reason", words));
        }
        let mut reading = self.reading(act.institution, &act.account).await?;
        let visit = staff_visit(&mut reading.tx, act.institution, id).await?;
        let mut about = vec![id.to_string()];
        let (mut body, mut theirs) = (String::new(), true);
        for note in reading.tx.notes().signed(visit.id).await? {
            theirs &= self.is_whose(&mut reading.tx, visit.id, note.identity.as_deref()).await?;
            about.push(note.id.to_string());
            body.push_str(&line(&sealed_note(&mut reading.tx, note).await?));
        }
        for row in reading.tx.prescriptions().of_visit(visit.id).await? {
            let sheet = sealed_prescription(&mut reading.tx, &row, reading.now).await?;
            let Some(sheet) = sheet else { continue };
            for version in &sheet.versions {
                let identity = identity_in(version.stated.as_deref());
                theirs &= self.is_whose(&mut reading.tx, visit.id, identity.as_deref()).await?;
            }
            about.push(row.id.to_string());
            body.push_str(&line(&SealedLine::Prescription(Box::new(sheet))));
        }
        for row in reading.tx.opinions().of_visit(visit.id).await? {
            about.push(row.id.to_string());
            theirs &= self.is_whose(&mut reading.tx, visit.id, row.identity.as_deref()).await?;
            let Some(opinion) = sealed_opinion(&mut reading.tx, row).await? else { continue };
            body.push_str(&line(&SealedLine::Opinion(opinion)));
        }
        body.push_str(&line(&SealedLine::Outcome(sealed_outcome(&mut reading.tx, &visit).await?)));
        let seals: Vec<DaySeal> =
            reading.tx.audit_days().all(act.institution).await?.into_iter().map(|(seal, _)| seal).collect();
        for entry in reading.tx.audit().about(act.institution, &about).await? {
            theirs &= self.is_whose(&mut reading.tx, visit.id, confirmed(&entry).as_deref()).await?;
            let proof = included(&mut reading.tx, act.institution, &entry, &seals).await?.map(Box::new);
            body.push_str(&line(&SealedLine::Audit { entry, proof }));
        }
        if !theirs {
            tracing::error!(visit.id = %id, "a visit is not of the patient of whom it was signed, and was not sealed");
            return Err(not_theirs());
        }
        let name = reading.tx.institutions().find(act.institution).await?.map(|row| row.name_en).unwrap_or_default();
        // The server's signature would make a forged row look like what its people signed.
        if let Err(unproved) = contents(&id.to_string(), &name, &body) {
            tracing::error!(visit.id = %id, %unproved, "a visit is not what was signed, and was not sealed");
            return Err(Refusal::new(ErrorCode::SignatureBroken, "what is kept of this visit is not what was signed"));
        }
        let hash = export_hash(&name, &id.to_string(), &hex(&Sha256::digest(body.as_bytes())));
        let mut work = self.closing(reading).await?;
        let what = export_subject(&id.to_string());
        let signature = self.sign(&mut work, act.institution, SignAs::Server, Purpose::Export, &what, &hash).await?;
        let signature = with_key(&mut work.tx, signature).await?;
        if !signature.is_of_server_for(Purpose::Export, &what, &hash) {
            return Err(Refusal::new(ErrorCode::SignatureBroken, "the server's key is not what it was"));
        }
        let format = VISIT_FORMAT.to_owned();
        let head = VisitExport { format, name, visit: id.to_string(), hash: hash.clone(), signature };
        let review = self.open_review(&mut work, act.institution, act.account, &visit, request.reason.trim()).await?;
        let (who, detail) = (act.account.to_string(), json!({ "hash": hash, "review": review }));
        let (what, purpose) = (id.to_string(), ReadPurpose::Record(Access::Dispute));
        work.audit_read(act.institution, &who, "visit.seal", &what, purpose, detail).await?;
        work.commit().await?;
        Ok(format!("{}\n{body}", json!(head)))
    }
}

fn line(line: &SealedLine) -> String {
    format!("{}\n", json!(line))
}

pub(crate) async fn with_key(tx: &mut Tx, signature: SignatureRow) -> Result<ExportSignature, Refusal> {
    let key = tx.signatures().key(signature.key_id).await?;
    let key = key.ok_or_else(|| Refusal::internal("a signature without its key"))?;
    Ok(ExportSignature::of(&signature, &key))
}

/// The signatures under a subject with their keys, oldest first.
async fn signatures(tx: &mut Tx, subject: &str) -> Result<Vec<ExportSignature>, Refusal> {
    let mut signatures = Vec::new();
    for signature in tx.signatures().of(subject).await? {
        signatures.push(with_key(tx, signature).await?);
    }
    Ok(signatures)
}

async fn sealed_note(tx: &mut Tx, note: NoteRow) -> Result<SealedLine, Refusal> {
    let id = note.id.to_string();
    let signatures = signatures(tx, &id).await?;
    Ok(SealedLine::Note(SealedNote {
        id,
        number: note.number,
        content: note.content.0.to_string(),
        hash: note.hash,
        previous_hash: note.previous_hash,
        signed_by: note.signed_by.to_string(),
        signed_at: note.signed_at,
        reason: note.reason,
        identity: note.identity,
        signatures,
    }))
}

/// A prescription with everything that was signed of it; nothing where nobody ever signed.
async fn sealed_prescription(
    tx: &mut Tx,
    row: &PrescriptionRow,
    now: Timestamp,
) -> Result<Option<SealedPrescription>, Refusal> {
    let versions = tx.prescriptions().signed(row.id).await?;
    if versions.is_empty() {
        return Ok(None);
    }
    let id = row.id.to_string();
    let version = |one: SignedVersionRow| SealedVersion {
        version: one.version,
        content: one.content,
        report: one.report,
        answers: one.answers,
        stated: one.stated,
        hash: one.hash,
        signed_by: one.signed_by.to_string(),
        signed_at: one.signed_at,
    };
    let name = |account: Option<AccountId>| account.map(|account| account.to_string());
    Ok(Some(SealedPrescription {
        number: row.number.clone(),
        state: state_of(row)?.at(now).phase(),
        hash: row.hash.clone(),
        legal_basis: row.legal_basis.clone(),
        versions: versions.into_iter().map(version).collect(),
        countersigned_by: name(row.countersigned_by),
        countersigned_at: row.countersigned_at,
        reviewed_by: name(row.reviewed_by),
        reviewed_at: row.reviewed_at,
        review: row.review.clone(),
        dispensed_by: name(row.dispensed_by),
        dispensed_at: row.dispensed_at,
        stop_reason: row.stop_reason.clone(),
        signatures: signatures(tx, &id).await?,
        review_signatures: signatures(tx, &review_subject(&id)).await?,
        id,
    }))
}

/// A signed opinion; nothing where nobody signed.
async fn sealed_opinion(tx: &mut Tx, row: OpinionRow) -> Result<Option<SealedOpinion>, Refusal> {
    let id = row.id.to_string();
    let (Some(hash), Some(signed_at)) = (row.hash, row.closed_at) else { return Ok(None) };
    Ok(Some(SealedOpinion {
        asked_by: row.asked_by.to_string(),
        asked_at: row.asked_at,
        question: row.question,
        summary: row.summary,
        opinion: row.opinion,
        advice: row.advice,
        hash,
        signed_by: row.doctor_id.to_string(),
        signed_at,
        identity: row.identity,
        signatures: signatures(tx, &id).await?,
        id,
    }))
}

/// How the visit ends as its row says now, and whose signature that is.
async fn sealed_outcome(tx: &mut Tx, visit: &VisitRow) -> Result<SealedOutcome, Refusal> {
    let signatures = signatures(tx, &outcome_subject(&visit.id.to_string())).await?;
    let hash = hash_of_outcome(visit).filter(|hash| signatures.iter().any(|one| one.hash == *hash));
    Ok(SealedOutcome {
        outcome: visit.outcome,
        words: visit.outcome.map(Outcome::name),
        reason: visit.outcome_reason.clone(),
        signed_by: hash.as_ref().map(|_| visit.doctor_id.to_string()),
        hash,
        signatures,
    })
}

/// The proof that an entry is in its day; nothing where that day is not sealed yet.
async fn included(
    tx: &mut Tx,
    institution: InstitutionId,
    entry: &Kept,
    seals: &[DaySeal],
) -> Result<Option<Included>, Refusal> {
    let Some(seal) = seals.iter().find(|seal| (seal.first..=seal.last).contains(&entry.seq)) else { return Ok(None) };
    let mut leaves: Vec<Hash> = Vec::new();
    let mut last = seal.first - 1;
    while last < seal.last {
        let page = tx.audit().page(institution, last).await?;
        let Some(newest) = page.last() else { break };
        last = newest.seq;
        leaves.extend(page.iter().filter(|entry| entry.seq <= seal.last).map(Kept::leaf));
    }
    let hash = seal.hash();
    let signature = tx.signatures().of(&seal.subject()).await?.into_iter().find(|one| one.hash == hash);
    let index = usize::try_from(entry.seq - seal.first).unwrap_or(usize::MAX);
    let (Some(signature), Some(path)) = (signature, inclusion(&leaves, index)) else { return Ok(None) };
    let signature = with_key(tx, signature).await?;
    Ok(Some(Included { seal: seal.clone(), signature, path: path.iter().map(|hash| hex(hash)).collect() }))
}
