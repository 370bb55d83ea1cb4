//! Drawing a number, keeping a ticket, finding it again.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use sqlx::types::Json;
use yunzhen::domain::ids::{DeclarationId, HolderId, PatientId, TicketId};
use yunzhen::domain::ticket::{MoveReason, TicketState};
use yunzhen::domain::triage::Level;
use yunzhen::store::{StoreError, TicketRow};

use crate::support::hospital::{DAY, Hospital};
use crate::support::on_both;

async fn keep(hospital: &Hospital, ticket: &TicketRow) -> Result<(), StoreError> {
    hospital.write(async |tx| tx.tickets().insert(ticket).await).await
}

on_both! {
    async fn numbers_have_no_gap_even_when_a_draw_is_dropped(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        for expected in 1..=3 {
            let mut dropped = db.begin().await.unwrap();
            assert_eq!(dropped.tickets().draw_no(hospital.clinic, DAY).await.unwrap(), expected);
            drop(dropped);
            assert_eq!(hospital.join(Level::Standard).await.no, expected);
        }
    }

    async fn each_clinic_and_each_day_counts_for_itself(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        hospital.join_many(2, Level::Standard).await;
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tx.tickets().draw_no(hospital.other, DAY).await.unwrap(), 1);
        assert_eq!(tx.tickets().draw_no(hospital.clinic, "2026-11-25").await.unwrap(), 1);
        assert_eq!(tx.tickets().draw_no(hospital.clinic, DAY).await.unwrap(), 3);
    }

    async fn sixty_patients_who_press_at_once_get_sixty_numbers(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let joined = join_all((0..60).map(|_| hospital.join(Level::Standard))).await;
        let numbers: BTreeSet<i64> = joined.into_iter().map(|ticket| ticket.no).collect();
        assert_eq!(numbers, (1..=60).collect());
    }

    async fn a_ticket_is_found_as_it_was_kept(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let ticket = TicketRow {
            holder_id: Some(hospital.ids.make(HolderId::from_uuid)),
            declaration_id: Some(hospital.ids.make(DeclarationId::from_uuid)),
            move_reason: Some(MoveReason::Transferred),
            retriage_due: Some(hospital.now()),
            nurse_call: true,
            device_check: Some(Json(json!({ "camera": "ok", "说": ["听见", 1, null] }))),
            ..hospital.ticket(hospital.clinic, 1, Level::Urgent)
        };
        keep(&hospital, &ticket).await.unwrap();
        assert_eq!(hospital.find(ticket.id).await, ticket);
        let stranger = hospital.ids.make(TicketId::from_uuid);
        assert_eq!(db.read().await.unwrap().tickets().find(stranger).await.unwrap(), None);
    }

    async fn a_patient_has_one_live_ticket_in_a_clinic(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let first = hospital.join(Level::Standard).await;
        let twin = TicketRow { patient_id: first.patient_id, ..hospital.ticket(hospital.clinic, 2, Level::Urgent) };
        assert!(matches!(keep(&hospital, &twin).await, Err(StoreError::Conflict)));
        let elsewhere = TicketRow { patient_id: first.patient_id, ..hospital.ticket(hospital.other, 1, Level::Urgent) };
        keep(&hospital, &elsewhere).await.unwrap();
        hospital.write(async |tx| tx.tickets().leave(first.id, 1, hospital.now()).await.unwrap().unwrap()).await;
        keep(&hospital, &twin).await.unwrap();
    }

    async fn an_emergency_ticket_counts_as_live(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let alarm = TicketRow { state: TicketState::Emergency, ..hospital.ticket(hospital.clinic, 1, Level::Emergency) };
        keep(&hospital, &alarm).await.unwrap();
        let twin = TicketRow { patient_id: alarm.patient_id, ..hospital.ticket(hospital.clinic, 2, Level::Urgent) };
        assert!(matches!(keep(&hospital, &twin).await, Err(StoreError::Conflict)));
        assert_eq!(hospital.order().await, [], "it is not in the queue");
    }

    async fn one_of_two_racing_tickets_of_a_patient_is_kept(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        for round in 0..20 {
            let patient_id = hospital.ids.make(PatientId::from_uuid);
            let twin = |no| TicketRow { patient_id, ..hospital.ticket(hospital.clinic, no, Level::Standard) };
            let (one, other) = (twin(round * 2 + 1), twin(round * 2 + 2));
            let (one, other) = tokio::join!(keep(&hospital, &one), keep(&hospital, &other));
            assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        }
    }

    async fn a_number_stands_once_in_a_day(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        keep(&hospital, &hospital.ticket(hospital.clinic, 1, Level::Standard)).await.unwrap();
        let twin = hospital.ticket(hospital.clinic, 1, Level::Standard);
        assert!(matches!(keep(&hospital, &twin).await, Err(StoreError::Conflict)));
    }

    async fn a_holder_finds_the_newest_ticket_of_a_clinic(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let holder = hospital.ids.make(HolderId::from_uuid);
        let holder_id = Some(holder);
        let mut newest = None;
        for no in 1..=3 {
            hospital.pass(Duration::from_secs(1));
            let ticket = TicketRow { holder_id, ..hospital.ticket(hospital.clinic, no, Level::Standard) };
            keep(&hospital, &ticket).await.unwrap();
            newest = Some(ticket);
        }
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.tickets().newest_of_holder(holder, hospital.clinic).await.unwrap(), newest);
        assert_eq!(tx.tickets().newest_of_holder(holder, hospital.other).await.unwrap(), None);
    }

    async fn the_three_questions_are_noted_only_while_the_ticket_waits(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let ticket = hospital.join(Level::Standard).await;
        let due = hospital.now() + Duration::from_hours(1);
        let answer = async || hospital.write(async |tx| tx.tickets().set_retriage(ticket.id, due, true).await).await;
        assert!(answer().await.unwrap());
        let kept = hospital.find(ticket.id).await;
        assert_eq!((kept.retriage_due, kept.nurse_call, kept.version), (Some(due), true, 1), "nothing moved");
        hospital.call(0).await;
        assert!(!answer().await.unwrap());
    }

    async fn the_length_of_visits_is_learned_as_a_mean_that_forgets(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        for took in [100_000, 200_000, 200_000] {
            hospital.write(async |tx| tx.tickets().learn(hospital.clinic, Level::Urgent, took).await.unwrap()).await;
        }
        let times = db.read().await.unwrap().tickets().service_times(hospital.clinic).await.unwrap();
        assert_eq!(times, [(Level::Urgent, 119_000, 3)]);
    }

    async fn what_became_of_the_tickets_of_a_declaration_is_known(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let declaration = hospital.ids.make(DeclarationId::from_uuid);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tx.tickets().states_of(declaration).await.unwrap(), []);
        for (no, state) in [(1, TicketState::NoShow), (2, TicketState::Waiting)] {
            hospital.pass(Duration::from_secs(1));
            let ticket = hospital.ticket(hospital.clinic, no, Level::Standard);
            let ticket = TicketRow { state, declaration_id: Some(declaration), ..ticket };
            tx.tickets().insert(&ticket).await.unwrap();
        }
        assert_eq!(tx.tickets().states_of(declaration).await.unwrap(), [TicketState::NoShow, TicketState::Waiting]);
    }
}
