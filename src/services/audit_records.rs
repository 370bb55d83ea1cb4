//! What the audit says was signed, compared with what is there: the row as it was hashed, and a signature of it by whoever
//! signed.
//!
//! A row carries no key: who may write to the database can write another text with its right hash. What stands against that
//! is the signature, and, where both are taken away or put back as they were before, the entry of the audit.

use std::collections::HashMap;

use crate::domain::audit::Kept;
use crate::domain::ids::{InstitutionId, KeyId, PrescriptionId};
use crate::domain::prescription::hash_of as hash_of_prescription;
use crate::domain::signature::Purpose;
use crate::services::notes::hash_of;
use crate::services::refusal::Refusal;
use crate::services::signing::signature_holds;
use crate::store::{KeyRow, SignedThere, Tx};

/// The number of the first of these entries that says something was signed which is not there as it was signed. `ours` are
/// the keys that this server made.
pub(crate) async fn first_lost(
    tx: &mut Tx,
    institution: InstitutionId,
    ours: &HashMap<KeyId, KeyRow>,
    page: &[Kept],
) -> Result<Option<i64>, Refusal> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(None) };
    if !page.iter().any(|entry| matches!(entry.action.as_str(), "note.sign" | "rx.sign")) {
        return Ok(None);
    }
    let there = tx.audit().signed_there(institution, first.seq - 1, last.seq).await?;
    for entry in page {
        let is_there = match entry.action.as_str() {
            "note.sign" => has_note(&there, ours, entry),
            "rx.sign" => has_prescription(&there, ours, entry) || is_gone(tx, entry).await?,
            _ => true,
        };
        if !is_there {
            return Ok(Some(entry.seq));
        }
    }
    Ok(None)
}

/// The hash that the entry names.
fn hash_in(entry: &Kept) -> Option<String> {
    let detail: serde_json::Value = serde_json::from_str(&entry.detail).ok()?;
    detail["hash"].as_str().map(str::to_owned)
}

fn has_note(there: &SignedThere, ours: &HashMap<KeyId, KeyRow>, entry: &Kept) -> bool {
    let Some(hash) = hash_in(entry) else { return false };
    let row = there.notes.iter().find(|(seq, _)| *seq == entry.seq);
    let is_row = row.is_some_and(|(_, note)| {
        note.hash == hash && hash_of(note) == hash && note.signed_by.to_string() == entry.actor
    });
    is_row && has_signature(there, ours, entry, Purpose::Note, &hash)
}

fn has_prescription(there: &SignedThere, ours: &HashMap<KeyId, KeyRow>, entry: &Kept) -> bool {
    let Some(hash) = hash_in(entry) else { return false };
    let own = there.prescriptions.iter().filter(|(seq, _)| *seq == entry.seq);
    let is_row = own.map(|(_, row)| row).any(|row| {
        let words = hash_of_prescription(
            &entry.subject,
            row.version,
            &row.content,
            &row.report,
            &row.answers,
            row.stated.as_deref(),
        );
        row.hash == hash && words == hash && row.signed_by.to_string() == entry.actor
    });
    is_row && has_signature(there, ours, entry, Purpose::Prescription, &hash)
}

fn has_signature(
    there: &SignedThere,
    ours: &HashMap<KeyId, KeyRow>,
    entry: &Kept,
    purpose: Purpose,
    hash: &str,
) -> bool {
    let own = there.signatures.iter().filter(|(seq, _)| *seq == entry.seq).map(|(_, signature)| signature);
    own.filter(|signature| signature.purpose == purpose && signature.hash == hash).any(|signature| {
        let key = ours.get(&signature.key_id);
        key.is_some_and(|key| key.owner == entry.actor && signature_holds(signature, key))
    })
}

/// Whether a prescription went when its years were over, and its certificate is there.
async fn is_gone(tx: &mut Tx, entry: &Kept) -> Result<bool, Refusal> {
    let Some(id) = PrescriptionId::from_key(&entry.subject) else { return Ok(false) };
    Ok(tx.retention().gone(id).await?.is_some())
}
