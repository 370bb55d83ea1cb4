//! Somebody with the database in hand, and without the operator's secret: what they write is believed nowhere.

use serde_json::json;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use yunzhen::domain::ids::{AccountId, VisitId};
use yunzhen::domain::signature::Noted;
use yunzhen::domain::time::Timestamp;
use yunzhen::store::Db;

use super::audits::entries;
use super::prescriptions::signed;
use super::proofs::{code, sign, verdict};
use super::stage::{Stage, Visit};
use crate::support::binary::bare;
use crate::support::sql::run;

async fn database(stage: &Stage) -> Db {
    Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap()
}

/// What `yunzhen audit verify` says beside the running server.
fn audit(stage: &Stage) -> (String, bool) {
    let mut command = bare(&["audit", "verify", "--demo"]);
    let output = command.env("YUNZHEN_DATA_DIR", stage.folder.path()).env("YUNZHEN_LOG", "off").output().unwrap();
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.success())
}

/// Another text of the one signed note, with the hash that is right for it.
async fn rewrite(pool: &SqlitePool, from: &str, to: &str) {
    let row = sqlx::query("select visit_id, number, content, signed_by, signed_at, previous_hash from note");
    let row = row.fetch_one(pool).await.unwrap();
    let content: String = row.get(2);
    let changed = content.replace(from, to);
    assert_ne!(changed, content);
    let id = |at: usize| uuid::Uuid::from_slice(&row.get::<Vec<u8>, _>(at)).unwrap();
    let (visit, by) = (VisitId::from_uuid(id(0)).to_string(), AccountId::from_uuid(id(3)).to_string());
    let (number, previous) = (row.get(1), row.get::<String, _>(5));
    let hash = |content: &str| {
        let signed_at = Timestamp::from_millis(row.get(4));
        let words =
            Noted { visit: &visit, number, content, signed_by: &by, signed_at, reason: None, previous_hash: &previous };
        words.hash()
    };
    let was: String = sqlx::query_scalar("select hash from note").fetch_one(pool).await.unwrap();
    assert_eq!(hash(&content), was, "nothing is needed for it but the row");
    sqlx::query("update note set content = $1, hash = $2")
        .bind(&changed)
        .bind(hash(&changed))
        .execute(pool)
        .await
        .unwrap();
}

fn pool(db: &Db) -> &SqlitePool {
    match db {
        Db::Sqlite { writer, .. } => writer,
        Db::Postgres(_) => unreachable!("a file"),
    }
}

async fn reads(stage: &Stage, visit: &Visit) -> (u16, String) {
    let read = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await;
    (read.status, read.body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_written_anew_with_its_hash_and_without_its_signature_is_believed_nowhere() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let (token, boss) = (code(&stage, &visit).await, stage.staff("admin").await);
    assert_eq!(verdict(&stage, &token).await["state"], "authentic");
    assert!(audit(&stage).1, "{}", audit(&stage).0);
    let db = database(&stage).await;
    for table in ["note", "signature"] {
        for trigger in ["never_changes", "never_goes"] {
            run(&db, format!("drop trigger {table}_{trigger}").leak()).await;
        }
    }
    rewrite(pool(&db), "感冒", "肺炎").await;
    run(&db, "create table kept as select * from signature where purpose = 'note'").await;
    run(&db, "delete from signature where purpose = 'note'").await;
    assert_eq!(reads(&stage, &visit).await, (500, "signature.broken".to_owned()));
    assert_eq!(stage.get("/me/visits", &visit.patient).await.refusal(), (500, "signature.broken"));
    // The paper of before, and the paper that is printed now.
    assert_eq!(verdict(&stage, &token).await["state"], "unknown");
    assert_eq!(verdict(&stage, &code(&stage, &visit).await).await["state"], "unknown");
    let seal = format!("/visits/{}/seal", visit.id);
    let sealed = stage.post(&seal, &boss, json!({ "reason": "医疗纠纷" })).await;
    assert_eq!(sealed.refusal(), (500, "signature.broken"), "the server's signature is not put on it");
    assert_eq!(entries(&stage, "visit.seal").await, []);
    let (said, whole) = audit(&stage);
    assert!(!whole && said.contains("BROKEN: what was signed at entry"), "{said}");
    // Nor is it enough to put back the row of another signature.
    run(&db, "insert into signature select * from kept").await;
    run(&db, "update signature set hash = (select hash from note) where purpose = 'note'").await;
    assert_eq!(reads(&stage, &visit).await, (500, "signature.broken".to_owned()));
    assert!(!audit(&stage).1);
    // As it was, it is what it was.
    run(&db, "delete from signature where purpose = 'note'").await;
    run(&db, "insert into signature select * from kept").await;
    rewrite(pool(&db), "肺炎", "感冒").await;
    assert_eq!(verdict(&stage, &token).await["state"], "authentic");
    assert!(audit(&stage).1, "{}", audit(&stage).0);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_or_a_signed_row_that_is_gone_is_missed_by_the_audit() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    sign(&stage, &visit, 0, "感冒", None).await;
    signed(&stage, &visit).await;
    assert!(audit(&stage).1, "{}", audit(&stage).0);
    let db = database(&stage).await;
    for trigger in ["note_never_goes", "prescription_version_never_goes", "signature_never_goes"] {
        run(&db, format!("drop trigger {trigger}").leak()).await;
    }
    for (table, what) in [("note", ""), ("prescription_version", ""), ("signature", " where purpose = 'prescription'")]
    {
        run(&db, format!("create table kept as select * from {table}").leak()).await;
        run(&db, format!("delete from {table}{what}").leak()).await;
        let (said, whole) = audit(&stage);
        assert!(!whole && said.contains("what was signed at entry"), "{table}: {said}");
        run(&db, format!("delete from {table}").leak()).await;
        run(&db, format!("insert into {table} select * from kept").leak()).await;
        run(&db, "drop table kept").await;
        assert!(audit(&stage).1, "{table}: {}", audit(&stage).0);
    }
    db.close().await;
}
