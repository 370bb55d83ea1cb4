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
mod coming;
pub mod drowning;
mod happening;
mod heard;
mod hosting;
pub mod layers;
pub mod missing;
mod newest;
mod recording;
pub mod relay;
mod retold;
mod roles;
mod seat;
mod seeing;
mod silence;
mod sockets;
pub mod speaker;
mod still;
mod view;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId};
use crate::domain::recording::Agreed;
use crate::domain::room::coming::lost_until;
use crate::domain::room::missing::Missed;
use crate::domain::room::relay::{RelayCommand, RelayEvent};
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

/// What was taken away from somebody who does not sit here.
#[derive(Clone, Debug)]
struct Left {
    participant: ParticipantId,
    held: bool,
    muted: bool,
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
    /// Who left while held apart or muted, or was when they were away. An act that takes away is done here first and written
    /// after: who leaves and comes back at once would find the seat as it was.
    left: Vec<Left>,
    /// How often a host said of whom that they are to be held apart.
    times_apart: Vec<(ParticipantId, u64)>,
    /// The same of everybody else together: no hold is ever uncounted, and at worst a word that gives is said again.
    times_others_apart: u64,
    /// Words of hosts that were done before their turn.
    ahead: Vec<u64>,
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
            times_apart: Vec::new(),
            times_others_apart: 0,
            ahead: Vec::new(),
            picture: None,
            ended: None,
        }
    }

    /// Applies `input` as of `now` and returns what must follow from it, in order. A room that has ended answers whoever
    /// still comes or looks, and nothing else.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        if let Some(reason) = self.ended {
            return match input {
                Input::Join { connection, .. } => vec![Output::Tell(connection, Notice::Ended(reason))],
                // Nobody stands in front of it any more.
                Input::LetIn { by, id, .. } => vec![Output::Tell(by, Notice::LetIn(id))],
                Input::Look { question, .. } => vec![Output::Seen { question, seat: None, times_apart: 0 }],
                _ => Vec::new(),
            };
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
            Input::Give { participant, times_apart, .. } if self.times_apart(participant) != times_apart => Vec::new(),
            Input::Host { by, participant, act } | Input::Give { by, participant, act, .. } => {
                self.host(now, by, participant, act)
            }
            Input::HostAhead { word, by, participant, act } => self.host_ahead(now, word, (by, participant, act)),
            Input::HostInTurn { word, .. } if self.was_ahead(word) => Vec::new(),
            Input::HostInTurn { by, participant, act, .. } => self.host(now, by, participant, act),
            Input::LetIn { by, participant, id } => self.let_in(by, participant, id),
            Input::Unmute(connection) => self.unmute(connection),
            Input::AskPicture { by, ask } => self.ask_picture(by, ask),
            Input::CallOffPicture(connection) => self.call_off_picture(connection),
            Input::PictureKept(id) => self.picture_kept(id),
            Input::Said => self.said(),
            Input::StopRecording => self.stop_recording(),
            Input::Relay(event) => self.relay(now, event),
            Input::End(reason) => self.end(reason),
            Input::Look { question, participant } => {
                let taken = self.taken.iter().find(|taken| taken.seat.participant == participant);
                let seat = taken.map(|taken| taken.seat.clone());
                vec![Output::Seen { question, seat, times_apart: self.times_apart(participant) }]
            }
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

    /// Who was invited hears of the conversation here, while they may read it; everybody else follows the visit.
    fn said(&self) -> Vec<Output> {
        let may_read = |taken: &&Taken| {
            let Seat { role, standing, .. } = taken.seat;
            standing == Standing::Inside && role.is_invited() && role.rights().talks
        };
        self.taken.iter().filter(may_read).map(|taken| Output::Tell(taken.connection, Notice::Said)).collect()
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

    /// Who sits by this connection, when they are past the door.
    fn inside(&mut self, connection: ConnectionId) -> Option<&mut Taken> {
        self.by_connection(connection).filter(|taken| taken.seat.standing != Standing::Door)
    }

    fn by_connection(&mut self, connection: ConnectionId) -> Option<&mut Taken> {
        self.taken.iter_mut().find(|taken| taken.connection == connection)
    }
}

#[cfg(test)]
mod still_tests;
#[cfg(test)]
mod tests;
