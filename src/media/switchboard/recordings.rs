//! Who is recorded: the tape of a seat, which follows it through its sources.

use std::sync::Arc;

use super::Switchboard;
use crate::domain::ids::ParticipantId;
use crate::domain::recording::Agreed;
use crate::domain::room::relay::RelayEvent;
use crate::media::tape::{TapeQueue, Teller};

impl Switchboard {
    /// Records a participant, where there is somewhere to record to.
    pub(super) fn record(&mut self, participant: ParticipantId, agreed: Agreed) {
        let (Some(place), Some(recorder)) = (self.seats.get_mut(&participant), &self.common.config.recorder) else {
            return;
        };
        if place.tape.is_some() {
            return;
        }
        let (recorder, counters) = (Arc::clone(recorder), &self.common.counters);
        let tell = Teller { notices: self.notices.clone(), participant, number: place.number };
        let room = place.claim.room;
        let tape = TapeQueue::start(recorder, room, agreed.clone(), tell, counters, &self.common.tracker);
        place.sources.values().for_each(|source| source.record(&tape));
        place.tape = Some((tape, agreed));
    }

    /// Stops the recording of a participant. When this returns no packet goes into it any more.
    pub(super) fn stop_record(&mut self, participant: ParticipantId) {
        let Some(place) = self.seats.get_mut(&participant) else { return };
        let Some((tape, _)) = place.tape.take() else { return };
        tape.withdraw();
        place.sources.values().for_each(|source| source.stop_record());
        self.say(RelayEvent::Taped { participant, is_kept: false });
    }
}
