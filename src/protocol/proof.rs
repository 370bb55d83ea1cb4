//! Proofs: signatures that go with an export, and the sealed days of the audit log.

use serde::{Deserialize, Serialize};

use crate::domain::audit::day::DaySeal;
use crate::domain::signature::{Algorithm, Purpose};
use crate::domain::time::Timestamp;

/// The sealed days of an institution.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AuditDays {
    /// SHA-256 over the public key that seals, for comparing it with that of an export.
    pub fingerprint: Option<String>,
    /// Every key that the server has signed with, oldest first: an older export is by an older key.
    pub keys: Vec<ServerKey>,
    /// Newest first.
    pub days: Vec<AuditDayView>,
}

/// A key of the server.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ServerKey {
    /// How it signs.
    pub algorithm: Algorithm,
    /// SHA-256 over its public half.
    pub fingerprint: String,
    /// When it was made.
    pub since: Timestamp,
    /// It signs no more since; what it has signed holds.
    pub until: Option<Timestamp>,
}

/// A sealed day.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AuditDayView {
    /// Its date where the hospital stands.
    pub day: String,
    /// How many entries it holds.
    pub entries: i64,
    /// The root of their tree.
    pub root: String,
    /// When it was sealed.
    pub sealed_at: Timestamp,
}

/// What a reading of the whole audit log found, and when.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AuditVerdict {
    /// Entries that were read.
    pub entries: i64,
    /// Days that are sealed.
    pub days: usize,
    /// The first place where the log is not what was written, in words for whoever looks into it; none in a whole log.
    pub broken: Option<String>,
    /// When it was read.
    pub at: Timestamp,
}

/// The format of an exported day.
pub const DAY_FORMAT: &str = "yunzhen.audit-day.1";

/// The first line of an exported day; the entries follow, one a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayExport {
    /// [`DAY_FORMAT`].
    pub format: String,
    /// The institution's name in English; for people, nothing proves it.
    pub name: String,
    /// The seal.
    pub seal: DaySeal,
    /// When it was made.
    pub sealed_at: Timestamp,
    /// Its signature.
    pub signature: ExportSignature,
}

impl DayExport {
    /// The first line.
    pub fn new(name: String, seal: DaySeal, sealed_at: Timestamp, signature: ExportSignature) -> Self {
        Self { format: DAY_FORMAT.to_owned(), name, seal, sealed_at, signature }
    }
}

/// A signature with everything that is needed to verify it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportSignature {
    /// What the signer said by it.
    pub purpose: Purpose,
    /// What was signed.
    pub subject: String,
    /// The hash of its content.
    pub hash: String,
    /// When.
    pub at: Timestamp,
    /// The key's id.
    pub key: String,
    /// Whose key it is.
    pub owner: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// The public key, hexadecimal.
    pub public_key: String,
    /// The signature, hexadecimal.
    pub bytes: String,
}
