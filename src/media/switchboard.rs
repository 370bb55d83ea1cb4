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
use super::house::{Claim, House, Taken, Verdict};
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
    camera: PictureCodec,
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

    fn admit(&mut self, participant: ParticipantId, claim: Claim, permit: Permit) {
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
            camera: PictureCodec::Vp8,
            told: Default::default(),
        };
        self.seats.insert(participant, place);
    }

    /// A seat whose task broke, over whatever its browser or the engine did, is made anew under the same permit; its browser
    /// hears that its connection is closed, and offers again.
    fn renew_broken(&mut self) {
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

    /// Sets what passes. The gate holds from the next packet on, wherever it waits; the sections follow.
    fn permit(&mut self, participant: ParticipantId, permit: Permit) {
        let Some(place) = self.seats.get(&participant) else { return };
        place.gate.set(permit);
        let room = place.claim.room;
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
        let room = place.claim.room;
        let tape = TapeQueue::start(recorder, room, agreed.clone(), tell, counters, &self.common.tracker);
        place.sources.values().for_each(|source| source.record(&tape));
        place.tape = Some((tape, agreed));
    }

    /// Stops the recording of a participant. When this returns no packet goes into it any more.
    fn stop_record(&mut self, participant: ParticipantId) {
        let Some(place) = self.seats.get_mut(&participant) else { return };
        let Some((tape, _)) = place.tape.take() else { return };
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
        let beside = self.seats.values().filter(|other| other.claim.room == place.claim.room);
        for section in beside.flat_map(|other| &other.sections) {
            if section.leg.source().is_some_and(|source| source.owner == participant) {
                section.leg.carry(None);
            }
        }
        place.stop.cancel();
        Some(place.claim.room)
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
                if let Some((tape, _)) = &place.tape {
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
                let of = place.ability.as_ref().filter(|_| place.claim.mode == RelayMode::Conference)?;
                // Of most cameras nothing is to be asked, and the house may be full.
                if of.camera.first() != Some(&PictureCodec::H264) && place.camera == PictureCodec::Vp8 {
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

    fn members(&self, room: RoomId) -> impl Iterator<Item = ParticipantId> {
        self.seats.iter().filter(move |(_, place)| place.claim.room == room).map(|(participant, _)| *participant)
    }

    fn say(&mut self, event: RelayEvent) {
        self.outbox.push_back(event);
    }
}
