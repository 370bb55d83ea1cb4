//! Prescriptions on the wire, as their doctors and their patients see them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::herb::gate::{Pregnancy, Report};
use crate::domain::ids::{PrescriptionId, VisitId};
use crate::domain::people::Sex;
use crate::domain::prescription::{
    Basis, ClosedReason, Content, Label, Longer, Phase, Suitability, VisitBasis, VisitKind,
};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;

/// What the doctor ticks before a prescription may exist.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BasisRequest {
    /// What kind of visit it is for the law.
    pub kind: VisitKind,
    /// The proof of the earlier diagnosis was seen.
    #[serde(default)]
    pub proof_seen: bool,
    /// A guardian is in the call.
    #[serde(default)]
    pub guardian_present: bool,
    /// The doctor is qualified for children.
    #[serde(default)]
    pub paediatric: bool,
    /// What the patient answered to the doctor's question; what the declaration says holds where nobody asked, and what the
    /// examination found holds always where it is stricter.
    #[serde(default)]
    pub pregnancy: Pregnancy,
}

/// Whether a prescription may exist for a visit, and what was ticked.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RxPane {
    /// On whose word it may.
    pub basis: Option<Basis>,
    /// Why it may not.
    pub closed: Option<ClosedReason>,
    /// What was ticked.
    pub ticked: VisitBasis,
    /// What is known of a pregnancy: as the doctor asked, else as the patient declared, or stricter where the examination
    /// says so.
    pub pregnancy: Pregnancy,
    /// Whether the gate wants to know it.
    pub asks_pregnancy: bool,
    /// Whether a guardian has to be there.
    pub asks_guardian: bool,
    /// What the patient said about allergies.
    pub allergies: String,
    /// What the patient said to take.
    pub drugs: String,
}

/// The prescriptions of a visit.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VisitPrescriptions {
    /// Whether one may exist.
    pub pane: RxPane,
    /// Oldest first.
    pub prescriptions: Vec<PrescriptionView>,
}

/// A new draft.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrescriptionNew {
    /// What it holds.
    pub content: Content,
}

/// A draft over the version that was edited.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrescriptionSave {
    /// The version that was edited.
    pub version: i64,
    /// What it holds.
    pub content: Content,
}

/// A doctor's signature.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrescriptionSign {
    /// The version that was read.
    pub version: i64,
    /// A reason for each finding that needs one, by its key.
    #[serde(default)]
    pub answers: BTreeMap<String, String>,
    /// That the doctor was shown what was warned of once more and signs a second time; asked where a finding needs
    /// `confirm`.
    #[serde(default)]
    pub confirm: bool,
    /// Days for which it is good, its own among them: 1 to 3. More than one needs a reason.
    #[serde(default = "its_day")]
    pub valid_days: u8,
    /// Why it is good for longer than its day, 2 to 500 characters; it stands on the paper.
    #[serde(default)]
    pub valid_reason: String,
}

const fn its_day() -> u8 {
    1
}

/// An act on the version that was read, with a reason where one is needed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrescriptionAct {
    /// The version that was read.
    pub version: i64,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// What was said of a signed prescription: by a pharmacist, or by the second doctor who declines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    /// Yes.
    Approved,
    /// Not so.
    Returned,
    /// No.
    Refused,
    /// The second doctor does not sign beside the first.
    Declined,
}

/// A judgement as it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReviewKept {
    /// What was said.
    pub verdict: ReviewVerdict,
    /// The items that were found suitable.
    pub items: BTreeSet<Suitability>,
    /// Why.
    pub reason: String,
}

/// A prescription for staff.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PrescriptionView {
    /// The prescription.
    pub id: PrescriptionId,
    /// What stands on the paper.
    pub number: String,
    /// Of which visit.
    pub visit: VisitId,
    /// Where it stands.
    pub state: Phase,
    /// Which version.
    pub version: i64,
    /// What it holds.
    pub content: Content,
    /// What the gate says of it.
    pub report: Report,
    /// The doctor's reasons, by the key of the finding.
    pub answers: BTreeMap<String, String>,
    /// The hash that was signed.
    pub hash: Option<String>,
    /// On whose word it exists.
    pub basis: Option<Basis>,
    /// For whom, all but the first character hidden.
    pub patient_masked: String,
    /// Who writes it.
    pub doctor: Text,
    /// The first day that it is for.
    pub start_day: String,
    /// The last.
    pub end_day: String,
    /// Saved at.
    pub saved_at: Timestamp,
    /// Signed at.
    pub signed_at: Option<Timestamp>,
    /// Good until.
    pub expires_at: Option<Timestamp>,
    /// Why it is good for longer than its day.
    pub longer: Option<Longer>,
    /// Whether a second doctor has to sign.
    pub needs_second: bool,
    /// Who did.
    pub second_doctor: Option<Text>,
    /// Which second doctor did not, and gave it back.
    pub declined_by: Option<Text>,
    /// Which pharmacist judged.
    pub pharmacist: Option<Text>,
    /// Judged at.
    pub reviewed_at: Option<Timestamp>,
    /// The judgement.
    pub review: Option<ReviewKept>,
    /// Handed out at.
    pub dispensed_at: Option<Timestamp>,
    /// Why it was stopped.
    pub stop_reason: Option<String>,
    /// The label, for herbs.
    pub label: Option<Label>,
    /// Where it is read beside a record: whether a signed sheet is what was signed, by everybody who has to. Whoever reads in an
    /// emergency sees one that is not, and is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_intact: Option<bool>,
}

/// What a second doctor reads before signing beside the first, or declining: for whom it is, and what for.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SecondSheet {
    /// The prescription.
    pub prescription: PrescriptionView,
    /// The patient's full name: whoever signs, signs for somebody.
    pub name: String,
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
    /// The diagnosis that was signed with it.
    pub diagnosis: String,
}

/// A prescription for its patient. No drug is named before a pharmacist has approved it.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MyPrescription {
    /// The prescription.
    pub id: PrescriptionId,
    /// What stands on the paper.
    pub number: String,
    /// Of which visit.
    pub visit: VisitId,
    /// Where it stands.
    pub state: Phase,
    /// What that means, in plain words.
    pub says: Text,
    /// For whom.
    pub patient_masked: String,
    /// Who wrote it.
    pub doctor: Text,
    /// What it holds, once it is approved.
    pub content: Option<Content>,
    /// How the herbs are decocted.
    pub label: Option<Label>,
    /// Good until.
    pub expires_at: Option<Timestamp>,
}
