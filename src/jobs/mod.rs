//! What happens later: one loop that sweeps the queue every second and tidies up now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::services::Services;
use crate::services::refusal::Refusal;

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
    let (mut sweep, mut jobs) = (Trying::default(), Trying::default());
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        sweep.heard(services.sweep().await.map(drop), "the queue could not be swept");
        jobs.heard(services.run_jobs().await.map(drop), "what was due was not done");
        since_tidy += 1;
        if since_tidy >= TIDY_AFTER {
            since_tidy = 0;
            tidy(&services).await;
        }
    }
}

/// What is tried every second; of failures in a row the first is told.
#[derive(Default)]
struct Trying {
    is_failing: bool,
}

impl Trying {
    fn heard(&mut self, done: Result<(), Refusal>, words: &str) {
        let was_failing = std::mem::replace(&mut self.is_failing, done.is_err());
        if let Err(refusal) = done
            && !was_failing
        {
            tracing::error!(code = refusal.code.as_str(), "{words}; trying on");
        }
    }
}

/// One chore after the other; one that fails keeps none from its turn.
async fn tidy(services: &Services) {
    let chores = [
        ("old keys were not forgotten", services.forget_keys().await.map(drop)),
        ("the slots of new days were not made", services.roll_slots().await.map(drop)),
        ("jobs that are done were not forgotten", services.forget_jobs().await.map(drop)),
        ("prescriptions that ran out were not marked", services.expire_prescriptions().await.map(drop)),
        ("unfinished uploads were not taken away", services.sweep_uploads().await.map(drop)),
        ("days of the audit that are over were not sealed", services.seal_audit_days().await.map(drop)),
        ("the head of the audit was not signed", services.checkpoint_audit().await.map(drop)),
        ("conversations whose time is over were not removed", services.apply_retention().await.map(drop)),
        ("prescriptions whose time is over were not removed", services.remove_prescriptions().await.map(drop)),
        ("declarations whose purpose ended were not removed", services.remove_declarations().await.map(drop)),
        ("recordings whose time is over were not removed", services.remove_recordings().await.map(drop)),
    ];
    for (words, done) in chores {
        if let Err(refusal) = done {
            tracing::warn!(code = refusal.code.as_str(), "{words}");
        }
    }
}
