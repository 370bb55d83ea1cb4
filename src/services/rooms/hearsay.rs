//! What the relay says about one room, until the room has listened.
//!
//! The relay must not wait for a room that is itself waiting for the relay, and nothing that it says may be lost. So
//! of what waits the newest is kept on each matter ([`RelayEvent::replaces`]): it takes the place of the older one, which was to be
//! replaced by it in any case. There are only so many kinds, seats and sections; that is the bound.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::domain::room::relay::RelayEvent;

/// The words that wait for a room.
#[derive(Debug, Default)]
pub(in crate::services) struct Hearsay {
    waiting: Mutex<VecDeque<RelayEvent>>,
    arrived: Notify,
}

impl Hearsay {
    /// Keeps a word until the room listens.
    pub(in crate::services) fn say(&self, mut event: RelayEvent) {
        {
            let mut waiting = self.waiting();
            if let Some(at) = waiting.iter().position(|older| event.replaces(older))
                && let Some(older) = waiting.remove(at)
            {
                event.take_in(&older);
            }
            waiting.push_back(event);
        }
        self.arrived.notify_one();
    }

    /// The next word; waits for one. Nothing is lost when the wait is given up.
    pub(in crate::services) async fn next(&self) -> RelayEvent {
        loop {
            if let Some(event) = self.waiting().pop_front() {
                return event;
            }
            self.arrived.notified().await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<RelayEvent>> {
        self.waiting.lock().expect("no holder of this lock panics")
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
    use crate::domain::ids::{ConnectionId, ParticipantId, RoomId, SessionId};
    use crate::domain::room::relay::{MediaState, RelayCommand};
    use crate::domain::room::{ParticipantRole, Room, RoomPurpose, Seat, Standing};
    use crate::domain::text::Text;
    use crate::domain::time::Timestamp;
    use crate::protocol::live::ServerMessage;
    use crate::services::live::Live;

    fn participant(n: u128) -> ParticipantId {
        ParticipantId::from_uuid(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn a_newer_word_takes_the_place_of_the_older_one_about_the_same() {
        let hearsay = Hearsay::default();
        let state = |n, state| RelayEvent::Connection { participant: participant(n), state };
        let taped = |n, is_kept| RelayEvent::Taped { participant: participant(n), is_kept };
        for event in [
            state(1, MediaState::Connecting),
            taped(1, true),
            state(2, MediaState::Connected),
            state(1, MediaState::Connected),
            taped(1, false),
        ] {
            hearsay.say(event);
        }
        for wanted in [state(2, MediaState::Connected), state(1, MediaState::Connected), taped(1, false)] {
            assert_eq!(hearsay.next().await, wanted);
        }
        assert!(hearsay.waiting().is_empty());
    }

    #[tokio::test]
    async fn packets_that_were_counted_stay_counted() {
        let hearsay = Hearsay::default();
        for packets in [(3, 4), (0, 0), (2, 1)] {
            hearsay.say(RelayEvent::Upstream { participant: participant(1), packets });
        }
        let summed = RelayEvent::Upstream { participant: participant(1), packets: (5, 5) };
        assert_eq!(hearsay.next().await, summed);
    }

    #[tokio::test]
    async fn a_room_that_waited_for_the_relay_hears_afterwards_what_the_relay_said_meanwhile() {
        let (relay, mut commands) = mpsc::channel(1);
        let (room, connection) = (RoomId::from_uuid(Uuid::from_u128(9)), ConnectionId::from_uuid(Uuid::from_u128(8)));
        relay.try_send(RelayCommand::Close { room: RoomId::from_uuid(Uuid::nil()) }).unwrap();
        let now = Timestamp::from_millis(0);
        let tasks = TaskTracker::new();
        let live = Live::new(relay, tasks.clone(), Clock::manual(now));
        live.open(Room::new(room, 1, RoomPurpose::Visit, None, now));
        let (outbox, mut told) = mpsc::channel(64);
        live.connect(
            connection,
            SessionId::from_uuid(Uuid::from_u128(7)),
            ("somebody".to_owned(), [192, 0, 2, 1].into()),
            outbox,
        );
        let (participant, name) = (participant(1), Text::new("某人", "someone"));
        let (role, standing) = (ParticipantRole::Patient, Standing::Inside);
        live.join(room, Seat { participant, role, name, standing, muted: false }, connection).await.unwrap();

        let (events, said) = mpsc::channel(16);
        tasks.spawn(Arc::clone(&live).listen(said));
        for _ in 0..600 {
            events.send(RelayEvent::Upstream { participant, packets: (1, 1) }).await.unwrap();
        }
        events.send(RelayEvent::Slots { participant, slots: Vec::new(), missing: (0, 1) }).await.unwrap();
        let relay = tasks.spawn(async move { while commands.recv().await.is_some() {} });
        let heard = async {
            while let Some(message) = told.recv().await {
                if let ServerMessage::Slots { missing, .. } = *message {
                    return missing;
                }
            }
            panic!("the socket was cut")
        };
        let heard = tokio::time::timeout(std::time::Duration::from_secs(5), heard).await;
        assert_eq!(heard.expect("a word of the relay is lost"), (0, 1));
        relay.abort();
    }
}
