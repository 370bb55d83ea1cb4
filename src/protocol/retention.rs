//! What stays and what may go: orders, certificates, approvals.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{ApprovalId, CertificateId, ClinicId, HoldId, PurposeEndId};
use crate::domain::retention::{ClassRules, RetentionClass};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;

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
