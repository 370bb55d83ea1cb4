//! The recurring hours of doctors, from which slots are made.

use serde::{Deserialize, Serialize};

pub use crate::domain::appointment::roster::ExceptionKind;
use crate::domain::ids::{AccountId, ClinicId, RosterId};
use crate::domain::text::Text;

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
