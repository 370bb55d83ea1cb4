//! A clinic's booked day, and the appointments that cannot be kept as they were promised.

use std::time::Duration;

use jiff::civil::Date;

use crate::domain::appointment::SlotState;
use crate::domain::appointment::wall::{Promise, Shown, WallTime, moved};
use crate::domain::date::{bounds, zone};
use crate::domain::ids::ClinicId;
use crate::domain::permission::{AdministratorAct, TriageAct};
use crate::protocol::booking::{Affected, AffectedBy, BookedRow, DayQuery, DayView};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::booking::Names;
use crate::services::refusal::Refusal;
use crate::services::tickets::{day_at, place};
use crate::store::{AppointmentRow, SlotRow, Tx};

/// Appointments missed within this span are counted.
const COUNTED: Duration = Duration::from_hours(24 * 182);

/// How far ahead of midnight a nurse sees the next day.
const SOON: Duration = Duration::from_hours(2);

impl Services {
    /// The appointments of a clinic on one of its days; where none is named, today's and those that begin within
    /// [`SOON`], for whoever works past midnight.
    pub async fn day(&self, act: TriageAct, id: ClinicId, query: &DayQuery) -> Result<DayView, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let clinic = tx.clinics().find(id).await?.filter(|clinic| clinic.institution_id == act.institution);
        let clinic = clinic.ok_or_else(Refusal::not_found)?;
        let today = day_at(&clinic, now)?.date;
        let day: Date = match &query.day {
            Some(text) => {
                text.parse().map_err(|_| Refusal::field(ErrorCode::Invalid, "day", "a day such as 2026-03-02"))?
            }
            None => today,
        };
        let (from, until) = bounds(&place(&clinic), day)
            .ok_or_else(|| Refusal::field(ErrorCode::Invalid, "day", "a day of these years"))?;
        let until = if query.day.is_none() { until.max(now + SOON) } else { until };
        let rows = tx.appointments().of_clinic(clinic.id, from, until).await?;
        let mut names = Names::default();
        let mut appointments = Vec::with_capacity(rows.len());
        for row in &rows {
            appointments.push(self.booked_row(&mut tx, row, &mut names).await?);
        }
        Ok(DayView { day: day.to_string(), zone: clinic.time_zone, appointments })
    }

    /// The appointments to come that cannot be kept as they were promised: the doctor is away, or the zone's rules were
    /// changed since and half past nine on the wall is another moment now.
    pub async fn affected(&self, act: AdministratorAct) -> Result<Vec<Affected>, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let rows = tx.appointments().to_come(act.institution, now).await?;
        let mut names = Names::default();
        let mut affected = Vec::new();
        for row in &rows {
            let slot = tx.slots().find(row.slot_id).await?.ok_or_else(Refusal::not_found)?;
            let drift = promise(&slot).and_then(|promise| moved(&promise, &zone(&slot.zone)?));
            let (why, is_now) = match (slot.state, drift) {
                (SlotState::Closed, _) => (AffectedBy::Off, Some(slot.starts_at)),
                (SlotState::Open, Some(drift)) => (AffectedBy::Zone, drift.is),
                (SlotState::Open, None) => continue,
            };
            let time = u16::try_from(slot.wall_minute).ok().and_then(WallTime::from_minute);
            let time = time.map_or_else(String::new, |at| at.to_string());
            let promised = Shown { zone: slot.zone, day: slot.day, time };
            let appointment = self.booked_row(&mut tx, row, &mut names).await?;
            affected.push(Affected { appointment, why, promised, is_now });
        }
        Ok(affected)
    }

    async fn booked_row(&self, tx: &mut Tx, row: &AppointmentRow, names: &mut Names) -> Result<BookedRow, Refusal> {
        let patient = tx.patients().find(row.institution_id, row.patient_id).await?.ok_or_else(Refusal::not_found)?;
        let since = self.clock.now() - COUNTED;
        let missed = tx.appointments().count_missed(row.patient_id, row.clinic_id, since).await?;
        let no = match row.ticket_id {
            Some(ticket) => tx.tickets().find(ticket).await?.map(|ticket| ticket.no),
            None => None,
        };
        Ok(BookedRow {
            id: row.id,
            state: row.state,
            starts_at: row.starts_at,
            doctor_name: names.of(tx, row.doctor_id).await?,
            patient_name: patient.name_masked,
            no,
            missed: u32::try_from(missed).unwrap_or(0),
        })
    }
}

/// What was promised with a slot. An hour that came twice was promised as its first.
fn promise(slot: &SlotRow) -> Option<Promise> {
    let at = WallTime::from_minute(u16::try_from(slot.wall_minute).ok()?)?;
    Some(Promise { day: slot.day.parse().ok()?, at, starts_at: slot.starts_at })
}
