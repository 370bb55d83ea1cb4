//! The live rooms and connections of this process: who comes, who goes, and what reaches which room.
//!
//! One writer per room. The registry's lock is held for look-ups only, never across an await. Every queue is bounded:
//! a socket that does not read is cut and resumes from the event log; a room that does not keep up hears the relay's newest
//! word of each kind ([`Hearsay`]).

mod calm;
mod connections;
mod driving;
mod looking;
mod registry;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::Clock;
use crate::domain::ids::{ConnectionId, ParticipantId, RoomId, SessionId, TicketId};
use crate::domain::room::relay::RelayCommand;
use crate::domain::room::{Input, ParticipantRole, Room, RoomEnd, Seat};
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::live::ServerMessage;
use crate::services::hearsay::Hearsay;
use crate::services::live::connections::Connection;
use crate::services::live::registry::{Open, Registry};
use crate::services::refusal::Refusal;
use crate::services::stills::Stills;

/// How long it is known when the last browser of a ticket went; longer than any visit.
const LEFT_KEPT: Duration = Duration::from_hours(12);
/// Open sockets of one session: windows of one browser. The next one replaces the oldest.
const SOCKETS: usize = 4;
/// Lost connections without a seat that are kept for one session, to be taken up again: as many as it may have sockets.
const LOST_OF_ONE: usize = SOCKETS;
/// The same of all sessions together: some MB. Who has a seat is never among them.
const LOST_OF_ALL: usize = 10_000;
/// The same of one network address: more than a ward has windows.
const LOST_OF_ADDRESS: usize = 256;
/// When to try again: a check is over in less than a minute.
const HALL_AGAIN_SECS: u32 = 30;
/// Inputs that may wait for a room.
const ROOM_QUEUE: usize = 512;

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
        registry.left.retain(|_, at| now.since(*at) < LEFT_KEPT);
    }

    /// Marks a grant as used; `false` when it was used before.
    pub fn spend(&self, jti: Uuid, until: Timestamp) -> bool {
        self.registry().spent_grants.insert(jti, until).is_none()
    }

    /// Opens the room unless it is open.
    pub fn open(self: &Arc<Self>, room: Room) {
        let (sender, inputs) = mpsc::channel(ROOM_QUEUE);
        let hearsay = Arc::<Hearsay>::default();
        let mut registry = self.registry();
        if registry.rooms.contains_key(&room.id()) {
            return;
        }
        let door = room.is_open_door().then(|| room.purpose());
        registry.rooms.insert(room.id(), Open { inputs: sender, hearsay: Arc::clone(&hearsay), door });
        drop(registry);
        let live = Arc::clone(self);
        self.tracker.spawn(async move { live.drive(room, inputs, &hearsay).await });
    }

    /// Takes a seat in an open room. Whoever comes in the moment of its end is refused, or told that it has ended.
    pub async fn join(&self, room: RoomId, seat: Seat, connection: ConnectionId) -> Result<(), Refusal> {
        let closed = || Refusal::new(ErrorCode::RoomClosed, "the room is over");
        let socket = {
            let now = self.clock.now();
            let mut registry = self.registry();
            let Some(open) = registry.rooms.get(&room) else { return Err(closed()) };
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
            self.registry().connections.change(connection, |entry| entry.rooms.retain(|other| *other != room));
            return Err(closed());
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
        self.send(room, input).await;
        Ok(())
    }

    /// A participant leaves for good.
    pub async fn leave(&self, connection: ConnectionId, room: RoomId) -> Result<(), Refusal> {
        self.say(connection, room, Input::Leave(connection)).await?;
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

    /// Counts a watcher of a ticket: its patient is online. `true` when it is the first.
    pub fn watch(&self, ticket: TicketId) -> bool {
        let mut registry = self.registry();
        registry.left.remove(&ticket);
        let count = registry.watched.entry(ticket).or_default();
        *count += 1;
        *count == 1
    }

    /// Takes a watcher away; `true` when it was the last.
    pub fn unwatch(&self, ticket: TicketId) -> bool {
        let now = self.clock.now();
        let mut registry = self.registry();
        let Some(count) = registry.watched.get_mut(&ticket) else { return false };
        *count -= 1;
        if *count == 0 {
            registry.watched.remove(&ticket);
            registry.left.insert(ticket, now);
            return true;
        }
        false
    }

    /// Since when nobody watches the ticket; `None` while somebody does. A ticket that nobody watched yet is away since
    /// this process began: before that nothing is known.
    pub fn offline_since(&self, ticket: TicketId) -> Option<Timestamp> {
        let registry = self.registry();
        if registry.watched.contains_key(&ticket) {
            return None;
        }
        Some(registry.left.get(&ticket).copied().unwrap_or(self.opened_at))
    }

    /// Whether a subject, as [`crate::domain::permission::Actor::key`] names it, has an open socket here.
    pub fn is_here(&self, subject: &str) -> bool {
        self.registry().connections.all().any(|entry| entry.outbox.is_some() && entry.subject == subject)
    }

    /// Whether somebody watches the ticket.
    pub fn is_online(&self, ticket: TicketId) -> bool {
        self.registry().watched.contains_key(&ticket)
    }

    /// Open rooms and known connections, for the metrics.
    pub fn counts(&self) -> (usize, usize) {
        let registry = self.registry();
        (registry.rooms.len(), registry.connections.len())
    }
}

fn crowded(words: &str) -> Refusal {
    Refusal { retry_after: Some(HALL_AGAIN_SECS), ..Refusal::new(ErrorCode::RateLimited, words) }
}

#[cfg(test)]
mod tests;
