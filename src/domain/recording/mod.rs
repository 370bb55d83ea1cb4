//! Process records: from packets to files that a browser plays.
//!
//! Nothing here waits, opens a file or asks for the time. A [`Tape`] takes the packets of one participant with the moment
//! of their arrival and gives pieces of `WebM`: the head of a part, then clusters of at most [`CLUSTER`]. Who may be
//! recorded is decided elsewhere; where the pieces go is the business of a [`Recorder`].

pub mod frame;
pub mod limits;
pub mod order;
mod tape;
mod timeline;
pub mod webm;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::codec::Codec;
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::room::relay::MediaKind;
use crate::domain::time::Timestamp;

pub use tape::Tape;

/// The longest cluster: with [`order::WAIT`] it bounds what a crash can cost, which is less than a second.
pub const CLUSTER: Duration = Duration::from_millis(500);

/// Those of the [codecs](Codec) that are recorded, without being decoded: a file has one track of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedCodec {
    /// Sound.
    Opus,
    /// Pictures.
    Vp8,
}

impl RecordedCodec {
    /// What of this codec is recorded, if it is.
    pub const fn of(codec: Codec) -> Option<Self> {
        match codec {
            Codec::Opus => Some(Self::Opus),
            Codec::Vp8 => Some(Self::Vp8),
            Codec::H264 => None,
        }
    }

    /// The only one of its kind.
    pub const fn of_kind(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => Self::Opus,
            MediaKind::Video => Self::Vp8,
        }
    }

    /// Its kind.
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            Self::Vp8 => MediaKind::Video,
        }
    }
}

/// A packet of a recorded participant.
#[derive(Clone, Copy, Debug)]
pub struct RecordedPacket<'a> {
    /// Names the stream: another one after a reload, in another section, or for another layer. Its lower half is the SSRC;
    /// its upper half names the feed, of which a later one has the greater number.
    pub stream: u64,
    /// What it carries.
    pub codec: RecordedCodec,
    /// The RTP sequence number.
    pub sequence: u16,
    /// The RTP timestamp.
    pub timestamp: u32,
    /// The RTP marker: the last packet of a picture.
    pub marker: bool,
    /// The payload.
    pub payload: &'a [u8],
}

/// What a sender says of one of its streams (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug)]
pub struct RecordedReport {
    /// What the stream carries.
    pub codec: RecordedCodec,
    /// The stream's SSRC.
    pub ssrc: u32,
    /// An RTP timestamp of it.
    pub timestamp: u32,
    /// When that was, in microseconds of the sender's own clock.
    pub ntp: i64,
}

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// Packets did not arrive, or came too late.
    Lost,
    /// Pictures that could not be shown without one that was lost.
    NoKeyframe,
    /// The disk was full or refused.
    Storage,
    /// The server ended in the middle.
    Restart,
    /// A host had muted the participant or held them apart: nothing was lost, it was not to be recorded.
    Withheld,
    /// More was sent than a recording may hold.
    Limit,
    /// The patient took the consent back: from here on nothing was recorded.
    Withdrawn,
    /// The camera spoke a codec that is not recorded.
    Codec,
}

/// What of a participant is in a film.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filmed {
    /// Who they are: camera and microphone.
    #[default]
    Person,
    /// What they show: their screen.
    Screen,
}

/// What the patient had agreed to when the recording began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// The version of the words.
    pub version: String,
    /// When.
    pub at: Timestamp,
}

/// Something that is missing, in milliseconds of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Of what; nothing for both.
    pub codec: Option<RecordedCodec>,
    /// Where it begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// Why.
    pub cause: GapCause,
}

/// A piece of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The head of a new part, which is a file of its own.
    Head(Vec<u8>),
    /// A cluster of the part.
    Cluster {
        /// The bytes.
        bytes: Vec<u8>,
        /// What was found missing meanwhile.
        gaps: Vec<Gap>,
    },
    /// What was found missing at the end, after the last cluster.
    Gaps(Vec<Gap>),
}

/// Where the recordings of a process go; given to the relay at its start.
pub trait Recorder: std::fmt::Debug + Send + Sync {
    /// Begins a film of a participant, to which the patient agreed. Where nothing can be kept, that is what it keeps.
    fn begin(&self, room: RoomId, participant: ParticipantId, filmed: Filmed, agreed: &Agreed) -> Box<dyn Take>;
}

/// A running recording. Its calls may wait for a disk, so they are made where that harms nobody.
pub trait Take: Send {
    /// Keeps a piece for good before it returns; a piece that cannot be kept becomes a gap. Whether it was kept.
    fn append(&mut self, piece: Piece) -> bool;
    /// Nothing more comes. A recording that is dropped without this was cut off, and says so.
    fn finish(self: Box<Self>);
}

/// Until when a recording of a visit that ended at `end` is kept at least: three years, counted in long ones.
pub fn retain_until(end: Timestamp) -> Timestamp {
    end + Duration::from_hours(3 * 366 * 24)
}
