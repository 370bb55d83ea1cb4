//! The safety gate as a doctor meets it: what the patient declared is in it, and what it said is kept with the signature.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::store::Db;

use super::audits::details;
use super::prescriptions::{
    answers, approval, begin, claim, diagnose, herbal, line, pharmacy, returning, rules, save, sign, sign_as_it_is,
    signed, tick,
};
use super::stage::{Stage, Visit};

fn finding<'rx>(rx: &'rx Value, rule: &str) -> &'rx Value {
    let found = rx["report"]["findings"].as_array().unwrap().iter().find(|finding| finding["rule"] == rule);
    found.unwrap_or_else(|| panic!("{rule} is not in {:?}", rules(rx)))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_patient_declared_of_allergies_and_drugs_reaches_the_gate() {
    let stage = Stage::open().await;
    let stated = json!({ "rf.allergy": "麻黄", "rf.med": ["anticoagulant"], "rf.med.names": "法半夏" });
    let visit = stage.visit_of(1, stated).await;
    tick(&stage, &visit, returning()).await.ok();
    let aconite = json!({ "written": "附子", "mg": 6000, "method": "first" });
    let rx = begin(&stage, &visit, herbal(&[line("麻黄", 6000), aconite, line("不存在草", 6000)])).await.ok();
    assert_eq!(finding(&rx, "ALLERGY")["lines"], json!([0]));
    assert_eq!(finding(&rx, "18F-1")["lines"], json!([1]), "with what the patient takes already");
    assert_eq!(finding(&rx, "NAME-UNKNOWN")["lines"], json!([2]));
    finding(&rx, "DRUGS-TOLD");
    let mut without = answers(&rx);
    without.as_object_mut().unwrap().remove(finding(&rx, "ALLERGY")["key"].as_str().unwrap());
    let refused = sign(&stage, &visit, &rx, without).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "rx.unanswered"), &finding(&rx, "ALLERGY")["key"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_and_what_passed_is_kept_as_it_was_signed() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("细辛", 6000)])).await.ok();
    let rx = sign(&stage, &visit, &rx, answers(&rx)).await.ok();
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    let id = rx["id"].as_str().unwrap().parse().unwrap();
    let kept = db.read().await.unwrap().prescriptions().find(id).await.unwrap().unwrap().report;
    let kept: Value = serde_json::from_str(&kept).unwrap();
    db.close().await;
    let passed = kept["passed"].as_array().unwrap();
    for rule in ["18F-1", "19W-1", "PREG-FORBID", "TOX-STATUTORY", "ALLERGY", "QTY-DAYS"] {
        assert!(passed.contains(&json!(rule)), "{rule} was asked and found nothing");
    }
    assert!(kept["data_version"].as_str().is_some_and(|version| !version.is_empty()));
    let found = &kept["findings"][0];
    assert_eq!((&found["rule"], &found["severity"]), (&json!("DOSE-HIGH"), &json!("warn")));
    assert!(found["source"]["zh"].is_string() && found["edition"].is_string() && !passed.contains(&found["rule"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_days_and_a_missing_decoction_are_answered_before_the_signature() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let mut sheet = herbal(&[line("附子", 6000)]);
    sheet["herbal"]["doses"] = json!(8);
    let rx = begin(&stage, &visit, sheet.clone()).await.ok();
    assert_eq!(finding(&rx, "QTY-DAYS")["needs"], "answer");
    assert_eq!(finding(&rx, "METHOD-MISSING")["needs"], "answer");
    assert_eq!(sign(&stage, &visit, &rx, json!({})).await.refusal(), (422, "rx.unanswered"));
    sheet["herbal"]["doses"] = json!(31);
    sheet["herbal"]["lines"][0]["method"] = json!("first");
    let rx = save(&stage, &visit, &rx, sheet).await.ok();
    assert!(!rules(&rx).contains(&"METHOD-MISSING"), "the decoction is named now");
    let refused = sign(&stage, &visit, &rx, answers(&rx)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.refused_online"), &json!("QTY-DAYS")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_in_remarks_is_judged_before_the_signature() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let mut sheet = herbal(&[line("甘草", 6000)]);
    sheet["herbal"]["remark"] = json!("另加生川乌10g同煎");
    sheet["herbal"]["lines"][0]["remark"] = json!("与大枣同煎");
    let rx = begin(&stage, &visit, sheet.clone()).await.ok();
    let refused = sign(&stage, &visit, &rx, answers(&rx)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.refused_online"), &json!("TEXT-TOXIC")));
    sheet["herbal"]["remark"] = json!("饭后服");
    let rx = save(&stage, &visit, &rx, sheet.clone()).await.ok();
    assert_eq!(finding(&rx, "TEXT-HERB")["lines"], json!([0]));
    let refused = sign(&stage, &visit, &rx, json!({})).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "rx.unanswered"), &json!("TEXT-HERB@0")));
    sheet["herbal"]["lines"][0]["remark"] = json!("切薄片");
    let rx = save(&stage, &visit, &rx, sheet).await.ok();
    assert_eq!(sign(&stage, &visit, &rx, json!({})).await.ok()["state"], "signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_stand_in_the_order_of_their_parts_and_keep_what_was_said_of_them() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let part = |written: &str, role: &str| json!({ "written": written, "mg": 9000, "role": role });
    let mut lines = [part("炙甘草", "guide"), part("桂枝", "chief"), part("白芍", "deputy"), part("生姜", "assistant")];
    lines[1]["method"] = json!("late");
    lines[1]["remark"] = json!("切薄片");
    let rx = begin(&stage, &visit, herbal(&lines)).await.ok();
    let sheet = &rx["content"]["herbal"];
    let order: Vec<&str> = sheet["lines"].as_array().unwrap().iter().map(|l| l["written"].as_str().unwrap()).collect();
    assert_eq!(order, ["桂枝", "白芍", "生姜", "炙甘草"], "君臣佐使");
    assert_eq!(sheet["lines"][0], lines[1]);
    assert_eq!((&sheet["doses"], &sheet["timing"]), (&json!(3), &json!("after_meal")));
}

#[tokio::test(flavor = "multi_thread")]
async fn medicines_stand_on_their_own_sheet_of_at_most_five() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let medicine = |n: usize| {
        json!({ "name": format!("试验颗粒{n}"), "kind": "patent", "strength": "10 g", "dose": "1 袋",
                "times_per_day": 3, "days": 3 })
    };
    let sheet = |n: usize| json!({ "medicines": { "items": (0..n).map(medicine).collect::<Vec<_>>() } });
    let refused = begin(&stage, &visit, sheet(6)).await;
    assert_eq!(
        (refused.refusal(), &refused.body["field"]),
        ((422, "request.invalid"), &json!("content.medicines.items"))
    );
    let rx = begin(&stage, &visit, sheet(5)).await.ok();
    assert_eq!(rules(&rx), ["MED-UNJUDGED"; 5]);
    let mixed = json!({ "medicines": { "items": [] }, "herbal": { "lines": [] } });
    assert_eq!(begin(&stage, &visit, mixed).await.refusal(), (400, "request.malformed"), "never both on one sheet");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bag_is_named_to_who_hands_it_out_once_it_is_approved_and_the_reading_leaves_a_line() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let whole = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await.ok()["identity"].clone();
    let pharmacist = stage.staff("pharmacist").await;
    let judged = claim(&stage, &pharmacist, &rx).await.ok();
    assert_eq!(judged["recipient"], Value::Null);
    assert!(!judged.to_string().contains(whole["name"].as_str().unwrap()), "it is judged without a name");
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    let handed = claim(&stage, &pharmacist, &rx).await.ok();
    let recipient = json!({ "name": whole["name"], "document_tail": whole["document_tail"] });
    assert_eq!(handed["recipient"], recipient);
    assert_eq!(recipient["document_tail"].as_str().unwrap().len(), 4);
    let lines = details(&stage, "rx.read").await;
    let named: Vec<_> = lines.iter().map(|detail| detail["named"] == true).collect();
    assert_eq!(named, [false, true], "{lines:?}");
    // Nobody asks for a name twice in silence, and only who hands out asks.
    let path = format!("/pharmacy/{}/claim", rx["id"].as_str().unwrap());
    for other in [&visit.doctor, &stage.staff("nurse").await, &visit.patient] {
        assert_eq!(stage.act(&path, other).await.refusal(), (403, "auth.forbidden"));
    }
    pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await.ok();
    assert_eq!(claim(&stage, &pharmacist, &rx).await.refusal(), (409, "rx.state"), "handed out, it is named no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_prescription_has_an_end_and_a_reason() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    let silent = pharmacy(&stage, &pharmacist, &rx, "refuse", json!({ "version": rx["version"] })).await;
    assert_eq!((silent.refusal(), &silent.body["field"]), ((422, "request.invalid"), &json!("reason")));
    let body = json!({ "version": rx["version"], "reason": "无适应证" });
    let refused = pharmacy(&stage, &pharmacist, &rx, "refuse", body).await.ok();
    assert_eq!((&refused["state"], &refused["review"]["reason"]), (&json!("refused"), &json!("无适应证")));
    let later = [
        sign(&stage, &visit, &rx, json!({})).await,
        save(&stage, &visit, &refused, herbal(&[line("茯苓", 12_000)])).await,
        claim(&stage, &pharmacist, &rx).await,
        pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await,
    ];
    for answer in later {
        assert_eq!(answer.refusal(), (409, "rx.state"));
    }
    let seen = stage.get("/me/prescriptions", &visit.patient).await.ok();
    assert_eq!((&seen[0]["state"], &seen[0]["content"]), (&json!("refused"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_wrong_person_nothing_of_the_visit_is_signed_approved_or_handed_out() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let draft = begin(&stage, &visit, herbal(&[line("茯苓", 12_000)])).await.ok();
    let desk = stage.get(&format!("/desks/{}", visit.desk), &visit.doctor).await.ok();
    let body = json!({ "version": desk["current"]["version"] });
    stage.post(&format!("/desks/{}/wrong-person", visit.desk), &visit.doctor, body).await.ok();
    assert_eq!(sign(&stage, &visit, &draft, json!({})).await.refusal(), (409, "visit.ended"));
    let pharmacist = stage.staff("pharmacist").await;
    assert_eq!(stage.get("/pharmacy/queue", &pharmacist).await.ok()["waiting"], json!([]));
    assert_eq!(claim(&stage, &pharmacist, &rx).await.refusal(), (409, "rx.state"));
    for act in ["approve", "dispense"] {
        let body = if act == "approve" { approval(&rx) } else { json!({ "version": rx["version"] }) };
        assert_eq!(pharmacy(&stage, &pharmacist, &rx, act, body).await.refusal(), (409, "rx.state"), "{act}");
    }
    let seen = stage.get("/me/prescriptions", &visit.patient).await.ok();
    assert!(seen.as_array().unwrap().iter().all(|one| one["state"] == "stopped" && one["content"].is_null()), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pregnancy_that_is_told_after_the_signature_stops_approval_and_handing_out() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(2, json!({ "rf.preg": "unsure" })).await;
    let basis = |pregnancy: &str| json!({ "kind": "return", "proof_seen": true, "pregnancy": pregnancy });
    let pharmacist = stage.staff("pharmacist").await;
    let issue = async || {
        tick(&stage, &visit, basis("no")).await.ok();
        let rx = begin(&stage, &visit, herbal(&[line("莪术", 9000)])).await.ok();
        let rx = sign(&stage, &visit, &rx, json!({})).await.ok();
        claim(&stage, &pharmacist, &rx).await.ok();
        rx
    };
    let (rx, changed) = (issue().await, (409, "rx.changed"));
    tick(&stage, &visit, basis("pregnant")).await.ok();
    let refused = pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), (changed, &json!("PREG-FORBID")));
    // Approved before she says it, it is not handed out after.
    tick(&stage, &visit, basis("no")).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    tick(&stage, &visit, basis("pregnant")).await.ok();
    let refused = pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await;
    assert_eq!(refused.refusal(), changed);
}

/// The doctor saves a record with these parts.
pub(super) async fn note(stage: &Stage, visit: &Visit, version: i64, content: Value) {
    let body = json!({ "version": version, "content": content });
    stage.send(Method::PUT, &format!("/visits/{}/note", visit.id), &visit.doctor, Some(body), None).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prescription_of_a_record_without_a_diagnosis_is_not_signed_whatever_kind_it_lacks() {
    let kinds = [
        json!({ "diagnoses": [{ "kind": "disease", "code": "A01.01.01.02" }] }),
        json!({ "diagnoses": [{ "kind": "pattern", "code": "B02.02.05.05" }] }),
        json!({ "diagnoses": [{ "kind": "western", "code": "J11.1" }] }),
        json!({ "diagnosis": "咳嗽" }),
    ];
    for stated in kinds {
        let stage = Stage::open().await;
        let visit = stage.visit_of(1, json!({})).await;
        tick(&stage, &visit, returning()).await.ok();
        let rx = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
        let without = async || {
            let refused = sign_as_it_is(&stage, &visit, &rx, json!({})).await;
            assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "rx.undiagnosed"), &json!("diagnosis")));
        };
        without().await;
        note(&stage, &visit, 0, json!({ "complaint": "咳嗽三天", "diagnosis": "　" })).await;
        without().await;
        note(&stage, &visit, 1, stated.clone()).await;
        let signed = sign_as_it_is(&stage, &visit, &rx, json!({})).await.ok();
        assert_eq!(signed["state"], "signed", "{stated}");
        // Taken out of the record again, it is still on what was signed, and not enough for what is signed anew.
        note(&stage, &visit, 2, json!({ "complaint": "咳嗽三天" })).await;
        let pharmacist = stage.staff("pharmacist").await;
        assert_eq!(stage.get("/pharmacy/queue", &pharmacist).await.ok()["waiting"][0]["id"], rx["id"]);
        let rx = save(&stage, &visit, &signed, herbal(&[line("茯苓", 12_000)])).await.ok();
        let refused = sign_as_it_is(&stage, &visit, &rx, json!({})).await;
        assert_eq!(refused.refusal(), (422, "rx.undiagnosed"));
    }
}

/// The doctor writes in the examination what became of the question.
async fn examine(stage: &Stage, visit: &Visit, version: i64, pregnancy: &str) {
    let exams = json!({ "women": { "pregnancy": pregnancy } });
    note(stage, visit, version, json!({ "complaint": "咳嗽", "diagnosis": "咳嗽", "exams": exams })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pregnancy_that_the_examination_found_counts_whatever_was_declared_or_ticked() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(2, json!({ "rf.preg": "no" })).await;
    tick(&stage, &visit, returning()).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("莪术", 9000)])).await.ok();
    assert!(!rules(&rx).contains(&"PREG-FORBID"), "declared as not pregnant, and nobody examined");
    let rx = sign(&stage, &visit, &rx, answers(&rx)).await.ok();
    examine(&stage, &visit, 1, "pregnant").await;
    let pane = stage.get(&format!("/visits/{}/prescriptions", visit.id), &visit.doctor).await.ok()["pane"].clone();
    assert_eq!(pane["pregnancy"], "pregnant");
    // What was signed before it was found is approved no more, and no tick is a way around it.
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    tick(&stage, &visit, json!({ "kind": "return", "proof_seen": true, "pregnancy": "no" })).await.ok();
    let refused = pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.changed"), &json!("PREG-FORBID")));
    let stop = json!({ "version": rx["version"], "reason": "检查发现妊娠" });
    stage.post(&format!("/prescriptions/{}/stop", rx["id"].as_str().unwrap()), &visit.doctor, stop).await.ok();
    let again = begin(&stage, &visit, herbal(&[line("莪术", 9000)])).await.ok();
    let refused = sign(&stage, &visit, &again, answers(&again)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.refused_online"), &json!("PREG-FORBID")));
    examine(&stage, &visit, 2, "unsure").await;
    let refused = sign(&stage, &visit, &again, answers(&again)).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "rx.unanswered"), &json!("PREG-UNKNOWN")));
    examine(&stage, &visit, 3, "no").await;
    sign(&stage, &visit, &again, answers(&again)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_out_late_is_in_force_until_its_last_dose() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let mut sheet = herbal(&[line("甘草", 6000)]);
    sheet["herbal"]["doses"] = json!(7);
    let rx = begin(&stage, &visit, sheet).await.ok();
    diagnose(&stage, &visit).await;
    let path = format!("/prescriptions/{}/sign", rx["id"].as_str().unwrap());
    let request =
        json!({ "version": rx["version"], "answers": answers(&rx), "valid_days": 3, "valid_reason": "取药不便" });
    let rx = stage.post(&path, &visit.doctor, request).await.ok();
    stage.clock.advance(Duration::from_hours(50));
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "dispense", json!({ "version": rx["version"] })).await.ok();
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    let row = db.read().await.unwrap().prescriptions().find(rx["id"].as_str().unwrap().parse().unwrap()).await;
    let row = row.unwrap().unwrap();
    db.close().await;
    let days = |from: &str, to: &str| {
        let read = |day: &str| day.parse::<jiff::civil::Date>().unwrap();
        read(from).until(read(to)).unwrap().get_days()
    };
    let signed_on = rx["start_day"].as_str().unwrap();
    assert_eq!(days(&row.start_day, &row.end_day), 6);
    assert_eq!(days(signed_on, &row.start_day), 2, "from the day on which it was handed out");
}
