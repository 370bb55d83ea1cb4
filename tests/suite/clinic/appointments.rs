//! What an appointment is outside of the waiting room: a file of a calendar, a place that moved, a window that is behind.

use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::json;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use super::booking::{TCM, act, book, booked, now, open, single};
use super::prescriptions::{begin, herbal, line, returning, save, tick};
use super::stage::Stage;

/// A file as a browser gets it: status, type, name, text.
async fn downloaded(stage: &Stage, path: &str, token: &str) -> (u16, String, String, String) {
    let url = format!("http://{}/api/v1{path}", stage.server.http_addr);
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (kind, name) = (header(CONTENT_TYPE), header(CONTENT_DISPOSITION));
    (answer.status().as_u16(), kind, name, answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_is_downloaded_as_a_calendars_file_by_its_holder_and_by_nobody_else() {
    let stage = open().await;
    let (token, _, appointment) = booked(&stage, 1).await;
    let path = format!("/appointments/{}/calendar.ics", appointment["id"].as_str().unwrap());
    let (status, kind, name, text) = downloaded(&stage, &path, &token).await;
    assert_eq!((status, &kind[..]), (200, "text/calendar; charset=utf-8"));
    assert_eq!(name, "attachment; filename=\"appointment.ics\"");
    let starts = jiff::Timestamp::from_millisecond(appointment["starts_at"].as_i64().unwrap()).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!((lines[0], lines[lines.len() - 2]), ("BEGIN:VCALENDAR", "END:VCALENDAR"), "{text}");
    for line in ["BEGIN:VEVENT", "STATUS:CONFIRMED", &format!("DTSTART:{}", starts.strftime("%Y%m%dT%H%M%SZ"))] {
        assert!(lines.contains(&line), "{line}: {text}");
    }
    let stranger = stage.holder(2).await;
    let (status, _, _, text) = downloaded(&stage, &path, &stranger).await;
    assert_eq!((status, text.contains("VCALENDAR")), (404, false), "{text}");
    assert_eq!(downloaded(&stage, &path, "").await.0, 401);
    // One that was given back takes itself out of the calendar.
    act(&stage, "cancel", &token, &appointment).await.ok();
    let text = downloaded(&stage, &path, &token).await.3;
    assert!(text.contains("STATUS:CANCELLED\r\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_whose_zone_has_other_rules_now_is_listed_with_the_reason_and_what_was_promised() {
    let stage = open().await;
    let (token, patient) = stage.known_patient(1).await;
    let appointment = book(&stage, &token, &patient, &single(&stage, 4).await).await;
    let (other, second) = stage.known_patient(2).await;
    book(&stage, &other, &second, &single(&stage, 5).await).await;
    let admin = stage.staff("admin").await;
    assert_eq!(stage.get("/appointments/affected", &admin).await.ok(), json!([]), "by the rules of today all is well");
    // It was booked by older rules, by which that time on the wall came seven minutes later.
    let promised = appointment["starts_at"].as_i64().unwrap();
    let file = SqliteConnectOptions::new().filename(stage.folder.path().join("yunzhen.db"));
    let pool = SqlitePool::connect_with(file).await.unwrap();
    for change in [
        "update slot set starts_at = starts_at + 420000, ends_at = ends_at + 420000 where starts_at = $1 and taken = 1",
        "update appointment set starts_at = starts_at + 420000, ends_at = ends_at + 420000 where starts_at = $1",
    ] {
        assert_eq!(sqlx::query(change).bind(promised).execute(&pool).await.unwrap().rows_affected(), 1, "{change}");
    }
    let affected = stage.get("/appointments/affected", &admin).await.ok();
    assert_eq!(affected.as_array().unwrap().len(), 1, "{affected}");
    let one = &affected[0];
    assert_eq!((&one["appointment"]["id"], &one["why"]), (&appointment["id"], &json!("zone")));
    assert_eq!(one["is_now"].as_i64(), Some(promised), "the moment that the promise is now");
    let wall = jiff::Timestamp::from_millisecond(promised).unwrap().in_tz("Asia/Shanghai").unwrap();
    let shown =
        json!({ "zone": "Asia/Shanghai", "day": wall.date().to_string(), "time": wall.strftime("%H:%M").to_string() });
    assert_eq!(one["promised"], shown, "what stays is the time on the wall");
    let doctor = stage.staff("doctor").await;
    assert_eq!(stage.get("/appointments/affected", &doctor).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_an_older_appointment_is_told_the_newer_one_and_changes_nothing() {
    let stage = open().await;
    let (token, patient, old) = booked(&stage, 1).await;
    let path = |what: &str| format!("/appointments/{}/{what}", old["id"].as_str().unwrap());
    let (to, other) = (single(&stage, 3).await, single(&stage, 4).await);
    let moved = json!({ "slot": to["id"], "version": old["version"] });
    let newer = stage.post(&path("move"), &token, moved).await.ok();
    let declaration = stage.declare_at(TCM, &token, &patient, json!({})).await;
    for (what, body) in [
        ("move", json!({ "slot": other["id"], "version": old["version"] })),
        ("cancel", json!({ "version": old["version"] })),
        ("check-in", json!({ "declaration": declaration["id"], "version": old["version"] })),
    ] {
        let refused = stage.post(&path(what), &token, body).await;
        assert_eq!(refused.refusal(), (409, "appointment.state"), "{what}");
        assert_eq!(refused.body["newer"], newer, "{what}: what is there now");
    }
    assert_eq!(now(&stage, &token, &old).await, newer);
    // The slot that was wanted is free again.
    let (second, patient) = stage.known_patient(2).await;
    book(&stage, &second, &patient, &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_saves_over_a_newer_prescription_is_told_that_one_and_loses_none() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let old = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
    let newer = save(&stage, &visit, &old, herbal(&[line("陈皮", 6000)])).await.ok();
    let refused = save(&stage, &visit, &old, herbal(&[line("甘草", 3000)])).await;
    assert_eq!(refused.refusal(), (409, "version.conflict"));
    assert_eq!(refused.body["newer"], newer);
    let list = stage.get(&format!("/visits/{}/prescriptions", visit.id), &visit.doctor).await.ok();
    assert_eq!(list["prescriptions"][0]["content"], newer["content"]);
}
