//! The live protocol: JSON messages over one WebSocket at `/api/v1/ws`. Walk-through in `docs/PROTOCOL.md`.
//!
//! The first message is `hello`. Every later message of a browser has an `id` and gets exactly one `done` or `refused`
//! with that id. Events carry their topic's gap-free `seq`; after a lost socket a browser subscribes again from the
//! last `seq` that it saw and misses nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::ids::{ParticipantId, RoomId, TicketId};
use crate::domain::room::relay::{MediaState, OfferRefusal, Slot};
pub use crate::domain::room::{
    HostAct, Knock, Participant, ParticipantRole, PictureAsk, PictureOf, Presence, Quality, RoomEnd, RoomPurpose,
    RoomState, Rung, SelfMedia,
};
use crate::domain::time::Timestamp;
use crate::protocol::error::Problem;
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
    /// Shows one still picture in place of the camera: only while the own `media.rung` is `still`, a JPEG of at most 8 KiB
    /// and 640 pixels a side, one a second. Nobody keeps it.
    Still {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
        /// The file, in base64.
        jpeg: String,
    },
    /// Says how large the browser shows each receiving section; sections that are not named are not shown, and get no
    /// picture. A browser that never says it gets every picture as large as it is.
    View {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
        /// The sections that are shown.
        tiles: Vec<Tile>,
    },
    /// Says of which receiving sections nothing has come for two seconds, though something came before; replaces what was said
    /// before. The server knows what was sent there: both sides are told what does not arrive, also where the browser itself reports
    /// seldom. A browser that never says it is believed by its reports alone.
    Unheard {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
        /// The `a=mid` of each section in the browser's own description.
        mids: Vec<String>,
    },
    /// A host does something with somebody in the room or in front of its door.
    Host {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
        /// With whom.
        participant: ParticipantId,
        /// What.
        act: HostAct,
    },
    /// A muted participant speaks again.
    Unmute {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
    },
    /// The patient takes the consent to be recorded back, and the recording stops at once.
    StopRecording {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
    },
    /// A host asks the patient for a picture.
    AskPicture {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
        /// Of what.
        of: PictureOf,
    },
    /// A host or the patient calls the picture off.
    CallOffPicture {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
    },
    /// Leaves a room for good.
    Leave {
        /// The command's id.
        id: u64,
        /// The room.
        room: RoomId,
    },
}

/// A receiving section as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tile {
    /// The `a=mid` of the section in the browser's own description.
    pub mid: String,
    /// Its height in pixels of the screen.
    pub height: u16,
}

/// A room that is over for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndedRoom {
    /// The room.
    pub room: RoomId,
    /// Why.
    pub reason: RoomEnd,
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
        /// Rooms in which this connection still has a seat; a `room` message for each follows.
        rooms: Vec<RoomId>,
        /// How the last of its other rooms ended for it, the newest last: it may not have heard that.
        ended: Vec<EndedRoom>,
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
    /// The door is still closed: wait until a `room` message comes, or `room_ended`.
    Door {
        /// The room.
        room: RoomId,
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
    /// Which layers of an own section somebody watches: send these and no others. Replaces the last one of this section.
    Layers {
        /// The room.
        room: RoomId,
        /// The `a=mid` of the section in the browser's own description.
        mid: String,
        /// By their place in the offer, from 0 for the smallest; none: nobody watches.
        layers: Vec<u8>,
    },
    /// The answer would be another one now, as the camera should speak another codec: offer again, on the same connection.
    OfferAgain {
        /// The room.
        room: RoomId,
    },
    /// Who has the floor: show that picture large.
    Speaker {
        /// The room.
        room: RoomId,
        /// Nobody, before the first word.
        participant: Option<ParticipantId>,
    },
    /// A still picture of somebody whose `media.rung` is `still`: shown in place of the camera until the next, or until
    /// `room` says that the camera is off, another rung, the person apart or gone, or the camera silent. Where a browser
    /// reads slowly only the newest of each person comes.
    Still {
        /// The room.
        room: RoomId,
        /// Whose.
        participant: ParticipantId,
        /// A JPEG, in base64.
        jpeg: String,
    },
    /// Something was said in the conversation beside the call: read it. Told to those who were invited, who follow no topic.
    Said {
        /// The room.
        room: RoomId,
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
