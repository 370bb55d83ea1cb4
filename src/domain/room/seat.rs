//! A seat as a grant names it, and where the person stands.

use std::time::Duration;

use crate::domain::ids::ParticipantId;
use crate::domain::room::ParticipantRole;
use crate::domain::text::Text;

/// How long a seat waits for its lost socket.
pub const SEAT_GRACE: Duration = Duration::from_mins(10);

/// How long a check goes on without anybody in it: as long as the grant for it is good.
pub const CHECK_GRACE: Duration = Duration::from_mins(1);

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
    /// Where the person stands; once the seat is taken, the room itself knows better.
    pub standing: Standing,
    /// Silenced by a host; the room itself knows better here too.
    pub muted: bool,
}

/// Where somebody with a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In front of the door: nothing of the room reaches them.
    Door,
    /// In the room.
    Inside,
    /// Held apart by a host.
    Held,
}

impl Standing {
    /// All standings.
    pub const ALL: [Self; 3] = [Self::Door, Self::Inside, Self::Held];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Inside => "inside",
            Self::Held => "held",
        }
    }
}
