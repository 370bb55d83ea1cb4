//! The second doctor: knows for whom the sheet is, signs beside the first, or gives it back with a reason.

use serde_json::{Value, json};

use super::audits::entries;
use super::forged::audit;
use super::forged_sheets::opposing;
use super::prescriptions::{answers, approval, begin, claim, herbal, line, pharmacy, returning, save, sign, tick};
use super::stage::{Answer, Stage, Visit, card};

fn at(rx: &Value, act: &str) -> String {
    format!("/prescriptions/{}/{act}", rx["id"].as_str().unwrap())
}

async fn decline(stage: &Stage, token: &str, rx: &Value, reason: &str) -> Answer {
    stage.post(&at(rx, "decline"), token, json!({ "version": rx["version"], "reason": reason })).await
}

async fn is_sent_back(stage: &Stage, visit: &Visit) -> bool {
    let desk = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok();
    desk["unfinished"].as_array().unwrap().iter().any(|row| row["sent_back"] == true && row["visit"] == visit.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_doctor_reads_for_whom_and_for_what_before_signing_and_nobody_else_does() {
    let stage = Stage::open().await;
    let stated = json!({ "rf.preg": "no", "rf.allergy": "青霉素", "rf.med.names": "阿司匹林" });
    let visit = stage.visit_of(2, stated).await;
    let rx = opposing(&stage, &visit).await;
    let second = stage.staff("doctor2").await;
    let list = stage.get("/prescriptions/to-countersign", &second).await.ok();
    assert!(list[0]["id"] == rx["id"] && !list.to_string().contains("测试患者"), "the list names nobody: {list}");
    let before = entries(&stage, "rx.read").await.len();
    let sheet = stage.get(&at(&rx, "countersign"), &second).await.ok();
    assert_eq!((&sheet["name"], &sheet["sex"]), (&json!("测试患者"), &json!("female")));
    assert_eq!((&sheet["age_years"], &sheet["pregnancy"]), (&json!(33), &json!("no")));
    assert_eq!((&sheet["allergies"], &sheet["drugs"]), (&json!("青霉素"), &json!("阿司匹林")));
    assert!(sheet["diagnosis"].as_str().unwrap().contains("咳嗽"), "{}", sheet["diagnosis"]);
    assert_eq!((&sheet["prescription"]["id"], &sheet["prescription"]["content"]), (&rx["id"], &rx["content"]));
    assert!(!sheet.to_string().contains(&card(2)[14..]), "the document is nobody's business here");
    let read = &entries(&stage, "rx.read").await[before..];
    assert_eq!((read.len(), read[0].2.as_deref()), (1, Some("countersign")));
    // Whoever cannot sign it does not read whose it is.
    assert_eq!(stage.get(&at(&rx, "countersign"), &visit.doctor).await.refusal(), (409, "rx.second_signature"));
    for other in [&stage.staff("pharmacist").await, &stage.staff("nurse").await, &visit.patient] {
        assert_eq!(stage.get(&at(&rx, "countersign"), other).await.refusal(), (403, "auth.forbidden"));
    }
    let body = json!({ "version": rx["version"], "reason": "同意，病情需要" });
    stage.post(&at(&rx, "countersign"), &second, body).await.ok();
    assert_eq!(stage.get(&at(&rx, "countersign"), &second).await.refusal(), (409, "rx.state"), "it waits no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_second_doctor_declines_goes_back_to_its_author_with_the_reason_and_is_corrected() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = opposing(&stage, &visit).await;
    let (second, pharmacist) = (stage.staff("doctor2").await, stage.staff("pharmacist").await);
    for nothing in ["", " ", "。", "\u{200b}\u{200b}\u{200b}"] {
        let refused = decline(&stage, &second, &rx, nothing).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("reason")));
    }
    let why = "附子反半夏，无依据";
    assert_eq!(decline(&stage, &visit.doctor, &rx, why).await.refusal(), (409, "rx.second_signature"));
    assert_eq!(decline(&stage, &pharmacist, &rx, why).await.refusal(), (403, "auth.forbidden"));
    let old = json!({ "version": 99, "reason": why });
    assert_eq!(stage.post(&at(&rx, "decline"), &second, old).await.refusal(), (409, "version.conflict"));
    // A pharmacist who reads it meanwhile judges it no more.
    claim(&stage, &pharmacist, &rx).await.ok();

    let back = decline(&stage, &second, &rx, why).await.ok();
    assert_eq!((&back["state"], &back["declined_by"]["zh"]), (&json!("returned"), &json!("演示医师乙")));
    assert_eq!((&back["review"]["verdict"], &back["review"]["reason"]), (&json!("declined"), &json!(why)));
    assert_eq!((&back["pharmacist"], &back["second_doctor"]), (&Value::Null, &Value::Null));
    let said = entries(&stage, "rx.declined").await;
    assert_eq!((said.len(), said[0].2.as_deref()), (1, Some(why)));
    assert_eq!(stage.get("/prescriptions/to-countersign", &second).await.ok(), json!([]));
    assert_eq!(stage.get("/pharmacy/queue", &pharmacist).await.ok()["waiting"], json!([]));
    assert_eq!(pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.refusal(), (409, "rx.state"));
    assert_eq!(decline(&stage, &second, &rx, why).await.refusal(), (409, "rx.state"));
    assert!(is_sent_back(&stage, &visit).await, "the author's desk says so");
    assert_eq!(stage.get("/me/prescriptions", &visit.patient).await.ok()[0]["state"], "returned");
    assert!(audit(&stage).1, "{}", audit(&stage).0);

    let rx = save(&stage, &visit, &back, herbal(&[line("法半夏", 9000)])).await.ok();
    assert_eq!((&rx["state"], &rx["review"]["reason"]), (&json!("draft"), &json!(why)), "until it is signed anew");
    let rx = sign(&stage, &visit, &rx, answers(&rx)).await.ok();
    assert_eq!((&rx["needs_second"], &rx["review"], &rx["declined_by"]), (&json!(false), &Value::Null, &Value::Null));
    assert!(!is_sent_back(&stage, &visit).await);
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    assert!(audit(&stage).1, "{}", audit(&stage).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_declines_what_waits_for_no_second() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
    let second = stage.staff("doctor2").await;
    assert_eq!(decline(&stage, &second, &rx, "不同意").await.refusal(), (409, "rx.state"), "a draft is its doctor's");
    let rx = sign(&stage, &visit, &rx, json!({})).await.ok();
    assert_eq!(decline(&stage, &second, &rx, "不同意").await.refusal(), (409, "rx.state"));
}
