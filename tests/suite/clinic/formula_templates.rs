//! A doctor's own formulas: kept from a sheet, nobody else's, and judged like everything when they are inserted.

use serde_json::{Value, json};

use super::prescriptions::{begin, herbal, line, returning, rules, sign, tick};
use super::stage::{Answer, Stage, Visit};

const KEPT: &str = "/formula-templates";

async fn keep(stage: &Stage, visit: &Visit, name: &str, sheet: &Value) -> Answer {
    stage.post(KEPT, &visit.doctor, json!({ "name": name, "herbal": sheet["herbal"] })).await
}

fn names(kept: &Value) -> Vec<&str> {
    kept.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_formula_is_inserted_by_its_doctor_says_from_what_and_is_judged_like_everything() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let mut sheet = herbal(&[line("细辛", 6000), line("生马钱子", 300)]);
    sheet["herbal"]["remark"] = json!("这位患者忌生冷");
    let kept = keep(&stage, &visit, " 我的方 ", &sheet).await.ok();
    assert_eq!(names(&kept), ["我的方"]);
    let herbal = &kept[0]["herbal"];
    assert_eq!((&herbal["formula"], &herbal["lines"]), (&json!("我的方"), &sheet["herbal"]["lines"]));
    assert!(herbal.get("remark").is_none(), "what was said to one patient stays with that patient");
    let path = format!("/visits/{}/prescriptions", visit.id);
    let view = stage.get(&path, &visit.doctor).await.ok();
    assert_eq!(view["prescriptions"], json!([]), "nothing is inserted but by the doctor");
    let rx = begin(&stage, &visit, json!({ "herbal": herbal })).await.ok();
    assert_eq!(rx["content"]["herbal"]["formula"], "我的方");
    let found = rules(&rx);
    assert!(found.contains(&"DOSE-HIGH") && found.contains(&"TOX-STATUTORY"), "{found:?}");
    let refused = sign(&stage, &visit, &rx, super::prescriptions::answers(&rx)).await;
    assert_eq!(refused.refusal(), (409, "rx.refused_online"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_formula_is_nobody_elses() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let kept = keep(&stage, &visit, "我的方", &herbal(&[line("茯苓", 9000)])).await.ok();
    let path = format!("{KEPT}/{}", kept[0]["id"].as_str().unwrap());
    let other = stage.staff("doctor2").await;
    assert_eq!(stage.get(KEPT, &other).await.ok(), json!([]));
    let rename = json!({ "version": 1, "name": "他的方" });
    let refused = stage.post(&format!("{path}/rename"), &other, rename).await;
    assert_eq!(refused.refusal(), (404, "request.not_found"));
    let refused = stage.post(&format!("{path}/retire"), &other, json!({ "version": 1 })).await;
    assert_eq!(refused.refusal(), (404, "request.not_found"));
    for token in [stage.staff("nurse").await, stage.staff("pharmacist").await, visit.patient.clone()] {
        assert_eq!(stage.get(KEPT, &token).await.status, 403);
    }
    assert_eq!(names(&stage.get(KEPT, &visit.doctor).await.ok()), ["我的方"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_formula_gets_another_name_and_goes_over_the_version_that_was_seen() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let kept = keep(&stage, &visit, "初稿", &herbal(&[line("茯苓", 9000)])).await.ok();
    let path = format!("{KEPT}/{}", kept[0]["id"].as_str().unwrap());
    let (rename, retire) = (format!("{path}/rename"), format!("{path}/retire"));
    let kept = stage.post(&rename, &visit.doctor, json!({ "version": 1, "name": "化湿方" })).await.ok();
    assert_eq!((&kept[0]["version"], &kept[0]["herbal"]["formula"]), (&json!(2), &json!("化湿方")));
    for (act, stale) in [(&rename, json!({ "version": 1, "name": "旧" })), (&retire, json!({ "version": 1 }))] {
        assert_eq!(stage.post(act, &visit.doctor, stale).await.refusal(), (409, "version.conflict"));
    }
    assert_eq!(stage.post(&retire, &visit.doctor, json!({ "version": 2 })).await.ok(), json!([]));
    let again = stage.post(&retire, &visit.doctor, json!({ "version": 3 })).await;
    assert_eq!(again.refusal(), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_by_its_field() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let sheet = herbal(&[line("茯苓", 9000)]);
    let mut weightless = sheet.clone();
    weightless["herbal"]["lines"][0]["mg"] = json!(0);
    let long = "方".repeat(61);
    let wrong = [
        (" ", &sheet, "name"),
        (long.as_str(), &sheet, "name"),
        ("两\n行", &sheet, "name"),
        ("空方", &herbal(&[]), "herbal.lines"),
        ("无重", &weightless, "herbal.lines[0].mg"),
    ];
    for (name, sheet, field) in wrong {
        let refused = keep(&stage, &visit, name, sheet).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!(field)));
    }
    for n in 0..100 {
        keep(&stage, &visit, &format!("方{n}"), &sheet).await.ok();
    }
    let refused = keep(&stage, &visit, "太多", &sheet).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("name")));
}
