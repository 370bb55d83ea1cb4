//! How rooms ended for a connection whose socket may not have heard it. A page that slept while another window took its seat
//! learns that on coming back, and does not take the seat away again.

use crate::domain::ids::{ConnectionId, RoomId};
use crate::domain::room::RoomEnd;
use crate::protocol::live::EndedRoom;
use crate::services::live::Live;

/// So many are kept for one connection: a page is in one room at a time, and a doctor's in one after the other.
const KEPT: usize = 8;

/// The last ends of a connection's rooms, the newest last.
#[derive(Debug, Default)]
pub(super) struct Ends(Vec<(RoomId, RoomEnd)>);

impl Ends {
    /// A room is over for it.
    pub(super) fn note(&mut self, room: RoomId, reason: RoomEnd) {
        self.forget(room);
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        self.0.push((room, reason));
    }

    /// It has a seat there again.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.0.retain(|(other, _)| *other != room);
    }
}

impl Live {
    /// How the last rooms of `connection` ended in which it has no seat any more.
    pub fn ends(&self, connection: ConnectionId) -> Vec<EndedRoom> {
        let registry = self.registry();
        let ends = registry.connections.get(connection).map(|entry| &entry.ends.0);
        ends.into_iter().flatten().map(|(room, reason)| EndedRoom { room: *room, reason: *reason }).collect()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn room(n: usize) -> RoomId {
        RoomId::from_uuid(Uuid::from_u128(n as u128))
    }

    #[test]
    fn of_a_room_the_last_end_is_kept_until_a_seat_is_taken_there_again_and_of_many_rooms_the_newest() {
        let mut ends = Ends::default();
        ends.note(room(1), RoomEnd::Full);
        ends.note(room(2), RoomEnd::Finished);
        ends.note(room(1), RoomEnd::Replaced);
        assert_eq!(ends.0, [(room(2), RoomEnd::Finished), (room(1), RoomEnd::Replaced)]);
        ends.forget(room(1));
        assert_eq!(ends.0, [(room(2), RoomEnd::Finished)]);
        for n in 10..10 + KEPT {
            ends.note(room(n), RoomEnd::Finished);
        }
        assert_eq!((ends.0.len(), ends.0[0].0), (KEPT, room(10)));
    }
}
