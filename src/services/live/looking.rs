//! What is live here, and how a seat is by its room's own word: what is written of it may be older.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::domain::ids::{ParticipantId, RoomId, SessionId};
use crate::domain::room::{Input, Seat};
use crate::protocol::error::ErrorCode;
use crate::services::live::Live;
use crate::services::refusal::Refusal;

/// So long a room may take to answer: it waits for nobody but the relay.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// A seat, if somebody sits there, and how often its participant was to be held apart.
type Answer = (Option<Seat>, u64);

/// The questions that rooms were asked, and who waits for the answers.
#[derive(Default)]
pub(super) struct Questions {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
}

impl Questions {
    fn ask(&mut self, waits: oneshot::Sender<Answer>) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, waits);
        self.last
    }
}

/// One question, for as long as somebody waits.
struct Question<'live> {
    live: &'live Live,
    number: u64,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.live.registry().questions.waiting.remove(&self.number);
    }
}

impl Live {
    /// The rooms that are open here, and the sessions of those with a seat.
    pub fn occupied(&self) -> (Vec<RoomId>, HashSet<SessionId>) {
        let registry = self.registry();
        let sessions = registry.connections.seated().map(|entry| entry.session).collect();
        (registry.rooms.keys().copied().collect(), sessions)
    }

    /// A seat as its room has it, after all that was said to the room before; nothing when nobody sits there, or the room is
    /// not open here.
    ///
    /// # Errors
    /// `server.unavailable` when the room does not answer.
    pub async fn seat(&self, room: RoomId, participant: ParticipantId) -> Result<Option<Seat>, Refusal> {
        self.look(room, participant).await.map(|(seat, _)| seat)
    }

    /// How often hosts have said that somebody is to be held apart, after all that was said to the room before.
    ///
    /// # Errors
    /// `server.unavailable` when the room does not answer.
    pub async fn times_apart(&self, room: RoomId, participant: ParticipantId) -> Result<u64, Refusal> {
        self.look(room, participant).await.map(|(_, times_apart)| times_apart)
    }

    async fn look(&self, room: RoomId, participant: ParticipantId) -> Result<Answer, Refusal> {
        let (waits, answer) = oneshot::channel();
        let number = self.registry().questions.ask(waits);
        let question = Question { live: self, number };
        let asked = async {
            let is_asked = self.send(room, Input::Look { question: question.number, participant }).await;
            if is_asked { answer.await.ok() } else { Some((None, 0)) }
        };
        let answered = timeout(ANSWERED_WITHIN, asked).await.ok().flatten();
        answered.ok_or_else(|| Refusal::new(ErrorCode::Unavailable, "the room does not answer"))
    }

    /// A room has answered.
    pub(super) fn seen(&self, question: u64, seen: Answer) {
        let waits = self.registry().questions.waiting.remove(&question);
        if let Some(waits) = waits {
            // Who asked may have gone.
            waits.send(seen).ok();
        }
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
    use crate::domain::room::{Room, RoomEnd, RoomPurpose};
    use crate::domain::time::Timestamp;

    #[tokio::test]
    async fn a_room_says_who_sits_there_and_one_that_is_over_or_never_was_that_nobody_does() {
        let live = Live::new(mpsc::channel(1).0, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)));
        let (room, nobody) = (RoomId::from_uuid(Uuid::from_u128(1)), ParticipantId::from_uuid(Uuid::from_u128(2)));
        assert_eq!(live.seat(room, nobody).await.unwrap(), None, "it never was");
        live.open(Room::new(room, 1, RoomPurpose::Visit, None, live.clock.now()));
        assert_eq!(live.seat(room, nobody).await.unwrap(), None, "nobody sits there");
        // Also where the question comes into the moment of the end.
        let ending = Arc::clone(&live);
        let ((), seat) = tokio::join!(ending.end(room, RoomEnd::Finished), live.seat(room, nobody));
        assert_eq!(seat.unwrap(), None);
        assert!(live.registry().questions.waiting.is_empty(), "nobody waits any more");
    }

    #[tokio::test]
    async fn a_room_that_does_not_answer_is_waited_for_in_vain_and_not_for_long() {
        let live = Live::new(mpsc::channel(1).0, TaskTracker::new(), Clock::manual(Timestamp::from_millis(1_000)));
        let (room, nobody) = (RoomId::from_uuid(Uuid::from_u128(1)), ParticipantId::from_uuid(Uuid::from_u128(2)));
        let (inputs, _deaf) = mpsc::channel(1);
        let (hearsay, door) = (Arc::default(), None);
        live.registry().rooms.insert(room, crate::services::live::registry::Open { inputs, hearsay, door });
        assert_eq!(live.seat(room, nobody).await.unwrap_err().code, ErrorCode::Unavailable);
        assert!(live.registry().questions.waiting.is_empty());
    }
}
