//! Which rooms are open, who may take a seat in one, and what a seat says to its room.

use std::sync::Arc;

use tokio::sync::mpsc;
use uuid::Uuid;

use crate::domain::ids::{ConnectionId, RoomId};
use crate::domain::room::{Input, ParticipantRole, Room, RoomEnd, RoomPurpose, Seat};
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::services::live::Live;
use crate::services::live::registry::{Open, Registry};
use crate::services::refusal::Refusal;
use crate::services::rooms::hearsay::Hearsay;

/// When to try again: a check is over in less than a minute.
const HALL_AGAIN_SECS: u32 = 30;
/// Inputs that may wait for a room.
pub(super) const ROOM_QUEUE: usize = 512;

impl Live {
    /// Marks a grant as used; `false` when it was used before.
    pub fn spend(&self, jti: Uuid, until: Timestamp) -> bool {
        self.registry().spent_grants.insert(jti, until).is_none()
    }

    /// Holds so many rooms open at once, and no more but of those who were called.
    pub fn hold_at_most(&self, rooms: usize) {
        self.registry().places.most = Some(rooms);
    }

    /// Whether there is a place for a room of this purpose, which is not opened yet.
    ///
    /// # Errors
    /// [`ErrorCode::RoomsTaken`] where there is none.
    pub fn has_place(&self, purpose: RoomPurpose) -> Result<(), Refusal> {
        let is_free = self.registry().has_place(Some(purpose).filter(|purpose| purpose.is_open_door()));
        if is_free { Ok(()) } else { Err(none_free(purpose)) }
    }

    /// Opens the room of whoever comes by a grant, unless it is open. Who was called is refused no more: before they were, there
    /// was a place.
    ///
    /// # Errors
    /// [`ErrorCode::RoomsTaken`] where there is no place for a check or for a call for help.
    pub fn open_for_grant(self: &Arc<Self>, room: Room) -> Result<(), Refusal> {
        let purpose = room.purpose();
        if purpose.is_open_door() && !self.is_open(room.id()) {
            self.has_place(purpose)?;
        }
        self.open(room);
        Ok(())
    }

    /// Opens the room unless it is open.
    pub fn open(self: &Arc<Self>, room: Room) {
        let (sender, inputs) = mpsc::channel(ROOM_QUEUE);
        let hearsay = Arc::<Hearsay>::default();
        let mut registry = self.registry();
        if registry.rooms.contains_key(&room.id()) {
            return;
        }
        let door = Some(room.purpose()).filter(|purpose| purpose.is_open_door());
        registry.rooms.insert(room.id(), Open { inputs: sender, hearsay: Arc::clone(&hearsay), door });
        drop(registry);
        let live = Arc::clone(self);
        let id = room.id();
        self.tracker.spawn(async move {
            let drive = Arc::clone(&live).drive(room, inputs, &hearsay);
            live.guarded(id, drive).await;
        });
    }

    /// Takes a seat in an open room. Whoever comes in the moment of its end is refused, or told that it has ended.
    pub async fn join(&self, room: RoomId, seat: Seat, connection: ConnectionId) -> Result<(), Refusal> {
        let participant = seat.participant;
        let socket = {
            let now = self.clock.now();
            let mut registry = self.registry();
            let Some(open) = registry.rooms.get(&room) else { return Err(over()) };
            let is_hall = open.door.is_some() && seat.role == ParticipantRole::Patient;
            if let Some(entry) = registry.connections.get(connection)
                && !entry.rooms.contains(&room)
            {
                let address = entry.address;
                if is_hall && !registry.has_hall(now, address, room) {
                    return Err(crowded("too many checks and calls from this address at once"));
                }
                if !is_hall && !registry.has_visit(now, address, seat.participant) {
                    return Err(crowded("too many visits from this address at once"));
                }
            }
            let Registry { seats, connections, .. } = &mut *registry;
            let sits_down = connections.change(connection, |entry| {
                seats.insert(seat.participant, room);
                if !entry.rooms.contains(&room) {
                    entry.rooms.push(room);
                }
                entry.ends.forget(room);
                entry.halls.retain(|hall| entry.rooms.contains(hall));
                if is_hall && !entry.halls.contains(&room) {
                    entry.halls.push(room);
                }
                if !entry.participants.contains(&seat.participant) {
                    entry.participants.push(seat.participant);
                }
                // Those that are over are forgotten.
                entry.participants.retain(|seat| seats.contains_key(seat));
                entry.socket
            });
            // Its session may have ended in this moment; a seat of it would never be left.
            let Some(socket) = sits_down else {
                return Err(Refusal::new(ErrorCode::Unauthenticated, "the session has ended"));
            };
            socket
        };
        if !self.send(room, Input::Join { seat, connection, socket }).await {
            return Err(self.turn_away(room, participant, connection));
        }
        // What became of the connection meanwhile was told to a room that did not know it yet.
        let gone = match self.registry().connections.get(connection) {
            None => Some(Input::Leave(connection)),
            Some(entry) => entry.lost_at.map(|_| Input::Lost { connection, socket: entry.socket }),
        };
        if let Some(gone) = gone {
            self.send(room, gone).await;
        }
        Ok(())
    }

    /// Something that a connection says to a room; nothing happens when it has no seat there.
    pub async fn say(&self, connection: ConnectionId, room: RoomId, input: Input) -> Result<(), Refusal> {
        let seated = self.registry().connections.get(connection).is_some_and(|entry| entry.rooms.contains(&room));
        if !seated {
            return Err(Refusal::not_found());
        }
        // Whoever is told that it was done must not be believed by a room that no longer hears.
        if self.send(room, input).await { Ok(()) } else { Err(over()) }
    }

    /// A participant leaves for good.
    pub async fn leave(&self, connection: ConnectionId, room: RoomId) -> Result<(), Refusal> {
        // Whoever leaves a room that is over has left.
        if let Err(refusal) = self.say(connection, room, Input::Leave(connection)).await
            && refusal.code != ErrorCode::RoomClosed
        {
            return Err(refusal);
        }
        self.registry().connections.change(connection, |entry| entry.rooms.retain(|other| *other != room));
        Ok(())
    }

    /// Ends a room for everybody; nothing happens when it is not open here.
    pub async fn end(&self, room: RoomId, reason: RoomEnd) {
        self.send(room, Input::End(reason)).await;
    }

    /// Whether a room is open here.
    pub fn is_open(&self, room: RoomId) -> bool {
        self.registry().rooms.contains_key(&room)
    }
}

pub(super) fn over() -> Refusal {
    Refusal::new(ErrorCode::RoomClosed, "the room is over")
}

fn none_free(purpose: RoomPurpose) -> Refusal {
    let door = match purpose {
        RoomPurpose::Check => "check",
        RoomPurpose::Emergency => "emergency",
        RoomPurpose::Visit | RoomPurpose::Nurse => "called",
    };
    metrics::counter!("yunzhen_rooms_refused_total", "door" => door).increment(1);
    let refusal = Refusal::new(ErrorCode::RoomsTaken, "as many rooms are open as this server holds");
    Refusal { retry_after: Some(HALL_AGAIN_SECS), ..refusal }
}

fn crowded(words: &str) -> Refusal {
    Refusal { retry_after: Some(HALL_AGAIN_SECS), ..Refusal::new(ErrorCode::RateLimited, words) }
}
