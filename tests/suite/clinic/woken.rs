//! A page that wakes after its seat was lost for a reason hears the reason, and does not take the seat away again.

use serde_json::{Value, json};
use yunzhen::domain::ids::RoomId;
use yunzhen::domain::room::RoomEnd;

use super::live::Socket;
use super::stage::Stage;

fn resume(welcome: &Value) -> &str {
    welcome["resume"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_slept_while_another_window_took_its_seat_is_told_so_until_it_sits_there_again() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut older, welcome) = Socket::hello(&stage, &visit.doctor, None).await;
    assert_eq!(welcome["ended"], json!([]));
    let room = older.join(&stage, &visit, &visit.doctor).await["room"].clone();
    drop(older);
    let (mut newer, _) = Socket::hello(&stage, &visit.doctor, None).await;
    assert_eq!(newer.join(&stage, &visit, &visit.doctor).await["room"], room);

    let replaced = json!([{ "room": room, "reason": "replaced" }]);
    let mut resumed = resume(&welcome).to_owned();
    // However often it comes back.
    for _ in 0..2 {
        let (woken, welcome) = Socket::hello(&stage, &visit.doctor, Some(&resumed)).await;
        let told = (&welcome["resumed"], &welcome["rooms"], &welcome["ended"]);
        assert_eq!(told, (&json!(true), &json!([]), &replaced));
        resumed = resume(&welcome).to_owned();
        drop(woken);
    }
    // Its person wants the seat here.
    let (mut woken, welcome) = Socket::hello(&stage, &visit.doctor, Some(&resumed)).await;
    woken.join(&stage, &visit, &visit.doctor).await;
    assert_eq!(newer.expect("room_ended").await["reason"], "replaced");
    drop(woken);
    let (_, welcome) = Socket::hello(&stage, &visit.doctor, Some(resume(&welcome))).await;
    assert_eq!((&welcome["rooms"], &welcome["ended"]), (&json!([room]), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_slept_through_the_end_of_the_visit_is_told_how_it_ended() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut patient, welcome) = Socket::hello(&stage, &visit.patient, None).await;
    let room = patient.join(&stage, &visit, &visit.patient).await["room"].clone();
    drop(patient);
    let id = RoomId::from_uuid(room.as_str().unwrap().parse().unwrap());
    stage.server.services.live.end(id, RoomEnd::Emergency).await;
    let told = loop {
        let (_, welcome) = Socket::hello(&stage, &visit.patient, Some(resume(&welcome))).await;
        // The end is said on its own task.
        if welcome["rooms"] == json!([]) {
            break welcome["ended"].clone();
        }
    };
    assert_eq!(told, json!([{ "room": room, "reason": "emergency" }]));
}
