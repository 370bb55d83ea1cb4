//! A call that nobody watches is told by text message: once, in the patient's language, and never in the call's way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::routing::post;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::task::TaskTracker;

use super::stage::{LINK, Stage, nothing};

/// The longest that a test waits; it ends at once when what it waits for is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the server, which waits for what is still being sent; the messages of calls that left it.
async fn texts(stage: Stage) -> Vec<Value> {
    texts_of(stage, "called").await
}

/// The same of the messages of one kind.
async fn texts_of(stage: Stage, kind: &str) -> Vec<Value> {
    stage.server.stop().await;
    let outbox = std::fs::read_to_string(stage.folder.path().join("outbox.jsonl")).unwrap();
    let messages = outbox.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    messages.filter(|message| message["kind"] == kind).collect()
}

/// A patient's page: a socket that watches the ticket.
async fn page(stage: &Stage, token: &str, ticket: &Value) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let url = format!("ws://{}/api/v1/ws", stage.server.http_addr);
    let (mut socket, _) = connect_async(url).await.unwrap();
    for message in [
        json!({ "type": "hello", "version": 1, "token": token }),
        json!({ "type": "watch", "id": 1, "ticket": ticket["id"] }),
    ] {
        socket.send(Message::text(message.to_string())).await.unwrap();
    }
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("an answer in time").unwrap().unwrap();
        if message.to_text().unwrap().contains("\"done\"") {
            return socket;
        }
    }
}

async fn is_online(stage: &Stage, doctor: &str) -> bool {
    let clinics = stage.get("/clinics", doctor).await.ok();
    let board = stage.get(&format!("/clinics/{}/board", clinics[0]["id"].as_str().unwrap()), doctor).await.ok();
    board["tickets"][0]["online"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_watches_is_told_by_one_text_message() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.patient_waiting(1, nothing()).await;
    stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    stage.pass(Duration::from_secs(11)).await;
    stage.pass(Duration::from_secs(11)).await;
    let told = texts(stage).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["to"], "+8613800000001");
    let text = told[0]["text"].as_str().unwrap();
    assert!(text.starts_with("【云诊】") && text.contains(&format!("/v/{LINK} ")), "{text}");
    assert!(!text.contains("测试患者") && !text.contains("0001"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_rings_on_an_open_page_sends_nothing() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, ticket) = stage.patient_waiting(1, nothing()).await;
    let _page = page(&stage, &patient, &ticket).await;
    stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    stage.pass(Duration::from_secs(11)).await;
    assert!(texts(stage).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_vanishes_while_it_rings_is_told_after_ten_seconds() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    let (patient, ticket) = stage.patient_waiting(1, nothing()).await;
    let page = page(&stage, &patient, &ticket).await;
    stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    drop(page);
    let gone = async { while is_online(&stage, &doctor).await {} };
    tokio::time::timeout(PATIENCE, gone).await.expect("the server notices a closed socket");
    stage.pass(Duration::from_secs(11)).await;
    assert_eq!(texts(stage).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_told_once_and_in_the_language_of_the_sign_in() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.patient_waiting(1, nothing()).await;
    // The same person signs in again, in English; a minute later, for codes have their distance.
    stage.clock.advance(Duration::from_secs(61));
    let phone = "13800000001";
    let sent = stage.post("/auth/code", "", json!({ "link": LINK, "phone": phone, "locale": "en" })).await.ok();
    let verify = json!({ "link": LINK, "phone": phone, "challenge": sent["challenge"], "code": sent["demo_code"], "locale": "en" });
    stage.post("/auth/code/verify", "", verify).await.ok();
    stage.act(&format!("/desks/{desk}/open"), &doctor).await.ok();
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let version = json!({ "version": view["current"]["version"] });
    stage.post(&format!("/desks/{desk}/recall"), &doctor, version).await.ok();
    let told = texts(stage).await;
    assert_eq!(told.len(), 2, "the call, and the second ring: {told:?}");
    assert!(told.iter().all(|one| one["text"].as_str().unwrap().starts_with("[Yunzhen] It is your turn")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_hangs_keeps_nobody_from_calling() {
    // It takes one-time codes, and never answers to the message of a call.
    let (seen, mut called) = mpsc::channel(8);
    let gateway = post(move |Json(message): Json<Value>| {
        let seen = seen.clone();
        async move {
            if message["kind"] == "called" {
                seen.send(message).await.unwrap();
                std::future::pending::<()>().await;
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, axum::Router::new().route("/", gateway)).await });

    let stage = Stage::open_with_gateway(Some(url)).await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.patient_waiting(1, nothing()).await;
    let call = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    assert_eq!(call["current"]["phase"], "called");
    let message = tokio::time::timeout(PATIENCE, called.recv()).await.expect("the message leaves").unwrap();
    assert_eq!(message.as_object().unwrap().len(), 3, "to, text, kind: {message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nurses_call_that_nobody_watches_is_told_by_one_text_message() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (_, ticket) = stage.patient_waiting(1, nothing()).await;
    let call = format!("/tickets/{}/nurse-call", ticket["id"].as_str().unwrap());
    stage.act(&call, &nurse).await.ok();
    assert_eq!(stage.act(&call, &nurse).await.refusal(), (409, "alarm.taken"), "one call at a time");
    stage.pass(Duration::from_secs(11)).await;
    let told = texts_of(stage, "nurse_called").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["to"], "+8613800000001");
    assert!(told[0]["text"].as_str().unwrap().contains(&format!("/v/{LINK} ")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nurses_call_on_an_open_page_sends_nothing() {
    let stage = Stage::open().await;
    let nurse = stage.staff("nurse").await;
    let (patient, ticket) = stage.patient_waiting(1, nothing()).await;
    let _page = page(&stage, &patient, &ticket).await;
    stage.act(&format!("/tickets/{}/nurse-call", ticket["id"].as_str().unwrap()), &nurse).await.ok();
    assert!(texts_of(stage, "nurse_called").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_the_gateway_did_not_take_is_sent_again_later_and_then_no_more() {
    let (seen, mut tried) = mpsc::channel(64);
    let is_away = Arc::new(AtomicBool::new(true));
    let away = Arc::clone(&is_away);
    let gateway = post(move |Json(message): Json<Value>| {
        let (seen, away) = (seen.clone(), Arc::clone(&away));
        async move {
            if message["kind"] != "near_turn" {
                return StatusCode::OK;
            }
            let answer = if away.load(Ordering::SeqCst) { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
            seen.send(answer).await.unwrap();
            answer
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move { axum::serve(listener, axum::Router::new().route("/", gateway)).await });

    let stage = Stage::open_with_gateway(Some(url)).await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    for n in 1..=2 {
        stage.patient_waiting(n, nothing()).await;
    }
    stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let next = async |tried: &mut mpsc::Receiver<StatusCode>| {
        tokio::time::timeout(PATIENCE, tried.recv()).await.expect("the gateway is asked").unwrap()
    };
    // Two tries at once, and two again when the first pause is over.
    for pause in [0, 1] {
        stage.clock.advance(Duration::from_mins(pause));
        stage.server.services.run_jobs().await.unwrap();
        assert_eq!([next(&mut tried).await, next(&mut tried).await], [StatusCode::BAD_GATEWAY; 2]);
    }
    is_away.store(false, Ordering::SeqCst);
    stage.clock.advance(Duration::from_mins(1));
    stage.server.services.run_jobs().await.unwrap();
    assert_eq!(next(&mut tried).await, StatusCode::OK);
    stage.clock.advance(Duration::from_hours(1));
    stage.server.services.run_jobs().await.unwrap();
    stage.server.stop().await;
    assert!(tried.try_recv().is_err(), "what was taken is not sent again");
}
