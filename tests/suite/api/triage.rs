//! `/triage/assess`.

use serde_json::{Value, json};

use crate::support::app::TestApp;

#[tokio::test]
async fn facts_become_a_level_with_every_matched_rule() {
    let app = TestApp::start().await;
    let doctor = app.staff("doctor").await;
    let assess = async |facts: Value| doctor.post("/triage/assess", &json!({ "facts": facts })).await.ok();
    let severe = assess(json!({ "age_m": 480, "sex": "F", "fever": true, "temp": 39.2, "dysp": "rest" })).await;
    assert_eq!(severe["level"], "EMERGENCY");
    assert!(!severe["matched"].as_array().unwrap().is_empty());
    assert_eq!(severe["ruleset"]["status"], "draft");
    assert!(severe["ruleset"]["version"].is_string() && severe["nurse_call"].is_boolean());
    assert!(severe["disposition"].is_string());
    let keys: Vec<_> = severe.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["disposition", "level", "matched", "nurse_call", "ruleset"]);
    // Nothing known is an answer, too.
    assert!(assess(json!({})).await["level"].is_string());
    assert_eq!(assess(json!({ "temp": null })).await, assess(json!({})).await);
}

#[tokio::test]
async fn an_unknown_or_mistyped_fact_is_refused_by_name() {
    let app = TestApp::start().await;
    let nurse = app.staff("nurse").await;
    let wrong = [
        ("tempp", json!(38)),
        ("temp", json!("38")),
        ("temp", json!(380)),
        ("cough", json!("wet")),
        ("chest", json!(1)),
    ];
    for (name, value) in wrong {
        let body = json!({ "facts": { "fever": true, name: value } });
        nurse.post("/triage/assess", &body).await.refused_field("triage.fact_invalid", name);
    }
    nurse.post("/triage/assess", &json!({ "facts": [] })).await.refused_field("request.malformed", "facts");
    nurse.post("/triage/assess", &json!({})).await.refused_field("request.malformed", "facts");
    let extra = json!({ "facts": {}, "rules": {} });
    nurse.post("/triage/assess", &extra).await.refused_field("request.unknown_field", "rules");
}

#[tokio::test]
async fn the_rules_are_for_staff() {
    let app = TestApp::start().await;
    let body = json!({ "facts": {} });
    app.browser().post("/triage/assess", &body).await.refused("auth.required");
    app.holder("13800000001").await.post("/triage/assess", &body).await.refused("auth.forbidden");
    app.staff("pharmacist").await.post("/triage/assess", &body).await.ok();
}
