//! What invited people read and write in the conversation of a visit.

use serde_json::{Value, json};
use uuid::Uuid;
use yunzhen::store::Db;

use super::inviting::{enter, room};
use super::live::Socket;
use super::stage::{Answer, Stage, Visit};
use crate::support::sql;

/// Somebody who came with an invitation and stands at the door.
struct Guest {
    token: String,
    socket: Socket,
    seat: Value,
}

/// The doctor's socket in the call of a visit.
async fn host(stage: &Stage, visit: &Visit) -> Socket {
    enter(stage, &visit.doctor, &format!("/visits/{}/grant", visit.id)).await
}

async fn comes(stage: &Stage, visit: &Visit, host: &mut Socket, role: &str, number: u128) -> Guest {
    let wish = json!({ "role": role, "name": "王译员" });
    let made = stage.post(&format!("/visits/{}/invitations", visit.id), &visit.doctor, wish).await.ok();
    let nonce = Uuid::from_u128(number);
    let wish = json!({ "token": made["token"], "nonce": nonce, "name": format!("王小译{number}") });
    let tokens = stage.post("/invitations/use", "", wish).await.ok();
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let socket = enter(stage, &token, "/invitations/mine/grant").await;
    let seen = room(host, |room| room["door"].as_array().is_some_and(|door| !door.is_empty())).await;
    Guest { token, socket, seat: json!([seen["room"], seen["door"][0]["id"]]) }
}

/// A visit of another doctor and another patient.
async fn another_visit(stage: &Stage) -> String {
    let (doctor, desk) = stage.doctor_at_desk("doctor2", 1).await;
    let (patient, _) = stage.patient_waiting(2, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let ticket = view["current"]["ticket"].as_str().unwrap();
    let version = json!({ "version": view["current"]["version"] });
    let accepted = stage.post(&format!("/tickets/{ticket}/accept"), &patient, version).await.ok();
    let version = json!({ "version": accepted["version"] });
    let view = stage.post(&format!("/desks/{desk}/confirm"), &doctor, version).await.ok();
    view["current"]["visit"].as_str().unwrap().to_owned()
}

/// The doctor does something with a guest, and it is done.
async fn does(host: &mut Socket, act: &str, with: &Guest) {
    let [room, seat] = [&with.seat[0], &with.seat[1]];
    host.say(json!({ "type": "host", "id": 9, "room": room, "participant": seat, "act": act })).await;
    host.expect("done").await;
}

struct Talk<'a> {
    stage: &'a Stage,
    path: String,
}

impl Talk<'_> {
    async fn read(&self, token: &str) -> Answer {
        self.stage.get(&self.path, token).await
    }

    async fn write(&self, token: &str, number: u128, text: &str) -> Answer {
        self.stage.post(&self.path, token, json!({ "id": Uuid::from_u128(number), "text": text })).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_reads_and_writes_while_in_the_call_and_not_before_apart_or_after() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let talk = Talk { stage: &stage, path: format!("/visits/{}/messages", visit.id) };
    let mut doctor = host(&stage, &visit).await;
    let mut guest = comes(&stage, &visit, &mut doctor, "interpreter", 1).await;
    assert_eq!(talk.read(&guest.token).await.status, 404, "at the door");
    talk.write(&visit.patient, 1, "您好").await.ok();

    does(&mut doctor, "admit", &guest).await;
    room(&mut guest.socket, |_| true).await;
    let lines = talk.read(&guest.token).await.ok();
    assert_eq!((lines.as_array().unwrap().len(), &lines[0]["text"]), (1, &json!("您好")));
    let said = talk.write(&guest.token, 2, "good day").await.ok();
    let (from, role, mine) = (&said["from"]["zh"], &said["role"], &said["mine"]);
    assert_eq!((from, role, mine), (&json!("王小译1"), &json!("interpreter"), &json!(true)));
    let seen = talk.read(&visit.patient).await.ok()[1].clone();
    assert_eq!(
        (&seen["from"]["zh"], &seen["side"], &seen["mine"]),
        (&json!("王小译1"), &json!("guest"), &json!(false))
    );
    // Whoever is in the call is told that something was said, and nothing more.
    guest.socket.expect("said").await;
    talk.write(&visit.doctor, 3, "请坐").await.ok();
    assert_eq!(guest.socket.expect("said").await["room"], guest.seat[0]);

    does(&mut doctor, "hold", &guest).await;
    assert_eq!(talk.read(&guest.token).await.status, 404, "apart");
    assert_eq!(talk.write(&guest.token, 4, "?").await.status, 404);
    does(&mut doctor, "release", &guest).await;
    talk.read(&guest.token).await.ok();

    does(&mut doctor, "remove", &guest).await;
    assert_eq!(talk.read(&guest.token).await.status, 401, "taken out");
    let kept = talk.read(&visit.doctor).await.ok();
    let names: Vec<_> = kept.as_array().unwrap().iter().map(|line| line["from"]["zh"].clone()).collect();
    assert_eq!(names[1], "王小译1", "what was said stays, under the name of who said it: {names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_held_apart_while_it_cannot_be_written_neither_reads_nor_writes() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let talk = Talk { stage: &stage, path: format!("/visits/{}/messages", visit.id) };
    let mut doctor = host(&stage, &visit).await;
    let mut guest = comes(&stage, &visit, &mut doctor, "family", 1).await;
    does(&mut doctor, "admit", &guest).await;
    room(&mut guest.socket, |_| true).await;
    talk.read(&guest.token).await.ok();

    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "create trigger away before update on seat begin select raise(abort, 'away'); end").await;
    let [id, seat] = [&guest.seat[0], &guest.seat[1]];
    doctor.say(json!({ "type": "host", "id": 9, "room": id, "participant": seat, "act": "hold" })).await;
    doctor.expect("refused").await;
    assert_eq!(talk.read(&guest.token).await.status, 404, "only the room knows it");
    assert_eq!(talk.write(&guest.token, 4, "?").await.status, 404);
    sql::run(&db, "drop trigger away").await;
    db.close().await;
    does(&mut doctor, "hold", &guest).await;
    does(&mut doctor, "release", &guest).await;
    talk.read(&guest.token).await.ok();
    talk.write(&guest.token, 5, "!").await.ok();
}

/// The first time may have been cut off behind the commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_said_again_is_told_to_the_room_again() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let talk = Talk { stage: &stage, path: format!("/visits/{}/messages", visit.id) };
    let mut doctor = host(&stage, &visit).await;
    let mut guest = comes(&stage, &visit, &mut doctor, "family", 1).await;
    does(&mut doctor, "admit", &guest).await;
    room(&mut guest.socket, |_| true).await;
    for _ in 0..2 {
        talk.write(&visit.patient, 1, "您好").await.ok();
        guest.socket.expect("said").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_the_call_by_themselves_reads_no_more_and_of_another_visit_nothing() {
    let stage = Stage::open().await;
    let (visit, other) = (stage.visit().await, another_visit(&stage).await);
    let talk = Talk { stage: &stage, path: format!("/visits/{}/messages", visit.id) };
    let mut doctor = host(&stage, &visit).await;
    let mut guest = comes(&stage, &visit, &mut doctor, "family", 1).await;
    does(&mut doctor, "admit", &guest).await;
    room(&mut guest.socket, |_| true).await;
    talk.read(&guest.token).await.ok();
    assert_eq!(stage.get(&format!("/visits/{other}/messages"), &guest.token).await.status, 404);

    guest.socket.say(json!({ "type": "leave", "id": 5, "room": guest.seat[0] })).await;
    guest.socket.expect("done").await;
    room(&mut doctor, |room| room["participants"].as_array().unwrap().len() == 1).await;
    assert_eq!(talk.read(&guest.token).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_neither_reads_nor_writes() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let talk = Talk { stage: &stage, path: format!("/visits/{}/messages", visit.id) };
    let mut doctor = host(&stage, &visit).await;
    let mut guest = comes(&stage, &visit, &mut doctor, "observer", 1).await;
    does(&mut doctor, "admit", &guest).await;
    room(&mut guest.socket, |_| true).await;
    assert_eq!(talk.read(&guest.token).await.status, 404);
    assert_eq!(talk.write(&guest.token, 2, "hello").await.status, 404);
}
