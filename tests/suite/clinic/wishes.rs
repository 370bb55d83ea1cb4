//! The waiting list, and patients who have as many appointments to come as one may have.

use std::time::Duration;

use serde_json::{Value, json};

use super::booking::{TCM, act, book, open};
use super::stage::{Answer, Stage};

/// The slots of the doctor who sees one patient at a time, so many days from now.
async fn singles(stage: &Stage, day: usize) -> (String, Vec<Value>) {
    let days = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["days"].clone();
    let day = days[day]["day"].as_str().unwrap().to_owned();
    let view = stage.get(&format!("/slots?link={TCM}&day={day}"), "").await.ok();
    let slots = view["slots"].as_array().unwrap().iter();
    (day, slots.filter(|slot| slot["doctor_name"]["en"] == "Demo Doctor A").cloned().collect())
}

async fn wish(stage: &Stage, token: &str, patient: &str, days: (&str, &str)) -> Answer {
    let body = json!({ "link": TCM, "patient": patient, "first_day": days.0, "last_day": days.1 });
    stage.post("/wishes", token, body).await
}

/// The only wish of a holder: what it is doing, and whether its patient is at the limit.
async fn standing(stage: &Stage, token: &str) -> (Value, Value) {
    let wishes = stage.get("/wishes", token).await.ok();
    assert_eq!(wishes.as_array().unwrap().len(), 1, "{wishes}");
    (wishes[0]["state"].clone(), wishes[0]["at_limit"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_could_take_no_place_on_any_day_of_a_wish_is_refused_and_keeps_the_wish_before() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let ((first, _), (second, _), (third, slots)) =
        (singles(&stage, 1).await, singles(&stage, 2).await, singles(&stage, 3).await);
    let mut booked = Value::Null;
    for slot in [&slots[10], &slots[14], &slots[18]] {
        booked = book(&stage, &token, &patient, slot).await;
    }
    let refused = wish(&stage, &token, &patient, (&first, &second)).await;
    assert_eq!(refused.refusal(), (409, "appointment.too_many"));
    // One that reaches the day of the three may be met after the first of them.
    let kept = wish(&stage, &token, &patient, (&second, &third)).await.ok();
    assert_eq!((&kept["state"], &kept["at_limit"]), (&json!("waiting"), &json!(true)));
    let refused = wish(&stage, &token, &patient, (&first, &second)).await;
    assert_eq!(refused.refusal(), (409, "appointment.too_many"));
    assert_eq!(stage.get("/wishes", &token).await.ok()[0]["id"], kept["id"], "the one before stays");
    act(&stage, "cancel", &token, &booked).await.ok();
    wish(&stage, &token, &patient, (&first, &second)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn places_pass_by_a_wish_at_the_limit_until_an_appointment_is_given_back() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let (day, slots) = singles(&stage, 2).await;
    let mut booked = Value::Null;
    for slot in [&slots[0], &slots[4], &slots[8]] {
        booked = book(&stage, &token, &patient, slot).await;
    }
    wish(&stage, &token, &patient, (&day, &day)).await.ok();
    let (other, second) = stage.known_patient(2).await;
    let given = book(&stage, &other, &second, &slots[20]).await;
    act(&stage, "cancel", &other, &given).await.ok();
    assert_eq!(standing(&stage, &token).await, (json!("waiting"), json!(true)), "it is everybody's");
    act(&stage, "cancel", &token, &booked).await.ok();
    assert_eq!(standing(&stage, &token).await.1, false);
    let given = book(&stage, &other, &second, &slots[20]).await;
    act(&stage, "cancel", &other, &given).await.ok();
    assert_eq!(standing(&stage, &token).await, (json!("offered"), json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_that_was_kept_for_whoever_booked_another_goes_to_the_next() {
    let stage = open().await;
    let (day, slots) = singles(&stage, 2).await;
    let mut waiting = Vec::new();
    for n in [1, 2] {
        let (token, patient) = stage.known_patient(n).await;
        wish(&stage, &token, &patient, (&day, &day)).await.ok();
        stage.clock.advance(Duration::from_millis(1));
        waiting.push((token, patient));
    }
    let (other, third) = stage.known_patient(3).await;
    let given = book(&stage, &other, &third, &slots[20]).await;
    act(&stage, "cancel", &other, &given).await.ok();
    assert_eq!(standing(&stage, &waiting[0].0).await.0, "offered");
    book(&stage, &waiting[0].0, &waiting[0].1, &slots[10]).await;
    stage.server.services.run_jobs().await.unwrap();
    let offered = stage.get("/wishes", &waiting[1].0).await.ok()[0].clone();
    assert_eq!((&offered["state"], &offered["offered"]["id"]), (&json!("offered"), &slots[20]["id"]));
    // It passes once, however often time looks at it.
    stage.server.services.run_jobs().await.unwrap();
    book(&stage, &waiting[1].0, &waiting[1].1, &slots[20]).await;
}
