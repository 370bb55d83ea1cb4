//! Who waits, event by event, and whom each call passed.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::domain::appointment::check_in;
use crate::domain::fairness::rules::{Key, STANDARD, Standing, URGENT, is_a_hair_behind, may_move, puts_back, rule_of};
use crate::domain::fairness::{Finding, Overtaking, Place, QueueEvent, Replay, What};
use crate::domain::ids::{AccountId, TicketId};
use crate::domain::ticket::{AGEING_STREAK, AGEING_WAIT};
use crate::domain::time::Timestamp;

/// Whoever came so shortly before another was put back may not have been seen by that: both were written at once.
pub(super) const AT_ONCE: Duration = Duration::from_secs(10);

/// Plays a queue again. The events begin where the queue was empty.
pub fn replay(events: &[QueueEvent]) -> Replay {
    let mut queue = Queue::default();
    let mut told = Replay::default();
    for event in events {
        let QueueEvent { at, ticket, what } = *event;
        let fits = match what {
            What::Joined { place, arrived, slot, want, transferred } => {
                let due = slot.map_or(arrived.as_millis(), |slot| check_in::rank(slot, arrived));
                queue.put(ticket, Standing { place, arrived, slot, want, moved: None, since: at });
                place.rank == due || (transferred && place.rank > due)
            }
            What::Moved { place, why, shift } => match queue.known.get(&ticket).copied() {
                Some(one) => {
                    let is_too_far = why.is_some_and(puts_back)
                        && shift.is_some_and(|most| {
                            queue.passing(ticket, place, at) > usize::try_from(most).unwrap_or(usize::MAX)
                        });
                    queue.put(ticket, Standing { place, moved: why.or(one.moved), since: at, ..one });
                    may_move(one.place, place, why) && !is_too_far
                }
                None => false,
            },
            What::Freed => {
                if let Some(one) = queue.known.get_mut(&ticket) {
                    one.want = None;
                }
                true
            }
            What::Aside { place } => queue.step_aside(ticket, place),
            What::Called { doctor, aged } => {
                queue.call(Call { ticket, doctor, aged, at }, &mut told);
                true
            }
            What::Gone => {
                queue.take(ticket);
                true
            }
        };
        if !fits {
            told.findings.push(Finding::PlaceWithoutReason { ticket, at });
        }
    }
    told
}

/// A doctor calls somebody.
#[derive(Clone, Copy)]
struct Call {
    ticket: TicketId,
    doctor: AccountId,
    aged: bool,
    at: Timestamp,
}

/// Everybody who was ever in the queue, for they may come back; and of them those who wait, in its order and in that of their
/// coming: a call looks at those alone whom it passes.
#[derive(Default)]
struct Queue {
    known: HashMap<TicketId, Standing>,
    order: BTreeSet<Key>,
    arrivals: BTreeSet<(Timestamp, TicketId)>,
    /// So many URGENT ones were called in a row.
    streak: i64,
}

impl Queue {
    /// It waits here.
    fn put(&mut self, ticket: TicketId, standing: Standing) {
        self.take(ticket);
        self.order.insert(standing.key(ticket));
        self.arrivals.insert((standing.arrived, ticket));
        self.known.insert(ticket, standing);
    }

    /// It waits no longer; where it stood if it did.
    fn take(&mut self, ticket: TicketId) -> Option<Standing> {
        let one = *self.known.get(&ticket)?;
        self.arrivals.remove(&(one.arrived, ticket));
        self.order.remove(&one.key(ticket)).then_some(one)
    }

    /// It steps aside, whether it waits or not; whether by next to nothing. Of one that nobody knows nothing is said.
    fn step_aside(&mut self, ticket: TicketId, place: Place) -> bool {
        let Some(one) = self.known.get(&ticket).copied() else { return true };
        let aside = Standing { place, ..one };
        if self.take(ticket).is_some() {
            self.put(ticket, aside);
        } else {
            self.known.insert(ticket, aside);
        }
        is_a_hair_behind(one.place, place)
    }

    /// How many who wait would come to stand before a ticket that did not, were it put there.
    fn passing(&self, ticket: TicketId, to: Place, at: Timestamp) -> usize {
        let Some(one) = self.known.get(&ticket) else { return 0 };
        let (from, to) = (one.key(ticket), (to.lane, to.rank, ticket));
        if to <= from {
            return 0;
        }
        let was_seen = |one: &Standing| at.since(one.since) >= AT_ONCE;
        let between = self.order.range(from..to).filter(|(.., other)| *other != ticket);
        between.filter(|(.., other)| self.known.get(other).is_some_and(was_seen)).count()
    }

    fn is_due(&self, one: &Standing, at: Timestamp) -> bool {
        self.streak >= AGEING_STREAK && one.place.lane == STANDARD && has_aged(one.arrived, at)
    }

    /// Somebody is called: whom of those who wait on this passed, and by which rules.
    fn call(&mut self, call: Call, told: &mut Replay) {
        let Call { ticket, doctor, aged, at } = call;
        let Some(called) = self.take(ticket) else {
            told.findings.push(Finding::NotWaiting { ticket, at });
            return;
        };
        if called.wants_other(doctor, at) {
            told.findings.push(Finding::AnothersPatient { ticket, at });
        }
        let is_aged = aged && self.is_due(&called, at);
        for other in self.passed(&called, call) {
            let Some(waiting) = self.known.get(&other) else { continue };
            let before = waiting.key(other) < called.key(ticket);
            let may_age = self.is_due(waiting, at) && !waiting.wants_other(doctor, at);
            // Called for having waited long, whoever has not, while somebody who has waits on.
            let is_in_anothers_turn = aged && !is_aged && may_age;
            if !before && waiting.arrived >= called.arrived && !is_in_anothers_turn {
                continue;
            }
            // Of several who waited so long the first goes.
            let rule = if is_in_anothers_turn {
                None
            } else {
                rule_of(&called, waiting, before, is_aged && !may_age, doctor, at)
            };
            let overtaking = Overtaking { called: ticket, waiting: other, at, rule };
            told.overtakings.push(overtaking);
            if rule.is_none() {
                told.findings.push(Finding::Overtaken(overtaking));
            }
        }
        self.streak = if called.place.lane == URGENT { self.streak + 1 } else { 0 };
    }

    /// Who may have been passed by a call, in the order of their ids: whoever stands before, or came earlier; and whose turn
    /// it may have been, where it was a turn of those who waited long.
    fn passed(&self, called: &Standing, call: Call) -> BTreeSet<TicketId> {
        let mut passed: BTreeSet<_> = self.order.range(..called.key(call.ticket)).map(|(.., other)| *other).collect();
        let is_passed = |arrived| arrived < called.arrived || (call.aged && has_aged(arrived, call.at));
        passed.extend(self.arrivals.iter().take_while(|(arrived, _)| is_passed(*arrived)).map(|(_, other)| *other));
        passed
    }
}

fn has_aged(arrived: Timestamp, at: Timestamp) -> bool {
    at.since(arrived) > AGEING_WAIT
}
