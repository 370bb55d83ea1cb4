use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::replay::AT_ONCE;
use super::rules::{STANDARD, Standing, URGENT, is_a_hair_behind, may_move, puts_back, rule_of};
use super::*;
use crate::domain::appointment::check_in;
use crate::domain::ticket::{AGEING_STREAK, AGEING_WAIT};

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
        let moved = QueueEvent { at: at(3), ticket: ticket(0), what: What::Moved { place: forward, why, shift: None } };
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
        waiting.push((ticket(n), Standing { place, arrived, slot, want, moved: None, since: arrived }));
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

/// The replay as anybody would write it who has time: it keeps everybody who ever came, and asks each of them at every call.
fn model(events: &[QueueEvent]) -> Replay {
    let mut standing: BTreeMap<TicketId, (Standing, bool)> = BTreeMap::new();
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
                standing.insert(ticket, (Standing { place, arrived, slot, want, moved: None, since: at }, true));
            }
            What::Moved { place, why, shift } => {
                let is_too_far = why.is_some_and(puts_back)
                    && shift.is_some_and(|most| {
                        passing(&standing, ticket, place, at) > usize::try_from(most).unwrap_or(usize::MAX)
                    });
                let fits = match standing.get_mut(&ticket) {
                    Some((one, waits)) => {
                        let fits = may_move(one.place, place, why) && !is_too_far;
                        *one = Standing { place, moved: why.or(one.moved), since: at, ..*one };
                        *waits = true;
                        fits
                    }
                    None => false,
                };
                if !fits {
                    told.findings.push(Finding::PlaceWithoutReason { ticket, at });
                }
            }
            What::Freed => {
                if let Some((one, _)) = standing.get_mut(&ticket) {
                    one.want = None;
                }
            }
            What::Aside { place } => {
                if let Some((one, _)) = standing.get_mut(&ticket) {
                    if !is_a_hair_behind(one.place, place) {
                        told.findings.push(Finding::PlaceWithoutReason { ticket, at });
                    }
                    one.place = place;
                }
            }
            What::Called { doctor, aged } => {
                let Some((called, _)) = standing.get(&ticket).copied().filter(|(_, waits)| *waits) else {
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
                for (other, (waiting, _)) in standing.iter().filter(|(id, (_, waits))| *waits && **id != ticket) {
                    let before = waiting.key(*other) < called.key(ticket);
                    let may_age = is_due(waiting) && !waiting.wants_other(doctor, at);
                    let is_in_anothers_turn = aged && !is_aged && may_age;
                    if !before && waiting.arrived >= called.arrived && !is_in_anothers_turn {
                        continue;
                    }
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
                if let Some((_, waits)) = standing.get_mut(&ticket) {
                    *waits = false;
                }
            }
            What::Gone => {
                if let Some((_, waits)) = standing.get_mut(&ticket) {
                    *waits = false;
                }
            }
        }
    }
    told
}

/// How many who wait would come to stand before a ticket that did not, were it put there.
fn passing(standing: &BTreeMap<TicketId, (Standing, bool)>, ticket: TicketId, to: Place, at: Timestamp) -> usize {
    let Some((one, _)) = standing.get(&ticket) else { return 0 };
    let between = one.key(ticket)..(to.lane, to.rank, ticket);
    let passes = |(id, (other, waits)): &(&TicketId, &(Standing, bool))| {
        *waits && **id != ticket && between.contains(&other.key(**id)) && at.since(other.since) >= AT_ONCE
    };
    standing.iter().filter(passes).count()
}

/// Anything that a log may say of a few tickets, whether or not a queue would do so.
fn said() -> impl Strategy<Value = Vec<QueueEvent>> {
    let reasons = [
        None,
        Some(MoveReason::MissedCall),
        Some(MoveReason::WrongPerson),
        Some(MoveReason::DoctorLost),
        Some(MoveReason::CallCancelled),
        Some(MoveReason::Raised),
    ];
    let reason = prop::sample::select(reasons.to_vec());
    let numbers = (0..8_usize, 0..12_u8, 1..4_i64, 0..240_i64, 0..25_i64);
    let chances = (any::<bool>(), any::<bool>(), 0..3_u32, prop::option::of(0..2_usize));
    let one = (numbers, chances, reason);
    prop::collection::vec(one, 1..80).prop_map(|told| {
        let mut now = 0;
        let mut events = Vec::with_capacity(told.len());
        for ((n, what, lane, before, later), (aged, fits, shift, wanted), why) in told {
            now += later;
            let (at, arrived) = (at(now), at(now - if fits { 0 } else { before }));
            let place = Place { lane, rank: arrived.as_millis() };
            let want = wanted.map(|n| Want { doctor: doctor(n), until: at + Duration::from_mins(40) });
            let what = match what {
                0..4 => What::Joined { place, arrived, slot: None, want, transferred: false },
                4 => What::Moved { place, why, shift: Some(shift) },
                5 => What::Freed,
                6 => What::Aside { place },
                7 => What::Gone,
                _ => What::Called { doctor: doctor(wanted.unwrap_or(0)), aged },
            };
            events.push(QueueEvent { at, ticket: ticket(n), what });
        }
        events
    })
}

proptest! {
    #[test]
    fn a_replay_that_looks_at_few_tells_what_one_tells_that_looks_at_all(events in said()) {
        prop_assert_eq!(replay(&events), model(&events));
    }

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
        let events = followed(&people, doctors);
        let told = replay(&events);
        prop_assert!(told.findings.is_empty(), "{:?}", told.findings);
        prop_assert_eq!(told, model(&events));
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
        let told = replay(&events);
        prop_assert!(!told.findings.is_empty());
        prop_assert_eq!(told, model(&events));
    }
}
