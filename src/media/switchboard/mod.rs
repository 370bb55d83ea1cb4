//! The one task that knows who is in which room, and which source goes to whom.
//!
//! It never waits for a participant: seats are tasks of their own with bounded queues, and what it has to say to the
//! caller waits in an outbox. When the outbox is full it takes no more commands until the caller has listened; media
//! goes on meanwhile, for packets do not pass through here.

mod cameras;
mod floors;
mod recordings;
mod seats;
mod sections;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::common::Common;
use super::gate::Gate;
use super::house::{Claim, House};
use super::instant;
use super::news::{News, Notice, Said};
use super::peer::Section;
use super::source::Source;
use super::tape::TapeQueue;
use crate::domain::codec::Codec;
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::recording::Agreed;
use crate::domain::room::codec::Ability;
use crate::domain::room::relay::{MediaState, OfferRefusal, Permit, RelayCommand, RelayEvent, Slot};
use crate::domain::room::speaker::Floor;

/// How often it is looked who speaks.
const LISTEN: Duration = Duration::from_millis(200);
/// News that wait here.
const NOTICES: usize = 1024;
/// Events that wait for the caller before we stop listening to commands.
const OUTBOX: usize = 4096;

/// Rooms and seats.
pub(super) struct Switchboard {
    common: Arc<Common>,
    house: House,
    stop: CancellationToken,
    notices: mpsc::Sender<Notice>,
    inbox: mpsc::Receiver<Notice>,
    events: mpsc::Sender<RelayEvent>,
    outbox: VecDeque<RelayEvent>,
    seats: HashMap<ParticipantId, Place>,
    /// Who has the floor in each room.
    floors: HashMap<RoomId, Floor>,
}

/// A seat, as the switchboard sees it.
struct Place {
    claim: Claim,
    /// Since when no packets flow, if none do.
    idle_since: Option<Instant>,
    number: u64,
    gate: Arc<Gate>,
    said: mpsc::Sender<Said>,
    stop: CancellationToken,
    /// There is a browser to tell about slots.
    is_answered: bool,
    sections: Vec<Section>,
    sources: BTreeMap<u64, Arc<Source>>,
    /// Where this participant is recorded, and what the patient agreed to.
    tape: Option<(TapeQueue, Agreed)>,
    /// What its browser can do with pictures, once it has offered; a reload does not change the machine.
    ability: Option<Ability>,
    /// What its camera was told to speak.
    camera: Codec,
    /// What was told last.
    told: (Vec<Slot>, (u8, u8)),
}

impl Switchboard {
    pub(super) fn new(common: Arc<Common>, events: mpsc::Sender<RelayEvent>, stop: CancellationToken) -> Self {
        let (notices, inbox) = mpsc::channel(NOTICES);
        Self {
            house: House::new(&common.config),
            common,
            stop,
            notices,
            inbox,
            events,
            outbox: VecDeque::new(),
            seats: HashMap::new(),
            floors: HashMap::new(),
        }
    }

    /// Serves until `stop`, or until nobody commands or listens any more.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<RelayCommand>) {
        let (stop, events) = (self.stop.clone(), self.events.clone());
        let mut listen = tokio::time::interval(LISTEN);
        listen.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_room = self.outbox.len() < OUTBOX;
            tokio::select! {
                () = stop.cancelled() => break,
                permit = events.reserve(), if !self.outbox.is_empty() => match (permit, self.outbox.pop_front()) {
                    (Ok(permit), Some(event)) => permit.send(event),
                    (Ok(_), None) => {}
                    (Err(_), _) => break,
                },
                command = commands.recv(), if has_room => match command {
                    Some(command) => self.command(command),
                    None => break,
                },
                Some(notice) = self.inbox.recv(), if has_room => self.notice(notice),
                _ = listen.tick(), if has_room => {
                    self.renew_broken();
                    self.listen();
                    self.agree();
                }
            }
        }
        let everybody: Vec<_> = self.seats.keys().copied().collect();
        for participant in everybody {
            self.remove(participant);
        }
        // The mux and the seats' tasks follow this token.
        stop.cancel();
    }

    fn command(&mut self, command: RelayCommand) {
        match command {
            RelayCommand::Admit { room, participant, mode, kept, permit } => {
                self.admit(participant, Claim { room, mode, kept }, permit);
            }
            RelayCommand::Offer { participant, offer_id, fresh, sdp } => {
                let reason = match self.seats.get(&participant) {
                    None => OfferRefusal::NotAdmitted,
                    Some(place) => match place.said.try_send(Said::Offer { offer_id, fresh, sdp }) {
                        Ok(()) => return,
                        Err(_) => OfferRefusal::Internal,
                    },
                };
                self.say(RelayEvent::OfferRefused { participant, offer_id, reason });
            }
            RelayCommand::View { participant, heights } => {
                // A browser says it again at every change.
                if let Some(place) = self.seats.get(&participant) {
                    let _ = place.said.try_send(Said::View(heights));
                }
            }
            RelayCommand::Unheard { participant, mids } => {
                if let Some(place) = self.seats.get(&participant) {
                    let _ = place.said.try_send(Said::Unheard(mids));
                }
            }
            RelayCommand::Permit { participant, permit } => self.permit(participant, permit),
            RelayCommand::Record { participant, agreed } => self.record(participant, agreed),
            RelayCommand::StopRecord { participant } => self.stop_record(participant),
            RelayCommand::Remove { participant } => {
                if let Some(room) = self.remove(participant) {
                    self.seat_room(room);
                }
            }
            RelayCommand::Close { room } => {
                let members: Vec<_> = self.members(room).collect();
                for participant in members {
                    self.remove(participant);
                }
            }
        }
    }

    /// Sets what passes. The gate holds from the next packet on, wherever it waits; the sections follow.
    fn permit(&mut self, participant: ParticipantId, permit: Permit) {
        let Some(place) = self.seats.get(&participant) else { return };
        place.gate.set(permit);
        let room = place.claim.room;
        self.seat_room(room);
        self.say(RelayEvent::Permitted { participant });
    }

    fn notice(&mut self, (participant, number, news): Notice) {
        let Some(place) = self.seats.get_mut(&participant).filter(|place| place.number == number) else {
            if let News::Left { was_connected: true } = news
                && !self.seats.contains_key(&participant)
            {
                self.say(RelayEvent::Connection { participant, state: MediaState::Closed });
            }
            return;
        };
        let room = place.claim.room;
        match news {
            News::Answered { offer_id, sdp, sections, ability } => {
                place.ability = Some(ability);
                // A section that is no longer there must not keep its source.
                let gone = |leg: &Section| !sections.iter().any(|section| Arc::ptr_eq(&section.leg, &leg.leg));
                place.sections.iter().filter(|section| gone(section)).for_each(|section| section.leg.carry(None));
                place.sections = sections;
                place.is_answered = true;
                self.say(RelayEvent::Answer { participant, offer_id, sdp });
                self.seat_participant(participant, true);
            }
            News::Refused { offer_id, reason } => self.say(RelayEvent::OfferRefused { participant, offer_id, reason }),
            News::Detached => {
                place.sections.drain(..).for_each(|section| section.leg.carry(None));
                place.told = Default::default();
                place.is_answered = false;
            }
            News::SourceUp(source) => {
                recordings::follow(&self.common, &self.notices, participant, place, &source);
                place.sources.insert(source.number, source);
                self.seat_room(room);
            }
            News::SourceDown(number) => {
                place.sources.remove(&number);
                self.seat_room(room);
            }
            News::Drowned(is_drowned) => self.say(RelayEvent::Drowned { participant, is_drowned }),
            News::Misses(missed) => self.say(RelayEvent::Misses { participant, missed }),
            News::Darkened => self.seat_participant(participant, false),
            News::Layers { mid, name, layers } => self.say(RelayEvent::Layers { participant, mid, name, layers }),
            News::State(state) => {
                let is_connected = state == MediaState::Connected;
                place.idle_since = (!is_connected).then(|| place.idle_since.unwrap_or_else(instant::now));
                self.say(RelayEvent::Connection { participant, state });
            }
            // What a recording says that was stopped in the meantime counts no longer, and falls through.
            News::Taped(is_kept) if place.tape.is_some() => self.say(RelayEvent::Taped { participant, is_kept }),
            News::Upstream { packets } => {
                // A measurement is worth nothing when the next one is already there.
                if self.outbox.len() < OUTBOX / 2 {
                    self.say(RelayEvent::Upstream { participant, packets });
                }
            }
            News::Taped(_) | News::Left { .. } => {}
        }
    }

    fn members(&self, room: RoomId) -> impl Iterator<Item = ParticipantId> {
        self.seats.iter().filter(move |(_, place)| place.claim.room == room).map(|(participant, _)| *participant)
    }

    fn say(&mut self, event: RelayEvent) {
        self.outbox.push_back(event);
    }
}
