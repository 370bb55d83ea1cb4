//! What a clinic tells those who wait in it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{Stage, nothing};

async fn texts_of(stage: &Stage, patient: &str, ticket: &Value) -> Vec<String> {
    let view = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), patient).await.ok();
    let notices = view["notices"].as_array().unwrap();
    notices.iter().map(|notice| notice["text"].as_str().unwrap().to_owned()).collect()
}

async fn clinic_path(stage: &Stage, token: &str, n: usize) -> String {
    let clinics = stage.get("/clinics", token).await.ok();
    format!("/clinics/{}/notices", clinics[n]["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_reaches_all_who_wait_or_the_one_it_is_for_and_outlives_a_restart() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (one, first) = stage.patient_waiting(1, nothing()).await;
    let (two, second) = stage.patient_waiting(2, nothing()).await;
    let path = clinic_path(&stage, &nurse, 0).await;
    let to_all = stage.post(&path, &nurse, json!({ "text": " 医生十分钟后回来 " })).await.ok();
    assert_eq!((&to_all["text"], &to_all["personal"]), (&json!("医生十分钟后回来"), &json!(false)));
    stage.clock.advance(Duration::from_secs(1));
    let to_one = stage.post(&path, &nurse, json!({ "text": "请备好化验单", "ticket": first["id"] })).await.ok();
    assert_eq!(to_one["personal"], true);
    let stage = stage.restart().await;
    assert_eq!(texts_of(&stage, &one, &first).await, ["请备好化验单", "医生十分钟后回来"]);
    assert_eq!(texts_of(&stage, &two, &second).await, ["医生十分钟后回来"]);
    stage.clock.advance(Duration::from_secs(1));
    let (three, third) = stage.patient_waiting(3, nothing()).await;
    assert!(texts_of(&stage, &three, &third).await.is_empty(), "what was said before one came is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_sent_again_is_the_same_notice() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, nothing()).await;
    let path = clinic_path(&stage, &nurse, 0).await;
    for _ in 0..2 {
        stage.send(Method::POST, &path, &nurse, Some(json!({ "text": "请稍等" })), Some("tell-1")).await.ok();
    }
    assert_eq!(texts_of(&stage, &patient, &ticket).await, ["请稍等"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_notice_is_refused_by_its_field_and_strangers_tell_nobody() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, nothing()).await;
    let path = clinic_path(&stage, &nurse, 0).await;
    for text in ["", "  ", "a\0b", "a\nb", &"字".repeat(201)] {
        let refused = stage.post(&path, &nurse, json!({ "text": text })).await;
        let said = (refused.refusal(), &refused.body["field"]);
        assert_eq!(said, ((422, "request.invalid"), &json!("text")), "{text:?}");
    }
    let elsewhere = clinic_path(&stage, &nurse, 1).await;
    let refused = stage.post(&elsewhere, &nurse, json!({ "text": "您好", "ticket": ticket["id"] })).await;
    assert_eq!(refused.body["field"], "ticket");
    for token in [patient.clone(), stage.staff("pharmacist").await] {
        assert_eq!(stage.post(&path, &token, json!({ "text": "您好" })).await.refusal(), (403, "auth.forbidden"));
    }
    let id = ticket["id"].as_str().unwrap();
    stage.post(&format!("/tickets/{id}/leave"), &patient, json!({ "version": ticket["version"] })).await.ok();
    let refused = stage.post(&path, &nurse, json!({ "text": "您好", "ticket": id })).await;
    assert_eq!(refused.refusal(), (409, "ticket.state"));
}
