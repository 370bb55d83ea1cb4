use std::time::Duration;

use yunzhen::domain::ids::InstitutionId;
use yunzhen::domain::triage::Level;
use yunzhen::store::{DeclarationRow, TicketRow};

use super::{draft, family};
use crate::support::hospital::Hospital;
use crate::support::on_both;

on_both! {
    async fn holder_patient_and_clinic_have_one_draft(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let people = family(&hospital, 1).await;
        let first = draft(&hospital, hospital.clinic, people);
        let twin = draft(&hospital, hospital.clinic, people);
        let elsewhere = draft(&hospital, hospital.other, people);
        let kept = hospital.write(async |tx| {
            let mut kept = Vec::new();
            for row in [&first, &twin, &elsewhere] {
                kept.push(tx.declarations().insert(row).await.unwrap());
            }
            kept
        });
        assert_eq!(kept.await, [true, false, true]);
        let found = db.read().await.unwrap().declarations().draft(people.0, people.1, hospital.clinic).await.unwrap();
        assert!(found == Some(first));
    }

    async fn of_two_devices_that_save_one_version_the_second_is_refused(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = draft(&hospital, hospital.clinic, family(&hospital, 1).await);
        hospital.write(async |tx| tx.declarations().insert(&row).await.unwrap()).await;
        hospital.pass(Duration::from_secs(2));
        let now = hospital.now();
        let save = async |version, answers: &[u8]| {
            hospital.write(async |tx| tx.declarations().save(row.id, version, "fever-2", answers, now).await.unwrap()).await
        };
        assert!(save(0, &[2]).await);
        assert!(!save(0, &[3]).await);
        assert!(save(1, &[4]).await);
        let found = db.read().await.unwrap().declarations().find(hospital.institution, row.id).await.unwrap();
        let expected = DeclarationRow {
            version: 2,
            questionnaire: "fever-2".to_owned(),
            answers_sealed: vec![4],
            saved_at: now,
            ..row
        };
        assert!(found == Some(expected));
    }

    async fn what_was_handed_in_never_changes_and_makes_room_for_another_draft(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let people = family(&hospital, 1).await;
        let row = draft(&hospital, hospital.clinic, people);
        let next = draft(&hospital, hospital.clinic, people);
        let now = hospital.now();
        let done = hospital.write(async |tx| {
            assert!(tx.declarations().insert(&row).await.unwrap());
            [
                tx.declarations().submit(row.id, 7, now).await.unwrap(),
                tx.declarations().submit(row.id, 0, now).await.unwrap(),
                tx.declarations().submit(row.id, 1, now).await.unwrap(),
                tx.declarations().save(row.id, 1, "fever-1", &[9], now).await.unwrap(),
                tx.declarations().insert(&next).await.unwrap(),
            ]
        });
        assert_eq!(done.await, [false, true, false, false, true], "old version, in time, twice, after, anew");
        let found = db.read().await.unwrap().declarations().find(hospital.institution, row.id).await.unwrap();
        assert!(found == Some(DeclarationRow { version: 1, submitted_at: Some(now), ..row }));
    }

    async fn how_to_speak_with_a_tickets_holder_is_read_with_what_was_declared(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let people = family(&hospital, 1).await;
        let row = draft(&hospital, hospital.clinic, people);
        let ticket = TicketRow {
            patient_id: people.1,
            holder_id: Some(people.0),
            declaration_id: Some(row.id),
            ..hospital.ticket(hospital.clinic, 1, Level::Standard)
        };
        let bare = hospital.ticket(hospital.clinic, 2, Level::Standard);
        hospital.write(async |tx| {
            tx.declarations().insert(&row).await.unwrap();
            tx.tickets().insert(&ticket).await.unwrap();
            tx.tickets().insert(&bare).await.unwrap();
            tx.holders().set_locale(people.0, "en").await.unwrap();
        }).await;
        let mut tx = db.read().await.unwrap();
        let found = tx.declarations().speech(ticket.id).await.unwrap().unwrap();
        assert_eq!((found.declaration, found.locale.as_str()), (row.id, "en"));
        assert!(found.answers_sealed == row.answers_sealed);
        assert!(tx.declarations().speech(bare.id).await.unwrap().is_none());
    }

    async fn a_declaration_is_found_by_its_holder_and_its_institution_only(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (one, other) = (family(&hospital, 1).await, family(&hospital, 2).await);
        let row = draft(&hospital, hospital.clinic, one);
        hospital.write(async |tx| tx.declarations().insert(&row).await.unwrap()).await;
        let abroad = hospital.ids.make(InstitutionId::from_uuid);
        let mut tx = db.read().await.unwrap();
        assert!(tx.declarations().of_holder(hospital.institution, one.0, row.id).await.unwrap().is_some());
        assert!(tx.declarations().of_holder(hospital.institution, other.0, row.id).await.unwrap().is_none());
        assert!(tx.declarations().of_holder(abroad, one.0, row.id).await.unwrap().is_none());
        assert!(tx.declarations().find(abroad, row.id).await.unwrap().is_none());
    }

    async fn the_newest_declaration_of_a_patient_is_the_one_that_was_handed_in_last(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let people = family(&hospital, 1).await;
        let newest = async || {
            let mut tx = db.read().await.unwrap();
            tx.declarations().newest_submitted(people.0, people.1, hospital.clinic).await.unwrap()
        };
        let hand_in = async |clinic| {
            hospital.pass(Duration::from_secs(1));
            let row = draft(&hospital, clinic, people);
            hospital.write(async |tx| {
                assert!(tx.declarations().insert(&row).await.unwrap());
                assert!(tx.declarations().submit(row.id, 0, hospital.now()).await.unwrap());
            }).await;
            row.id
        };
        assert_eq!(newest().await, None);
        let first = hand_in(hospital.clinic).await;
        assert_eq!(newest().await, Some(first));
        hand_in(hospital.other).await;
        assert_eq!(newest().await, Some(first), "another clinic's is another");
        let second = hand_in(hospital.clinic).await;
        let unfinished = draft(&hospital, hospital.clinic, people);
        hospital.write(async |tx| tx.declarations().insert(&unfinished).await.unwrap()).await;
        assert_eq!(newest().await, Some(second), "a draft says nothing yet");
    }
}
