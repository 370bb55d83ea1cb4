//! What a booked patient is reminded of: the calendar's link, and the texts.

use std::time::Duration;

use serde_json::{Value, json};

use super::booking::{HALF_HOUR, TCM, act, book, booked, open, single, texts};
use super::stage::{Stage, nothing};

/// What a calendar without a sign-in gets at this address.
async fn fetched(stage: &Stage, url: &str) -> (u16, String) {
    let (_, path) = url.split_once("/api/").unwrap();
    let answer = reqwest::get(format!("http://{}/api/{path}", stage.server.http_addr)).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_follows_an_appointment_by_a_link_that_says_no_more_than_when_and_where() {
    let stage = open().await;
    let (token, _, appointment) = booked(&stage, 1).await;
    let path = format!("/appointments/{}/calendar-link", appointment["id"].as_str().unwrap());
    let link = stage.get(&path, &token).await.ok();
    let url = link["url"].as_str().unwrap();
    assert_eq!(link["webcal"].as_str().unwrap(), url.replacen("http", "webcal", 1));
    let (status, text) = fetched(&stage, url).await;
    let text = text.replace("\r\n ", "");
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("SUMMARY:预约：演示省中医院\r\n") && text.contains("REFRESH-INTERVAL"), "{text}");
    for secret in ["测试患者", "中医内科", "演示医师", "URL:", TCM, "138000"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    // It goes along when the appointment is moved.
    let to = single(&stage, 3).await;
    let moved = json!({ "slot": to["id"], "version": appointment["version"] });
    let moved = stage.post(&path.replace("calendar-link", "move"), &token, moved).await.ok();
    let after = fetched(&stage, url).await.1;
    assert!(after.contains("SEQUENCE:2") && after.replace("\r\n ", "") != text, "{after}");
    // Nobody makes such a link from another's, and nobody else is told it.
    let (head, tail) = url.split_at(url.len() - 1);
    let other = format!("{head}{}", if tail == "A" { "E" } else { "A" });
    assert_eq!(fetched(&stage, &other).await.0, 404);
    assert_eq!(fetched(&stage, &format!("{head}%00")).await.0, 422);
    let stranger = stage.holder(2).await;
    assert_eq!(stage.get(&path, &stranger).await.status, 404);
    act(&stage, "cancel", &token, &moved).await.ok();
    assert_eq!(fetched(&stage, url).await.0, 404, "given back, it is revoked");
    assert_eq!(stage.get(&path, &token).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_link_is_dead_once_the_appointment_is_over() {
    let stage = open().await;
    let (token, _, appointment) = booked(&stage, 1).await;
    let path = format!("/appointments/{}/calendar-link", appointment["id"].as_str().unwrap());
    let url = stage.get(&path, &token).await.ok()["url"].as_str().unwrap().to_owned();
    stage.clock.advance(HALF_HOUR * 2);
    assert_eq!(fetched(&stage, &url).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn reminders_go_out_once_each_and_not_after_a_cancellation() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let tomorrow = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["days"][2]["day"].clone();
    let path = format!("/slots?link={TCM}&day={}", tomorrow.as_str().unwrap());
    let later = stage.get(&path, "").await.ok()["slots"].clone();
    let (kept, given) = (later[10].clone(), later[20].clone());
    let zone = json!({ "slot": kept["id"], "patient": patient, "zone": "Europe/Vienna" });
    stage.post("/appointments", &token, zone).await.ok();
    let second = book(&stage, &token, &patient, &given).await;
    act(&stage, "cancel", &token, &second).await.ok();
    for _ in 0..300 {
        stage.clock.advance(Duration::from_mins(15));
        stage.server.services.run_jobs().await.unwrap();
    }
    let starts_at = kept["starts_at"].clone();
    let sent = {
        stage.server.stop().await;
        let outbox = std::fs::read_to_string(stage.folder.path().join("outbox.jsonl")).unwrap();
        let messages: Vec<Value> = outbox.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds = ["remind_day", "remind_hour", "remind_ten_minutes"];
        kinds.map(|kind| messages.iter().filter(|m| m["kind"] == kind).cloned().collect::<Vec<_>>())
    };
    assert_eq!(sent.each_ref().map(Vec::len), [1, 1, 1], "{starts_at}: {sent:?}");
    let text = sent[0][0]["text"].as_str().unwrap();
    assert!(text.contains("(Asia/Shanghai)") && text.contains("(Europe/Vienna)"), "both walls: {text}");
    assert!(!text.contains("测试患者") && !text.contains("中医"), "no name, no clinic: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_near_the_turn_is_told_once() {
    let stage = open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    for n in 1..=6 {
        stage.patient_waiting(n, nothing()).await;
    }
    for _ in 0..2 {
        let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        let version = json!({ "version": view["current"]["version"] });
        stage.server.services.run_jobs().await.unwrap();
        stage.post(&format!("/desks/{desk}/cancel-call"), &doctor, version).await.ok();
    }
    assert_eq!(texts(stage, "near_turn").await.len(), 3, "the second to the fourth");
}
