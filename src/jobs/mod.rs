//! What happens later: the queue is looked at every second, so is what is due; rooms that outlived their visit every few
//! seconds, checks that are over every minute, and now and then the house is tidied up. None of these waits for another.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::services::Services;
use crate::services::refusal::Refusal;

/// How often leases and rings are looked at, and what is due.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How often live rooms and seats are compared with what is written: whoever talks to the wrong person waits for it.
const OUTLIVED_EVERY: Duration = Duration::from_secs(5);
/// How often checks are closed that everybody has left: nobody waits for their rows.
const CHECKS_EVERY: Duration = Duration::from_mins(1);
/// How often the house is tidied up.
const TIDY_EVERY: Duration = Duration::from_hours(1);

/// Works until `shutdown`. What fails is tried again: the database may be away.
pub async fn run(services: Arc<Services>, shutdown: CancellationToken) {
    tokio::join!(
        // Calls that nobody answers, desks that fall silent: a patient waits for each of them.
        keep(SWEEP_EVERY, &shutdown, "the queue could not be swept", || async { services.sweep().await.map(drop) }),
        // Jobs whose time has come; a gateway for messages may take its time.
        keep(SWEEP_EVERY, &shutdown, "what was due was not done", || async { services.run_jobs().await.map(drop) }),
        keep(OUTLIVED_EVERY, &shutdown, "rooms that are over were not looked for", || services.sweep_outlived()),
        keep(CHECKS_EVERY, &shutdown, "checks that are over were not closed", || services.sweep_checks()),
        keep_house(&services, &shutdown)
    );
}

/// Does something at once and then every so often.
async fn keep<F>(every: Duration, shutdown: &CancellationToken, words: &str, work: impl Fn() -> F)
where
    F: Future<Output = Result<(), Refusal>>,
{
    let (mut ticks, mut trying) = (ticks(every), Trying::default());
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        trying.heard(work().await, words);
    }
}

/// The chores, first of all after a start: days came into sight while nobody was here. One that hangs does not hold up the
/// end: what it had begun is rolled back.
async fn keep_house(services: &Services, shutdown: &CancellationToken) {
    let mut ticks = ticks(TIDY_EVERY);
    loop {
        let round = async {
            ticks.tick().await;
            tidy(services).await;
        };
        if shutdown.run_until_cancelled(round).await.is_none() {
            return;
        }
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
/// What is tried again and again; of failures in a row the first is told.
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn checks_that_are_over_are_looked_for_at_the_beginning_and_not_each_second() {
        let (looks, shutdown) = (AtomicUsize::new(0), CancellationToken::new());
        let looking = keep(CHECKS_EVERY, &shutdown, "it failed", || async {
            looks.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        assert!(tokio::time::timeout(SWEEP_EVERY * 2, looking).await.is_err(), "it ends at shutdown alone");
        assert_eq!(looks.into_inner(), 1);
    }
}
