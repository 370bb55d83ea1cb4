//! A child's guardian: under fourteen nothing begins without their name, their relation and their yes.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use serde_json::{Value, json};

use crate::support::app::{Answer, Browser, LINK, TestApp};
use crate::support::{on_both, sql};

const TCM: &str = "demo-tcm-clinic";

/// Names a child; the day of the site is the 2nd of March 2026.
async fn child(holder: &Browser<'_>, born: &str) -> Value {
    let identity = json!({ "name": "Demo Child", "document": "passport", "number": "E7654321", "birth_date": born,
                           "sex": "female", "relation": "child" });
    holder.post("/patients", &identity).await.ok()
}

fn word() -> Value {
    json!({ "name": "演示家长", "relation": "parent", "version": "sensitive-data-1", "agrees": true })
}

async fn consent(holder: &Browser<'_>, card: &Value, word: &Value) -> Answer {
    holder.post(&format!("/patients/{}/guardian", card["id"].as_str().unwrap()), word).await
}

async fn declare(holder: &Browser<'_>, card: &Value) -> Answer {
    holder.post("/declarations", &json!({ "patient": card["id"], "link": LINK })).await
}

/// The first free hour of the clinic that is booked.
async fn book(app: &TestApp, holder: &Browser<'_>, card: &Value) -> Answer {
    let slots = app.browser().get(&format!("/slots?link={TCM}")).await.ok();
    holder.post("/appointments", &json!({ "patient": card["id"], "slot": slots["slots"][0]["id"] })).await
}

async fn wish(holder: &Browser<'_>, card: &Value) -> Answer {
    let days = json!({ "link": TCM, "patient": card["id"], "first_day": "2026-03-10", "last_day": "2026-03-11" });
    holder.post("/wishes", &days).await
}

on_both! {
    async fn a_child_is_declared_booked_and_put_on_a_list_after_a_guardian_has_consented(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        app.services.roll_slots().await.unwrap();
        let holder = app.holder("13800000001").await;
        let card = child(&holder, "2016-05-10").await;
        assert_eq!(card["needs_guardian"], true);
        declare(&holder, &card).await.refused_field("consent.missing", "guardian");
        book(&app, &holder, &card).await.refused_field("consent.missing", "guardian");
        wish(&holder, &card).await.refused_field("consent.missing", "guardian");
        assert_eq!(holder.get("/appointments").await.ok(), json!([]));
        let seen = consent(&holder, &card, &word()).await.ok();
        assert_eq!((&seen["id"], &seen["needs_guardian"]), (&card["id"], &json!(false)));
        assert_eq!(holder.get("/patients").await.ok()[0]["needs_guardian"], false);
        declare(&holder, &card).await.ok();
        wish(&holder, &card).await.ok();
        book(&app, &holder, &card).await.ok();
    }
}

#[tokio::test]
async fn a_guardian_is_named_is_a_parent_or_guardian_and_says_yes() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let card = child(&holder, "2016-05-10").await;
    let with = |field: &str, value: Value| {
        let mut word = word();
        word[field] = value;
        word
    };
    let long = "长".repeat(65);
    for (field, value) in [
        ("name", json!(" ")),
        ("name", json!(long)),
        ("relation", json!("carer")),
        ("relation", json!("myself")),
        ("agrees", json!(false)),
    ] {
        consent(&holder, &card, &with(field, value)).await.refused_field("request.invalid", field);
    }
    let old = with("version", json!("sensitive-data-0"));
    consent(&holder, &card, &old).await.refused_field("consent.outdated", "version");
    let stranger = app.holder("13800000002").await;
    consent(&stranger, &card, &word()).await.refused("request.not_found");
    declare(&holder, &card).await.refused_field("consent.missing", "guardian");
}

#[tokio::test]
async fn a_guardian_consents_until_the_day_before_the_fourteenth_birthday() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    // Tomorrow, by the clinic's wall, is the birthday.
    let card = child(&holder, "2012-03-03").await;
    assert_eq!((&card["age_years"], &card["needs_guardian"]), (&json!(13), &json!(true)));
    // Fifteen hours later it is a second before midnight.
    app.pass(15 * 3600 - 1);
    let holder = app.holder("13800000001").await;
    declare(&holder, &card).await.refused_field("consent.missing", "guardian");
    app.pass(1);
    declare(&holder, &card).await.ok();
    assert_eq!(holder.get("/patients").await.ok()[0]["needs_guardian"], false);
}

#[tokio::test]
async fn the_day_is_that_of_the_clinic() {
    let app = TestApp::start().await;
    app.services.roll_slots().await.unwrap();
    let holder = app.holder("13800000001").await;
    // Fourteen today in China, and tomorrow in New York.
    let card = child(&holder, "2012-03-02").await;
    sql::run(&app.db, "update clinic set time_zone = 'America/New_York'").await;
    declare(&holder, &card).await.refused_field("consent.missing", "guardian");
    book(&app, &holder, &card).await.refused_field("consent.missing", "guardian");
    sql::run(&app.db, "update clinic set time_zone = 'Asia/Shanghai'").await;
    declare(&holder, &card).await.ok();
    book(&app, &holder, &card).await.ok();
}

#[tokio::test]
async fn what_was_begun_before_is_not_handed_in_without_a_guardian() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let card = child(&holder, "2016-05-10").await;
    consent(&holder, &card, &word()).await.ok();
    let declaration = declare(&holder, &card).await.ok();
    // As if it had been agreed to in older words.
    sql::run(&app.db, "drop trigger guardian_consent_never_changes").await;
    sql::run(&app.db, "update guardian_consent set text_version = 'sensitive-data-0'").await;
    let path = format!("/declarations/{}/submit", declaration["id"].as_str().unwrap());
    let submit = json!({ "version": declaration["version"] });
    holder.post(&path, &submit).await.refused_field("consent.missing", "guardian");
    assert_eq!(holder.get("/patients").await.ok()[0]["needs_guardian"], true);
}
