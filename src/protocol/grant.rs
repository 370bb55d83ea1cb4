//! The right to enter a room.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{RoomId, VisitId};

/// A one-time right to enter a room: the answer of every `…/grant`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RoomGrant {
    /// The room.
    pub room: RoomId,
    /// The visit whose conversation is beside the call, for those who read and write it there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub visit: Option<VisitId>,
    /// A JWT, good once and for 60 s, for `join` of the live protocol.
    pub grant: String,
    /// `true` in a demonstration: a moving test picture may stand in for a missing camera.
    pub demo: bool,
    /// For `RTCPeerConnection`: ways to the media port through networks that block UDP. Good for an hour.
    pub ice_servers: Vec<IceServer>,
}

/// A TURN server, in the words of `RTCIceServer`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// Until when, and for which seat.
    pub username: String,
    /// The password.
    pub credential: String,
}
