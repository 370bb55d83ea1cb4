//! Calling the next patient.

use std::time::Duration;

use yunzhen::domain::ids::TicketId;
use yunzhen::domain::ticket::{AGEING_WAIT, LEASE, MoveReason, TicketState, lane_of};
use yunzhen::domain::triage::Level;
use yunzhen::store::{StoreError, TicketRow};

use crate::support::hospital::{Hospital, RING};
use crate::support::on_both;

/// Calls one after the other from a desk of its own each.
async fn call_all(hospital: &Hospital) -> Vec<TicketRow> {
    let mut called = Vec::new();
    for desk in 0..hospital.desks.len() {
        called.extend(hospital.try_call(desk).await.unwrap());
    }
    called
}

fn ids(tickets: &[TicketRow]) -> Vec<TicketId> {
    tickets.iter().map(|ticket| ticket.id).collect()
}

on_both! {
    async fn the_order_is_lane_then_rank_then_id(db: Db) {
        let hospital = Hospital::open(&db, 8).await;
        let late = hospital.now() + Duration::from_secs(9);
        let mut expected = Vec::new();
        let levels = [Level::Advice, Level::Standard, Level::Urgent, Level::Standard, Level::Urgent, Level::Advice];
        for (no, level) in (1..).zip(levels) {
            // Two of a level have one rank: the id decides.
            let ticket = TicketRow { rank: late.as_millis(), ..hospital.ticket(hospital.clinic, no, level) };
            expected.push(ticket);
        }
        expected.push(TicketRow { rank: 5, ..hospital.ticket(hospital.clinic, 7, Level::Advice) });
        for ticket in &expected {
            hospital.write(async |tx| tx.tickets().insert(ticket).await.unwrap()).await;
        }
        expected.sort_by_key(|ticket| (lane_of(ticket.level), ticket.rank, ticket.id));
        assert_eq!(hospital.order().await, ids(&expected));
        let board = db.read().await.unwrap().tickets().board(hospital.clinic).await.unwrap();
        assert_eq!(ids(&board), ids(&expected));
        assert_eq!(ids(&call_all(&hospital).await), ids(&expected));
        assert_eq!(hospital.try_call(7).await.unwrap(), None, "nobody waits any more");
    }

    async fn a_called_ticket_names_its_desk_its_doctor_and_its_moments(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let joined = hospital.join(Level::Standard).await;
        hospital.pass(Duration::from_secs(5));
        let called = hospital.call(0).await;
        let now = hospital.now();
        let expected = TicketRow {
            state: TicketState::Called,
            version: 2,
            call_count: 1,
            desk_id: Some(hospital.desks[0].id),
            doctor_id: Some(hospital.desks[0].doctor),
            called_at: Some(now),
            ring_until: Some(now + RING),
            lease_until: Some(now + LEASE),
            ..joined
        };
        assert_eq!(called, expected);
        assert_eq!(hospital.find(called.id).await, expected);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.tickets().of_doctor(hospital.desks[0].doctor).await.unwrap(), Some(expected));
        assert_eq!(tx.tickets().count_waiting(hospital.clinic).await.unwrap(), 0);
        assert_eq!(tx.tickets().calling(hospital.clinic).await.unwrap(), Some((0, now)));
    }

    async fn an_empty_queue_gives_nobody_and_notes_no_call(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        assert_eq!(hospital.try_call(0).await.unwrap(), None);
        assert_eq!(db.read().await.unwrap().tickets().calling(hospital.clinic).await.unwrap(), None);
    }

    async fn nobody_is_called_from_another_clinic(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let elsewhere = hospital.ticket(hospital.other, 1, Level::Urgent);
        hospital.write(async |tx| tx.tickets().insert(&elsewhere).await.unwrap()).await;
        assert_eq!(hospital.try_call(0).await.unwrap(), None);
    }

    async fn a_doctor_who_has_a_patient_gets_no_other(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join_many(2, Level::Standard).await;
        let called = hospital.call(0).await;
        assert!(matches!(hospital.try_call(0).await, Err(StoreError::Conflict)));
        hospital.serve(&called).await;
        assert!(matches!(hospital.try_call(0).await, Err(StoreError::Conflict)));
        assert_eq!(hospital.order().await.len(), 1, "the refused calls moved nobody");
    }

    async fn one_of_two_calls_that_a_doctor_presses_at_once_is_refused(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join_many(2, Level::Standard).await;
        let (one, other) = tokio::join!(hospital.try_call(0), hospital.try_call(0));
        assert!(one.is_ok() != other.is_ok());
        assert_eq!(hospital.order().await.len(), 1);
    }

    async fn after_three_urgent_calls_in_a_row_an_aged_standard_ticket_goes_first(db: Db) {
        let hospital = Hospital::open(&db, 8).await;
        let aged = hospital.join_many(2, Level::Standard).await;
        hospital.pass(AGEING_WAIT);
        let urgent = hospital.join_many(6, Level::Urgent).await;
        let called = call_all(&hospital).await;
        let expected = [&urgent[..3], &aged[..1], &urgent[3..], &aged[1..]].concat();
        assert_eq!(ids(&called), ids(&expected));
        let reasons: Vec<Option<MoveReason>> = called.iter().map(|ticket| ticket.move_reason).collect();
        let aged = Some(MoveReason::Aged);
        assert_eq!(reasons, [None, None, None, aged, None, None, None, aged], "it says why");
    }

    async fn a_standard_ticket_is_aged_after_an_hour_and_not_before(db: Db) {
        let hospital = Hospital::open(&db, 4).await;
        let standard = hospital.join(Level::Standard).await;
        let urgent = hospital.join_many(4, Level::Urgent).await;
        for desk in 0..3 {
            hospital.call(desk).await;
        }
        hospital.clock.advance((standard.arrived_at + AGEING_WAIT).since(hospital.now()));
        assert_eq!(hospital.call(3).await.id, urgent[3].id, "an hour to the millisecond is not more than an hour");
    }

    async fn the_ageing_rule_helps_standard_tickets_only(db: Db) {
        let hospital = Hospital::open(&db, 4).await;
        hospital.join(Level::Advice).await;
        hospital.pass(AGEING_WAIT * 2);
        let urgent = hospital.join_many(4, Level::Urgent).await;
        assert_eq!(ids(&call_all(&hospital).await), ids(&urgent));
    }

    async fn a_call_of_another_level_ends_the_row_of_urgent_ones(db: Db) {
        let hospital = Hospital::open(&db, 4).await;
        for (desk, expected) in [Level::Urgent, Level::Urgent, Level::Standard, Level::Urgent].into_iter().enumerate() {
            hospital.join(expected).await;
            assert_eq!(hospital.call(desk).await.level, expected);
        }
        let calling = db.read().await.unwrap().tickets().calling(hospital.clinic).await.unwrap();
        assert_eq!(calling, Some((1, hospital.now())));
    }

    async fn a_call_that_is_taken_back_costs_nobody_a_place(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let waiting = hospital.join_many(2, Level::Standard).await;
        let mut first = db.begin().await.unwrap();
        let called = first.tickets().call_next(hospital.caller(0), hospital.now()).await.unwrap();
        assert_eq!(called.unwrap().id, waiting[0].id);
        // While the first desk's call is not committed the second calls; then the first is taken back.
        let taken_back = async {
            for _ in 0..50 {
                db.ping().await.unwrap();
            }
            drop(first);
        };
        let (second, ()) = tokio::join!(hospital.try_call(1), taken_back);
        assert_eq!(second.unwrap().unwrap().id, waiting[0].id);
    }

    async fn the_ageing_rule_counts_a_call_that_is_being_made(db: Db) {
        let hospital = Hospital::open(&db, 4).await;
        let aged = hospital.join(Level::Standard).await;
        hospital.pass(AGEING_WAIT);
        hospital.join_many(4, Level::Urgent).await;
        hospital.call(0).await;
        hospital.call(1).await;
        let mut third = db.begin().await.unwrap();
        third.tickets().call_next(hospital.caller(2), hospital.now()).await.unwrap().unwrap();
        let commit = async {
            for _ in 0..50 {
                db.ping().await.unwrap();
            }
            third.commit().await.unwrap();
        };
        let (fourth, ()) = tokio::join!(hospital.try_call(3), commit);
        assert_eq!(fourth.unwrap().unwrap().id, aged.id);
    }

    async fn two_desks_that_press_a_thousand_times_call_everybody_once(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let tickets: Vec<TicketRow> =
            (1..=1000).map(|no| hospital.ticket(hospital.clinic, no, Level::Standard)).collect();
        hospital.write(async |tx| {
            for ticket in &tickets {
                tx.tickets().insert(ticket).await.unwrap();
            }
        }).await;
        let desk = async |desk| {
            let mut called = Vec::new();
            loop {
                let Some(ticket) = hospital.try_call(desk).await.unwrap() else { return called };
                let left = hospital.write(async |tx| {
                    tx.tickets().leave(ticket.id, ticket.version, hospital.now()).await.unwrap()
                });
                left.await.expect("only this desk may move it");
                called.push(ticket.id);
            }
        };
        let (one, other) = tokio::join!(desk(0), desk(1));
        assert!(one.len() > 100 && other.len() > 100, "both desks worked: {} and {}", one.len(), other.len());
        let mut called = [one, other].concat();
        called.sort();
        let mut everybody = ids(&tickets);
        everybody.sort();
        assert_eq!(called, everybody, "no ticket twice, none lost");
    }
}
