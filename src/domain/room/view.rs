//! What a room looks like to the people in it.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AttachmentId, ParticipantId, RoomId};
use crate::domain::room::missing::Missed;
use crate::domain::room::relay::MediaKind;
use crate::domain::room::roles::ParticipantRole;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;

/// What a participant says of its own media.
#[expect(clippy::struct_excessive_bools, reason = "switches, each free of the others")]
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
    /// The screen is shared, in a picture of its own.
    #[serde(default)]
    pub screen: bool,
    /// What of it its network bears at present.
    #[serde(default)]
    pub rung: Rung,
}

/// What a participant's network bears of its own media: its browser goes down and up by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// All of it.
    #[default]
    Full,
    /// A smaller picture.
    Low,
    /// The voice alone.
    Voice,
    /// A still picture every two seconds beside the voice.
    Still,
    /// Not even that: a telephone is the better way.
    Phone,
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
    /// Whoever of the staff held the call was not heard for too long.
    StaffLost,
    /// The patient could not be reached any more.
    PatientLost,
    /// The patient became an emergency: somebody else calls at once.
    Emergency,
    /// The participant was taken out.
    Removed,
    /// The participant's seat was taken by another window.
    Replaced,
    /// The participant found no seat left.
    Full,
    /// The room broke at the server, and its media was stopped. It is open all the same: whoever takes a new grant sits in it
    /// again.
    Broken,
}

/// A room as one of its participants sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// Who waits in front of the door; told to hosts alone.
    #[serde(default)]
    pub door: Vec<Knock>,
    /// A picture that the patient is asked for; told to the patient and to hosts.
    #[serde(default)]
    pub picture: Option<PictureAsk>,
}

/// Somebody in front of the door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Knock {
    /// The seat that it would be.
    pub id: ParticipantId,
    /// As what.
    pub role: ParticipantRole,
    /// The name that was given.
    pub name: Text,
    /// Whether the person is still there.
    pub presence: Presence,
}

/// A picture that the doctor asked the patient for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PictureAsk {
    /// Names the picture; the upload carries it.
    pub id: AttachmentId,
    /// Of what.
    pub of: PictureOf,
    /// When it was asked.
    pub at: Timestamp,
}

/// Of what a picture is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PictureOf {
    /// The tongue.
    Tongue,
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

impl RoomPurpose {
    /// Whether its patient comes through an open door, uncalled: whoever has a telephone may open checks, and anybody the lines
    /// of red flags. They may not fill the relay.
    pub const fn is_open_door(self) -> bool {
        match self {
            Self::Check | Self::Emergency => true,
            Self::Visit | Self::Nurse => false,
        }
    }
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "words about a person, each free of the others")]
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
    /// What of it has not arrived at the server for three seconds.
    #[serde(default)]
    pub silent: Vec<MediaKind>,
    /// The media was connected and is not any more, though the person may be here: a page that was reloaded.
    #[serde(default)]
    pub cut: bool,
    /// So little passes to the person that a voice alone is too much: who speaks sends it in as few bytes as can be.
    #[serde(default)]
    pub drowned: bool,
    /// What others send and what does not arrive at this person, whose own media comes.
    #[serde(default)]
    pub misses: Vec<Missed>,
    /// Held apart: neither hears nor sees, and is neither heard nor seen.
    #[serde(default)]
    pub held: bool,
    /// Muted by a host, until the person speaks again.
    #[serde(default)]
    pub muted: bool,
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

impl PictureOf {
    /// All that a picture is asked of.
    pub const ALL: [Self; 1] = [Self::Tongue];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tongue => "tongue",
        }
    }
}

impl RoomPurpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [Self::Visit, Self::Emergency, Self::Nurse, Self::Check];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Emergency => "emergency",
            Self::Nurse => "nurse",
            Self::Check => "check",
        }
    }
}
