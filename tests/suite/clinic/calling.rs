//! Calling: one patient, one desk, and what can go otherwise.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;
use yunzhen::domain::ids::ConnectionId;
use yunzhen::store::Db;

use super::proofs::sign;
use super::stage::{LINK, Stage, nothing};
use crate::support::sql;

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_goes_from_the_link_to_a_visit_and_its_end() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let end = format!("/visits/{}/end", visit.id);
    assert_eq!(stage.act(&end, &visit.doctor).await.refusal(), (409, "visit.outcome_missing"));
    let outcome = json!({ "outcome": "home_care" });
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    let desk = stage.act(&end, &visit.doctor).await.ok();
    assert!(desk["current"].is_null());
    assert_eq!((&desk["unfinished"][0]["visit"], &desk["finished_today"]), (&json!(visit.id), &json!(0)));
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    assert_eq!(ticket["phase"], "done");
    let summaries = stage.get("/me/visits", &visit.patient).await.ok();
    assert_eq!(summaries[0]["outcome"], "home_care");
    assert!(summaries[0]["note"].is_null(), "what is not signed is not shown");

    // A visit is in one of the two lists of a desk.
    sign(&stage, &visit, 0, "感冒", None).await;
    let desk = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok();
    assert_eq!((&desk["unfinished"], &desk["finished_today"]), (&json!([]), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_on_call_next_is_one_call() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    stage.patient_waiting(2, json!({ "sx.fever": true })).await;
    let path = format!("/desks/{desk}/call-next");
    let first = stage.send(Method::POST, &path, &doctor, None, Some("click-1")).await.ok();
    let again = stage.send(Method::POST, &path, &doctor, None, Some("click-1")).await.ok();
    assert_eq!(first["current"]["ticket"], again["current"]["ticket"]);
    assert_eq!(stage.act(&path, &doctor).await.refusal(), (409, "desk.doctor_busy"));
    let other = stage.send(Method::POST, &format!("/desks/{desk}/close"), &doctor, None, Some("click-1")).await;
    assert_eq!(other.refusal(), (422, "request.key_reused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_queue_says_so() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let answer = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await;
    assert_eq!(answer.refusal(), (409, "queue.empty"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_call_costs_places_and_the_third_the_ticket() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    let path = format!("/tickets/{}", ticket["id"].as_str().unwrap());
    for missed in 1..=3 {
        stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        stage.pass(Duration::from_secs(91)).await;
        // The desk's own lease is kept alive by its socket; without one, the doctor opens it again.
        stage.act(&format!("/desks/{desk}/open"), &doctor).await.ok();
        let view = stage.get(&path, &patient).await.ok();
        assert_eq!(view["missed"], missed);
        assert_eq!(view["phase"], if missed < 3 { "waiting" } else { "no_show" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_number_is_told_the_place_in_the_same_answer() {
    let stage = Stage::open().await;
    for n in 1..=3 {
        let (patient, ticket) = stage.patient_waiting(n, json!({ "sx.fever": true })).await;
        assert_eq!(ticket["ahead"], n - 1);
        let read = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &patient).await.ok();
        assert_eq!(read["ahead"], ticket["ahead"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_missed_call_costs_is_data_of_the_clinic() {
    let stage = Stage::open().await;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "update clinic set miss_shift = 1, miss_limit = 2, ring_secs = 30 where code = 'fever'").await;
    db.close().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let mut waiting = Vec::new();
    for n in 1..=3 {
        waiting.push(stage.patient_waiting(n, json!({ "sx.fever": true })).await);
    }
    let miss = async |who: usize, missed: u32| {
        let called = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        assert_eq!(called["current"]["ticket"], waiting[who].1["id"], "number {} is next", who + 1);
        stage.pass(Duration::from_secs(31)).await;
        let (patient, ticket) = &waiting[who];
        let view = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), patient).await.ok();
        assert_eq!((&view["missed"], &view["void_after"], &view["miss_shift"]), (&json!(missed), &json!(2), &json!(1)));
        view
    };
    let first = miss(0, 1).await;
    assert_eq!(
        (&first["phase"], &first["moved"], &first["ahead"]),
        (&json!("waiting"), &json!("missed_call"), &json!(1))
    );
    let second = miss(1, 1).await;
    assert_eq!(
        (&second["phase"], &second["ahead"]),
        (&json!("waiting"), &json!(1)),
        "behind the first, before the third"
    );
    assert_eq!(miss(0, 2).await["phase"], "no_show", "the second miss is the last here");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_person_gets_nothing_and_the_ticket_keeps_its_place() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let desk = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok();
    let version = json!({ "version": desk["current"]["version"] });
    stage.post(&format!("/desks/{}/wrong-person", visit.desk), &visit.doctor, version).await.ok();
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    assert_eq!((&ticket["phase"], &ticket["moved"]), (&json!("waiting"), &json!("wrong_person")));
    assert_eq!(ticket["ahead"], 0);
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), &visit.patient).await;
    assert_eq!(grant.refusal(), (409, "visit.ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_who_falls_silent_keeps_the_visit_for_five_minutes_then_the_patient_goes_first() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/tickets/{}", visit.ticket);
    stage.pass(Duration::from_secs(91)).await;
    assert_eq!(stage.get(&path, &visit.patient).await.ok()["phase"], "suspended");
    stage.act(&format!("/desks/{}/open", visit.desk), &visit.doctor).await.ok();
    assert_eq!(stage.get(&path, &visit.patient).await.ok()["phase"], "serving");
    stage.pass(Duration::from_secs(91)).await;
    stage.pass(Duration::from_secs(301)).await;
    let ticket = stage.get(&path, &visit.patient).await.ok();
    assert_eq!((&ticket["phase"], &ticket["moved"]), (&json!("waiting"), &json!("doctor_lost")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_takes_nobodys_place_and_ends_no_visit() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (waiting, before) = stage.patient_waiting(2, json!({ "sx.fever": true })).await;
    let stage = stage.restart().await;
    stage.pass(Duration::from_mins(1)).await;
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    assert_eq!(ticket["phase"], "serving");
    let current = stage.get(&format!("/tickets/current?link={LINK}"), &waiting).await.ok();
    assert_eq!((&current["ticket"]["no"], &current["ticket"]["ahead"]), (&before["no"], &json!(0)));
    stage.act(&format!("/visits/{}/grant", visit.id), &visit.patient).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_takes_the_time_of_arrival_along() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let clinics = stage.get("/clinics", &visit.doctor).await.ok();
    let desk = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok();
    let before = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    stage.clock.advance(Duration::from_secs(30));
    let body = json!({ "version": desk["current"]["version"], "clinic": clinics[1]["id"], "reason": "请中医科看" });
    stage.post(&format!("/desks/{}/transfer", visit.desk), &visit.doctor, body).await.ok();
    let current = stage.get(&format!("/tickets/current?link={LINK}"), &visit.patient).await.ok();
    assert_eq!(current["ticket"]["clinic"], clinics[1]["id"]);
    assert_eq!(current["ticket"]["arrived_at"], before["arrived_at"]);
    assert_eq!(current["ticket"]["moved"], "transferred");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_patient_has_one_live_ticket_in_a_clinic() {
    let stage = Stage::open().await;
    let (patient, ticket) = stage.patient_waiting(1, nothing()).await;
    let card = ticket["patient"]["id"].as_str().unwrap();
    let declaration = stage.declare(&patient, card, nothing()).await;
    let again = stage.post("/tickets", &patient, json!({ "declaration": declaration["id"] })).await;
    assert_eq!(again.refusal(), (409, "ticket.exists"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_goes_up_by_anybody_down_with_a_reason_and_from_emergency_by_a_doctor() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let doctor = stage.staff("doctor").await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true, "sx.temp": 39.5 })).await;
    let path = format!("/tickets/{}/level", ticket["id"].as_str().unwrap());
    let change = |version: &serde_json::Value, level: &str, reason: &str| json!({ "version": version, "level": level, "reason": reason });
    let refused = stage.post(&path, &nurse, change(&ticket["version"], "STANDARD", "")).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("reason")));
    let row = stage.post(&path, &nurse, change(&ticket["version"], "STANDARD", "复测体温正常")).await.ok();
    assert_eq!(row["level"], "STANDARD");
    let row = stage.post(&path, &nurse, change(&row["version"], "EMERGENCY", "")).await.ok();
    assert_eq!(row["phase"], "emergency");
    let refused = stage.post(&path, &nurse, change(&row["version"], "URGENT", "好转")).await;
    assert_eq!(refused.refusal(), (403, "triage.lowering_refused"));
    let row = stage.post(&path, &doctor, change(&row["version"], "URGENT", "好转")).await.ok();
    assert_eq!(row["level"], "URGENT");
    let leave = json!({ "version": row["version"] });
    stage.post(&format!("/tickets/{}/leave", ticket["id"].as_str().unwrap()), &patient, leave).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_in_a_visit_or_after_it_is_not_made_an_emergency_of_the_queue() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let nurse = stage.staff("nurse").await;
    let path = format!("/tickets/{}/level", visit.ticket);
    let raise = async || {
        let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
        let body = json!({ "version": ticket["version"], "level": "EMERGENCY", "reason": "呼吸困难" });
        stage.post(&path, &nurse, body).await
    };
    assert_eq!(raise().await.refusal(), (409, "ticket.state"));
    let desk = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok();
    assert_eq!(desk["current"]["visit"], visit.id, "the doctor still has the patient");
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    assert_eq!(raise().await.refusal(), (409, "ticket.state"));
    assert_eq!(stage.get("/alarms", &nurse).await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_called_patient_who_becomes_an_emergency_is_taken_from_the_desk_and_the_desk_is_told() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, ticket) = stage.patient_waiting(1, json!({ "sx.fever": true })).await;
    let called = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let topic = format!("desk:{desk}");
    let head = stage.server.services.topic_head(&topic).await.unwrap();
    let nurse = stage.staff("nurse").await;
    let id = ticket["id"].as_str().unwrap();
    let version = called["current"]["version"].clone();
    let body = json!({ "version": version, "level": "EMERGENCY", "reason": "" });
    let row = stage.post(&format!("/tickets/{id}/level"), &nurse, body).await.ok();
    assert_eq!((&row["phase"], &row["desk"]), (&json!("emergency"), &json!(null)));
    let heard = stage.server.services.events_since(&topic, head, 10).await.unwrap();
    assert_eq!(heard.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["desk.patient_moved"]);
    assert!(stage.get(&format!("/desks/{desk}"), &doctor).await.ok()["current"].is_null());
    // Whoever still looks at the call cannot hold the patient a second time.
    let confirm = stage.post(&format!("/desks/{desk}/confirm"), &doctor, json!({ "version": version })).await;
    assert_eq!(confirm.refusal(), (409, "ticket.state"));
    let accept = stage.post(&format!("/tickets/{id}/accept"), &patient, json!({ "version": version })).await;
    assert_eq!(accept.refusal(), (409, "ticket.state"));
    assert_eq!(stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.refusal(), (409, "queue.empty"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_whose_doctor_is_away_can_become_an_emergency_and_the_visit_is_over() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    stage.pass(Duration::from_secs(91)).await;
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    assert_eq!(ticket["phase"], "suspended");
    let nurse = stage.staff("nurse").await;
    let body = json!({ "version": ticket["version"], "level": "EMERGENCY", "reason": "" });
    stage.post(&format!("/tickets/{}/level", visit.ticket), &nurse, body).await.ok();
    let grant = stage.act(&format!("/visits/{}/grant", visit.id), &visit.patient).await;
    assert_eq!(grant.refusal(), (409, "visit.ended"));
    let back = stage.act(&format!("/desks/{}/open", visit.desk), &visit.doctor).await.ok();
    assert!(back["current"].is_null(), "nobody holds the patient twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_wrong_person_the_right_one_gets_a_new_visit_and_meets_nothing_of_the_first() {
    let stage = Stage::open().await;
    let first = stage.visit().await;
    let old_grant = stage.act(&format!("/visits/{}/grant", first.id), &first.patient).await.ok();
    let lines = format!("/visits/{}/messages", first.id);
    let line = json!({ "id": "0190a0a0-0000-7000-8000-000000000001", "text": "检查结果" });
    stage.post(&lines, &first.doctor, line).await.ok();
    let note = format!("/visits/{}/note", first.id);
    let draft = |version: i64| Some(json!({ "version": version, "content": { "complaint": "头痛" } }));
    stage.send(Method::PUT, &note, &first.doctor, draft(0), None).await.ok();
    let desk = format!("/desks/{}", first.desk);
    let version = async || stage.get(&desk, &first.doctor).await.ok()["current"]["version"].clone();
    let wrong = json!({ "version": version().await });
    stage.post(&format!("{desk}/wrong-person"), &first.doctor, wrong).await.ok();

    stage.act(&format!("{desk}/call-next"), &first.doctor).await.ok();
    let accept = json!({ "version": version().await });
    stage.post(&format!("/tickets/{}/accept", first.ticket), &first.patient, accept).await.ok();
    let confirm = json!({ "version": version().await });
    let view = stage.post(&format!("{desk}/confirm"), &first.doctor, confirm).await.ok();
    let second = view["current"]["visit"].as_str().unwrap();
    assert_ne!(second, first.id);
    assert_eq!(view["current"]["previous"], json!([]), "it was no visit of this patient");
    assert_eq!(stage.get(&format!("/visits/{second}/messages"), &first.patient).await.ok(), json!([]));
    let read = stage.get(&format!("/visits/{second}"), &first.doctor).await.ok();
    assert_eq!((&read["draft"]["version"], &read["ended_at"]), (&json!(0), &json!(null)));
    let grant = stage.act(&format!("/visits/{second}/grant"), &first.patient).await.ok();
    assert_ne!(grant["room"], old_grant["room"]);

    // The first is over for everybody: its grant, its conversation, its record.
    let services = &stage.server.services;
    let (actor, _) = services.authenticate(&first.patient).await.unwrap().unwrap();
    let by = ConnectionId::from_uuid(Uuid::nil());
    let refused = services.open_granted(actor, by, old_grant["grant"].as_str().unwrap()).await.unwrap_err();
    assert_eq!(refused.code.as_str(), "room.closed");
    assert_eq!(stage.get(&lines, &first.patient).await.refusal(), (404, "request.not_found"));
    let late = stage.send(Method::PUT, &note, &first.doctor, draft(1), None).await;
    assert_eq!(late.refusal(), (409, "visit.ended"));
    let mine = stage.get("/me/visits", &first.patient).await.ok();
    assert_eq!(mine.as_array().unwrap().iter().map(|visit| &visit["id"]).collect::<Vec<_>>(), [&json!(second)]);
}

/// The called patient of a desk says yes and is confirmed; the visit.
async fn confirm(stage: &Stage, doctor: &str, desk: &str, patient: &str) -> String {
    let view = stage.get(&format!("/desks/{desk}"), doctor).await.ok();
    let ticket = view["current"]["ticket"].as_str().unwrap();
    let accept = json!({ "version": view["current"]["version"] });
    let accepted = stage.post(&format!("/tickets/{ticket}/accept"), patient, accept).await.ok();
    let version = json!({ "version": accepted["version"] });
    let view = stage.post(&format!("/desks/{desk}/confirm"), doctor, version).await.ok();
    view["current"]["visit"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_whose_lost_desk_a_colleague_took_goes_on_at_another_and_leaves_the_colleagues_alone() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (other_patient, _) = stage.patient_waiting(2, json!({ "sx.fever": true })).await;
    stage.pass(Duration::from_secs(91)).await;
    let (colleague, taken) = stage.doctor_at_desk("doctor2", 0).await;
    assert_eq!(taken, visit.desk);
    stage.act(&format!("/desks/{taken}/call-next"), &colleague).await.ok();
    let theirs = confirm(&stage, &colleague, &taken, &other_patient).await;
    stage.act(&format!("/desks/{taken}/close"), &colleague).await.ok();

    let desk = stage.desk(&visit.doctor, 1).await;
    let view = stage.act(&format!("/desks/{desk}/open"), &visit.doctor).await.ok();
    assert_eq!(view["current"]["visit"], visit.id);
    let ticket = stage.get(&format!("/tickets/{}", visit.ticket), &visit.patient).await.ok();
    assert_eq!((&ticket["phase"], &ticket["call"]["desk"]), (&json!("serving"), &json!(desk)));
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    let view = stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    assert_eq!(view["id"], desk, "the desk at which the doctor works now");
    let view = stage.get(&format!("/desks/{taken}"), &colleague).await.ok();
    assert_eq!((&view["phase"], &view["current"]["visit"]), (&json!("closing"), &json!(theirs)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_one_queue_is_not_the_head_of_another() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    // Who comes in the same millisecond is before or behind by chance.
    stage.pass(Duration::from_secs(1)).await;
    let (second, ticket) = stage.patient_waiting(2, json!({ "sx.fever": true })).await;
    let (colleague, desk) = stage.doctor_at_desk("doctor2", 1).await;
    stage.act(&format!("/desks/{desk}/call-next"), &colleague).await.ok();
    confirm(&stage, &colleague, &desk, &second).await;
    let keep = async || stage.act(&format!("/desks/{}/open", visit.desk), &visit.doctor).await.ok();
    stage.pass(Duration::from_secs(91)).await;
    keep().await;
    stage.pass(Duration::from_secs(301)).await;
    let seen = stage.get(&format!("/tickets/{}", ticket["id"].as_str().unwrap()), &second).await.ok();
    assert_eq!((&seen["moved"], &seen["phase"]), (&json!("doctor_lost"), &json!("waiting")));
    keep().await;
    let clinics = stage.get("/clinics", &visit.doctor).await.ok();
    let transfer = async |doctor: &str, desk: &str| {
        let view = stage.get(&format!("/desks/{desk}"), doctor).await.ok();
        let version = view["current"]["version"].clone();
        let body = json!({ "version": version, "clinic": clinics[1]["id"], "reason": "请中医科看" });
        stage.post(&format!("/desks/{desk}/transfer"), doctor, body).await.ok();
    };
    stage.act(&format!("/desks/{desk}/open"), &colleague).await.ok();
    stage.act(&format!("/desks/{desk}/call-next"), &colleague).await.ok();
    transfer(&colleague, &desk).await;
    transfer(&visit.doctor, &visit.desk).await;
    let path = format!("/tickets/current?link={LINK}");
    let first = stage.get(&path, &visit.patient).await.ok();
    assert_eq!(first["ticket"]["ahead"], 0, "who arrived first is first");
    assert_eq!(stage.get(&path, &second).await.ok()["ticket"]["ahead"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinics_numbers_begin_anew_at_its_own_midnight() {
    let stage = Stage::open().await;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "update clinic set time_zone = 'America/New_York' where code = 'fever'").await;
    db.close().await;
    // The stage opens at 17:13 in New York, when it is 06:13 of the next day in China.
    let (_, first) = stage.patient_waiting(1, nothing()).await;
    stage.clock.advance(Duration::from_hours(6));
    let (_, evening) = stage.patient_waiting(2, nothing()).await;
    stage.clock.advance(Duration::from_hours(1));
    let (_, night) = stage.patient_waiting(3, nothing()).await;
    assert_eq!((&first["no"], &evening["no"], &night["no"]), (&json!(1), &json!(2), &json!(1)));
}
