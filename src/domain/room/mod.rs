//! The live room: a value, not a task.
//!
//! [`Room::handle`] takes what happened and the moment, and returns what must follow, in order. The driver in
//! `services::live` owns the value, feeds it, and carries out its outputs; nothing here waits.
//!
//! Law of admission: a seat exists only by [`Input::Join`], which the driver gives only for a grant; without a seat there
//! is no output that names the room, anybody in it, or its media. Seats outlive sockets: a lost socket keeps its seat for
//! [`SEAT_GRACE`], and whoever joins by a grant for the same seat takes it up again.

pub mod layers;
pub mod relay;
pub mod speaker;
mod view;

use std::time::Duration;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId};
use crate::domain::room::relay::{RelayCommand, RelayEvent, RelayMode};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;

pub use view::{Participant, ParticipantRole, Presence, Quality, RoomEnd, RoomPurpose, RoomState, SelfMedia};

/// How long a seat waits for its lost socket.
pub const SEAT_GRACE: Duration = Duration::from_mins(10);

/// Seats in a room at most.
pub const CAPACITY: usize = 12;

/// A seat that a grant names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The seat.
    pub participant: ParticipantId,
    /// What the person is here.
    pub role: ParticipantRole,
    /// The name as shown to the others.
    pub name: Text,
}

/// Everything that can happen to a room.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody with a grant takes a seat, or takes it up again from another socket.
    Join {
        /// The seat.
        seat: Seat,
        /// The socket's connection.
        connection: ConnectionId,
    },
    /// The socket of a connection was lost.
    Lost(ConnectionId),
    /// A connection came back on a new socket.
    Back(ConnectionId),
    /// A browser describes its media.
    Offer {
        /// Whose.
        connection: ConnectionId,
        /// The offer's id.
        offer_id: u64,
        /// A new connection of the browser.
        fresh: bool,
        /// The description.
        sdp: String,
    },
    /// A participant says what it sends.
    Media(ConnectionId, SelfMedia),
    /// A browser says how large it shows each receiving section.
    View(ConnectionId, Vec<(String, u16)>),
    /// A participant leaves for good.
    Leave(ConnectionId),
    /// The relay tells something.
    Relay(RelayEvent),
    /// The room is over for everybody.
    End(RoomEnd),
    /// A deadline may have passed.
    Tick,
}

/// Everything a room can ask of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Tell one connection something.
    Tell(ConnectionId, Notice),
    /// Ask the relay for something.
    Relay(RelayCommand),
    /// Forget the room: it has ended.
    Forget,
}

/// What a participant is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The whole room.
    State(RoomState),
    /// Something about the own media.
    Media(RelayEvent),
    /// The room is over for this participant.
    Ended(RoomEnd),
    /// The room has no seat left.
    Full,
}

#[derive(Clone, Debug)]
struct Taken {
    seat: Seat,
    connection: ConnectionId,
    presence: Presence,
    media: SelfMedia,
}

/// A room with its seats.
#[derive(Clone, Debug)]
pub struct Room {
    id: RoomId,
    epoch: i64,
    purpose: RoomPurpose,
    recording: bool,
    opened_at: Timestamp,
    taken: Vec<Taken>,
    ended: bool,
}

impl Room {
    /// An empty room.
    pub fn new(id: RoomId, epoch: i64, purpose: RoomPurpose, recording: bool, now: Timestamp) -> Self {
        Self { id, epoch, purpose, recording, opened_at: now, taken: Vec::new(), ended: false }
    }

    /// Applies `input` as of `now` and returns what must follow from it, in order.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        if self.ended {
            return Vec::new();
        }
        match input {
            Input::Join { seat, connection } => self.join(seat, connection),
            Input::Lost(connection) => self.set_presence(connection, Presence::Lost { since: now }),
            Input::Back(connection) => self.back(connection),
            Input::Offer { connection, offer_id, fresh, sdp } => {
                let Some(taken) = self.by_connection(connection) else { return Vec::new() };
                let participant = taken.seat.participant;
                vec![Output::Relay(RelayCommand::Offer { participant, offer_id, fresh, sdp })]
            }
            Input::Media(connection, media) => {
                let Some(taken) = self.by_connection(connection) else { return Vec::new() };
                if taken.media == media {
                    return Vec::new();
                }
                taken.media = media;
                self.tell_everybody()
            }
            Input::View(connection, heights) => {
                let Some(taken) = self.by_connection(connection) else { return Vec::new() };
                let participant = taken.seat.participant;
                vec![Output::Relay(RelayCommand::View { participant, heights })]
            }
            Input::Leave(connection) => {
                let Some(participant) = self.by_connection(connection).map(|taken| taken.seat.participant) else {
                    return Vec::new();
                };
                self.vacate(participant, None)
            }
            Input::Relay(event) => self.relay(event),
            Input::End(reason) => self.end(reason),
            Input::Tick => {
                let overdue: Vec<_> = self.overdue(now).collect();
                overdue.into_iter().flat_map(|participant| self.vacate(participant, None)).collect()
            }
        }
    }

    /// When the room next wants an [`Input::Tick`], if ever.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.taken.iter().filter_map(|taken| lost_until(taken.presence)).min()
    }

    /// The room's id.
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// Whether this connection has a seat here.
    pub fn seats(&self, connection: ConnectionId) -> bool {
        self.taken.iter().any(|taken| taken.connection == connection)
    }

    /// The room as `connection` sees it; nothing for who has no seat.
    pub fn state_for(&self, connection: ConnectionId) -> Option<RoomState> {
        let you = self.taken.iter().find(|taken| taken.connection == connection)?.seat.participant;
        let participants = self.taken.iter().map(|taken| Participant {
            id: taken.seat.participant,
            role: taken.seat.role,
            name: taken.seat.name.clone(),
            presence: taken.presence,
            media: taken.media.clone(),
        });
        Some(RoomState {
            room: self.id,
            epoch: self.epoch,
            purpose: self.purpose,
            you,
            participants: participants.collect(),
            opened_at: self.opened_at,
            recording: self.recording,
        })
    }

    fn join(&mut self, seat: Seat, connection: ConnectionId) -> Vec<Output> {
        let mut outputs = Vec::new();
        if let Some(taken) = self.taken.iter_mut().find(|taken| taken.seat.participant == seat.participant) {
            if taken.connection != connection {
                outputs.push(Output::Tell(taken.connection, Notice::Ended(RoomEnd::Replaced)));
            }
            taken.connection = connection;
            taken.presence = Presence::Here;
        } else if self.taken.len() >= CAPACITY {
            return vec![Output::Tell(connection, Notice::Full)];
        } else {
            let mode = if self.purpose == RoomPurpose::Check { RelayMode::Loopback } else { RelayMode::Conference };
            let participant = seat.participant;
            // Whoever has a telephone may open checks, and anybody the lines of red flags: they may not fill the relay.
            let is_open_door = matches!(self.purpose, RoomPurpose::Check | RoomPurpose::Emergency);
            let kept = !(is_open_door && seat.role == ParticipantRole::Patient);
            outputs.push(Output::Relay(RelayCommand::Admit { room: self.id, participant, mode, kept }));
            self.taken.push(Taken { seat, connection, presence: Presence::Here, media: SelfMedia::default() });
        }
        outputs.extend(self.tell_everybody());
        outputs
    }

    fn set_presence(&mut self, connection: ConnectionId, presence: Presence) -> Vec<Output> {
        let Some(taken) = self.by_connection(connection) else { return Vec::new() };
        let same = matches!(
            (taken.presence, presence),
            (Presence::Here, Presence::Here) | (Presence::Lost { .. }, Presence::Lost { .. })
        );
        if same {
            return Vec::new();
        }
        taken.presence = presence;
        self.tell_everybody()
    }

    /// Whoever comes back is told the whole room, even when nobody had noticed the loss.
    fn back(&mut self, connection: ConnectionId) -> Vec<Output> {
        let noticed = self.set_presence(connection, Presence::Here);
        if !noticed.is_empty() {
            return noticed;
        }
        let state = self.state_for(connection).map(Notice::State);
        state.map(|notice| Output::Tell(connection, notice)).into_iter().collect()
    }

    /// Passes the relay's words on to the participant that they are about, or to all.
    fn relay(&self, event: RelayEvent) -> Vec<Output> {
        let about = match &event {
            RelayEvent::Answer { participant, .. }
            | RelayEvent::OfferRefused { participant, .. }
            | RelayEvent::Slots { participant, .. }
            | RelayEvent::Layers { participant, .. }
            | RelayEvent::Connection { participant, .. } => *participant,
            RelayEvent::Speaker { .. } => {
                let told = self.taken.iter().map(|taken| Output::Tell(taken.connection, Notice::Media(event.clone())));
                return told.collect();
            }
            RelayEvent::Upstream { .. } => return Vec::new(),
        };
        let taken = self.taken.iter().find(|taken| taken.seat.participant == about);
        taken.map(|taken| Output::Tell(taken.connection, Notice::Media(event))).into_iter().collect()
    }

    fn vacate(&mut self, participant: ParticipantId, reason: Option<RoomEnd>) -> Vec<Output> {
        let Some(at) = self.taken.iter().position(|taken| taken.seat.participant == participant) else {
            return Vec::new();
        };
        let gone = self.taken.remove(at);
        let mut outputs = vec![Output::Relay(RelayCommand::Remove { participant })];
        outputs.extend(reason.map(|reason| Output::Tell(gone.connection, Notice::Ended(reason))));
        outputs.extend(self.tell_everybody());
        outputs
    }

    fn end(&mut self, reason: RoomEnd) -> Vec<Output> {
        self.ended = true;
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

    fn by_connection(&mut self, connection: ConnectionId) -> Option<&mut Taken> {
        self.taken.iter_mut().find(|taken| taken.connection == connection)
    }
}

fn lost_until(presence: Presence) -> Option<Timestamp> {
    match presence {
        Presence::Lost { since } => Some(since + SEAT_GRACE),
        Presence::Here => None,
    }
}

#[cfg(test)]
mod tests;
