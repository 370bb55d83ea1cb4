//! The estimate as patients read it: it follows the queue and the desks, and is unknown where it would be a guess.

use serde_json::{Value, json};

use super::stage::Stage;

async fn estimate(stage: &Stage, (patient, ticket): &(String, Value)) -> Value {
    stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), patient).await.ok()["estimate"].clone()
}

fn high(estimate: &Value) -> u64 {
    assert_eq!(estimate["kind"], "range", "{estimate}");
    let (low, high) = (estimate["low_min"].as_u64().unwrap(), estimate["high_min"].as_u64().unwrap());
    assert!(low <= high, "{estimate}");
    high
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_further_back_is_told_more_and_another_desk_shortens_it() {
    let stage = Stage::open().await;
    let mut waiting = Vec::new();
    for n in 1..=5 {
        waiting.push(stage.patient_waiting(n, json!({ "sx.fever": true, "sx.temp": 38.2 })).await);
    }
    let last = waiting.last().unwrap();
    assert_eq!(estimate(&stage, last).await, json!({ "kind": "unknown" }), "no desk is open");
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let first = high(&estimate(&stage, &waiting[0]).await);
    let alone = high(&estimate(&stage, last).await);
    assert!(first < alone, "{first} and {alone} minutes");
    let (doctor2, desk2) = stage.doctor_at_desk("doctor2", 1).await;
    let both = high(&estimate(&stage, last).await);
    assert!(both < alone, "{both} minutes with two desks, {alone} with one");
    stage.post(&format!("/desks/{desk2}/pause"), &doctor2, json!({})).await.ok();
    assert_eq!(high(&estimate(&stage, last).await), alone, "a paused desk calls nobody");
    stage.act(&format!("/desks/{desk}/close"), &doctor).await.ok();
    assert_eq!(estimate(&stage, last).await, json!({ "kind": "unknown" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_desks_fall_silent_no_figure_is_shown() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    let second = stage.patient_waiting(2, json!({ "sx.fever": true })).await;
    stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    high(&estimate(&stage, &second).await);
    stage.clock.advance(std::time::Duration::from_mins(16));
    // The patient's token ended meanwhile; the page fetches another.
    let again = stage.holder(2).await;
    assert_eq!(estimate(&stage, &(again, second.1)).await, json!({ "kind": "unknown" }));
}
