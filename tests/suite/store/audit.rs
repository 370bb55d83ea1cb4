//! The audit chain: appended to, never changed, and a change shows.

use futures_util::future::join_all;
use serde_json::{Value, json};
use yunzhen::domain::audit::Entry;
use yunzhen::domain::ids::InstitutionId;
use yunzhen::store::{Db, InstitutionRow};

use crate::support::hospital::{Hospital, MORNING};
use crate::support::on_both;
use crate::support::sql::{refusal, run};

fn entry(action: &str, detail: Value) -> Entry {
    Entry {
        at: MORNING,
        actor: "account_1".into(),
        action: action.to_owned(),
        subject: "visit_1".into(),
        purpose: (action == "visit.read").then(|| "二次诊疗".to_owned()),
        detail,
    }
}

async fn append(hospital: &Hospital, entry: &Entry) -> i64 {
    hospital.write(async |tx| tx.audit().append(hospital.institution, entry).await.unwrap()).await
}

/// The number of the first entry that does not follow from the one before it.
async fn first_break(hospital: &Hospital) -> Option<i64> {
    let entries = hospital.db.read().await.unwrap().audit().page(hospital.institution, 0).await.unwrap();
    let (mut last, mut hash) = (0, String::new());
    for entry in entries {
        if entry.seq != last + 1 || entry.previous_hash != hash || !entry.is_itself() {
            return Some(last + 1);
        }
        (last, hash) = (entry.seq, entry.hash);
    }
    None
}

/// Takes the guards away, as a person with the database in hand could.
async fn without_triggers(db: &Db) {
    match db {
        Db::Sqlite { .. } => {
            run(db, "drop trigger audit_never_changes").await;
            run(db, "drop trigger audit_never_goes").await;
        }
        Db::Postgres(_) => run(db, "drop trigger audit_never_changes on audit").await,
    }
}

on_both! {
    async fn a_chain_that_nobody_touched_is_whole(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        assert_eq!(first_break(&hospital).await, None, "an empty one, too");
        for number in 1..=5 {
            assert_eq!(append(&hospital, &entry("visit.read", json!({ "number": number }))).await, number);
        }
        assert_eq!(first_break(&hospital).await, None);
    }

    async fn details_of_every_shape_come_back_with_the_same_hash(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let shapes = [
            json!(null),
            json!({ "z": 1, "aa": 2, "b": { "y": [], "x": {} } }),
            json!([0, -0.0, 1.0, 1.5, 1e20, 1e-7, 5e-324, u64::MAX, i64::MIN, 0.1]),
            json!("引号 \" \\ / \u{7} \u{1F600} 换行\n"),
            json!({ "": "", " ": " ", "é": "e\u{301}" }),
        ];
        for shape in &shapes {
            append(&hospital, &entry("shape", shape.clone())).await;
        }
        assert_eq!(first_break(&hospital).await, None);
    }

    async fn the_database_refuses_to_change_or_delete_an_entry(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        append(&hospital, &entry("visit.read", json!({}))).await;
        assert!(refusal(&db, "update audit set actor = 'nobody'").await.contains("never changes"));
        assert!(refusal(&db, "delete from audit").await.contains("the audit"));
        assert_eq!(first_break(&hospital).await, None);
    }

    async fn a_changed_entry_shows(db: Db) {
        let changes = [
            "update audit set actor = 'nobody' where seq = 3",
            "update audit set at = at + 1 where seq = 3",
            "update audit set detail = '{\"number\": 33}' where seq = 3",
            "update audit set purpose = null where seq = 3",
            "update audit set subject = 'visit_2' where seq = 3",
            "update audit set hash = previous_hash where seq = 3",
            "delete from audit where seq = 3",
        ];
        let hospital = Hospital::open(&db, 0).await;
        for number in 1..=5 {
            append(&hospital, &entry("visit.read", json!({ "number": number }))).await;
        }
        without_triggers(&db).await;
        run(&db, "create table kept as select * from audit").await;
        for change in changes {
            run(&db, change).await;
            assert_eq!(first_break(&hospital).await, Some(3), "{change}");
            run(&db, "delete from audit").await;
            run(&db, "insert into audit select * from kept").await;
            assert_eq!(first_break(&hospital).await, None);
        }
    }

    async fn eight_writers_make_one_chain(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let writers = (0..8).map(async |writer| {
            for number in 0..10 {
                append(&hospital, &entry("visit.read", json!({ "writer": writer, "number": number }))).await;
            }
        });
        join_all(writers).await;
        assert_eq!(first_break(&hospital).await, None);
        assert_eq!(append(&hospital, &entry("last", json!({}))).await, 81);
    }

    async fn each_institution_has_a_chain_of_its_own(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let partner = InstitutionRow { id: hospital.ids.make(InstitutionId::from_uuid), ..hospital.institution_row() };
        hospital.write(async |tx| tx.institutions().insert(&partner).await.unwrap()).await;
        append(&hospital, &entry("visit.read", json!({}))).await;
        let first = hospital.write(async |tx| tx.audit().append(partner.id, &entry("x", json!({}))).await.unwrap());
        assert_eq!(first.await, 1);
        assert_eq!(append(&hospital, &entry("visit.read", json!({}))).await, 2);
        assert_eq!(first_break(&hospital).await, None);
    }

    async fn an_entry_of_a_dropped_transaction_leaves_no_gap(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        append(&hospital, &entry("visit.read", json!({}))).await;
        let mut dropped = db.begin().await.unwrap();
        dropped.audit().append(hospital.institution, &entry("lost", json!({}))).await.unwrap();
        drop(dropped);
        assert_eq!(append(&hospital, &entry("visit.read", json!({}))).await, 2);
        assert_eq!(first_break(&hospital).await, None);
    }
}
