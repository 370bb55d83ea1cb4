//! What happens later: the queue is looked at every second, so is what is due; rooms that outlived their visit every few
//! seconds, checks that are over every minute, and now and then the house is tidied up. None of these waits for another.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::services::Services;
use crate::services::ailing::{Ailing, unbroken};
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
    let ailing = &services.ailing;
    tokio::join!(
        // Calls that nobody answers, desks that fall silent: a patient waits for each of them.
        keep(SWEEP_EVERY, &shutdown, ailing, "the queue could not be swept", || async {
            services.sweep().await.map(drop)
        }),
        // Jobs whose time has come; a gateway for messages may take its time.
        keep(SWEEP_EVERY, &shutdown, ailing, "what was due was not done", || async {
            services.run_jobs().await.map(drop)
        }),
        keep(OUTLIVED_EVERY, &shutdown, ailing, "rooms that are over were not looked for", || services
            .sweep_outlived()),
        keep(CHECKS_EVERY, &shutdown, ailing, "checks that are over were not closed", || services.sweep_checks()),
        keep_house(&services, &shutdown)
    );
}

/// Does something at once and then every so often. What breaks is tried again, and ends nothing beside it.
async fn keep<F>(
    every: Duration,
    shutdown: &CancellationToken,
    ailing: &Ailing,
    words: &'static str,
    work: impl Fn() -> F,
) where
    F: Future<Output = Result<(), Refusal>>,
{
    let (mut ticks, mut trying) = (ticks(every), Trying::default());
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        let done = unbroken(work()).await;
        ailing.heard(words, true, &done);
        trying.heard(done, words);
    }
}

/// The chores, first of all after a start: days came into sight while nobody was here. One that hangs does not hold up the
/// end: what it had begun is rolled back.
async fn keep_house(services: &Services, shutdown: &CancellationToken) {
    let mut ticks = ticks(TIDY_EVERY);
    loop {
        let round = async {
            ticks.tick().await;
            Box::pin(tidy(services)).await;
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
    let own = &services.ailing;
    chore(own, "old keys were not forgotten", services.forget_keys()).await;
    chore(own, "the slots of new days were not made", services.roll_slots()).await;
    chore(own, "jobs that are done were not forgotten", services.forget_jobs()).await;
    chore(own, "prescriptions that ran out were not marked", services.expire_prescriptions()).await;
    chore(own, "unfinished uploads were not taken away", services.sweep_uploads()).await;
    chore(own, "days of the audit that are over were not sealed", services.seal_audit_days()).await;
    chore(own, "the head of the audit was not signed", services.checkpoint_audit()).await;
    chore(own, "conversations whose time is over were not removed", services.apply_retention()).await;
    chore(own, "prescriptions whose time is over were not removed", services.remove_prescriptions()).await;
    chore(own, "declarations whose purpose ended were not removed", services.remove_declarations()).await;
    chore(own, "recordings whose time is over were not removed", services.remove_recordings()).await;
}

async fn chore<T>(ailing: &Ailing, words: &'static str, work: impl Future<Output = Result<T, Refusal>>) {
    let done = unbroken(work).await;
    ailing.heard(words, false, &done);
    if let Err(refusal) = done {
        tracing::warn!(code = refusal.code.as_str(), "{words}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn checks_that_are_over_are_looked_for_at_the_beginning_and_not_each_second() {
        let (looks, shutdown) = (AtomicUsize::new(0), CancellationToken::new());
        let ailing = Ailing::default();
        let looking = keep(CHECKS_EVERY, &shutdown, &ailing, "it failed", || async {
            looks.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        assert!(tokio::time::timeout(SWEEP_EVERY * 2, looking).await.is_err(), "it ends at shutdown alone");
        assert_eq!(looks.into_inner(), 1);
    }

    #[tokio::test]
    async fn a_sweep_that_breaks_is_tried_again_ends_no_other_and_is_known_until_it_is_whole() {
        let (ailing, shutdown) = (Ailing::default(), CancellationToken::new());
        let (broken, whole) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let pause = Duration::from_millis(1);
        let breaks = keep(pause, &shutdown, &ailing, "it broke", || async {
            let tries = broken.fetch_add(1, Ordering::Relaxed);
            assert!(tries >= 2, "on purpose");
            Ok(())
        });
        let goes_on = keep(pause, &shutdown, &ailing, "it failed", || async {
            let rounds = whole.fetch_add(1, Ordering::Relaxed);
            match broken.load(Ordering::Relaxed) {
                0 => {}
                1 | 2 => assert_eq!(ailing.list(), (vec!["it broke"], true)),
                _ if rounds > 3 => shutdown.cancel(),
                _ => {}
            }
            Ok(())
        });
        let both = async { tokio::join!(breaks, goes_on) };
        assert!(tokio::time::timeout(Duration::from_secs(30), both).await.is_ok());
        assert_eq!(ailing.list(), (Vec::new(), false));
    }

    #[tokio::test]
    async fn a_chore_that_breaks_is_known_and_nobody_waits_for_it() {
        let ailing = Ailing::default();
        chore(&ailing, "it broke", async { if ailing.list().1 { Ok(()) } else { panic!("on purpose") } }).await;
        assert_eq!(ailing.list(), (vec!["it broke"], false));
    }
}
