//! What a pharmacist sees of prescriptions and says to them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::herb::gate::{Finding, Pregnancy, Severity};
use crate::domain::ids::PrescriptionId;
use crate::domain::people::Sex;
use crate::domain::prescription::{Phase, Suitability};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::prescription::PrescriptionView;

/// A pharmacist's judgement.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRequest {
    /// The version that was read.
    pub version: i64,
    /// The items that were found suitable; all ten for an approval.
    #[serde(default)]
    pub items: BTreeSet<Suitability>,
    /// Why it is given back or refused.
    #[serde(default)]
    pub reason: String,
}

/// A prescription in the pharmacist's queue.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PharmacyItem {
    /// The prescription.
    pub id: PrescriptionId,
    /// What stands on the paper.
    pub number: String,
    /// Where it stands.
    pub state: Phase,
    /// Which version.
    pub version: i64,
    /// For whom.
    pub patient_masked: String,
    /// Who wrote it.
    pub doctor: Text,
    /// Signed at.
    pub signed_at: Option<Timestamp>,
    /// Judged by then, if the pharmacy keeps its promise.
    pub due_at: Option<Timestamp>,
    /// How many lines.
    pub lines: usize,
    /// How many findings need more than to be seen.
    pub findings: usize,
    /// The most severe of them.
    pub attention: Option<Severity>,
    /// A second doctor has still to sign.
    pub awaits_second: bool,
    /// Who judges it now.
    pub claimed_by: Option<Text>,
    /// Whether that is the one who asks.
    pub is_mine: bool,
    /// Until when.
    pub claim_until: Option<Timestamp>,
}

/// The pharmacist's queue.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PharmacyQueue {
    /// To be judged: those over the promise first, the longest waiting before all; then the most severe finding first.
    pub waiting: Vec<PharmacyItem>,
    /// To be handed out.
    pub approved: Vec<PharmacyItem>,
    /// Within how many minutes a prescription should be judged.
    pub promise_minutes: u32,
}

/// `GET /pharmacy/warned`: a prescription to be judged whose doctor was warned.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WarnedPrescription {
    /// The prescription.
    pub id: PrescriptionId,
    /// What stands on the paper.
    pub number: String,
    /// Which version.
    pub version: i64,
    /// For whom.
    pub patient_masked: String,
    /// Who wrote it.
    pub doctor: Text,
    /// Judged by then, if the pharmacy keeps its promise.
    pub due_at: Option<Timestamp>,
    /// The findings that needed the doctor's word, the most severe first.
    pub findings: Vec<WarnedFinding>,
}

/// A finding, and what the doctor said to it.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WarnedFinding {
    /// What was found.
    pub finding: Finding,
    /// The doctor's reason.
    pub reason: Option<String>,
}

/// One of the ten items, in words.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SuitabilityItem {
    /// The item.
    pub item: Suitability,
    /// In words.
    pub name: Text,
}

/// What a pharmacist reads to judge.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReviewSheet {
    /// The prescription.
    pub prescription: PrescriptionView,
    /// Age in years.
    pub age_years: u32,
    /// Sex.
    pub sex: Sex,
    /// With child.
    pub pregnancy: Pregnancy,
    /// What the patient said about allergies.
    pub allergies: String,
    /// What the patient said to take.
    pub drugs: String,
    /// The diagnosis of the visit's record.
    pub diagnosis: String,
    /// The ten items.
    pub items: Vec<SuitabilityItem>,
    /// Until when nobody else can judge it.
    pub claim_until: Option<Timestamp>,
    /// Whose bag it is, once it is approved: what is handed out is handed to somebody by name. Until then it is judged by
    /// what it holds.
    pub recipient: Option<Recipient>,
}

/// To whom a bag is handed out.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Recipient {
    /// The full name.
    pub name: String,
    /// The last four characters of the document's number.
    pub document_tail: String,
}
