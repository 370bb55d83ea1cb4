//! Who has a seat: how one is taken, made anew when it broke, and taken away.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Place, Switchboard};
use crate::domain::codec::Codec;
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::room::relay::{MediaState, Permit, RelayEvent};
use crate::media::gate::Gate;
use crate::media::house::{Claim, Taken, Verdict};
use crate::media::instant;
use crate::media::seat::Seat;

/// Words that wait at a seat. A browser has one offer in flight; a flood is refused.
const WORDS: usize = 8;

impl Switchboard {
    /// Gives a participant a seat, or sets what passes where it has this one.
    pub(super) fn admit(&mut self, participant: ParticipantId, claim: Claim, permit: Permit) {
        let Claim { room, mode, .. } = claim;
        let same = |place: &&Place| place.claim.room == room && place.claim.mode == mode;
        if let Some(place) = self.seats.get(&participant).filter(same) {
            place.gate.set(permit);
            self.seat_room(room);
            return;
        }
        if let Some(former) = self.remove(participant) {
            self.seat_room(former);
        }
        let taken = |(participant, place): (&ParticipantId, &Place)| Taken {
            participant: *participant,
            claim: place.claim,
            idle_since: place.idle_since,
            number: place.number,
        };
        let taken: Vec<_> = self.seats.iter().map(taken).collect();
        match self.house.seat(instant::now(), claim, &taken) {
            Verdict::Free => {}
            Verdict::InsteadOf(leaves) => {
                if let Some(former) = self.remove(leaves) {
                    self.seat_room(former);
                }
                // Its browser tries again, and hears that it has no seat any more.
                self.say(RelayEvent::Connection { participant: leaves, state: MediaState::Closed });
            }
            Verdict::Full => {
                tracing::warn!(room.id = %room, participant.id = %participant, "no media seat is left");
                return;
            }
        }
        self.sit(participant, claim, Arc::new(Gate::new(permit)));
    }

    /// Makes a seat, whose task is its own.
    fn sit(&mut self, participant: ParticipantId, claim: Claim, gate: Arc<Gate>) {
        let (said, received) = mpsc::channel(WORDS);
        let (number, stop) = (self.common.number(), self.stop.child_token());
        let (common, notices) = (Arc::clone(&self.common), self.notices.clone());
        let seat = Seat::new(common, (participant, claim.kept), number, Arc::clone(&gate), notices, stop.clone());
        self.common.tracker.spawn(seat.run(received));
        let place = Place {
            claim,
            idle_since: Some(instant::now()),
            number,
            gate,
            said,
            stop,
            is_answered: false,
            sections: Vec::new(),
            sources: BTreeMap::new(),
            tape: None,
            ability: None,
            camera: Codec::Vp8,
            told: Default::default(),
        };
        self.seats.insert(participant, place);
    }

    /// A seat whose task broke, over whatever its browser or the engine did, is made anew under the same permit; its browser
    /// hears that its connection is closed, and offers again.
    pub(super) fn renew_broken(&mut self) {
        let broken = self.seats.iter().filter(|(_, place)| place.said.is_closed());
        let broken = broken.map(|(participant, place)| {
            let agreed = place.tape.as_ref().map(|(_, agreed)| agreed.clone());
            (*participant, place.claim, Arc::clone(&place.gate), agreed)
        });
        let broken: Vec<_> = broken.collect();
        // At the end every seat ends.
        if self.stop.is_cancelled() {
            return;
        }
        for (participant, claim, gate, agreed) in broken {
            tracing::warn!(room.id = %claim.room, participant.id = %participant, "a media seat broke and was made anew");
            self.remove(participant);
            self.sit(participant, claim, gate);
            if let Some(agreed) = agreed {
                self.record(participant, agreed);
            }
            self.seat_room(claim.room);
            self.say(RelayEvent::Connection { participant, state: MediaState::Closed });
        }
    }

    /// Takes a seat away. When this returns no packet from or to it passes.
    pub(super) fn remove(&mut self, participant: ParticipantId) -> Option<RoomId> {
        let place = self.seats.remove(&participant)?;
        for source in place.sources.values() {
            source.end();
        }
        place.sections.iter().for_each(|section| section.leg.carry(None));
        let beside = self.seats.values().filter(|other| other.claim.room == place.claim.room);
        for section in beside.flat_map(|other| &other.sections) {
            if section.leg.source().is_some_and(|source| source.owner == participant) {
                section.leg.carry(None);
            }
        }
        place.stop.cancel();
        Some(place.claim.room)
    }
}
