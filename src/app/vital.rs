//! The tasks without which a server would go on saying yes and do nothing. Where one of them ends that nobody asked to, by
//! whatever fault, the server ends in order and with an error, so that its supervisor starts it anew.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Spawns them, and tells that one has ended.
#[derive(Clone)]
pub(super) struct Vital {
    tracker: TaskTracker,
    /// What ended first.
    lost: Arc<OnceLock<&'static str>>,
    ended: CancellationToken,
}

/// Also what panics drops it.
struct Guard {
    what: &'static str,
    vital: Vital,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.vital.lost.set(self.what).ok();
        self.vital.ended.cancel();
    }
}

impl Vital {
    pub(super) fn on(tracker: TaskTracker) -> Self {
        Self { tracker, lost: Arc::default(), ended: CancellationToken::new() }
    }

    /// Starts `task`; `what` says to the operator what the server does no more without it.
    pub(super) fn spawn(&self, what: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let guard = Guard { what, vital: self.clone() };
        self.tracker.spawn(async move {
            task.await;
            drop(guard);
        });
    }

    /// Waits until one of them has ended: at shutdown, or by a fault. What ended first.
    pub(super) async fn ended(&self) -> &'static str {
        self.ended.cancelled().await;
        self.lost.get().copied().unwrap_or("a task")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_told_which_task_ended_or_broke_and_nothing_while_all_go_on() {
        for breaks in [false, true] {
            let vital = Vital::on(TaskTracker::new());
            vital.spawn("the one that goes on", std::future::pending());
            assert!(!vital.ended.is_cancelled());
            vital.spawn("the other", async move { assert!(!breaks, "on purpose") });
            assert_eq!(vital.ended().await, "the other");
        }
    }
}
