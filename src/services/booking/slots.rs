//! What can be booked.

use crate::domain::appointment::roster::HORIZON_DAYS;
use crate::domain::ids::{AccountId, ClinicId};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::booking::{SlotDay, SlotQuery, SlotView, SlotsView};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::booking::Names;
use crate::services::identity::codes::clinic_of_link;
use crate::services::refusal::Refusal;
use crate::services::tickets::minutes;
use crate::store::Tx;

/// Slots that whoever came second is offered.
const OFFERED: usize = 3;

impl Services {
    /// The days of a clinic that can be booked, and the slots of one of them.
    pub async fn slots(&self, query: &SlotQuery) -> Result<SlotsView, Refusal> {
        if query.day.as_ref().is_some_and(|day| day.parse::<jiff::civil::Date>().is_err()) {
            return Err(Refusal::field(ErrorCode::Invalid, "day", "a day such as 2026-03-02"));
        }
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let clinic = clinic_of_link(&mut tx, &query.link).await?;
        let until = now + minutes(i64::from(HORIZON_DAYS + 1) * 24 * 60);
        // The days are counted by the database: a clinic's month has thousands of slots, and one day of it is shown.
        let days: Vec<SlotDay> =
            tx.slots().days(clinic.id, now, until, query.doctor).await?.into_iter().map(of_day).collect();
        let first = days.iter().find(|day| day.free > 0).or(days.first()).map(|day| day.day.clone());
        let day = query.day.clone().or(first);
        let shown = match &day {
            Some(day) => tx.slots().open_on(clinic.id, now, until, query.doctor, day).await?,
            None => Vec::new(),
        };
        Ok(SlotsView {
            clinic: clinic.id,
            clinic_name: Text::new(clinic.name_zh, clinic.name_en),
            zone: clinic.time_zone,
            days,
            day,
            slots: Names::default().slots(&mut tx, &shown).await?,
            as_of: now,
        })
    }
}

fn of_day((day, free): (String, i64)) -> SlotDay {
    SlotDay { day, free: u32::try_from(free).unwrap_or(0) }
}

/// The next three free slots for somebody who wanted one of a doctor: from that time on, or from now where it is late.
pub(super) async fn next_three(
    tx: &mut Tx,
    clinic: ClinicId,
    doctor: AccountId,
    wanted: Timestamp,
    now: Timestamp,
) -> Result<Vec<SlotView>, Refusal> {
    let limit = i64::try_from(OFFERED).unwrap_or(3);
    let from = wanted.max(now);
    let mut next = tx.slots().next_free(clinic, doctor, from, limit).await?;
    if next.len() < OFFERED {
        next = tx.slots().next_free(clinic, doctor, now, limit).await?;
    }
    next.sort_by_key(|slot| (slot.starts_at, slot.id));
    Names::default().slots(tx, &next).await
}
