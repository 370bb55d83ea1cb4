//! Somebody with the database in hand, and without the operator's secret: what they write is believed nowhere.

use serde_json::json;
use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;
use yunzhen::domain::ids::{AccountId, VisitId};
use yunzhen::domain::signature::Noted;
use yunzhen::domain::time::Timestamp;
use yunzhen::store::Db;

use super::audits::{details, entries};
use super::opinions;
use super::prescriptions::signed;
use super::proofs::{code, sign, verdict};
use super::stage::{Stage, Visit};
use crate::support::binary::bare;
use crate::support::sql::run;

async fn database(stage: &Stage) -> Db {
    Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap()
}

/// What `yunzhen audit verify` says beside the running server.
pub(super) fn audit(stage: &Stage) -> (String, bool) {
    let mut command = bare(&["audit", "verify", "--demo"]);
    let output = command.env("YUNZHEN_DATA_DIR", stage.folder.path()).env("YUNZHEN_LOG", "off").output().unwrap();
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.success())
}

/// Another text of the one signed note, with the hash that is right for it.
async fn rewrite(pool: &SqlitePool, from: &str, to: &str) {
    let row = sqlx::query("select visit_id, number, content, signed_by, signed_at, previous_hash, identity from note");
    let row = row.fetch_one(pool).await.unwrap();
    let content: String = row.get(2);
    let changed = content.replace(from, to);
    assert_ne!(changed, content);
    let id = |at: usize| uuid::Uuid::from_slice(&row.get::<Vec<u8>, _>(at)).unwrap();
    let (visit, by) = (VisitId::from_uuid(id(0)).to_string(), AccountId::from_uuid(id(3)).to_string());
    let (number, previous) = (row.get(1), row.get::<String, _>(5));
    let identity: Option<String> = row.get(6);
    let hash = |content: &str| {
        let signed_at = Timestamp::from_millis(row.get(4));
        let words = Noted {
            visit: &visit,
            number,
            content,
            signed_by: &by,
            signed_at,
            reason: None,
            previous_hash: &previous,
            identity: identity.as_deref(),
        };
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
    let listed = stage.get("/me/visits", &visit.patient).await.ok();
    assert_eq!((&listed[0]["note"], &listed[0]["is_broken"]), (&serde_json::Value::Null, &json!(true)));
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

/// What each of these codes says.
async fn verdicts(stage: &Stage, codes: &[String]) -> Vec<String> {
    let mut said = Vec::new();
    for code in codes {
        said.push(verdict(stage, code).await["state"].as_str().unwrap().to_owned());
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_of_one_patient_is_of_nobody_else_and_of_no_other_age_or_sex() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let rx = signed(&stage, &visit).await;
    let colleague = stage.staff("doctor2").await;
    let opinion = opinions::ask(&stage, &visit, &colleague).await;
    opinions::answer(&stage, &opinion, &colleague).await;
    let (_, other) = stage.known_patient(7).await;
    let documents = stage.get(&format!("/visits/{}/documents", visit.id), &visit.doctor).await.ok();
    let codes: Vec<String> = documents
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["link"].as_str().unwrap())
        .map(|link| link.rsplit_once("/verify/").unwrap().1.to_owned())
        .collect();
    let whole = ["authentic", "authentic", "unreviewed"];
    assert_eq!(verdicts(&stage, &codes).await, whole);
    assert!(audit(&stage).1, "{}", audit(&stage).0);
    let db = database(&stage).await;
    let boss = stage.staff("admin").await;
    let other = other.replace('-', "");
    run(
        &db,
        "create table kept as select t.id as ticket, v.id as visit, t.patient_id as patient, p.birth_date as born,
              p.sex as sex from visit v join ticket t on t.id = v.ticket_id join patient p on p.id = v.patient_id",
    )
    .await;
    let forged = [
        format!("update visit set patient_id = x'{other}'"),
        format!("update ticket set patient_id = x'{other}' where id = (select ticket from kept)"),
        // As other words in the row of the one whom it is of, where a passport stated neither.
        "update patient set birth_date = '2019-05-01' where id = (select patient from kept)".to_owned(),
        "update patient set sex = case sex when 'male' then 'female' else 'male' end where id = (select patient from kept)".to_owned(),
        // Both rows, so that they agree with each other.
        format!("update ticket set patient_id = x'{other}' where id = (select ticket from kept);
                 update visit set patient_id = x'{other}'"),
    ];
    for change in forged {
        for one in change.split(';') {
            run(&db, one.to_owned().leak()).await;
        }
        assert_eq!(verdicts(&stage, &codes).await, ["unknown"; 3], "{change}");
        assert_eq!(reads(&stage, &visit).await, (500, "signature.broken".to_owned()), "{change}");
        let broken = (500, "signature.broken");
        assert_eq!(stage.get(&format!("/opinions/{opinion}"), &visit.doctor).await.refusal(), broken, "{change}");
        for paper in [
            format!("/visits/{}/documents/record", visit.id),
            format!("/opinions/{opinion}/document"),
            format!("/prescriptions/{}/document", rx["id"].as_str().unwrap()),
        ] {
            let printed = stage.get(&paper, &visit.doctor).await;
            assert!([broken, (503, "document.no_font")].contains(&printed.refusal()), "{paper}: {change}");
        }
        let sealed = stage.post(&format!("/visits/{}/seal", visit.id), &boss, json!({ "reason": "医疗纠纷" })).await;
        assert_eq!(sealed.refusal(), broken, "{change}");
        let (said, is_whole) = audit(&stage);
        assert!(!is_whole && said.contains("BROKEN: what was signed at entry"), "{change}: {said}");
        run(&db, "update visit set patient_id = (select patient from kept)").await;
        run(&db, "update ticket set patient_id = (select patient from kept) where id = (select ticket from kept)")
            .await;
        run(
            &db,
            "update patient set birth_date = (select born from kept), sex = (select sex from kept)
                  where id = (select patient from kept)",
        )
        .await;
        assert_eq!(verdicts(&stage, &codes).await, whole, "as it was, it is what it was");
        assert!(audit(&stage).1, "{change}: {}", audit(&stage).0);
    }
    run(&db, format!("update prescription set patient_id = x'{other}'").leak()).await;
    assert_eq!(verdicts(&stage, &codes).await, ["authentic", "authentic", "unknown"]);
    assert!(!audit(&stage).1);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_was_given_to_somebody_else_is_missed_before_anything_was_signed() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (_, other) = stage.known_patient(7).await;
    assert!(audit(&stage).1, "{}", audit(&stage).0);
    let db = database(&stage).await;
    let other = other.replace('-', "");
    for table in ["visit", "ticket"] {
        run(&db, format!("create table kept as select patient_id from {table}").leak()).await;
        run(&db, format!("update {table} set patient_id = x'{other}'").leak()).await;
        let (said, whole) = audit(&stage);
        assert!(!whole && said.contains("at entry"), "{table}: {said}");
        run(&db, format!("update {table} set patient_id = (select patient_id from kept)").leak()).await;
        run(&db, "drop table kept").await;
        assert!(audit(&stage).1, "{table}: {}", audit(&stage).0);
    }
    db.close().await;
    let detail = &details(&stage, "visit.identity_confirmed").await[0];
    assert_eq!((detail.as_object().unwrap().len(), &detail["outcome"]), (2, &json!("signed")), "{detail}");
    let (patient, mac) = detail["identity"].as_str().unwrap().split_once(':').unwrap();
    let me = stage.get("/patients", &visit.patient).await.ok();
    assert_eq!(patient, format!("patient_{}", me[0]["id"].as_str().unwrap().replace('-', "")));
    assert!(mac.len() == 64 && mac.bytes().all(|digit| digit.is_ascii_hexdigit()), "{mac}");
}
