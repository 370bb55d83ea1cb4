//! Every message of the live protocol.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use yunzhen::protocol::error::ErrorCode;

use super::schema::Wrong;
use super::{Case, Document};
use crate::clinic::live::Socket;
use crate::clinic::stage::{Stage, nothing};

/// After more malformed messages than this a socket is closed.
const PATIENCE: usize = 8;
/// The largest message that is read.
const LARGEST: usize = 128 * 1024;

/// The forms of what a browser says, but for the first message.
fn messages(document: &Document) -> Vec<Value> {
    let forms = document.0["components"]["schemas"]["ClientMessage"]["oneOf"].as_array().unwrap();
    let forms: Vec<_> = forms.iter().filter(|form| document.sample(form)["type"] != "hello").cloned().collect();
    assert!(forms.len() >= 8, "the document knows the messages");
    forms
}

/// What is wrong with the answer to a wrong message; nothing when it is as promised.
fn fault(case: &Case, answer: &Value) -> Option<String> {
    let code = answer["problem"]["code"].as_str().unwrap_or("no code");
    let known = ErrorCode::ALL.iter().any(|known| known.as_str() == code && known.status() < 500);
    let is_of_kind = match case.wrong {
        Wrong::Missing | Wrong::Mistyped | Wrong::Unknown => code == "live.malformed",
        Wrong::Oversized | Wrong::Null => known,
    };
    // A grant or a token that is too long is none; an offer is looked at only in a room that is there.
    let names_itself =
        matches!(code, "room.grant_refused" | "auth.required") || (code == "request.not_found" && case.field == "sdp");
    let is_named = answer["problem"]["field"] == case.field.as_str() || names_itself;
    let id = &case.body["id"];
    let is_addressed = !id.is_u64() || answer["id"] == *id;
    let is_right = answer["type"] == "refused" && is_of_kind && is_named && is_addressed;
    (!is_right).then(|| format!("{} {:?} {}: {answer}", case.body["type"], case.wrong, case.field))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_every_message_is_refused_by_name_and_the_socket_stays() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let document = Document::new(json!({}));
    let mut cases: Vec<_> = messages(&document).iter().flat_map(|form| document.cases(form)).collect();
    // Taking a topic back that was never followed is no fault, whatever its name.
    cases.retain(|case| !(case.body["type"] == "unsubscribe" && matches!(case.wrong, Wrong::Oversized | Wrong::Null)));
    // What is larger than a message may be closes the socket, whatever it says: the last test of this file.
    cases.retain(|case| case.body.to_string().len() < LARGEST);
    let mut faults = Vec::new();
    for some in cases.chunks(PATIENCE) {
        let (mut socket, _) = Socket::hello(&stage, &token, None).await;
        for case in some {
            socket.say(case.body.clone()).await;
            match socket.next().await {
                Ok(answer) => faults.extend(fault(case, &answer)),
                Err(code) => faults.push(format!("{case:?} closed the socket with {code:?}")),
            }
        }
        socket.say(json!({ "type": "ping", "id": 99 })).await;
        assert_eq!(socket.expect("pong").await["id"], 99, "the socket stays");
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), cases.len(), faults.join("\n"));
    assert!(cases.len() > 100, "only {} messages", cases.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_hello_closes_the_socket_with_a_code() {
    let stage = Stage::open().await;
    let document = Document::new(json!({}));
    let form = json!({ "$ref": "#/components/schemas/Hello" });
    for Case { mut body, wrong, field } in document.cases(&form) {
        body["type"] = json!("hello");
        let mut socket = Socket::open(&stage).await;
        socket.say(body).await;
        let bye = socket.next().await.unwrap();
        assert_eq!(bye["type"], "bye", "{wrong:?} {field}");
        assert_eq!(socket.closed().await, Some(4001), "{wrong:?} {field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_hello_is_refused_and_too_many_wrong_messages_close_the_socket() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let (mut socket, _) = Socket::hello(&stage, &token, None).await;
    socket.say(json!({ "type": "hello", "version": 1, "token": token })).await;
    assert_eq!(socket.expect("refused").await["problem"]["code"], "live.malformed");
    for _ in 0..=PATIENCE {
        socket.say(json!({ "type": "dance" })).await;
    }
    assert_eq!(socket.closed().await, Some(4003));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_at_all_closes_the_socket_with_a_code() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let garbage = [
        Message::binary(vec![0, 1, 2]),
        Message::text(""),
        Message::text("{\"type\":\"ping\",\"id\":1} {}"),
        Message::text(deep),
        Message::text(format!("\"{}\"", "x".repeat(1 << 20))),
        Message::binary(vec![0; 1 << 20]),
    ];
    for message in garbage {
        let (socket, _) = Socket::hello(&stage, &token, None).await;
        let told = format!("{} bytes", message.len());
        // The server closes before it has read a large one to its end: a browser reads while it writes.
        let (mut out, mut back) = socket.0.split();
        let heard = async {
            while let Some(Ok(message)) = back.next().await {
                if let Message::Close(frame) = message {
                    return frame.map(|frame| u16::from(frame.code));
                }
            }
            None
        };
        let (_, code) = tokio::join!(out.send(message), heard);
        assert_eq!(code, Some(4004), "{told}");
    }
    let (mut socket, _) = Socket::hello(&stage, &token, None).await;
    socket.say(json!({ "type": "ping", "id": 1 })).await;
    assert_eq!(socket.expect("pong").await["id"], 1, "everybody else talks on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_follows_sixteen_topics_and_the_next_one_waits_for_a_place() {
    let stage = Stage::open().await;
    stage.server.services.roll_slots().await.unwrap();
    let slots = stage.get("/slots?link=demo-tcm-clinic", "").await.ok();
    let mut free = slots["slots"].as_array().unwrap().iter().filter(|slot| slot["free"].as_u64() > Some(0));
    let mut topics = Vec::new();
    for n in 1..=16 {
        let (token, patient) = stage.known_patient(n).await;
        let wanted = json!({ "slot": free.next().unwrap()["id"], "patient": patient });
        let appointment = stage.post("/appointments", &token, wanted).await.ok();
        topics.push(format!("appointment:{}", appointment["id"].as_str().unwrap()));
    }
    let (_, ticket) = stage.patient_waiting(17, nothing()).await;
    let (mut socket, _) = Socket::hello(&stage, &stage.staff("nurse").await, None).await;
    for topic in &topics {
        socket.say(json!({ "type": "subscribe", "id": 1, "topic": topic })).await;
        socket.expect("done").await;
        // Sixteen messages a second are no flood.
        stage.clock.advance(std::time::Duration::from_millis(100));
    }
    let seventeenth = format!("ticket:{}", ticket["id"].as_str().unwrap());
    let seventeenth = json!({ "type": "subscribe", "id": 2, "topic": seventeenth });
    socket.say(seventeenth.clone()).await;
    assert_eq!(socket.expect("refused").await["problem"]["code"], "live.too_many_messages");
    // One that is followed already may be asked for again, and one that is given up makes room.
    socket.say(json!({ "type": "subscribe", "id": 3, "topic": topics[0] })).await;
    assert_eq!(socket.expect("done").await["id"], 3);
    socket.say(json!({ "type": "unsubscribe", "id": 4, "topic": topics[1] })).await;
    assert_eq!(socket.expect("done").await["id"], 4);
    socket.say(seventeenth).await;
    assert_eq!(socket.expect("done").await["id"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_shows_twenty_four_tiles_and_none_of_an_endless_name() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let (mut doctor, _) = Socket::hello(&stage, &visit.doctor, None).await;
    let room = doctor.join(&stage, &visit, &visit.doctor).await["room"].clone();
    let view = |tiles: Vec<Value>| json!({ "type": "view", "id": 7, "room": room, "tiles": tiles });
    let tiles = |count: usize| (0..count).map(|mid| json!({ "mid": mid.to_string(), "height": 180 })).collect();
    let named = |letters: usize| vec![json!({ "mid": "m".repeat(letters), "height": 180 })];
    for tiles in [tiles(24), named(32)] {
        doctor.say(view(tiles)).await;
        assert_eq!(doctor.expect("done").await["id"], 7);
    }
    for tiles in [tiles(25), named(33)] {
        doctor.say(view(tiles)).await;
        let problem = doctor.expect("refused").await["problem"].clone();
        assert_eq!((&problem["code"], &problem["field"]), (&json!("request.invalid"), &json!("tiles")));
    }
    let unheard = |mids: Vec<String>| json!({ "type": "unheard", "id": 9, "room": room, "mids": mids });
    let mids = |count: usize| (0..count).map(|mid| mid.to_string()).collect();
    for (mids, kind) in [(mids(24), "done"), (mids(25), "refused"), (vec!["m".repeat(33)], "refused")] {
        doctor.say(unheard(mids)).await;
        assert_eq!(doctor.expect(kind).await["id"], 9);
    }
    doctor.say(json!({ "type": "ping", "id": 8 })).await;
    assert_eq!(doctor.expect("pong").await["id"], 8, "and the socket stays");
}
