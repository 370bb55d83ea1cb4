//! The one task that knows who is in which room, and which source goes to whom.
//!
//! It never waits for a participant: seats are tasks of their own with bounded queues, and what it has to say to the
//! caller waits in an outbox. When the outbox is full it takes no more commands until the caller has listened; media
//! goes on meanwhile, for packets do not pass through here.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::common::Common;
use super::gate::Gate;
use super::instant;
use super::peer::Section;
use super::seat::{News, Notice, Said, Seat};
use super::slots::{self, Wanted};
use super::source::Source;
use super::tape::{TapeQueue, Teller};
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::recording::Agreed;
use crate::domain::room::codec::{self, Ability, PictureCodec};
use crate::domain::room::relay::{
    MediaKind, MediaState, OfferRefusal, Permit, RelayCommand, RelayEvent, RelayMode, Slot,
};
use crate::domain::room::speaker::Floor;

/// Words that wait at a seat. A browser has one offer in flight; a flood is refused.
const WORDS: usize = 8;
/// How often it is looked who speaks.
const LISTEN: Duration = Duration::from_millis(200);
/// News that wait here.
const NOTICES: usize = 1024;
/// Events that wait for the caller before we stop listening to commands.
const OUTBOX: usize = 4096;

/// Rooms and seats.
pub(super) struct Switchboard {
    common: Arc<Common>,
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
    room: RoomId,
    mode: RelayMode,
    kept: bool,
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
    /// Where this participant is recorded.
    tape: Option<TapeQueue>,
    /// What its browser can do with pictures, once it has offered; a reload does not change the machine.
    ability: Option<Ability>,
    /// What its camera was told to speak.
    camera: PictureCodec,
    /// What was told last.
    told: (Vec<Slot>, (u8, u8)),
}

impl Switchboard {
    pub(super) fn new(common: Arc<Common>, events: mpsc::Sender<RelayEvent>, stop: CancellationToken) -> Self {
        let (notices, inbox) = mpsc::channel(NOTICES);
        Self {
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
                self.admit(room, participant, mode, kept, permit);
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

    fn admit(&mut self, room: RoomId, participant: ParticipantId, mode: RelayMode, kept: bool, permit: Permit) {
        if let Some(place) = self.seats.get(&participant).filter(|place| place.room == room && place.mode == mode) {
            place.gate.set(permit);
            self.seat_room(room);
            return;
        }
        if let Some(former) = self.remove(participant) {
            self.seat_room(former);
        }
        let now = instant::now();
        if !self.has_room(room) || !self.make_way(kept, mode, now) {
            tracing::warn!(room.id = %room, participant.id = %participant, "no media seat is left");
            return;
        }
        let (said, received) = mpsc::channel(WORDS);
        let (number, stop) = (self.common.number(), self.stop.child_token());
        let (gate, notices) = (Arc::new(Gate::new(permit)), self.notices.clone());
        let common = Arc::clone(&self.common);
        let seat = Seat::new(common, (participant, kept), number, Arc::clone(&gate), notices, stop.clone());
        self.common.tracker.spawn(seat.run(received));
        let place = Place {
            room,
            mode,
            kept,
            idle_since: Some(now),
            number,
            gate,
            said,
            stop,
            is_answered: false,
            sections: Vec::new(),
            sources: BTreeMap::new(),
            tape: None,
            ability: None,
            camera: PictureCodec::Vp8,
            told: Default::default(),
        };
        self.seats.insert(participant, place);
    }

    fn has_room(&self, room: RoomId) -> bool {
        self.members(room).count() < self.common.config.seats_per_room
    }

    /// Finds a seat in the house, if need be that of an idle check or caller, or for a caller that of any check; who loses it
    /// is told. `false` when there is none.
    fn make_way(&mut self, kept: bool, mode: RelayMode, now: Instant) -> bool {
        let seats = self.common.config.seats;
        let in_hall = self.seats.values().filter(|place| !place.kept).count();
        if kept || in_hall < seats / 2 {
            return self.seats.len() < seats;
        }
        let check = || self.newest_check().filter(|_| mode == RelayMode::Conference);
        let Some(leaves) = self.longest_idle(now).or_else(check) else { return false };
        if let Some(former) = self.remove(leaves) {
            self.seat_room(former);
        }
        // Its browser tries again, and hears that it has no seat any more.
        self.say(RelayEvent::Connection { participant: leaves, state: MediaState::Closed });
        true
    }

    /// The check that has just begun: whoever is nearly done may finish.
    fn newest_check(&self) -> Option<ParticipantId> {
        let checks = self.seats.iter().filter(|(_, place)| !place.kept && place.mode == RelayMode::Loopback);
        checks.max_by_key(|(_, place)| place.number).map(|(participant, _)| *participant)
    }

    /// The check or caller without a connection for longest, and for long enough that its seat may be given to another.
    fn longest_idle(&self, now: Instant) -> Option<ParticipantId> {
        let idle = self.common.config.idle;
        let hall = self.seats.iter().filter(|(_, place)| !place.kept);
        let waiting = hall.filter_map(|(participant, place)| Some((place.idle_since?, *participant)));
        let longest = waiting.filter(|(since, _)| now.saturating_duration_since(*since) >= idle).min();
        longest.map(|(_, participant)| participant)
    }

    /// Sets what passes. The gate holds from the next packet on, wherever it waits; the sections follow.
    fn permit(&mut self, participant: ParticipantId, permit: Permit) {
        let Some(place) = self.seats.get(&participant) else { return };
        place.gate.set(permit);
        let room = place.room;
        self.seat_room(room);
        self.say(RelayEvent::Permitted { participant });
    }

    fn record(&mut self, participant: ParticipantId, agreed: Agreed) {
        let (Some(place), Some(recorder)) = (self.seats.get_mut(&participant), &self.common.config.recorder) else {
            return;
        };
        if place.tape.is_some() {
            return;
        }
        let (recorder, counters) = (Arc::clone(recorder), &self.common.counters);
        let tell = Teller { notices: self.notices.clone(), participant, number: place.number };
        let tape = TapeQueue::start(recorder, place.room, agreed, tell, counters, &self.common.tracker);
        place.sources.values().for_each(|source| source.record(&tape));
        place.tape = Some(tape);
    }

    /// Stops the recording of a participant. When this returns no packet goes into it any more.
    fn stop_record(&mut self, participant: ParticipantId) {
        let Some(place) = self.seats.get_mut(&participant) else { return };
        let Some(tape) = place.tape.take() else { return };
        tape.withdraw();
        place.sources.values().for_each(|source| source.stop_record());
        self.say(RelayEvent::Taped { participant, is_kept: false });
    }

    /// Takes a seat away. When this returns no packet from or to it passes.
    fn remove(&mut self, participant: ParticipantId) -> Option<RoomId> {
        let place = self.seats.remove(&participant)?;
        for source in place.sources.values() {
            source.end();
        }
        place.sections.iter().for_each(|section| section.leg.carry(None));
        for section in self.seats.values().filter(|other| other.room == place.room).flat_map(|other| &other.sections) {
            if section.leg.source().is_some_and(|source| source.owner == participant) {
                section.leg.carry(None);
            }
        }
        place.stop.cancel();
        Some(place.room)
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
        let room = place.room;
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
                if let Some(tape) = &place.tape {
                    source.record(tape);
                }
                place.sources.insert(source.number, source);
                self.seat_room(room);
            }
            News::SourceDown(number) => {
                place.sources.remove(&number);
                self.seat_room(room);
            }
            News::Drowned(is_drowned) => self.say(RelayEvent::Drowned { participant, is_drowned }),
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

    fn seat_room(&mut self, room: RoomId) {
        let members: Vec<_> = self.members(room).collect();
        for participant in members {
            self.seat_participant(participant, false);
        }
    }

    /// Points a participant's sections at what it should receive now, and tells it, if that changed or `anyway`.
    fn seat_participant(&mut self, participant: ParticipantId, anyway: bool) {
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

    /// Looks who speaks in every room, and says where that changed.
    fn listen(&mut self) {
        let mut rooms: HashMap<RoomId, Vec<(ParticipantId, f32)>> = HashMap::new();
        for (participant, place) in self.seats.iter().filter(|(_, place)| place.mode == RelayMode::Conference) {
            let sound = place.sources.values().filter(|source| source.kind == MediaKind::Audio && source.may_pass());
            let level = sound.map(|source| {
                source.loudness.fade();
                source.loudness.now()
            });
            rooms.entry(place.room).or_default().push((*participant, level.fold(0.0, f32::max)));
        }
        self.floors.retain(|room, _| rooms.contains_key(room));
        for (room, levels) in rooms {
            let floor = self.floors.entry(room).or_default();
            if floor.observe(&levels) {
                let participant = floor.holder();
                self.say(RelayEvent::Speaker { room, participant });
            }
        }
    }

    /// Looks whether every camera speaks what all who are with it can show; whoever should speak otherwise offers again.
    fn agree(&mut self) {
        let told: Vec<_> = self
            .seats
            .iter()
            .filter_map(|(participant, place)| {
                let of = place.ability.as_ref().filter(|_| place.mode == RelayMode::Conference)?;
                // Of most cameras nothing is to be asked, and the house may be full.
                if of.camera.first() != Some(&PictureCodec::H264) && place.camera == PictureCodec::Vp8 {
                    return None;
                }
                let others =
                    self.seats.iter().filter(|(other, there)| *other != participant && there.room == place.room);
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

    fn sources_for(&self, participant: ParticipantId, place: &Place) -> BTreeMap<u64, Arc<Source>> {
        if !place.gate.receives() {
            return BTreeMap::new();
        }
        let given = |(other, there): &(&ParticipantId, &Place)| match place.mode {
            RelayMode::Loopback => **other == participant,
            RelayMode::Conference => {
                there.room == place.room && there.mode == RelayMode::Conference && **other != participant
            }
        };
        let sources = self.seats.iter().filter(given).flat_map(|(_, there)| &there.sources);
        let sources = sources.filter(|(_, source)| source.may_pass());
        sources.map(|(number, source)| (*number, Arc::clone(source))).collect()
    }

    fn members(&self, room: RoomId) -> impl Iterator<Item = ParticipantId> {
        self.seats.iter().filter(move |(_, place)| place.room == room).map(|(participant, _)| *participant)
    }

    fn say(&mut self, event: RelayEvent) {
        self.outbox.push_back(event);
    }
}
