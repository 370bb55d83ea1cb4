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
    // Days came into sight while nobody was here.
    let mut since_tidy = TIDY_AFTER;
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
        if let Err(refusal) = services.run_jobs().await
            && !is_failing
        {
            is_failing = true;
            tracing::error!(code = refusal.code.as_str(), "what was due was not done; trying on");
        }
        since_tidy += 1;
        if since_tidy >= TIDY_AFTER {
            since_tidy = 0;
            if let Err(refusal) = services.forget_keys().await {
                tracing::warn!(code = refusal.code.as_str(), "old keys were not forgotten");
            }
            if let Err(refusal) = services.roll_slots().await {
                tracing::warn!(code = refusal.code.as_str(), "the slots of new days were not made");
            }
            if let Err(refusal) = services.forget_jobs().await {
                tracing::warn!(code = refusal.code.as_str(), "jobs that are done were not forgotten");
            }
            if let Err(refusal) = services.sweep_uploads().await {
                tracing::warn!(code = refusal.code.as_str(), "unfinished uploads were not taken away");
            }
            if let Err(refusal) = services.seal_audit_days().await {
                tracing::warn!(code = refusal.code.as_str(), "days of the audit that are over were not sealed");
            }
            if let Err(refusal) = services.apply_retention().await {
                tracing::warn!(code = refusal.code.as_str(), "conversations whose time is over were not removed");
            }
            if let Err(refusal) = services.remove_recordings().await {
                tracing::warn!(code = refusal.code.as_str(), "recordings whose time is over were not removed");
            }
        }
    }
}
