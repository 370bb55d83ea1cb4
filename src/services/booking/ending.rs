//! How appointments end by themselves: nobody came, the doctor was away, or somebody was seen.

use crate::domain::appointment::check_in::LATE;
use crate::domain::appointment::{AppointmentState, unkept};
use crate::domain::ids::AppointmentId;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::work::Work;
use crate::store::AppointmentRow;

/// Appointments on one page.
const BATCH: i64 = 20;

impl Services {
    /// Patients who did not come: the place was kept until ten minutes after the slot. Nobody is held to have missed a
    /// doctor who was away.
    pub(crate) async fn miss_appointments(&self) -> Result<(), Refusal> {
        let late = self.clock.now() - LATE;
        let mut pages = self.pages("miss_appointments", BATCH);
        while let Some(before) = pages.before() {
            let overdue = self.db.read().await?.appointments().overdue(late, BATCH, before).await?;
            pages.found(overdue.len());
            for row in overdue {
                pages.heard(&row.id, self.end_unkept(&row).await)?;
            }
        }
        Ok(())
    }

    async fn end_unkept(&self, row: &AppointmentRow) -> Result<bool, Refusal> {
        let slot = self.db.read().await?.slots().find(row.slot_id).await?.ok_or_else(Refusal::not_found)?;
        self.end_appointment(row.id, AppointmentState::Booked, unkept(slot.state)).await
    }

    /// Patients who came, and whose tickets are over.
    pub(crate) async fn settle_appointments(&self) -> Result<(), Refusal> {
        let mut pages = self.pages("settle_appointments", BATCH);
        while let Some(before) = pages.before() {
            let settled = self.db.read().await?.appointments().settled(BATCH, before).await?;
            pages.found(settled.len());
            for row in settled {
                let to = if row.was_seen { AppointmentState::Seen } else { unkept(row.slot) };
                pages.heard(&row.id, self.end_appointment(row.id, AppointmentState::CheckedIn, to).await)?;
            }
        }
        Ok(())
    }

    async fn end_appointment(
        &self,
        id: AppointmentId,
        from: AppointmentState,
        to: AppointmentState,
    ) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        let Some(row) = work.tx.appointments().end(id, from, to, now).await? else { return Ok(false) };
        self.announce_end(&mut work, &row).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Tells staff and its holder how an appointment has ended.
    pub(super) async fn announce_end(&self, work: &mut Work, row: &AppointmentRow) -> Result<(), Refusal> {
        self.announce_appointment(work, row, &format!("appointment.{}", row.state.as_str())).await
    }
}
