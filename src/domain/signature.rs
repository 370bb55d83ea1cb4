//! What a signature covers, and by which algorithm.

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;
use crate::domain::visit::signed_text;

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
    /// A pharmacist has judged a prescription.
    Review,
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
    pub const ALL: [Self; 9] = [
        Self::Note,
        Self::Prescription,
        Self::Confirmation,
        Self::Countersignature,
        Self::Review,
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
            Self::Review => "review",
            Self::AuditDay => "audit_day",
            Self::AuditCheckpoint => "audit_checkpoint",
            Self::QueueDay => "queue_day",
            Self::Export => "export",
        }
    }
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
