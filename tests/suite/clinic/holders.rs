//! One patient, two who answer: what the one says is not held against the other.

use serde_json::{Value, json};

use super::stage::{Stage, nothing};

/// Too breathless for a sentence: an EMERGENCY.
fn grave() -> Value {
    json!({ "sx.dysp": "sentence" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_holders_emergency_is_not_hung_on_the_first_ones_ticket() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (own, patient) = stage.known_patient(1).await;
    stage.consent(&own, &patient, true).await;
    let declaration = stage.declare(&own, &patient, nothing()).await;
    // Somebody else with another telephone says to answer for the same person, and declares the worst.
    let stranger = stage.holder(2).await;
    let same = stage.patient(&stranger, 1, "child").await;
    stage.consent(&stranger, &same, true).await;
    let declared = stage.declare(&stranger, &same, grave()).await;
    assert_eq!(declared["result"]["level"], "EMERGENCY", "{declared}");
    let alarms = stage.get("/alarms", &nurse).await.ok();
    assert_eq!(alarms.as_array().unwrap().len(), 1);

    let ticket = stage.post("/tickets", &own, json!({ "declaration": declaration["id"] })).await.ok();
    assert_eq!(ticket["phase"], "waiting", "the own declaration is the newest of its own holder");
    assert_eq!(ticket["nurse_call"], json!(null), "no line that the holder cannot enter");
    let alarms = stage.get("/alarms", &nurse).await.ok();
    assert_eq!((&alarms[0]["ticket"], alarms.as_array().unwrap().len()), (&json!(null), 1), "the alarm still rings");
}
