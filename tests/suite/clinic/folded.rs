//! A flood of calls for help from one network: whoever is on the line is heard before whoever has gone.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::domain::alarm::{FOLDED, RINGING};
use yunzhen::protocol::intake::RedFlagsRequest;

use super::live::Socket;
use super::stage::{LINK, Stage};

/// Somebody of one network says yes to a question of the first page: the alarm, and their token.
async fn cry(stage: &Stage, flag: &str) -> (String, String) {
    // One after the other: ids of one moment have no order.
    stage.pass(Duration::from_millis(1)).await;
    let request: RedFlagsRequest = serde_json::from_value(json!({ "link": LINK, "yes": [flag] })).unwrap();
    let answer = stage.server.services.red_flags(request, "203.0.113.9").await.unwrap();
    let line = serde_json::to_value(answer.line.unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&line["alarm"]), text(&line["tokens"]["access_token"]))
}

async fn flag(stage: &Stage) -> String {
    stage.get(&format!("/links/{LINK}"), "").await.ok()["red_flags"][0]["id"].as_str().unwrap().to_owned()
}

async fn ringing(stage: &Stage, nurse: &str) -> HashSet<String> {
    let alarms = stage.get("/alarms", nurse).await.ok();
    alarms.as_array().unwrap().iter().map(|alarm| alarm["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_the_line_rings_before_those_of_the_same_network_who_have_gone() {
    let stage = Stage::open().await;
    let (nurse, flag) = (stage.staff("nurse").await, flag(&stage).await);
    let (first, _) = cry(&stage, &flag).await;
    for _ in 1..RINGING + 5 {
        cry(&stage, &flag).await;
    }
    let (living, token) = cry(&stage, &flag).await;
    let (_socket, _) = Socket::hello(&stage, &token, None).await;
    assert!(!ringing(&stage, &nurse).await.contains(&living), "it waits folded");
    stage.act(&format!("/alarms/{first}/take"), &nurse).await.ok();
    stage.server.services.sweep().await.unwrap();
    assert!(ringing(&stage, &nurse).await.contains(&living));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_cries_without_end_fills_no_table_and_ends_nobody_who_is_on_the_line() {
    let stage = Stage::open().await;
    let (nurse, flag) = (stage.staff("nurse").await, flag(&stage).await);
    for _ in 0..RINGING {
        cry(&stage, &flag).await;
    }
    let (living, token) = cry(&stage, &flag).await;
    let (_socket, _) = Socket::hello(&stage, &token, None).await;
    let (gone, _) = cry(&stage, &flag).await;
    for _ in 0..FOLDED {
        cry(&stage, &flag).await;
    }
    let alarms = stage.get("/alarms", &nurse).await.ok();
    let behind: u64 = alarms.as_array().unwrap().iter().filter_map(|alarm| alarm["behind"].as_u64()).sum();
    assert_eq!(behind, u64::try_from(FOLDED).unwrap(), "{alarms}");
    let take = async |alarm: &str| stage.act(&format!("/alarms/{alarm}/take"), &nurse).await;
    assert_eq!(take(&gone).await.refusal().0, 409, "nobody is there any more");
    take(&living).await.ok();
}
