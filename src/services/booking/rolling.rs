//! Hours become slots: the days that come into sight, and those of a roster that was changed.

use std::collections::HashSet;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::domain::appointment::roster::{HORIZON_DAYS, Planned, slots_on};
use crate::domain::appointment::{AppointmentState, SlotState};
use crate::domain::ids::{RosterId, SlotId};
use crate::services::Services;
use crate::services::booking::book::announce_slot;
use crate::services::booking::rosters::{exceptions_of, roster_of};
use crate::services::due::JobKind;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::services::tickets::{day_at, place};
use crate::services::work::Work;
use crate::store::{ClinicRow, RosterRow, SlotRow};

impl Services {
    /// Makes the slots of the days that came into sight since the last time; how many.
    pub async fn roll_slots(&self) -> Result<usize, Refusal> {
        let rows = self.db.read().await?.rosters().all().await?;
        let mut made = 0;
        for row in rows {
            match self.roll_one(row.id).await {
                Ok(slots) => made += slots,
                Err(refusal) => leave("roll_slots", &row.id, refusal)?,
            }
        }
        Ok(made)
    }

    async fn roll_one(&self, id: RosterId) -> Result<usize, Refusal> {
        let mut work = self.begin().await?;
        // It may have been ended or excepted since it was found.
        let Some(row) = work.tx.rosters().lock(id).await? else { return Ok(0) };
        let clinic = work.tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let made = self.roll(&mut work, &row, &clinic).await?;
        work.commit().await?;
        Ok(made)
    }

    /// Makes the slots of a roster from where it was rolled to.
    pub(super) async fn roll(&self, work: &mut Work, row: &RosterRow, clinic: &ClinicRow) -> Result<usize, Refusal> {
        let (roster, place) = (roster_of(row)?, place(clinic));
        let today = day_at(clinic, work.now)?.date;
        let last = today.saturating_add(HORIZON_DAYS.days());
        let rolled: Option<Date> = row.rolled_to.as_ref().and_then(|day| day.parse().ok());
        let mut day = rolled.and_then(|day| day.tomorrow().ok()).unwrap_or(today).max(today);
        if day > last {
            return Ok(0);
        }
        let exceptions = exceptions_of(work.tx.rosters().exceptions(row.id, &day.to_string()).await?)?;
        let mut made = 0;
        while day <= last {
            for planned in slots_on(&roster, &exceptions, day, &place).slots {
                made += usize::from(self.plan(work, row, clinic, day, &planned).await?);
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        work.tx.rosters().roll(row.id, &last.to_string()).await?;
        Ok(made)
    }

    /// Keeps one slot, unless it has begun or the doctor has another then.
    async fn plan(
        &self,
        work: &mut Work,
        row: &RosterRow,
        clinic: &ClinicRow,
        day: Date,
        planned: &Planned,
    ) -> Result<bool, Refusal> {
        let (starts_at, ends_at) = (planned.starts_at, planned.ends_at);
        if starts_at <= work.now || work.tx.slots().is_busy(row.doctor_id, row.id, starts_at, ends_at).await? {
            return Ok(false);
        }
        let slot = SlotRow {
            id: self.ids.make(SlotId::from_uuid),
            institution_id: row.institution_id,
            clinic_id: row.clinic_id,
            doctor_id: row.doctor_id,
            roster_id: Some(row.id),
            starts_at,
            ends_at,
            zone: clinic.time_zone.clone(),
            day: day.to_string(),
            wall_minute: i64::from(planned.at.minute()),
            capacity: row.capacity,
            taken: 0,
            state: SlotState::Open,
            version: 1,
        };
        Ok(work.tx.slots().plan(&slot).await?)
    }

    /// Brings the slots that are to come in line with a roster that was changed.
    pub(super) async fn replan(&self, work: &mut Work, row: &RosterRow, clinic: &ClinicRow) -> Result<(), Refusal> {
        let (roster, place) = (roster_of(row)?, place(clinic));
        let today = day_at(clinic, work.now)?.date;
        let last = row.rolled_to.as_ref().and_then(|day| day.parse::<Date>().ok()).unwrap_or(today);
        let exceptions = exceptions_of(work.tx.rosters().exceptions(row.id, &today.to_string()).await?)?;
        let mut planned = Vec::new();
        let mut day = today;
        while day <= last {
            planned.extend(slots_on(&roster, &exceptions, day, &place).slots.into_iter().map(|slot| (day, slot)));
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        let now = work.now;
        work.tx.slots().lock_of_doctor(row.doctor_id, now).await?;
        let wanted: HashSet<_> = planned.iter().map(|(_, one)| (one.starts_at, one.ends_at)).collect();
        let (mut closed, mut stay) = (Vec::new(), HashSet::new());
        for slot in work.tx.slots().of_roster(row.id, &today.to_string()).await? {
            let span = (slot.starts_at, slot.ends_at);
            if wanted.contains(&span) {
                // One that was closed before is planned, which opens it.
                if slot.state == SlotState::Open {
                    stay.insert(span);
                }
            } else if slot.starts_at > now && work.tx.slots().close(slot.id).await? {
                self.withdraw_offers(work, slot.id).await?;
                closed.push(slot.id);
            }
        }
        for (day, slot) in planned {
            if !stay.contains(&(slot.starts_at, slot.ends_at)) {
                self.plan(work, row, clinic, day, &slot).await?;
            }
        }
        // The clinic's topic is taken after the last slot, as by whoever books.
        for slot in closed {
            let slot = work.tx.slots().find(slot).await?.ok_or_else(Refusal::not_found)?;
            announce_slot(work, &slot).await?;
            self.tell_booked(work, &slot).await?;
            for ticket in work.tx.tickets().free(slot.id).await? {
                self.announce_ticket(work, &ticket, "ticket.freed").await?;
            }
        }
        Ok(())
    }

    /// Has those told who booked a slot that is no more.
    async fn tell_booked(&self, work: &mut Work, slot: &SlotRow) -> Result<(), Refusal> {
        let end = slot.starts_at + std::time::Duration::from_millis(1);
        let booked = work.tx.appointments().of_clinic(slot.clinic_id, slot.starts_at, end).await?;
        for row in booked.iter().filter(|row| row.slot_id == slot.id && row.state == AppointmentState::Booked) {
            self.later(work, row.institution_id, JobKind::SlotOff, row.id.as_uuid(), work.now);
        }
        Ok(())
    }
}
