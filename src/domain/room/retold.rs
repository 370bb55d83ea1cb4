//! What the relay said last, kept for whoever did not hear it: a browser without a socket misses it, and comes back.

use crate::domain::room::relay::RelayEvent;

/// The newest word on each matter, in the order in which it was said.
#[derive(Clone, Debug, Default)]
pub(super) struct Retold(Vec<RelayEvent>);

impl Retold {
    /// Keeps what says how something is now, in place of what was said of it before. Answers are not kept: a browser that
    /// lost one offers again.
    pub(super) fn keep(&mut self, event: &RelayEvent) {
        let is_standing = matches!(
            event,
            RelayEvent::Slots { .. }
                | RelayEvent::Connection { .. }
                | RelayEvent::Layers { .. }
                | RelayEvent::OfferAgain { .. }
                | RelayEvent::Speaker { .. }
        );
        if is_standing {
            self.0.retain(|kept| !event.replaces(kept));
            self.0.push(event.clone());
        }
    }

    /// Whoever offers has done what [`RelayEvent::OfferAgain`] asked.
    pub(super) fn offered(&mut self) {
        self.0.retain(|kept| !matches!(kept, RelayEvent::OfferAgain { .. }));
    }

    /// A new connection of the browser sends all its layers until it is told otherwise.
    pub(super) fn begin_anew(&mut self) {
        self.0.retain(|kept| !matches!(kept, RelayEvent::Layers { .. }));
    }

    /// All of it, for who comes back.
    pub(super) fn again(&self) -> impl Iterator<Item = RelayEvent> {
        self.0.iter().cloned()
    }
}
