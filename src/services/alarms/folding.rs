//! Which folded alarm rings next, and which makes room. Whoever is still on the line goes before whoever has gone.

use crate::domain::alarm::FOLDED;
use crate::domain::ids::{ClinicId, RoomId};
use crate::services::Services;
use crate::services::alarms::announce;
use crate::services::refusal::Refusal;
use crate::services::work::Work;
use crate::store::AlarmRow;

impl Services {
    /// Folded alarms ring as soon as fewer than [`RINGING`] of their origin do.
    pub(crate) async fn sweep_folded(&self) -> Result<(), Refusal> {
        // One after the other: each that rises may be the last for which there is room.
        let mut pages = self.pages("sweep_folded", 1);
        while let Some(before) = pages.before() {
            let mut tx = self.db.read().await?;
            let next = tx.alarms().next_to_rise(before).await?;
            pages.found(usize::from(next.is_some()));
            if let Some(alarm) = next {
                let origin = alarm.origin.as_deref().unwrap_or_default();
                let others = tx.alarms().folded_of(alarm.clinic_id, origin, 2 * FOLDED).await?;
                drop(tx);
                // One that cannot rise stands first for ever, and must not hold up whoever is on the line.
                let on_line = others.into_iter().filter(|_| before == 0).find(|other| self.is_caller_online(other));
                let alarm = on_line.unwrap_or(alarm);
                pages.heard(&alarm.id, self.raise_folded(&alarm).await)?;
            }
        }
        Ok(())
    }

    /// Makes room among the folded alarms of a network of strangers. The room of the line that ends, to be ended after the
    /// commit.
    pub(crate) async fn make_room(
        &self,
        work: &mut Work,
        clinic: ClinicId,
        origin: &[u8],
    ) -> Result<Option<RoomId>, Refusal> {
        let folded = work.tx.alarms().folded_of(clinic, origin, 2 * FOLDED).await?;
        if folded.len() < FOLDED {
            return Ok(None);
        }
        let Some(gone) = folded.iter().find(|alarm| !self.is_caller_online(alarm)) else { return Ok(None) };
        let now = work.now;
        if !work.tx.alarms().let_pass(gone.id, now).await? {
            return Ok(None);
        }
        metrics::counter!("yunzhen_alarms_passed_total").increment(1);
        self.close_line(work, gone).await
    }

    /// Whether a folded alarm rings from now on.
    async fn raise_folded(&self, alarm: &AlarmRow) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let has_risen = work.tx.alarms().rise(alarm.id).await?;
        if has_risen {
            announce(&mut work, alarm, "alarm.raised").await?;
        }
        work.commit().await?;
        Ok(has_risen)
    }
}
