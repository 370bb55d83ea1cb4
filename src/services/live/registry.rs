//! Which connections and rooms there are, and what one network address may have of them.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId, SessionId, TicketId};
use crate::domain::room::{Input, RoomPurpose};
use crate::domain::time::Timestamp;
use crate::services::hearsay::Hearsay;
use crate::services::live::Outbox;
use crate::services::stills::Stills;

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
    pub(super) connections: HashMap<ConnectionId, Connection>,
    pub(super) watched: HashMap<TicketId, usize>,
    pub(super) left: HashMap<TicketId, Timestamp>,
    pub(super) spent_grants: HashMap<Uuid, Timestamp>,
}

/// The near ends of an open room.
pub(super) struct Open {
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) hearsay: Arc<Hearsay>,
    /// Which open door leads there, if one does.
    pub(super) door: Option<RoomPurpose>,
}

pub(super) struct Connection {
    pub(super) session: SessionId,
    pub(super) subject: String,
    /// Where it began; of IPv6 the network.
    pub(super) address: IpAddr,
    pub(super) outbox: Option<Outbox>,
    /// Those that its socket has not taken yet.
    pub(super) stills: Arc<Stills>,
    pub(super) rooms: Vec<RoomId>,
    /// Those of them that it entered as a patient through an open door.
    pub(super) halls: Vec<RoomId>,
    pub(super) lost_at: Option<Timestamp>,
    /// The socket did not read what waited for it.
    pub(super) slow: bool,
}

impl Registry {
    /// Forgets the oldest of these lost connections without a seat, until at most `most` are left.
    pub(super) fn forget_oldest_lost(&mut self, most: usize, is_meant: impl Fn(&Connection) -> bool) {
        if self.connections.len() <= most {
            return;
        }
        let lost = self.connections.iter().filter(|(_, entry)| entry.rooms.is_empty() && is_meant(entry));
        let mut lost: Vec<_> = lost.filter_map(|(id, entry)| entry.lost_at.map(|at| (at, *id))).collect();
        let excess = lost.len().saturating_sub(most);
        if excess > 0 {
            lost.sort_unstable();
            lost.truncate(excess);
            for (_, id) in lost {
                self.connections.remove(&id);
            }
        }
    }

    /// Whether `address` may have a seat in `room`, one behind an open door; whoever comes back into theirs may.
    pub(super) fn has_hall(&self, now: Timestamp, address: IpAddr, room: RoomId) -> bool {
        let door = |hall: &RoomId| self.rooms.get(hall).and_then(|open| open.door);
        let wanted = door(&room);
        let mut halls = HashSet::new();
        for entry in self.connections.values().filter(|entry| entry.address == address) {
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
        let here = self.connections.values().filter(|entry| entry.address == address);
        let counted = here.filter(|entry| entry.lost_at.is_none_or(|at| now.since(at) < HALL_LOST));
        let visits = |entry: &Connection| entry.rooms.iter().filter(|room| !entry.halls.contains(room)).count();
        counted.map(visits).sum::<usize>() < VISITS_OF_ADDRESS
    }
}
