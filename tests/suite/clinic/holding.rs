//! An emergency never sticks to somebody: doctors take over, takers hand back, silence lets go.

use std::time::Duration;

use serde_json::{Value, json};

use super::live::Socket;
use super::stage::{LINK, Stage};

struct Emergency {
    alarm: String,
    caller: String,
}

async fn red_flag(stage: &Stage) -> Emergency {
    let flags = stage.get(&format!("/links/{LINK}"), "").await.ok();
    let yes = json!({ "link": LINK, "yes": [flags["red_flags"][0]["id"]] });
    let answer = stage.post("/red-flags", "", yes).await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Emergency { alarm: text(&answer["line"]["alarm"]), caller: text(&answer["line"]["tokens"]["access_token"]) }
}

async fn first_alarm(stage: &Stage, token: &str) -> Value {
    stage.get("/alarms", token).await.ok()[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_takes_a_taken_alarm_over_and_the_nurse_may_stay_on_the_line() {
    let stage = Stage::open().await;
    let Emergency { alarm, .. } = red_flag(&stage).await;
    let (nurse, doctor) = (stage.staff("nurse").await, stage.staff("doctor").await);
    let at = |what: &str| format!("/alarms/{alarm}/{what}");
    stage.act(&at("take"), &nurse).await.ok();
    stage.act(&at("grant"), &nurse).await.ok();
    assert_eq!(stage.act(&at("take"), &doctor).await.refusal(), (409, "alarm.taken"));
    assert_eq!(stage.act(&at("take-over"), &nurse).await.refusal(), (403, "auth.forbidden"));
    let view = stage.act(&at("take-over"), &doctor).await.ok();
    assert_eq!(view["mine"], true);
    let seen = first_alarm(&stage, &nurse).await;
    assert_eq!((&seen["mine"], &seen["taken_by"]), (&json!(false), &view["taken_by"]), "the nurse is told who has it");
    stage.act(&at("grant"), &nurse).await.ok();
    stage.act(&at("grant"), &doctor).await.ok();
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.act(&at("grant"), &other).await.refusal(), (404, "request.not_found"), "never on this line");
    let close = json!({ "outcome": "handed_to120", "note": "" });
    assert_eq!(stage.post(&at("close"), &nurse, close.clone()).await.refusal(), (409, "alarm.taken"));
    stage.post(&at("close"), &doctor, close).await.ok();
    assert_eq!(stage.act(&at("take-over"), &other).await.refusal(), (409, "alarm.taken"), "it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_is_handed_back_rings_again() {
    let stage = Stage::open().await;
    let Emergency { alarm, .. } = red_flag(&stage).await;
    let (nurse, doctor) = (stage.staff("nurse").await, stage.staff("doctor").await);
    stage.act(&format!("/alarms/{alarm}/take"), &nurse).await.ok();
    let back = format!("/alarms/{alarm}/hand-back");
    assert_eq!(stage.act(&back, &doctor).await.refusal(), (409, "alarm.taken"));
    let view = stage.act(&back, &nurse).await.ok();
    assert!(view["taken_by"].is_null() && view["taken_at"].is_null());
    assert_eq!(stage.act(&format!("/alarms/{alarm}/grant"), &nurse).await.refusal(), (404, "request.not_found"));
    stage.act(&format!("/alarms/{alarm}/take"), &doctor).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_whose_taker_is_not_heard_for_thirty_seconds_rings_again() {
    let stage = Stage::open().await;
    let Emergency { alarm, .. } = red_flag(&stage).await;
    let (nurse, doctor) = (stage.staff("nurse").await, stage.staff("doctor").await);
    stage.act(&format!("/alarms/{alarm}/take"), &nurse).await.ok();
    // The nurse's page is opened again in time, and is heard.
    stage.pass(Duration::from_secs(29)).await;
    let (socket, _) = Socket::hello(&stage, &nurse, None).await;
    assert!(!first_alarm(&stage, &doctor).await["taken_by"].is_null());
    stage.pass(Duration::from_secs(29)).await;
    assert!(!first_alarm(&stage, &doctor).await["taken_by"].is_null(), "heard 29 s ago");
    drop(socket);
    // The server learns in its own time that the socket is gone; from then on the thirty seconds count.
    for _ in 0..15 {
        stage.pass(Duration::from_secs(31)).await;
        if first_alarm(&stage, &doctor).await["taken_by"].is_null() {
            break;
        }
    }
    assert!(first_alarm(&stage, &doctor).await["taken_by"].is_null());
    let (mut watching, _) = Socket::hello(&stage, &doctor, None).await;
    let topic = format!("alarms:{}", institution(&stage, &doctor).await);
    watching.say(json!({ "type": "subscribe", "id": 1, "topic": topic, "since": 0 })).await;
    while watching.expect("event").await["kind"] != "alarm.let_go" {}
}

async fn institution(stage: &Stage, token: &str) -> String {
    let me = stage.server.services.authenticate(token).await.unwrap().unwrap().0;
    me.institution().as_uuid().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_call_of_a_nurse_who_is_gone_ends_and_the_patient_waits_on() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    let call = stage.act(&format!("{path}/nurse-call"), &nurse).await.ok();
    assert_eq!(call["kind"], "nurse_call");
    assert_eq!(stage.get(&path, &patient).await.ok()["nurse_call"], call["id"]);
    let grant = format!("/alarms/{}/grant", call["id"].as_str().unwrap());
    stage.act(&grant, &nurse).await.ok();
    stage.act(&grant, &patient).await.ok();
    let (stranger, _) = stage.known_patient(9).await;
    assert_eq!(stage.act(&grant, &stranger).await.refusal(), (404, "request.not_found"));
    let again = stage.act(&format!("{path}/nurse-call"), &nurse).await;
    assert_eq!(again.refusal(), (409, "alarm.taken"), "the patient is being called already");
    stage.pass(Duration::from_secs(31)).await;
    let view = stage.get(&path, &patient).await.ok();
    assert_eq!((&view["phase"], &view["no"]), (&json!("waiting"), &ticket["no"]));
    assert!(view["nurse_call"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_who_lowers_an_emergency_that_nobody_took_ends_its_alarm() {
    let stage = Stage::open().await;
    let (nurse, doctor) = (stage.staff("nurse").await, stage.staff("doctor").await);
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    let change = |version: &Value, level: &str| json!({ "version": version, "level": level, "reason": "复测平稳" });
    let raised = stage.post(&format!("{path}/level"), &nurse, change(&ticket["version"], "EMERGENCY")).await.ok();
    assert_eq!(first_alarm(&stage, &nurse).await["kind"], "worsened");
    stage.post(&format!("{path}/level"), &doctor, change(&raised["version"], "URGENT")).await.ok();
    assert_eq!(stage.get("/alarms", &nurse).await.ok(), json!([]));
    assert_eq!(stage.get(&path, &patient).await.ok()["phase"], "waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_alarm_is_said_by_a_doctor_who_took_it_over_and_the_ticket_waits_as_urgent() {
    let stage = Stage::open().await;
    let (nurse, doctor) = (stage.staff("nurse").await, stage.staff("doctor").await);
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    let raise = json!({ "version": ticket["version"], "level": "EMERGENCY", "reason": "" });
    stage.post(&format!("{path}/level"), &nurse, raise).await.ok();
    let alarm = first_alarm(&stage, &nurse).await["id"].as_str().unwrap().to_owned();
    stage.act(&format!("/alarms/{alarm}/take"), &nurse).await.ok();
    let close = json!({ "outcome": "false_alarm", "note": "复测平稳" });
    let refused = stage.post(&format!("/alarms/{alarm}/close"), &nurse, close.clone()).await;
    assert_eq!(refused.refusal(), (403, "triage.lowering_refused"));
    stage.act(&format!("/alarms/{alarm}/take-over"), &doctor).await.ok();
    stage.post(&format!("/alarms/{alarm}/close"), &doctor, close).await.ok();
    let view = stage.get(&path, &patient).await.ok();
    assert_eq!((&view["phase"], &view["level"]), (&json!("waiting"), &json!("URGENT")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_says_truthfully_whether_its_caller_is_there() {
    let stage = Stage::open().await;
    let Emergency { caller, .. } = red_flag(&stage).await;
    let nurse = stage.staff("nurse").await;
    assert_eq!(first_alarm(&stage, &nurse).await["online"], false, "no page of the caller is open");
    let (mut watching, _) = Socket::hello(&stage, &nurse, None).await;
    let topic = format!("alarms:{}", institution(&stage, &nurse).await);
    watching.say(json!({ "type": "subscribe", "id": 1, "topic": topic })).await;
    watching.expect("done").await;
    let (socket, _) = Socket::hello(&stage, &caller, None).await;
    assert_eq!(watching.expect("event").await["kind"], "alarm.caller_moved");
    assert_eq!(first_alarm(&stage, &nurse).await["online"], true);
    drop(socket);
    assert_eq!(watching.expect("event").await["kind"], "alarm.caller_moved");
    assert_eq!(first_alarm(&stage, &nurse).await["online"], false);
}
