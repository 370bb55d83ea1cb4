//! Who has the floor in each room.

use std::collections::HashMap;

use super::Switchboard;
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::room::relay::{MediaKind, RelayEvent, RelayMode};

impl Switchboard {
    /// Looks who speaks in every room, and says where that changed.
    pub(super) fn listen(&mut self) {
        let mut rooms: HashMap<RoomId, Vec<(ParticipantId, f32)>> = HashMap::new();
        for (participant, place) in self.seats.iter().filter(|(_, place)| place.claim.mode == RelayMode::Conference) {
            let sound = place.sources.values().filter(|source| source.kind == MediaKind::Audio && source.may_pass());
            let level = sound.map(|source| {
                source.loudness.fade();
                source.loudness.now()
            });
            rooms.entry(place.claim.room).or_default().push((*participant, level.fold(0.0, f32::max)));
        }
        self.floors.retain(|room, _| rooms.contains_key(room));
        for (room, levels) in rooms {
            let floor = self.floors.entry(room).or_default();
            if floor.observe(&levels) {
                let participant = floor.speaker();
                self.say(RelayEvent::Speaker { room, participant });
            }
        }
    }
}
