//! What a doctor has on paper: recorded by the administrator, asked at the desk, at each call and at what is signed.

use std::time::Duration;

use serde_json::{Value, json};
use yunzhen::config::CredentialPolicy;
use yunzhen::store::Db;

use super::audits::entries;
use super::prescriptions::{begin, herbal, line, returning, sign, tick};
use super::stage::{Stage, nothing};
use crate::support::sql::run;

/// The stage's day is 2023-11-15 in China.
fn whole() -> Value {
    json!({ "registration": "110110000012345", "practises_since": "2020-11-15", "consent_on": "2023-11-15",
            "licence_through": null })
}

fn without(field: &str) -> Value {
    let mut papers = whole();
    papers[field] = Value::Null;
    papers
}

/// Who works here, by the name to sign in with.
async fn member(stage: &Stage, administrator: &str, username: &str) -> Value {
    let staff = stage.get("/staff", administrator).await.ok();
    staff.as_array().unwrap().iter().find(|one| one["username"] == username).unwrap().clone()
}

async fn record(stage: &Stage, administrator: &str, username: &str, papers: Value) -> Value {
    let id = member(stage, administrator, username).await["id"].as_str().unwrap().to_owned();
    stage.post(&format!("/staff/{id}/credential"), administrator, papers).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_papers_are_missing_opens_no_desk_and_calls_nobody_and_is_told_which() {
    let stage = Stage::open().await;
    let (doctor, administrator) = (stage.staff("doctor").await, stage.staff("admin").await);
    let desk = stage.desk(&doctor, 0).await;
    let (open, call) = (format!("/desks/{desk}/open"), format!("/desks/{desk}/call-next"));
    let (_, ticket) = stage.patient_waiting(1, nothing()).await;
    let missing = [
        ("registration", "registration", "desk.registration_missing"),
        ("practises_since", "practice", "desk.practice_missing"),
        ("consent_on", "consent", "desk.consent_missing"),
    ];
    for (field, lack, code) in missing {
        let view = record(&stage, &administrator, "doctor", without(field)).await;
        assert_eq!(view["credential"]["lacks"], json!([lack]));
        assert_eq!(stage.act(&open, &doctor).await.refusal(), (403, code));
    }
    assert_eq!(record(&stage, &administrator, "doctor", whole()).await["credential"]["lacks"], json!([]));
    stage.act(&open, &doctor).await.ok();
    for (field, _, code) in missing {
        record(&stage, &administrator, "doctor", without(field)).await;
        assert_eq!(stage.act(&call, &doctor).await.refusal(), (403, code), "at a desk that is open");
    }
    record(&stage, &administrator, "doctor", whole()).await;
    assert_eq!(stage.act(&call, &doctor).await.ok()["current"]["ticket"], ticket["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_practises_for_less_than_three_years_waits_for_the_day() {
    let stage = Stage::open().await;
    let (doctor, administrator) = (stage.staff("doctor").await, stage.staff("admin").await);
    let desk = stage.desk(&doctor, 0).await;
    let open = format!("/desks/{desk}/open");
    let mut papers = whole();
    papers["practises_since"] = json!("2020-11-16");
    let view = record(&stage, &administrator, "doctor", papers).await;
    assert_eq!(view["credential"]["lacks"], json!(["years"]));
    assert_eq!(stage.act(&open, &doctor).await.refusal(), (403, "desk.practice_too_short"));
    stage.clock.advance(Duration::from_hours(24));
    stage.act(&open, &stage.staff("doctor").await).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_is_good_through_its_last_day() {
    let stage = Stage::open().await;
    let (doctor, administrator) = (stage.staff("doctor").await, stage.staff("admin").await);
    let desk = stage.desk(&doctor, 0).await;
    let open = format!("/desks/{desk}/open");
    let mut papers = whole();
    papers["licence_through"] = json!("2023-11-14");
    let view = record(&stage, &administrator, "doctor", papers.clone()).await;
    assert_eq!(
        (&view["credential"]["licence_through"], &view["credential"]["lacks"]),
        (&json!("2023-11-14"), &json!(["licence"]))
    );
    assert_eq!(stage.act(&open, &doctor).await.refusal(), (403, "desk.licence_ended"));
    papers["licence_through"] = json!("2023-11-15");
    let view = record(&stage, &administrator, "doctor", papers).await;
    assert_eq!(
        (&view["credential"]["licence_through"], &view["credential"]["lacks"]),
        (&json!("2023-11-15"), &json!([]))
    );
    stage.act(&open, &doctor).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_papers_are_missing_signs_no_prescription_and_is_asked_for_no_opinion() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let administrator = stage.staff("admin").await;
    tick(&stage, &visit, returning()).await.ok();
    let rx = begin(&stage, &visit, herbal(&[line("茯苓", 15_000)])).await.ok();
    record(&stage, &administrator, "doctor", without("registration")).await;
    assert_eq!(sign(&stage, &visit, &rx, json!({})).await.refusal(), (403, "desk.registration_missing"));
    let asked = async || {
        let opinions = stage.get(&format!("/visits/{}/opinions", visit.id), &visit.doctor).await.ok();
        opinions["doctors"].as_array().unwrap().len()
    };
    assert_eq!(asked().await, 1);
    record(&stage, &administrator, "doctor2", without("consent_on")).await;
    assert_eq!(asked().await, 0, "who could not sign it is not asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_only_records_shows_what_is_missing_and_refuses_nothing_but_an_ended_licence() {
    let stage = Stage::open_with(|config| config.credentials = CredentialPolicy::Recorded).await;
    let (doctor, administrator) = (stage.staff("doctor").await, stage.staff("admin").await);
    let desk = stage.desk(&doctor, 0).await;
    let open = format!("/desks/{desk}/open");
    let nothing = json!({});
    let credential = record(&stage, &administrator, "doctor", nothing).await["credential"].clone();
    assert_eq!(credential["lacks"], json!(["registration", "practice", "consent"]));
    assert_eq!(credential["required"], json!(false));
    assert_eq!(stage.server.services.tell_of_credentials().await.unwrap(), 0);
    stage.act(&open, &doctor).await.ok();
    record(&stage, &administrator, "doctor", json!({ "licence_through": "2023-11-14" })).await;
    assert_eq!(stage.act(&open, &doctor).await.refusal(), (403, "desk.licence_ended"));
    assert_eq!(stage.server.services.tell_of_credentials().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_from_an_older_version_is_told_whom_it_would_refuse_and_a_demonstration_fills_its_own() {
    let stage = Stage::open().await;
    let file = format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display());
    let db = Db::open(&file).await.unwrap();
    run(&db, "delete from credential").await;
    db.close().await;
    let services = &stage.server.services;
    assert_eq!(services.tell_of_credentials().await.unwrap(), 2);
    services.seed_demo(90, yunzhen::services::hospital::seed::DemoHours::Always).await.unwrap();
    assert_eq!(services.tell_of_credentials().await.unwrap(), 0);
    stage.doctor_at_desk("doctor", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_records_papers_and_the_log_holds_who_and_no_number() {
    let stage = Stage::open().await;
    let (doctor, administrator) = (stage.staff("doctor").await, stage.staff("admin").await);
    let id = |one: Value| one["id"].as_str().unwrap().to_owned();
    let doctors = id(member(&stage, &administrator, "doctor").await);
    let nurses = id(member(&stage, &administrator, "nurse").await);
    let path = format!("/staff/{doctors}/credential");
    assert_eq!(stage.post(&path, &doctor, whole()).await.refusal(), (403, "auth.forbidden"));
    assert_eq!(stage.get("/staff", &doctor).await.refusal(), (403, "auth.forbidden"));
    let of_nurse = stage.post(&format!("/staff/{nurses}/credential"), &administrator, whole()).await;
    assert_eq!(of_nurse.refusal(), (404, "request.not_found"), "these are a doctor's papers");
    for (field, text) in [
        ("registration", "1234567"),
        ("practises_since", "2023-11-16"),
        ("practises_since", "2020-02-30"),
        ("consent_on", "2023-11-16"),
        ("licence_through", "soon"),
    ] {
        let mut papers = whole();
        papers[field] = json!(text);
        let refused = stage.post(&path, &administrator, papers).await;
        assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!(field)), "{text}");
    }
    stage.post(&path, &administrator, whole()).await.ok();
    let kept = member(&stage, &administrator, "doctor").await["credential"].clone();
    assert_eq!(kept["registration"], "110110000012345");
    let written = entries(&stage, "credential.record").await;
    assert_eq!(written.len(), 1, "{written:?}");
    assert!(written[0].1.contains(&doctors.replace('-', "")), "{written:?}");
}
