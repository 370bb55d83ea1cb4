//! Admission: until a desk has called and the identity was confirmed, nobody gets anything of a room.

use serde_json::json;

use super::stage::{LINK, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_red_flag_opens_a_line_without_a_name_and_rings_at_the_nurse() {
    let stage = Stage::open().await;
    let flags = stage.get(&format!("/links/{LINK}"), "").await.ok();
    let flag = flags["red_flags"][0]["id"].clone();
    let calm = stage.post("/red-flags", "", json!({ "link": LINK, "yes": [] })).await.ok();
    assert_eq!(calm["emergency"], false);
    let answer = stage.post("/red-flags", "", json!({ "link": LINK, "yes": [flag] })).await.ok();
    assert_eq!(answer["emergency"], true);
    let caller = answer["line"]["tokens"]["access_token"].as_str().unwrap();
    let alarm = answer["line"]["alarm"].as_str().unwrap();
    let nurse = stage.staff("nurse").await;
    let alarms = stage.get("/alarms", &nurse).await.ok();
    assert_eq!((&alarms[0]["id"], &alarms[0]["kind"]), (&answer["line"]["alarm"], &json!("red_flag")));
    stage.act(&format!("/alarms/{alarm}/grant"), caller).await.ok();
    let early = stage.act(&format!("/alarms/{alarm}/grant"), &nurse).await;
    assert_eq!(early.refusal(), (404, "request.not_found"), "who did not take it has no seat");
    stage.act(&format!("/alarms/{alarm}/take"), &nurse).await.ok();
    stage.act(&format!("/alarms/{alarm}/grant"), &nurse).await.ok();
    let doctor = stage.staff("doctor").await;
    assert_eq!(stage.act(&format!("/alarms/{alarm}/take"), &doctor).await.refusal(), (409, "alarm.taken"));
    let close = json!({ "outcome": "handed_to120", "note": "120 已到" });
    stage.post(&format!("/alarms/{alarm}/close"), &nurse, close).await.ok();
    assert_eq!(stage.act(&format!("/alarms/{alarm}/grant"), caller).await.refusal(), (410, "room.closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_grant_before_the_identity_was_confirmed() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    assert!(view["current"]["visit"].is_null());
    let confirm = format!("/desks/{desk}/confirm");
    let early = stage.post(&confirm, &doctor, json!({ "version": view["current"]["version"] })).await;
    assert_eq!(early.refusal(), (409, "ticket.state"), "the patient has not said yes");
    let seen = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &patient).await.ok();
    assert!(seen["visit"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_is_not_there() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (stranger, _) = stage.known_patient(9).await;
    for path in [format!("/tickets/{}", visit.ticket), format!("/visits/{}/messages", visit.id)] {
        assert_eq!(stage.get(&path, &stranger).await.refusal(), (404, "request.not_found"), "{path}");
    }
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), &stranger).await;
    assert_eq!(grant.refusal(), (404, "request.not_found"));
    let other = stage.staff("doctor2").await;
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), &other).await;
    assert_eq!(grant.refusal(), (404, "request.not_found"), "another doctor is a stranger to the call");
    for path in ["/clinics", "/alarms"] {
        assert_eq!(stage.get(path, &visit.patient).await.refusal(), (403, "auth.forbidden"), "{path}");
        assert_eq!(stage.get(path, "forged").await.refusal(), (401, "auth.required"), "{path}");
    }
    let pharmacist = stage.staff("pharmacist").await;
    let read = stage.get(&format!("/visits/{}", visit.id), &pharmacist).await;
    assert_eq!(read.refusal(), (403, "auth.forbidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nurse_calls_who_waits_and_the_two_of_them_alone_have_the_line() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    let call = format!("{path}/nurse-call");
    let (stranger, _) = stage.known_patient(2).await;
    assert_eq!(stage.act(&call, &stranger).await.refusal(), (403, "auth.forbidden"));
    let alarm = stage.act(&call, &nurse).await.ok();
    assert_eq!((&alarm["kind"], &alarm["ticket"], &alarm["mine"]), (&json!("nurse_call"), &ticket["id"], &json!(true)));
    let seen = stage.get(&path, &patient).await.ok();
    assert_eq!((&seen["nurse_call"], &seen["phase"]), (&alarm["id"], &json!("waiting")));
    assert_eq!((&seen["no"], &seen["ahead"]), (&ticket["no"], &json!(0)), "the place is kept");
    assert_eq!(stage.act(&call, &nurse).await.refusal(), (409, "alarm.taken"), "one call at a time");
    let line = format!("/alarms/{}", alarm["id"].as_str().unwrap());
    let rooms = [
        stage.act(&format!("{line}/grant"), &patient).await.ok(),
        stage.act(&format!("{line}/grant"), &nurse).await.ok(),
    ];
    assert_eq!(rooms[0]["room"], rooms[1]["room"]);
    let doctor = stage.staff("doctor").await;
    for other in [&stranger, &doctor] {
        assert_eq!(stage.act(&format!("{line}/grant"), other).await.refusal(), (404, "request.not_found"));
    }
    let close = json!({ "outcome": "false_alarm", "note": "" });
    stage.post(&format!("{line}/close"), &nurse, close).await.ok();
    let seen = stage.get(&path, &patient).await.ok();
    assert_eq!((&seen["nurse_call"], &seen["phase"]), (&json!(null), &json!("waiting")), "back in the queue");
    assert_eq!(stage.act(&format!("{line}/grant"), &patient).await.refusal(), (410, "room.closed"));
    stage.act(&call, &nurse).await.ok();
}
