//! A visit sealed for a dispute: every signed version, every signature, every entry of the audit about it, in one file
//! that the server signs and that anybody verifies without the server.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::domain::audit::Kept;
use crate::domain::audit::day::DaySeal;
use crate::domain::audit::merkle::{Hash, inclusion};
use crate::domain::hex::hex;
use crate::domain::ids::{InstitutionId, VisitId};
use crate::domain::permission::AdministratorAct;
use crate::domain::signature::Purpose;
use crate::protocol::proof::{ExportSignature, Included, SealedLine, VISIT_FORMAT, VisitExport};
use crate::services::Services;
use crate::services::audit_days::subject;
use crate::services::refusal::Refusal;
use crate::services::signing::SignAs;
use crate::services::visits::staff_visit;
use crate::store::{NoteRow, SignatureRow, Tx};

impl Services {
    /// A visit as a sealed file; that it was made is in the audit, with its hash.
    pub async fn seal_visit(&self, act: AdministratorAct, id: VisitId) -> Result<String, Refusal> {
        let mut work = self.begin().await?;
        let visit = staff_visit(&mut work.tx, act.institution, id).await?;
        let mut about = vec![id.to_string()];
        let mut body = String::new();
        for note in work.tx.notes().signed(visit.id).await? {
            about.push(note.id.to_string());
            body.push_str(&line(&sealed_note(&mut work.tx, note).await?));
        }
        let seals: Vec<DaySeal> =
            work.tx.audit_days().all(act.institution).await?.into_iter().map(|(seal, _)| seal).collect();
        for entry in work.tx.audit().about(act.institution, &about).await? {
            let proof = included(&mut work.tx, act.institution, &entry, &seals).await?.map(Box::new);
            body.push_str(&line(&SealedLine::Audit { entry, proof }));
        }
        let hash = hex(&Sha256::digest(body.as_bytes()));
        let what = export_subject(&id.to_string());
        let signature = self.sign(&mut work, act.institution, SignAs::Server, Purpose::Export, &what, &hash).await?;
        let signature = with_key(&mut work.tx, signature).await?;
        let name = work.tx.institutions().find(act.institution).await?.map(|row| row.name_en).unwrap_or_default();
        let visit = id.to_string();
        let head = VisitExport { format: VISIT_FORMAT.to_owned(), name, visit, hash: hash.clone(), signature };
        let (who, detail) = (act.account.to_string(), json!({ "hash": hash }));
        work.audit_why(act.institution, &who, "visit.seal", &id.to_string(), Some("dispute".to_owned()), detail)
            .await?;
        work.commit().await?;
        Ok(format!("{}\n{body}", json!(head)))
    }
}

/// What is signed of a sealed visit.
pub(crate) fn export_subject(visit: &str) -> String {
    format!("export:{visit}")
}

fn line(line: &SealedLine) -> String {
    format!("{}\n", json!(line))
}

async fn with_key(tx: &mut Tx, signature: SignatureRow) -> Result<ExportSignature, Refusal> {
    let key = tx.signatures().key(signature.key_id).await?;
    let key = key.ok_or_else(|| Refusal::internal("a signature without its key"))?;
    Ok(ExportSignature::of(&signature, &key))
}

async fn sealed_note(tx: &mut Tx, note: NoteRow) -> Result<SealedLine, Refusal> {
    let id = note.id.to_string();
    let mut signatures = Vec::new();
    for signature in tx.signatures().of(&id).await? {
        signatures.push(with_key(tx, signature).await?);
    }
    Ok(SealedLine::Note {
        id,
        number: note.number,
        content: note.content.0.to_string(),
        hash: note.hash,
        previous_hash: note.previous_hash,
        signed_by: note.signed_by.to_string(),
        signed_at: note.signed_at,
        reason: note.reason,
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
    let signature = tx.signatures().of(&subject(seal)).await?.into_iter().find(|one| one.hash == hash);
    let index = usize::try_from(entry.seq - seal.first).unwrap_or(usize::MAX);
    let (Some(signature), Some(path)) = (signature, inclusion(&leaves, index)) else { return Ok(None) };
    let signature = with_key(tx, signature).await?;
    Ok(Some(Included { seal: seal.clone(), signature, path: path.iter().map(|hash| hex(hash)).collect() }))
}
