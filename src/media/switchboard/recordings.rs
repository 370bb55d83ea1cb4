//! Who is recorded: the tape of a seat, which follows it through its sources, and one of its own for each screen that is shown.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Place, Switchboard};
use crate::domain::ids::ParticipantId;
use crate::domain::recording::{Agreed, Filmed};
use crate::domain::room::relay::{RelayEvent, SourceName};
use crate::media::common::Common;
use crate::media::news::Notice;
use crate::media::source::Source;
use crate::media::tape::{TapeQueue, Teller};

impl Switchboard {
    /// Records a participant, where there is somewhere to record to.
    pub(super) fn record(&mut self, participant: ParticipantId, agreed: Agreed) {
        let Some(place) = self.seats.get_mut(&participant).filter(|place| place.tape.is_none()) else { return };
        let filmed = (Filmed::Person, agreed.clone());
        place.tape = film(&self.common, &self.notices, participant, place, filmed).map(|tape| (tape, agreed));
        let place = &*place;
        for source in place.sources.values() {
            follow(&self.common, &self.notices, participant, place, source);
        }
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

/// Records a source of somebody who is recorded. A screen is a film of its own: it has another size, comes and goes, and has
/// no sound.
pub(super) fn follow(
    common: &Common,
    notices: &mpsc::Sender<Notice>,
    participant: ParticipantId,
    place: &Place,
    source: &Source,
) {
    let Some((tape, agreed)) = &place.tape else { return };
    if source.name != SourceName::Screen {
        return source.record(tape);
    }
    if let Some(screen) = film(common, notices, participant, place, (Filmed::Screen, agreed.clone())) {
        source.record(&screen);
    }
}

fn film(
    common: &Common,
    notices: &mpsc::Sender<Notice>,
    participant: ParticipantId,
    place: &Place,
    filmed: (Filmed, Agreed),
) -> Option<TapeQueue> {
    let recorder = Arc::clone(common.config.recorder.as_ref()?);
    let tell = Teller { notices: notices.clone(), participant, number: place.number };
    Some(TapeQueue::start(recorder, place.claim.room, filmed, tell, &common.counters, &common.tracker))
}
