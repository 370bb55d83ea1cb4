//! Whoever acts on an older version is refused with what is there now, and that it was shown is in the audit.

use reqwest::Method;
use serde_json::{Value, json};

use super::audits::entries;
use super::forged_sheets::opposing;
use super::prescriptions::{approval, begin, claim, herbal, line, pharmacy, returning, save, sign, signed, tick};
use super::stage::{Answer, Stage};

const STALE: (u16, &str) = (409, "version.conflict");

/// What an answer to an older version holds as the newer one.
fn newer(answer: &Answer) -> &Value {
    assert_eq!(answer.refusal(), STALE, "{}", answer.body);
    assert!(answer.body["newer"].is_object(), "{}", answer.body);
    &answer.body["newer"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_signature_review_or_second_signature_is_answered_with_the_sheet_as_it_is_now() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let old = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
    let now = save(&stage, &visit, &old, herbal(&[line("茯苓", 12_000)])).await.ok();
    let reads = async || entries(&stage, "rx.read").await;
    let before = reads().await.len();
    let stale = sign(&stage, &visit, &old, json!({})).await;
    assert_eq!((&newer(&stale)["version"], &newer(&stale)["content"]), (&now["version"], &now["content"]));
    let read = reads().await.split_off(before);
    assert_eq!((read.len(), read[0].2.as_deref()), (1, Some("treatment")));
    let rx = sign(&stage, &visit, &now, json!({})).await.ok();

    let pharmacist = stage.staff("pharmacist").await;
    let mut behind = rx.clone();
    behind["version"] = json!(1);
    // Who judges reads what waits, and is told of it as it is; nobody reads what is its doctor's again.
    let before = reads().await.len();
    let why = json!({ "version": 1, "reason": "请核对" });
    let acts =
        [("approve", approval(&behind)), ("return", why.clone()), ("refuse", why.clone()), ("dispense", why.clone())];
    for (act, body) in acts {
        let stale = pharmacy(&stage, &pharmacist, &rx, act, body).await;
        assert_eq!(newer(&stale)["version"], rx["version"], "{act}");
    }
    let read = reads().await.split_off(before);
    assert!(read.len() == 4 && read.iter().all(|one| one.2.as_deref() == Some("review")), "{read:?}");
    let stop = format!("/prescriptions/{}/stop", rx["id"].as_str().unwrap());
    let stale = stage.post(&stop, &visit.doctor, why.clone()).await;
    assert_eq!(newer(&stale)["state"], "signed");
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "return", json!({ "version": rx["version"], "reason": "请核对" })).await.ok();
    let stale = pharmacy(&stage, &pharmacist, &rx, "approve", approval(&behind)).await;
    assert_eq!((stale.refusal(), stale.body.get("newer")), (STALE, None));

    let rx = opposing(&stage, &visit).await;
    let second = stage.staff("doctor2").await;
    let before = reads().await.len();
    for act in ["countersign", "decline"] {
        let path = format!("/prescriptions/{}/{act}", rx["id"].as_str().unwrap());
        let stale = stage.post(&path, &second, json!({ "version": 99, "reason": "同意" })).await;
        assert_eq!(newer(&stale)["version"], rx["version"]);
        let own = stage.post(&path, &visit.doctor, json!({ "version": 99, "reason": "同意" })).await;
        assert_eq!((own.refusal(), own.body.get("newer")), (STALE, None), "it is not that doctor's to countersign");
    }
    assert!(reads().await.split_off(before).iter().all(|one| one.2.as_deref() == Some("countersign")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_signature_of_a_record_is_answered_with_the_draft_as_it_is_now() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let note = format!("/visits/{}/note", visit.id);
    for (version, diagnosis) in [(0, "感冒"), (1, "时行感冒")] {
        let save = json!({ "version": version, "content": { "diagnosis": diagnosis, "advice": "多饮水" } });
        stage.send(Method::PUT, &note, &visit.doctor, Some(save), None).await.ok();
    }
    let before = entries(&stage, "visit.read").await.len();
    let stale = stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, json!({ "version": 1 })).await;
    let (version, content) = (&newer(&stale)["version"], &newer(&stale)["content"]);
    assert_eq!((version, &content["diagnosis"]), (&json!(2), &json!("时行感冒")));
    assert_eq!(entries(&stage, "visit.read").await.len(), before + 1);
    let made = json!({ "name": "医嘱", "field": "advice", "body": "注意休息" });
    let made = stage.post("/templates", &visit.doctor, made).await.ok();
    let made = made.as_array().unwrap().iter().find(|one| one["name"] == "医嘱").unwrap().clone();
    let path = format!("/templates/{}", made["id"].as_str().unwrap());
    let insert = json!({ "visit": visit.id, "version": 1 });
    let stale = stage.post(&format!("{path}/insert"), &visit.doctor, insert).await;
    assert_eq!(newer(&stale)["version"], 2);
    assert_eq!(entries(&stage, "visit.read").await.len(), before + 2);
    let stale = stage.post(&format!("{path}/retire"), &visit.doctor, json!({ "version": 9 })).await;
    assert_eq!(newer(&stale), &made);
    stage.post(&format!("{path}/retire"), &visit.doctor, json!({ "version": made["version"] })).await.ok();
    let gone = stage.post(&format!("{path}/retire"), &visit.doctor, json!({ "version": 9 })).await;
    assert_eq!((gone.refusal(), gone.body.get("newer")), (STALE, None), "there is nothing newer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_formula_roster_or_judgement_is_answered_with_what_it_is_now() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    signed(&stage, &visit).await;
    let keep = json!({ "name": "我的方", "herbal": herbal(&[line("茯苓", 9000)])["herbal"] });
    let kept = stage.post("/formula-templates", &visit.doctor, keep).await.ok();
    let path = format!("/formula-templates/{}", kept[0]["id"].as_str().unwrap());
    let rename = json!({ "version": 1, "name": "茯苓方" });
    let kept = stage.post(&format!("{path}/rename"), &visit.doctor, rename.clone()).await.ok();
    assert_eq!(newer(&stage.post(&format!("{path}/rename"), &visit.doctor, rename).await), &kept[0]);
    assert_eq!(newer(&stage.post(&format!("{path}/retire"), &visit.doctor, json!({ "version": 1 })).await), &kept[0]);

    let admin = stage.staff("admin").await;
    let rosters = stage.get("/rosters", &admin).await.ok();
    let end = format!("/rosters/{}/end", rosters[0]["id"].as_str().unwrap());
    let body = json!({ "version": 99, "last_day": "2026-12-31" });
    let stale = stage.post(&end, &admin, body).await;
    assert_eq!((&newer(&stale)["id"], &newer(&stale)["version"]), (&rosters[0]["id"], &rosters[0]["version"]));

    let other = stage.staff("doctor2").await;
    let glass = format!("/visits/{}/break-glass", visit.id);
    stage.post(&glass, &other, json!({ "reason": "急会诊需要" })).await.ok();
    let review = stage.get("/access-reviews", &admin).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let judge = json!({ "verdict": "justified", "words": "急诊电话已核实" });
    stage.post(&format!("/access-reviews/{review}"), &admin, judge.clone()).await.ok();
    let stale = stage.post(&format!("/access-reviews/{review}"), &admin, judge).await;
    assert_eq!(newer(&stale)["judged"]["words"], "急诊电话已核实");
}
