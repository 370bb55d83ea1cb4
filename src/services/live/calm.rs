//! How often a room says how it stands.
//!
//! Every change is told to everybody, whole. Whoever changes something twenty times a second would so fill the connection
//! of somebody whose network bears next to nothing. A room that has much to say therefore says its newest state now and
//! then, the more seldom to whose own network bears no moving picture; what was to be said before it is not said any more.
//! What is told about somebody's own media never overtakes the state that it belongs to.

use std::time::Duration;

use crate::domain::bucket::{Bucket, Rate};
use crate::domain::ids::ConnectionId;
use crate::domain::room::relay::RelayEvent;
use crate::domain::room::{Notice, Output, RoomState, Rung};

/// To most: rounds that may follow each other at once, and after that one so often: 100 kbit/s to each of three people.
const WIDE: Rate = Rate::new(40, 125);
/// To whose network bears no moving picture: 24 kbit/s.
const NARROW: Rate = Rate::new(8, 500);

/// How many rounds may be told.
#[derive(Debug)]
struct Pace {
    rate: Rate,
    rounds: Bucket,
    /// Whether the round that is being told may be told now.
    is_open: bool,
}

impl Pace {
    fn new(rate: Rate, now: Duration) -> Self {
        Self { rate, rounds: Bucket::new(millis(now)), is_open: true }
    }

    fn take(&mut self, now: Duration) -> bool {
        self.rounds.take(self.rate, 1, millis(now)).is_ok()
    }

    /// When the next round may be told.
    fn next_at(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.rounds.next_at(self.rate)).unwrap_or(0))
    }
}

fn millis(now: Duration) -> i64 {
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// The pace of one room.
#[derive(Debug)]
pub(super) struct Calm {
    wide: Pace,
    narrow: Pace,
    /// What waits, for each connection the newest.
    waiting: Vec<(ConnectionId, RoomState)>,
}

impl Calm {
    /// A room that was silent so far.
    pub(super) fn new(now: Duration) -> Self {
        Self { wide: Pace::new(WIDE, now), narrow: Pace::new(NARROW, now), waiting: Vec::new() }
    }

    /// Something happened, and this follows from it: a round, where anybody is told how the room stands.
    pub(super) fn begin(&mut self, now: Duration, outputs: &[Output]) {
        let is_round = outputs.iter().any(|output| matches!(output, Output::Tell(_, Notice::State(_))));
        for pace in [&mut self.wide, &mut self.narrow] {
            pace.is_open = is_round && pace.take(now);
        }
    }

    /// What `connection` is told now, in order.
    pub(super) fn pass(&mut self, connection: ConnectionId, notice: Notice) -> impl Iterator<Item = Notice> + use<> {
        let (before, notice) = match notice {
            Notice::State(state) => {
                self.drop_of(connection);
                if !self.pace_of(&state).is_open {
                    self.waiting.push((connection, state));
                    return None.into_iter().chain(None);
                }
                (None, Notice::State(state))
            }
            // It is over for them: how the room stood is none of their business any more.
            Notice::Ended(_) => {
                self.drop_of(connection);
                (None, notice)
            }
            Notice::Media(RelayEvent::Speaker { .. })
            | Notice::Said
            | Notice::Still(..)
            | Notice::StillShown(_)
            | Notice::StillRefused(..)
            | Notice::LetIn(_)
            | Notice::NoPlace(_) => (None, notice),
            Notice::Media(_) | Notice::Door => (self.drop_of(connection).map(Notice::State), notice),
        };
        before.into_iter().chain(Some(notice))
    }

    /// When what waits may be told, if anything waits.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let paces = self.waiting.iter().map(|(_, state)| self.pace_of(state));
        paces.map(Pace::next_at).min()
    }

    /// What waited, if it may be told now.
    pub(super) fn due(&mut self, now: Duration) -> Vec<(ConnectionId, Notice)> {
        let mut due = Vec::new();
        for is_narrow in [false, true] {
            let pace = if is_narrow { &mut self.narrow } else { &mut self.wide };
            let waits = |(_, state): &(ConnectionId, RoomState)| bears_no_picture(state) == is_narrow;
            if self.waiting.iter().any(waits) && pace.take(now) {
                let told = self.waiting.extract_if(.., |one| waits(one));
                due.extend(told.map(|(connection, state)| (connection, Notice::State(state))));
            }
        }
        due
    }

    fn pace_of(&self, state: &RoomState) -> &Pace {
        if bears_no_picture(state) { &self.narrow } else { &self.wide }
    }

    fn drop_of(&mut self, connection: ConnectionId) -> Option<RoomState> {
        let at = self.waiting.iter().position(|(whose, _)| *whose == connection)?;
        Some(self.waiting.remove(at).1)
    }
}

/// Whether whoever is told this has said so.
fn bears_no_picture(state: &RoomState) -> bool {
    let own = state.participants.iter().find(|one| one.id == state.you);
    own.is_some_and(|own| own.drowned || matches!(own.media.rung, Rung::Voice | Rung::Still | Rung::Phone))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{ParticipantId, RoomId};
    use crate::domain::room::{Participant, ParticipantRole, Presence, RoomEnd, RoomPurpose, SelfMedia};
    use crate::domain::text::Text;
    use crate::domain::time::Timestamp;

    /// What may be told at once, and how often after that.
    const TO_ALL: (u32, Duration) = (40, Duration::from_millis(125));
    const TO_THE_WEAK: (u32, Duration) = (8, Duration::from_millis(500));
    const ONE: u128 = 1;
    const OTHER: u128 = 2;
    const WEAK: u128 = 3;

    fn connection(number: u128) -> ConnectionId {
        ConnectionId::from_uuid(Uuid::from_u128(number))
    }

    /// A room that can be told from others by its epoch, as it is told to somebody.
    fn state(whose: u128, epoch: i64) -> RoomState {
        let id = ParticipantId::from_uuid(Uuid::from_u128(whose));
        let rung = if whose == WEAK { Rung::Still } else { Rung::Low };
        let own = Participant {
            id,
            role: ParticipantRole::Patient,
            name: Text::new("某人", "someone"),
            presence: Presence::Here,
            media: SelfMedia { rung, ..SelfMedia::default() },
            silent: Vec::new(),
            cut: false,
            drowned: false,
            misses: Vec::new(),
            held: false,
            muted: false,
        };
        RoomState {
            room: RoomId::from_uuid(Uuid::from_u128(9)),
            epoch,
            purpose: RoomPurpose::Visit,
            you: id,
            participants: vec![own],
            opened_at: Timestamp::from_millis(0),
            recording: false,
            door: Vec::new(),
            picture: None,
        }
    }

    /// Tells all how the room stands; what each hears at once.
    fn round(calm: &mut Calm, now: Duration, epoch: i64) -> Vec<(ConnectionId, Notice)> {
        let whom = [ONE, OTHER, WEAK].map(|whose| (connection(whose), Notice::State(state(whose, epoch))));
        let outputs = whom.clone().map(|(to, notice)| Output::Tell(to, notice));
        calm.begin(now, &outputs);
        let told = whom.into_iter().flat_map(|(to, notice)| {
            let told: Vec<_> = calm.pass(to, notice).collect();
            told.into_iter().map(move |notice| (to, notice))
        });
        told.collect()
    }

    fn epochs(told: &[(ConnectionId, Notice)], whose: u128) -> Vec<i64> {
        let states = told.iter().filter(|(to, _)| *to == connection(whose)).filter_map(|(_, notice)| match notice {
            Notice::State(state) => Some(state.epoch),
            _ => None,
        });
        states.collect()
    }

    /// A room that has said in one moment all that it may; the next round waits for everybody.
    fn spent() -> Calm {
        let mut calm = Calm::new(Duration::ZERO);
        for epoch in 0..=i64::from(TO_ALL.0) {
            round(&mut calm, Duration::ZERO, epoch);
        }
        calm
    }

    #[test]
    fn a_few_changes_are_told_at_once_and_of_many_the_newest_the_more_seldom_on_a_weak_network() {
        let (mut calm, now) = (Calm::new(Duration::ZERO), Duration::from_secs(1));
        let told: Vec<_> = (0..200).flat_map(|epoch| round(&mut calm, now, epoch)).collect();
        for (whose, (at_once, every)) in [(ONE, TO_ALL), (OTHER, TO_ALL), (WEAK, TO_THE_WEAK)] {
            assert_eq!(epochs(&told, whose), (0..i64::from(at_once)).collect::<Vec<_>>());
            assert!(epochs(&calm.due(now + every.saturating_sub(Duration::from_millis(1))), whose).is_empty());
            assert_eq!(
                epochs(&calm.due(now + every), whose),
                if whose == OTHER { vec![] } else { vec![199] },
                "{whose}"
            );
        }
        assert_eq!((calm.due_at(), calm.due(now + TO_THE_WEAK.1 * 2)), (None, Vec::new()), "once");
    }

    #[test]
    fn what_is_told_of_the_own_media_comes_after_the_state_that_it_belongs_to() {
        let mut calm = spent();
        let slots = || {
            let participant = ParticipantId::from_uuid(Uuid::from_u128(1));
            Notice::Media(RelayEvent::Slots { participant, slots: Vec::new(), missing: (0, 0) })
        };
        calm.begin(Duration::ZERO, &[Output::Tell(connection(ONE), slots())]);
        let told: Vec<_> = calm.pass(connection(ONE), slots()).collect();
        assert_eq!(told, [Notice::State(state(ONE, i64::from(TO_ALL.0))), slots()]);
        assert_eq!(epochs(&calm.due(TO_ALL.1), ONE), [0; 0], "and is not told again");
    }

    #[test]
    fn whoever_is_sent_out_is_not_told_afterwards_how_the_room_stood() {
        let mut calm = spent();
        let over = Notice::Ended(RoomEnd::Removed);
        assert_eq!(calm.pass(connection(ONE), over.clone()).collect::<Vec<_>>(), [over]);
        let told = calm.due(TO_THE_WEAK.1);
        assert_eq!((epochs(&told, ONE).len(), epochs(&told, OTHER).len()), (0, 1));
    }

    proptest! {
        #[test]
        fn everybody_hears_the_newest_state_in_the_end_and_no_connection_is_filled(
            pauses in proptest::collection::vec(0_u64..150, 1..300)
        ) {
            let (mut calm, mut now) = (Calm::new(Duration::ZERO), Duration::ZERO);
            let mut told = Vec::new();
            let wait = |calm: &mut Calm, told: &mut Vec<_>, now: &mut Duration, until: Duration| {
                while let Some(at) = calm.due_at().filter(|at| *at <= until) {
                    *now = at.max(*now);
                    told.extend(calm.due(*now));
                }
            };
            for (epoch, pause) in (0_i64..).zip(&pauses) {
                let next = now + Duration::from_millis(*pause);
                wait(&mut calm, &mut told, &mut now, next);
                now = next;
                told.extend(round(&mut calm, now, epoch));
            }
            wait(&mut calm, &mut told, &mut now, Duration::from_hours(1));
            let last = i64::try_from(pauses.len()).unwrap() - 1;
            for (whose, (at_once, every)) in [(ONE, TO_ALL), (WEAK, TO_THE_WEAK)] {
                let heard = epochs(&told, whose);
                prop_assert_eq!(heard.last(), Some(&last));
                prop_assert!(heard.is_sorted_by(|before, after| before < after));
                let most = u128::from(at_once) + now.as_millis() / every.as_millis() + 2;
                prop_assert!(u128::try_from(heard.len()).unwrap() <= most);
            }
        }
    }
}
