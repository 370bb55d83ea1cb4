//! A sealed visit, as a file: everything that was signed of it, letter by letter.

use serde::{Deserialize, Serialize};

use crate::domain::audit::Kept;
use crate::domain::audit::day::DaySeal;
use crate::domain::prescription::Phase;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::visit::Outcome;
use crate::protocol::proof::ExportSignature;

/// The format of a sealed visit.
pub const VISIT_FORMAT: &str = "yunzhen.sealed-visit.2";

/// The first line of a sealed visit; the signature covers name, visit, and every letter of the lines that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitExport {
    /// [`VISIT_FORMAT`].
    pub format: String,
    /// The institution's name in English.
    pub name: String,
    /// Which visit.
    pub visit: String,
    /// SHA-256 over the name, the visit, and the SHA-256 of everything behind this line.
    pub hash: String,
    /// The server's signature.
    pub signature: ExportSignature,
}

/// A line of a sealed visit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SealedLine {
    /// A signed version of the record.
    Note(SealedNote),
    /// A prescription.
    Prescription(Box<SealedPrescription>),
    /// An opinion that another doctor has signed.
    Opinion(SealedOpinion),
    /// How the visit ends. Files of before that was sealed have no such line.
    Outcome(SealedOutcome),
    /// An entry of the audit log about this visit.
    Audit {
        /// The entry.
        entry: Kept,
        /// The proof that it is in a sealed day, if that day is over.
        proof: Option<Box<Included>>,
    },
}

/// A signed version of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedNote {
    /// Its id.
    pub id: String,
    /// 1 for the first; amendments count on.
    pub number: i64,
    /// The content as it was hashed, letter by letter.
    pub content: String,
    /// Its hash.
    pub hash: String,
    /// The hash of the version before.
    pub previous_hash: String,
    /// Who signed.
    pub signed_by: String,
    /// When.
    pub signed_at: Timestamp,
    /// Why it amends the version before.
    pub reason: Option<String>,
    /// Whose it is: the patient's id, and a keyed hash of who that is. What was signed before that was asked has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The signatures of it.
    pub signatures: Vec<ExportSignature>,
}

/// A prescription that was signed, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedPrescription {
    /// Its id.
    pub id: String,
    /// What stands on the paper.
    pub number: String,
    /// Where it stood when this was sealed.
    pub state: Phase,
    /// The hash that is signed now; none while it is written anew.
    pub hash: Option<String>,
    /// On whose word it exists, by its code.
    pub legal_basis: String,
    /// Every version that was signed, oldest first.
    pub versions: Vec<SealedVersion>,
    /// Which second doctor signed.
    pub countersigned_by: Option<String>,
    /// When.
    pub countersigned_at: Option<Timestamp>,
    /// Which pharmacist judged.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_at: Option<Timestamp>,
    /// The judgement, letter by letter.
    pub review: Option<String>,
    /// Who handed it out.
    pub dispensed_by: Option<String>,
    /// When.
    pub dispensed_at: Option<Timestamp>,
    /// Why it was stopped.
    pub stop_reason: Option<String>,
    /// The doctors' signatures of all versions.
    pub signatures: Vec<ExportSignature>,
    /// The pharmacists' signatures, also of judgements before the last.
    pub review_signatures: Vec<ExportSignature>,
}

/// A question to another doctor and the signed answer, letter by letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedOpinion {
    /// Its id.
    pub id: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// What was to be known.
    pub question: String,
    /// The case in short.
    pub summary: String,
    /// The opinion.
    pub opinion: String,
    /// What the asked doctor would do.
    pub advice: String,
    /// The hash over all of it.
    pub hash: String,
    /// Who signed.
    pub signed_by: String,
    /// When.
    pub signed_at: Timestamp,
    /// Whose visit it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The signatures of it.
    pub signatures: Vec<ExportSignature>,
}

/// How a visit ends, as its doctor signed it. One that nobody signed, as before that was asked, has no hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedOutcome {
    /// What happens next; none where nobody has chosen it.
    pub outcome: Option<Outcome>,
    /// The same in words.
    pub words: Option<Text>,
    /// Why the patient is sent on.
    pub reason: Option<String>,
    /// The hash over outcome and reason.
    pub hash: Option<String>,
    /// Who signed.
    pub signed_by: Option<String>,
    /// The signatures, also of what was chosen before.
    pub signatures: Vec<ExportSignature>,
}

/// A version of a prescription, as it was signed, letter by letter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedVersion {
    /// Which.
    pub version: i64,
    /// The content.
    pub content: String,
    /// What the gate said of it.
    pub report: String,
    /// The doctor's reasons.
    pub answers: String,
    /// What stands on the paper beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated: Option<String>,
    /// The hash over them.
    pub hash: String,
    /// Who signed.
    pub signed_by: String,
    /// When.
    pub signed_at: Timestamp,
}

/// The proof that an entry is in a sealed day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Included {
    /// The day.
    pub seal: DaySeal,
    /// Its signature.
    pub signature: ExportSignature,
    /// The hashes from the entry up to the root, hexadecimal.
    pub path: Vec<String>,
}
