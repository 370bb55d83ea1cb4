//! How many numbers one telephone draws, whomever they are for.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{Stage, nothing};

/// The `n`th person draws a number by this telephone.
async fn draw(stage: &Stage, phone: &str, n: u32, stated: Value) -> super::stage::Answer {
    let patient = stage.patient(phone, n, "carer").await;
    stage.consent(phone, &patient, false).await;
    let declared = stage.declare(phone, &patient, stated).await;
    // Nobody draws as fast as a test.
    stage.pass(Duration::from_secs(30)).await;
    stage.post("/tickets", phone, json!({ "declaration": declared["id"] })).await
}

async fn leave(stage: &Stage, phone: &str, ticket: &Value) {
    let path = format!("/tickets/{}/leave", ticket["id"].as_str().unwrap());
    stage.post(&path, phone, json!({ "version": ticket["version"] })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_telephone_has_four_live_numbers_in_a_clinic_and_an_emergency_is_not_refused() {
    let stage = Stage::open().await;
    let phone = stage.holder(1).await;
    let mut first = Value::Null;
    for n in 1..=4 {
        let ticket = draw(&stage, &phone, n, nothing()).await.ok();
        first = if n == 1 { ticket } else { first };
    }
    assert_eq!(draw(&stage, &phone, 5, nothing()).await.refusal(), (409, "ticket.too_many"));
    let grave = draw(&stage, &phone, 6, json!({ "sx.dysp": "sentence" })).await.ok();
    assert_eq!(grave["phase"], "emergency");
    leave(&stage, &phone, &first).await;
    leave(&stage, &phone, &grave).await;
    draw(&stage, &phone, 5, nothing()).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_telephone_draws_six_numbers_an_hour_and_nobody_elses_receipt_suffers() {
    let stage = Stage::open().await;
    let phone = stage.holder(1).await;
    for n in 1..=6 {
        let ticket = draw(&stage, &phone, n, nothing()).await.ok();
        leave(&stage, &phone, &ticket).await;
    }
    let refused = draw(&stage, &phone, 1, nothing()).await;
    assert_eq!(refused.refusal(), (429, "request.rate_limited"));
    let wait = refused.body["retry_after"].as_u64().unwrap();
    assert!((3300..3600).contains(&wait), "{wait}");
    let (other, ticket) = stage.patient_waiting(20, nothing()).await;
    let receipt = stage.get(&format!("/tickets/{}/receipt", ticket["id"].as_str().unwrap()), &other).await.ok();
    assert_eq!((&receipt["complete"], &receipt["until"]), (&json!(true), &receipt["as_of"]));
    assert_eq!(receipt["no"], 7);
    stage.clock.advance(Duration::from_secs(wait));
    let again = stage.holder(1).await;
    draw(&stage, &again, 1, nothing()).await.ok();
}
