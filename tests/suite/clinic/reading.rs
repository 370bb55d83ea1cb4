//! Who may read a record, who did, and why.

use reqwest::Method;
use serde_json::{Value, json};

use super::audits::entries;
use super::stage::{Stage, Visit};

/// A visit that has ended with a signed note.
async fn ended(stage: &Stage) -> Visit {
    let visit = stage.visit().await;
    let body = json!({ "version": 0, "content": { "diagnosis": "感冒", "advice": "多饮水" } });
    stage.send(Method::PUT, &format!("/visits/{}/note", visit.id), &visit.doctor, Some(body), None).await.ok();
    stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, json!({ "version": 1 })).await.ok();
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    visit
}

async fn purposes(stage: &Stage, action: &str) -> Vec<Option<String>> {
    entries(stage, action).await.into_iter().map(|(_, _, purpose)| purpose).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn treating_needs_no_question_and_is_written_down_with_its_purpose() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let read = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await.ok();
    assert_eq!(read["access"], "treating");
    assert_eq!(purposes(&stage, "visit.read").await, [Some("treating".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_outside_of_treatment_needs_a_purpose_and_rings() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    let path = format!("/visits/{}", visit.id);
    // Its own doctor says why.
    let refused = stage.get(&path, &visit.doctor).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((403, "record.purpose_missing"), &json!("purpose")));
    let again = stage.get(&format!("{path}?purpose=continuity"), &visit.doctor).await.ok();
    assert_eq!(again["access"], "continuity");
    // A colleague who never saw the patient cannot claim to go on with a treatment, and breaks the glass in words.
    let other = stage.staff("doctor2").await;
    for query in ["", "?purpose=continuity", "?purpose=break_glass", "?purpose=break_glass&reason=%20x%20"] {
        let refused = stage.get(&format!("{path}{query}"), &other).await;
        assert_eq!(refused.refusal(), (403, "record.purpose_missing"), "{query}");
    }
    assert!(entries(&stage, "visit.break_glass").await.is_empty(), "a refusal is no read");
    let admin = stage.staff("admin").await;
    assert_eq!(stage.get("/access-reviews", &admin).await.ok(), json!([]));
    let words = "%E6%80%A5%E4%BC%9A%E8%AF%8A%E9%9C%80%E8%A6%81";
    let read = stage.get(&format!("{path}?purpose=break_glass&reason={words}"), &other).await.ok();
    assert_eq!(read["access"], "break_glass");
    assert_eq!(purposes(&stage, "visit.break_glass").await, [Some("break_glass".to_owned())]);
    // It rings at once …
    let told = rung(&stage, &admin).await;
    assert_eq!((told.len(), &told[0]["visit"]), (1, &json!(visit.id)));
    // … and somebody else judges it, once.
    let reviews = stage.get("/access-reviews", &admin).await.ok();
    assert_eq!(reviews[0]["reason"], "急会诊需要");
    let judge = format!("/access-reviews/{}", reviews[0]["id"].as_str().unwrap());
    let verdict = json!({ "verdict": "justified" });
    assert_eq!(stage.post(&judge, &other, verdict.clone()).await.status, 403);
    assert_eq!(stage.post(&judge, &admin, verdict.clone()).await.ok(), json!([]));
    assert_eq!(stage.post(&judge, &admin, verdict).await.refusal(), (409, "version.conflict"));
}

/// The broken glasses that were told to the institution's alarms.
async fn rung(stage: &Stage, admin: &str) -> Vec<Value> {
    let me = stage.get("/auth/me", admin).await.ok();
    let institution = me["institution"].as_str().unwrap();
    let events = stage.server.services.events_since(&format!("alarms:{institution}"), 0, 50).await.unwrap();
    events.into_iter().filter(|e| e.kind == "record.break_glass").map(|e| Value::Object(e.data)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_the_administrator_and_the_patient_see_who_read() {
    let stage = Stage::open().await;
    let visit = ended(&stage).await;
    stage.get(&format!("/visits/{}?purpose=continuity", visit.id), &visit.doctor).await.ok();
    stage.get("/me/visits", &visit.patient).await.ok();
    let path = format!("/visits/{}/readers", visit.id);
    let admin = stage.staff("admin").await;
    for who in [&visit.doctor, &admin] {
        let readers = stage.get(&path, who).await.ok();
        assert_eq!(readers[0]["is_own"], true);
        assert_eq!(readers[1]["purpose"], "continuity");
        assert!(!readers[1]["name"]["zh"].as_str().unwrap().is_empty());
    }
    let mine = stage.get(&format!("/me{path}"), &visit.patient).await.ok();
    assert_eq!(mine.as_array().unwrap().len(), 2);
    let (stranger, _) = stage.known_patient(7).await;
    assert_eq!(stage.get(&format!("/me{path}"), &stranger).await.refusal(), (404, "request.not_found"));
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.get(&path, &other).await.refusal(), (404, "request.not_found"));
}
