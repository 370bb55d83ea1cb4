//! Which folded alarm rings next.

use crate::services::Services;
use crate::services::alarms::announce;
use crate::services::refusal::Refusal;
use crate::store::AlarmRow;

impl Services {
    /// Folded alarms ring as soon as fewer than [`RINGING`] of their origin do.
    pub(crate) async fn sweep_folded(&self) -> Result<(), Refusal> {
        // One after the other: each that rises may be the last for which there is room.
        let mut pages = self.pages("sweep_folded", 1);
        while let Some(before) = pages.before() {
            let next = self.db.read().await?.alarms().next_to_rise(before).await?;
            pages.found(usize::from(next.is_some()));
            if let Some(alarm) = next {
                pages.heard(&alarm.id, self.raise_folded(&alarm).await)?;
            }
        }
        Ok(())
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
