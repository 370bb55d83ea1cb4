//! What hours would make, before anybody keeps them.

use jiff::ToSpan as _;
use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::appointment::roster::{DayPlan, HORIZON_DAYS, slots_on};
use crate::domain::ids::RosterId;
use crate::domain::permission::AdministratorAct;
use crate::protocol::roster::{MissingTime, PreviewDay, PreviewSlot, RosterPreview, RosterRequest};
use crate::services::Services;
use crate::services::booking::rosters::{named, read, roster_of};
use crate::services::refusal::Refusal;
use crate::services::tickets::{day_at, place};

/// Days that are shown slot by slot.
const SHOWN_DAYS: usize = 7;

impl Services {
    /// The slots that hours would make, and what of the doctor's is there already; nothing is kept by it:
    /// `POST /rosters/preview`.
    pub async fn preview_roster(
        &self,
        act: AdministratorAct,
        request: &RosterRequest,
    ) -> Result<RosterPreview, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let (clinic, doctor) = named(&mut tx, act, request).await?;
        let (roster, place) = (read(request)?, place(&clinic));
        let mut conflicts = Vec::new();
        for other in tx.rosters().of_doctor(doctor.id).await? {
            if roster.meets(&roster_of(&other)?) {
                conflicts.push(self.roster_view(&mut tx, &other).await?);
            }
        }
        // Of hours that begin later, the first weeks; those that began make slots from today on.
        let first: Date = roster.first_day.max(day_at(&clinic, now)?.date);
        let last = first.saturating_add(HORIZON_DAYS.days());
        let (mut days, mut missing, mut slots) = (Vec::new(), Vec::new(), 0_u32);
        for day in first.series(1.day()).take_while(|day| *day <= last) {
            let DayPlan { slots: planned, missing: skipped } = slots_on(&roster, &[], day, &place);
            missing.extend(skipped.iter().map(|at| MissingTime { day: day.to_string(), time: at.to_string() }));
            let planned: Vec<_> = planned.into_iter().filter(|slot| slot.starts_at > now).collect();
            slots += u32::try_from(planned.len()).unwrap_or(0);
            if planned.is_empty() || days.len() >= SHOWN_DAYS {
                continue;
            }
            let mut shown = Vec::with_capacity(planned.len());
            for slot in planned {
                // A single day of extra hours may be there although no week meets.
                let none = RosterId::from_uuid(Uuid::nil());
                let is_busy = tx.slots().is_busy(doctor.id, none, slot.starts_at, slot.ends_at).await?;
                shown.push(PreviewSlot { time: slot.at.to_string(), is_busy });
            }
            days.push(PreviewDay { day: day.to_string(), slots: shown });
        }
        let places = slots * u32::from(roster.capacity);
        Ok(RosterPreview { zone: clinic.time_zone, slots, places, days, missing, conflicts })
    }
}
