//! What is said of proofs: sealed days, exports, documents, holds and certificates.

use serde::{Deserialize, Serialize};

use crate::domain::audit::Kept;
use crate::domain::audit::day::DaySeal;
use crate::domain::ids::{ApprovalId, CertificateId, ClinicId, HoldId, PurposeEndId};
use crate::domain::prescription::Phase;
use crate::domain::retention::{ClassRules, RetentionClass};
use crate::domain::signature::{Algorithm, Purpose};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::visit::Outcome;

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

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaperKind)]
pub enum DocumentKind {
    /// 病历.
    Record,
    /// 处方.
    Prescription,
    /// 转诊单.
    Referral,
    /// 会诊意见.
    Opinion,
}

impl DocumentKind {
    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Prescription => "prescription",
            Self::Referral => "referral",
            Self::Opinion => "opinion",
        }
    }
}

/// A document that there is of a visit.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DocumentInfo {
    /// What it is.
    pub kind: DocumentKind,
    /// Its version; 1 for the first signature.
    pub number: i64,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// The address behind the code on the paper.
    pub link: String,
    /// Where the file is, under `/api/v1`.
    pub path: String,
}

/// `GET /visits/{id}/documents/record?paper=a4`, and the other papers.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DocumentAsked {
    /// `a4` or `a5`; A4 where nothing is said.
    #[serde(default)]
    #[param(inline)]
    pub paper: PaperSize,
}

/// The paper of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaperSize {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 148 × 210 mm.
    A5,
}

/// What the public page says of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// It is what was signed, and in force.
    Authentic,
    /// It is what was signed, and a newer version has been signed since.
    Amended,
    /// It is what was signed, and was stopped since.
    Stopped,
    /// A prescription that is what was signed, and that no pharmacist has approved yet: nobody hands it out.
    Unreviewed,
    /// A prescription that is what was signed, and was handed out: nobody does so again.
    Dispensed,
    /// Nobody here knows this code.
    Unknown,
}

/// What the public page says of a document, and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DocumentVerdict {
    /// Whether it is authentic.
    pub state: DocumentState,
    /// Whose it is.
    pub institution: Option<Text>,
    /// The day on which it was signed.
    pub day: Option<String>,
    /// The first 16 digits of its hash, as they stand on the paper.
    pub hash: Option<String>,
}

impl DocumentVerdict {
    /// Of a code that is not there, or whose document is not what was signed.
    pub const fn unknown() -> Self {
        Self { state: DocumentState::Unknown, institution: None, day: None, hash: None }
    }
}

/// `POST /visits/{id}/hold`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// Why everything of this visit must stay; 1 to 500 characters.
    pub reason: String,
}

/// `POST /holds/{id}/lift`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftRequest {
    /// Why it may go again; 1 to 500 characters.
    pub reason: String,
}

/// An order that something stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HoldView {
    /// The order.
    pub id: HoldId,
    /// What stays, as an id with its kind.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// The number of the visit's ticket, where a visit stays.
    pub no: Option<i64>,
    /// When that visit began.
    pub visit_at: Option<Timestamp>,
    /// Whose order.
    pub placed_by: Text,
    /// When.
    pub placed_at: Timestamp,
    /// Who lifted it.
    pub lifted_by: Option<Text>,
    /// When.
    pub lifted_at: Option<Timestamp>,
    /// Why; orders that were lifted before this was asked have none.
    pub lift_reason: Option<String>,
}

/// What is said of things of one class that went together.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CertificateView {
    /// The certificate.
    pub id: CertificateId,
    /// Their class.
    pub class: RetentionClass,
    /// On which day they went.
    pub day: String,
    /// How many.
    pub count: i64,
    /// When the first was due.
    pub first_due: Timestamp,
    /// When the last was due.
    pub last_due: Timestamp,
    /// The root of the tree over their hashes.
    pub hashes_root: String,
    /// Their hashes, in order.
    pub hashes: Vec<String>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// `GET /retention`.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RetentionView {
    /// How long what is kept.
    pub rules: ClassRules,
    /// Orders that something stays, newest first.
    pub holds: Vec<HoldView>,
    /// Certificates of deletion, newest first.
    pub certificates: Vec<CertificateView>,
    /// Approvals that what was due may go, newest first.
    pub approvals: Vec<ApprovalView>,
    /// Words that the purpose of declarations has ended.
    pub purposes: Vec<PurposeEndView>,
}

/// `POST /clinics/{id}/purpose-end`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurposeEndRequest {
    /// The purpose of everything that was declared at or before this moment has ended; not later than now.
    pub declared_until: Timestamp,
}

/// An administrator's word that the purpose of declarations has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PurposeEndView {
    /// The word.
    pub id: PurposeEndId,
    /// Of which clinic.
    pub clinic: ClinicId,
    /// What was declared at or before this moment.
    pub declared_until: Timestamp,
    /// Whose word.
    pub said_by: Text,
    /// When; the days are counted from here.
    pub said_at: Timestamp,
}

/// `POST /retention/approvals`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRequest {
    /// A class that goes by approval.
    pub class: RetentionClass,
    /// What was due at or before this moment; not later than now.
    pub due_until: Timestamp,
}

/// An administrator's approval that what was due may go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApprovalView {
    /// The approval.
    pub id: ApprovalId,
    /// Of which class.
    pub class: RetentionClass,
    /// What was due at or before this moment.
    pub due_until: Timestamp,
    /// Whose approval.
    pub approved_by: Text,
    /// When.
    pub approved_at: Timestamp,
}

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
