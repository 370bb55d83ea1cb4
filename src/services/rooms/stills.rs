//! Stills of those whose network bears no moving picture, on their way to who may see them.
//!
//! Nothing is kept of them, nor written down. What a browser has not read yet is one picture of each person at most: a
//! newer one takes its place, so that slow readers see what is now and nobody's memory grows.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Notify;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId};
use crate::domain::room::{Input, STILL_EVERY, STILL_MOST, Still, StillRefusal};
use crate::protocol::error::ErrorCode;
use crate::protocol::live::ServerMessage;
use crate::services::Services;
use crate::services::refusal::Refusal;

/// What waits for one socket.
#[derive(Debug, Default)]
pub struct Stills {
    waiting: Mutex<VecDeque<(RoomId, ParticipantId, Still)>>,
    arrived: Notify,
}

impl Stills {
    /// Keeps a still until the socket has room for it.
    pub(in crate::services) fn show(&self, room: RoomId, participant: ParticipantId, still: Still) {
        {
            let mut waiting = self.waiting();
            // The newest stands where the older one stood: everybody has a turn.
            match waiting.iter_mut().find(|(at, of, _)| *at == room && *of == participant) {
                Some((_, _, older)) => *older = still,
                None => waiting.push_back((room, participant, still)),
            }
        }
        self.arrived.notify_one();
    }

    /// Throws away what waits of a participant.
    pub(in crate::services) fn withhold_of(&self, room: RoomId, participant: ParticipantId) {
        self.waiting().retain(|(at, of, _)| *at != room || *of != participant);
    }

    /// Throws away what waits of a room.
    pub(in crate::services) fn withhold_in(&self, room: RoomId) {
        self.waiting().retain(|(at, _, _)| *at != room);
    }

    /// The next one; waits for it. Nothing is lost when the wait is given up.
    pub async fn next(&self) -> ServerMessage {
        loop {
            let next = self.waiting().pop_front();
            if let Some((room, participant, still)) = next {
                return ServerMessage::Still { room, participant, jpeg: STANDARD.encode(still.as_bytes()) };
            }
            self.arrived.notified().await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(RoomId, ParticipantId, Still)>> {
        self.waiting.lock().expect("no holder of this lock panics")
    }
}

/// In words for who sent it.
pub(in crate::services) fn refusal(why: StillRefusal) -> Refusal {
    match why {
        StillRefusal::NotNow => {
            Refusal::field(ErrorCode::Invalid, "media", "stills are for a seat whose camera is on, on the rung `still`")
        }
        StillRefusal::TooSoon => {
            let words = format!("one still in {} ms", STILL_EVERY.as_millis());
            Refusal { retry_after: Some(1), ..Refusal::new(ErrorCode::RateLimited, words) }
        }
    }
}

impl Services {
    /// Shows a still to the others in a room; the room itself answers.
    pub async fn show_still(&self, connection: ConnectionId, room: RoomId, id: u64, jpeg: &str) -> Result<(), Refusal> {
        if jpeg.len() > STILL_MOST.div_ceil(3) * 4 {
            let words = format!("a still has {STILL_MOST} bytes at most");
            return Err(Refusal::field(ErrorCode::TooLarge, "jpeg", words));
        }
        let bytes = STANDARD.decode(jpeg);
        let bytes = bytes.map_err(|_| Refusal::field(ErrorCode::Invalid, "jpeg", "this is not base64"))?;
        let still = Still::new(&bytes);
        let still =
            still.ok_or_else(|| Refusal::field(ErrorCode::UnsupportedType, "jpeg", "a still is a small JPEG"))?;
        self.live.say(connection, room, Input::Still { connection, id, still }).await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn still(shade: u8) -> Still {
        let bytes = [
            &[0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 240, 1, 64, 1, 1, 0x11, 0][..],
            &[0xFF, 0xDA, 0, 2, shade, 0xFF, 0xD9],
        ];
        Still::new(&bytes.concat()).unwrap()
    }

    #[tokio::test]
    async fn of_each_person_only_the_newest_waits_and_nothing_of_whoever_was_taken_out() {
        let stills = Stills::default();
        let (room, other) = (RoomId::from_uuid(Uuid::from_u128(1)), RoomId::from_uuid(Uuid::from_u128(2)));
        let person = |n| ParticipantId::from_uuid(Uuid::from_u128(n));
        for shade in 0..100 {
            stills.show(room, person(1), still(shade));
            stills.show(room, person(2), still(shade));
            stills.show(other, person(1), still(shade));
        }
        assert_eq!(stills.waiting().len(), 3);
        stills.withhold_of(room, person(2));
        let ServerMessage::Still { participant, jpeg, .. } = stills.next().await else { panic!() };
        assert_eq!((participant, jpeg), (person(1), STANDARD.encode(still(99).as_bytes())));
        stills.withhold_in(other);
        assert!(stills.waiting().is_empty());
    }
}
