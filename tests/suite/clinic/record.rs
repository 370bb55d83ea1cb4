//! The record: drafts that are never lost, signatures that never change.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::store::Db;

use super::audits::entries;
use super::pictures::png;
use super::stage::{Stage, Visit};
use super::tongue::{begin, put};
use crate::support::sql;

async fn save(stage: &Stage, visit: &Visit, version: i64, content: Value) -> super::stage::Answer {
    let body = json!({ "version": version, "content": content });
    stage.send(Method::PUT, &format!("/visits/{}/note", visit.id), &visit.doctor, Some(body), None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_saved_version_by_version_and_a_stale_one_is_refused() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let saved = save(&stage, &visit, 0, json!({ "complaint": "发热" })).await.ok();
    assert_eq!(saved["version"], 1);
    assert_eq!(save(&stage, &visit, 0, json!({ "complaint": "旧" })).await.refusal(), (409, "version.conflict"));
    assert_eq!(save(&stage, &visit, 1, json!({ "complaint": "发热两天" })).await.ok()["version"], 2);
    let long = "长".repeat(4001);
    let refused = save(&stage, &visit, 2, json!({ "advice": long })).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("content.advice")));
    let refused = save(&stage, &visit, 2, json!({ "vitals": { "temperature": 99.0 } })).await;
    assert_eq!(refused.body["field"], "content.vitals.temperature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_needs_diagnosis_and_advice_and_a_change_of_it_a_reason() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let sign = format!("/visits/{}/sign", visit.id);
    save(&stage, &visit, 0, json!({ "diagnosis": "感冒" })).await.ok();
    let refused = stage.post(&sign, &visit.doctor, json!({ "version": 1 })).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "note.incomplete"), &json!("advice")));
    save(&stage, &visit, 1, json!({ "diagnosis": "感冒", "advice": "多饮水" })).await.ok();
    let signed = stage.post(&sign, &visit.doctor, json!({ "version": 2 })).await.ok();
    assert_eq!(signed["signed"][0]["number"], 1);
    let again = stage.post(&sign, &visit.doctor, json!({ "version": 2 })).await;
    assert_eq!(again.refusal(), (409, "note.already_signed"));
    save(&stage, &visit, 2, json!({ "diagnosis": "时行感冒", "advice": "多饮水" })).await.ok();
    let refused = stage.post(&sign, &visit.doctor, json!({ "version": 3 })).await;
    assert_eq!(refused.body["field"], "reason");
    let amended = json!({ "version": 3, "reason": "更正诊断" });
    let signed = stage.post(&sign, &visit.doctor, amended).await.ok();
    assert_eq!(signed["signed"][1]["number"], 2);
    assert_eq!(signed["signed"][0]["content"]["diagnosis"], "感冒", "the first version stands");
    let mine = stage.get("/me/visits", &visit.patient).await.ok();
    assert_eq!(mine[0]["note"]["content"]["diagnosis"], "时行感冒");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_message_is_one_line_and_strangers_read_nothing() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/messages", visit.id);
    let line = json!({ "id": "0190a0a0-0000-7000-8000-000000000001", "text": "您好 <b>" });
    stage.post(&path, &visit.patient, line.clone()).await.ok();
    stage.post(&path, &visit.patient, line).await.ok();
    let lines = stage.get(&path, &visit.doctor).await.ok();
    assert_eq!(lines.as_array().unwrap().len(), 1);
    assert_eq!(lines[0]["text"], "您好 <b>");
    let (stranger, _) = stage.known_patient(7).await;
    assert_eq!(stage.get(&path, &stranger).await.refusal(), (404, "request.not_found"));
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.get(&path, &other).await.refusal(), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_end_nothing_more_is_said_and_what_was_said_stays_readable() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/messages", visit.id);
    let line = |n: u32, text: &str| json!({ "id": format!("0190a0a0-0000-7000-8000-{n:012}"), "text": text });
    let said = stage.post(&path, &visit.patient, line(1, "谢谢")).await.ok();
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    for who in [&visit.patient, &visit.doctor] {
        assert_eq!(stage.post(&path, who, line(2, "还有")).await.refusal(), (409, "visit.ended"));
        let mut read = stage.get(&path, who).await.ok();
        assert_eq!(read[0]["mine"], *who == visit.patient);
        read[0]["mine"] = json!(true);
        assert_eq!(read, json!([said]));
    }
    // An answer that was lost on the way is given again, also after the end.
    assert_eq!(stage.post(&path, &visit.patient, line(1, "谢谢")).await.ok(), said);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_conversation_again_within_a_minute_is_written_down_once() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/messages", visit.id);
    let said = json!({ "id": "0190a0a0-0000-7000-8000-000000000001", "text": "您好" });
    stage.post(&path, &visit.patient, said).await.ok();
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    let written = async || entries(&stage, "conversation.read").await.len();
    for _ in 0..3 {
        stage.get(&path, &visit.patient).await.ok();
    }
    assert_eq!(written().await, 1);
    stage.get(&path, &visit.doctor).await.ok();
    assert_eq!(written().await, 2, "each reader");
    stage.clock.advance(Duration::from_mins(1));
    stage.get(&path, &visit.patient).await.ok();
    assert_eq!(written().await, 3, "and each minute");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_fills_a_conversation_waits_and_the_other_does_not() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/messages", visit.id);
    let line = |n: u32| json!({ "id": format!("0190a0a0-0000-7000-8000-{n:012}"), "text": "好" });
    for n in 0..30 {
        stage.post(&path, &visit.patient, line(n)).await.ok();
    }
    let refused = stage.post(&path, &visit.patient, line(30)).await;
    assert_eq!((refused.refusal(), &refused.body["retry_after"]), ((429, "request.rate_limited"), &json!(1)));
    stage.post(&path, &visit.doctor, line(31)).await.ok();
    stage.clock.advance(Duration::from_secs(1));
    stage.post(&path, &visit.patient, line(30)).await.ok();
    assert_eq!(stage.post(&path, &visit.patient, line(32)).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_conversation_the_first_line_is_read_as_well() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/messages", visit.id);
    let line = |n: u32| json!({ "id": format!("0190a0a0-0000-7000-8000-{n:012}"), "text": format!("{n}") });
    for n in (0..520).step_by(2) {
        stage.post(&path, &visit.patient, line(n)).await.ok();
        stage.post(&path, &visit.doctor, line(n + 1)).await.ok();
        stage.clock.advance(Duration::from_secs(1));
    }
    let lines = stage.get(&path, &visit.patient).await.ok();
    assert_eq!((lines.as_array().unwrap().len(), &lines[0]["text"]), (520, &json!("0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_holds_a_thousand_lines_of_each_side() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let path = format!("/visits/{}/messages", visit.id);
    let line = |n: u32| json!({ "id": format!("0190a0a0-0000-7000-8000-{n:012}"), "text": "好" });
    stage.post(&path, &visit.patient, line(1)).await.ok();
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    let copies = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 998)
                  insert into message (id, institution_id, visit_id, side, sender, name_zh, name_en, body_sealed,
                                       attachment_id, at)
                  select randomblob(16), institution_id, visit_id, side, sender, name_zh, name_en, body_sealed,
                         attachment_id, at
                  from message, n";
    sql::run(&db, copies).await;
    db.close().await;
    stage.post(&path, &visit.patient, line(2)).await.ok();
    assert_eq!(stage.post(&path, &visit.patient, line(3)).await.refusal(), (409, "chat.full"));
    stage.post(&path, &visit.patient, line(2)).await.ok();
    stage.post(&path, &visit.doctor, line(4)).await.ok();
    // A picture is a line as well, whichever way it comes.
    let picture = png(&[(b"IDAT", &[7; 400])]);
    let id = "0190a0a0-0000-7000-8000-0000000000ca";
    begin(&stage, &visit, id, &picture).await;
    put(&stage, id, &visit.patient, 0, &picture).await.ok();
    let refused = stage.act(&format!("/uploads/{id}/finish"), &visit.patient).await;
    assert_eq!(refused.refusal(), (409, "chat.full"));
    let kept = stage.folder.path().join("attachments").join(id.replace('-', ""));
    assert!(!kept.exists(), "and it is not kept beside the visit");
}
