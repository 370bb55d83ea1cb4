//! Every save of a draft.

use serde_json::json;
use sqlx::types::Json;
use yunzhen::store::{DraftRow, StoreError, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

fn save(hospital: &Hospital, visit: &VisitRow, version: i64) -> DraftRow {
    DraftRow {
        visit_id: visit.id,
        version,
        content: Json(json!({ "complaint": format!("第{version}次"), "vitals": { "temperature": 38.5 } })),
        saved_by: visit.doctor_id,
        saved_at: hospital.now(),
    }
}

async fn numbers(db: &yunzhen::store::Db, visit: &VisitRow) -> Vec<i64> {
    let rows = db.read().await.unwrap().note_versions().of(visit.id, 1000).await.unwrap();
    rows.into_iter().map(|row| row.version).collect()
}

on_both! {
    async fn each_save_keeps_its_version(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        for version in 1..=3 {
            let row = save(&hospital, &visit, version);
            hospital.write(async |tx| tx.note_versions().keep(&row).await.unwrap()).await;
        }
        assert_eq!(numbers(&db, &visit).await, [3, 2, 1]);
        let found = db.read().await.unwrap().note_versions().find(visit.id, 2).await.unwrap();
        assert_eq!(found, Some(save(&hospital, &visit, 2)));
        let again = save(&hospital, &visit, 2);
        let refused = hospital.write(async |tx| tx.note_versions().keep(&again).await).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "a version is kept once");
    }

    async fn only_the_newest_saves_are_kept_for_long(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        assert_eq!(hospital.write(async |tx| tx.note_versions().prune(visit.id, 2).await.unwrap()).await, 0);
        for version in 1..=5 {
            let row = save(&hospital, &visit, version);
            hospital.write(async |tx| tx.note_versions().keep(&row).await.unwrap()).await;
        }
        assert_eq!(hospital.write(async |tx| tx.note_versions().prune(visit.id, 2).await.unwrap()).await, 3);
        assert_eq!(numbers(&db, &visit).await, [5, 4]);
    }
}
