//! Visits.

use std::time::Duration;

use serde_json::json;
use sqlx::types::Json;
use yunzhen::domain::ids::{HolderId, NoteId, VisitId};
use yunzhen::domain::ticket::MoveReason;
use yunzhen::domain::visit::{Outcome, VisitEnd};
use yunzhen::store::{NoteRow, StoreError, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::{room, visit};

async fn end(hospital: &Hospital, visit: &VisitRow, reason: VisitEnd) -> bool {
    hospital.write(async |tx| tx.visits().end(visit.id, reason, hospital.now()).await.unwrap()).await
}

/// Frees the doctor of a visit.
async fn finish_ticket(hospital: &Hospital, visit: &VisitRow) {
    let ticket = hospital.find(visit.ticket_id).await;
    hospital.write(async |tx| tx.tickets().finish(ticket.id, ticket.version, hospital.now()).await.unwrap()).await;
}

on_both! {
    async fn a_visit_is_found_as_it_was_kept(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let kept = visit(&hospital, 0).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.visits().find(kept.id).await.unwrap(), Some(kept.clone()));
        assert_eq!(tx.visits().of_ticket(kept.ticket_id).await.unwrap(), Some(kept));
        assert_eq!(tx.visits().find(hospital.ids.make(VisitId::from_uuid)).await.unwrap(), None);
    }

    async fn a_ticket_has_one_visit(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let kept = visit(&hospital, 0).await;
        let twin = VisitRow { id: hospital.ids.make(VisitId::from_uuid), ..kept };
        let refused = hospital.write(async |tx| tx.visits().insert(&twin).await).await;
        assert!(matches!(refused, Err(StoreError::Conflict)));
    }

    async fn after_the_wrong_person_a_ticket_has_another_visit_and_the_first_is_no_visit_of_anybody(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let kept = visit(&hospital, 0).await;
        assert!(end(&hospital, &kept, VisitEnd::WrongPerson).await);
        let of_ticket = async || db.read().await.unwrap().visits().of_ticket(kept.ticket_id).await.unwrap();
        assert_eq!(of_ticket().await, None);
        assert_eq!(db.read().await.unwrap().visits().of_card(kept.patient_id, 9).await.unwrap(), []);
        let again = VisitRow { id: hospital.ids.make(VisitId::from_uuid), ..kept };
        hospital.write(async |tx| tx.visits().insert(&again).await.unwrap()).await;
        assert_eq!(of_ticket().await, Some(again.clone()));
        let third = VisitRow { id: hospital.ids.make(VisitId::from_uuid), ..again };
        let refused = hospital.write(async |tx| tx.visits().insert(&third).await).await;
        assert!(matches!(refused, Err(StoreError::Conflict)));
    }

    async fn an_outcome_may_change_until_the_visit_ends_and_it_ends_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let kept = visit(&hospital, 0).await;
        let choose = async |outcome, reason| {
            hospital.write(async |tx| tx.visits().set_outcome(kept.id, outcome, reason).await.unwrap()).await
        };
        assert!(choose(Outcome::GoToHospital, Some("需查血")).await);
        let sent = db.read().await.unwrap().visits().find(kept.id).await.unwrap().unwrap();
        assert_eq!((sent.outcome, sent.outcome_reason.as_deref()), (Some(Outcome::GoToHospital), Some("需查血")));
        assert!(choose(Outcome::FollowUp, None).await);
        assert!(end(&hospital, &kept, VisitEnd::Finished).await);
        assert!(!choose(Outcome::HomeCare, None).await);
        assert!(!end(&hospital, &kept, VisitEnd::DoctorLost).await);
        let ended = db.read().await.unwrap().visits().find(kept.id).await.unwrap().unwrap();
        let expected = VisitRow {
            outcome: Some(Outcome::FollowUp),
            ended_at: Some(hospital.now()),
            end_reason: Some(VisitEnd::Finished),
            ..kept
        };
        assert_eq!(ended, expected);
    }

    async fn a_visit_that_lost_its_doctor_begins_again_with_another(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let kept = visit(&hospital, 0).await;
        let (next, why) = (Outcome::GoToHospital, Some("需查血"));
        hospital.write(async |tx| tx.visits().set_outcome(kept.id, next, why).await.unwrap()).await;
        assert!(end(&hospital, &kept, VisitEnd::DoctorLost).await);
        hospital.pass(Duration::from_mins(1));
        let other = room(&hospital, yunzhen::domain::room::RoomPurpose::Nurse, kept.id.as_uuid());
        let again = VisitRow {
            doctor_id: hospital.desks[1].doctor,
            desk_id: hospital.desks[1].id,
            room_id: other.id,
            // What the first doctor had chosen is chosen again, and the identity was confirmed now.
            outcome: None,
            started_at: hospital.now(),
            ..kept
        };
        hospital.write(async |tx| {
            tx.rooms().insert(&other).await.unwrap();
            tx.visits().restart(&again).await.unwrap();
        }).await;
        assert_eq!(db.read().await.unwrap().visits().find(kept.id).await.unwrap(), Some(again));
    }

    async fn the_visits_of_a_patient_are_the_ended_ones_newest_first(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let first = visit(&hospital, 0).await;
        finish_ticket(&hospital, &first).await;
        end(&hospital, &first, VisitEnd::Finished).await;
        hospital.pass(Duration::from_mins(1));
        let second = visit(&hospital, 0).await;
        let patient = hospital.find(second.ticket_id).await.patient_id;
        let of = async |patient| db.read().await.unwrap().visits().of_card(patient, 9).await.unwrap();
        assert_eq!(of(patient).await, [], "it goes on");
        end(&hospital, &second, VisitEnd::Finished).await;
        assert_eq!(of(patient).await.len(), 1);
        assert_eq!(of(first.patient_id).await[0].id, first.id);
    }

    async fn the_visits_of_a_holder_come_newest_first_and_no_more_than_asked_for(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let holder = hospital.ids.make(HolderId::from_uuid);
        let mut made = Vec::new();
        for _ in 0..3 {
            let row = visit(&hospital, 0).await;
            finish_ticket(&hospital, &row).await;
            // A second visit, of this holder, on a ticket of its own.
            let ticket = hospital.join(yunzhen::domain::triage::Level::Advice).await;
            let id = hospital.ids.make(VisitId::from_uuid);
            let of_holder = VisitRow {
                id,
                ticket_id: ticket.id,
                holder_id: Some(holder),
                started_at: hospital.now(),
                ..row
            };
            hospital.write(async |tx| {
                tx.visits().insert(&of_holder).await.unwrap();
                let why = tx.tickets().leave(ticket.id, ticket.version, hospital.now()).await.unwrap();
                why.unwrap();
            }).await;
            made.insert(0, id);
        }
        let visits = db.read().await.unwrap().visits().of_holder(holder, 2).await.unwrap();
        assert_eq!(visits.iter().map(|visit| visit.id).collect::<Vec<_>>(), made[..2]);
    }

    async fn the_ended_visits_of_a_doctor_come_newest_first_without_the_running_those_of_another_and_the_wrong_person(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let mut made = Vec::new();
        for reason in [VisitEnd::Finished, VisitEnd::WrongPerson, VisitEnd::Transferred, VisitEnd::DoctorLost] {
            let row = visit(&hospital, 0).await;
            end(&hospital, &row, reason).await;
            finish_ticket(&hospital, &row).await;
            made.push(row);
        }
        let other = visit(&hospital, 1).await;
        end(&hospital, &other, VisitEnd::Finished).await;
        visit(&hospital, 0).await;
        let of = async |since, limit| {
            let mut tx = db.read().await.unwrap();
            let visits = tx.visits().ended_of(hospital.desks[0].doctor, since, limit).await.unwrap();
            visits.into_iter().map(|visit| visit.id).collect::<Vec<_>>()
        };
        assert_eq!(of(made[0].started_at, 9).await, [made[2].id, made[0].id]);
        assert_eq!(of(made[0].started_at, 1).await, [made[2].id]);
        let later = made[0].started_at + std::time::Duration::from_millis(1);
        let since = of(later, 9).await;
        assert!(!since.contains(&made[0].id));
    }

    async fn a_doctor_is_reminded_of_visits_without_a_signed_note(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let [talked, mistaken, signed] = {
            let mut made = Vec::new();
            for reason in [VisitEnd::Finished, VisitEnd::WrongPerson, VisitEnd::Transferred] {
                let row = visit(&hospital, 0).await;
                end(&hospital, &row, reason).await;
                finish_ticket(&hospital, &row).await;
                made.push(row);
            }
            <[VisitRow; 3]>::try_from(made).unwrap()
        };
        let running = visit(&hospital, 0).await;
        let doctor = hospital.desks[0].doctor;
        let unsigned = async || {
            let visits = db.read().await.unwrap().visits().unsigned_of(doctor, 9).await.unwrap();
            visits.into_iter().map(|visit| visit.id).collect::<Vec<_>>()
        };
        let midnight = signed.started_at - std::time::Duration::from_hours(1);
        let done = async |ended| {
            let mut tx = db.read().await.unwrap();
            tx.visits().signed_of(doctor, midnight, ended).await.unwrap()
        };
        assert_eq!(unsigned().await, [talked.id, signed.id, running.id]);
        assert_eq!(done(midnight).await, []);
        let note = NoteRow {
            id: hospital.ids.make(NoteId::from_uuid),
            institution_id: hospital.institution,
            visit_id: signed.id,
            number: 1,
            content: Json(json!({})),
            hash: "h".into(),
            previous_hash: String::new(),
            signed_by: doctor,
            signed_at: hospital.now(),
            reason: None,
            identity: None,
        };
        hospital.write(async |tx| tx.notes().sign(&note).await.unwrap()).await;
        assert_eq!(unsigned().await, [talked.id, running.id]);
        assert_eq!(done(midnight).await, [signed.id]);
        assert_eq!(done(hospital.now() + std::time::Duration::from_secs(1)).await, [], "of a day before");
        assert!(!unsigned().await.contains(&mistaken.id));
        assert_eq!(hospital.find(running.ticket_id).await.move_reason, None::<MoveReason>);
    }
}
