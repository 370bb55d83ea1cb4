//! Slots and appointments.

use serde::{Deserialize, Serialize};

pub use crate::domain::appointment::AppointmentState;
pub use crate::domain::appointment::wall::Shown;
use crate::domain::ids::{AccountId, AppointmentId, ClinicId, DeclarationId, PatientId, SlotId, TicketId};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::intake::PatientCard;
use crate::protocol::ticket::DeviceCheck;

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
    pub doctor: AccountId,
    /// Their name.
    pub doctor_name: Text,
    /// Places that are left.
    pub free: u32,
}

/// `GET /slots`.
#[derive(Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SlotQuery {
    /// The clinic's link token.
    pub link: String,
    /// A day at the clinic, `2026-03-02`; without it the first day that has a free place.
    #[serde(default)]
    pub day: Option<String>,
    /// Only this doctor's.
    #[serde(default)]
    pub doctor: Option<AccountId>,
}

/// The bookable time of a clinic: all days, and the slots of one of them.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SlotsView {
    /// The clinic.
    pub clinic: ClinicId,
    /// Its name.
    pub clinic_name: Text,
    /// The IANA zone of the place, by whose days this is ordered.
    pub zone: String,
    /// The days that have slots.
    pub days: Vec<SlotDay>,
    /// The day that is shown, if any has slots.
    pub day: Option<String>,
    /// Its slots, those that are full too.
    pub slots: Vec<SlotView>,
    /// When this was true.
    pub as_of: Timestamp,
}

/// A day that has slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SlotDay {
    /// The day at the clinic.
    pub day: String,
    /// Places that are left.
    pub free: u32,
}

/// `POST /appointments`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookingRequest {
    /// The slot.
    pub slot: SlotId,
    /// Who is ill.
    pub patient: PatientId,
    /// The IANA zone of whoever books, so that messages tell both walls where they differ.
    #[serde(default)]
    pub zone: Option<String>,
}

/// An appointment as its holder sees it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AppointmentView {
    /// The appointment.
    pub id: AppointmentId,
    /// What it is doing.
    pub state: AppointmentState,
    /// Grows with every change; sent back with every act on it.
    pub version: i64,
    /// The clinic.
    pub clinic: ClinicId,
    /// Its name.
    pub clinic_name: Text,
    /// Its link.
    pub link: String,
    /// The doctor.
    pub doctor: AccountId,
    /// Their name.
    pub doctor_name: Text,
    /// Their title.
    pub doctor_title: Text,
    /// Who is ill.
    pub patient: PatientCard,
    /// The slot.
    pub slot: SlotId,
    /// Begins at.
    pub starts_at: Timestamp,
    /// Ends at.
    pub ends_at: Timestamp,
    /// The IANA zone of the place.
    pub zone: String,
    /// From this moment on the patient may check in.
    pub check_in_from: Timestamp,
    /// Until this one.
    pub check_in_until: Timestamp,
    /// Whether the doctor is away then: it has to be moved.
    pub is_off: bool,
    /// The ticket of the check-in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticket: Option<TicketId>,
}

/// The link by which a calendar follows an appointment. Whoever has it reads when and at which hospital.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CalendarLink {
    /// For calendars that take an address.
    pub url: String,
    /// The same, as telephones open it.
    pub webcal: String,
}

/// `POST /appointments/{id}/move`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveRequest {
    /// The slot to go to, in the same clinic.
    pub slot: SlotId,
    /// The version that was seen.
    pub version: i64,
}

/// `POST /appointments/{id}/check-in`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckInRequest {
    /// A submitted declaration of the same patient.
    pub declaration: DeclarationId,
    /// What the check before the call found.
    #[serde(default)]
    pub check: Option<DeviceCheck>,
    /// The version that was seen.
    pub version: i64,
}

/// `GET /clinics/{id}/appointments`.
#[derive(Clone, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DayQuery {
    /// A day at the clinic; without it, today.
    #[serde(default)]
    pub day: Option<String>,
}

/// The appointments of a clinic's day, for staff.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DayView {
    /// The day at the clinic.
    pub day: String,
    /// The IANA zone of the place.
    pub zone: String,
    /// Its appointments, in their order.
    pub appointments: Vec<BookedRow>,
}

/// An appointment in a list of staff.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BookedRow {
    /// The appointment.
    pub id: AppointmentId,
    /// What it is doing.
    pub state: AppointmentState,
    /// Begins at.
    pub starts_at: Timestamp,
    /// The doctor's name.
    pub doctor_name: Text,
    /// The patient's name, masked.
    pub patient_name: String,
    /// The printed number of the ticket, once there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub no: Option<i64>,
    /// Appointments that this patient missed here in half a year.
    pub missed: u32,
}

/// An appointment that can no longer be kept as it was promised: `GET /appointments/affected`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Affected {
    /// The appointment.
    pub appointment: BookedRow,
    /// Why.
    pub why: AffectedBy,
    /// The promise: the day and the time on the clinic's wall.
    pub promised: Shown,
    /// The moment that the promise is by the rules of today; none where that time does not exist any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub is_now: Option<Timestamp>,
}

/// What makes it so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AffectedBy {
    /// The doctor is away then.
    Off,
    /// The zone's rules were changed.
    Zone,
}
