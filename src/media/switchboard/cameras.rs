//! What each camera speaks: the room's choice among what everybody in it can show.

use super::Switchboard;
use crate::domain::codec::Codec;
use crate::domain::room::codec;
use crate::domain::room::relay::{RelayEvent, RelayMode};
use crate::media::news::Said;

impl Switchboard {
    /// Looks whether every camera speaks what all who are with it can show; whoever should speak otherwise offers again.
    pub(super) fn agree(&mut self) {
        let told: Vec<_> = self
            .seats
            .iter()
            .filter_map(|(participant, place)| {
                let of = place.ability.as_ref().filter(|_| place.claim.mode == RelayMode::Conference)?;
                // Of most cameras nothing is to be asked, and the house may be full.
                if of.camera.first() != Some(&Codec::H264) && place.camera == Codec::Vp8 {
                    return None;
                }
                let room = place.claim.room;
                let others =
                    self.seats.iter().filter(|(other, there)| *other != participant && there.claim.room == room);
                let others = others.filter_map(|(_, there)| there.ability.as_ref());
                let codec = codec::agree(of, place.tape.is_some(), others).filter(|codec| *codec != place.camera)?;
                // A seat that cannot listen now is told at the next look.
                place.said.try_send(Said::Camera(codec)).is_ok().then_some((*participant, codec))
            })
            .collect();
        for (participant, codec) in told {
            if let Some(place) = self.seats.get_mut(&participant) {
                place.camera = codec;
            }
            self.say(RelayEvent::OfferAgain { participant });
        }
    }
}
