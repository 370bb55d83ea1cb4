//! Every message of the live protocol.

use futures_util::SinkExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use yunzhen::protocol::error::ErrorCode;

use super::schema::Wrong;
use super::{Case, Document};
use crate::clinic::live::Socket;
use crate::clinic::stage::Stage;

/// After more malformed messages than this a socket is closed.
const PATIENCE: usize = 8;

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
    // A grant, a token, a topic that are too long are refused as what they are not.
    let names_itself = matches!(code, "room.grant_refused" | "auth.required");
    // Behind the tag of a message a field of a field is told by its own name.
    let own = case.field.rsplit('.').next().unwrap_or_default();
    let field = &answer["problem"]["field"];
    // A room is looked for before the length of what is said there.
    let is_elsewhere = case.wrong == Wrong::Oversized && code == "request.not_found";
    let is_named = *field == case.field.as_str() || *field == own || names_itself || is_elsewhere;
    let id = &case.body["id"];
    let is_addressed = !id.is_u64() || answer["id"] == *id;
    let is_right = answer["type"] == "refused" && is_of_kind && is_named && is_addressed;
    (!is_right).then(|| format!("{} {:?} {}: {answer}", case.body["type"], case.wrong, case.field))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_every_message_is_refused_by_name_and_the_socket_stays() {
    let stage = Stage::open().await;
    let token = stage.staff("nurse").await;
    let document = Document::new();
    let mut cases: Vec<_> = messages(&document).iter().flat_map(|form| document.cases(form)).collect();
    // Taking a topic back that was never followed is no fault, whatever its name.
    cases.retain(|case| !(case.body["type"] == "unsubscribe" && matches!(case.wrong, Wrong::Oversized | Wrong::Null)));
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
    let document = Document::new();
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
        let (mut socket, _) = Socket::hello(&stage, &token, None).await;
        let told = format!("{} bytes", message.len());
        let is_large = message.len() >= 1 << 20;
        // The server closes before it has read a large one to its end; its sender may see the reset instead of the code.
        socket.0.send(message).await.ok();
        let code = socket.closed().await;
        assert!(code == Some(4004) || (is_large && code.is_none()), "{told}: {code:?}");
    }
    let (mut socket, _) = Socket::hello(&stage, &token, None).await;
    socket.say(json!({ "type": "ping", "id": 1 })).await;
    assert_eq!(socket.expect("pong").await["id"], 1, "everybody else talks on");
}
