//! Which patients are online: whose ticket a socket watches, and since when nobody does.

use std::time::Duration;

use crate::domain::ids::TicketId;
use crate::domain::time::Timestamp;
use crate::services::live::Live;
use crate::services::live::registry::Registry;

/// How long it is known when the last browser of a ticket went; longer than any visit.
const LEFT_KEPT: Duration = Duration::from_hours(12);

impl Live {
    /// Counts a watcher of a ticket: its patient is online. `true` when it is the first.
    pub fn watch(&self, ticket: TicketId) -> bool {
        let mut registry = self.registry();
        registry.left.remove(&ticket);
        let count = registry.watched.entry(ticket).or_default();
        *count += 1;
        *count == 1
    }

    /// Takes a watcher away; `true` when it was the last.
    pub fn unwatch(&self, ticket: TicketId) -> bool {
        let now = self.clock.now();
        let mut registry = self.registry();
        let Some(count) = registry.watched.get_mut(&ticket) else { return false };
        *count -= 1;
        if *count == 0 {
            registry.watched.remove(&ticket);
            registry.left.insert(ticket, now);
            return true;
        }
        false
    }

    /// Since when nobody watches the ticket; `None` while somebody does. A ticket that nobody watched yet is away since
    /// this process began: before that nothing is known.
    pub fn offline_since(&self, ticket: TicketId) -> Option<Timestamp> {
        let registry = self.registry();
        if registry.watched.contains_key(&ticket) {
            return None;
        }
        Some(registry.left.get(&ticket).copied().unwrap_or(self.opened_at))
    }

    /// Whether somebody watches the ticket.
    pub fn is_online(&self, ticket: TicketId) -> bool {
        self.registry().watched.contains_key(&ticket)
    }
}

impl Registry {
    /// Forgets who went long ago.
    pub(super) fn forget_left(&mut self, now: Timestamp) {
        self.left.retain(|_, at| now.since(*at) < LEFT_KEPT);
    }
}
