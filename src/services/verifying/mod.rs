//! Verifies a file without the server: nothing is asked but the file, and the fingerprint of a key that somebody has.
//!
//! A file is taken letter by letter: one that says the same in other letters, by blanks or by an order of its own, is not
//! the file that the server wrote.

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod bad_bytes;
mod outcome;
mod queue;
#[cfg(test)]
mod samples;
mod visit;

use std::fmt;

use crate::domain::audit::Kept;
use crate::domain::audit::day::{Break, Verifier};
use crate::domain::hex::{hex, unhex};
use crate::domain::signature::{Algorithm, Purpose, signed_words};
use crate::protocol::proof::{DAY_FORMAT, DayExport, ExportSignature};
use crate::protocol::queue_day::{FIRST_QUEUE_FORMAT, QUEUE_FORMAT};
use crate::protocol::sealed::VISIT_FORMAT;
use crate::services::signing::{SignAs, fingerprint, scheme};

pub(crate) use queue::findings;
pub(crate) use visit::{confirmed, contents};

/// What a file was proved to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proved {
    /// In words.
    pub what: String,
    /// The fingerprint of the key that signed.
    pub fingerprint: String,
    /// How it signs.
    pub algorithm: Algorithm,
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
        write!(f, "{}; signed by the key {} ({})", self.what, self.fingerprint, self.algorithm.name())
    }
}

impl ExportSignature {
    /// Whether the signature is of this purpose, subject and content, by the key that it names.
    pub fn holds_for(&self, purpose: Purpose, subject: &str, hash: &str) -> bool {
        let words = signed_words(self.purpose, &self.subject, &self.hash, &self.key, self.at);
        let (Some(key), Some(bytes)) = (digits(&self.public_key), digits(&self.bytes)) else { return false };
        let own = (self.purpose, self.subject.as_str(), self.hash.as_str()) == (purpose, subject, hash);
        own && scheme(self.algorithm).holds(&key, words.as_bytes(), &bytes)
    }

    /// The same, made by the server for its institution.
    pub fn is_of_server_for(&self, purpose: Purpose, subject: &str, hash: &str) -> bool {
        self.owner == SignAs::Server.owner() && self.holds_for(purpose, subject, hash)
    }

    /// The fingerprint of its key.
    pub fn fingerprint(&self) -> String {
        fingerprint(&unhex(&self.public_key).unwrap_or_default())
    }
}

/// The bytes of digits as we write them; capitals are another text.
fn digits(text: &str) -> Option<Vec<u8>> {
    unhex(text).filter(|bytes| hex(bytes) == text)
}

/// Verifies the text of an export; with `key`, it must be signed by the key of this fingerprint.
pub fn verify_export(text: &str, key: Option<&str>) -> Result<Proved, Unproved> {
    // A queue's day is one line alone.
    let (head, rest) = text.split_once('\n').map_or((text, None), |(head, rest)| (head, Some(rest)));
    let format = serde_json::from_str::<serde_json::Value>(head).unwrap_or_default();
    let (proved, signature) = match (format["format"].as_str(), rest) {
        (Some(DAY_FORMAT), Some(rest)) => day(head, rest)?,
        (Some(VISIT_FORMAT), Some(rest)) => visit::verify(head, rest)?,
        (Some(QUEUE_FORMAT), None) => queue::verify(head)?,
        (Some(FIRST_QUEUE_FORMAT), None) => queue::verify_first(head)?,
        _ => return Err(Unproved::Unreadable { line: 1 }),
    };
    let found = signature.fingerprint();
    if let Some(wanted) = key.map(str::to_lowercase).filter(|wanted| *wanted != found) {
        return Err(Unproved::OtherKey { found, wanted });
    }
    Ok(Proved { what: proved, fingerprint: found, algorithm: signature.algorithm })
}

/// An entry as a line of an exported day.
pub(super) fn entry_line(entry: &Kept) -> String {
    format!("{}\n", serde_json::json!(entry))
}

fn day(head: &str, rest: &str) -> Result<(String, ExportSignature), Unproved> {
    let day: DayExport = serde_json::from_str(head).map_err(|_| Unproved::Unreadable { line: 1 })?;
    let canonical = serde_json::json!(day).to_string();
    if canonical != head {
        return Err(Unproved::Content("the first line".to_owned()));
    }
    // Its name is signed by nobody, and not repeated.
    let DayExport { seal, sealed_at, signature, .. } = day;
    if !signature.is_of_server_for(Purpose::AuditDay, &seal.subject(), &seal.hash()) || sealed_at != signature.at {
        return Err(Unproved::Signature);
    }
    let mut verifier: Option<Verifier> = None;
    for (line, number) in rest.split_inclusive('\n').zip(2..) {
        let entry: Kept = serde_json::from_str(line).map_err(|_| Unproved::Unreadable { line: number })?;
        if entry_line(&entry) != line {
            return Err(Unproved::Content(format!("line {number}")));
        }
        // What was before the first entry is in its own words, which the root covers.
        let verifier = verifier.get_or_insert_with(|| Verifier::of_day(seal.clone(), entry.previous_hash.clone()));
        verifier.push(&entry).map_err(Unproved::Broken)?;
    }
    let verifier = verifier.unwrap_or_else(|| Verifier::of_day(seal.clone(), seal.head_hash.clone()));
    let entries = verifier.end(seal.last).map_err(Unproved::Broken)? - seal.first + 1;
    let (id, date) = (&seal.institution, seal.day);
    Ok((format!("authentic: the audit log of {id} of {date}, {entries} entries"), signature))
}
