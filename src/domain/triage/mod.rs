//! Triage: level, disposition and the reasons.

use serde::{Deserialize, Serialize};

/// How soon a patient must be seen. A higher level compares as greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Advice; no doctor needed now.
    Advice,
    /// A doctor within 60 minutes.
    Standard,
    /// A doctor within 10 minutes.
    Urgent,
    /// A human within 60 seconds; never queued.
    Emergency,
}
