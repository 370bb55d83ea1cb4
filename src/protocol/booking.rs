//! Slots, appointments, rosters and receipts.

use serde::{Deserialize, Serialize};

pub use crate::domain::appointment::AppointmentState;
pub use crate::domain::appointment::roster::ExceptionKind;
pub use crate::domain::appointment::waiting_list::WishState;
pub use crate::domain::appointment::wall::Shown;
use crate::domain::fairness::QueueEvent;
pub use crate::domain::fairness::Rule;
use crate::domain::ids::{
    AccountId, AppointmentId, ClinicId, DeclarationId, PatientId, RosterId, SlotId, TicketId, WishId,
};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::intake::PatientCard;
use crate::protocol::proof::ExportSignature;
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

/// `POST /rosters`.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RosterRequest {
    /// Where.
    pub clinic: ClinicId,
    /// Whose hours.
    pub doctor: AccountId,
    /// Days of the week as digits, 1 for Monday to 7 for Sunday: `135`.
    pub weekdays: String,
    /// From this time on the clinic's wall, `09:00`.
    pub from: String,
    /// To this one, at most `24:00`.
    pub to: String,
    /// A slot's length.
    pub minutes: u16,
    /// Patients per slot.
    pub capacity: u16,
    /// The first day, `2026-03-02`.
    pub first_day: String,
    /// The last day, where an end is known.
    #[serde(default)]
    pub last_day: Option<String>,
}

/// `POST /rosters/preview`: what hours would make within the next weeks.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RosterPreview {
    /// The IANA zone of the place.
    pub zone: String,
    /// How many slots in all.
    pub slots: u32,
    /// Patients who fit into them.
    pub places: u32,
    /// The first days that have slots.
    pub days: Vec<PreviewDay>,
    /// Times that the clock skips.
    pub missing: Vec<MissingTime>,
    /// Other hours of the doctor that meet these: with one of them these are refused.
    pub conflicts: Vec<RosterView>,
}

/// A day of hours that are not kept yet.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PreviewDay {
    /// The day.
    pub day: String,
    /// Its slots, in their order.
    pub slots: Vec<PreviewSlot>,
}

/// A slot of hours that are not kept yet.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PreviewSlot {
    /// Its time on the clinic's wall.
    pub time: String,
    /// The doctor has another slot then, so this one is not made.
    pub is_busy: bool,
}

/// A doctor's recurring hours.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RosterView {
    /// The roster.
    pub id: RosterId,
    /// Where.
    pub clinic: ClinicId,
    /// The clinic's name.
    pub clinic_name: Text,
    /// The IANA zone of the place.
    pub zone: String,
    /// Whose hours.
    pub doctor: AccountId,
    /// Their name.
    pub doctor_name: Text,
    /// Days of the week as digits, 1 for Monday.
    pub weekdays: String,
    /// From this time on the clinic's wall.
    pub from: String,
    /// To this one.
    pub to: String,
    /// A slot's length.
    pub minutes: u16,
    /// Patients per slot.
    pub capacity: u16,
    /// The first day.
    pub first_day: String,
    /// The last day, where an end is known.
    pub last_day: Option<String>,
    /// Days from today on that are not as the week says.
    pub exceptions: Vec<ExceptionView>,
    /// Times within the next weeks that the roster names and the clock skips.
    pub missing: Vec<MissingTime>,
    /// Grows with every change.
    pub version: i64,
}

/// A time that does not exist on its day, because the clock is put forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MissingTime {
    /// The day.
    pub day: String,
    /// The time on the wall.
    pub time: String,
}

/// One day that is not as the week says; also the body of `POST /rosters/{id}/exceptions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptionView {
    /// The day.
    pub day: String,
    /// Away or here.
    pub kind: ExceptionKind,
    /// From this time.
    pub from: String,
    /// To this one.
    pub to: String,
}

/// `POST /rosters/{id}/end`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RosterEnd {
    /// The last day.
    pub last_day: String,
    /// The version that was seen.
    pub version: i64,
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

/// The fair-queue receipt of a ticket: `GET /tickets/{id}/receipt`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// The ticket.
    pub ticket: TicketId,
    /// Its printed number.
    pub no: i64,
    /// The day at the clinic.
    pub day: String,
    /// When the patient arrived.
    pub arrived_at: Timestamp,
    /// When it was called, if it was.
    pub called_at: Option<Timestamp>,
    /// Everybody who came later and was called before, with the rule.
    pub passed: Vec<Passed>,
    /// What no rule explains; none in a fair queue.
    pub findings: u32,
    /// Whether every event is here; on a day of very many the last are missing.
    pub complete: bool,
    /// Up to when every event is here.
    pub until: Timestamp,
    /// The queue's events, by which it can be played again.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<serde_json::Value>,
    /// When this was true.
    pub as_of: Timestamp,
}

/// Somebody who came later and was called before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Passed {
    /// Their printed number.
    pub no: i64,
    /// When they were called.
    pub at: Timestamp,
    /// By which rule; none is a finding.
    pub rule: Option<Rule>,
}

/// The format of a queue's day.
pub const QUEUE_FORMAT: &str = "yunzhen.queue-day.2";

/// The first format of a queue's day; such files are verified, and written no more.
pub const FIRST_QUEUE_FORMAT: &str = "yunzhen.queue-day.1";

/// A day of a queue for an auditor, as a file for `yunzhen verify`: `GET /clinics/{id}/queue-days/{day}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueDay {
    /// `yunzhen.queue-day.2`.
    pub format: String,
    /// Whether the day is over and everything that happened on it is here.
    pub complete: bool,
    /// Until when everything is here.
    pub until: Timestamp,
    /// The signed words: JSON of institution, clinic, day, its bounds, whether it is complete, and events.
    pub content: String,
    /// What no rule explains, as playing the events again finds it.
    #[schema(value_type = Vec<Object>)]
    pub findings: Vec<serde_json::Value>,
    /// How often somebody who came later was called before.
    pub overtakings: u32,
    /// The server's signature over the SHA-256 of `content`.
    pub signature: ExportSignature,
}

/// The signed words of a queue's day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueContent {
    /// The institution's name in English.
    pub name: String,
    /// The clinic's code.
    pub clinic: String,
    /// The clinic.
    pub id: ClinicId,
    /// Which day.
    pub day: String,
    /// When the day began where the clinic stands.
    pub from: Timestamp,
    /// Until when everything is here.
    pub until: Timestamp,
    /// Whether the day is over and everything that happened on it is here.
    pub complete: bool,
    /// What happened, in order.
    pub events: Vec<QueueEvent>,
}

/// A doctor, as `GET /doctors` lists who can have hours, and `GET /visits/{id}/opinions` who can be asked.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DoctorView {
    /// The account.
    pub id: AccountId,
    /// The name.
    pub name: Text,
    /// The title.
    pub title: Text,
}

/// `POST /rosters/import`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// A table (RFC 4180) with the columns clinic, doctor, weekdays, from, to, minutes, capacity, `first_day`, `last_day`:
    /// the clinic by its code, the doctor by the name to sign in with. At most 2,000 lines.
    pub csv: String,
    /// Only tries whether it could be kept.
    #[serde(default)]
    pub dry_run: bool,
}

/// What an import did.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportDone {
    /// Rosters that were made, or would have been.
    pub rosters: u32,
    /// Whether it was a trial.
    pub dry_run: bool,
}
