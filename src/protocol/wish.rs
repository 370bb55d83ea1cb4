//! The waiting list of those who would come if a place became free.

use serde::{Deserialize, Serialize};

pub use crate::domain::appointment::waiting_list::WishState;
use crate::domain::ids::{AccountId, ClinicId, PatientId, WishId};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::booking::SlotView;

/// `POST /wishes`: a patient would come if a place became free.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WishRequest {
    /// The clinic's link token.
    pub link: String,
    /// Who is ill.
    pub patient: PatientId,
    /// Only with this doctor.
    #[serde(default)]
    pub doctor: Option<AccountId>,
    /// Not before this day.
    pub first_day: String,
    /// Not after this one; within 60 days.
    pub last_day: String,
}

/// A place on the waiting list.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WishView {
    /// The wish.
    pub id: WishId,
    /// What it is doing.
    pub state: WishState,
    /// Where.
    pub clinic: ClinicId,
    /// The clinic's name.
    pub clinic_name: Text,
    /// The clinic's link.
    pub link: String,
    /// Who is ill.
    pub patient: PatientId,
    /// Only with this doctor.
    pub doctor: Option<AccountId>,
    /// Not before this day.
    pub first_day: String,
    /// Not after this one.
    pub last_day: String,
    /// The place that is kept for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offered: Option<SlotView>,
    /// How long it is kept.
    pub offered_until: Option<Timestamp>,
    /// The patient has as many appointments to come as one may have: until one is over or given back, places pass by.
    pub at_limit: bool,
}
