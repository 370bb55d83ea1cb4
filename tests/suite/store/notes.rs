//! Drafts and signed notes.

use serde_json::{Value, json};
use sqlx::types::Json;
use yunzhen::domain::ids::NoteId;
use yunzhen::store::{DraftRow, NoteRow, StoreError, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::refusal;
use crate::support::visiting::visit;

fn draft(hospital: &Hospital, visit: &VisitRow, version: i64, content: Value) -> DraftRow {
    DraftRow {
        visit_id: visit.id,
        version,
        content: Json(content),
        saved_by: visit.doctor_id,
        saved_at: hospital.now(),
    }
}

async fn save(hospital: &Hospital, draft: &DraftRow) -> bool {
    hospital.write(async |tx| tx.notes().save(draft).await.unwrap()).await
}

pub fn note(hospital: &Hospital, visit: &VisitRow, number: i64) -> NoteRow {
    NoteRow {
        id: hospital.ids.make(NoteId::from_uuid),
        institution_id: hospital.institution,
        visit_id: visit.id,
        number,
        content: Json(json!({ "主诉": "发热两天", "values": [37.5, 1, null] })),
        hash: format!("hash {number}"),
        previous_hash: if number == 1 { String::new() } else { format!("hash {}", number - 1) },
        signed_by: visit.doctor_id,
        signed_at: hospital.now(),
        reason: (number > 1).then(|| "补充".to_owned()),
        // Those of the first versions say nothing of it.
        identity: (number > 1).then(|| "patient_1:aa".to_owned()),
    }
}

async fn sign(hospital: &Hospital, note: &NoteRow) -> Result<(), StoreError> {
    hospital.write(async |tx| tx.notes().sign(note).await).await
}

on_both! {
    async fn a_draft_is_read_as_it_was_saved(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        assert_eq!(db.read().await.unwrap().notes().draft(visit.id).await.unwrap(), None);
        let first = draft(&hospital, &visit, 1, json!({ "主诉": "发热" }));
        assert!(save(&hospital, &first).await);
        assert_eq!(db.read().await.unwrap().notes().draft(visit.id).await.unwrap(), Some(first));
    }

    async fn a_draft_is_saved_only_over_the_version_that_was_seen(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        assert!(save(&hospital, &draft(&hospital, &visit, 1, json!("one"))).await);
        let second = draft(&hospital, &visit, 2, json!("two"));
        assert!(save(&hospital, &second).await);
        assert!(!save(&hospital, &draft(&hospital, &visit, 2, json!("another two"))).await, "saved in between");
        assert!(!save(&hospital, &draft(&hospital, &visit, 4, json!("four"))).await, "a version was left out");
        assert_eq!(db.read().await.unwrap().notes().draft(visit.id).await.unwrap(), Some(second));
    }

    async fn of_two_windows_that_save_at_once_one_is_told(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        for version in 1..=10 {
            let (one, other) = (
                draft(&hospital, &visit, version, json!("one")),
                draft(&hospital, &visit, version, json!("other")),
            );
            let (one, other) = tokio::join!(save(&hospital, &one), save(&hospital, &other));
            assert!(one != other, "version {version}");
        }
    }

    async fn signed_versions_are_read_in_order_as_they_were_signed(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let versions = [note(&hospital, &visit, 1), note(&hospital, &visit, 2)];
        for version in &versions {
            sign(&hospital, version).await.unwrap();
        }
        assert_eq!(db.read().await.unwrap().notes().signed(visit.id).await.unwrap(), versions);
    }

    async fn a_version_is_signed_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        sign(&hospital, &note(&hospital, &visit, 1)).await.unwrap();
        assert!(matches!(sign(&hospital, &note(&hospital, &visit, 1)).await, Err(StoreError::Conflict)));
    }

    async fn the_database_refuses_to_change_or_delete_a_signed_note(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let signed = note(&hospital, &visit, 1);
        sign(&hospital, &signed).await.unwrap();
        for attempt in ["update note set content = '{}'", "update note set hash = hash", "delete from note"] {
            assert!(refusal(&db, attempt).await.contains("a signed note"), "{attempt}");
        }
        assert_eq!(db.read().await.unwrap().notes().signed(visit.id).await.unwrap(), [signed]);
    }
}
