//! How often whoever is signed in may ask.

use axum::http::header;
use serde_json::json;

use crate::support::app::{Answer, TestApp};

const PHONE: &str = "13800000077";

/// How many of `count` requests were answered, and what the last of them heard.
fn passed(answers: Vec<Answer>) -> (usize, Answer) {
    let passed = answers.iter().filter(|answer| answer.status.is_success()).count();
    (passed, answers.into_iter().next_back().unwrap())
}

#[tokio::test]
async fn one_telephone_reads_sixty_things_at_once_and_then_four_a_second_and_nobody_else_waits_for_it() {
    let mut app = TestApp::start().await;
    app.is_paced = true;
    let (phone, other) = (app.holder(PHONE).await, app.holder("13800000078").await);
    let mut answers = Vec::new();
    for _ in 0..70 {
        answers.push(phone.get("/patients").await);
    }
    let (reads, last) = passed(answers);
    assert_eq!(reads, 60);
    assert_eq!(last.headers[header::RETRY_AFTER], "1");
    assert_eq!(last.refused("request.rate_limited")["retry_after"], 1);
    other.get("/patients").await.ok();
    app.pass(1);
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(phone.get("/patients").await);
    }
    assert_eq!(passed(answers).0, 4);
}

#[tokio::test]
async fn what_a_telephone_does_is_counted_apart_and_in_all_its_browsers_together() {
    let mut app = TestApp::start().await;
    app.is_paced = true;
    let phone = app.holder(PHONE).await;
    app.pass(60);
    let again = app.holder(PHONE).await;
    let mut answers = Vec::new();
    for n in 0..65 {
        let browser = if n % 2 == 0 { &phone } else { &again };
        answers.push(browser.post("/patients", &json!({})).await);
    }
    let heard = answers.iter().filter(|answer| answer.status == 422 || answer.status == 400).count();
    assert_eq!(heard, 60);
    answers.pop().unwrap().refused("request.rate_limited");
    phone.get("/patients").await.ok();
}

#[tokio::test]
async fn a_desk_has_a_wider_pace_and_whoever_signed_out_spends_nothing_of_it() {
    let mut app = TestApp::start().await;
    app.is_paced = true;
    let (gone, doctor) = (app.staff("doctor").await, app.staff("doctor").await);
    gone.post("/auth/logout", &json!({})).await.ok();
    for _ in 0..130 {
        gone.get("/auth/me").await.refused("auth.required");
    }
    let mut answers = Vec::new();
    for _ in 0..130 {
        answers.push(doctor.get("/auth/me").await);
    }
    let (reads, last) = passed(answers);
    assert_eq!(reads, 120);
    last.refused("request.rate_limited");
}
