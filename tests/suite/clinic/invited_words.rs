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

/// A visit whose doctor is in the call, and its conversation.
struct Talk {
    stage: Stage,
    visit: Visit,
    path: String,
    doctor: Socket,
}

impl Talk {
    async fn begin() -> Self {
        let stage = Stage::open().await;
        let visit = stage.visit().await;
        let path = format!("/visits/{}/messages", visit.id);
        let doctor = enter(&stage, &visit.doctor, &format!("/visits/{}/grant", visit.id)).await;
        Self { stage, visit, path, doctor }
    }

    /// Somebody who was invited stands at the door.
    async fn comes(&mut self, role: &str) -> Guest {
        let Self { stage, visit, doctor, .. } = self;
        let wish = json!({ "role": role, "name": "王译员" });
        let made = stage.post(&format!("/visits/{}/invitations", visit.id), &visit.doctor, wish).await.ok();
        let wish = json!({ "token": made["token"], "nonce": Uuid::from_u128(1), "name": "王小译1" });
        let tokens = stage.post("/invitations/use", "", wish).await.ok();
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        let socket = enter(stage, &token, "/invitations/mine/grant").await;
        let seen = room(doctor, |room| room["door"].as_array().is_some_and(|door| !door.is_empty())).await;
        Guest { token, socket, seat: json!([seen["room"], seen["door"][0]["id"]]) }
    }

    /// The same, who is let in at once.
    async fn enters(&mut self, role: &str) -> Guest {
        let mut guest = self.comes(role).await;
        self.does("admit", &guest).await;
        room(&mut guest.socket, |_| true).await;
        guest
    }

    /// The doctor does something with a guest, and it is done.
    async fn does(&mut self, act: &str, with: &Guest) {
        self.orders(act, with).await;
        self.doctor.expect("done").await;
    }

    async fn orders(&mut self, act: &str, with: &Guest) {
        let [room, seat] = [&with.seat[0], &with.seat[1]];
        self.doctor.say(json!({ "type": "host", "id": 9, "room": room, "participant": seat, "act": act })).await;
    }

    async fn read(&self, token: &str) -> Answer {
        self.stage.get(&self.path, token).await
    }

    async fn write(&self, token: &str, number: u128, text: &str) -> Answer {
        self.stage.post(&self.path, token, json!({ "id": Uuid::from_u128(number), "text": text })).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_reads_and_writes_while_in_the_call_and_not_before_apart_or_after() {
    let mut talk = Talk::begin().await;
    let mut guest = talk.comes("interpreter").await;
    assert_eq!(talk.read(&guest.token).await.status, 404, "at the door");
    talk.write(&talk.visit.patient, 1, "您好").await.ok();

    talk.does("admit", &guest).await;
    room(&mut guest.socket, |_| true).await;
    let lines = talk.read(&guest.token).await.ok();
    assert_eq!((lines.as_array().unwrap().len(), &lines[0]["text"]), (1, &json!("您好")));
    let said = talk.write(&guest.token, 2, "good day").await.ok();
    let (from, role, mine) = (&said["from"]["zh"], &said["role"], &said["mine"]);
    assert_eq!((from, role, mine), (&json!("王小译1"), &json!("interpreter"), &json!(true)));
    let seen = talk.read(&talk.visit.patient).await.ok()[1].clone();
    assert_eq!(
        (&seen["from"]["zh"], &seen["side"], &seen["mine"]),
        (&json!("王小译1"), &json!("guest"), &json!(false))
    );
    // Whoever is in the call is told that something was said, and nothing more.
    guest.socket.expect("said").await;
    talk.write(&talk.visit.doctor, 3, "请坐").await.ok();
    assert_eq!(guest.socket.expect("said").await["room"], guest.seat[0]);

    talk.does("hold", &guest).await;
    assert_eq!(talk.read(&guest.token).await.status, 404, "apart");
    assert_eq!(talk.write(&guest.token, 4, "?").await.status, 404);
    talk.does("release", &guest).await;
    talk.read(&guest.token).await.ok();

    talk.does("remove", &guest).await;
    assert_eq!(talk.read(&guest.token).await.status, 401, "taken out");
    let kept = talk.read(&talk.visit.doctor).await.ok();
    let names: Vec<_> = kept.as_array().unwrap().iter().map(|line| line["from"]["zh"].clone()).collect();
    assert_eq!(names[1], "王小译1", "what was said stays, under the name of who said it: {names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_held_apart_while_it_cannot_be_written_neither_reads_nor_writes() {
    let mut talk = Talk::begin().await;
    let guest = talk.enters("family").await;
    talk.read(&guest.token).await.ok();

    let db = Db::open(&format!("sqlite:{}", talk.stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "create trigger away before update on seat begin select raise(abort, 'away'); end").await;
    talk.orders("hold", &guest).await;
    talk.doctor.expect("refused").await;
    assert_eq!(talk.read(&guest.token).await.status, 404, "only the room knows it");
    assert_eq!(talk.write(&guest.token, 4, "?").await.status, 404);
    sql::run(&db, "drop trigger away").await;
    db.close().await;
    talk.does("hold", &guest).await;
    talk.does("release", &guest).await;
    talk.read(&guest.token).await.ok();
    talk.write(&guest.token, 5, "!").await.ok();
}

/// The first time may have been cut off behind the commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_said_again_is_told_to_the_room_again() {
    let mut talk = Talk::begin().await;
    let mut guest = talk.enters("family").await;
    for _ in 0..2 {
        talk.write(&talk.visit.patient, 1, "您好").await.ok();
        guest.socket.expect("said").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_the_call_by_themselves_reads_no_more_and_of_another_visit_nothing() {
    let mut talk = Talk::begin().await;
    let other = talk.stage.visit_at(("doctor2", 1), 2, json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    let mut guest = talk.enters("family").await;
    talk.read(&guest.token).await.ok();
    assert_eq!(talk.stage.get(&format!("/visits/{}/messages", other.id), &guest.token).await.status, 404);

    guest.socket.say(json!({ "type": "leave", "id": 5, "room": guest.seat[0] })).await;
    guest.socket.expect("done").await;
    room(&mut talk.doctor, |room| room["participants"].as_array().unwrap().len() == 1).await;
    assert_eq!(talk.read(&guest.token).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_neither_reads_nor_writes() {
    let mut talk = Talk::begin().await;
    let guest = talk.enters("observer").await;
    assert_eq!(talk.read(&guest.token).await.status, 404);
    assert_eq!(talk.write(&guest.token, 2, "hello").await.status, 404);
}
