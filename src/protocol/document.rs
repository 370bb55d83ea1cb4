//! Documents on paper, and what the public page says of them.

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;
use crate::domain::time::Timestamp;

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
