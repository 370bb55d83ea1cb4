//! What a doctor does at a desk before and beside the visit.

use serde::{Deserialize, Serialize};

pub use crate::domain::desk::DeskPhase;
use crate::domain::ids::{ClinicId, DeskId, VisitId};
use crate::domain::time::Timestamp;
use crate::protocol::current::CurrentPatient;
use crate::protocol::house::Text;

/// `GET /desks/mine` and the answer of every act on a desk.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeskView {
    /// The desk.
    pub id: DeskId,
    /// Its name.
    pub name: Text,
    /// Its clinic.
    pub clinic: ClinicId,
    /// The clinic's name.
    pub clinic_name: Text,
    /// What it is doing.
    pub phase: DeskPhase,
    /// When the pause ends by itself.
    pub paused_until: Option<Timestamp>,
    /// The patient who is called or served.
    pub current: Option<Box<CurrentPatient>>,
    /// Visits of this doctor whose note is not signed, or whose prescription a pharmacist sent back.
    pub unfinished: Vec<UnfinishedNote>,
    /// How many of this doctor's visits ended today and are done with: none of them is among the unfinished.
    pub finished_today: u32,
    /// Whether the clinic records the visits of those who agree.
    pub records: bool,
    /// Grows with every change.
    pub version: i64,
    /// When this was true.
    pub as_of: Timestamp,
}

/// A visit that is not done with: its note is not signed, or a prescription of it was sent back.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UnfinishedNote {
    /// The visit.
    pub visit: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The patient's name, masked.
    pub name_masked: String,
    /// When the visit ended, if it did.
    pub ended_at: Option<Timestamp>,
    /// A pharmacist sent a prescription back that was not signed again.
    pub sent_back: bool,
}

/// `POST /desks/{id}/pause`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// 1 to 120; absent: until resumed.
    #[serde(default)]
    pub minutes: Option<u32>,
}

/// `POST /desks/{id}/transfer`: the present patient goes to another clinic.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// The ticket's version.
    pub version: i64,
    /// Where to.
    pub clinic: ClinicId,
    /// One line for the colleague, 2 to 500 characters.
    pub reason: String,
}

/// `GET /desks/{id}/phone`: how to dial the patient on the desk; the read is audited.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PatientPhone {
    /// The telephone number of who answers for the patient.
    pub phone: String,
}

/// `GET /desks/mine`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MyDesk {
    /// The desk, if the doctor works at one.
    pub desk: Option<DeskView>,
}
