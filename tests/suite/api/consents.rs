//! `/consents` and `/patients/{id}/consents`.

use serde_json::{Value, json};

use super::patients::grandmother;
use crate::support::app::TestApp;

#[tokio::test]
async fn three_texts_are_in_force_and_one_of_them_may_be_refused() {
    let app = TestApp::start().await;
    let texts = app.holder("13800000001").await.get("/consents").await.ok();
    let of = |text: &Value| (text["kind"].as_str().unwrap().to_owned(), text["required"].as_bool().unwrap());
    let kinds: Vec<_> = texts.as_array().unwrap().iter().map(of).collect();
    let wanted = [("treatment", true), ("sensitive_data", true), ("process_record", false)];
    assert_eq!(kinds, wanted.map(|(kind, required)| (kind.to_owned(), required)));
    app.browser().get("/consents").await.refused("auth.required");
}

#[tokio::test]
async fn each_decision_is_kept_with_its_words_and_its_time() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let patient = holder.post("/patients", &grandmother()).await.ok()["id"].as_str().unwrap().to_owned();
    let path = format!("/patients/{patient}/consents");
    let decide = |granted| json!({ "kind": "process_record", "version": "process-record-1", "granted": granted });
    let yes = holder.post(&path, &decide(true)).await.ok();
    app.pass(60);
    let no = holder.post(&path, &decide(false)).await.ok();
    assert_eq!(no["at"].as_i64().unwrap() - yes["at"].as_i64().unwrap(), 60_000);
    assert_eq!(holder.get(&path).await.ok(), json!([yes, no]));
}

#[tokio::test]
async fn what_is_in_force_is_not_decided_again_and_what_is_not_is() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let patient = holder.post("/patients", &grandmother()).await.ok()["id"].as_str().unwrap().to_owned();
    let path = format!("/patients/{patient}/consents");
    let decide =
        |kind, granted| json!({ "kind": kind, "version": format!("{kind}-1").replace('_', "-"), "granted": granted });
    let yes = holder.post(&path, &decide("process_record", true)).await.ok();
    app.pass(1);
    let other = holder.post(&path, &decide("treatment", true)).await.ok();
    app.pass(60);
    for _ in 0..3 {
        assert_eq!(holder.post(&path, &decide("process_record", true)).await.ok(), yes, "the row that stands");
    }
    let no = holder.post(&path, &decide("process_record", false)).await.ok();
    assert_eq!(holder.post(&path, &decide("process_record", false)).await.ok(), no);
    app.pass(60);
    let again = holder.post(&path, &decide("process_record", true)).await.ok();
    assert_ne!(again, yes, "who said no in between agrees anew");
    assert_eq!(holder.get(&path).await.ok(), json!([yes, other, no, again]));
}

#[tokio::test]
async fn nobody_agrees_to_words_that_they_have_not_seen() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let patient = holder.post("/patients", &grandmother()).await.ok()["id"].as_str().unwrap().to_owned();
    let path = format!("/patients/{patient}/consents");
    let older = json!({ "kind": "treatment", "version": "treatment-0", "granted": true });
    holder.post(&path, &older).await.refused_field("consent.outdated", "version");
    let other = json!({ "kind": "organ_donation", "version": "1", "granted": true });
    holder.post(&path, &other).await.refused_field("request.malformed", "kind");
}

#[tokio::test]
async fn another_holders_patient_is_not_there() {
    let app = TestApp::start().await;
    let (one, other) = (app.holder("13800000001").await, app.holder("13800000002").await);
    let patient = one.post("/patients", &grandmother()).await.ok()["id"].as_str().unwrap().to_owned();
    let decision = json!({ "kind": "treatment", "version": "treatment-1", "granted": true });
    for id in [patient.as_str(), "00000000-0000-0000-0000-000000000000", "x", "..%2f"] {
        let path = format!("/patients/{id}/consents");
        other.get(&path).await.refused("request.not_found");
        other.post(&path, &decision).await.refused("request.not_found");
    }
    assert_eq!(one.get(&format!("/patients/{patient}/consents")).await.ok(), json!([]));
}
