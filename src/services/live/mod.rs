//! The live rooms and connections of this process: who comes, who goes, and what reaches which room.
//!
//! One writer per room. The registry's lock is held for look-ups only, never across an await. Every queue is bounded:
//! a socket that does not read is cut and resumes from the event log; a room that does not keep up hears the relay's newest
//! word on each matter ([`Hearsay`](crate::services::rooms::hearsay::Hearsay)).

mod calm;
mod connections;
mod driving;
mod ends;
mod guard;
mod looking;
mod registry;
mod rooms;
mod watchers;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::domain::ids::{ConnectionId, ParticipantId, RoomId, SessionId};
use crate::domain::room::Input;
use crate::domain::room::relay::RelayCommand;
use crate::domain::time::Timestamp;
use crate::protocol::live::ServerMessage;
use crate::services::live::connections::Connection;
use crate::services::live::registry::Registry;
use crate::services::rooms::stills::Stills;

/// Open sockets of one session: windows of one browser. The next one replaces the oldest.
const SOCKETS: usize = 4;
/// Lost connections without a seat that are kept for one session, to be taken up again: as many as it may have sockets.
const LOST_OF_ONE: usize = SOCKETS;
/// The same of all sessions together: some MB. Who has a seat is never among them.
const LOST_OF_ALL: usize = 10_000;
/// The same of one network address: more than a ward has windows.
const LOST_OF_ADDRESS: usize = 256;

/// The far end of a socket's outbox; the socket is cut when it is full. Boxed: a channel keeps room for dozens of messages
/// from its first moment, and most sockets wait for hours.
pub type Outbox = mpsc::Sender<Box<ServerMessage>>;

/// All live rooms and connections of this process.
pub struct Live {
    registry: Mutex<Registry>,
    relay: mpsc::Sender<RelayCommand>,
    tracker: TaskTracker,
    opened_at: Timestamp,
    clock: Clock,
}

impl Live {
    /// A registry that commands the relay through `relay`.
    pub fn new(relay: mpsc::Sender<RelayCommand>, tracker: TaskTracker, clock: Clock) -> Arc<Self> {
        Arc::new(Self { registry: Mutex::default(), relay, tracker, opened_at: clock.now(), clock })
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().expect("no holder of this lock panics")
    }

    /// Registers a new connection of a session; `subject` is whose it is, and beside it is where they are. When the session
    /// has [`SOCKETS`] open, the oldest is cut: its task sees that and says goodbye.
    pub fn connect(
        &self,
        connection: ConnectionId,
        session: SessionId,
        (subject, address): (String, IpAddr),
        outbox: Outbox,
    ) {
        let mut registry = self.registry();
        if let Some(oldest) = registry.connections.oldest_of_too_many(session) {
            registry.connections.change(oldest, |entry| entry.outbox = None);
        }
        registry.connections.insert(connection, Connection::new(session, (subject, address), outbox));
    }

    /// Takes up a connection of the same session on a new socket; its rooms, or `None` when it is not known any more, or was
    /// lost for [`SEAT_GRACE`](crate::domain::room::SEAT_GRACE).
    pub async fn resume(&self, connection: ConnectionId, session: SessionId, outbox: Outbox) -> Option<Vec<RoomId>> {
        let (rooms, socket) = {
            let mut registry = self.registry();
            if !registry.may_resume(self.clock.now(), connection, session) {
                return None;
            }
            registry.connections.change(connection, |entry| {
                // The old socket's task sees its channel close and ends.
                entry.outbox = Some(outbox);
                entry.socket += 1;
                // What the old one has not taken is old.
                entry.stills = Arc::default();
                entry.lost_at = None;
                entry.slow = false;
                (entry.rooms.clone(), entry.socket)
            })?
        };
        for room in &rooms {
            self.send(*room, Input::Back { connection, socket }).await;
        }
        Some(rooms)
    }

    /// Whether a session may take up a connection: it is its own, and was not lost for too long.
    pub fn may_resume(&self, connection: ConnectionId, session: SessionId) -> bool {
        self.registry().may_resume(self.clock.now(), connection, session)
    }

    /// Whether `outbox` is still the one through which `connection` is told things.
    pub fn is_current(&self, connection: ConnectionId, outbox: &Outbox) -> bool {
        let registry = self.registry();
        let current = registry.connections.get(connection).and_then(|entry| entry.outbox.as_ref());
        current.is_some_and(|current| current.same_channel(outbox))
    }

    /// The stills that wait for the socket which `connection` has now; none ever for one that is not known.
    pub fn stills(&self, connection: ConnectionId) -> Arc<Stills> {
        self.registry().connections.get(connection).map(|entry| Arc::clone(&entry.stills)).unwrap_or_default()
    }

    /// Whether `connection` was cut because its socket did not read.
    pub fn is_slow(&self, connection: ConnectionId) -> bool {
        self.registry().connections.get(connection).is_some_and(|entry| entry.slow)
    }

    /// When media of a seat of `connection` came last.
    pub fn media_heard_at(&self, connection: ConnectionId) -> Option<Timestamp> {
        let registry = self.registry();
        let seats = &registry.connections.get(connection)?.participants;
        seats.iter().filter_map(|seat| registry.heard.get(seat)).max().copied()
    }

    /// Whether `connection` has a seat anywhere.
    pub fn is_seated(&self, connection: ConnectionId) -> bool {
        self.registry().connections.get(connection).is_some_and(|entry| !entry.rooms.is_empty())
    }

    /// Whether `connection` has this seat.
    pub fn sits(&self, connection: ConnectionId, room: RoomId, seat: ParticipantId) -> bool {
        let registry = self.registry();
        let is_in = registry.connections.get(connection).is_some_and(|entry| entry.rooms.contains(&room));
        is_in && registry.seats.get(&seat) == Some(&room)
    }

    /// The socket of `connection` is gone; its seats are kept. `outbox` tells this socket from a later one.
    pub async fn disconnect(&self, connection: ConnectionId, outbox: &Outbox) {
        let (rooms, socket) = {
            let now = self.clock.now();
            let mut registry = self.registry();
            let Some(entry) = registry.connections.get(connection) else { return };
            // Without an outbox it was cut, and its seats are still to be told.
            let is_later = entry.outbox.as_ref().is_some_and(|current| !current.same_channel(outbox));
            if is_later || entry.lost_at.is_some() {
                return;
            }
            let (session, address, rooms, socket) = (entry.session, entry.address, entry.rooms.clone(), entry.socket);
            registry.connections.change(connection, |entry| {
                entry.outbox = None;
                entry.lost_at = Some(now);
            });
            if rooms.is_empty() {
                registry.connections.forget_oldest_lost(session, address);
            }
            (rooms, socket)
        };
        // It may have come back by now. Its rooms know which of the two words is the newer one.
        for room in rooms {
            self.send(room, Input::Lost { connection, socket }).await;
        }
    }

    /// The session is over: its connections are forgotten, and whoever sat by them has left for good.
    pub async fn end_session(&self, session: SessionId) {
        let left: Vec<_> = {
            let mut registry = self.registry();
            let ended = registry.connections.of_session(session).into_iter();
            ended.filter_map(|connection| Some((connection, registry.connections.remove(connection)?.rooms))).collect()
        };
        for (connection, rooms) in left {
            for room in rooms {
                self.send(room, Input::Leave(connection)).await;
            }
        }
    }

    /// Forgets connections and grants that are past their time; called now and then.
    pub fn sweep(&self) {
        let now = self.clock.now();
        let mut registry = self.registry();
        registry.connections.sweep(now);
        registry.spent_grants.retain(|_, until| *until > now);
        registry.forget_left(now);
    }

    /// Whether a subject, as [`crate::domain::permission::Actor::key`] names it, has an open socket here.
    pub fn is_here(&self, subject: &str) -> bool {
        self.registry().connections.all().any(|entry| entry.outbox.is_some() && entry.subject == subject)
    }

    /// Open rooms and known connections, for the metrics.
    pub fn counts(&self) -> (usize, usize) {
        let registry = self.registry();
        (registry.rooms.len(), registry.connections.len())
    }
}

#[cfg(test)]
mod tests;
