//! A thousand people who want the same place in the same moment.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use yunzhen::domain::identity::DocumentKind;
use yunzhen::domain::ids::{HolderId, InstitutionId, PatientId, SlotId};
use yunzhen::domain::people::{Relation, Sex};
use yunzhen::domain::permission::HolderAct;
use yunzhen::protocol::booking::BookingRequest;
use yunzhen::protocol::error::ErrorCode;
use yunzhen::services::refusal::Refusal;
use yunzhen::services::work::Command;
use yunzhen::store::{HolderRow, PatientRow};

use crate::support::app::TestApp;
use crate::support::database::Db;
use crate::support::on_both;

const PEOPLE: u128 = 1000;

/// As many telephones, each with a patient of its own.
async fn people(app: &TestApp, db: &Db, institution: InstitutionId) {
    let now = app.clock.now();
    let mut tx = db.begin().await.unwrap();
    for n in 1..=PEOPLE {
        let (holder, patient) = (HolderId::from_uuid(Uuid::from_u128(n)), PatientId::from_uuid(Uuid::from_u128(n)));
        let index = n.to_be_bytes().to_vec();
        let row = HolderRow {
            id: holder,
            institution_id: institution,
            phone_sealed: Vec::new(),
            phone_index: index.clone(),
            phone_tail: "0000".into(),
            created_at: now,
            locale: "zh-CN".into(),
        };
        assert!(tx.holders().insert(&row).await.unwrap());
        let row = PatientRow {
            id: patient,
            institution_id: institution,
            name_sealed: Vec::new(),
            name_index: index.clone(),
            name_masked: "测***".into(),
            document: DocumentKind::Passport,
            number_sealed: Vec::new(),
            number_index: index.clone(),
            card_index: index,
            number_tail: "0000".into(),
            birth_date: "1990-01-01".into(),
            sex: Sex::Female,
            created_at: now,
        };
        assert!(tx.patients().insert(&row).await.unwrap());
        tx.patients().relate(holder, patient, Relation::Myself, now).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// One of them books, as from a browser: who is told that the database is busy comes again.
async fn book(app: &TestApp, institution: InstitutionId, slot: SlotId, n: u128) -> Result<(), Refusal> {
    let act = HolderAct { holder: HolderId::from_uuid(Uuid::from_u128(n)), institution };
    let command = Command { actor: act.holder.to_string(), key: Some("one-press".into()), hash: vec![1] };
    loop {
        let request = BookingRequest { slot, patient: PatientId::from_uuid(Uuid::from_u128(n)), zone: None };
        match app.services.book(act, request, &command).await {
            Err(refusal) if refusal.code == ErrorCode::Unavailable => {}
            other => return other.map(drop),
        }
    }
}

on_both! {
    async fn of_a_thousand_who_book_one_place_of_the_server_one_has_it_and_the_others_are_told_what_is_next(db: Db) {
        let app = Arc::new(TestApp::over(db.clone(), false).await);
        app.services.roll_slots().await.unwrap();
        let view = app.browser().get("/slots?link=demo-tcm-clinic").await.ok();
        let slots = view["slots"].as_array().unwrap();
        let slot = slots.iter().filter(|slot| slot["doctor_name"]["en"] == "Demo Doctor A").nth(2).unwrap();
        let slot: SlotId = slot["id"].as_str().unwrap().parse().unwrap();
        let institution = db.read().await.unwrap().institutions().all().await.unwrap()[0].id;
        people(&app, &db, institution).await;
        let tasks = TaskTracker::new();
        // Tasks of their own: they truly run at once.
        let tries = (1..=PEOPLE).map(|n| {
            let app = Arc::clone(&app);
            tasks.spawn(async move { book(&app, institution, slot, n).await })
        });
        let told: Vec<Result<(), Refusal>> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(told.iter().filter(|one| one.is_ok()).count(), 1);
        for refusal in told.into_iter().filter_map(Result::err) {
            assert_eq!((refusal.code, refusal.next.map(|next| next.len())), (ErrorCode::SlotTaken, Some(3)));
        }
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.slots().find(slot).await.unwrap().unwrap().taken, 1);
        assert_eq!(tx.appointments().seats(slot).await.unwrap(), [1]);
    }
}
