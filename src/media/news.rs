//! What is said to a seat, and what a seat says to the switchboard: the words between the two kinds of tasks.

use std::sync::Arc;

use super::peer::Section;
use super::source::Source;
use crate::domain::codec::Codec;
use crate::domain::ids::ParticipantId;
use crate::domain::room::codec::Ability;
use crate::domain::room::missing::Missed;
use crate::domain::room::relay::{MediaState, OfferRefusal, SourceName};

/// What a browser says to its seat.
#[derive(Debug)]
pub(super) enum Said {
    /// It describes its media.
    Offer { offer_id: u64, fresh: bool, sdp: String },
    /// How large it shows each section.
    View(Vec<(String, u16)>),
    /// What the next answer lets the camera speak: the room's word, not the browser's.
    Camera(Codec),
}

/// What a seat tells the switchboard.
#[derive(Debug)]
pub(super) enum News {
    /// An offer was answered; these are all receiving sections now.
    Answered { offer_id: u64, sdp: String, sections: Vec<Section>, ability: Ability },
    /// An offer was not answered.
    Refused { offer_id: u64, reason: OfferRefusal },
    /// The connection and its legs are gone.
    Detached,
    /// A new source.
    SourceUp(Arc<Source>),
    /// A source that will not come back.
    SourceDown(u64),
    /// A picture went dark for want of room, or came back.
    Darkened,
    /// The sound alone is too much for its path, or is no more.
    Drowned(bool),
    /// What is sent here and does not arrive.
    Misses(Vec<Missed>),
    /// The layers of one of its own sections that somebody watches.
    Layers { mid: String, name: SourceName, layers: Vec<u8> },
    /// A new state.
    State(MediaState),
    /// Whether what is sent is being recorded.
    Taped(bool),
    /// A measurement.
    Upstream { packets: (u64, u64) },
    /// The seat's task ends.
    Left { was_connected: bool },
}

/// News and whose.
pub(super) type Notice = (ParticipantId, u64, News);
