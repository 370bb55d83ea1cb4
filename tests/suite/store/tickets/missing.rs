//! A call that nobody answered: some places back, or void.

use std::time::Duration;

use yunzhen::domain::ids::TicketId;
use yunzhen::domain::ticket::{MoveReason, TicketState};
use yunzhen::domain::triage::Level;
use yunzhen::store::TicketRow;

use crate::support::hospital::Hospital;
use crate::support::on_both;

const LIMIT: i64 = 3;

async fn miss(hospital: &Hospital, called: &TicketRow, shift: i64) -> TicketRow {
    hospital
        .write(async |tx| {
            tx.tickets().miss(called.id, called.version, shift, LIMIT, hospital.now()).await.unwrap().expect("it rang")
        })
        .await
}

/// The ids of `tickets` in the order of `places`.
fn pick(tickets: &[TicketRow], places: &[usize]) -> Vec<TicketId> {
    places.iter().map(|place| tickets[*place].id).collect()
}

on_both! {
    async fn a_missed_call_puts_a_ticket_three_places_back(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(6, Level::Standard).await;
        let called = hospital.call(0).await;
        let missed = miss(&hospital, &called, 3).await;
        assert_eq!(hospital.order().await, pick(&tickets, &[1, 2, 3, 0, 4, 5]));
        let expected = TicketRow {
            state: TicketState::Waiting,
            version: called.version + 1,
            rank: missed.rank,
            miss_count: 1,
            desk_id: None,
            doctor_id: None,
            lease_until: None,
            ring_until: None,
            move_reason: Some(MoveReason::MissedCall),
            ..called
        };
        assert_eq!(missed, expected);
        hospital.call(0).await;
    }

    async fn somebody_elses_answer_costs_no_place_the_first_time_some_the_second_and_the_ticket_the_third(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(4, Level::Standard).await;
        let wrong = async |called: &TicketRow| {
            hospital
                .write(async |tx| {
                    let t = &mut tx.tickets();
                    t.wrong_person(called.id, called.version, 2, LIMIT, hospital.now()).await.unwrap().expect("it rang")
                })
                .await
        };
        let called = hospital.call(0).await;
        let first = wrong(&called).await;
        assert_eq!((first.rank, first.wrong_count, first.miss_count), (called.rank, 1, 0));
        assert_eq!(first.move_reason, Some(MoveReason::WrongPerson));
        assert_eq!(hospital.order().await, pick(&tickets, &[0, 1, 2, 3]));
        wrong(&hospital.call(0).await).await;
        assert_eq!(hospital.order().await, pick(&tickets, &[1, 2, 0, 3]));
        for _ in 0..2 {
            let ahead = hospital.call(0).await;
            let now = hospital.now();
            hospital.write(async |tx| tx.tickets().leave(ahead.id, ahead.version, now).await.unwrap()).await;
        }
        let last = wrong(&hospital.call(0).await).await;
        assert_eq!((last.id, last.state), (tickets[0].id, TicketState::NoShow));
        assert_eq!((last.move_reason, last.ended_at), (Some(MoveReason::WrongPerson), Some(hospital.now())));
    }

    async fn a_ticket_goes_to_the_end_when_fewer_wait_than_the_places_it_loses(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(3, Level::Standard).await;
        let called = hospital.call(0).await;
        miss(&hospital, &called, 3).await;
        assert_eq!(hospital.order().await, pick(&tickets, &[1, 2, 0]));
    }

    async fn a_ticket_that_waits_alone_keeps_its_rank(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let ticket = hospital.join(Level::Standard).await;
        let called = hospital.call(0).await;
        assert_eq!(miss(&hospital, &called, 3).await.rank, ticket.rank);
    }

    async fn a_shift_of_no_places_changes_nothing_but_the_count(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(3, Level::Standard).await;
        let called = hospital.call(0).await;
        miss(&hospital, &called, 0).await;
        assert_eq!(hospital.order().await, pick(&tickets, &[0, 1, 2]));
    }

    async fn only_those_of_its_own_lane_pass_a_missed_ticket(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let standard = hospital.join_many(3, Level::Standard).await;
        let urgent = hospital.join_many(2, Level::Urgent).await;
        let called = hospital.call(0).await;
        assert_eq!(called.id, urgent[0].id);
        miss(&hospital, &called, 3).await;
        let expected = [pick(&urgent, &[1, 0]), pick(&standard, &[0, 1, 2])].concat();
        assert_eq!(hospital.order().await, expected);
    }

    async fn tickets_that_arrived_in_one_millisecond_pass_one_by_one(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        for no in 1..=8 {
            let ticket = hospital.ticket(hospital.clinic, no, Level::Standard);
            hospital.write(async |tx| tx.tickets().insert(&ticket).await.unwrap()).await;
        }
        let before = hospital.order().await;
        let called = hospital.call(0).await;
        miss(&hospital, &called, 3).await;
        let mut expected = before;
        expected[..4].rotate_left(1);
        assert_eq!(hospital.order().await, expected, "exactly three are before it who were not");
    }

    async fn two_that_miss_one_after_the_other_keep_exactly_three_places_each(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(6, Level::Standard).await;
        for _ in 0..2 {
            let called = hospital.call(0).await;
            miss(&hospital, &called, 3).await;
        }
        // 0 went behind 3; then 1 lost three places to 2, 3 and 0.
        assert_eq!(hospital.order().await, pick(&tickets, &[2, 3, 0, 1, 4, 5]));
    }

    async fn one_who_missed_before_may_be_passed_again(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let tickets = hospital.join_many(6, Level::Standard).await;
        let [first, second] = [hospital.call(0).await, hospital.call(1).await];
        // Both are gone when the second misses; the first has four who wait behind it: 2, 3, 4, then the second.
        miss(&hospital, &second, 3).await;
        assert_eq!(hospital.order().await, pick(&tickets, &[2, 3, 4, 1, 5]));
        miss(&hospital, &first, 3).await;
        assert_eq!(hospital.order().await, pick(&tickets, &[2, 3, 4, 0, 1, 5]));
    }

    async fn the_place_of_one_who_was_called_is_kept_while_others_miss(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let tickets = hospital.join_many(5, Level::Standard).await;
        let [first, second] = [hospital.call(0).await, hospital.call(1).await];
        miss(&hospital, &first, 3).await;
        let back = hospital.write(async |tx| {
            tx.tickets().restore(second.id, second.version, MoveReason::DeskLost).await.unwrap().unwrap()
        });
        assert_eq!(back.await.id, tickets[1].id);
        assert_eq!(hospital.order().await, pick(&tickets, &[1, 2, 3, 4, 0]));
    }

    async fn the_last_miss_makes_the_ticket_void(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let ticket = hospital.join(Level::Standard).await;
        for count in 1..LIMIT {
            let missed = miss(&hospital, &hospital.call(0).await, 3).await;
            assert_eq!((missed.state, missed.miss_count, missed.ended_at), (TicketState::Waiting, count, None));
        }
        hospital.pass(Duration::from_secs(1));
        let void = miss(&hospital, &hospital.call(0).await, 3).await;
        assert_eq!((void.id, void.state, void.miss_count), (ticket.id, TicketState::NoShow, LIMIT));
        assert_eq!((void.ended_at, void.doctor_id), (Some(hospital.now()), None));
        assert_eq!(hospital.try_call(0).await.unwrap(), None, "a void ticket is never called");
    }

    async fn a_stale_or_unknown_miss_moves_nobody(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join_many(5, Level::Standard).await;
        let called = hospital.call(0).await;
        let before = (hospital.order().await, hospital.find(called.id).await);
        let stranger = hospital.ids.make(TicketId::from_uuid);
        for (id, version) in [(called.id, called.version - 1), (before.0[0], 1), (stranger, 1)] {
            let moved = hospital.write(async |tx| tx.tickets().miss(id, version, 3, LIMIT, hospital.now()).await.unwrap());
            assert_eq!(moved.await, None);
        }
        assert_eq!((hospital.order().await, hospital.find(called.id).await), before);
    }

    async fn those_who_step_aside_keep_their_version(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(6, Level::Standard).await;
        for _ in 0..3 {
            let called = hospital.call(0).await;
            miss(&hospital, &called, 1).await;
        }
        for ticket in &tickets[2..] {
            let kept = hospital.find(ticket.id).await;
            assert_eq!((kept.version, kept.move_reason, kept.miss_count), (1, None, 0), "a desk that saw it may act");
        }
    }

    async fn a_dropped_patient_goes_some_places_back_without_a_miss(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(4, Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        let back = hospital
            .write(async |tx| tx.tickets().put_back(serving.id, serving.version, 2).await.unwrap().unwrap())
            .await;
        assert_eq!((back.state, back.miss_count), (TicketState::Waiting, 0));
        assert_eq!((back.move_reason, back.doctor_id), (Some(MoveReason::PatientLost), None));
        let ids: Vec<_> = [1, 2, 0, 3].map(|at: usize| tickets[at].id).into();
        assert_eq!(hospital.order().await, ids);
        let again = hospital.write(async |tx| tx.tickets().put_back(back.id, back.version, 2).await.unwrap()).await;
        assert_eq!(again, None, "who waits is not put back");
    }
}
