//! A record that is archived: its doctor amends it, and somebody else lets that in or does not.

use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::domain::note::amendment::ARCHIVED_AFTER;

use super::audits::entries;
use super::forged::audit;
use super::proofs::sign;
use super::stage::{Answer, Stage, Visit};

/// A visit whose record was signed, that ended, and whose doctor signs in again after `later`.
async fn ended(stage: &Stage, later: Duration) -> Visit {
    let visit = stage.visit().await;
    sign(stage, &visit, 0, "感冒", None).await;
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    stage.clock.advance(later);
    Visit { doctor: stage.staff("doctor").await, ..visit }
}

/// The doctor writes another diagnosis over a version, and signs it.
async fn amend(stage: &Stage, visit: &Visit, version: i64, diagnosis: &str) -> Answer {
    let content = json!({ "complaint": "发热2天，咳嗽", "diagnosis": diagnosis, "advice": "多饮水" });
    let body = json!({ "version": version, "content": content });
    let path = format!("/visits/{}/note", visit.id);
    stage.send(reqwest::Method::PUT, &path, &visit.doctor, Some(body), None).await.ok();
    let body = json!({ "version": version + 1, "reason": "更正诊断" });
    stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, body).await
}

async fn read(stage: &Stage, visit: &Visit) -> Value {
    stage.get(&format!("/visits/{}?purpose=continuity", visit.id), &visit.doctor).await.ok()
}

fn numbers(view: &Value) -> Vec<i64> {
    view["signed"].as_array().unwrap().iter().map(|note| note["number"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn until_a_day_after_its_visit_a_record_is_amended_by_its_doctor_alone() {
    let stage = Stage::open().await;
    let visit = ended(&stage, ARCHIVED_AFTER.saturating_sub(Duration::from_millis(1))).await;
    let view = amend(&stage, &visit, 1, "时行感冒").await.ok();
    assert_eq!((numbers(&view), &view["amendment"], &view["is_archived"]), (vec![1, 2], &Value::Null, &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amendment_of_an_archived_record_is_in_force_when_somebody_else_approved_it_and_both_have_signed() {
    for approver in ["doctor2", "admin"] {
        let stage = Stage::open().await;
        let visit = ended(&stage, ARCHIVED_AFTER).await;
        assert_eq!(read(&stage, &visit).await["is_archived"], true);
        let view = amend(&stage, &visit, 1, "时行感冒").await.ok();
        assert_eq!(numbers(&view), [1], "nothing of it is in the record");
        let asked = &view["amendment"];
        assert_eq!((&asked["line"]["state"], &asked["reason"]), (&json!("asked"), &json!("更正诊断")));
        let mine = stage.get("/me/visits", &stage.holder(1).await).await.ok();
        assert_eq!(mine[0]["note"]["content"]["diagnosis"], "感冒", "nor is it the patient's");
        let path = format!("/amendments/{}", asked["line"]["id"].as_str().unwrap());

        // Its own doctor neither reads it there nor lets it in; nurses and pharmacists have no word in it.
        assert_eq!(stage.get("/amendments", &visit.doctor).await.ok(), json!([]));
        assert_eq!(stage.get(&path, &visit.doctor).await.status, 404);
        assert_eq!(stage.act(&format!("{path}/approve"), &visit.doctor).await.refusal(), (409, "amendment.state"));
        for stranger in ["nurse", "pharmacist"] {
            let token = stage.staff(stranger).await;
            assert_eq!(stage.get("/amendments", &token).await.refusal(), (403, "auth.forbidden"));
            assert_eq!(stage.act(&format!("{path}/approve"), &token).await.refusal(), (403, "auth.forbidden"));
        }

        let other = stage.staff(approver).await;
        let waiting = stage.get("/amendments", &other).await.ok();
        assert_eq!(waiting[0]["id"], asked["line"]["id"]);
        assert!(!waiting.to_string().contains("感冒"), "the list says nothing of the record: {waiting}");
        let seen = stage.get(&path, &other).await.ok();
        assert_eq!(seen["changes"][0]["path"], json!(["diagnosis"]));
        assert_eq!((&seen["changes"][0]["was"], &seen["changes"][0]["is"]), (&json!("感冒"), &json!("时行感冒")));
        let reads = entries(&stage, "amendment.read").await;
        assert_eq!((reads.len(), reads[0].2.as_deref()), (1, Some("countersign")));

        let line = stage.act(&format!("{path}/approve"), &other).await.ok();
        assert_eq!(line["state"], "approved");
        let view = read(&stage, &visit).await;
        assert_eq!((numbers(&view), &view["amendment"]), (vec![1, 2], &Value::Null));
        let newest = &view["signed"][1];
        assert_eq!((&newest["content"]["diagnosis"], &newest["reason"]), (&json!("时行感冒"), &json!("更正诊断")));
        assert_eq!(newest["approved_by"], line["decided_by"], "on whose word");
        assert_ne!(newest["approved_by"], newest["signer"]);
        assert_eq!(view["signed"][0]["content"]["diagnosis"], "感冒", "the first version stands");
        for action in ["amendment.ask", "amendment.approve"] {
            assert_eq!(entries(&stage, action).await.len(), 1, "{action}");
        }
        assert_eq!(entries(&stage, "note.sign").await.len(), 2);
        for late in [stage.act(&format!("{path}/approve"), &other).await, stage.get(&path, &other).await] {
            assert!([404, 409].contains(&late.status), "decided once: {}", late.body);
        }
        let (said, holds) = audit(&stage);
        assert!(holds, "what the log says was signed is there as it was signed: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_declined_is_no_part_of_the_record_and_another_may_be_asked_for() {
    let stage = Stage::open().await;
    let visit = ended(&stage, ARCHIVED_AFTER).await;
    let view = amend(&stage, &visit, 1, "肺炎").await.ok();
    let path = format!("/amendments/{}", view["amendment"]["line"]["id"].as_str().unwrap());
    let again = amend(&stage, &visit, 2, "重症肺炎").await;
    assert_eq!(again.refusal(), (409, "amendment.waits"), "one at a time");
    let other = stage.staff("doctor2").await;
    for wrong in [" ".to_owned(), "长".repeat(501)] {
        let refused = stage.post(&format!("{path}/decline"), &other, json!({ "reason": wrong })).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("reason")));
    }
    let body = json!({ "reason": "影像未支持" });
    assert_eq!(stage.post(&format!("{path}/decline"), &visit.doctor, body.clone()).await.refusal().0, 409);
    stage.post(&format!("{path}/decline"), &other, body).await.ok();
    let view = read(&stage, &visit).await;
    assert_eq!(numbers(&view), [1]);
    let told = &view["amendment"]["line"];
    assert_eq!((&told["state"], &told["decision_reason"]), (&json!("declined"), &json!("影像未支持")));
    assert_eq!(told["decided_by"]["zh"], "演示医师乙", "its doctor reads who, and why");
    assert_eq!(stage.act(&format!("{path}/approve"), &other).await.refusal(), (409, "amendment.state"));
    let view = amend(&stage, &visit, 3, "时行感冒").await.ok();
    assert_eq!(view["amendment"]["line"]["state"], "asked");
    let (said, holds) = audit(&stage);
    assert!(holds, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_signature_waits_for_nobody_however_late_it_comes() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    stage.clock.advance(ARCHIVED_AFTER * 2);
    let visit = Visit { doctor: stage.staff("doctor").await, ..visit };
    sign(&stage, &visit, 0, "感冒", None).await;
    assert_eq!(numbers(&read(&stage, &visit).await), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amendment_that_was_changed_while_it_waited_is_not_let_in() {
    let stage = Stage::open().await;
    let visit = ended(&stage, ARCHIVED_AFTER).await;
    let view = amend(&stage, &visit, 1, "时行感冒").await.ok();
    let path = format!("/amendments/{}", view["amendment"]["line"]["id"].as_str().unwrap());
    let file = format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display());
    let db = yunzhen::store::Db::open(&file).await.unwrap();
    crate::support::sql::run(&db, "drop trigger amendment_never_changes").await;
    crate::support::sql::run(&db, "update amendment set content = replace(content, '时行感冒', '肺炎')").await;
    db.close().await;
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.act(&format!("{path}/approve"), &other).await.refusal(), (500, "signature.broken"));
    assert_eq!(numbers(&read(&stage, &visit).await), [1]);
}
