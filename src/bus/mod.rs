//! What others hear: announcements of committed events.
//!
//! The bus is for speed only. An announcement that is lost (a slow listener, a restart) is repaired from the event log
//! in the database, because every event has a gap-free number in its topic.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::broadcast;

use crate::domain::time::Timestamp;

/// A committed event of a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    /// Such as `clinic:<uuid>`.
    pub topic: String,
    /// Its number in the topic.
    pub seq: i64,
    /// When it was committed.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// Particulars, free of personal data.
    pub data: Map<String, Value>,
}

/// How many announcements a slow listener may be behind before it is told to read the database instead.
const BACKLOG: usize = 4096;

/// The bus of one process.
#[derive(Clone, Debug)]
pub struct Bus {
    sender: broadcast::Sender<Arc<Announcement>>,
}

impl Bus {
    /// A bus within this process.
    pub fn local() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0 }
    }

    /// Tells everybody. Call it after the commit, in commit order.
    pub fn announce(&self, announcement: Announcement) {
        // Nobody listening is no fault: the event log has it.
        let _ = self.sender.send(Arc::new(announcement));
    }

    /// Hears everything from now on; `Lagged` means: read the database.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Announcement>> {
        self.sender.subscribe()
    }
}
