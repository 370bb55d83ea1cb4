//! Moves that are nobody's fault: back to a place, to the head, to another level, to another clinic, out of the queue.

use std::time::Duration;

use yunzhen::domain::ids::TicketId;
use yunzhen::domain::ticket::{MoveReason, TicketState};
use yunzhen::domain::triage::Level;
use yunzhen::store::{StoreError, TicketRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;

fn ids(tickets: &[TicketRow]) -> Vec<TicketId> {
    tickets.iter().map(|ticket| ticket.id).collect()
}

on_both! {
    async fn a_ticket_that_is_given_back_has_its_old_place(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(3, Level::Standard).await;
        let called = hospital.call(0).await;
        let serving = hospital.serve(&called).await;
        let back = hospital.write(async |tx| {
            tx.tickets().restore(serving.id, serving.version, MoveReason::WrongPerson).await.unwrap().unwrap()
        });
        let expected = TicketRow {
            version: serving.version + 1,
            call_count: 1,
            called_at: called.called_at,
            move_reason: Some(MoveReason::WrongPerson),
            ..tickets[0].clone()
        };
        assert_eq!(back.await, expected);
        assert_eq!(hospital.order().await, ids(&tickets));
    }

    async fn a_patient_whose_doctor_was_lost_is_the_head_of_the_level(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let tickets = hospital.join_many(3, Level::Standard).await;
        hospital.call(0).await;
        let serving = hospital.serve(&hospital.call(1).await).await;
        let urgent = hospital.join(Level::Urgent).await;
        let to_head = async |version| {
            hospital.write(async |tx| tx.tickets().to_head(serving.id, version).await.unwrap()).await
        };
        assert_eq!(to_head(serving.version).await, None, "a visit that goes on has its doctor");
        let suspended = hospital.write(async |tx| {
            tx.tickets().suspend(serving.id, serving.version, hospital.now()).await.unwrap().unwrap()
        });
        let moved = to_head(suspended.await.version).await.unwrap();
        assert_eq!((moved.state, moved.rank, moved.move_reason), (TicketState::Waiting, 0, Some(MoveReason::DoctorLost)));
        assert_eq!((moved.desk_id, moved.doctor_id, moved.started_at), (None, None, None));
        assert_eq!(moved.arrived_at, tickets[1].arrived_at);
        assert_eq!(hospital.order().await, [urgent.id, moved.id, tickets[2].id]);
    }

    async fn another_level_keeps_the_rank(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let standard = hospital.join_many(2, Level::Standard).await;
        let urgent = hospital.join_many(2, Level::Urgent).await;
        let raised = hospital.write(async |tx| {
            tx.tickets().set_level(standard[1].id, 1, Level::Urgent, MoveReason::Raised).await.unwrap().unwrap()
        });
        let expected = TicketRow {
            level: Level::Urgent,
            lane: 1,
            version: 2,
            move_reason: Some(MoveReason::Raised),
            ..standard[1].clone()
        };
        assert_eq!(raised.await, expected);
        // It arrived before both urgent ones.
        assert_eq!(hospital.order().await, [standard[1].id, urgent[0].id, urgent[1].id, standard[0].id]);
        let stale = hospital.write(async |tx| {
            tx.tickets().set_level(standard[1].id, 1, Level::Advice, MoveReason::Lowered).await.unwrap()
        });
        assert_eq!(stale.await, None);
        let lowered = hospital.write(async |tx| {
            tx.tickets().set_level(standard[1].id, 2, Level::Advice, MoveReason::Lowered).await.unwrap().unwrap()
        });
        assert_eq!(lowered.await.rank, standard[1].rank);
        assert_eq!(hospital.order().await, [urgent[0].id, urgent[1].id, standard[0].id, standard[1].id]);
    }

    async fn an_emergency_leaves_the_queue_and_frees_the_doctor(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(2, Level::Standard).await;
        let called = hospital.call(0).await;
        let alarm = hospital.write(async |tx| {
            tx.tickets().to_emergency(called.id, called.version).await.unwrap().unwrap()
        });
        let alarm = alarm.await;
        assert_eq!((alarm.state, alarm.level, alarm.lane), (TicketState::Emergency, Level::Emergency, 0));
        assert_eq!((alarm.doctor_id, alarm.desk_id, alarm.lease_until), (None, None, None));
        assert_eq!(hospital.call(0).await.id, tickets[1].id, "the doctor may call; the emergency is not called");
    }

    async fn a_patient_whom_a_doctor_has_is_no_emergency_of_the_queue(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        let raised = hospital.write(async |tx| {
            tx.tickets().to_emergency(serving.id, serving.version).await.unwrap()
        });
        assert_eq!(raised.await, None);
        assert_eq!(hospital.find(serving.id).await, serving);
    }

    async fn one_who_comes_back_from_an_emergency_has_the_old_rank_and_no_visit(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let tickets = hospital.join_many(2, Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        let back = hospital.write(async |tx| {
            let cut = tx.tickets().suspend(serving.id, serving.version, hospital.now()).await.unwrap().unwrap();
            let alarm = tx.tickets().to_emergency(cut.id, cut.version).await.unwrap().unwrap();
            let level = (Level::Standard, MoveReason::Lowered);
            tx.tickets().set_level(alarm.id, alarm.version, level.0, level.1).await.unwrap().unwrap()
        });
        let back = back.await;
        assert_eq!((back.state, back.rank, back.started_at), (TicketState::Waiting, tickets[0].rank, None));
        assert_eq!(hospital.order().await, ids(&tickets));
    }

    async fn no_ticket_waits_as_an_emergency(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let ticket = hospital.join(Level::Standard).await;
        let raised = hospital.write(async |tx| {
            tx.tickets().set_level(ticket.id, 1, Level::Emergency, MoveReason::Raised).await.unwrap().unwrap()
        });
        assert_eq!(raised.await.state, TicketState::Emergency);
        assert_eq!(hospital.order().await, []);
    }

    async fn a_transferred_patient_does_not_start_over(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let first = hospital.join(Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        hospital.pass(Duration::from_mins(10));
        let (now, local) = (hospital.now(), hospital.ticket(hospital.other, 1, Level::Standard));
        let next = TicketRow {
            patient_id: first.patient_id,
            rank: first.rank,
            arrived_at: first.arrived_at,
            from_ticket: Some(first.id),
            move_reason: Some(MoveReason::Transferred),
            ..hospital.ticket(hospital.other, 2, Level::Standard)
        };
        let closed = hospital.write(async |tx| {
            tx.tickets().insert(&local).await.unwrap();
            let closed = tx.tickets().transfer(serving.id, serving.version, next.id, now).await.unwrap().unwrap();
            tx.tickets().insert(&next).await.unwrap();
            closed
        });
        let closed = closed.await;
        assert_eq!((closed.state, closed.moved_to, closed.ended_at), (TicketState::Transferred, Some(next.id), Some(now)));
        let kept = hospital.find(next.id).await;
        assert_eq!((kept.arrived_at, kept.from_ticket), (first.arrived_at, Some(first.id)));
        let order = db.read().await.unwrap().tickets().order(hospital.other).await.unwrap();
        assert_eq!(order.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), [next.id, local.id]);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.tickets().of_doctor(hospital.desks[0].doctor).await.unwrap(), None, "the doctor is free");
    }

    async fn a_transfer_to_where_the_patient_waits_is_a_conflict_and_closes_nothing(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let here = hospital.join(Level::Standard).await;
        let there = TicketRow { patient_id: here.patient_id, ..hospital.ticket(hospital.other, 1, Level::Standard) };
        hospital.write(async |tx| tx.tickets().insert(&there).await.unwrap()).await;
        let next = TicketRow { patient_id: here.patient_id, ..hospital.ticket(hospital.other, 2, Level::Standard) };
        let mut tx = db.begin().await.unwrap();
        tx.tickets().transfer(here.id, 1, next.id, hospital.now()).await.unwrap().unwrap();
        assert!(matches!(tx.tickets().insert(&next).await, Err(StoreError::Conflict)));
        drop(tx);
        assert_eq!(hospital.find(here.id).await, here);
    }
}
