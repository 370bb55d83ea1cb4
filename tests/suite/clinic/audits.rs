//! Who was given a patient is in the audit log: once a handing-over, not at every reading.

use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::stage::{Stage, nothing};

/// The entries of an action as (actor, subject, purpose), oldest first, as whoever opens the file reads them.
pub async fn entries(stage: &Stage, action: &str) -> Vec<(String, String, Option<String>)> {
    let file = SqliteConnectOptions::new().filename(stage.folder.path().join("yunzhen.db")).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(file).await.unwrap();
    let rows = sqlx::query("select actor, subject, purpose from audit where action = $1 order by seq")
        .bind(action)
        .fetch_all(&pool)
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

/// What was written down beside an action, oldest first.
pub async fn details(stage: &Stage, action: &str) -> Vec<Value> {
    let file = SqliteConnectOptions::new().filename(stage.folder.path().join("yunzhen.db")).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(file).await.unwrap();
    let rows = sqlx::query_scalar("select detail from audit where action = $1 order by seq");
    let rows: Vec<String> = rows.bind(action).fetch_all(&pool).await.unwrap();
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

/// What was told of a ticket under `kind`, oldest first.
async fn told(stage: &Stage, ticket: &str, kind: &str) -> Vec<Value> {
    let events = stage.server.services.events_since(&format!("ticket:{ticket}"), 0, 50).await.unwrap();
    events.into_iter().filter(|event| event.kind == kind).map(|event| Value::Object(event.data)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_who_is_given_a_declaration_is_in_the_audit_log_once_a_call() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (_, ticket) = stage.patient_waiting(1, nothing()).await;
    let called = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    for path in ["/desks/mine".to_owned(), format!("/desks/{desk}"), "/desks/mine".to_owned()] {
        stage.get(&path, &doctor).await.ok();
    }
    let read = entries(&stage, "patient.read").await;
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!(read[0].1, format!("ticket_{}", ticket["id"].as_str().unwrap().replace('-', "")));
    assert_eq!(read[0].2.as_deref(), Some("treatment"));
    // The same ticket called again is handed over again.
    let version = json!({ "version": called["current"]["version"] });
    stage.post(&format!("/desks/{desk}/recall"), &doctor, version).await.ok();
    stage.get("/desks/mine", &doctor).await.ok();
    assert_eq!(entries(&stage, "patient.read").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nurse_who_calls_a_patient_is_in_the_audit_log_with_the_purpose() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (_, ticket) = stage.patient_waiting(1, nothing()).await;
    stage.act(&format!("/tickets/{}/nurse-call", ticket["id"].as_str().unwrap()), &nurse).await.ok();
    stage.get("/alarms", &nurse).await.ok();
    assert_eq!(entries(&stage, "alarm.call").await.len(), 1);
    let read = entries(&stage, "patient.read").await;
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!(read[0].2.as_deref(), Some("nurse_call"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skip_names_its_doctor_and_a_ring_that_ran_out_names_nobody() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (_, ticket) = stage.patient_waiting(1, nothing()).await;
    let ticket = ticket["id"].as_str().unwrap();
    let call = async || stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let version = json!({ "version": call().await["current"]["version"] });
    stage.post(&format!("/desks/{desk}/skip"), &doctor, version).await.ok();
    call().await;
    stage.pass(std::time::Duration::from_secs(91)).await;
    let missed = told(&stage, ticket, "ticket.missed").await;
    assert_eq!(missed.len(), 2, "{missed:?}");
    assert_eq!((&missed[0]["desk"], &missed[1]["desk"]), (&json!(desk), &json!(desk)));
    assert!(missed[0]["by"].is_string() && missed[1]["by"].is_null(), "{missed:?}");
    assert_eq!(entries(&stage, "ticket.skip").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_taken_back_is_in_the_audit_log() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.patient_waiting(1, nothing()).await;
    let called = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let version = json!({ "version": called["current"]["version"] });
    stage.post(&format!("/desks/{desk}/cancel-call"), &doctor, version).await.ok();
    assert_eq!(entries(&stage, "ticket.cancel").await.len(), 1);
}
