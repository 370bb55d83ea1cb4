//! What the live room asks of the media relay, and what the relay tells it.
//!
//! `services` and `media` meet only here: two enums over two bounded channels, joined in `app`. Neither names the
//! other. The relay knows participants and rooms as bare ids; who they are, and whether they may be there, was decided
//! before a command is sent.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::recording::Agreed;
use crate::domain::room::missing::Missed;
pub use crate::domain::room::newest::About;

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// A microphone.
    Audio,
    /// A camera.
    Video,
}

/// What a participant's media does in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayMode {
    /// Every other participant of the room receives it.
    Conference,
    /// Only the sender receives it: the check before a call.
    Loopback,
}

/// What the relay lets through for a participant.
#[expect(clippy::struct_excessive_bools, reason = "gates, each free of the others")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// From its microphone.
    pub audio: bool,
    /// From its camera.
    pub camera: bool,
    /// From its shared screen.
    pub screen: bool,
    /// To it.
    pub receive: bool,
}

impl Permit {
    /// Everything.
    pub const ALL: Self = Self { audio: true, camera: true, screen: true, receive: true };
    /// Nothing.
    pub const NOTHING: Self = Self { audio: false, camera: false, screen: false, receive: false };

    /// Whether media of this name may come from the participant.
    pub const fn sends(self, name: SourceName) -> bool {
        match name {
            SourceName::Microphone => self.audio,
            SourceName::Camera => self.camera,
            SourceName::Screen => self.screen,
        }
    }
}

/// What a participant's media is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceName {
    /// Its one section of audio.
    Microphone,
    /// The first section of video.
    Camera,
    /// The second section of video.
    Screen,
}

impl SourceName {
    /// The name of a participant's section, by its kind and its place among those of this kind; nobody has more than these.
    pub const fn of(kind: MediaKind, order: usize) -> Option<Self> {
        match (kind, order) {
            (MediaKind::Audio, 0) => Some(Self::Microphone),
            (MediaKind::Video, 0) => Some(Self::Camera),
            (MediaKind::Video, 1) => Some(Self::Screen),
            _ => None,
        }
    }
}

/// A request to the relay. Commands of one participant are carried out in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayCommand {
    /// Gives a participant a seat: from now on its offers are answered and its media is forwarded.
    Admit {
        /// The room.
        room: RoomId,
        /// The seat.
        participant: ParticipantId,
        /// How its media is forwarded.
        mode: RelayMode,
        /// Whether it may take one of the seats that are kept for called patients and for staff.
        kept: bool,
        /// What passes from and to it, from the first packet on.
        permit: Permit,
    },
    /// A description from the browser: the first one, one that adds sections, or an ICE restart.
    Offer {
        /// The seat; an offer of a seat that was not admitted is refused.
        participant: ParticipantId,
        /// Chosen by the browser; the answer carries it.
        offer_id: u64,
        /// `true` when the browser has a new `RTCPeerConnection`: the old one of this seat is closed once there is an answer.
        fresh: bool,
        /// The session description (RFC 8866), at most 96 KiB.
        sdp: String,
    },
    /// How large the participant's browser shows each receiving section; those that are not named are not shown.
    View {
        /// The seat.
        participant: ParticipantId,
        /// The sections by their `a=mid`, with the height in pixels of the screen.
        heights: Vec<(String, u16)>,
    },
    /// Of which receiving sections the participant's page has heard nothing for two seconds, though something came before: it does not
    /// know what was sent.
    Unheard {
        /// The seat.
        participant: ParticipantId,
        /// The sections by their `a=mid`.
        mids: Vec<String>,
    },
    /// Sets what passes from and to a participant. When [`RelayEvent::Permitted`] answers, no packet that is forbidden is
    /// handed to the network any more. Until the first of these what [`RelayCommand::Admit`] said holds.
    Permit {
        /// The seat.
        participant: ParticipantId,
        /// What passes.
        permit: Permit,
    },
    /// Records a seat's voice and, in VP8, its camera, until it is taken away; a shown screen is no part of it. Given only for
    /// those who may be recorded.
    Record {
        /// The seat.
        participant: ParticipantId,
        /// What the patient agreed to; it goes into the recording.
        agreed: Agreed,
    },
    /// Stops that: when [`RelayEvent::Taped`] answers, no packet goes into the recording any more. What was recorded
    /// before is kept.
    StopRecord {
        /// The seat.
        participant: ParticipantId,
    },
    /// Takes a seat away: no packet from or to it passes after this.
    Remove {
        /// The seat.
        participant: ParticipantId,
    },
    /// Ends a room and every seat in it.
    Close {
        /// The room.
        room: RoomId,
    },
}

/// Something that happened to a participant's media.
#[derive(Clone, Debug, PartialEq)]
pub enum RelayEvent {
    /// The answer to an offer.
    Answer {
        /// The seat.
        participant: ParticipantId,
        /// The offer's own id.
        offer_id: u64,
        /// The session description for the browser.
        sdp: String,
    },
    /// An offer that could not be answered; the connection that was there before it, if any, goes on.
    OfferRefused {
        /// The seat.
        participant: ParticipantId,
        /// The offer's own id.
        offer_id: u64,
        /// Why.
        reason: OfferRefusal,
    },
    /// Which source each of the participant's receiving sections carries now; replaces what was said before.
    Slots {
        /// The receiving seat.
        participant: ParticipantId,
        /// One entry per section that has a source.
        slots: Vec<Slot>,
        /// Sources that found no free section, per kind: the browser should offer more (audio, video).
        missing: (u8, u8),
    },
    /// Which layers of one of its own sections the participant's browser should send; replaces what was said before.
    Layers {
        /// The sending seat.
        participant: ParticipantId,
        /// The `a=mid` of the section.
        mid: String,
        /// What it shows.
        name: SourceName,
        /// The layers that somebody watches, by their place in the offer, from 0; none: nobody watches at all.
        layers: Vec<u8>,
    },
    /// The answer would be another one now, as the camera should speak another codec: the browser offers again.
    OfferAgain {
        /// The sending seat.
        participant: ParticipantId,
    },
    /// Somebody else speaks.
    Speaker {
        /// The room.
        room: RoomId,
        /// Who has the floor now.
        participant: Option<ParticipantId>,
    },
    /// The state of a participant's connection changed, or what served it broke and was made anew: then it is closed.
    Connection {
        /// The seat.
        participant: ParticipantId,
        /// The new state.
        state: MediaState,
    },
    /// What passes from and to a participant was set.
    Permitted {
        /// The seat.
        participant: ParticipantId,
    },
    /// Whether what a participant sends is being recorded, after [`RelayCommand::Record`] and at each change.
    Taped {
        /// The seat.
        participant: ParticipantId,
        /// It is; or it cannot be kept at the moment.
        is_kept: bool,
    },
    /// Whether so little passes to a participant that the sound alone is too much; at each change.
    Drowned {
        /// The receiving seat.
        participant: ParticipantId,
        /// It is; or it has passed for some time.
        is_drowned: bool,
    },
    /// What is sent to a participant and does not arrive there; replaces what was said before.
    Misses {
        /// The receiving seat.
        participant: ParticipantId,
        /// Of others, in any order; empty: all arrives.
        missed: Vec<Missed>,
    },
    /// A periodic measurement of one participant's upstream, twice a second while connected.
    Upstream {
        /// The seat.
        participant: ParticipantId,
        /// Packets received since the last measurement (microphone, camera).
        packets: (u64, u64),
    },
}

/// Why an offer has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferRefusal {
    /// The seat was never admitted, or was taken away.
    NotAdmitted,
    /// The description could not be parsed, is too large, has too many sections, or more own tracks than a microphone, a camera
    /// and a screen.
    Malformed,
    /// It names no codec that the relay carries (Opus, VP8, H.264).
    NoCommonCodec,
    /// The relay itself failed; trying again with a fresh connection is worthwhile.
    Internal,
}

/// One receiving section of a participant's connection, and whose media it carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Slot {
    /// The `a=mid` of the section in the browser's own description.
    pub mid: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// Whose media it is.
    pub source: ParticipantId,
    /// What of theirs.
    pub name: SourceName,
    /// The picture waits for a better network of the receiver.
    #[serde(default)]
    pub waits: bool,
}

/// The state of a participant's media connection, as the relay sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaState {
    /// ICE and DTLS are under way.
    Connecting,
    /// Packets may flow.
    Connected,
    /// Nothing was heard for a while; the browser restarts ICE.
    Interrupted,
    /// The connection is gone; the seat stays until it is removed.
    Closed,
}
