//! What becomes of a room whose task breaks. It fails closed: no packet passes of which nobody could say any more that it
//! must not. The row stays open, so whoever sat there takes a new grant and finds a new room under the same name, in which
//! everybody stands as it is written.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId};
use crate::domain::room::relay::RelayCommand;
use crate::domain::room::{Notice, RoomEnd};
use crate::protocol::error::ErrorCode;
use crate::services::live::Live;
use crate::services::live::rooms::over;
use crate::services::refusal::Refusal;

impl Live {
    /// Does what leads a room, and cleans up behind it where that breaks.
    pub(super) async fn guarded(&self, room: RoomId, drive: impl Future<Output = ()>) {
        if AssertUnwindSafe(drive).catch_unwind().await.is_ok() {
            return;
        }
        tracing::error!(room.id = %room, "a room broke: its media is stopped, and whoever sat there comes back into a new one");
        metrics::counter!("yunzhen_rooms_broken_total").increment(1);
        // The relay first, and before anybody can sit down anew: what is closed there is closed by the name of the room.
        self.command(RelayCommand::Close { room }).await;
        self.forget(room);
        let sat = self.registry().connections.seated_in(room);
        for connection in sat {
            self.tell(connection, room, Notice::Ended(RoomEnd::Broken));
        }
    }

    /// Takes back what was noted of somebody whom a room did not hear coming, and says why.
    pub(super) fn turn_away(&self, room: RoomId, participant: ParticipantId, connection: ConnectionId) -> Refusal {
        let mut registry = self.registry();
        registry.connections.change(connection, |entry| entry.rooms.retain(|other| *other != room));
        if registry.seats.get(&participant) == Some(&room) {
            registry.give_up(participant);
        }
        // A room that ends is forgotten before it hears nobody any more. One that broke is there anew in a moment.
        if registry.rooms.contains_key(&room) {
            return Refusal::new(ErrorCode::Unavailable, "the room begins anew");
        }
        over()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc;
    use tokio_util::task::TaskTracker;
    use uuid::Uuid;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::ids::SessionId;
    use crate::domain::room::{Input, ParticipantRole, Room, RoomPurpose, Seat, Standing};
    use crate::domain::text::Text;
    use crate::domain::time::Timestamp;
    use crate::protocol::live::ServerMessage;
    use crate::services::live::registry::Open;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn room() -> RoomId {
        RoomId::from_uuid(id(1))
    }

    fn seat(n: u128) -> Seat {
        let (participant, name) = (ParticipantId::from_uuid(id(n)), Text::new("某人", "someone"));
        Seat { participant, role: ParticipantRole::Patient, name, standing: Standing::Inside, muted: false }
    }

    fn come(live: &Live, n: u128) -> (ConnectionId, mpsc::Receiver<Box<ServerMessage>>) {
        let (connection, (outbox, told)) = (ConnectionId::from_uuid(id(n)), mpsc::channel(64));
        let somebody = ("somebody".to_owned(), std::net::Ipv4Addr::LOCALHOST.into());
        live.connect(connection, SessionId::from_uuid(id(n)), somebody, outbox);
        (connection, told)
    }

    fn empty_room(live: &Live) -> Room {
        Room::new(room(), 1, RoomPurpose::Visit, None, live.clock.now())
    }

    #[tokio::test]
    async fn the_media_of_a_room_that_breaks_is_closed_everybody_is_told_and_finds_a_new_one() {
        let (relay, mut commands) = mpsc::channel(64);
        let live = Live::new(relay, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)));
        live.open(empty_room(&live));
        let mut people = [come(&live, 2), come(&live, 3)];
        for (n, (connection, _)) in (2..).zip(&people) {
            live.join(room(), seat(n), *connection).await.unwrap();
        }
        while live.registry().rooms[&room()].inputs.capacity() < crate::services::live::rooms::ROOM_QUEUE {
            tokio::task::yield_now().await;
        }
        while commands.try_recv().is_ok() {}
        live.guarded(room(), async { panic!("on purpose") }).await;
        assert!(matches!(commands.try_recv(), Ok(RelayCommand::Close { room: closed }) if closed == room()));
        assert!(!live.is_open(room()) && live.registry().seats.is_empty(), "of the old one nothing is left");
        for (connection, told) in &mut people {
            let ended = loop {
                if let ServerMessage::RoomEnded { reason, .. } = *told.recv().await.unwrap() {
                    break reason;
                }
            };
            assert_eq!(ended, RoomEnd::Broken);
            assert_eq!(live.say(*connection, room(), Input::Tick).await.unwrap_err().code, ErrorCode::NotFound);
        }
        live.open(empty_room(&live));
        assert!(live.join(room(), seat(2), people[0].0).await.is_ok());
        assert!(live.ends(people[0].0).is_empty(), "whoever sits there again is told of no end");
    }

    #[tokio::test]
    async fn what_no_room_hears_is_not_done_and_of_who_was_not_heard_coming_nothing_is_left() {
        let live = Live::new(mpsc::channel(64).0, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)));
        let (connection, _told) = come(&live, 2);
        // Its task is gone, and nobody has noticed yet.
        let deaf = Open { inputs: mpsc::channel(1).0, hearsay: Arc::default(), door: None };
        live.registry().rooms.insert(room(), deaf);
        live.registry().connections.change(connection, |entry| entry.rooms.push(room())).unwrap();
        assert_eq!(live.say(connection, room(), Input::Tick).await.unwrap_err().code, ErrorCode::RoomClosed);
        assert!(live.leave(connection, room()).await.is_ok(), "whoever leaves has left");
        let refused = live.join(room(), seat(2), connection).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Unavailable, "it begins anew in a moment");
        assert!(live.registry().seats.is_empty() && !live.is_seated(connection));
    }
}
