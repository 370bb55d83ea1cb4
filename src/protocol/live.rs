//! The live protocol: JSON messages over one WebSocket at `/api/v1/ws`. Walk-through in `docs/PROTOCOL.md`.
//!
//! The first message is `hello`. Every later message of a browser has an `id` and gets exactly one `done` or `refused`
//! with that id. Events carry their topic's gap-free `seq`; after a lost socket a browser subscribes again from the
//! last `seq` that it saw and misses nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::ids::{ParticipantId, RoomId, TicketId};
use crate::domain::room::relay::{MediaState, OfferRefusal, Slot};
use crate::domain::time::Timestamp;
use crate::protocol::error::Problem;
use crate::protocol::house::Text;
use crate::protocol::ticket::TicketView;

/// The first message of every socket, within 5 s.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// [`crate::protocol::LIVE_VERSION`].
    pub version: u16,
    /// An access token.
    pub token: String,
    /// The `resume` of the last `welcome`, to take up the same seats.
    #[serde(default)]
    pub resume: Option<String>,
}

/// What a browser says.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// Introduces the socket.
    Hello(Hello),
    /// Proves that the browser is alive; answered by `pong`. Every 5 s; the server gives up after 10 s of silence.
    Ping {
        /// Returned in the pong.
        id: u64,
    },
    /// A fresh access token for a socket that outlives its first one.
    Renew {
        /// The command's id.
        id: u64,
        /// An access token of the same subject.
        token: String,
    },
    /// Asks for the events of a topic after `since`.
    Subscribe {
        /// The command's id.
        id: u64,
        /// Such as `clinic:<uuid>`, `ticket:<uuid>`, `visit:<uuid>`.
        topic: String,
        /// The last `seq` that was seen; absent: only what comes from now on.
        #[serde(default)]
        since: Option<i64>,
    },
    /// No more events of a topic.
    Unsubscribe {
        /// The command's id.
        id: u64,
        /// The topic.
        topic: String,
    },
    /// Asks for the pushed view of one's own ticket, now and at every change.
    Watch {
        /// The command's id.
        id: u64,
        /// The ticket.
        ticket: TicketId,
    },
    /// Takes the seat that a grant names.
    Join {
        /// The command's id.
        id: u64,
        /// A room grant (JWT), at most 60 s old; used once.
        grant: String,
    },
    /// Describes the browser's media; answered by `answer` or `offer_refused`.
    Offer {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
        /// Grows with every offer of this page.
        offer_id: u64,
        /// `true` when the browser made a new connection.
        fresh: bool,
        /// The session description.
        sdp: String,
    },
    /// Says what the participant sends now, and what reaches it.
    Media {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
        /// What is sent.
        state: SelfMedia,
    },
    /// Leaves a room for good.
    Leave {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
    },
}

/// What a participant says of its own media.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfMedia {
    /// The microphone is on.
    pub microphone: bool,
    /// The camera is on.
    pub camera: bool,
    /// A moving test picture stands in for the camera (demonstration only).
    #[serde(default)]
    pub test_picture: bool,
    /// How well the call works for this participant.
    #[serde(default)]
    pub quality: Quality,
    /// The page is in the background.
    #[serde(default)]
    pub hidden: bool,
}

/// How well a call works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Not measured yet.
    #[default]
    Unknown,
    /// Loss below 3 %, round trip below 300 ms, no freezes.
    Good,
    /// Noticeable.
    Fair,
    /// Hard to understand.
    Poor,
    /// Nothing arrives.
    Lost,
}

/// What the server says.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Answers `hello`.
    Welcome {
        /// Send this in the next `hello` after a lost socket, within 10 minutes.
        resume: String,
        /// Whether the seats of `hello.resume` were taken up again.
        resumed: bool,
        /// The server's time.
        now: Timestamp,
        /// Rooms in which this connection has a seat.
        rooms: Vec<RoomState>,
    },
    /// Answers `ping`.
    Pong {
        /// The ping's id.
        id: u64,
        /// The server's time.
        now: Timestamp,
    },
    /// A command was carried out.
    Done {
        /// The command's id.
        id: u64,
    },
    /// A command was refused; the socket stays.
    Refused {
        /// The command's id, where it could be read.
        id: Option<u64>,
        /// Why.
        problem: Problem,
    },
    /// Something happened on a topic.
    Event {
        /// The topic.
        topic: String,
        /// Gap-free per topic.
        seq: i64,
        /// When.
        at: Timestamp,
        /// What; the names are in `docs/PROTOCOL.md`.
        kind: String,
        /// Particulars; never personal data.
        #[schema(value_type = Object)]
        data: Map<String, Value>,
    },
    /// The state of one's own ticket, complete; replaces the last one.
    Ticket {
        /// The ticket.
        ticket: Box<TicketView>,
    },
    /// Answers `join`, and follows every change of a room: complete, replaces the last one.
    Room {
        /// The room.
        room: RoomState,
    },
    /// Answers `offer`.
    Answer {
        /// The room.
        room: RoomId,
        /// The offer's id.
        offer_id: u64,
        /// The session description.
        sdp: String,
    },
    /// An offer that could not be used.
    OfferRefused {
        /// The room.
        room: RoomId,
        /// The offer's id.
        offer_id: u64,
        /// Why.
        reason: OfferRefusal,
    },
    /// Whose media each receiving section carries; complete, replaces the last one.
    Slots {
        /// The room.
        room: RoomId,
        /// One entry per section that has a source.
        slots: Vec<Slot>,
        /// Sections that the browser should add: audio, video.
        missing: (u8, u8),
    },
    /// The relay's view of the own connection.
    MediaState {
        /// The room.
        room: RoomId,
        /// The state.
        state: MediaState,
    },
    /// The room is over.
    RoomEnded {
        /// The room.
        room: RoomId,
        /// Why.
        reason: RoomEnd,
    },
    /// The last message of a socket that the server closes.
    Bye {
        /// Why.
        problem: Problem,
    },
}

/// Why a room ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomEnd {
    /// The visit, the alarm or the check is over.
    Finished,
    /// The doctor said that it was the wrong person.
    WrongPerson,
    /// The patient was transferred.
    Transferred,
    /// The participant was taken out.
    Removed,
    /// The participant's seat was taken by another window.
    Replaced,
}

/// A room as one of its participants sees it.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RoomState {
    /// The room.
    pub room: RoomId,
    /// The fencing number of the room.
    pub epoch: i64,
    /// What it is for.
    pub purpose: RoomPurpose,
    /// The own seat.
    pub you: ParticipantId,
    /// Everybody with a seat, oneself included, in order of arrival.
    pub participants: Vec<Participant>,
    /// When the room was opened.
    pub opened_at: Timestamp,
    /// Whether a process record is being made.
    pub recording: bool,
}

/// What a room is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomPurpose {
    /// A visit.
    Visit,
    /// An emergency line.
    Emergency,
    /// A nurse's call to a waiting patient.
    Nurse,
    /// The check before a call: the own picture comes back.
    Check,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Participant {
    /// The seat.
    pub id: ParticipantId,
    /// What the person is here.
    pub role: ParticipantRole,
    /// The name as shown to the others.
    pub name: Text,
    /// Whether the person is here.
    pub presence: Presence,
    /// What the person sends.
    pub media: SelfMedia,
}

/// What a person is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantRole {
    /// The patient, or who answers for the patient.
    Patient,
    /// The doctor.
    Doctor,
    /// A nurse.
    Nurse,
}

/// Whether a person is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Presence {
    /// The socket is open.
    Here,
    /// The socket was lost; the seat is kept.
    Lost {
        /// Since when.
        since: Timestamp,
    },
}
