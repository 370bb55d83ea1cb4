//! Appointments, from the roster to the ticket.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::domain::appointment::roster::HORIZON_DAYS;

use super::stage::{Answer, Stage, nothing};

/// The clinic that has bookable hours.
pub(super) const TCM: &str = "demo-tcm-clinic";
pub(super) const HALF_HOUR: Duration = Duration::from_mins(30);

/// A clinic whose slots are made.
pub(super) async fn open() -> Stage {
    let stage = Stage::open().await;
    stage.server.services.roll_slots().await.unwrap();
    stage
}

/// The slots of today, those that are full too.
async fn slots(stage: &Stage) -> Vec<Value> {
    let view = stage.get(&format!("/slots?link={TCM}"), "").await.ok();
    view["slots"].as_array().unwrap().clone()
}

/// The first slot of the doctor who sees one patient at a time, so many slots from now.
pub(super) async fn single(stage: &Stage, after: usize) -> Value {
    slots(stage).await.into_iter().filter(|slot| slot["doctor_name"]["en"] == "Demo Doctor A").nth(after).unwrap()
}

fn request(slot: &Value, patient: &str) -> Value {
    json!({ "slot": slot["id"], "patient": patient })
}

pub(super) async fn book(stage: &Stage, token: &str, patient: &str, slot: &Value) -> Value {
    stage.post("/appointments", token, request(slot, patient)).await.ok()
}

/// The `n`th patient, with a booked slot that begins within the next half hour: token, patient, appointment.
pub(super) async fn booked(stage: &Stage, n: u32) -> (String, String, Value) {
    let (token, patient) = stage.known_patient(n).await;
    stage.consent(&token, &patient, true).await;
    let slot = single(stage, 0).await;
    let appointment = book(stage, &token, &patient, &slot).await;
    (token, patient, appointment)
}

pub(super) async fn check_in(stage: &Stage, token: &str, appointment: &Value, declaration: &Value) -> Answer {
    let path = format!("/appointments/{}/check-in", appointment["id"].as_str().unwrap());
    let body = json!({ "declaration": declaration["id"], "version": appointment["version"] });
    stage.post(&path, token, body).await
}

pub(super) async fn act(stage: &Stage, what: &str, token: &str, appointment: &Value) -> Answer {
    let path = format!("/appointments/{}/{what}", appointment["id"].as_str().unwrap());
    stage.post(&path, token, json!({ "version": appointment["version"] })).await
}

/// The appointment as it is now.
pub(super) async fn now(stage: &Stage, token: &str, appointment: &Value) -> Value {
    stage.get(&format!("/appointments/{}", appointment["id"].as_str().unwrap()), token).await.ok()
}

/// The texts of a kind that were sent. The server ends: it waits for what is still on its way.
pub(super) async fn texts(stage: Stage, kind: &str) -> Vec<String> {
    stage.server.stop().await;
    let outbox = std::fs::read_to_string(stage.folder.path().join("outbox.jsonl")).unwrap_or_default();
    let messages = outbox.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    messages.filter(|m| m["kind"] == kind).map(|m| m["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_day_of_the_calendar_is_shown_however_many_slots_it_has() {
    let stage = open().await;
    let view = stage.get(&format!("/slots?link={TCM}"), "").await.ok();
    let days: Vec<&str> = view["days"].as_array().unwrap().iter().map(|day| day["day"].as_str().unwrap()).collect();
    assert_eq!(days.len(), usize::try_from(HORIZON_DAYS).unwrap() + 1, "{days:?}");
    assert!(days.is_sorted());
    let last = stage.get(&format!("/slots?link={TCM}&day={}", days[days.len() - 1]), "").await.ok();
    // Two doctors, half an hour each, around the clock; one of them sees two at a time.
    assert_eq!(last["slots"].as_array().unwrap().len(), 96);
    assert_eq!(last["days"][days.len() - 1]["free"], 144);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_too_late_for_a_slot_is_told_the_next_three() {
    let stage = open().await;
    let slot = single(&stage, 1).await;
    let (first, patient) = stage.known_patient(1).await;
    book(&stage, &first, &patient, &slot).await;
    let (second, patient) = stage.known_patient(2).await;
    let refused = stage.post("/appointments", &second, request(&slot, &patient)).await;
    assert_eq!(refused.refusal(), (409, "slot.taken"));
    let next = refused.body["next"].as_array().unwrap();
    assert_eq!(next.len(), 3);
    let after = [single(&stage, 2).await, single(&stage, 3).await, single(&stage, 4).await];
    let ids = |slots: &[Value]| slots.iter().map(|slot| slot["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(next), ids(&after), "of the same doctor, those that come next");
    assert!(next.iter().all(|one| one["free"].as_u64() > Some(0) && one["doctor"] == slot["doctor"]), "{next:?}");
    book(&stage, &second, &patient, &next[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_is_an_instant_with_the_zone_of_its_place() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let slot = single(&stage, 0).await;
    let body = json!({ "slot": slot["id"], "patient": patient, "zone": "Europe/Rome" });
    let appointment = stage.post("/appointments", &token, body).await.ok();
    for row in [&slot, &appointment] {
        assert_eq!(row["zone"], "Asia/Shanghai");
        assert_eq!(row["starts_at"], slot["starts_at"]);
    }
    // The place's wall in UTC+8, a whole half hour of the roster.
    let wall = slot["starts_at"].as_i64().unwrap() / 60_000 + 8 * 60;
    assert_eq!(wall % 30, 0, "{slot}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_click_twice_is_one_booking() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let slot = single(&stage, 0).await;
    let click = async || {
        let body = request(&slot, &patient);
        stage.send(Method::POST, "/appointments", &token, Some(body), Some("one-click")).await.ok()
    };
    let (one, two) = tokio::join!(click(), click());
    let three = book(&stage, &token, &patient, &slot).await;
    assert!(one["id"] == two["id"] && one["id"] == three["id"], "with the key and without it");
    assert_eq!(stage.get("/appointments", &token).await.ok().as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_in_makes_one_ticket_in_the_right_lane() {
    let stage = open().await;
    let (token, patient, appointment) = booked(&stage, 1).await;
    let urgent = json!({ "sx.fever": true, "sx.temp": 39.6 });
    let declaration = stage.declare_at(TCM, &token, &patient, urgent).await;
    let ticket = check_in(&stage, &token, &appointment, &declaration).await.ok();
    assert_eq!(ticket["level"], declaration["result"]["level"], "{declaration}");
    let again = check_in(&stage, &token, &appointment, &declaration).await;
    assert_eq!(again.refusal(), (409, "appointment.state"));
    let after = now(&stage, &token, &appointment).await;
    assert_eq!((&after["state"], &after["ticket"]), (&json!("checked_in"), &ticket["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booked_patient_on_time_stands_before_who_came_a_little_earlier() {
    let stage = open().await;
    let (walked, walker) = stage.known_patient(2).await;
    stage.consent(&walked, &walker, true).await;
    let declaration = stage.declare_at(TCM, &walked, &walker, nothing()).await;
    let first = stage.post("/tickets", &walked, json!({ "declaration": declaration["id"] })).await.ok();
    stage.pass(Duration::from_mins(1)).await;
    let (token, patient, appointment) = booked(&stage, 1).await;
    let declaration = stage.declare_at(TCM, &token, &patient, nothing()).await;
    let ticket = check_in(&stage, &token, &appointment, &declaration).await.ok();
    assert_eq!((&ticket["ahead"], &ticket["level"]), (&json!(0), &first["level"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_opens_half_an_hour_before_and_closes_after_the_slot() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    stage.consent(&token, &patient, true).await;
    let slot = single(&stage, 2).await;
    let appointment = book(&stage, &token, &patient, &slot).await;
    let declaration = stage.declare_at(TCM, &token, &patient, nothing()).await;
    let early = check_in(&stage, &token, &appointment, &declaration).await;
    assert_eq!(early.refusal(), (409, "appointment.too_early"));
    let wait = early.body["retry_after"].as_u64().unwrap();
    stage.clock.advance(Duration::from_secs(wait + 70 * 60 + 1));
    // A token is good for ten minutes.
    let token = stage.holder(1).await;
    let late = check_in(&stage, &token, &appointment, &declaration).await;
    assert!(["appointment.too_late", "appointment.state"].contains(&late.refusal().1), "{:?}", late.refusal());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_checks_in_to_anothers_appointment() {
    let stage = open().await;
    let (_, _, appointment) = booked(&stage, 1).await;
    let (other, patient) = stage.known_patient(2).await;
    stage.consent(&other, &patient, true).await;
    let declaration = stage.declare_at(TCM, &other, &patient, nothing()).await;
    assert_eq!(check_in(&stage, &other, &appointment, &declaration).await.refusal(), (404, "request.not_found"));
    for what in ["cancel", "calendar.ics"] {
        let answer = if what == "cancel" {
            act(&stage, what, &other, &appointment).await
        } else {
            stage.get(&format!("/appointments/{}/{what}", appointment["id"].as_str().unwrap()), &other).await
        };
        assert_eq!(answer.status, 404, "{what}");
    }
    // And one's own appointment is not for whom it was not booked.
    let second = stage.patient(&other, 3, "child").await;
    let mine = book(&stage, &other, &second, &single(&stage, 1).await).await;
    stage.clock.advance(HALF_HOUR);
    let other = stage.holder(2).await;
    let wrong = check_in(&stage, &other, &mine, &declaration).await;
    assert_eq!(wrong.refusal(), (422, "request.invalid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_appointment_frees_its_patient_and_is_counted() {
    let stage = open().await;
    let (_, patient, appointment) = booked(&stage, 1).await;
    stage.clock.advance(HALF_HOUR * 3);
    stage.server.services.run_jobs().await.unwrap();
    let token = stage.holder(1).await;
    assert_eq!(now(&stage, &token, &appointment).await["state"], "no_show");
    let next = single(&stage, 0).await;
    book(&stage, &token, &patient, &next).await;
    let (nurse, clinic) = (stage.staff("nurse").await, {
        let token = stage.staff("nurse").await;
        stage.get("/clinics", &token).await.ok()[1]["id"].as_str().unwrap().to_owned()
    });
    let day = stage.get(&format!("/clinics/{clinic}/appointments"), &nurse).await.ok();
    let rows = day["appointments"].as_array().unwrap();
    let missed: Vec<_> = rows.iter().map(|row| (row["state"].as_str().unwrap(), row["missed"].as_u64())).collect();
    assert_eq!(missed, [("no_show", Some(1)), ("booked", Some(1))]);
    assert!(rows.iter().all(|row| row["patient_name"] != "测试患者"), "names are masked: {rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_ended_makes_the_appointment_seen() {
    let stage = open().await;
    let (token, patient, appointment) = booked(&stage, 1).await;
    let declaration = stage.declare_at(TCM, &token, &patient, nothing()).await;
    let ticket = check_in(&stage, &token, &appointment, &declaration).await.ok();
    let leave = format!("/tickets/{}/leave", ticket["id"].as_str().unwrap());
    stage.post(&leave, &token, json!({ "version": ticket["version"] })).await.ok();
    stage.server.services.run_jobs().await.unwrap();
    assert_eq!(now(&stage, &token, &appointment).await["state"], "no_show", "who left was not seen");
}

/// A doctor of the booked clinic sees the patient of this ticket to the end.
async fn see(stage: &Stage, token: &str, ticket: &Value) {
    let doctor = stage.staff("doctor").await;
    let clinics = stage.get("/clinics", &doctor).await.ok();
    let desk = clinics[1]["desks"][0]["id"].as_str().unwrap().to_owned();
    stage.act(&format!("/desks/{desk}/open"), &doctor).await.ok();
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    assert_eq!(view["current"]["ticket"], ticket["id"]);
    let version = json!({ "version": view["current"]["version"] });
    let accept = format!("/tickets/{}/accept", ticket["id"].as_str().unwrap());
    let accepted = stage.post(&accept, token, version).await.ok();
    let version = json!({ "version": accepted["version"] });
    let view = stage.post(&format!("/desks/{desk}/confirm"), &doctor, version).await.ok();
    let visit = view["current"]["visit"].as_str().unwrap().to_owned();
    stage.post(&format!("/visits/{visit}/outcome"), &doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{visit}/end"), &doctor).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_doctor_saw_is_seen_and_not_missed() {
    let stage = open().await;
    let (token, patient, appointment) = booked(&stage, 1).await;
    let declaration = stage.declare_at(TCM, &token, &patient, nothing()).await;
    let ticket = check_in(&stage, &token, &appointment, &declaration).await.ok();
    stage.server.services.run_jobs().await.unwrap();
    assert_eq!(now(&stage, &token, &appointment).await["state"], "checked_in", "who waits was not seen yet");
    see(&stage, &token, &ticket).await;
    stage.server.services.run_jobs().await.unwrap();
    let after = now(&stage, &token, &appointment).await;
    assert_eq!(after["state"], "seen");
    stage.clock.advance(HALF_HOUR * 4);
    stage.server.services.run_jobs().await.unwrap();
    let token = stage.holder(1).await;
    assert_eq!(now(&stage, &token, &appointment).await, after, "and stays so");
    let nurse = stage.staff("nurse").await;
    let clinic = appointment["clinic"].as_str().unwrap();
    let day = stage.get(&format!("/clinics/{clinic}/appointments"), &nurse).await.ok();
    assert_eq!((&day["appointments"][0]["state"], &day["appointments"][0]["missed"]), (&json!("seen"), &json!(0)));
}

/// What was said on a topic.
async fn kinds(stage: &Stage, topic: &str) -> Vec<String> {
    let events = stage.server.services.events_since(topic, 0, 50).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_and_a_wish_have_topics_that_their_holder_alone_hears() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let slot = single(&stage, 6).await;
    let appointment = book(&stage, &token, &patient, &slot).await;
    let day = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["day"].clone();
    let (waiting, second) = stage.known_patient(2).await;
    let wish = json!({ "link": TCM, "patient": second, "first_day": day, "last_day": day });
    let wish = stage.post("/wishes", &waiting, wish).await.ok();
    act(&stage, "cancel", &token, &appointment).await.ok();
    let leave = format!("/wishes/{}/leave", wish["id"].as_str().unwrap());
    stage.act(&leave, &waiting).await.ok();
    let of = |kind: &str, one: &Value| format!("{kind}:{}", one["id"].as_str().unwrap());
    let (booked, wished) = (of("appointment", &appointment), of("wish", &wish));
    assert_eq!(kinds(&stage, &booked).await, ["appointment.booked", "appointment.cancelled"]);
    assert_eq!(kinds(&stage, &wished).await, ["wish.made", "wish.offered", "wish.left"]);
    let services = &stage.server.services;
    let nurse = stage.staff("nurse").await;
    for (token, topic, may) in [
        (&token, &booked, true),
        (&waiting, &booked, false),
        (&waiting, &wished, true),
        (&token, &wished, false),
        (&nurse, &booked, true),
        (&nurse, &wished, true),
    ] {
        let (actor, _) = services.authenticate(token).await.unwrap().unwrap();
        assert_eq!(services.may_hear(actor, topic.parse().unwrap()).await.is_ok(), may, "{topic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_appointment_is_the_same_one_and_its_old_place_is_free() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let (from, to) = (single(&stage, 3).await, single(&stage, 5).await);
    let appointment = book(&stage, &token, &patient, &from).await;
    let path = format!("/appointments/{}/move", appointment["id"].as_str().unwrap());
    let body = json!({ "slot": to["id"], "version": appointment["version"] });
    let moved = stage.post(&path, &token, body.clone()).await.ok();
    assert_eq!((&moved["id"], &moved["starts_at"]), (&appointment["id"], &to["starts_at"]));
    assert_eq!(stage.post(&path, &token, body).await.status, 422, "it is there already");
    let stale = json!({ "slot": from["id"], "version": appointment["version"] });
    assert_eq!(stage.post(&path, &token, stale).await.refusal(), (409, "appointment.state"));
    let (other, second) = stage.known_patient(2).await;
    book(&stage, &other, &second, &from).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freed_place_is_kept_for_the_first_on_the_waiting_list() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let slot = single(&stage, 6).await;
    let appointment = book(&stage, &token, &patient, &slot).await;
    let day = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["day"].clone();
    let (waiting, second) = stage.known_patient(2).await;
    let wish = json!({ "link": TCM, "patient": second, "doctor": slot["doctor"], "first_day": day, "last_day": day });
    stage.post("/wishes", &waiting, wish).await.ok();
    act(&stage, "cancel", &token, &appointment).await.ok();
    let refused = stage.post("/appointments", &token, request(&slot, &patient)).await;
    assert_eq!(refused.refusal(), (409, "slot.taken"), "nobody goes past the list");
    let wishes = stage.get("/wishes", &waiting).await.ok();
    assert_eq!((&wishes[0]["state"], &wishes[0]["offered"]["id"]), (&json!("offered"), &slot["id"]));
    book(&stage, &waiting, &second, &slot).await;
    assert_eq!(stage.get("/wishes", &waiting).await.ok(), json!([]));
    stage.server.services.run_jobs().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freed_place_passes_by_whoever_has_another_at_that_time() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let slot = single(&stage, 6).await;
    let appointment = book(&stage, &token, &patient, &slot).await;
    let day = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["day"].clone();
    let is_beside = |other: &Value| other["starts_at"] == slot["starts_at"] && other["doctor"] != slot["doctor"];
    let beside = slots(&stage).await.into_iter().find(is_beside).unwrap();
    let mut waiting = Vec::new();
    for n in [2, 3] {
        let (token, patient) = stage.known_patient(n).await;
        if n == 2 {
            book(&stage, &token, &patient, &beside).await;
        }
        let wish = json!({ "link": TCM, "patient": patient, "first_day": day, "last_day": day });
        stage.post("/wishes", &token, wish).await.ok();
        waiting.push(token);
    }
    act(&stage, "cancel", &token, &appointment).await.ok();
    for (token, state) in waiting.iter().zip(["waiting", "offered"]) {
        assert_eq!(stage.get("/wishes", token).await.ok()[0]["state"], state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_nobody_takes_goes_back_to_everybody() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let slot = single(&stage, 6).await;
    let appointment = book(&stage, &token, &patient, &slot).await;
    let day = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["day"].clone();
    let (waiting, second) = stage.known_patient(2).await;
    let wish = json!({ "link": TCM, "patient": second, "first_day": day, "last_day": day });
    stage.post("/wishes", &waiting, wish).await.ok();
    act(&stage, "cancel", &token, &appointment).await.ok();
    stage.server.services.run_jobs().await.unwrap();
    stage.clock.advance(HALF_HOUR);
    stage.server.services.run_jobs().await.unwrap();
    let (token, waiting) = (stage.holder(1).await, stage.holder(2).await);
    assert_eq!(stage.get("/wishes", &waiting).await.ok(), json!([]));
    book(&stage, &token, &patient, &slot).await;
    assert_eq!(texts(stage, "offer").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_who_is_away_closes_the_slots_and_who_booked_is_listed_and_told() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let slot = single(&stage, 4).await;
    let appointment = book(&stage, &token, &patient, &slot).await;
    let admin = stage.staff("admin").await;
    let rosters = stage.get("/rosters", &admin).await.ok();
    let roster = rosters.as_array().unwrap().iter().find(|one| one["doctor"] == slot["doctor"]).unwrap().clone();
    let today = stage.get(&format!("/slots?link={TCM}"), "").await.ok()["day"].clone();
    let off = json!({ "day": today, "kind": "off", "from": "00:00", "to": "24:00" });
    let path = format!("/rosters/{}/exceptions", roster["id"].as_str().unwrap());
    stage.post(&path, &admin, off).await.ok();
    let affected = stage.get("/appointments/affected", &admin).await.ok();
    assert_eq!((&affected[0]["appointment"]["id"], &affected[0]["why"]), (&appointment["id"], &json!("off")));
    assert!(now(&stage, &token, &appointment).await["is_off"].as_bool().unwrap());
    let (other, second) = stage.known_patient(2).await;
    let refused = stage.post("/appointments", &other, request(&slot, &second)).await;
    assert_eq!(refused.refusal(), (409, "slot.closed"));
    let doctor = stage.staff("doctor").await;
    assert_eq!(stage.get("/rosters", &doctor).await.status, 403);
    stage.server.services.run_jobs().await.unwrap();
    assert_eq!(texts(stage, "slot_off").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_that_makes_no_sense_is_refused_by_its_field() {
    let stage = open().await;
    let admin = stage.staff("admin").await;
    let clinics = stage.get("/clinics", &admin).await.ok();
    let rosters = stage.get("/rosters", &admin).await.ok();
    let good = json!({
        "clinic": clinics[0]["id"], "doctor": rosters[0]["doctor"], "weekdays": "135", "from": "09:00", "to": "12:00",
        "minutes": 15, "capacity": 1, "first_day": "2030-01-01"
    });
    let wrong = [
        ("weekdays", json!("8")),
        ("from", json!("9 o'clock")),
        ("to", json!("08:00")),
        ("minutes", json!(1)),
        ("capacity", json!(0)),
        ("first_day", json!("2030-02-30")),
        ("doctor", clinics[0]["id"].clone()),
        ("clinic", rosters[0]["doctor"].clone()),
    ];
    for (field, value) in wrong {
        let mut body = good.clone();
        body[field] = value;
        let refused = stage.post("/rosters", &admin, body).await;
        assert_eq!(refused.refusal(), (422, "roster.invalid"), "{field}: {}", refused.body);
        assert_eq!(refused.body["field"], field);
    }
    let meets = stage.post("/rosters", &admin, good).await;
    assert_eq!((meets.refusal().1, &meets.body["field"]), ("roster.invalid", &json!("from")), "other hours then");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_with_one_wrong_line_changes_nothing_and_names_the_line() {
    let stage = Stage::open().await;
    let admin = stage.staff("admin").await;
    let count = async || stage.get("/rosters", &admin).await.ok().as_array().unwrap().len();
    let before = count().await;
    // The doctors of the demonstration work around the clock: their hours end before others begin.
    for roster in stage.get("/rosters", &admin).await.ok().as_array().unwrap() {
        let end = json!({ "last_day": "2024-01-01", "version": roster["version"] });
        stage.post(&format!("/rosters/{}/end", roster["id"].as_str().unwrap()), &admin, end).await.ok();
    }
    let head = "clinic,doctor,weekdays,from,to,minutes,capacity,first_day,last_day";
    let good = "tcm,doctor,135,09:00,12:00,15,1,2024-02-01,";
    let import = async |lines: &[&str], dry_run: bool| {
        let csv = [&[head], lines].concat().join("\r\n");
        stage.post("/rosters/import", &admin, json!({ "csv": csv, "dry_run": dry_run })).await
    };
    let wrong = [
        ("tcm,doctor,135,09:00,12:00,15,1,2024-02-01", "3:1"),
        ("tcm,nobody,135,09:00,12:00,15,1,2024-02-01,", "3:doctor"),
        ("moon,doctor,135,09:00,12:00,15,1,2024-02-01,", "3:clinic"),
        ("tcm,doctor,24,09:00,12:00,=15,1,2024-02-01,", "3:minutes"),
        ("tcm,doctor,9,09:00,12:00,15,1,2024-02-01,", "3:weekdays"),
        ("tcm,doctor,5,11:00,13:00,15,1,2024-02-01,", "3:from"),
        ("tcm,\"doctor,5,13:00,14:00,15,1,2024-02-01,", "3:2"),
    ];
    for (line, field) in wrong {
        let refused = import(&[good, line], false).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "import.invalid"), &json!(field)), "{line}");
    }
    import(&[good], true).await.ok();
    assert_eq!(count().await, before, "nothing was kept, by the trial neither");
    assert_eq!(import(&[good], false).await.ok()["rosters"], 1);
    assert_eq!(count().await, before + 1);
}
