//! What stands on a paper beside its words is under the signature: number, days, basis and end of a sheet, and how a visit
//! ends, which a referral slip prints. Whoever changes it in the database is found, on both databases.

use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::store::Db;

use super::forged_sheets::opposing;
use super::prescriptions::{approval, claim, pharmacy, signed};
use super::proofs::sign;
use super::stage::{Stage, Visit};
use crate::support::{database, sql};

/// What the audit says of the database as it is.
async fn broken(stage: &Stage, admin: &str) -> Value {
    stage.act("/audit/verify", admin).await.ok()["broken"].clone()
}

/// The columns of one row as they are, written otherwise and put back.
async fn changed(db: &Db, table: &str, to: &str, back: &[&str], then: impl AsyncFnOnce()) {
    sql::run(db, format!("create table kept as select * from {table}").leak()).await;
    sql::run(db, format!("update {table} set {to}").leak()).await;
    then().await;
    for column in back {
        let was = format!("(select k.{column} from kept k where k.id = {table}.id)");
        sql::run(db, format!("update {table} set {column} = {was}").leak()).await;
    }
    sql::run(db, "drop table kept").await;
}

const BROKEN: (u16, &str) = (500, "signature.broken");
const FACE: [&str; 6] = ["number", "valid_until", "start_day", "end_day", "legal_basis", "dispensed_at"];

async fn sheets(url: Option<String>, db: &Db) {
    let stage = Stage::open_with(|config| config.database_url = url).await;
    let visit = stage.visit_of(1, json!({})).await;
    let (admin, pharmacist) = (stage.staff("admin").await, stage.staff("pharmacist").await);
    let rx = signed(&stage, &visit).await;
    assert_eq!(broken(&stage, &admin).await, Value::Null);
    let changes = [
        "number = 'R20200101-00000000'",
        "valid_until = valid_until + 86400000",
        "start_day = '2023-11-14'",
        "end_day = '2023-12-31'",
        "legal_basis = 'epidemic_prescription'",
    ];
    for to in changes {
        changed(db, "prescription", to, &FACE, async || {
            assert_eq!(claim(&stage, &pharmacist, &rx).await.refusal(), BROKEN, "{to}");
            let said = broken(&stage, &admin).await;
            assert!(said.as_str().is_some_and(|said| said.contains("at entry")), "{to}: {said}");
        })
        .await;
        assert_eq!(broken(&stage, &admin).await, Value::Null, "{to}: as it was, it is what it was");
    }
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    stage.clock.advance(Duration::from_mins(5));
    pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await.ok();
    assert_eq!(broken(&stage, &admin).await, Value::Null, "the days count from the day of handing out");
    // Nor is it handed out for longer, or on another day, by a column.
    for to in ["end_day = '2023-12-31'", "dispensed_at = dispensed_at + 864000000", "number = 'R1'"] {
        changed(db, "prescription", to, &FACE, async || {
            let path = format!("/prescriptions/{}/document", rx["id"].as_str().unwrap());
            let paper = stage.get(&path, &visit.doctor).await;
            assert!(paper.status == 503 || paper.refusal() == BROKEN, "{to}: {}", paper.status);
            let said = broken(&stage, &admin).await;
            assert!(said.as_str().is_some_and(|said| said.contains("at entry")), "{to}: {said}");
        })
        .await;
    }
    assert_eq!(broken(&stage, &admin).await, Value::Null);
    // A sheet that is signed anew is signed with its days anew.
    opposing(&stage, &visit).await;
    assert_eq!(broken(&stage, &admin).await, Value::Null);
}

async fn outcomes(url: Option<String>, db: &Db) {
    let stage = Stage::open_with(|config| config.database_url = url).await;
    let visit = stage.visit().await;
    let admin = stage.staff("admin").await;
    sign(&stage, &visit, 0, "感冒", None).await;
    // None was chosen yet: whoever writes one writes what nobody signed.
    changed(db, "visit", "outcome = 'go_to_hospital'", &["outcome"], async || {
        assert_ne!(broken(&stage, &admin).await, Value::Null);
        no_slip(&stage, &visit).await;
    })
    .await;
    let outcome = format!("/visits/{}/outcome", visit.id);
    let chosen = json!({ "outcome": "go_to_hospital", "reason": "需做胸部影像检查" });
    stage.post(&outcome, &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.post(&outcome, &visit.doctor, chosen).await.ok();
    assert_eq!(broken(&stage, &admin).await, Value::Null);
    let documents = stage.get(&format!("/visits/{}/documents", visit.id), &visit.doctor).await.ok();
    let slip = documents.as_array().unwrap().iter().find(|one| one["kind"] == "referral").unwrap()["link"].clone();
    let token = slip.as_str().unwrap().rsplit_once("/verify/").unwrap().1.to_owned();
    assert_eq!(super::proofs::verdict(&stage, &token).await["state"], "authentic");
    for to in [
        "outcome = 'emergency120'",
        "outcome_reason = '无'",
        "outcome = null, outcome_reason = null",
        "outcome = 'home_care'",
    ] {
        changed(db, "visit", to, &["outcome", "outcome_reason"], async || {
            let said = broken(&stage, &admin).await;
            assert!(said.as_str().is_some_and(|said| said.contains("at entry")), "{to}: {said}");
            assert_eq!(super::proofs::verdict(&stage, &token).await["state"], "unknown", "{to}");
            no_slip(&stage, &visit).await;
        })
        .await;
        assert_eq!(broken(&stage, &admin).await, Value::Null, "{to}");
    }
    assert_eq!(super::proofs::verdict(&stage, &token).await["state"], "authentic");
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    assert_eq!(broken(&stage, &admin).await, Value::Null);
}

/// A slip is printed of what was signed and of nothing else.
async fn no_slip(stage: &Stage, visit: &Visit) {
    let paper = stage.get(&format!("/visits/{}/documents/referral", visit.id), &visit.doctor).await;
    assert!(matches!(paper.refusal(), BROKEN | (404 | 503, _)), "{}", paper.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_number_day_basis_or_end_of_a_signed_sheet_is_found() {
    let fresh = database::sqlite().await;
    sheets(Some(fresh.url.clone()), &fresh.db).await;
    let Some(fresh) = database::postgres().await else { return };
    sheets(Some(fresh.url.clone()), &fresh.db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_outcome_or_reason_of_a_referral_is_found_and_printed_nowhere() {
    let fresh = database::sqlite().await;
    outcomes(Some(fresh.url.clone()), &fresh.db).await;
    let Some(fresh) = database::postgres().await else { return };
    outcomes(Some(fresh.url.clone()), &fresh.db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_before_its_face_was_holds_as_it_was_hashed_then() {
    use yunzhen::domain::prescription::{Signed, Stated};
    // The words of the version before this, and their hash, computed apart over the lines as it wrote them.
    let stated = r#"{"diagnosis":"咳嗽","identity":"patient_1:aa"}"#;
    let read: Stated = serde_json::from_str(stated).unwrap();
    assert_eq!((read.face.clone(), serde_json::to_string(&read).unwrap()), (None, stated.to_owned()));
    let words =
        Signed { id: "prescription_1", version: 1, content: "{}", report: "{}", answers: "{}", stated: Some(stated) };
    assert_eq!(words.hash(), OLD);
}

/// SHA-256 over `prescription 14 prescription_1\nversion 1 1\ncontent 2 {}\nreport 2 {}\nanswers 2 {}\nstated …\n`.
const OLD: &str = "35f9904ecc8636ba6909822460f14e064838b5f6aacfb4a9260cd17b72df04ca";
