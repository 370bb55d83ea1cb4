//! Leases: who holds a ticket must be heard.

use std::time::Duration;

use yunzhen::domain::ids::TicketId;
use yunzhen::domain::ticket::{DOCTOR_GRACE, LEASE, MoveReason, TicketState};
use yunzhen::domain::time::Timestamp;
use yunzhen::domain::triage::Level;
use yunzhen::store::{StoreError, TicketRow};

use crate::support::hospital::{Hospital, RING};
use crate::support::on_both;

const MOMENT: Duration = Duration::from_millis(1);

async fn overdue(hospital: &Hospital, now: Timestamp) -> Vec<TicketId> {
    let mut tx = hospital.db.read().await.unwrap();
    tx.tickets().overdue(now, 10, 0).await.unwrap().into_iter().map(|ticket| ticket.id).collect()
}

async fn suspend(hospital: &Hospital, serving: &TicketRow) -> TicketRow {
    hospital
        .write(async |tx| tx.tickets().suspend(serving.id, serving.version, hospital.now()).await.unwrap().unwrap())
        .await
}

on_both! {
    async fn a_call_is_overdue_when_its_ring_has_ended(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let called = hospital.call(0).await;
        let ring_until = called.ring_until.unwrap();
        assert_eq!(overdue(&hospital, ring_until).await, [], "the last moment still rings");
        assert_eq!(overdue(&hospital, ring_until + MOMENT).await, [called.id]);
    }

    async fn an_accepted_call_is_overdue_only_when_its_desk_is_not_heard(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let called = hospital.call(0).await;
        let now = hospital.now();
        hospital.write(async |tx| tx.tickets().accept(called.id, called.version, now).await.unwrap()).await;
        assert_eq!(overdue(&hospital, now + RING + MOMENT).await, []);
        assert_eq!(overdue(&hospital, now + LEASE).await, []);
        assert_eq!(overdue(&hospital, now + LEASE + MOMENT).await, [called.id]);
    }

    async fn a_heartbeat_renews_what_the_doctor_holds_and_is_no_change(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        hospital.join_many(2, Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        let called = hospital.call(1).await;
        let until = hospital.now() + LEASE * 2;
        let renew = async |desk: usize| {
            let doctor = hospital.desks[desk].doctor;
            hospital.write(async |tx| tx.tickets().renew(doctor, until).await.unwrap()).await
        };
        assert_eq!(renew(0).await, 1);
        assert_eq!(hospital.find(serving.id).await, TicketRow { lease_until: Some(until), ..serving.clone() });
        assert_eq!(hospital.find(called.id).await, called, "another doctor's ticket is not touched");
        suspend(&hospital, &serving).await;
        assert_eq!(renew(0).await, 0, "a suspended visit goes on by a decision, not by a heartbeat");
    }

    async fn overdue_tickets_come_oldest_first_and_no_more_than_asked_for(db: Db) {
        let hospital = Hospital::open(&db, 3).await;
        hospital.join_many(3, Level::Standard).await;
        let mut held = Vec::new();
        for desk in 0..3 {
            let serving = hospital.serve(&hospital.call(desk).await).await;
            held.push(serving.id);
            hospital.pass(Duration::from_secs(1));
        }
        let much_later = hospital.now() + LEASE * 9;
        assert_eq!(overdue(&hospital, much_later).await, held);
        let two = db.read().await.unwrap().tickets().overdue(much_later, 2, 0).await.unwrap();
        assert_eq!(two.iter().map(|ticket| ticket.id).collect::<Vec<_>>(), held[..2]);
    }

    async fn a_visit_waits_for_its_doctor_and_goes_on(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        hospital.pass(LEASE + MOMENT);
        let now = hospital.now();
        let suspended = suspend(&hospital, &serving).await;
        let expected = TicketRow {
            state: TicketState::Suspended,
            version: serving.version + 1,
            lease_until: Some(now + DOCTOR_GRACE),
            ..serving.clone()
        };
        assert_eq!(suspended, expected);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.tickets().of_doctor(hospital.desks[0].doctor).await.unwrap(), Some(expected));
        drop(tx);
        assert_eq!(overdue(&hospital, now + DOCTOR_GRACE).await, []);
        let goes_on = hospital.write(async |tx| {
            tx.tickets().go_on(suspended.id, suspended.version, now).await.unwrap().unwrap()
        });
        let expected = TicketRow { version: suspended.version + 1, lease_until: Some(now + LEASE), ..serving };
        assert_eq!(goes_on.await, expected);
    }

    async fn a_doctor_who_called_another_patient_cannot_go_on_with_the_first(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join_many(2, Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        let suspended = suspend(&hospital, &serving).await;
        hospital.call(0).await;
        let refused = hospital.write(async |tx| {
            tx.tickets().go_on(suspended.id, suspended.version, hospital.now()).await
        });
        assert!(matches!(refused.await, Err(StoreError::Conflict)));
    }

    async fn a_doctor_whose_browser_slept_cannot_act_on_a_ticket_that_moved_on(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        hospital.join(Level::Standard).await;
        let old = hospital.serve(&hospital.call(0).await).await;
        let suspended = suspend(&hospital, &old).await;
        hospital.write(async |tx| tx.tickets().to_head(suspended.id, suspended.version).await.unwrap().unwrap()).await;
        let new = hospital.serve(&hospital.call(1).await).await;
        let now = hospital.now();
        for version in [old.version, suspended.version] {
            let moved = hospital.write(async |tx| {
                let mut tickets = tx.tickets();
                [
                    tickets.finish(old.id, version, now).await.unwrap(),
                    tickets.suspend(old.id, version, now).await.unwrap(),
                    tickets.restore(old.id, version, MoveReason::DeskLost).await.unwrap(),
                    tickets.transfer(old.id, version, old.id, now).await.unwrap(),
                    tickets.to_emergency(old.id, version).await.unwrap(),
                ]
            });
            assert_eq!(moved.await, [const { None }; 5]);
        }
        assert_eq!(hospital.find(new.id).await, new);
    }

    async fn after_a_restart_everybody_who_was_held_has_time_to_be_heard(db: Db) {
        let hospital = Hospital::open(&db, 3).await;
        hospital.join_many(4, Level::Standard).await;
        let serving = hospital.serve(&hospital.call(0).await).await;
        let suspended = suspend(&hospital, &hospital.serve(&hospital.call(1).await).await).await;
        let called = hospital.call(2).await;
        let until = hospital.now() + LEASE + Duration::from_secs(30);
        let forgiven = hospital.write(async |tx| tx.tickets().forgive(until).await.unwrap());
        assert_eq!(forgiven.await, 2, "the suspended visit has a longer time already");
        assert_eq!(hospital.find(serving.id).await, TicketRow { lease_until: Some(until), ..serving });
        assert_eq!(hospital.find(suspended.id).await, suspended);
        let rings = TicketRow { lease_until: Some(until), ring_until: Some(until), ..called };
        assert_eq!(hospital.find(rings.id).await, rings);
        assert_eq!(overdue(&hospital, until).await, []);
    }

    async fn a_ring_is_forgiven_even_when_its_lease_needs_nothing(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let called = hospital.call(0).await;
        let until = hospital.now() + LEASE - MOMENT;
        assert_eq!(hospital.write(async |tx| tx.tickets().forgive(until).await.unwrap()).await, 1);
        let kept = hospital.find(called.id).await;
        assert_eq!((kept.ring_until, kept.lease_until), (Some(until), called.lease_until), "no time is shortened");
    }
}
