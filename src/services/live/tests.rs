//! The registry of rooms and connections, without a socket.

use std::time::Duration;

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::registry::{HALL_LOST, HALL_OF_ADDRESS, VISITS_OF_ADDRESS};
use super::*;
use crate::domain::room::{
    CAPACITY, CHECK_GRACE, Notice, ParticipantRole, Presence, Room, RoomEnd, RoomPurpose, SEAT_GRACE, Seat, Standing,
};
use crate::domain::text::Text;
use crate::protocol::error::ErrorCode;

fn live() -> Arc<Live> {
    Live::new(mpsc::channel(1).0, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)))
}

fn id(n: usize) -> Uuid {
    Uuid::from_u128(n as u128)
}

/// Somebody at the `n`th address.
fn somebody(n: usize) -> (String, IpAddr) {
    ("somebody".to_owned(), std::net::Ipv4Addr::from_bits(u32::try_from(n).unwrap()).into())
}

/// Connects and loses the `n`th connection of a session at an address of its own.
async fn come_and_go(live: &Live, n: usize, session: usize) {
    come_from_and_go(live, n, session, session).await;
}

async fn come_from_and_go(live: &Live, n: usize, session: usize, address: usize) {
    let (outbox, _inbox) = mpsc::channel(1);
    let connection = ConnectionId::from_uuid(id(n));
    live.connect(connection, SessionId::from_uuid(id(session)), somebody(address), outbox.clone());
    live.disconnect(connection, &outbox).await;
}

#[tokio::test]
async fn a_socket_that_takes_nothing_is_cut_when_its_outbox_is_full() {
    let live = live();
    let (outbox, _inbox) = mpsc::channel(2);
    let connection = ConnectionId::from_uuid(id(1));
    live.connect(connection, SessionId::from_uuid(id(1)), somebody(1), outbox.clone());
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
    live.connect(connection, SessionId::from_uuid(id(3)), somebody(3), outbox.clone());
    live.registry().connections.change(connection, |entry| entry.rooms.push(room)).unwrap();
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
    for (notice, stays) in [(Notice::NoPlace(7), true), (Notice::Ended(RoomEnd::Full), false)] {
        let connection = ConnectionId::from_uuid(id(2));
        live.connect(connection, SessionId::from_uuid(id(3)), somebody(3), outbox.clone());
        live.registry().connections.change(connection, |entry| entry.rooms.push(room)).unwrap();
        live.tell(connection, room, notice);
        let is_told = match told.recv().await.as_deref() {
            Some(ServerMessage::Refused { id: Some(7), .. }) => stays,
            Some(ServerMessage::RoomEnded { reason: RoomEnd::Full, .. }) => !stays,
            _ => false,
        };
        assert!(is_told);
        let is_in = live.registry().connections.get(connection).unwrap().rooms.contains(&room);
        assert_eq!(is_in, stays);
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
    live.connect(seated, SessionId::from_uuid(id(1_000_000)), somebody(1_000_000), outbox.clone());
    live.registry().connections.change(seated, |entry| entry.rooms.push(RoomId::from_uuid(id(1)))).unwrap();
    live.disconnect(seated, &outbox).await;
    let now = live.clock.now();
    for n in 0..LOST_OF_ALL {
        let mut entry = Connection::new(SessionId::from_uuid(id(n)), somebody(n), mpsc::channel(1).0);
        (entry.outbox, entry.lost_at) = (None, Some(now));
        live.registry().connections.insert(ConnectionId::from_uuid(id(n)), entry);
    }
    for n in LOST_OF_ALL..LOST_OF_ALL + 20 {
        come_and_go(&live, n, n).await;
    }
    assert_eq!(live.counts().1, LOST_OF_ALL + 1);
    assert!(live.registry().connections.get(seated).is_some());
}

#[tokio::test]
async fn of_one_address_so_many_lost_connections_are_kept_whosoever_they_are() {
    let live = live();
    come_from_and_go(&live, 1_000_000, 1_000_000, 8).await;
    for n in 0..LOST_OF_ADDRESS + 20 {
        live.clock.advance(Duration::from_millis(1));
        come_from_and_go(&live, n, n, 7).await;
    }
    assert_eq!(live.counts().1, LOST_OF_ADDRESS + 1);
    let registry = live.registry();
    let knows = |n| registry.connections.get(ConnectionId::from_uuid(id(n))).is_some();
    assert!(!knows(19) && knows(20) && knows(1_000_000), "the oldest of that address have gone");
}

/// People who enter rooms through open doors and others.
struct Doors {
    live: Arc<Live>,
    _commands: mpsc::Receiver<RelayCommand>,
    count: usize,
}

impl Doors {
    fn new() -> Self {
        let (relay, commands) = mpsc::channel(8 * VISITS_OF_ADDRESS);
        let live = Live::new(relay, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)));
        Self { live, _commands: commands, count: 0 }
    }

    /// Somebody at `address` enters a new room; the room, the connection and its outbox.
    async fn enter(
        &mut self,
        purpose: RoomPurpose,
        address: usize,
    ) -> Result<(RoomId, ConnectionId, Outbox), ErrorCode> {
        let room = RoomId::from_uuid(id(self.count + 1));
        self.live.open(Room::new(room, 1, purpose, None, self.live.clock.now()));
        let (connection, outbox) = self.come_into(room, address).await?;
        Ok((room, connection, outbox))
    }

    async fn come_into(&mut self, room: RoomId, address: usize) -> Result<(ConnectionId, Outbox), ErrorCode> {
        self.count += 1;
        let (connection, outbox) = (ConnectionId::from_uuid(id(self.count)), mpsc::channel(64).0);
        self.live.connect(connection, SessionId::from_uuid(id(self.count)), somebody(address), outbox.clone());
        self.sit_down(self.count, room, connection).await.map(|()| (connection, outbox))
    }

    /// Somebody at `address` takes up the seat of whoever came as the `seat`th.
    async fn take_up(&mut self, seat: usize, room: RoomId, address: usize) -> Result<(), ErrorCode> {
        self.count += 1;
        let (connection, outbox) = (ConnectionId::from_uuid(id(self.count)), mpsc::channel(64).0);
        self.live.connect(connection, SessionId::from_uuid(id(self.count)), somebody(address), outbox);
        self.sit_down(seat, room, connection).await
    }

    async fn sit_down(&self, seat: usize, room: RoomId, connection: ConnectionId) -> Result<(), ErrorCode> {
        let (participant, name) = (ParticipantId::from_uuid(id(seat)), Text::new("某人", "someone"));
        let (role, standing) = (ParticipantRole::Patient, Standing::Inside);
        let seat = Seat { participant, role, name, standing, muted: false };
        self.live.join(room, seat, connection).await.map_err(|refusal| refusal.code)
    }
}

#[tokio::test]
async fn one_address_has_so_many_seats_of_checks_and_callers_and_as_many_of_visits_as_were_called() {
    for purpose in [RoomPurpose::Check, RoomPurpose::Emergency] {
        let mut doors = Doors::new();
        let mut last = doors.enter(purpose, 7).await.unwrap();
        for _ in 1..HALL_OF_ADDRESS {
            last = doors.enter(purpose, 7).await.unwrap();
        }
        assert_eq!(doors.enter(purpose, 7).await.err(), Some(ErrorCode::RateLimited));
        assert!(doors.enter(RoomPurpose::Visit, 7).await.is_ok(), "whoever was called has a seat");
        let (room, connection, _) = last;
        let (again, _) = doors.come_into(room, 7).await.expect("who reloads the page comes back into the own room");
        doors.live.leave(again, room).await.unwrap();
        assert!(doors.enter(purpose, 8).await.is_ok(), "and so has another address");
        doors.live.leave(connection, room).await.unwrap();
        assert!(doors.enter(purpose, 7).await.is_ok(), "one has left");
    }
}

#[tokio::test]
async fn checks_shut_out_nobody_who_calls_for_help_and_who_was_lost_counts_for_half_a_minute() {
    let mut doors = Doors::new();
    let mut checks = Vec::new();
    for _ in 0..HALL_OF_ADDRESS {
        checks.push(doors.enter(RoomPurpose::Check, 7).await.unwrap());
    }
    for _ in 0..HALL_OF_ADDRESS {
        assert!(doors.enter(RoomPurpose::Emergency, 7).await.is_ok(), "a caller");
    }
    for (_, connection, outbox) in &checks {
        doors.live.disconnect(*connection, outbox).await;
    }
    assert_eq!(doors.enter(RoomPurpose::Check, 7).await.err(), Some(ErrorCode::RateLimited), "they may come back");
    doors.live.clock.advance(HALL_LOST);
    for _ in 0..HALL_OF_ADDRESS {
        assert!(doors.enter(RoomPurpose::Check, 7).await.is_ok(), "they did not");
    }
    assert!(doors.come_into(checks[0].0, 7).await.is_ok(), "and their own seats wait for them");
}

#[tokio::test]
async fn a_server_holds_so_many_rooms_and_whoever_was_called_has_theirs_all_the_same() {
    let mut doors = Doors::new();
    doors.live.hold_at_most(8);
    let mut count = 0;
    let mut opens = |live: &Arc<Live>, purpose| {
        count += 1;
        let room = Room::new(RoomId::from_uuid(id(count)), 1, purpose, None, live.clock.now());
        let opened = live.open_for_grant(room.clone()).map_err(|refusal| (refusal.code, refusal.retry_after.is_some()));
        opened.map(|()| room)
    };
    let taken = Some((ErrorCode::RoomsTaken, true));
    let check = opens(&doors.live, RoomPurpose::Check).unwrap();
    for purpose in [RoomPurpose::Check, RoomPurpose::Emergency, RoomPurpose::Emergency] {
        opens(&doors.live, purpose).unwrap();
    }
    for purpose in [RoomPurpose::Check, RoomPurpose::Emergency] {
        assert_eq!(opens(&doors.live, purpose).err(), taken, "a quarter for each, and the rest is for the desks");
    }
    assert!(doors.live.open_for_grant(check.clone()).is_ok(), "it is open");
    for _ in 0..4 {
        doors.live.has_place(RoomPurpose::Visit).unwrap();
        opens(&doors.live, RoomPurpose::Visit).unwrap();
    }
    assert_eq!(doors.live.has_place(RoomPurpose::Visit).unwrap_err().code, ErrorCode::RoomsTaken, "nobody is called");
    opens(&doors.live, RoomPurpose::Visit).expect("whoever was called before comes in");
    assert_eq!(doors.live.counts().0, 9);
    for room in [check.id(), RoomId::from_uuid(id(3))] {
        doors.live.end(room, RoomEnd::Finished).await;
        while doors.live.is_open(room) {
            tokio::task::yield_now().await;
        }
    }
    doors.live.has_place(RoomPurpose::Visit).unwrap();
    doors.count = 100;
    doors.enter(RoomPurpose::Visit, 7).await.unwrap();
}

#[tokio::test]
async fn a_whole_hospital_behind_one_address_has_its_visits_and_no_address_has_more() {
    let mut doors = Doors::new();
    let first = doors.enter(RoomPurpose::Visit, 7).await.unwrap();
    let mut last = first.clone();
    for _ in 1..VISITS_OF_ADDRESS {
        last = doors.enter(RoomPurpose::Visit, 7).await.unwrap();
    }
    let refused = doors.enter(RoomPurpose::Visit, 7).await.err();
    assert_eq!(refused, Some(ErrorCode::RateLimited));
    assert!(doors.enter(RoomPurpose::Visit, 8).await.is_ok(), "another address");
    assert!(doors.enter(RoomPurpose::Emergency, 7).await.is_ok(), "visits shut out nobody who calls for help");
    let (room, connection, outbox) = last;
    doors.live.disconnect(connection, &outbox).await;
    let back = doors.take_up(VISITS_OF_ADDRESS, room, 7).await;
    assert!(back.is_ok(), "who reloads the page comes back into the own seat");
    let is_replaced = || doors.live.registry().connections.get(connection).unwrap().rooms.is_empty();
    while !is_replaced() {
        tokio::task::yield_now().await;
    }
    let (room, connection, _) = first;
    doors.live.leave(connection, room).await.unwrap();
    assert!(doors.enter(RoomPurpose::Visit, 7).await.is_ok(), "one has left");
}

/// The next word that a socket is told.
async fn next(told: &mut mpsc::Receiver<Box<ServerMessage>>) -> ServerMessage {
    let word = tokio::time::timeout(Duration::from_secs(30), told.recv()).await;
    *word.expect("somebody waits for ever").expect("the socket was cut")
}

fn patients_seat(n: usize) -> Seat {
    let (participant, name) = (ParticipantId::from_uuid(id(n)), Text::new("某人", "someone"));
    Seat { participant, role: ParticipantRole::Patient, name, standing: Standing::Inside, muted: false }
}

#[tokio::test]
async fn a_loss_that_its_room_hears_after_the_return_is_old_and_nobody_is_vacated() {
    let (relay, _commands) = mpsc::channel(64);
    let live = Live::new(relay, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)));
    let (room, connection, session) =
        (RoomId::from_uuid(id(1)), ConnectionId::from_uuid(id(2)), SessionId::from_uuid(id(3)));
    live.open(Room::new(room, 1, RoomPurpose::Visit, None, live.clock.now()));
    live.connect(connection, session, somebody(3), mpsc::channel(64).0);
    live.join(room, patients_seat(1), connection).await.unwrap();
    // The first socket is gone; before its rooms are told, the browser is back.
    live.registry().connections.change(connection, |entry| entry.lost_at = Some(live.clock.now())).unwrap();
    let (second, mut told) = mpsc::channel(64);
    assert_eq!(live.resume(connection, session, second).await, Some(vec![room]));
    live.send(room, Input::Lost { connection, socket: 0 }).await;
    live.clock.advance(SEAT_GRACE);
    live.send(room, Input::Tick).await;
    live.end(room, RoomEnd::Finished).await;
    loop {
        match next(&mut told).await {
            ServerMessage::Room { room } => {
                assert!(room.participants.iter().all(|one| one.presence == Presence::Here), "{:?}", room.participants);
            }
            ServerMessage::RoomEnded { reason, .. } => {
                assert_eq!(reason, RoomEnd::Finished);
                break;
            }
            _ => panic!("neither the room nor its end"),
        }
    }
}

#[tokio::test]
async fn who_comes_into_a_room_that_ends_in_this_moment_is_told_so_or_refused() {
    let (relay, mut commands) = mpsc::channel(1);
    relay.try_send(RelayCommand::Close { room: RoomId::from_uuid(id(9)) }).unwrap();
    let live = Live::new(relay, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)));
    let room = RoomId::from_uuid(id(1));
    live.open(Room::new(room, 1, RoomPurpose::Visit, None, live.clock.now()));
    let come = |n| {
        let (connection, (outbox, told)) = (ConnectionId::from_uuid(id(n)), mpsc::channel(64));
        live.connect(connection, SessionId::from_uuid(id(n)), somebody(n), outbox);
        (connection, told)
    };
    let ((early, mut told), (late, _untold)) = (come(2), come(3));
    // The room ends, and waits for the relay meanwhile: it is still there for whoever looks.
    live.end(room, RoomEnd::Finished).await;
    live.join(room, patients_seat(2), early).await.unwrap();
    while live.registry().rooms[&room].inputs.try_send(Input::Tick).is_ok() {}
    let refused = {
        let joins = live.join(room, patients_seat(3), late);
        tokio::pin!(joins);
        assert!(joins.as_mut().now_or_never().is_none(), "its queue is full");
        commands.recv().await.unwrap();
        tokio::time::timeout(Duration::from_secs(30), joins).await.expect("somebody waits for ever")
    };
    let reason = RoomEnd::Finished;
    assert!(matches!(next(&mut told).await, ServerMessage::RoomEnded { reason: said, .. } if said == reason));
    assert_eq!(refused.unwrap_err().code, ErrorCode::RoomClosed);
    let registry = live.registry();
    for connection in [early, late] {
        assert!(registry.connections.get(connection).unwrap().rooms.is_empty());
    }
    assert!(registry.rooms.is_empty() && registry.seats.is_empty());
}

#[tokio::test]
async fn checks_that_everybody_has_left_leave_no_room_no_seat_and_no_task() {
    let (relay, mut commands) = mpsc::channel(64);
    let tasks = TaskTracker::new();
    let live = Live::new(relay, tasks.clone(), Clock::manual(Timestamp::from_millis(1_000)));
    let mut closed = 0;
    for n in 0..100 {
        let (room, connection) = (RoomId::from_uuid(id(n)), ConnectionId::from_uuid(id(n)));
        live.open(Room::new(room, 1, RoomPurpose::Check, None, live.clock.now()));
        // One in ten never comes.
        if n % 10 != 0 {
            let (outbox, _told) = mpsc::channel(64);
            live.connect(connection, SessionId::from_uuid(id(n)), somebody(n), outbox.clone());
            live.join(room, patients_seat(n), connection).await.unwrap();
            live.leave(connection, room).await.unwrap();
            live.disconnect(connection, &outbox).await;
            while !matches!(commands.recv().await.unwrap(), RelayCommand::Remove { .. }) {}
        }
    }
    assert_eq!((live.counts().0, tasks.len()), (100, 100), "who comes back in this minute finds the own room");
    live.clock.advance(CHECK_GRACE);
    while closed < 100 {
        closed += usize::from(matches!(commands.recv().await.unwrap(), RelayCommand::Close { .. }));
    }
    tasks.close();
    let ended = tokio::time::timeout(Duration::from_secs(30), tasks.wait()).await;
    assert!(ended.is_ok(), "{} tasks go on", tasks.len());
    let registry = live.registry();
    assert!(registry.rooms.is_empty() && registry.seats.is_empty() && registry.heard.is_empty());
}

#[tokio::test]
async fn of_who_found_no_seat_nothing_is_left() {
    let (relay, mut commands) = mpsc::channel(64);
    let tasks = TaskTracker::new();
    let live = Live::new(relay, tasks.clone(), Clock::manual(Timestamp::from_millis(0)));
    tasks.spawn(async move { while commands.recv().await.is_some() {} });
    let room = RoomId::from_uuid(id(1));
    live.open(Room::new(room, 1, RoomPurpose::Visit, None, live.clock.now()));
    let mut sockets = Vec::new();
    for n in 0..=CAPACITY {
        let connection = ConnectionId::from_uuid(id(100 + n));
        let (outbox, mut told) = mpsc::channel(64);
        live.connect(connection, SessionId::from_uuid(id(200 + n)), somebody(n), outbox);
        let (participant, name) = (ParticipantId::from_uuid(id(300 + n)), Text::new("某人", "someone"));
        let (role, standing) = (ParticipantRole::Observer, Standing::Inside);
        live.join(room, Seat { participant, role, name, standing, muted: false }, connection).await.unwrap();
        told.recv().await.unwrap();
        sockets.push(told);
    }
    assert_eq!(live.registry().seats.len(), CAPACITY);
}
