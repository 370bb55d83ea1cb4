//! What doctors were warned of, before the pharmacist: first what was promised, then what needs attention.

use std::time::Duration;

use serde_json::{Value, json};

use super::audits::entries;
use super::prescriptions::{answers, begin, claim, herbal, line, rules, sign, signed};
use super::stage::Stage;

/// The numbers on the papers that wait, in their order.
async fn waiting(stage: &Stage, pharmacist: &str) -> Vec<Value> {
    let queue = stage.get("/pharmacy/queue", pharmacist).await.ok();
    queue["waiting"].as_array().unwrap().iter().map(|item| item["number"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warned_prescription_stands_first_with_its_rule_and_reason_until_another_waits_too_long() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let plain = signed(&stage, &visit).await;
    stage.clock.advance(Duration::from_mins(1));
    let draft = begin(&stage, &visit, herbal(&[line("细辛", 6000)])).await.ok();
    assert_eq!(rules(&draft), ["DOSE-HIGH"]);
    let warned = sign(&stage, &visit, &draft, answers(&draft)).await.ok();
    let pharmacist = stage.staff("pharmacist").await;
    let (first, second) = (warned["number"].clone(), plain["number"].clone());
    assert_eq!(waiting(&stage, &pharmacist).await, [first.clone(), second.clone()], "within the promise");
    let queue = stage.get("/pharmacy/queue", &pharmacist).await.ok();
    let attention = [&queue["waiting"][0]["attention"], &queue["waiting"][1]["attention"]];
    assert_eq!(attention, [&json!("warn"), &Value::Null]);

    let before = entries(&stage, "rx.read").await.len();
    let list = stage.get("/pharmacy/warned", &pharmacist).await.ok();
    assert_eq!(list.as_array().unwrap().len(), 1, "nobody was warned of the other: {list}");
    let said = &list[0]["findings"][0];
    assert_eq!((&list[0]["number"], &said["reason"]), (&first, &json!("病情需要")));
    assert_eq!((&said["finding"]["rule"], &said["finding"]["severity"]), (&json!("DOSE-HIGH"), &json!("warn")));
    let read = &entries(&stage, "rx.read").await[before..];
    assert_eq!(read.len(), 1, "what was shown is in the audit, and nothing else");
    assert_eq!(read[0].2.as_deref(), Some("review"));
    for other in [&visit.doctor, &stage.staff("nurse").await, &visit.patient] {
        assert_eq!(stage.get("/pharmacy/warned", other).await.refusal(), (403, "auth.forbidden"));
    }

    stage.clock.advance(Duration::from_secs(9 * 60 + 1));
    let pharmacist = stage.staff("pharmacist").await;
    assert_eq!(waiting(&stage, &pharmacist).await, [second.clone(), first.clone()], "the promise of the other is over");
    stage.clock.advance(Duration::from_mins(1));
    assert_eq!(waiting(&stage, &pharmacist).await, [second, first], "of both the longest waiting");
    claim(&stage, &pharmacist, &warned).await.ok();
}
