//! Pictures of the conversation: known by their bytes, bounded, and for the two of the visit alone.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::stage::{Answer, Stage, Visit};

/// A PNG of 320 × 240 pixels with these chunks between its head and its end.
pub fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    png_of(320, 240, chunks)
}

fn png_of(width: u32, height: u32, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    for (kind, data) in [(b"IHDR", &head[..])].iter().chain(chunks).chain(&[(b"IEND", &[][..])]) {
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(*kind);
        bytes.extend_from_slice(data);
        bytes.extend([0; 4]);
    }
    bytes
}

async fn attach(stage: &Stage, visit: &str, token: &str, bytes: Vec<u8>) -> Answer {
    attach_as(stage, visit, token, bytes, None).await
}

/// The same as a command of this key.
async fn attach_as(stage: &Stage, visit: &str, token: &str, bytes: Vec<u8>, key: Option<&str>) -> Answer {
    let url = format!("http://{}/api/v1/visits/{visit}/attachments", stage.server.http_addr);
    let request = reqwest::Client::new().post(url).bearer_auth(token).header("content-type", "image/png").body(bytes);
    let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    Answer { status, body: response.json().await.unwrap_or_default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_for_the_two_of_its_visit_and_what_is_none_is_refused() {
    let stage = Stage::open().await;
    let Visit { patient, doctor, id, .. } = stage.visit().await;
    let picture = attach(&stage, &id, &patient, png(&[(b"IDAT", b"pixels")])).await.ok();
    assert_eq!(picture["mime"], "image/png");
    let path = format!("/attachments/{}", picture["id"].as_str().unwrap());
    assert_eq!(stage.get(&path, &doctor).await.status, 200);
    let (stranger, _) = stage.known_patient(7).await;
    assert_eq!(stage.get(&path, &stranger).await.refusal(), (404, "request.not_found"));
    assert_eq!(
        attach(&stage, &id, &stranger, png(&[(b"IDAT", b"pixels")])).await.refusal(),
        (404, "request.not_found")
    );

    let told = png(&[(b"IDAT", b"pixels"), (b"eXIf", b"31.2 N 121.5 E"), (b"tEXt", b"31.2 N 121.5 E")]);
    let shown = attach(&stage, &id, &patient, [&told[..], b"behind its end"].concat()).await.ok();
    assert_eq!(shown["size"], png(&[(b"IDAT", b"pixels")]).len(), "where it was taken is no part of it");

    let page = b"<html><script>alert(1)</script></html>".to_vec();
    assert_eq!(attach(&stage, &id, &patient, page).await.refusal(), (415, "request.unsupported_type"));
    let bomb = png_of(23_000, 23_000, &[(b"IDAT", b"pixels")]);
    assert_eq!(attach(&stage, &id, &patient, bomb).await.refusal(), (415, "request.unsupported_type"));
    let mut large = png(&[(b"IDAT", b"pixels")]);
    large.resize(8 * 1024 * 1024 + 1, 0);
    assert_eq!(attach(&stage, &id, &patient, large).await.refusal(), (413, "request.too_large"));

    let line = json!({ "id": "0190a0a0-0000-7000-8000-000000000009", "text": "", "attachment": picture["id"] });
    stage.post(&format!("/visits/{id}/messages"), &patient, line).await.ok();
    let unknown = json!({ "id": "0190a0a0-0000-7000-8000-00000000000a", "text": "", "attachment": id });
    let refused = stage.post(&format!("/visits/{id}/messages"), &patient, unknown).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("attachment")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_sent_again_because_no_answer_came_is_one_picture() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let small = png(&[(b"IDAT", b"pixels")]);
    let again = || attach_as(&stage, &visit.id, &visit.patient, small.clone(), Some("p-1"));
    let first = again().await.ok();
    assert_eq!(again().await.ok(), first);
    let other = png(&[(b"IDAT", b"others")]);
    let reused = attach_as(&stage, &visit.id, &visit.patient, other, Some("p-1")).await;
    assert_eq!(reused.refusal(), (422, "request.key_reused"));
    let kept = std::fs::read_dir(stage.folder.path().join("attachments")).unwrap().count();
    assert_eq!(kept, 1, "nor does a file lie beside the visit");
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    assert_eq!(again().await.ok(), first, "also after the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_send_one_picture_under_one_key_at_once_have_one() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let again = || attach_as(&stage, &visit.id, &visit.patient, png(&[(b"IDAT", b"pixels")]), Some("p-2"));
    let (one, other) = tokio::join!(again(), again());
    assert_eq!(one.ok()["id"], other.ok()["id"]);
    assert_eq!(std::fs::read_dir(stage.folder.path().join("attachments")).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_picture_that_one_person_sends_at_once_waits_and_the_doctors_does_not() {
    let stage = Stage::open().await;
    let Visit { patient, doctor, id, .. } = stage.visit().await;
    let mut under_way = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(stage.server.http_addr).await.unwrap();
        let head = format!(
            "POST /api/v1/visits/{id}/attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {patient}\r\n\
             content-length: 8388608\r\nexpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut told = [0; 12];
        stream.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"HTTP/1.1 100", "there is room for it");
        under_way.push(stream);
    }
    let small = png(&[(b"IDAT", b"pixels")]);
    let third = attach(&stage, &id, &patient, small.clone()).await;
    assert_eq!((third.refusal(), third.body["retry_after"].is_u64()), ((429, "request.rate_limited"), true));
    attach(&stage, &id, &doctor, small).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_outcome_the_patient_reads_when_to_worry_in_both_languages() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let outcomes = ["home_care", "go_to_hospital", "closed_loop_transport", "follow_up", "emergency120"];
    for outcome in outcomes {
        let body = json!({ "outcome": outcome, "reason": "需面诊检查" });
        stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, body).await.ok();
        let summaries = stage.get("/me/visits", &visit.patient).await.ok();
        assert_eq!(summaries[0]["outcome"], outcome);
        let worries = summaries[0]["safety_net"].as_array().unwrap();
        let is_said =
            |text: &serde_json::Value| ["zh", "en"].iter().all(|l| text[l].as_str().is_some_and(|t| !t.is_empty()));
        assert!(!worries.is_empty() && worries.iter().all(is_said), "{outcome}: {worries:?}");
        assert!(is_said(&summaries[0]["outcome_text"]), "{outcome}: {}", summaries[0]["outcome_text"]);
    }
}
