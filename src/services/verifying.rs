//! Verifies a file without the server: nothing is asked but the file, and the fingerprint of a key that somebody has.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::domain::audit::Kept;
use crate::domain::audit::day::{Break, Verifier};
use crate::domain::audit::merkle::{Hash, is_included};
use crate::domain::hex::{hex, unhex};
use crate::domain::signature::{Purpose, signed_words};
use crate::protocol::proof::{DAY_FORMAT, DayExport, ExportSignature, Included, SealedLine, VISIT_FORMAT, VisitExport};
use crate::services::audit_days::subject;
use crate::services::notes::Noted;
use crate::services::sealing::export_subject;
use crate::services::signing::{fingerprint, scheme};

/// What a file was proved to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// In words.
    pub what: String,
    /// The fingerprint of the key that signed.
    pub fingerprint: String,
}

/// Why a file proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// It is no export of ours, or was cut or changed so that it cannot be read.
    #[error("this is no export that can be read: line {line}")]
    Unreadable {
        /// Where.
        line: usize,
    },
    /// The signature is of other words or another key.
    #[error("the signature does not hold")]
    Signature,
    /// It was signed by somebody else.
    #[error("it was signed by the key {found}, not by {wanted}")]
    OtherKey {
        /// Who signed.
        found: String,
        /// Whom the reader trusts.
        wanted: String,
    },
    /// The entries are not those of the seal.
    #[error("{0}")]
    Broken(Break),
    /// What is inside is not what was signed.
    #[error("{0} is not what was signed")]
    Content(String),
}

impl fmt::Display for Proved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; signed by the key {}", self.what, self.fingerprint)
    }
}

impl ExportSignature {
    /// Whether the signature is of this purpose, subject and content, by the key that it names.
    pub fn holds_for(&self, purpose: Purpose, subject: &str, hash: &str) -> bool {
        let words = signed_words(self.purpose, &self.subject, &self.hash, &self.key, self.at);
        let (Some(key), Some(bytes)) = (unhex(&self.public_key), unhex(&self.bytes)) else { return false };
        let own = (self.purpose, self.subject.as_str(), self.hash.as_str()) == (purpose, subject, hash);
        own && scheme(self.algorithm).is_some_and(|scheme| scheme.holds(&key, words.as_bytes(), &bytes))
    }

    /// The fingerprint of its key.
    pub fn fingerprint(&self) -> String {
        fingerprint(&unhex(&self.public_key).unwrap_or_default())
    }
}

/// Verifies the text of an export; with `key`, it must be signed by the key of this fingerprint.
pub fn verify_export(text: &str, key: Option<&str>) -> Result<Proved, Unproved> {
    let (head, rest) = text.split_once('\n').ok_or(Unproved::Unreadable { line: 1 })?;
    let format = serde_json::from_str::<serde_json::Value>(head).unwrap_or_default();
    let (proved, signature) = match format["format"].as_str() {
        Some(DAY_FORMAT) => day(head, rest)?,
        Some(VISIT_FORMAT) => visit(head, rest)?,
        _ => return Err(Unproved::Unreadable { line: 1 }),
    };
    let found = signature.fingerprint();
    if let Some(wanted) = key.map(str::to_lowercase).filter(|wanted| *wanted != found) {
        return Err(Unproved::OtherKey { found, wanted });
    }
    Ok(Proved { what: proved, fingerprint: found })
}

fn day(head: &str, rest: &str) -> Result<(String, ExportSignature), Unproved> {
    let DayExport { name, seal, signature, .. } =
        serde_json::from_str(head).map_err(|_| Unproved::Unreadable { line: 1 })?;
    if !signature.holds_for(Purpose::AuditDay, &subject(&seal), &seal.hash()) {
        return Err(Unproved::Signature);
    }
    let mut verifier: Option<Verifier> = None;
    for (line, number) in rest.lines().zip(2..) {
        let entry: Kept = serde_json::from_str(line).map_err(|_| Unproved::Unreadable { line: number })?;
        // What was before the first entry is in its own words, which the root covers.
        let verifier = verifier.get_or_insert_with(|| Verifier::of_day(seal.clone(), entry.previous_hash.clone()));
        verifier.push(&entry).map_err(Unproved::Broken)?;
    }
    let verifier = verifier.unwrap_or_else(|| Verifier::of_day(seal.clone(), seal.head_hash.clone()));
    let entries = verifier.end(seal.last).map_err(Unproved::Broken)? - seal.first + 1;
    let (id, date) = (&seal.institution, seal.day);
    Ok((format!("authentic: the audit log of {name} ({id}) of {date}, {entries} entries"), signature))
}

fn visit(head: &str, rest: &str) -> Result<(String, ExportSignature), Unproved> {
    let VisitExport { name, visit, hash, signature, .. } =
        serde_json::from_str(head).map_err(|_| Unproved::Unreadable { line: 1 })?;
    if hash != hex(&Sha256::digest(rest.as_bytes())) {
        return Err(Unproved::Content("what is behind the first line".to_owned()));
    }
    if !signature.holds_for(Purpose::Export, &export_subject(&visit), &hash) {
        return Err(Unproved::Signature);
    }
    let (mut notes, mut signatures, mut entries, mut proved) = (0, 0, 0, 0);
    for (text, number) in rest.lines().zip(2..) {
        match serde_json::from_str::<SealedLine>(text).map_err(|_| Unproved::Unreadable { line: number })? {
            SealedLine::Note {
                id,
                number,
                content,
                hash,
                previous_hash,
                signed_by,
                signed_at,
                reason,
                signatures: own,
            } => {
                let of = Noted {
                    visit: &visit,
                    number,
                    content: &content,
                    signed_by: &signed_by,
                    signed_at,
                    reason: reason.as_deref(),
                    previous_hash: &previous_hash,
                };
                // A signature of an earlier content is none of this one.
                let own: Vec<_> = own.iter().filter(|one| one.hash == hash).collect();
                let holds = own.iter().all(|one| one.holds_for(one.purpose, &id, &hash));
                if of.hash() != hash || !holds {
                    return Err(Unproved::Content(format!("version {number} of the record")));
                }
                notes += 1;
                signatures += own.len();
            }
            SealedLine::Audit { entry, proof } => {
                let seq = entry.seq;
                if !entry.is_itself() || !proof.as_ref().is_none_or(|proof| is_in_its_day(&entry, proof)) {
                    return Err(Unproved::Content(format!("entry {seq} of the audit")));
                }
                entries += 1;
                proved += usize::from(proof.is_some());
            }
        }
    }
    let what = format!(
        "authentic: {visit} of {name}: {notes} signed versions, {signatures} signatures, {entries} entries of the audit, \
         {proved} of them proved to be in sealed days"
    );
    Ok((what, signature))
}

fn is_in_its_day(entry: &Kept, proof: &Included) -> bool {
    let Included { seal, signature, path } = proof;
    let hashes = |text: &String| Hash::try_from(unhex(text)?).ok();
    let (root, path) = (hashes(&seal.root), path.iter().map(hashes).collect::<Option<Vec<_>>>());
    let number = |n: i64| usize::try_from(n).ok();
    let (Some(root), Some(path)) = (root, path) else { return false };
    let (Some(index), Some(count)) = (number(entry.seq - seal.first), number(seal.entries())) else { return false };
    is_included(&entry.leaf(), index, count, &path, &root)
        && signature.holds_for(Purpose::AuditDay, &subject(seal), &seal.hash())
}
