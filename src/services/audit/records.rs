//! What the audit says was signed, compared with what is there: the row as it was hashed, and a signature of it by whoever
//! signed; that every visit is still of the patient of whom it was signed, or whose identity its doctor has compared, and every
//! film of the visit in which it was made; and where a prescription stands, compared with the last act on it.
//!
//! A row carries no key: who may write to the database can write another text with its right hash. What stands against that
//! is the signature, and, where both are taken away or put back as they were before, the entry of the audit.

use std::collections::HashMap;

use crate::domain::audit::Kept;
use crate::domain::audit::day::What;
use crate::domain::ids::{InstitutionId, KeyId, PrescriptionId, VisitId};
use crate::domain::prescription::{ACTS, identity_in, is_left_in};
use crate::domain::signature::{Purpose, outcome_subject, signs_outcomes};
use crate::services::prescriptions::{is_faced, version_words};
use crate::services::recordings::is_of_its_visit;
use crate::services::refusal::Refusal;
use crate::services::signing::signature_holds;
use crate::services::vault::Vault;
use crate::services::verifying::confirmed;
use crate::services::visits::notes::hash_of;
use crate::services::visits::outcomes::hash_of_outcome;
use crate::services::visits::whose::{Patients, names};
use crate::store::{KeyRow, SignedThere, SignedVersionRow, Tx};

/// The number of the first of these entries that says something was signed which is not there as it was signed, or left a
/// prescription elsewhere than it stands. `ours` are the keys that this server made.
pub(crate) async fn first_lost(
    tx: &mut Tx,
    institution: InstitutionId,
    ours: &HashMap<KeyId, KeyRow>,
    vault: &Vault,
    page: &[Kept],
) -> Result<Option<(i64, What)>, Refusal> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(None) };
    let is_signed = |entry: &Kept| entry.action == "note.sign" || ACTS.contains(&entry.action.as_str());
    let there = if page.iter().any(is_signed) {
        tx.audit().signed_there(institution, first.seq - 1, last.seq).await?
    } else {
        SignedThere::default()
    };
    let mut patients = Patients::of(vault);
    for entry in page {
        let is_there = match entry.action.as_str() {
            "note.sign" => {
                let note = there.notes.iter().find(|(seq, _)| *seq == entry.seq).map(|(_, note)| note);
                let signed = note.and_then(|note| Some((note.visit_id, note.identity.as_deref()?)));
                has_note(&there, ours, entry) && are_theirs(tx, &mut patients, signed).await?
            }
            "rx.sign" => match prescription_of(&there, entry) {
                Some(row) if has_signature(&there, ours, entry, Purpose::Prescription, &row.hash) => {
                    let identity = identity_in(row.stated.as_deref());
                    let sheet = tx.prescriptions().find(row.prescription_id).await?;
                    let named = sheet.as_ref().is_none_or(|sheet| names(identity.as_deref(), sheet.patient_id));
                    let faced = match &sheet {
                        Some(sheet) => is_faced(tx, sheet, row.stated.as_deref()).await?,
                        None => true,
                    };
                    let signed = sheet.map(|sheet| sheet.visit_id).zip(identity.as_deref());
                    named && faced && are_theirs(tx, &mut patients, signed).await?
                }
                _ => is_gone(tx, entry).await?,
            },
            "visit.identity_confirmed" => {
                let identity = confirmed(entry);
                let signed = VisitId::from_key(&entry.subject).zip(identity.as_deref());
                are_theirs(tx, &mut patients, signed).await? && ends_as_signed(tx, institution, ours, entry).await?
            }
            "outcome.sign" => ends_as_signed(tx, institution, ours, entry).await?,
            _ => true,
        };
        if !is_there {
            return Ok(Some((entry.seq, What::Record)));
        }
        if entry.action == "recording.store" && !is_of_its_visit(tx, entry).await? {
            return Ok(Some((entry.seq, What::Film)));
        }
        let stands = there.standing.iter().find(|(seq, _)| *seq == entry.seq);
        let is_left = match stands {
            Some((_, Some(phase))) => is_left_in(&entry.action, *phase),
            Some((_, None)) => is_gone(tx, entry).await?,
            // Something was done to it after this.
            None => true,
        };
        if !is_left {
            return Ok(Some((entry.seq, What::Standing)));
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

/// Whether a visit is still of whom something says that it was; what says nothing says nothing wrong.
async fn are_theirs(
    tx: &mut Tx,
    patients: &mut Patients<'_>,
    signed: Option<(VisitId, &str)>,
) -> Result<bool, Refusal> {
    match signed {
        Some((visit, identity)) => patients.are(tx, visit, Some(identity)).await,
        None => Ok(true),
    }
}

/// The version of a sheet of which an entry says that it was signed, where it is as it was.
fn prescription_of<'there>(there: &'there SignedThere, entry: &Kept) -> Option<&'there SignedVersionRow> {
    let hash = hash_in(entry)?;
    let own = there.prescriptions.iter().filter(|(seq, _)| *seq == entry.seq);
    own.map(|(_, row)| row).find(|row| {
        let words = version_words(&entry.subject, row).hash();
        row.hash == hash && words == hash && row.signed_by.to_string() == entry.actor
    })
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

/// Whether a visit ends as the last entry of that says, which its doctor has signed; an entry that another follows is over.
async fn ends_as_signed(
    tx: &mut Tx,
    institution: InstitutionId,
    ours: &HashMap<KeyId, KeyRow>,
    entry: &Kept,
) -> Result<bool, Refusal> {
    let last = tx.audit().last_outcome(institution, &entry.subject).await?;
    if last.is_none_or(|(seq, ..)| seq != entry.seq) {
        return Ok(true);
    }
    let Some(id) = VisitId::from_key(&entry.subject) else { return Ok(false) };
    let Some(visit) = tx.visits().find(id).await? else { return Ok(false) };
    let Some(hash) = hash_in(entry) else { return Ok(visit.outcome.is_none() || !signs_outcomes(&entry.detail)) };
    let signatures = tx.signatures().of(&outcome_subject(&entry.subject)).await?;
    let is_signed = signatures.iter().filter(|one| one.purpose == Purpose::Outcome && one.hash == hash).any(|one| {
        let key = ours.get(&one.key_id);
        key.is_some_and(|key| key.owner == entry.actor && signature_holds(one, key))
    });
    Ok(is_signed && hash_of_outcome(&visit) == Some(hash))
}

/// Whether a prescription went when its years were over, and its certificate is there.
async fn is_gone(tx: &mut Tx, entry: &Kept) -> Result<bool, Refusal> {
    let Some(id) = PrescriptionId::from_key(&entry.subject) else { return Ok(false) };
    Ok(tx.retention().gone(id).await?.is_some())
}
