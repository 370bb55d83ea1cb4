//! A doctor who is away: what was booked with them tells the truth, and is held against nobody.

use std::time::Duration;

use serde_json::{Value, json};

use super::booking::{HALF_HOUR, TCM, act, book, booked, check_in, now, open, single};
use super::stage::Stage;

/// The administrator says that the doctor of a slot is away for the rest of a day.
async fn away(stage: &Stage, slot: &Value, day: &Value) {
    let admin = stage.staff("admin").await;
    let rosters = stage.get("/rosters", &admin).await.ok();
    let roster = rosters.as_array().unwrap().iter().find(|one| one["doctor"] == slot["doctor"]).unwrap().clone();
    let off = json!({ "day": day, "kind": "off", "from": "00:00", "to": "24:00" });
    let path = format!("/rosters/{}/exceptions", roster["id"].as_str().unwrap());
    stage.post(&path, &admin, off).await.ok();
}

/// The same of today.
async fn away_today(stage: &Stage, slot: &Value) {
    let today = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["days"][0]["day"].clone();
    away(stage, slot, &today).await;
}

/// Answers of somebody who may wait for the doctor that was booked; who is URGENT is called by whoever is free anyway.
fn well() -> Value {
    json!({ "sx.intake": "normal" })
}

/// The kinds of all texts that were sent. The server ends: it waits for what is still on its way.
async fn kinds(stage: Stage) -> Vec<String> {
    stage.server.stop().await;
    let outbox = std::fs::read_to_string(stage.folder.path().join("outbox.jsonl")).unwrap_or_default();
    let messages = outbox.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let kinds = messages.map(|message| message["kind"].as_str().unwrap().to_owned());
    kinds.filter(|kind| kind != "code").collect()
}

/// How often a booked patient is said to have missed an appointment, as the nurse reads it.
async fn missed(stage: &Stage, appointment: &Value) -> Value {
    let nurse = stage.staff("nurse").await;
    let day = stage.get(&format!("/clinics/{}/appointments", appointment["clinic"].as_str().unwrap()), &nurse).await;
    let rows = day.ok()["appointments"].clone();
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == appointment["id"]).unwrap().clone();
    json!([row["state"], row["missed"]])
}

/// Another doctor at the desk of the booked clinic: token and desk.
async fn colleague(stage: &Stage) -> (String, String) {
    let token = stage.staff("doctor2").await;
    let clinics = stage.get("/clinics", &token).await.ok();
    let desk = clinics[1]["desks"][0]["id"].as_str().unwrap().to_owned();
    stage.act(&format!("/desks/{desk}/open"), &token).await.ok();
    (token, desk)
}

async fn findings(stage: &Stage, appointment: &Value) -> Value {
    let admin = stage.staff("admin").await;
    let path = format!("/clinics/{}/queue-days/2023-11-15", appointment["clinic"].as_str().unwrap());
    stage.get(&path, &admin).await.ok()["findings"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reminded_of_a_slot_whose_doctor_is_away() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let slot = single(&stage, 5).await;
    book(&stage, &token, &patient, &slot).await;
    away_today(&stage, &slot).await;
    for _ in 0..16 {
        stage.clock.advance(Duration::from_mins(10));
        stage.server.services.run_jobs().await.unwrap();
    }
    assert_eq!(kinds(stage).await, ["slot_off"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_checks_in_to_a_slot_whose_doctor_is_away_is_called_by_whoever_is_free() {
    let stage = open().await;
    let (token, patient, appointment) = booked(&stage, 1).await;
    away_today(&stage, &single(&stage, 0).await).await;
    assert_eq!(now(&stage, &token, &appointment).await["is_off"], true);
    let declaration = stage.declare_at(TCM, &token, &patient, well()).await;
    let ticket = check_in(&stage, &token, &appointment, &declaration).await.ok();
    assert_ne!(ticket["level"], "URGENT");
    let (doctor, desk) = colleague(&stage).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    assert_eq!(view["current"]["ticket"], ticket["id"]);
    assert_eq!(findings(&stage, &appointment).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_here_when_the_doctor_is_called_away_waits_for_that_doctor_no_longer() {
    let stage = open().await;
    let (token, patient, appointment) = booked(&stage, 1).await;
    let declaration = stage.declare_at(TCM, &token, &patient, well()).await;
    let ticket = check_in(&stage, &token, &appointment, &declaration).await.ok();
    assert_ne!(ticket["level"], "URGENT");
    let (doctor, desk) = colleague(&stage).await;
    let next = format!("/desks/{desk}/call-next");
    assert_eq!(stage.act(&next, &doctor).await.refusal(), (409, "queue.empty"), "it waits for the doctor it booked");
    away_today(&stage, &single(&stage, 1).await).await;
    let view = stage.act(&next, &doctor).await.ok();
    assert_eq!(view["current"]["ticket"], ticket["id"]);
    assert_eq!(findings(&stage, &appointment).await, json!([]), "and the day says why");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_missed_an_appointment_whose_doctor_was_away() {
    let stage = open().await;
    let (_, _, stayed_away) = booked(&stage, 1).await;
    away_today(&stage, &single(&stage, 0).await).await;
    stage.clock.advance(HALF_HOUR * 3);
    stage.server.services.run_jobs().await.unwrap();
    assert_eq!(missed(&stage, &stayed_away).await, json!(["cancelled", 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_and_went_again_because_the_doctor_was_away_has_missed_nothing() {
    let stage = open().await;
    let (token, patient, appointment) = booked(&stage, 1).await;
    let declaration = stage.declare_at(TCM, &token, &patient, well()).await;
    let ticket = check_in(&stage, &token, &appointment, &declaration).await.ok();
    away_today(&stage, &single(&stage, 1).await).await;
    let leave = format!("/tickets/{}/leave", ticket["id"].as_str().unwrap());
    stage.post(&leave, &token, json!({ "version": ticket["version"] })).await.ok();
    stage.server.services.run_jobs().await.unwrap();
    assert_eq!(missed(&stage, &appointment).await, json!(["cancelled", 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_whose_kept_place_goes_with_its_doctor_waits_on_where_it_stood_and_is_told() {
    let stage = open().await;
    let days = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["days"].clone();
    let slots_of = async |day: &Value| {
        let view = stage.get(&format!("/slots?link={TCM}&day={}", day.as_str().unwrap()), "").await.ok();
        let slots = view["slots"].as_array().unwrap().iter();
        slots.filter(|slot| slot["doctor_name"]["en"] == "Demo Doctor A").cloned().collect::<Vec<_>>()
    };
    let (first, second) = (slots_of(&days[1]["day"]).await, slots_of(&days[2]["day"]).await);
    let mut waiting = Vec::new();
    for n in [1, 2] {
        let (token, patient) = stage.known_patient(n).await;
        let wish = json!({
            "link": TCM, "patient": patient, "first_day": days[1]["day"], "last_day": days[2]["day"]
        });
        stage.post("/wishes", &token, wish).await.ok();
        stage.clock.advance(Duration::from_millis(1));
        waiting.push((token, patient));
    }
    let (giver, theirs) = stage.known_patient(3).await;
    let given = book(&stage, &giver, &theirs, &first[20]).await;
    act(&stage, "cancel", &giver, &given).await.ok();
    let standing = async |token: &str| stage.get("/wishes", token).await.ok()[0].clone();
    assert_eq!(standing(&waiting[0].0).await["state"], "offered");
    stage.server.services.run_jobs().await.unwrap();
    away(&stage, &first[20], &days[1]["day"]).await;
    let wish = standing(&waiting[0].0).await;
    assert_eq!((&wish["state"], &wish["offered"]), (&json!("waiting"), &Value::Null));
    stage.clock.advance(HALF_HOUR * 2);
    stage.server.services.run_jobs().await.unwrap();
    let (one, two, giver) = (stage.holder(1).await, stage.holder(2).await, stage.holder(3).await);
    assert_eq!(standing(&one).await["state"], "waiting", "the end of that offer is not the end of the wish");
    // It stands where it stood: the next place is offered to it, and not to who came after.
    let given = book(&stage, &giver, &theirs, &second[20]).await;
    act(&stage, "cancel", &giver, &given).await.ok();
    assert_eq!(standing(&one).await["state"], "offered");
    assert_eq!(standing(&two).await["state"], "waiting");
    let topic = format!("wish:{}", wish["id"].as_str().unwrap());
    let told = stage.server.services.events_since(&topic, 0, 50).await.unwrap();
    let told: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(told, ["wish.made", "wish.offered", "wish.waiting", "wish.offered"]);
    let texts = kinds(stage).await;
    assert_eq!(texts.iter().filter(|kind| *kind == "offer_off").count(), 1, "{texts:?}");
}
