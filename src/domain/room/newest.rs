//! Whom the relay's words are about, and which of them says all that an older one said.
//!
//! The relay says how something is now, and whoever did not hear what was said of it before has missed nothing. A word that waits
//! for its hearer, or is told again to who comes back, is therefore the newest on its matter: one for each kind of word and
//! participant, for the answers to each offer and for the layers of each section.

use std::mem::discriminant;

use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::room::relay::RelayEvent;

/// Whom a word of the relay is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// All in a room.
    Room(RoomId),
    /// One participant.
    Participant(ParticipantId),
}

impl RelayEvent {
    /// Whom it is about.
    pub const fn about(&self) -> About {
        match self {
            Self::Speaker { room, .. } => About::Room(*room),
            Self::Answer { participant, .. }
            | Self::OfferRefused { participant, .. }
            | Self::Slots { participant, .. }
            | Self::Layers { participant, .. }
            | Self::OfferAgain { participant }
            | Self::Connection { participant, .. }
            | Self::Permitted { participant }
            | Self::Taped { participant, .. }
            | Self::Drowned { participant, .. }
            | Self::Misses { participant, .. }
            | Self::Upstream { participant, .. } => About::Participant(*participant),
        }
    }

    /// Whether it says all that `older` said, once it has [taken in](Self::take_in) what was counted.
    pub fn replaces(&self, older: &Self) -> bool {
        let is_same_matter = discriminant(self) == discriminant(older) && self.about() == older.about();
        is_same_matter
            && match (self, older) {
                // An offer that the browser still waits for is its newest, and each has its own answer.
                (Self::Answer { offer_id, .. }, Self::Answer { offer_id: before, .. })
                | (Self::OfferRefused { offer_id, .. }, Self::OfferRefused { offer_id: before, .. }) => {
                    offer_id >= before
                }
                (Self::Layers { mid, .. }, Self::Layers { mid: before, .. }) => mid == before,
                _ => true,
            }
    }

    /// Packets that were counted stay counted; a silence must not be invented.
    pub fn take_in(&mut self, older: &Self) {
        if let (Self::Upstream { packets, .. }, Self::Upstream { packets: before, .. }) = (self, older) {
            *packets = (packets.0.saturating_add(before.0), packets.1.saturating_add(before.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::room::relay::{MediaState, OfferRefusal, SourceName};

    fn participant(n: u128) -> ParticipantId {
        ParticipantId::from_uuid(Uuid::from_u128(n))
    }

    fn answer(n: u128, offer_id: u64) -> RelayEvent {
        RelayEvent::Answer { participant: participant(n), offer_id, sdp: String::new() }
    }

    fn layers(mid: &str) -> RelayEvent {
        RelayEvent::Layers {
            participant: participant(1),
            mid: mid.into(),
            name: SourceName::Camera,
            layers: Vec::new(),
        }
    }

    fn speaker(room: u128, n: u128) -> RelayEvent {
        let room = RoomId::from_uuid(Uuid::from_u128(room));
        RelayEvent::Speaker { room, participant: Some(participant(n)) }
    }

    #[test]
    fn a_word_replaces_an_older_one_on_its_matter_and_no_other() {
        let state = |n, state| RelayEvent::Connection { participant: participant(n), state };
        let refused =
            RelayEvent::OfferRefused { participant: participant(1), offer_id: 2, reason: OfferRefusal::Malformed };
        for (newer, older) in [
            (state(1, MediaState::Connected), state(1, MediaState::Closed)),
            (speaker(7, 1), speaker(7, 2)),
            (layers("1"), layers("1")),
            (answer(1, 2), answer(1, 2)),
            (answer(1, 2), answer(1, 1)),
        ] {
            assert!(newer.replaces(&older), "{newer:?} {older:?}");
        }
        for (newer, older) in [
            (state(1, MediaState::Connected), state(2, MediaState::Closed)),
            (speaker(7, 1), speaker(8, 1)),
            (layers("1"), layers("2")),
            (answer(1, 1), answer(1, 2)),
            (answer(1, 2), answer(2, 1)),
            (refused, answer(1, 1)),
        ] {
            assert!(!newer.replaces(&older), "{newer:?} {older:?}");
        }
    }
}
