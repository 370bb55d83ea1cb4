//! The driver of live rooms: one task per open room feeds [`Room`] and carries out its outputs.
//!
//! One writer per room. The registry's lock is held for look-ups only, never across an await. Every queue is bounded:
//! a socket that does not read is cut and resumes from the event log; a room that does not keep up hears the relay's newest
//! word of each kind ([`Hearsay`]).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::clock::Clock;
use crate::domain::ids::{ConnectionId, ParticipantId, RoomId, SessionId, TicketId};
use crate::domain::room::relay::{RelayCommand, RelayEvent};
use crate::domain::room::{Input, Notice, Output, Room, RoomEnd, SEAT_GRACE, Seat};
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::live::ServerMessage;
use crate::services::hearsay::Hearsay;
use crate::services::refusal::Refusal;

/// How long it is known when the last browser of a ticket went; longer than any visit.
const LEFT_KEPT: Duration = Duration::from_hours(12);
/// Open sockets of one session: windows of one browser. The next one replaces the oldest.
const SOCKETS: usize = 4;
/// Lost connections without a seat that are kept for one session, to be taken up again: as many as it may have sockets.
const LOST_OF_ONE: usize = SOCKETS;
/// The same of all sessions together: some MB. Who has a seat is never among them.
const LOST_OF_ALL: usize = 10_000;
/// Inputs that may wait for a room.
const ROOM_QUEUE: usize = 512;

/// The far end of a socket's outbox; the socket is cut when it is full.
pub type Outbox = mpsc::Sender<ServerMessage>;

/// All live rooms and connections of this process.
pub struct Live {
    registry: Mutex<Registry>,
    relay: mpsc::Sender<RelayCommand>,
    tracker: TaskTracker,
    opened_at: Timestamp,
    clock: Clock,
}

#[derive(Default)]
struct Registry {
    rooms: HashMap<RoomId, Open>,
    seats: HashMap<ParticipantId, RoomId>,
    connections: HashMap<ConnectionId, Connection>,
    watched: HashMap<TicketId, usize>,
    left: HashMap<TicketId, Timestamp>,
    spent_grants: HashMap<Uuid, Timestamp>,
}

/// The near ends of an open room.
struct Open {
    inputs: mpsc::Sender<Input>,
    hearsay: Arc<Hearsay>,
}

struct Connection {
    session: SessionId,
    subject: String,
    outbox: Option<Outbox>,
    rooms: Vec<RoomId>,
    lost_at: Option<Timestamp>,
    /// The socket did not read what waited for it.
    slow: bool,
}

impl Registry {
    /// Forgets the oldest lost connections without a seat, of a session or of all, until at most `most` are left.
    fn forget_oldest_lost(&mut self, session: Option<SessionId>, most: usize) {
        if self.connections.len() <= most {
            return;
        }
        let is_meant = |entry: &Connection| session.is_none_or(|session| entry.session == session);
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
}

impl Live {
    /// A registry that commands the relay through `relay`.
    pub fn new(relay: mpsc::Sender<RelayCommand>, tracker: TaskTracker, clock: Clock) -> Arc<Self> {
        Arc::new(Self { registry: Mutex::default(), relay, tracker, opened_at: clock.now(), clock })
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().expect("no holder of this lock panics")
    }

    /// Registers a new connection of a session; `subject` is whose it is. When the session has [`SOCKETS`] open, the oldest
    /// is cut: its task sees that and says goodbye.
    pub fn connect(&self, connection: ConnectionId, session: SessionId, subject: String, outbox: Outbox) {
        let mut registry = self.registry();
        let open = registry.connections.iter_mut().filter(|(_, e)| e.session == session && e.outbox.is_some());
        let mut open: Vec<_> = open.collect();
        if open.len() >= SOCKETS
            && let Some((_, oldest)) = open.iter_mut().min_by_key(|(id, _)| **id)
        {
            oldest.outbox = None;
        }
        let entry =
            Connection { session, subject, outbox: Some(outbox), rooms: Vec::new(), lost_at: None, slow: false };
        registry.connections.insert(connection, entry);
    }

    /// Takes up a connection of the same session on a new socket; its rooms, or `None` when it is not known any more, or was
    /// lost for [`SEAT_GRACE`].
    pub async fn resume(&self, connection: ConnectionId, session: SessionId, outbox: Outbox) -> Option<Vec<RoomId>> {
        let rooms = {
            let now = self.clock.now();
            let mut registry = self.registry();
            let entry = registry.connections.get_mut(&connection).filter(|entry| entry.session == session)?;
            if entry.lost_at.is_some_and(|at| now.since(at) >= SEAT_GRACE) {
                return None;
            }
            // The old socket's task sees its channel close and ends.
            entry.outbox = Some(outbox);
            entry.lost_at = None;
            entry.slow = false;
            entry.rooms.clone()
        };
        for room in &rooms {
            self.send(*room, Input::Back(connection)).await;
        }
        Some(rooms)
    }

    /// Whether `outbox` is still the one through which `connection` is told things.
    pub fn is_current(&self, connection: ConnectionId, outbox: &Outbox) -> bool {
        let registry = self.registry();
        let current = registry.connections.get(&connection).and_then(|entry| entry.outbox.as_ref());
        current.is_some_and(|current| current.same_channel(outbox))
    }

    /// Whether `connection` was cut because its socket did not read.
    pub fn is_slow(&self, connection: ConnectionId) -> bool {
        self.registry().connections.get(&connection).is_some_and(|entry| entry.slow)
    }

    /// Whether `connection` has this seat.
    pub fn sits(&self, connection: ConnectionId, room: RoomId, seat: ParticipantId) -> bool {
        let registry = self.registry();
        let is_in = registry.connections.get(&connection).is_some_and(|entry| entry.rooms.contains(&room));
        is_in && registry.seats.get(&seat) == Some(&room)
    }

    /// The socket of `connection` is gone; its seats are kept. `outbox` tells this socket from a later one.
    pub async fn disconnect(&self, connection: ConnectionId, outbox: &Outbox) {
        let rooms = {
            let mut registry = self.registry();
            let Some(entry) = registry.connections.get_mut(&connection) else { return };
            // Without an outbox it was cut, and its seats are still to be told.
            let is_later = entry.outbox.as_ref().is_some_and(|current| !current.same_channel(outbox));
            if is_later || entry.lost_at.is_some() {
                return;
            }
            entry.outbox = None;
            entry.lost_at = Some(self.clock.now());
            let (session, rooms) = (entry.session, entry.rooms.clone());
            if rooms.is_empty() {
                registry.forget_oldest_lost(Some(session), LOST_OF_ONE);
                registry.forget_oldest_lost(None, LOST_OF_ALL);
            }
            rooms
        };
        for room in rooms {
            self.send(room, Input::Lost(connection)).await;
        }
    }

    /// The session is over: its connections are forgotten, and whoever sat by them has left for good.
    pub async fn end_session(&self, session: SessionId) {
        let left: Vec<_> = {
            let mut registry = self.registry();
            let ended = registry.connections.extract_if(|_, entry| entry.session == session);
            ended.map(|(connection, entry)| (connection, entry.rooms)).collect()
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
        registry.connections.retain(|_, entry| entry.lost_at.is_none_or(|at| now.since(at) < SEAT_GRACE));
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
        registry.rooms.insert(room.id(), Open { inputs: sender, hearsay: Arc::clone(&hearsay) });
        drop(registry);
        let live = Arc::clone(self);
        self.tracker.spawn(async move { live.drive(room, inputs, &hearsay).await });
    }

    /// Takes a seat in an open room.
    pub async fn join(&self, room: RoomId, seat: Seat, connection: ConnectionId) -> Result<(), Refusal> {
        {
            let mut registry = self.registry();
            if !registry.rooms.contains_key(&room) {
                return Err(Refusal::new(ErrorCode::RoomClosed, "the room is over"));
            }
            // Its session may have ended in this moment; a seat of it would never be left.
            let Some(entry) = registry.connections.get_mut(&connection) else {
                return Err(Refusal::new(ErrorCode::Unauthenticated, "the session has ended"));
            };
            if !entry.rooms.contains(&room) {
                entry.rooms.push(room);
            }
            registry.seats.insert(seat.participant, room);
        }
        self.send(room, Input::Join { seat, connection }).await;
        Ok(())
    }

    /// Something that a connection says to a room; nothing happens when it has no seat there.
    pub async fn say(&self, connection: ConnectionId, room: RoomId, input: Input) -> Result<(), Refusal> {
        let seated = self.registry().connections.get(&connection).is_some_and(|entry| entry.rooms.contains(&room));
        if !seated {
            return Err(Refusal::not_found());
        }
        self.send(room, input).await;
        Ok(())
    }

    /// A participant leaves for good.
    pub async fn leave(&self, connection: ConnectionId, room: RoomId) -> Result<(), Refusal> {
        self.say(connection, room, Input::Leave(connection)).await?;
        if let Some(entry) = self.registry().connections.get_mut(&connection) {
            entry.rooms.retain(|other| *other != room);
        }
        Ok(())
    }

    /// Ends a room for everybody; nothing happens when it is not open here.
    pub async fn end(&self, room: RoomId, reason: RoomEnd) {
        self.send(room, Input::End(reason)).await;
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
        self.registry().connections.values().any(|entry| entry.outbox.is_some() && entry.subject == subject)
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

    /// Passes the relay's events to their rooms until the relay ends; then the tasks of the rooms end, and nobody is told
    /// that a room is over: its seats are kept for the next process.
    pub async fn listen(self: Arc<Self>, mut events: mpsc::Receiver<RelayEvent>) {
        while let Some(event) = events.recv().await {
            let registry = self.registry();
            let room = match &event {
                RelayEvent::Speaker { room, .. } => Some(room),
                RelayEvent::Answer { participant, .. }
                | RelayEvent::OfferRefused { participant, .. }
                | RelayEvent::Slots { participant, .. }
                | RelayEvent::Layers { participant, .. }
                | RelayEvent::Connection { participant, .. }
                | RelayEvent::Permitted { participant }
                | RelayEvent::Taped { participant, .. }
                | RelayEvent::Upstream { participant, .. } => registry.seats.get(participant),
            };
            if let Some(open) = room.and_then(|room| registry.rooms.get(room)) {
                open.hearsay.say(event);
            }
        }
        self.registry().rooms.clear();
    }

    /// Tells a room something; nothing happens when it is not open here.
    pub async fn send(&self, room: RoomId, input: Input) {
        let sender = self.registry().rooms.get(&room).map(|open| open.inputs.clone());
        if let Some(sender) = sender {
            // A room that ended in this moment wants nothing any more.
            let _ = sender.send(input).await;
        }
    }

    async fn drive(self: Arc<Self>, mut room: Room, mut inputs: mpsc::Receiver<Input>, hearsay: &Hearsay) {
        /// A manual clock moves without waking anybody, so a deadline is looked at this often.
        const GLANCE: Duration = Duration::from_secs(1);
        tracing::info!(room.id = %room.id(), "room opened");
        loop {
            let next = async {
                tokio::select! {
                    input = inputs.recv() => input,
                    event = hearsay.next() => Some(Input::Relay(event)),
                }
            };
            let input = match room.deadline() {
                None => next.await,
                Some(at) => {
                    let wait = at.since(self.clock.now()).min(GLANCE);
                    tokio::time::timeout(wait, next).await.unwrap_or(Some(Input::Tick))
                }
            };
            let Some(input) = input else { break };
            for output in room.handle(self.clock.now(), input) {
                match output {
                    Output::Tell(connection, notice) => self.tell(connection, room.id(), notice),
                    Output::Relay(command) => self.command(command).await,
                    Output::Forget => {
                        self.forget(room.id());
                        tracing::info!(room.id = %room.id(), "room closed");
                        return;
                    }
                }
            }
        }
    }

    async fn command(&self, command: RelayCommand) {
        if let RelayCommand::Remove { participant } = &command {
            self.registry().seats.remove(participant);
        }
        // Who leaves and comes back at once is removed after the new seat was noted, and then admitted.
        if let RelayCommand::Admit { room, participant, .. } = &command {
            self.registry().seats.insert(*participant, *room);
        }
        if self.relay.send(command).await.is_err() {
            tracing::warn!("the relay has ended");
        }
    }

    fn tell(&self, connection: ConnectionId, room: RoomId, notice: Notice) {
        let mut registry = self.registry();
        let Some(entry) = registry.connections.get_mut(&connection) else { return };
        if matches!(notice, Notice::Ended(_) | Notice::Full) {
            entry.rooms.retain(|other| *other != room);
        }
        let Some(message) = message(room, notice) else { return };
        if let Some(outbox) = &entry.outbox
            && let Err(unsent) = outbox.try_send(message)
        {
            // Full or closed: the socket's task ends, and the browser resumes.
            entry.slow = matches!(unsent, mpsc::error::TrySendError::Full(_));
            entry.outbox = None;
        }
    }

    fn forget(&self, room: RoomId) {
        let mut registry = self.registry();
        registry.rooms.remove(&room);
        registry.seats.retain(|_, at| *at != room);
    }
}

fn message(room: RoomId, notice: Notice) -> Option<ServerMessage> {
    Some(match notice {
        Notice::State(room) => ServerMessage::Room { room },
        Notice::Door => ServerMessage::Door { room },
        Notice::Ended(reason) => ServerMessage::RoomEnded { room, reason },
        Notice::Full | Notice::NoPlace => {
            let problem = Refusal::new(ErrorCode::RoomFull, "the room has no seat left").problem();
            ServerMessage::Refused { id: None, problem }
        }
        Notice::Media(RelayEvent::Answer { offer_id, sdp, .. }) => ServerMessage::Answer { room, offer_id, sdp },
        Notice::Media(RelayEvent::OfferRefused { offer_id, reason, .. }) => {
            ServerMessage::OfferRefused { room, offer_id, reason }
        }
        Notice::Media(RelayEvent::Slots { slots, missing, .. }) => ServerMessage::Slots { room, slots, missing },
        Notice::Media(RelayEvent::Connection { state, .. }) => ServerMessage::MediaState { room, state },
        Notice::Media(RelayEvent::Layers { mid, layers, .. }) => ServerMessage::Layers { room, mid, layers },
        Notice::Media(RelayEvent::Speaker { participant, .. }) => ServerMessage::Speaker { room, participant },
        Notice::Media(RelayEvent::Upstream { .. } | RelayEvent::Permitted { .. } | RelayEvent::Taped { .. }) => {
            return None;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::room::RoomPurpose;

    fn live() -> Arc<Live> {
        Live::new(mpsc::channel(1).0, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)))
    }

    fn id(n: usize) -> Uuid {
        Uuid::from_u128(n as u128)
    }

    /// Connects and loses the `n`th connection of a session.
    async fn come_and_go(live: &Live, n: usize, session: usize) {
        let (outbox, _inbox) = mpsc::channel(1);
        let connection = ConnectionId::from_uuid(id(n));
        live.connect(connection, SessionId::from_uuid(id(session)), "somebody".to_owned(), outbox.clone());
        live.disconnect(connection, &outbox).await;
    }

    #[tokio::test]
    async fn a_socket_that_takes_nothing_is_cut_when_its_outbox_is_full() {
        let live = live();
        let (outbox, _inbox) = mpsc::channel(2);
        let connection = ConnectionId::from_uuid(id(1));
        live.connect(connection, SessionId::from_uuid(id(1)), "somebody".to_owned(), outbox.clone());
        for _ in 0..2 {
            live.tell(connection, RoomId::from_uuid(id(1)), Notice::Door);
        }
        assert!(live.is_current(connection, &outbox) && !live.is_slow(connection));
        live.tell(connection, RoomId::from_uuid(id(1)), Notice::Door);
        assert!(!live.is_current(connection, &outbox) && live.is_slow(connection));
    }

    #[tokio::test]
    async fn an_open_room_holds_up_no_ending_process_and_is_not_told_to_be_over() {
        let tasks = TaskTracker::new();
        let live = Live::new(mpsc::channel(1).0, tasks.clone(), Clock::manual(Timestamp::from_millis(0)));
        let (room, connection) = (RoomId::from_uuid(id(1)), ConnectionId::from_uuid(id(2)));
        live.open(Room::new(room, 1, RoomPurpose::Visit, None, live.clock.now()));
        let (outbox, mut told) = mpsc::channel(8);
        live.connect(connection, SessionId::from_uuid(id(3)), "somebody".to_owned(), outbox.clone());
        live.registry().connections.get_mut(&connection).unwrap().rooms.push(room);
        live.disconnect(connection, &outbox).await;
        let (relay, events) = mpsc::channel(1);
        tasks.spawn(Arc::clone(&live).listen(events));
        drop((relay, outbox));
        tasks.close();
        let ended = tokio::time::timeout(Duration::from_secs(30), tasks.wait()).await;
        assert!(ended.is_ok(), "{} tasks go on", tasks.len());
        assert!(told.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_host_whose_room_is_full_keeps_the_own_seat_and_who_found_no_place_has_none() {
        let live = live();
        let room = RoomId::from_uuid(id(1));
        let (outbox, mut told) = mpsc::channel(8);
        for (notice, stays) in [(Notice::NoPlace, true), (Notice::Full, false)] {
            let connection = ConnectionId::from_uuid(id(2));
            live.connect(connection, SessionId::from_uuid(id(3)), "somebody".to_owned(), outbox.clone());
            live.registry().connections.get_mut(&connection).unwrap().rooms.push(room);
            live.tell(connection, room, notice);
            assert!(matches!(told.recv().await, Some(ServerMessage::Refused { .. })));
            assert_eq!(live.registry().connections[&connection].rooms.contains(&room), stays);
        }
    }

    #[tokio::test]
    async fn of_one_session_the_last_four_lost_connections_are_kept() {
        let live = live();
        for n in 0..100 {
            live.clock.advance(Duration::from_millis(1));
            come_and_go(&live, n, 7).await;
        }
        assert_eq!(live.counts().1, LOST_OF_ONE);
        let resume = async |n| {
            let connection = ConnectionId::from_uuid(id(n));
            live.resume(connection, SessionId::from_uuid(id(7)), mpsc::channel(1).0).await
        };
        assert_eq!(resume(99).await, Some(Vec::new()), "the newest is taken up again");
        assert_eq!(resume(95).await, None);
    }

    #[tokio::test]
    async fn of_all_sessions_so_many_lost_connections_are_kept_and_none_with_a_seat_is_forgotten() {
        let live = live();
        let seated = ConnectionId::from_uuid(id(1_000_000));
        let (outbox, _inbox) = mpsc::channel(1);
        live.connect(seated, SessionId::from_uuid(id(1_000_000)), "patient".to_owned(), outbox.clone());
        live.registry().connections.get_mut(&seated).unwrap().rooms.push(RoomId::from_uuid(id(1)));
        live.disconnect(seated, &outbox).await;
        let now = live.clock.now();
        for n in 0..LOST_OF_ALL {
            let (session, subject) = (SessionId::from_uuid(id(n)), "somebody".to_owned());
            let entry =
                Connection { session, subject, outbox: None, rooms: Vec::new(), lost_at: Some(now), slow: false };
            live.registry().connections.insert(ConnectionId::from_uuid(id(n)), entry);
        }
        for n in LOST_OF_ALL..LOST_OF_ALL + 20 {
            come_and_go(&live, n, n).await;
        }
        assert_eq!(live.counts().1, LOST_OF_ALL + 1);
        assert!(live.registry().connections.contains_key(&seated));
    }
}
