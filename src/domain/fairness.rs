//! The queue, played again from what was told of it: was anybody overtaken without a stated rule?
//!
//! A replay knows nothing but the events. It keeps who waits and where, and at every call asks of everybody who came
//! earlier and still waits: by which rule did the other go first? Where no rule says so, that is a finding.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::appointment::check_in;
use crate::domain::ids::{AccountId, TicketId};
use crate::domain::ticket::{AGEING_STREAK, AGEING_WAIT, MoveReason};
use crate::domain::time::Timestamp;

/// The lane of URGENT.
const URGENT: i64 = 1;
/// The lane of STANDARD.
const STANDARD: i64 = 2;
/// A rank grows by so many milliseconds at most where others are put exactly before it.
const HAIR: i64 = 64;
/// Whoever came so shortly before another was put back may not have been seen by that: both were written at once.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Why somebody who came later may go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Rule {
    /// A more urgent level.
    #[serde(rename = "LANE-1")]
    Lane,
    /// Waited for an hour while three more urgent ones were called in a row.
    #[serde(rename = "AGED-1")]
    Aged,
    /// Booked, and on time: ranks half an hour before the slot.
    #[serde(rename = "BOOKED-1")]
    Booked,
    /// The other waits for the doctor of an appointment, who is not the one who called.
    #[serde(rename = "WANT-1")]
    Want,
    /// The other missed a call and went some places back.
    #[serde(rename = "MISSED-1")]
    Missed,
    /// The place was given back after something that was no fault of the patient's.
    #[serde(rename = "RESTORED-1")]
    Restored,
}

/// Where a ticket stands: lower lanes first, then lower ranks, then lower ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The lane of its level.
    pub lane: i64,
    /// The rank in it.
    pub rank: i64,
}

/// Whom a booked ticket waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The doctor.
    pub doctor: AccountId,
    /// After this anybody may call it.
    pub until: Timestamp,
}

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// It came into the queue.
    Joined {
        /// Where it stands.
        place: Place,
        /// When the patient arrived.
        arrived: Timestamp,
        /// When the slot begins, where it was booked.
        slot: Option<Timestamp>,
        /// Whom it waits for.
        want: Option<Want>,
        /// It came from another clinic, and its rank there may be a later one than its arrival.
        transferred: bool,
    },
    /// It waits at this place now.
    Moved {
        /// Where it stands.
        place: Place,
        /// Why, if a reason was told.
        why: Option<MoveReason>,
        /// Past how many who waited the rule of that reason puts it back, where that was told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shift: Option<u32>,
    },
    /// It waits for nobody in particular any longer: the doctor of its appointment is away.
    Freed,
    /// It stepped aside by next to nothing, so that another could be put exactly before it.
    Aside {
        /// Where it stands.
        place: Place,
    },
    /// A doctor called it.
    Called {
        /// Who.
        doctor: AccountId,
        /// As one that waited for too long.
        aged: bool,
    },
    /// It is out of the queue.
    Gone,
}

/// One event of a queue, in the order in which they were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEvent {
    /// When.
    pub at: Timestamp,
    /// Which ticket.
    pub ticket: TicketId,
    /// What.
    pub what: What,
}

/// Somebody was called although another had come earlier and waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overtaking {
    /// Who was called.
    pub called: TicketId,
    /// Who waited on.
    pub waiting: TicketId,
    /// When.
    pub at: Timestamp,
    /// By which rule; none is a finding.
    pub rule: Option<Rule>,
}

/// What no rule explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// Somebody was called before another without a rule.
    Overtaken(Overtaking),
    /// A place that does not follow from the arrival, from the slot, or from a reason.
    PlaceWithoutReason {
        /// Which ticket.
        ticket: TicketId,
        /// When.
        at: Timestamp,
    },
    /// Somebody was called who did not wait.
    NotWaiting {
        /// Which ticket.
        ticket: TicketId,
        /// When.
        at: Timestamp,
    },
    /// Somebody was called who waits for another doctor.
    AnothersPatient {
        /// Which ticket.
        ticket: TicketId,
        /// When.
        at: Timestamp,
    },
}

/// The queue, played again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// Everybody who was called before somebody who came earlier, with the rule.
    pub overtakings: Vec<Overtaking>,
    /// What no rule explains.
    pub findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug)]
struct Standing {
    place: Place,
    arrived: Timestamp,
    slot: Option<Timestamp>,
    want: Option<Want>,
    moved: Option<MoveReason>,
    waits: bool,
    /// When it came to its place.
    since: Timestamp,
}

impl Standing {
    fn key(&self, id: TicketId) -> (i64, i64, TicketId) {
        (self.place.lane, self.place.rank, id)
    }

    /// Whether it waits for another doctor than the one who calls. An URGENT one waits for nobody.
    fn wants_other(&self, doctor: AccountId, at: Timestamp) -> bool {
        self.place.lane > URGENT && self.want.is_some_and(|want| want.doctor != doctor && at < want.until)
    }

    fn was_put_back(&self) -> bool {
        self.moved.is_some_and(puts_back)
    }
}

const fn puts_back(why: MoveReason) -> bool {
    matches!(why, MoveReason::MissedCall | MoveReason::WrongPerson | MoveReason::PatientLost)
}

/// Plays a queue again. The events begin where the queue was empty.
pub fn replay(events: &[QueueEvent]) -> Replay {
    let mut standing: BTreeMap<TicketId, Standing> = BTreeMap::new();
    let mut streak = 0;
    let mut told = Replay::default();
    for event in events {
        let QueueEvent { at, ticket, what } = *event;
        match what {
            What::Joined { place, arrived, slot, want, transferred } => {
                let due = slot.map_or(arrived.as_millis(), |slot| check_in::rank(slot, arrived));
                let fits = place.rank == due || (transferred && place.rank > due);
                if !fits {
                    told.findings.push(Finding::PlaceWithoutReason { ticket, at });
                }
                standing.insert(ticket, Standing { place, arrived, slot, want, moved: None, waits: true, since: at });
            }
            What::Moved { place, why, shift } => {
                let is_too_far = why.is_some_and(puts_back)
                    && shift.is_some_and(|most| {
                        passing(&standing, ticket, place, at) > usize::try_from(most).unwrap_or(usize::MAX)
                    });
                let fits = match standing.get_mut(&ticket) {
                    Some(one) => {
                        let fits = may_move(one.place, place, why) && !is_too_far;
                        *one = Standing { place, moved: why.or(one.moved), waits: true, since: at, ..*one };
                        fits
                    }
                    None => false,
                };
                if !fits {
                    told.findings.push(Finding::PlaceWithoutReason { ticket, at });
                }
            }
            What::Freed => {
                if let Some(one) = standing.get_mut(&ticket) {
                    one.want = None;
                }
            }
            What::Aside { place } => {
                if let Some(one) = standing.get_mut(&ticket) {
                    if !is_a_hair_behind(one.place, place) {
                        told.findings.push(Finding::PlaceWithoutReason { ticket, at });
                    }
                    one.place = place;
                }
            }
            What::Called { doctor, aged } => {
                let called = standing.get(&ticket).copied().filter(|one| one.waits);
                let Some(called) = called else {
                    told.findings.push(Finding::NotWaiting { ticket, at });
                    continue;
                };
                if called.wants_other(doctor, at) {
                    told.findings.push(Finding::AnothersPatient { ticket, at });
                }
                let is_due = |one: &Standing| {
                    streak >= AGEING_STREAK && one.place.lane == STANDARD && at.since(one.arrived) > AGEING_WAIT
                };
                let is_aged = aged && is_due(&called);
                for (other, waiting) in standing.iter().filter(|(id, one)| one.waits && **id != ticket) {
                    let before = waiting.key(*other) < called.key(ticket);
                    let may_age = is_due(waiting) && !waiting.wants_other(doctor, at);
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
                    let overtaking = Overtaking { called: ticket, waiting: *other, at, rule };
                    told.overtakings.push(overtaking);
                    if rule.is_none() {
                        told.findings.push(Finding::Overtaken(overtaking));
                    }
                }
                streak = if called.place.lane == URGENT { streak + 1 } else { 0 };
                if let Some(one) = standing.get_mut(&ticket) {
                    one.waits = false;
                }
            }
            What::Gone => {
                if let Some(one) = standing.get_mut(&ticket) {
                    one.waits = false;
                }
            }
        }
    }
    told
}

/// By which rule `called` went before `waiting`, who stood `before` it in the queue or came earlier.
fn rule_of(
    called: &Standing,
    waiting: &Standing,
    before: bool,
    is_aged: bool,
    doctor: AccountId,
    at: Timestamp,
) -> Option<Rule> {
    if before {
        // The queue's own order was passed over: only these may.
        return match () {
            () if waiting.wants_other(doctor, at) => Some(Rule::Want),
            () if is_aged => Some(Rule::Aged),
            () => None,
        };
    }
    // The queue's order was kept, and the other had come earlier: why did it stand behind?
    if called.place.lane < waiting.place.lane {
        Some(Rule::Lane)
    } else if waiting.was_put_back() {
        Some(Rule::Missed)
    } else if matches!(called.moved, Some(MoveReason::DoctorLost)) {
        Some(Rule::Restored)
    } else if called.slot.is_some() || waiting.slot.is_some() {
        // Its place follows from the slot, which was compared when it joined.
        Some(Rule::Booked)
    } else if called.arrived == waiting.arrived {
        Some(Rule::Lane)
    } else {
        None
    }
}

/// Whether a reason explains a new place.
fn may_move(from: Place, to: Place, why: Option<MoveReason>) -> bool {
    use MoveReason as R;
    match why {
        // Back to where it was; others may have been put before it meanwhile.
        Some(R::DeskLost | R::CallCancelled) => is_a_hair_behind(from, to),
        // Back by some places, never forward. By how many is counted among those who wait.
        Some(R::MissedCall | R::WrongPerson | R::PatientLost) => from.lane == to.lane && from.rank <= to.rank,
        // To the head of its level.
        Some(R::DoctorLost) => from.lane == to.lane && to.rank <= from.rank,
        // Another level, the same time of arrival.
        Some(R::Raised | R::Lowered) => from.rank == to.rank,
        Some(R::Aged | R::Transferred | R::NotReached) | None => from == to,
    }
}

/// How many who wait would come to stand before a ticket that did not, were it put there.
fn passing(standing: &BTreeMap<TicketId, Standing>, ticket: TicketId, to: Place, at: Timestamp) -> usize {
    let Some(one) = standing.get(&ticket) else { return 0 };
    let between = one.key(ticket)..(to.lane, to.rank, ticket);
    let passes = |(id, other): &(&TicketId, &Standing)| {
        other.waits && **id != ticket && between.contains(&other.key(**id)) && at.since(other.since) >= AT_ONCE
    };
    standing.iter().filter(passes).count()
}

/// Whether somebody stands where they stood, or aside by next to nothing.
fn is_a_hair_behind(from: Place, to: Place) -> bool {
    from.lane == to.lane && (from.rank..=from.rank.saturating_add(HAIR)).contains(&to.rank)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn ticket(n: usize) -> TicketId {
        TicketId::from_uuid(Uuid::from_u128(n as u128 + 1))
    }

    fn doctor(n: usize) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(n as u128 + 1))
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * 60_000)
    }

    fn walked_in(n: usize, lane: i64, minute: i64) -> QueueEvent {
        let place = Place { lane, rank: at(minute).as_millis() };
        QueueEvent {
            at: at(minute),
            ticket: ticket(n),
            what: What::Joined { place, arrived: at(minute), slot: None, want: None, transferred: false },
        }
    }

    fn call(n: usize, by: usize, minute: i64) -> QueueEvent {
        QueueEvent { at: at(minute), ticket: ticket(n), what: What::Called { doctor: doctor(by), aged: false } }
    }

    fn rules(events: &[QueueEvent]) -> Vec<Option<Rule>> {
        replay(events).overtakings.into_iter().map(|one| one.rule).collect()
    }

    #[test]
    fn an_urgent_patient_goes_first_by_the_lane() {
        assert_eq!(rules(&[walked_in(0, 2, 1), walked_in(1, 1, 2), call(1, 0, 3)]), [Some(Rule::Lane)]);
    }

    #[test]
    fn who_is_called_before_an_earlier_one_of_the_lane_is_a_finding() {
        let told = replay(&[walked_in(0, 2, 1), walked_in(1, 2, 2), call(1, 0, 3)]);
        assert!(matches!(told.findings[..], [Finding::Overtaken(Overtaking { rule: None, .. })]));
    }

    #[test]
    fn a_booked_patient_goes_first_by_the_slot_and_a_wrong_rank_is_a_finding() {
        let booked = |rank: Timestamp| QueueEvent {
            at: at(35),
            ticket: ticket(1),
            what: What::Joined {
                place: Place { lane: 2, rank: rank.as_millis() },
                arrived: at(35),
                slot: Some(at(40)),
                want: Some(Want { doctor: doctor(0), until: at(60) }),
                transferred: false,
            },
        };
        let events = |rank| [walked_in(0, 2, 20), booked(rank), call(1, 0, 36)];
        assert_eq!(rules(&events(at(10))), [Some(Rule::Booked)]);
        assert!(matches!(replay(&events(at(5))).findings[..], [Finding::PlaceWithoutReason { .. }]));
        let by_another = [walked_in(0, 2, 20), booked(at(10)), call(0, 1, 36)];
        assert_eq!(rules(&by_another), [Some(Rule::Want)]);
        let stolen = [booked(at(10)), call(1, 1, 36)];
        assert!(matches!(replay(&stolen).findings[..], [Finding::AnothersPatient { .. }]));
    }

    #[test]
    fn who_missed_a_call_is_passed_by_that_rule() {
        let back = Place { lane: 2, rank: at(2).as_millis() };
        let missed = QueueEvent {
            at: at(4),
            ticket: ticket(0),
            what: What::Moved { place: back, why: Some(MoveReason::MissedCall), shift: Some(1) },
        };
        let events = [walked_in(1, 2, 2), walked_in(0, 2, 1), call(0, 0, 3), missed];
        // Equal ranks: the lower id goes first, which is the one that missed; so the other has to stand before.
        let behind = QueueEvent {
            what: What::Moved {
                place: Place { rank: back.rank + 1, ..back },
                why: Some(MoveReason::MissedCall),
                shift: Some(1),
            },
            ..missed
        };
        let events: Vec<_> = events[..3].iter().copied().chain([behind, call(1, 0, 5)]).collect();
        assert_eq!(rules(&events), [Some(Rule::Missed)]);
    }

    #[test]
    fn a_place_that_changes_without_a_reason_is_a_finding() {
        let forward = Place { lane: 2, rank: 0 };
        for why in [None, Some(MoveReason::MissedCall), Some(MoveReason::CallCancelled), Some(MoveReason::Raised)] {
            let moved =
                QueueEvent { at: at(3), ticket: ticket(0), what: What::Moved { place: forward, why, shift: None } };
            assert_eq!(replay(&[walked_in(0, 2, 1), moved]).findings.len(), 1, "{why:?}");
        }
    }

    #[test]
    fn an_aged_patient_goes_first_after_three_urgent_ones_and_not_before() {
        let aged = |n| QueueEvent { what: What::Called { doctor: doctor(0), aged: true }, ..call(n, 0, 80) };
        let mut events = vec![walked_in(9, 2, 0)];
        events.extend((0..5).map(|n| walked_in(n, 1, 70)));
        let with = |calls: usize| {
            let mut all = events.clone();
            all.extend((0..calls).map(|n| call(n, 0, 75)));
            all.push(aged(9));
            replay(&all)
        };
        assert!(with(3).findings.is_empty() && with(3).overtakings.iter().any(|one| one.rule == Some(Rule::Aged)));
        assert!(!with(2).findings.is_empty());
    }

    #[test]
    fn the_turn_of_an_aged_patient_is_nobody_elses() {
        let aged = |n| QueueEvent { what: What::Called { doctor: doctor(0), aged: true }, ..call(n, 0, 80) };
        let mut events = vec![walked_in(8, 2, 0), walked_in(9, 2, 1), walked_in(7, 2, 60)];
        events.extend((0..4).map(|n| walked_in(n, 1, 70)));
        events.extend((0..3).map(|n| call(n, 0, 75)));
        let findings = |n| replay(&[events.clone(), vec![aged(n)]].concat()).findings;
        assert_eq!(findings(8), []);
        for (n, why) in [(9, "who waited as long came later"), (7, "has not waited long"), (3, "is urgent")] {
            assert!(matches!(findings(n)[..], [Finding::Overtaken(_), ..]), "{n} {why}");
        }
    }

    /// A queue as the store keeps it: who is next follows from lane, rank, id, the wants and the ageing rule.
    fn followed(people: &[(i64, i64, Option<i64>)], doctors: usize) -> Vec<QueueEvent> {
        let mut waiting: Vec<(TicketId, Standing)> = Vec::new();
        let mut events = Vec::new();
        for (n, (lane, gap, slot)) in people.iter().enumerate() {
            let arrived = Timestamp::from_millis(
                events.iter().map(|e: &QueueEvent| e.at.as_millis()).max().unwrap_or(0) + 1 + gap * 1000,
            );
            let slot = slot.map(|minutes| arrived + Duration::from_mins(u64::try_from(minutes).unwrap_or(0)));
            let rank = slot.map_or(arrived.as_millis(), |slot| check_in::rank(slot, arrived));
            let place = Place { lane: *lane, rank };
            let want = slot
                .filter(|_| *lane > URGENT)
                .map(|slot| Want { doctor: doctor(n % doctors), until: slot + Duration::from_mins(20) });
            events.push(QueueEvent {
                at: arrived,
                ticket: ticket(n),
                what: What::Joined { place, arrived, slot, want, transferred: false },
            });
            waiting
                .push((ticket(n), Standing { place, arrived, slot, want, moved: None, waits: true, since: arrived }));
        }
        let mut now = events.last().map_or(Timestamp::from_millis(0), |event| event.at);
        let mut streak = 0;
        for turn in 0..people.len() * 4 {
            now = now + Duration::from_mins(7);
            let who = doctor(turn % doctors);
            let free = |one: &Standing| !one.wants_other(who, now);
            let aged = |one: &Standing| {
                streak >= AGEING_STREAK && one.place.lane == STANDARD && now.since(one.arrived) > AGEING_WAIT
            };
            let pick = |want_aged: bool| {
                let able = waiting.iter().filter(|(_, one)| free(one) && (!want_aged || aged(one)));
                able.min_by_key(|(id, one)| one.key(*id)).map(|(id, _)| *id)
            };
            let (next, is_aged) = match pick(true) {
                Some(id) => (Some(id), true),
                None => (pick(false), false),
            };
            let Some(next) = next else { continue };
            let at = waiting.iter().position(|(id, _)| *id == next).unwrap();
            let (_, one) = waiting.remove(at);
            streak = if one.place.lane == URGENT { streak + 1 } else { 0 };
            events.push(QueueEvent { at: now, ticket: next, what: What::Called { doctor: who, aged: is_aged } });
        }
        events
    }

    proptest! {
        #[test]
        fn whoever_is_put_back_further_than_the_rule_says_is_found(
            lane in 1..4_i64,
            others in prop::collection::vec(any::<bool>(), 1..120),
            places in any::<prop::sample::Index>(),
            shift in 0..6_u32,
            why in prop::sample::select(vec![MoveReason::MissedCall, MoveReason::WrongPerson, MoveReason::PatientLost]),
        ) {
            // Some of those behind have gone: nobody is passed by them.
            let mut events = vec![walked_in(0, lane, 0)];
            events.extend((1..=others.len()).map(|n| walked_in(n, lane, i64::try_from(n).unwrap())));
            let gone = (1..=others.len()).filter(|n| !others[n - 1]);
            events.extend(gone.map(|n| QueueEvent { at: at(200), ticket: ticket(n), what: What::Gone }));
            events.push(call(0, 0, 201));
            let last = places.index(others.len() + 1);
            let place = Place { lane, rank: at(i64::try_from(last).unwrap()).as_millis() + 1 };
            events.push(QueueEvent {
                at: at(202), ticket: ticket(0), what: What::Moved { place, why: Some(why), shift: Some(shift) }
            });
            let passed = others[..last].iter().filter(|waits| **waits).count();
            let told = replay(&events);
            prop_assert_eq!(told.findings.len(), usize::from(passed > usize::try_from(shift).unwrap()), "{} by {}", passed, shift);
        }

        #[test]
        fn a_queue_that_followed_the_rules_replays_without_a_finding(
            people in prop::collection::vec((1..4_i64, 0..900_i64, prop::option::of(0..40_i64)), 1..20),
            doctors in 1..4_usize,
        ) {
            let told = replay(&followed(&people, doctors));
            prop_assert!(told.findings.is_empty(), "{:?}", told.findings);
        }

        #[test]
        fn any_swap_of_two_calls_is_found_by_the_replay(
            people in prop::collection::vec((1..4_i64, 0..60_i64), 2..16),
            swap in any::<(prop::sample::Index, prop::sample::Index)>(),
        ) {
            let people: Vec<_> = people.into_iter().map(|(lane, gap)| (lane, gap, None)).collect();
            let mut events = followed(&people, 1);
            let calls: Vec<usize> = (0..events.len()).filter(|n| matches!(events[*n].what, What::Called { .. })).collect();
            let one = swap.0.index(calls.len());
            let two = (one + 1 + swap.1.index(calls.len() - 1)) % calls.len();
            let (one, two) = (calls[one], calls[two]);
            let (a, b) = (events[one].ticket, events[two].ticket);
            events[one].ticket = b;
            events[two].ticket = a;
            prop_assert!(!replay(&events).findings.is_empty());
        }
    }
}
