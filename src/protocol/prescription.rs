//! Prescriptions on the wire.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::herb::gate::{Finding, Pregnancy, Report, Severity};
use crate::domain::herb::{Formula, Method, Milligrams, PregnancyCaution, Toxicity};
use crate::domain::ids::{PrescriptionId, VisitId};
use crate::domain::people::Sex;
use crate::domain::prescription::{
    Basis, ClosedReason, Content, Label, Longer, Phase, Suitability, VisitBasis, VisitKind,
};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::triage::RuleSetStatus;

/// What somebody typed to find herbs or formulas.
#[derive(Debug, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HerbQuery {
    /// Chinese, other name, pinyin or initials.
    #[serde(default)]
    pub q: String,
}

/// A herb as it is offered.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HerbView {
    /// Its name in the pharmacopoeia.
    pub name: String,
    /// Its pinyin, by which English readers know it.
    pub latin: String,
    /// Its names in English.
    pub english: String,
    /// The least of a day, in milligrams.
    pub least_mg: Option<Milligrams>,
    /// The most of a day.
    pub most_mg: Option<Milligrams>,
    /// How poisonous.
    pub toxicity: Option<Toxicity>,
    /// For the pregnant.
    pub pregnancy: Option<PregnancyCaution>,
    /// The first method that it asks for.
    pub method: Option<Method>,
    /// Never online.
    pub refused_online: bool,
}

/// A name that must not be guessed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AskedName {
    /// Why it is asked.
    pub why: Text,
    /// What it may be.
    pub candidates: Vec<String>,
}

/// Herbs for what was typed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HerbsFound {
    /// The nearest first.
    pub herbs: Vec<HerbView>,
    /// Where the typed name itself must not be guessed.
    pub asked: Option<AskedName>,
    /// Of which pharmacopoeia.
    pub edition: String,
    /// Whether a pharmacist has signed the data.
    pub status: RuleSetStatus,
}

/// Formulas for what was typed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FormulasFound {
    /// The formulas.
    pub formulas: Vec<Formula>,
    /// The version of the data.
    pub version: String,
    /// Whether a pharmacist has signed the data.
    pub status: RuleSetStatus,
}

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

/// To whom a bag is handed out.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Recipient {
    /// The full name.
    pub name: String,
    /// The last four characters of the document's number.
    pub document_tail: String,
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
