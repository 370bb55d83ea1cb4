//! What a signature covers, under which name, and by which algorithm.
//!
//! Each kind of content has its own words, which are hashed here or beside the content, and its own subject, so that a
//! signature of one proves nothing of another.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::hex::hex;
use crate::domain::ids::ClinicId;
use crate::domain::time::Timestamp;

/// How a key signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Ed25519 (RFC 8032).
    #[default]
    Ed25519,
    /// SM2 with SM3 (GB/T 32918.2).
    Sm2,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::Ed25519, Self::Sm2];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::Sm2 => "sm2",
        }
    }

    /// Its name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::Sm2 => "SM2",
        }
    }
}

/// What the signer says by signing. A signature for one purpose proves no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A doctor signs the note of a visit.
    Note,
    /// A doctor signs a prescription.
    Prescription,
    /// The same doctor signs a warned line a second time (处方管理办法 Art. 6(9)).
    Confirmation,
    /// A second doctor signs beside the first.
    Countersignature,
    /// Somebody else has approved an amendment of an archived record.
    Approval,
    /// A pharmacist has judged a prescription, or the second doctor has declined to sign it.
    Review,
    /// A doctor signs the opinion that was asked of them.
    Opinion,
    /// A doctor signs how a visit ends, and why.
    Outcome,
    /// The server seals a day of the audit log.
    AuditDay,
    /// The server signs the head of the running day's audit log.
    AuditCheckpoint,
    /// The server seals a day of a queue.
    QueueDay,
    /// The server seals an export.
    Export,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 12] = [
        Self::Note,
        Self::Prescription,
        Self::Confirmation,
        Self::Countersignature,
        Self::Approval,
        Self::Review,
        Self::Opinion,
        Self::Outcome,
        Self::AuditDay,
        Self::AuditCheckpoint,
        Self::QueueDay,
        Self::Export,
    ];

    /// The word in a column and in the signed text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Prescription => "prescription",
            Self::Confirmation => "confirmation",
            Self::Countersignature => "countersignature",
            Self::Approval => "approval",
            Self::Review => "review",
            Self::Opinion => "opinion",
            Self::Outcome => "outcome",
            Self::AuditDay => "audit_day",
            Self::AuditCheckpoint => "audit_checkpoint",
            Self::QueueDay => "queue_day",
            Self::Export => "export",
        }
    }
}

/// What a signature covers, in the order in which it is hashed: SHA-256 over this text in UTF-8.
///
/// Canonical: one line a part, each with its length, so that no two records have the same text.
pub fn signed_text(parts: &[(&str, &str)]) -> String {
    use std::fmt::Write as _;
    parts.iter().fold(String::new(), |mut text, (name, value)| {
        writeln!(text, "{name} {} {value}", value.len()).expect("writing to a string cannot fail");
        text
    })
}

/// SHA-256, hexadecimal, over [`signed_text`].
pub fn signed_hash(parts: &[(&str, &str)]) -> String {
    hex(&Sha256::digest(signed_text(parts).as_bytes()))
}

/// Whose a signed thing is: the patient's id, and a keyed hash of who that is, which tells nobody anything but whether it
/// is the same.
pub fn identity(patient: &str, mac: &[u8]) -> String {
    format!("{patient}:{}", hex(mac))
}

/// The patient's id in it.
pub fn patient_in(identity: &str) -> &str {
    identity.split(':').next().unwrap_or_default()
}

/// A signed version of a record by its words, wherever they are kept. Its subject is the version's id.
pub struct Noted<'a> {
    /// The visit.
    pub visit: &'a str,
    /// 1 for the first signature.
    pub number: i64,
    /// The canonical text.
    pub content: &'a str,
    /// The doctor's account.
    pub signed_by: &'a str,
    /// When.
    pub signed_at: Timestamp,
    /// Why it amends the version before.
    pub reason: Option<&'a str>,
    /// That of the version before.
    pub previous_hash: &'a str,
    /// Whose it is, as [`identity`] says it; what was signed before that was asked has none.
    pub identity: Option<&'a str>,
}

impl Noted<'_> {
    /// What the doctor signs.
    pub fn hash(&self) -> String {
        let (number, at) = (self.number.to_string(), self.signed_at.as_millis().to_string());
        let mut parts = vec![
            ("visit", self.visit),
            ("number", &number),
            ("content", self.content),
            ("signer", self.signed_by),
            ("at", &at),
            ("reason", self.reason.unwrap_or_default()),
            ("previous", self.previous_hash),
        ];
        parts.extend(self.identity.map(|identity| ("identity", identity)));
        signed_hash(&parts)
    }
}

/// What a pharmacist signs: the hash that the doctor signed, and the judgement.
pub fn review_hash(hash: &str, review: &str) -> String {
    signed_hash(&[("hash", hash), ("review", review)])
}

/// Under which subject a pharmacist signs.
pub fn review_subject(prescription: &str) -> String {
    format!("{prescription}/review")
}

/// What a doctor signs of how a visit ends: the outcome, and why it sends the patient on, as a slip prints them.
pub fn outcome_hash(visit: &str, outcome: &str, reason: Option<&str>) -> String {
    let mut parts = vec![("visit", visit), ("outcome", outcome)];
    parts.extend(reason.map(|reason| ("reason", reason)));
    signed_hash(&parts)
}

/// Under which subject.
pub fn outcome_subject(visit: &str) -> String {
    format!("{visit}/outcome")
}

/// What the entry of a confirmed identity says since outcomes are signed: from then on the visit has none that is not.
pub const OUTCOME_SIGNED: &str = "signed";

/// Whether the visit that began with this entry has no outcome but one that is signed; earlier versions of this program
/// signed none.
pub fn signs_outcomes(detail: &str) -> bool {
    let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
    detail["outcome"] == OUTCOME_SIGNED
}

/// What the server signs of a sealed visit; `body` is the hash of all lines but the first.
pub fn export_hash(name: &str, visit: &str, body: &str) -> String {
    signed_hash(&[("name", name), ("visit", visit), ("body", body)])
}

/// Under which subject.
pub fn export_subject(visit: &str) -> String {
    format!("export:{visit}")
}

/// Under which subject the server signs a queue's day.
pub fn queue_subject(clinic: ClinicId, day: &str) -> String {
    format!("queue:{}:{day}", clinic.as_uuid())
}

/// What the key signs: the purpose, the subject, its content's hash, whose key, and when, each with its length, so that
/// no two different signatures cover the same bytes.
pub fn signed_words(purpose: Purpose, subject: &str, hash: &str, key: &str, at: Timestamp) -> String {
    let at = at.as_millis().to_string();
    signed_text(&[("purpose", purpose.as_str()), ("subject", subject), ("hash", hash), ("key", key), ("at", &at)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_the_wire_and_in_columns_are_the_same() {
        assert!(Purpose::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.as_str()));
        assert!(Algorithm::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.as_str()));
    }

    #[test]
    fn shifting_a_letter_between_parts_changes_the_signed_text() {
        assert_ne!(signed_text(&[("a", "xy"), ("b", "z")]), signed_text(&[("a", "x"), ("b", "yz")]));
        assert_ne!(signed_text(&[("a", "x\nb 1 y")]), signed_text(&[("a", "x"), ("b", "y")]));
    }

    #[test]
    fn a_record_is_signed_with_whose_it_is_and_one_of_before_that_holds_as_it_was_hashed_then() {
        let of = |identity| Noted {
            visit: "visit_1",
            number: 1,
            content: r#"{"diagnosis":"感冒"}"#,
            signed_by: "account_1",
            signed_at: Timestamp::from_millis(1),
            reason: None,
            previous_hash: "",
            identity,
        };
        // Computed apart, over the lines as the version before this wrote them.
        assert_eq!(of(None).hash(), "a9f5c85de4ee3f94d108a4a41e4fd60d306dc5dc570d7e75359694d80565e8ac");
        let (one, other) = (identity("patient_1", &[0xaa]), identity("patient_2", &[0xaa]));
        assert_eq!((one.as_str(), patient_in(&one)), ("patient_1:aa", "patient_1"));
        assert_eq!(of(Some(&one)).hash(), "ab1c205a2c69f1661517304ccca7228289ace9ace161ebddedceb21c5c211340");
        assert_ne!(of(Some(&other)).hash(), of(Some(&one)).hash());
        assert_ne!(of(Some(&identity("patient_1", &[0xab]))).hash(), of(Some(&one)).hash());
    }

    #[test]
    fn another_purpose_subject_hash_key_or_hour_is_another_text() {
        let at = Timestamp::from_millis(1);
        let one = signed_words(Purpose::Note, "note_1", "aa", "key_1", at);
        let others = [
            signed_words(Purpose::Review, "note_1", "aa", "key_1", at),
            signed_words(Purpose::Note, "note_2", "aa", "key_1", at),
            signed_words(Purpose::Note, "note_1", "ab", "key_1", at),
            signed_words(Purpose::Note, "note_1", "aa", "key_2", at),
            signed_words(Purpose::Note, "note_1", "aa", "key_1", Timestamp::from_millis(2)),
        ];
        assert!(others.iter().all(|other| *other != one));
    }
}
