//! Two words about one seat in one moment: what is written is what the room says last.

use serde_json::{Value, json};
use yunzhen::domain::room::{HostAct, Input};
use yunzhen::store::Db;

use super::at_hand::AtHand;
use super::audits::entries;
use super::live::Socket;
use super::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn one_press_of_mute_that_waited_for_the_database_is_done_once() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    doctor.join(&stage, &visit, &visit.doctor).await;
    let mut patient = AtHand::sit(&stage, &visit, &visit.patient).await;
    let (services, room, whom) = (&stage.server.services, patient.room, patient.participant());
    let is = |muted: bool| {
        move |message: &Value| {
            let everybody = message["room"]["participants"].as_array();
            let own = everybody.and_then(|all| all.iter().find(|one| one["id"] == json!(whom)));
            own.is_some_and(|own| own["muted"] == json!(muted))
        }
    };
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    // Whoever writes waits from here on: the first word does, and the second is done before its turn.
    let held = db.begin().await.unwrap();
    for (id, act) in [(7, "release"), (8, "mute")] {
        doctor.say(json!({ "type": "host", "id": id, "room": room, "participant": whom, "act": act })).await;
    }
    patient.told(is(true)).await;
    let (actor, connection) = (patient.actor, patient.connection);
    let speaks = services.unmute(actor, connection, room);
    let meanwhile = async {
        patient.told(is(false)).await;
        drop(held);
    };
    let (spoke, ()) = tokio::join!(speaks, meanwhile);
    spoke.unwrap();
    loop {
        let message = doctor.next().await.unwrap();
        if message["id"] == 8 {
            assert_eq!(message["type"], "done", "{message}");
            break;
        }
    }
    assert!(!services.live.seat(room, whom).await.unwrap().unwrap().muted, "whoever spoke since is muted again");
    assert!(!db.read().await.unwrap().rooms().find_seat(whom).await.unwrap().unwrap().muted);
    assert_eq!(entries(&stage, "room.mute").await.len(), 1);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_again_before_it_was_written_that_they_spoke_is_kept_as_muted() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut doctor = AtHand::sit(&stage, &visit, &visit.doctor).await;
    let patient = AtHand::sit(&stage, &visit, &visit.patient).await;
    let (services, room, whom) = (&stage.server.services, doctor.room, patient.participant());
    let is = |muted: bool| {
        move |message: &Value| {
            let everybody = message["room"]["participants"].as_array();
            let own = everybody.and_then(|all| all.iter().find(|one| one["id"] == json!(whom)));
            own.is_some_and(|own| own["muted"] == json!(muted))
        }
    };
    services.host(doctor.actor, doctor.connection, room, whom, HostAct::Mute, None).await.unwrap();
    doctor.told(is(true)).await;

    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    // Whoever writes waits from here on.
    let held = db.begin().await.unwrap();
    let speaks = services.unmute(patient.actor, patient.connection, room);
    let meanwhile = async {
        doctor.told(is(false)).await;
        // The host's next word: the seat is written as muted, so that its own writing finds nothing to do, whenever it comes.
        let mute = Input::Host { by: doctor.connection, participant: whom, act: HostAct::Mute };
        services.live.say(doctor.connection, room, mute).await.unwrap();
        doctor.told(is(true)).await;
        drop(held);
    };
    let (spoke, ()) = tokio::join!(speaks, meanwhile);
    spoke.unwrap();
    let seat = db.read().await.unwrap().rooms().find_seat(whom).await.unwrap().unwrap();
    assert!(seat.muted, "after a restart the room would let through who is muted now");
    db.close().await;
}
