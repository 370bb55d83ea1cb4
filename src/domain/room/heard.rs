//! What follows for the room from what the relay says of somebody's media.

use crate::domain::room::relay::{About, RelayEvent, SourceName};
use crate::domain::room::{Output, Room, Standing};
use crate::domain::time::Timestamp;

impl Room {
    /// Passes the relay's words on to the participant that they are about, or to all, and tells everybody what matters to all.
    pub(super) fn relay(&mut self, now: Timestamp, event: RelayEvent) -> Vec<Output> {
        let About::Participant(participant) = event.about() else {
            let told = self.taken.iter_mut().filter(|taken| taken.seat.standing == Standing::Inside);
            return told.map(|taken| taken.tell(event.clone())).collect();
        };
        let Some(taken) = self.taken.iter_mut().find(|taken| taken.seat.participant == participant) else {
            return Vec::new();
        };
        let (is_told, matters_to_all) = match &event {
            RelayEvent::Answer { .. }
            | RelayEvent::OfferRefused { .. }
            | RelayEvent::Slots { .. }
            | RelayEvent::OfferAgain { .. } => (true, false),
            RelayEvent::Layers { name, layers, .. } => {
                if *name == SourceName::Camera {
                    taken.watch.is_watched(now, !layers.is_empty());
                }
                (true, false)
            }
            RelayEvent::Connection { state, .. } => (true, taken.watch.turns(now, *state)),
            RelayEvent::Upstream { packets, .. } => (false, taken.watch.hears(now, *packets)),
            RelayEvent::Drowned { is_drowned, .. } => {
                (false, std::mem::replace(&mut taken.is_drowned, *is_drowned) != *is_drowned)
            }
            RelayEvent::Misses { missed, .. } => {
                (false, std::mem::replace(&mut taken.misses, missed.clone()) != *missed)
            }
            RelayEvent::Taped { is_kept, .. } => return self.taped(participant, *is_kept),
            RelayEvent::Speaker { .. } | RelayEvent::Permitted { .. } => (false, false),
        };
        let mut outputs: Vec<_> = is_told.then(|| taken.tell(event)).into_iter().collect();
        if matters_to_all {
            outputs.extend(self.tell_everybody());
        }
        outputs
    }
}
