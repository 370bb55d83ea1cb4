//! Which rooms and seats there are, and what one network address may have of them.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId, SessionId, TicketId};
use crate::domain::room::{Input, RoomPurpose};
use crate::domain::time::Timestamp;
use crate::services::live::connections::{Connection, Connections};
use crate::services::live::looking::Questions;
use crate::services::rooms::hearsay::Hearsay;

/// Seats of checks for one network address, and as many more of callers: checks shut nobody out who calls for help.
pub(super) const HALL_OF_ADDRESS: usize = 64;
/// Seats of visits for one network address: a hospital whose whole Wi-Fi is one address, with five hundred consulting rooms
/// that each treat somebody who sits in the same house, and some who were invited. At less than 200 kB each they are 200 MB.
pub(super) const VISITS_OF_ADDRESS: usize = 1024;
/// Who was lost for so long is not counted there any more; the own seat waits on.
pub(super) const HALL_LOST: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Registry {
    pub(super) rooms: HashMap<RoomId, Open>,
    pub(super) seats: HashMap<ParticipantId, RoomId>,
    /// When media of a seat came last.
    pub(super) heard: HashMap<ParticipantId, Timestamp>,
    pub(super) connections: Connections,
    pub(super) watched: HashMap<TicketId, usize>,
    pub(super) left: HashMap<TicketId, Timestamp>,
    pub(super) spent_grants: HashMap<Uuid, Timestamp>,
    pub(super) questions: Questions,
    pub(super) places: Places,
}

/// How many rooms may be open at once.
#[derive(Default)]
pub(super) struct Places {
    /// Nothing: as many as come.
    pub(super) most: Option<usize>,
    /// Whether the operator was told that there are no more.
    pub(super) is_told: bool,
}

/// The near ends of an open room.
pub(super) struct Open {
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) hearsay: Arc<Hearsay>,
    /// Which open door leads there, if one does.
    pub(super) door: Option<RoomPurpose>,
}

impl Registry {
    /// Whether a session may take up this connection.
    pub(super) fn may_resume(&self, now: Timestamp, connection: ConnectionId, session: SessionId) -> bool {
        let own = self.connections.get(connection).filter(|entry| entry.session == session);
        own.is_some_and(|entry| !entry.is_over(now))
    }

    /// Nobody has this seat any more.
    pub(super) fn give_up(&mut self, seat: ParticipantId) {
        self.seats.remove(&seat);
        self.heard.remove(&seat);
    }

    /// Whether another room may be opened behind this door; of those who were called none is refused. A quarter of all is for
    /// checks, and a quarter for calls for help: the rest stays for the desks whatever comes.
    pub(super) fn has_place(&mut self, door: Option<RoomPurpose>) -> bool {
        let Some(most) = self.places.most else { return true };
        let behind = self.rooms.values().filter(|open| door.is_some() && open.door == door).count();
        let is_free = self.rooms.len() < most && (door.is_none() || behind < most.div_ceil(4));
        // Once each time that it comes to that, and not at each of those that are refused.
        if is_free {
            self.places.is_told &= self.rooms.len() + most / 10 >= most;
        } else if self.rooms.len() >= most && !std::mem::replace(&mut self.places.is_told, true) {
            tracing::error!(rooms = self.rooms.len(), most, "no more rooms are opened: see YUNZHEN_ROOMS");
        }
        is_free
    }

    /// Whether `address` may have a seat in `room`, one behind an open door; whoever comes back into theirs may.
    pub(super) fn has_hall(&self, now: Timestamp, address: IpAddr, room: RoomId) -> bool {
        let door = |hall: &RoomId| self.rooms.get(hall).and_then(|open| open.door);
        let wanted = door(&room);
        let mut halls = HashSet::new();
        for entry in self.connections.seated_at(address) {
            let is_counted = entry.lost_at.is_none_or(|at| now.since(at) < HALL_LOST);
            for hall in entry.halls.iter().filter(|hall| entry.rooms.contains(hall)) {
                if *hall == room {
                    return true;
                }
                if is_counted && door(hall) == wanted {
                    halls.insert(hall);
                }
            }
        }
        halls.len() < HALL_OF_ADDRESS
    }

    /// Whether `address` may have another seat in a visit or in front of one; whoever comes back into theirs may.
    pub(super) fn has_visit(&self, now: Timestamp, address: IpAddr, seat: ParticipantId) -> bool {
        if self.seats.contains_key(&seat) {
            return true;
        }
        let here = self.connections.seated_at(address);
        let counted = here.filter(|entry| entry.lost_at.is_none_or(|at| now.since(at) < HALL_LOST));
        let visits = |entry: &Connection| entry.rooms.iter().filter(|room| !entry.halls.contains(room)).count();
        counted.map(visits).sum::<usize>() < VISITS_OF_ADDRESS
    }
}
