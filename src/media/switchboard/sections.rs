//! Which source each receiving section carries: every other participant's that may pass, where there is a section for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Place, Switchboard};
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::room::relay::{RelayEvent, RelayMode, Slot};
use crate::media::peer::Section;
use crate::media::slots::{self, Wanted};
use crate::media::source::Source;

impl Switchboard {
    /// Points the sections of everybody in a room at what they should receive now.
    pub(super) fn seat_room(&mut self, room: RoomId) {
        let members: Vec<_> = self.members(room).collect();
        for participant in members {
            self.seat_participant(participant, false);
        }
    }

    /// Points a participant's sections at what it should receive now, and tells it, if that changed or `anyway`.
    pub(super) fn seat_participant(&mut self, participant: ParticipantId, anyway: bool) {
        let Some(place) = self.seats.get(&participant) else { return };
        let sources = self.sources_for(participant, place);
        let wanted: Vec<_> =
            sources.values().map(|source| Wanted { source: source.number, kind: source.kind }).collect();
        let carried = |section: &Section| section.leg.source().map(|source| source.number);
        let now: Vec<_> = place.sections.iter().map(|section| (section.leg.kind, carried(section))).collect();
        let (seated, missing) = slots::seat(&now, &wanted);
        let mut slots = Vec::with_capacity(seated.len());
        for ((section, (kind, now)), source) in place.sections.iter().zip(now).zip(seated) {
            let source = source.and_then(|number| sources.get(&number));
            if now != source.map(|source| source.number) {
                section.leg.carry(source);
            }
            if let Some(source) = source {
                let waits = section.leg.is_dark();
                slots.push(Slot { mid: section.mid.clone(), kind, source: source.owner, name: source.name, waits });
            }
        }
        let told = (slots, missing);
        let is_answered = place.is_answered;
        if let Some(place) = self.seats.get_mut(&participant)
            && (anyway || (is_answered && place.told != told))
        {
            place.told.clone_from(&told);
            self.say(RelayEvent::Slots { participant, slots: told.0, missing: told.1 });
        }
    }

    fn sources_for(&self, participant: ParticipantId, place: &Place) -> BTreeMap<u64, Arc<Source>> {
        if !place.gate.receives() {
            return BTreeMap::new();
        }
        let given = |(other, there): &(&ParticipantId, &Place)| match place.claim.mode {
            RelayMode::Loopback => **other == participant,
            RelayMode::Conference => {
                there.claim.room == place.claim.room
                    && there.claim.mode == RelayMode::Conference
                    && **other != participant
            }
        };
        let sources = self.seats.iter().filter(given).flat_map(|(_, there)| &there.sources);
        let sources = sources.filter(|(_, source)| source.may_pass());
        sources.map(|(number, source)| (*number, Arc::clone(source))).collect()
    }
}
