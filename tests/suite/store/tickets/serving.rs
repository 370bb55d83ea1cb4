//! From the call to the end of the visit.

use std::time::Duration;

use yunzhen::domain::ticket::{LEASE, TicketState};
use yunzhen::domain::triage::Level;
use yunzhen::store::TicketRow;

use crate::support::hospital::{Hospital, RING};
use crate::support::on_both;

on_both! {
    async fn a_patient_says_yes_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let called = hospital.call(0).await;
        hospital.pass(Duration::from_secs(7));
        let now = hospital.now();
        let accept = async |version| hospital.write(async |tx| tx.tickets().accept(called.id, version, now).await).await;
        let yes = accept(called.version).await.unwrap().unwrap();
        let expected = TicketRow {
            version: called.version + 1,
            accepted_at: Some(now),
            lease_until: Some(now + LEASE),
            ..called.clone()
        };
        assert_eq!(yes, expected);
        assert_eq!(accept(called.version).await.unwrap(), None, "the version is old");
        assert_eq!(accept(yes.version).await.unwrap(), None, "yes was said");
    }

    async fn a_visit_begins_only_after_the_patient_said_yes(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let called = hospital.call(0).await;
        let now = hospital.now();
        let early = hospital.write(async |tx| tx.tickets().serve(called.id, called.version, now).await.unwrap());
        assert_eq!(early.await, None);
        let serving = hospital.serve(&called).await;
        let expected = TicketRow {
            state: TicketState::Serving,
            version: called.version + 2,
            accepted_at: Some(now),
            started_at: Some(now),
            lease_until: Some(now + LEASE),
            ring_until: None,
            ..called
        };
        assert_eq!(serving, expected);
    }

    async fn a_second_ring_asks_anew(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let called = hospital.call(0).await;
        hospital.write(async |tx| tx.tickets().accept(called.id, called.version, hospital.now()).await.unwrap()).await;
        hospital.pass(Duration::from_secs(30));
        let now = hospital.now();
        let again = hospital.write(async |tx| {
            tx.tickets().recall(called.id, called.version + 1, now + RING, now).await.unwrap().unwrap()
        });
        let expected = TicketRow {
            version: called.version + 2,
            call_count: 2,
            called_at: Some(now),
            ring_until: Some(now + RING),
            lease_until: Some(now + LEASE),
            accepted_at: None,
            ..called
        };
        assert_eq!(again.await, expected);
    }

    async fn a_visit_that_ends_frees_its_doctor_and_is_counted(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join_many(2, Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        hospital.pass(Duration::from_mins(8));
        let now = hospital.now();
        let finish = async || {
            hospital.write(async |tx| tx.tickets().finish(serving.id, serving.version, now).await.unwrap()).await
        };
        let done = finish().await.unwrap();
        assert_eq!((done.state, done.ended_at, done.lease_until), (TicketState::Done, Some(now), None));
        assert_eq!(done.doctor_id, serving.doctor_id, "who served stays known");
        assert_eq!(finish().await, None, "it ends once");
        hospital.call(0).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.tickets().count_done(hospital.clinic, now).await.unwrap(), 1);
        assert_eq!(tx.tickets().count_done(hospital.clinic, now + Duration::from_millis(1)).await.unwrap(), 0);
        assert_eq!(tx.tickets().count_done(hospital.other, now).await.unwrap(), 0);
    }

    async fn a_patient_who_leaves_frees_the_desk_that_called(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(3, Level::Standard).await;
        let called = hospital.call(0).await;
        let now = hospital.now();
        let left = hospital.write(async |tx| tx.tickets().leave(called.id, called.version, now).await.unwrap().unwrap());
        let left = left.await;
        assert_eq!((left.state, left.desk_id, left.doctor_id), (TicketState::Left, None, None));
        assert_eq!((left.ended_at, left.lease_until, left.ring_until), (Some(now), None, None));
        hospital.write(async |tx| tx.tickets().leave(tickets[1].id, 1, now).await.unwrap().unwrap()).await;
        assert_eq!(hospital.call(0).await.id, tickets[2].id);
    }

    async fn a_held_ticket_stands_on_the_board_before_those_who_wait(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let standard = hospital.join(Level::Standard).await;
        hospital.call(0).await;
        let urgent = hospital.join(Level::Urgent).await;
        let board = db.read().await.unwrap().tickets().board(hospital.clinic).await.unwrap();
        assert_eq!(board.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), [standard.id, urgent.id]);
        assert_eq!(hospital.order().await, [urgent.id]);
    }
}
