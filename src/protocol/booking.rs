//! Slots, appointments, rosters and receipts.

use serde::{Deserialize, Serialize};

use crate::domain::ids::SlotId;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;

/// A stretch of a doctor's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SlotView {
    /// The slot.
    pub id: SlotId,
    /// Begins at.
    pub starts_at: Timestamp,
    /// Ends at.
    pub ends_at: Timestamp,
    /// The IANA zone of the place.
    pub zone: String,
    /// Whose time.
    pub doctor_name: Text,
    /// Places that are left.
    pub free: u32,
}
