//! An administrator makes a doctor's hours: they are seen before they are kept, and become what was seen.

use serde_json::{Value, json};

use super::stage::Stage;

const TCM: &str = "demo-tcm-clinic";
/// The day after the one on which the stage begins.
const TOMORROW: &str = "2023-11-16";

/// The times on the wall of a doctor's slots that can be booked on a day.
async fn bookable(stage: &Stage, doctor: &Value, day: &str) -> Vec<String> {
    let view = stage.get(&format!("/slots?link={TCM}&day={day}"), "").await.ok();
    let slots = view["slots"].as_array().unwrap().iter().filter(|slot| slot["doctor"] == *doctor);
    // The place is eight hours before UTC.
    let minutes = slots.map(|slot| (slot["starts_at"].as_i64().unwrap() / 60_000 + 8 * 60) % (24 * 60));
    minutes.map(|minute| format!("{:02}:{:02}", minute / 60, minute % 60)).collect()
}

/// The times of a day of a preview, and whether the doctor has other slots then.
fn seen(preview: &Value, at: usize) -> Vec<(String, bool)> {
    let slots = preview["days"][at]["slots"].as_array().unwrap().iter();
    slots.map(|slot| (slot["time"].as_str().unwrap().to_owned(), slot["is_busy"].as_bool().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_become_what_their_preview_showed() {
    let stage = Stage::open().await;
    // Slots that end with the hours of before stand where the new ones begin.
    stage.server.services.roll_slots().await.unwrap();
    let admin = stage.staff("admin").await;
    let preview = async |body: &Value| stage.post("/rosters/preview", &admin, body.clone()).await.ok();
    let clinics = stage.get("/clinics", &admin).await.ok();
    let old = stage.get("/rosters", &admin).await.ok()[0].clone();
    let doctor = old["doctor"].clone();
    let hours = json!({
        "clinic": old["clinic"], "doctor": doctor, "weekdays": "1234567", "from": "09:00", "to": "10:30",
        "minutes": 20, "capacity": 2, "first_day": TOMORROW
    });
    let met = preview(&hours).await;
    assert_eq!(met["conflicts"].as_array().unwrap().len(), 1);
    assert_eq!(met["conflicts"][0]["id"], old["id"], "the doctor of the demonstration works around the clock");
    assert_eq!(stage.post("/rosters", &admin, hours.clone()).await.refusal(), (422, "roster.invalid"));
    let end = json!({ "last_day": old["first_day"], "version": old["version"] });
    stage.post(&format!("/rosters/{}/end", old["id"].as_str().unwrap()), &admin, end).await.ok();

    let clear = preview(&hours).await;
    assert_eq!(clear["conflicts"], json!([]));
    let (slots, days) = (clear["slots"].as_i64().unwrap(), clear["days"].as_array().unwrap());
    assert_eq!((clear["places"].as_i64().unwrap(), days.len()), (slots * 2, 7), "two patients a slot; a week is shown");
    let kept = stage.get("/rosters", &admin).await.ok();
    assert!(!kept.as_array().unwrap().iter().any(|one| one["from"] == "09:00"), "a preview keeps nothing");
    let made = stage.post("/rosters", &admin, hours).await.ok();
    for (at, day) in days.iter().enumerate() {
        let wanted: Vec<String> = seen(&clear, at).into_iter().map(|(time, _)| time).collect();
        assert_eq!(bookable(&stage, &doctor, day["day"].as_str().unwrap()).await, wanted, "{day}");
    }

    // A single day of extra hours meets no week, and its slots are the doctor's all the same.
    let day = days[3]["day"].clone();
    let extra = json!({ "day": day, "kind": "extra", "from": "14:00", "to": "14:40" });
    stage.post(&format!("/rosters/{}/exceptions", made["id"].as_str().unwrap()), &admin, extra).await.ok();
    let fever = clinics.as_array().unwrap().iter().find(|one| one["id"] != made["clinic"]).unwrap();
    let afternoon = json!({
        "clinic": fever["id"], "doctor": doctor, "weekdays": "1234567", "from": "14:00", "to": "15:00",
        "minutes": 20, "capacity": 1, "first_day": day
    });
    let other = preview(&afternoon).await;
    let times = ["14:00", "14:20", "14:40"].map(str::to_owned);
    assert_eq!((&other["conflicts"], &other["days"][0]["day"]), (&json!([]), &day));
    assert_eq!(seen(&other, 0), times.clone().into_iter().zip([true, true, false]).collect::<Vec<_>>());
    assert_eq!(seen(&other, 1), times.map(|time| (time, false)));
    let doctors_own = stage.staff("doctor").await;
    assert_eq!(stage.post("/rosters/preview", &doctors_own, afternoon).await.refusal(), (403, "auth.forbidden"));
}
