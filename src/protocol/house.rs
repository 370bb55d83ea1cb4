//! The hospital as a visitor sees it.

use serde::{Deserialize, Serialize};

use crate::domain::desk::DeskPhase;
use crate::domain::ids::{ClinicId, DeskId, InstitutionId};
pub use crate::domain::text::Text;
use crate::domain::time::Timestamp;

/// `GET /links/{link}`: what the landing page shows before anybody is known.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Landing {
    /// The hospital.
    pub institution: InstitutionId,
    /// Its name.
    pub institution_name: Text,
    /// The clinic.
    pub clinic: ClinicId,
    /// Its name.
    pub clinic_name: Text,
    /// The number of a human who helps, E.164 or as dialled locally.
    pub help_phone: String,
    /// What a visit costs, in fen; `null` where no fee is set.
    pub price_fen: Option<i64>,
    /// Where to complain.
    pub complaints: Complaints,
    /// Whether the clinic takes patients now.
    pub open: bool,
    /// Desks that are open now.
    pub desks_open: u32,
    /// Tickets waiting now.
    pub waiting: u32,
    /// `true` in a demonstration: codes are shown, test pictures are offered.
    pub demo: bool,
    /// The eight questions that come first.
    pub red_flags: Vec<RedFlag>,
}

/// Where a patient complains.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Complaints {
    /// A number, the hospital's own where the clinic has none for it.
    pub phone: String,
    /// Another place: an office, an address.
    pub at: Option<Text>,
}

/// One yes/no question of the first page.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RedFlag {
    /// Its stable id.
    pub id: String,
    /// The question.
    pub question: Text,
    /// The question of the declaration that a *no* answers as well; absent where a *no* leaves it open.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answers: Option<String>,
}

/// A clinic as staff see it in lists.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ClinicInfo {
    /// The clinic.
    pub id: ClinicId,
    /// Its short code, such as `fever`.
    pub code: String,
    /// Its name.
    pub name: Text,
    /// Whether it takes patients now.
    pub open: bool,
    /// Its desks.
    pub desks: Vec<DeskInfo>,
}

/// A desk in lists.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeskInfo {
    /// The desk.
    pub id: DeskId,
    /// Its name, such as 1号诊位.
    pub name: Text,
    /// What it is doing.
    pub state: DeskPhase,
    /// Who works there, if anybody.
    pub doctor: Option<Text>,
    /// When it last called somebody.
    pub last_call_at: Option<Timestamp>,
}
