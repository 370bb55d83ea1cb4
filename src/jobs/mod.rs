//! What happens later: one loop that sweeps the queue every second and tidies up now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::services::Services;

/// How often leases and rings are looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Sweeps between two tidyings.
const TIDY_AFTER: u32 = 3600;

/// Sweeps until `shutdown`. A sweep that fails is tried again: the database may be away.
pub async fn run(services: Arc<Services>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut since_tidy = 0;
    let mut is_failing = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match services.sweep().await {
            Ok(_) => is_failing = false,
            Err(refusal) if !is_failing => {
                is_failing = true;
                tracing::error!(code = refusal.code.as_str(), "the queue could not be swept; trying on");
            }
            Err(_) => {}
        }
        since_tidy += 1;
        if since_tidy >= TIDY_AFTER {
            since_tidy = 0;
            if let Err(refusal) = services.forget_keys().await {
                tracing::warn!(code = refusal.code.as_str(), "old keys were not forgotten");
            }
            if let Err(refusal) = services.expire_prescriptions().await {
                tracing::warn!(code = refusal.code.as_str(), "prescriptions that ran out were not marked");
            }
            if let Err(refusal) = services.sweep_uploads().await {
                tracing::warn!(code = refusal.code.as_str(), "unfinished uploads were not taken away");
            }
            if let Err(refusal) = services.remove_recordings().await {
                tracing::warn!(code = refusal.code.as_str(), "recordings whose time is over were not removed");
            }
        }
    }
}
