//! When which connection has something to do though nothing came: what was not acknowledged is said again, what is missing is
//! asked for, and a publisher is told how its packets came.
//!
//! One task for all, so that a connection at rest costs no timer and no waking.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::instant;

/// What can be waked.
pub(super) trait Timed: Send + Sync {
    /// The moment that was noted has come, or another that is of no use any more.
    fn wake(self: Arc<Self>, now: Instant);
}

/// Who is to be waked when.
#[derive(Default)]
pub(super) struct Timetable {
    entries: Mutex<BinaryHeap<Entry>>,
    /// There is an earlier moment than the one that is waited for.
    sooner: Notify,
}

struct Entry {
    at: Instant,
    whom: Weak<dyn Timed>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest: the heap gives that first.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl Timetable {
    /// Wakes somebody at that moment, who then notes the next.
    pub(super) fn note(&self, at: Instant, whom: Weak<dyn Timed>) {
        let mut entries = self.entries();
        let is_first = entries.peek().is_none_or(|first| at < first.at);
        entries.push(Entry { at, whom });
        drop(entries);
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// Wakes everybody in time until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let next = self.next();
            let due = async {
                match next {
                    Some(at) => {
                        let _ = tokio::time::timeout_at(at.into(), self.sooner.notified()).await;
                    }
                    None => self.sooner.notified().await,
                }
            };
            if stop.run_until_cancelled(due).await.is_none() {
                return;
            }
            self.wake(instant::now());
        }
    }

    fn wake(&self, now: Instant) {
        while let Some(whom) = self.take(now) {
            if let Some(whom) = whom.upgrade() {
                whom.wake(now);
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        self.entries().peek().map(|first| first.at)
    }

    /// One whose moment has come.
    fn take(&self, now: Instant) -> Option<Weak<dyn Timed>> {
        let mut entries = self.entries();
        entries.peek().filter(|first| first.at <= now)?;
        entries.pop().map(|first| first.whom)
    }

    fn entries(&self) -> MutexGuard<'_, BinaryHeap<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Sleeper(&'static str, Arc<Mutex<Vec<&'static str>>>);

    impl Timed for Sleeper {
        fn wake(self: Arc<Self>, _: Instant) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    #[test]
    fn whoever_is_due_is_waked_in_the_order_of_the_moments_and_who_is_gone_is_nobody() {
        let (timetable, now, waked) = (Timetable::default(), instant::now(), Arc::default());
        let [late, early, gone] = ["late", "early", "gone"].map(|name| Arc::new(Sleeper(name, Arc::clone(&waked))));
        let note = |seconds, whom: &Arc<Sleeper>| {
            let whom: Weak<Sleeper> = Arc::downgrade(whom);
            timetable.note(now + Duration::from_secs(seconds), whom);
        };
        note(2, &late);
        note(1, &early);
        note(1, &gone);
        drop(gone);
        timetable.wake(now);
        assert!(waked.lock().unwrap().is_empty());
        assert_eq!(timetable.next(), Some(now + Duration::from_secs(1)));
        timetable.wake(now + Duration::from_secs(3));
        assert_eq!(*waked.lock().unwrap(), ["early", "late"]);
        assert_eq!(timetable.next(), None);
    }

    #[tokio::test]
    async fn an_earlier_moment_is_not_waited_past() {
        let (timetable, stop, waked) = (Arc::new(Timetable::default()), CancellationToken::new(), Arc::default());
        let [late, early] = ["late", "early"].map(|name| Arc::new(Sleeper(name, Arc::clone(&waked))));
        let whom: Weak<Sleeper> = Arc::downgrade(&late);
        timetable.note(instant::now() + Duration::from_hours(1), whom);
        let running = tokio_util::task::TaskTracker::new().spawn(Arc::clone(&timetable).run(stop.clone()));
        tokio::task::yield_now().await;
        let whom: Weak<Sleeper> = Arc::downgrade(&early);
        timetable.note(instant::now(), whom);
        while waked.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*waked.lock().unwrap(), ["early"]);
        stop.cancel();
        running.await.unwrap();
    }
}
