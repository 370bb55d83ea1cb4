//! Adverse events (不良事件) of visits.

use serde::{Deserialize, Serialize};

use crate::domain::adverse::AdverseKind;
use crate::domain::ids::{AdverseEventId, VisitId};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;

/// `POST /visits/{id}/adverse-events`: tells what went wrong.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdverseEventRequest {
    /// What kind.
    pub kind: AdverseKind,
    /// Whether somebody was harmed or could have died.
    pub is_serious: bool,
    /// When it happened: after the visit began, and not later than now.
    pub happened_at: Timestamp,
    /// What happened, 2 to 2000 characters.
    pub words: String,
    /// What was done, 2 to 2000 characters.
    pub measures: String,
}

/// `GET /adverse-events`: one of them, without its words.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AdverseEventLine {
    /// The event.
    pub id: AdverseEventId,
    /// At which visit.
    pub visit: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The patient's name, masked.
    pub patient_masked: String,
    /// Where.
    pub clinic_name: Text,
    /// What kind.
    pub kind: AdverseKind,
    /// Whether somebody was harmed or could have died.
    pub is_serious: bool,
    /// When it happened.
    pub happened_at: Timestamp,
    /// Who told.
    pub reported_by: Text,
    /// When.
    pub reported_at: Timestamp,
    /// Which administrator read it first.
    pub seen_by: Option<Text>,
    /// When.
    pub seen_at: Option<Timestamp>,
}

/// `GET /adverse-events/{id}`: with its words; the read is audited.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AdverseEventView {
    /// The event.
    pub line: AdverseEventLine,
    /// What happened.
    pub words: String,
    /// What was done.
    pub measures: String,
}
