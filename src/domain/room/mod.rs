//! The live room: a value, not a task.
//!
//! [`Room::handle`] takes what happened and the moment, and returns what must follow, in order. The driver in
//! `services::live` owns the value, feeds it, and carries out its outputs; nothing here waits.
//!
//! Law of admission: a seat exists only by [`Input::Join`], which the driver gives only for a grant; without a seat there
//! is no output that names the room, anybody in it, or its media. Seats outlive sockets: a lost socket keeps its seat for
//! [`SEAT_GRACE`], and whoever joins by a grant for the same seat takes it up again. An invited person stands in front of
//! the door until a host admits them ([`Standing::Door`]): until then they are told that they wait, and nothing else.
//! Whoever was removed stays out until the room ends, and who left while held apart or muted comes back so, whatever is written
//! elsewhere.
//!
//! A check in which nobody sits ends by itself after [`CHECK_GRACE`]; every other room is ended by whoever opened it.

pub mod codec;
pub mod drowning;
mod happening;
mod hosting;
pub mod layers;
pub mod missing;
pub mod relay;
mod retold;
mod roles;
mod seat;
mod silence;
mod sockets;
pub mod speaker;
mod still;
mod view;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId};
use crate::domain::recording::Agreed;
use crate::domain::room::missing::Missed;
use crate::domain::room::relay::{RelayCommand, RelayEvent, RelayMode, SourceName};
use crate::domain::room::retold::Retold;
use crate::domain::room::silence::Watch;
use crate::domain::room::sockets::Newest;
use crate::domain::time::Timestamp;

pub use happening::{Input, Notice, Output};
pub use roles::{HostAct, ParticipantRole, Rights};
pub use seat::{CAPACITY, CHECK_GRACE, SEAT_GRACE, Seat, Standing};
pub use still::{STILL_EVERY, STILL_MOST, Still, StillRefusal};
pub use view::{
    Knock, Participant, PictureAsk, PictureOf, Presence, Quality, RoomEnd, RoomPurpose, RoomState, Rung, SelfMedia,
};

#[derive(Clone, Debug)]
struct Taken {
    seat: Seat,
    connection: ConnectionId,
    newest: Newest,
    presence: Presence,
    media: SelfMedia,
    watch: Watch,
    retold: Retold,
    /// When it showed its last still.
    still_at: Option<Timestamp>,
    /// Whether the relay records it now.
    taped: bool,
    /// The sound alone is too much for what passes to it.
    is_drowned: bool,
    /// What is sent to this person and does not arrive.
    misses: Vec<Missed>,
}

impl Taken {
    fn new(seat: Seat, connection: ConnectionId, socket: u64) -> Self {
        let (newest, presence, media) = (Newest::here(socket), Presence::Here, SelfMedia::default());
        let (watch, retold, still_at) = (Watch::default(), Retold::default(), None);
        let (taped, is_drowned, misses) = (false, false, Vec::new());
        Self { seat, connection, newest, presence, media, watch, retold, still_at, taped, is_drowned, misses }
    }

    /// Passes on what the relay says.
    fn tell(&mut self, event: RelayEvent) -> Output {
        self.retold.keep(&event);
        Output::Tell(self.connection, Notice::Media(event))
    }
}

/// A room with its seats.
#[derive(Clone, Debug)]
pub struct Room {
    id: RoomId,
    epoch: i64,
    purpose: RoomPurpose,
    /// To what its patient agreed, where the clinic records.
    recording: Option<Agreed>,
    opened_at: Timestamp,
    taken: Vec<Taken>,
    /// Since when nobody sits here.
    empty_since: Option<Timestamp>,
    /// Who was taken out by a host.
    removed: Vec<ParticipantId>,
    /// Who left while held apart or muted. An act that takes away is done here first and written after: who leaves and comes
    /// back at once would find the seat as it was.
    left: Vec<Seat>,
    picture: Option<PictureAsk>,
    ended: Option<RoomEnd>,
}

impl Room {
    /// An empty room.
    pub fn new(id: RoomId, epoch: i64, purpose: RoomPurpose, recording: Option<Agreed>, now: Timestamp) -> Self {
        Self {
            id,
            epoch,
            purpose,
            recording,
            opened_at: now,
            taken: Vec::new(),
            empty_since: Some(now),
            removed: Vec::new(),
            left: Vec::new(),
            picture: None,
            ended: None,
        }
    }

    /// Applies `input` as of `now` and returns what must follow from it, in order. A room that has ended answers whoever
    /// still comes, and nothing else.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        if let Some(reason) = self.ended {
            let Input::Join { connection, .. } = input else { return Vec::new() };
            return vec![Output::Tell(connection, Notice::Ended(reason))];
        }
        let outputs = self.happens(now, input);
        self.empty_since = self.taken.is_empty().then(|| self.empty_since.unwrap_or(now));
        outputs
    }

    fn happens(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        match input {
            Input::Join { seat, connection, socket } => self.join(seat, connection, socket),
            Input::Lost { connection, socket } => self.lost(now, connection, socket),
            Input::Back { connection, socket } => self.back(connection, socket),
            Input::Offer { connection, offer_id, fresh, sdp } => {
                let Some(taken) = self.inside(connection) else { return Vec::new() };
                taken.retold.offered();
                if fresh {
                    taken.retold.begin_anew();
                    taken.watch.begins_anew(now);
                }
                let participant = taken.seat.participant;
                vec![Output::Relay(RelayCommand::Offer { participant, offer_id, fresh, sdp })]
            }
            Input::Media(connection, media) => {
                let Some(taken) = self.inside(connection) else { return Vec::new() };
                let mut media = taken.seat.role.clamp(media);
                media.microphone &= !taken.seat.muted;
                if taken.media == media {
                    return Vec::new();
                }
                let did_show = taken.may_show();
                taken.watch.says(now, &media);
                taken.media = media;
                let ends = did_show && !taken.may_show();
                let mut outputs: Vec<_> = ends.then(|| taken.withhold()).into_iter().collect();
                outputs.extend(self.tell_everybody());
                outputs
            }
            Input::Still { connection, id, still } => self.still(now, connection, id, &still),
            Input::View(connection, heights) => {
                let Some(taken) = self.by_connection(connection) else { return Vec::new() };
                let participant = taken.seat.participant;
                vec![Output::Relay(RelayCommand::View { participant, heights })]
            }
            Input::Unheard(connection, mids) => {
                let Some(taken) = self.by_connection(connection) else { return Vec::new() };
                let participant = taken.seat.participant;
                vec![Output::Relay(RelayCommand::Unheard { participant, mids })]
            }
            Input::Leave(connection) => {
                let Some(participant) = self.by_connection(connection).map(|taken| taken.seat.participant) else {
                    return Vec::new();
                };
                self.vacate(participant, None)
            }
            Input::Host { by, participant, act } => self.host(now, by, participant, act),
            Input::Unmute(connection) => self.unmute(connection),
            Input::AskPicture { by, ask } => self.ask_picture(by, ask),
            Input::CallOffPicture(connection) => self.call_off_picture(connection),
            Input::PictureKept(id) => self.picture_kept(id),
            Input::Said => self.said(),
            Input::StopRecording => self.stop_recording(),
            Input::Relay(event) => self.relay(now, event),
            Input::End(reason) => self.end(reason),
            Input::Tick if self.ends_empty_at().is_some_and(|at| at <= now) => self.end(RoomEnd::Finished),
            Input::Tick => {
                let overdue: Vec<_> = self.overdue(now).collect();
                let mut outputs: Vec<_> =
                    overdue.into_iter().flat_map(|participant| self.vacate(participant, None)).collect();
                // All are looked at, whoever is the first that fell silent.
                if self.taken.iter_mut().fold(false, |any, taken| taken.watch.passes(now) | any) {
                    outputs.extend(self.tell_everybody());
                }
                outputs
            }
        }
    }

    /// When the room next wants an [`Input::Tick`], if ever.
    pub fn deadline(&self) -> Option<Timestamp> {
        let seats = self.taken.iter().filter_map(|taken| lost_until(taken.presence));
        let watches = self.taken.iter().filter_map(|taken| taken.watch.deadline());
        seats.chain(watches).chain(self.ends_empty_at()).min()
    }

    /// When a check ends by itself: whoever looked at the own picture has gone, and nobody else will say that it is over.
    fn ends_empty_at(&self) -> Option<Timestamp> {
        let is_check = self.ended.is_none() && self.purpose == RoomPurpose::Check;
        self.empty_since.filter(|_| is_check).map(|since| since + CHECK_GRACE)
    }

    /// The room's id.
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// What it is for.
    pub fn purpose(&self) -> RoomPurpose {
        self.purpose
    }

    /// Whether this participant has a seat here.
    pub fn has(&self, participant: ParticipantId) -> bool {
        self.taken.iter().any(|taken| taken.seat.participant == participant)
    }

    /// Whether this connection has a seat here.
    pub fn seats(&self, connection: ConnectionId) -> bool {
        self.taken.iter().any(|taken| taken.connection == connection)
    }

    /// The room as `connection` sees it; nothing for who has no seat.
    pub fn state_for(&self, connection: ConnectionId) -> Option<RoomState> {
        let own = self.taken.iter().find(|taken| taken.connection == connection)?;
        let (you, standing) = (own.seat.participant, own.seat.standing);
        if standing == Standing::Door {
            return None;
        }
        let is_inside = standing == Standing::Inside;
        // Whoever is held apart sees nobody but themselves.
        let seen = self.taken.iter().filter(|taken| match taken.seat.standing {
            Standing::Door => false,
            Standing::Inside | Standing::Held => is_inside || taken.seat.participant == you,
        });
        // Of those alone whom the person should hear and see, and whom whoever reads this sees as well.
        let is_heard = |id: ParticipantId| {
            let stands = |taken: &Taken| taken.seat.participant == id && taken.seat.standing == Standing::Inside;
            is_inside && self.taken.iter().any(stands)
        };
        let misses = |taken: &Taken| {
            let is_apart = taken.seat.standing != Standing::Inside;
            taken.misses.iter().filter(|missed| !is_apart && is_heard(missed.source)).copied().collect()
        };
        let participants = seen.map(|taken| Participant {
            id: taken.seat.participant,
            role: taken.seat.role,
            name: taken.seat.name.clone(),
            presence: taken.presence,
            media: taken.media.clone(),
            silent: taken.watch.silent(),
            cut: taken.watch.is_cut(),
            drowned: taken.is_drowned,
            misses: misses(taken),
            held: taken.seat.standing == Standing::Held,
            muted: taken.seat.muted,
        });
        let hosts = is_inside && own.seat.role.rights().hosts;
        let door = self.taken.iter().filter(|taken| hosts && taken.seat.standing == Standing::Door);
        let door = door.map(|taken| Knock {
            id: taken.seat.participant,
            role: taken.seat.role,
            name: taken.seat.name.clone(),
            presence: taken.presence,
        });
        Some(RoomState {
            room: self.id,
            epoch: self.epoch,
            purpose: self.purpose,
            you,
            participants: participants.collect(),
            opened_at: self.opened_at,
            recording: self.is_recording(),
            door: door.collect(),
            // Whoever knows its name could take it, in a visit of their own.
            picture: self.picture.filter(|_| hosts || is_inside && own.seat.role == ParticipantRole::Patient),
        })
    }

    fn join(&mut self, seat: Seat, connection: ConnectionId, socket: u64) -> Vec<Output> {
        if self.removed.contains(&seat.participant) {
            return vec![Output::Tell(connection, Notice::Ended(RoomEnd::Removed))];
        }
        let mut outputs = Vec::new();
        if let Some(taken) = self.taken.iter_mut().find(|taken| taken.seat.participant == seat.participant) {
            if taken.connection != connection {
                outputs.push(Output::Tell(taken.connection, Notice::Ended(RoomEnd::Replaced)));
                taken.connection = connection;
                taken.newest = Newest::here(socket);
                taken.presence = Presence::Here;
            } else if taken.newest.comes(socket) {
                taken.presence = Presence::Here;
            }
            // The relay may have given the place to somebody else meanwhile, or have had none. Where it has not, this
            // changes nothing.
            if taken.seat.standing != Standing::Door {
                let seat = taken.seat.clone();
                outputs.extend(self.enter(&seat));
            }
        } else if self.count(|standing| (standing == Standing::Door) == (seat.standing == Standing::Door)) >= CAPACITY {
            return vec![Output::Tell(connection, Notice::Full)];
        } else {
            let seat = self.as_left(seat);
            if seat.standing != Standing::Door {
                outputs.extend(self.enter(&seat));
            }
            self.taken.push(Taken::new(seat, connection, socket));
        }
        let is_outside = self.inside(connection).is_none();
        outputs.extend(is_outside.then_some(Output::Tell(connection, Notice::Door)));
        outputs.extend(self.tell_everybody());
        outputs
    }

    /// The seat with what was taken away from it when its participant left.
    fn as_left(&mut self, mut seat: Seat) -> Seat {
        let Some(at) = self.left.iter().position(|left| left.participant == seat.participant) else { return seat };
        let left = self.left.swap_remove(at);
        seat.muted |= left.muted;
        if left.standing == Standing::Held && seat.standing == Standing::Inside {
            seat.standing = Standing::Held;
        }
        seat
    }

    /// Whether its patient came through an open door: whoever has a telephone may open checks, and anybody the lines of red
    /// flags. They may not fill the relay.
    pub fn is_open_door(&self) -> bool {
        matches!(self.purpose, RoomPurpose::Check | RoomPurpose::Emergency)
    }

    /// What gives a seat its media: the place in the relay, with what may pass there.
    fn enter(&self, seat: &Seat) -> Vec<Output> {
        let mode = if self.purpose == RoomPurpose::Check { RelayMode::Loopback } else { RelayMode::Conference };
        let participant = seat.participant;
        let kept = !(self.is_open_door() && seat.role == ParticipantRole::Patient);
        let permit = seat.role.permit(seat.standing != Standing::Inside, seat.muted);
        let mut outputs = vec![Output::Relay(RelayCommand::Admit { room: self.id, participant, mode, kept, permit })];
        // A room records when its patient agreed; whoever else comes was not asked.
        if let Some(agreed) = self.recording.as_ref().filter(|_| is_recorded(seat.role)) {
            outputs.push(Output::Relay(RelayCommand::Record { participant, agreed: agreed.clone() }));
        }
        outputs
    }

    fn count(&self, wanted: impl Fn(Standing) -> bool) -> usize {
        self.taken.iter().filter(|taken| wanted(taken.seat.standing)).count()
    }

    fn lost(&mut self, now: Timestamp, connection: ConnectionId, socket: u64) -> Vec<Output> {
        let Some(taken) = self.by_connection(connection) else { return Vec::new() };
        if !taken.newest.goes(socket) || matches!(taken.presence, Presence::Lost { .. }) {
            return Vec::new();
        }
        taken.presence = Presence::Lost { since: now };
        self.tell_everybody()
    }

    /// Whoever comes back is told the whole room, even when nobody had noticed the loss, and what the relay said meanwhile.
    fn back(&mut self, connection: ConnectionId, socket: u64) -> Vec<Output> {
        let Some(taken) = self.by_connection(connection) else { return Vec::new() };
        if !taken.newest.comes(socket) {
            return Vec::new();
        }
        let was_lost = matches!(taken.presence, Presence::Lost { .. });
        taken.presence = Presence::Here;
        let mut outputs = if was_lost { self.tell_everybody() } else { Vec::new() };
        let is_told = !outputs.is_empty();
        let state = self.state_for(connection);
        let Some(taken) = self.by_connection(connection) else { return Vec::new() };
        match state {
            None => outputs.push(Output::Tell(connection, Notice::Door)),
            Some(state) if !is_told => outputs.push(Output::Tell(connection, Notice::State(state))),
            Some(_) => {}
        }
        // Who speaks is told to nobody who is held apart.
        let is_inside = taken.seat.standing == Standing::Inside;
        let retold = taken.retold.again().filter(|event| is_inside || !matches!(event, RelayEvent::Speaker { .. }));
        outputs.extend(retold.map(|event| Output::Tell(connection, Notice::Media(event))));
        outputs
    }

    /// Passes the relay's words on to the participant that they are about, or to all.
    fn relay(&mut self, now: Timestamp, event: RelayEvent) -> Vec<Output> {
        let about = match &event {
            RelayEvent::Answer { participant, .. }
            | RelayEvent::OfferRefused { participant, .. }
            | RelayEvent::Slots { participant, .. }
            | RelayEvent::Layers { participant, .. }
            | RelayEvent::OfferAgain { participant }
            | RelayEvent::Connection { participant, .. } => *participant,
            RelayEvent::Speaker { .. } => {
                let told = self.taken.iter_mut().filter(|taken| taken.seat.standing == Standing::Inside);
                return told.map(|taken| taken.tell(event.clone())).collect();
            }
            RelayEvent::Upstream { participant, packets } => {
                let taken = self.taken.iter_mut().find(|taken| taken.seat.participant == *participant);
                let has_changed = taken.is_some_and(|taken| taken.watch.hears(now, *packets));
                return if has_changed { self.tell_everybody() } else { Vec::new() };
            }
            RelayEvent::Drowned { participant, is_drowned } => {
                let taken = self.taken.iter_mut().find(|taken| taken.seat.participant == *participant);
                let before = taken.map(|taken| std::mem::replace(&mut taken.is_drowned, *is_drowned));
                return if before.is_some_and(|before| before != *is_drowned) {
                    self.tell_everybody()
                } else {
                    Vec::new()
                };
            }
            RelayEvent::Misses { participant, missed } => {
                let taken = self.taken.iter_mut().find(|taken| taken.seat.participant == *participant);
                let before = taken.map(|taken| std::mem::replace(&mut taken.misses, missed.clone()));
                return if before.is_some_and(|before| before != *missed) { self.tell_everybody() } else { Vec::new() };
            }
            RelayEvent::Taped { participant, is_kept } => return self.taped(*participant, *is_kept),
            RelayEvent::Permitted { .. } => return Vec::new(),
        };
        let Some(taken) = self.taken.iter_mut().find(|taken| taken.seat.participant == about) else {
            return Vec::new();
        };
        let matters_to_all = match &event {
            RelayEvent::Connection { state, .. } => taken.watch.turns(now, *state),
            RelayEvent::Layers { name: SourceName::Camera, layers, .. } => {
                taken.watch.is_watched(now, !layers.is_empty());
                false
            }
            _ => false,
        };
        let mut outputs = vec![taken.tell(event)];
        if matters_to_all {
            outputs.extend(self.tell_everybody());
        }
        outputs
    }

    /// The room says that it records while the relay says that somebody is recorded: not before, and not when it cannot.
    fn taped(&mut self, participant: ParticipantId, is_kept: bool) -> Vec<Output> {
        let was_recording = self.is_recording();
        let Some(taken) = self.taken.iter_mut().find(|taken| taken.seat.participant == participant) else {
            return Vec::new();
        };
        taken.taped = is_kept && self.recording.is_some();
        if self.is_recording() == was_recording { Vec::new() } else { self.tell_everybody() }
    }

    /// Stops what runs, for good. The mark goes out when the relay says that it has stopped.
    fn stop_recording(&mut self) -> Vec<Output> {
        if self.recording.take().is_none() {
            return Vec::new();
        }
        let recorded = self.taken.iter().map(|taken| &taken.seat).filter(|seat| is_recorded(seat.role));
        recorded.map(|seat| Output::Relay(RelayCommand::StopRecord { participant: seat.participant })).collect()
    }

    /// Who was invited hears of the conversation here, while they may read it; everybody else follows the visit.
    fn said(&self) -> Vec<Output> {
        let may_read = |taken: &&Taken| {
            let Seat { role, standing, .. } = taken.seat;
            standing == Standing::Inside && role.is_invited() && role.rights().talks
        };
        self.taken.iter().filter(may_read).map(|taken| Output::Tell(taken.connection, Notice::Said)).collect()
    }

    fn is_recording(&self) -> bool {
        self.taken.iter().any(|taken| taken.taped)
    }

    fn vacate(&mut self, participant: ParticipantId, reason: Option<RoomEnd>) -> Vec<Output> {
        let Some(at) = self.taken.iter().position(|taken| taken.seat.participant == participant) else {
            return Vec::new();
        };
        let gone = self.taken.remove(at);
        if gone.seat.standing == Standing::Held || gone.seat.muted {
            self.left.push(gone.seat.clone());
        }
        let mut outputs = vec![Output::Relay(RelayCommand::Remove { participant }), gone.withhold()];
        outputs.extend(reason.map(|reason| Output::Tell(gone.connection, Notice::Ended(reason))));
        outputs.extend(self.tell_everybody());
        outputs
    }

    fn end(&mut self, reason: RoomEnd) -> Vec<Output> {
        self.ended = Some(reason);
        // The relay first: after the end no packet passes, whatever becomes of the messages.
        let mut outputs = vec![Output::Relay(RelayCommand::Close { room: self.id })];
        let told = self.taken.drain(..).map(|taken| Output::Tell(taken.connection, Notice::Ended(reason)));
        outputs.extend(told);
        outputs.push(Output::Forget);
        outputs
    }

    fn tell_everybody(&self) -> Vec<Output> {
        let told = self.taken.iter().filter_map(|taken| Some((taken.connection, self.state_for(taken.connection)?)));
        told.map(|(connection, state)| Output::Tell(connection, Notice::State(state))).collect()
    }

    fn overdue(&self, now: Timestamp) -> impl Iterator<Item = ParticipantId> {
        let late = self.taken.iter().filter(move |taken| lost_until(taken.presence).is_some_and(|until| until <= now));
        late.map(|taken| taken.seat.participant)
    }

    /// Who sits by this connection, when they are past the door.
    fn inside(&mut self, connection: ConnectionId) -> Option<&mut Taken> {
        self.by_connection(connection).filter(|taken| taken.seat.standing != Standing::Door)
    }

    fn by_connection(&mut self, connection: ConnectionId) -> Option<&mut Taken> {
        self.taken.iter_mut().find(|taken| taken.connection == connection)
    }
}

/// Who belongs to the process record; nobody else was asked.
const fn is_recorded(role: ParticipantRole) -> bool {
    matches!(role, ParticipantRole::Patient | ParticipantRole::Doctor)
}

fn lost_until(presence: Presence) -> Option<Timestamp> {
    match presence {
        Presence::Lost { since } => Some(since + SEAT_GRACE),
        Presence::Here => None,
    }
}

#[cfg(test)]
mod still_tests;
#[cfg(test)]
mod tests;
