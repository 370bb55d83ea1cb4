//! What the days, the record and the law make of a sheet after its signature.

use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::domain::note::amendment::ARCHIVED_AFTER;
use yunzhen::store::Db;

use super::prescription_gate::note;
use super::prescriptions::{
    answers, approval, begin, claim, diagnose, herbal, is_warned, line, pharmacy, returning, rules, save, sign,
    sign_as_it_is, signed, tick,
};
use super::stage::{Stage, Visit};
use crate::support::sql;

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_that_ran_out_counts_no_more_before_it_is_tidied_away() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let mut sheet = herbal(&[line("麻黄", 6000)]);
    sheet["herbal"]["doses"] = json!(7);
    tick(&stage, &visit, returning()).await.ok();
    let first = begin(&stage, &visit, sheet.clone()).await.ok();
    sign(&stage, &visit, &first, answers(&first)).await.ok();
    let beside = begin(&stage, &visit, sheet.clone()).await.ok();
    assert!(rules(&beside).contains(&"DUP-ACTIVE"), "{beside}");
    stage.clock.advance(Duration::from_hours(24));
    let visit = Visit { doctor: stage.staff("doctor").await, ..visit };
    let alone = begin(&stage, &visit, sheet).await.ok();
    assert!(!rules(&alone).contains(&"DUP-ACTIVE"), "nobody hands the first out any more: {alone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pharmacist_judges_the_diagnosis_that_was_signed_with_the_sheet() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    note(&stage, &visit, 1, json!({ "complaint": "咳嗽", "diagnosis": "胃痛", "advice": "休息" })).await;
    stage.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, json!({ "version": 2 })).await.ok();
    let sheet = claim(&stage, &stage.staff("pharmacist").await, &rx).await.ok();
    assert_eq!(sheet["diagnosis"], "咳嗽", "and not what the record says now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basis_that_is_there_no_more_stops_approval_and_handing_out() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    for act in ["approve", "dispense"] {
        let body = || if act == "approve" { approval(&rx) } else { json!({ "version": rx["version"] }) };
        for (basis, field) in
            [(json!({ "kind": "consult" }), "consult"), (json!({ "kind": "return" }), "proof_missing")]
        {
            tick(&stage, &visit, basis).await.ok();
            let refused = pharmacy(&stage, &pharmacist, &rx, act, body()).await;
            assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.closed"), &json!(field)), "{act}");
        }
        tick(&stage, &visit, returning()).await.ok();
        pharmacy(&stage, &pharmacist, &rx, act, body()).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_stands_on_the_basis_of_the_day_on_which_it_was_written_whenever_it_is_taken() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let path = format!("/visits/{}/prescriptions", visit.id);
    let basis = async || stage.get(&path, &visit.doctor).await.ok()["prescriptions"][0]["basis"]["code"].clone();
    assert_eq!((&rx["basis"]["code"], basis().await), (&json!("return_visit"), json!("return_visit")));
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    // Days on which there was no such basis.
    sql::run(&db, "update prescription set start_day = '2010-01-01', end_day = '2010-01-03'").await;
    db.close().await;
    assert_eq!(basis().await, "return_visit");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_prescribed_any_more_in_a_visit_whose_record_is_archived() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let draft = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
    let longer = begin(&stage, &visit, herbal(&[line("陈皮", 6000)])).await.ok();
    diagnose(&stage, &visit).await;
    let path = format!("/prescriptions/{}/sign", longer["id"].as_str().unwrap());
    let request = json!({ "version": longer["version"], "valid_days": 3, "valid_reason": "取药不便" });
    let longer = stage.post(&path, &visit.doctor, request).await.ok();
    stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    stage.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    stage.clock.advance(ARCHIVED_AFTER.saturating_sub(Duration::from_millis(1)));
    let visit = Visit { doctor: stage.staff("doctor").await, ..visit };
    let draft = save(&stage, &visit, &draft, herbal(&[line("茯苓", 12_000)])).await.ok();
    stage.clock.advance(Duration::from_millis(1));
    let pane = stage.get(&format!("/visits/{}/prescriptions", visit.id), &visit.doctor).await.ok()["pane"].clone();
    assert_eq!((&pane["closed"], &pane["basis"]), (&json!("archived"), &Value::Null));
    for refused in [
        begin(&stage, &visit, herbal(&[line("茯苓", 12_000)])).await,
        save(&stage, &visit, &draft, herbal(&[line("茯苓", 9000)])).await,
        sign_as_it_is(&stage, &visit, &draft, json!({})).await,
    ] {
        assert_eq!((refused.refusal(), &refused.body["field"]), ((409, "rx.closed"), &json!("archived")));
    }
    // What was signed before is judged and handed out as long as it is good.
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &longer).await.ok();
    pharmacy(&stage, &pharmacist, &longer, "approve", approval(&longer)).await.ok();
    pharmacy(&stage, &pharmacist, &longer, "dispense", json!({ "version": longer["version"] })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warned_sheet_is_signed_a_second_time_by_an_act_of_its_own() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    diagnose(&stage, &visit).await;
    let rx = begin(&stage, &visit, herbal(&[line("细辛", 6000)])).await.ok();
    assert!(is_warned(&rx), "{rx}");
    let key = &rx["report"]["findings"][0]["key"];
    let path = format!("/prescriptions/{}/sign", rx["id"].as_str().unwrap());
    let first = json!({ "version": rx["version"], "answers": answers(&rx) });
    let mut second = first.clone();
    second["confirm"] = json!(true);
    let signatures = async || {
        let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
        let subject = format!("prescription_{}", rx["id"].as_str().unwrap().replace('-', ""));
        let found = db.read().await.unwrap().signatures().of(&subject).await.unwrap();
        db.close().await;
        found.iter().map(|signature| signature.purpose.as_str()).collect::<Vec<_>>()
    };
    for unconfirmed in
        [first.clone(), json!({ "confirm": false, "version": first["version"], "answers": first["answers"] })]
    {
        let refused = stage.post(&path, &visit.doctor, unconfirmed).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "rx.unconfirmed"), key));
        assert_eq!(signatures().await, Vec::<&str>::new(), "one click signs nothing");
    }
    // A reason that is missing is said first: whoever signs again has answered everything.
    let mut silent = second.clone();
    silent["answers"] = json!({});
    assert_eq!(stage.post(&path, &visit.doctor, silent).await.refusal(), (422, "rx.unanswered"));
    stage.post(&path, &visit.doctor, second).await.ok();
    let mut both = signatures().await;
    both.sort_unstable();
    assert_eq!(both, ["confirmation", "prescription"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_was_warned_of_is_signed_once_whatever_is_sent_with_it() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    diagnose(&stage, &visit).await;
    for (herb, confirm) in [("茯苓", false), ("陈皮", true)] {
        let rx = begin(&stage, &visit, herbal(&[line(herb, 6000)])).await.ok();
        let body = json!({ "version": rx["version"], "answers": answers(&rx), "confirm": confirm });
        let path = format!("/prescriptions/{}/sign", rx["id"].as_str().unwrap());
        assert!(!is_warned(&rx), "{rx}");
        assert_eq!(stage.post(&path, &visit.doctor, body).await.ok()["state"], "signed");
    }
}
