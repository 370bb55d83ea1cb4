//! `/patients`.

use serde_json::{Value, json};
use yunzhen::domain::ids::PatientId;

use crate::support::app::TestApp;
use crate::support::on_both;
use crate::support::sql::run;

/// A patient by the example number of GB 11643.
pub fn grandmother() -> Value {
    json!({ "name": "演示患者甲", "document": "resident_card", "number": "11010519491231002X", "relation": "child" })
}

fn passport(number: &str) -> Value {
    json!({
        "name": "Demo Patient", "document": "passport", "number": number, "birth_date": "1990-05-10", "sex": "male",
        "relation": "myself"
    })
}

fn changed(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn a_patient_is_shown_masked_with_the_age_of_today() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let card = holder.post("/patients", &grandmother()).await.ok();
    assert_eq!(card["name_masked"], "演****");
    assert_eq!(card["document_tail"], "002X");
    assert_eq!((&card["age_years"], &card["sex"], &card["relation"]), (&json!(76), &json!("female"), &json!("child")));
    assert_eq!(holder.get("/patients").await.ok(), json!([card]));
}

#[tokio::test]
async fn naming_a_patient_again_finds_the_same_one_in_any_spelling() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let card = holder.post("/patients", &grandmother()).await.ok();
    let spelled = changed(grandmother(), "number", json!(" 110105 19491231 002x "));
    assert_eq!(holder.post("/patients", &spelled).await.ok()["id"], card["id"]);
    let guardian = changed(grandmother(), "relation", json!("guardian"));
    assert_eq!(holder.post("/patients", &guardian).await.ok()["relation"], "guardian");
    assert_eq!(holder.get("/patients").await.ok().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_slip_in_a_birthday_is_mended_by_whoever_made_it_and_for_nobody_else() {
    let app = TestApp::start().await;
    let (one, other) = (app.holder("13800000001").await, app.holder("13800000002").await);
    let slip = one.post("/patients", &passport("E1234567")).await.ok();
    let mended = changed(passport("E1234567"), "birth_date", json!("1980-05-10"));
    let card = one.post("/patients", &mended).await.ok();
    assert_eq!((&card["id"], &card["age_years"]), (&slip["id"], &json!(45)));
    other.post("/patients", &mended).await.ok();
    assert_eq!(one.post("/patients", &passport("E1234567")).await.ok()["age_years"], 35);
    assert_eq!(other.get("/patients").await.ok()[0]["age_years"], 45);
}

on_both! {
    async fn whom_two_telephones_name_has_a_name_of_its_own_at_each_and_one_card(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let (one, other) = (app.holder("13800000001").await, app.holder("13800000002").await);
        let mut ids = Vec::new();
        for holder in [&one, &other] {
            let card = holder.post("/patients", &grandmother()).await.ok();
            assert_eq!(holder.post("/patients", &grandmother()).await.ok()["id"], card["id"]);
            // A child has no card yet, and the register states the same number.
            let register = changed(grandmother(), "document", json!("household_register"));
            ids.extend([card["id"].clone(), holder.post("/patients", &register).await.ok()["id"].clone()]);
        }
        let ids: std::collections::BTreeSet<PatientId> =
            ids.iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(ids.len(), 4, "no id tells when somebody else named this person first");
        let one = *ids.first().unwrap();
        let mates = db.read().await.unwrap().patients().mates(one, 9).await.unwrap();
        assert_eq!(mates.len(), 3, "whoever treats one of them knows of all");
    }

    async fn who_was_named_before_there_was_an_index_of_cards_is_found_after_the_next_start(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let holder = app.holder("13800000001").await;
        let named = async |body: &Value| holder.post("/patients", body).await.ok()["id"].as_str().unwrap().to_owned();
        let institution = db.read().await.unwrap().institutions().all().await.unwrap()[0].id;
        let card_of = async |id: &str| {
            let found = db.read().await.unwrap().patients().find(institution, id.parse().unwrap()).await.unwrap();
            found.unwrap().card_index
        };
        let (abroad, resident) = (named(&passport("E1234567")).await, named(&grandmother()).await);
        let known = card_of(&abroad).await;
        run(&db, "update patient set card_index = number_index").await;
        assert_ne!(card_of(&abroad).await, known);
        assert_eq!(app.services.mend_cards().await.unwrap(), 1, "a resident number is its own index");
        assert_eq!(card_of(&abroad).await, known);
        assert_eq!(app.services.mend_cards().await.unwrap(), 0, "once");
        assert_eq!(named(&passport("E1234567")).await, abroad);
        // What the version before writes meanwhile has no index at all.
        run(&db, "update patient set card_index = null").await;
        assert_eq!(app.services.mend_cards().await.unwrap(), 2);
        assert_eq!((card_of(&abroad).await, named(&grandmother()).await), (known, resident));
        // A number that cannot be unsealed stops no start.
        run(&db, "update patient set card_index = null, number_sealed = name_sealed").await;
        assert_eq!(app.services.mend_cards().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn nobody_gets_the_age_and_sex_that_a_stranger_gave_to_a_passport() {
    let app = TestApp::start().await;
    let (stranger, owner) = (app.holder("13800000001").await, app.holder("13800000002").await);
    let lie = stranger.post("/patients", &passport("E1234567")).await.ok();
    let truth = changed(changed(passport("E1234567"), "birth_date", json!("2024-05-05")), "sex", json!("female"));
    for _ in 0..2 {
        let card = owner.post("/patients", &truth).await.ok();
        assert_eq!((&card["age_years"], &card["sex"]), (&json!(1), &json!("female")));
        assert_ne!(card["id"], lie["id"]);
    }
    assert_eq!(owner.get("/patients").await.ok().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_number_under_another_name_is_another_patient_and_says_nothing_of_the_first() {
    let app = TestApp::start().await;
    let (one, other) = (app.holder("13800000001").await, app.holder("13800000002").await);
    let first = one.post("/patients", &grandmother()).await.ok();
    let second = other.post("/patients", &changed(grandmother(), "name", json!("演示患者乙"))).await.ok();
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn an_identity_that_cannot_be_is_refused_by_field() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let card = grandmother();
    let post = async |body: Value, field: &str| {
        holder.post("/patients", &body).await.refused_field("identity.invalid", field);
    };
    post(changed(card.clone(), "number", json!("110105194912310021")), "number").await;
    post(changed(card.clone(), "number", json!("")), "number").await;
    post(changed(card.clone(), "name", json!("  ")), "name").await;
    post(changed(card.clone(), "name", json!("甲".repeat(65))), "name").await;
    post(changed(card.clone(), "name", json!("a\u{202e}b")), "name").await;
    post(changed(card.clone(), "birth_date", json!("1949-12-30")), "birth_date").await;
    post(changed(card, "sex", json!("male")), "sex").await;
    post(changed(passport("E1234567"), "birth_date", json!("2026-03-03")), "birth_date").await;
    post(changed(passport("E1234567"), "birth_date", json!("1990-02-30")), "birth_date").await;
    post(changed(passport("E1234567"), "birth_date", Value::Null), "birth_date").await;
    post(changed(passport("E1234567"), "sex", Value::Null), "sex").await;
    assert_eq!(holder.get("/patients").await.ok(), json!([]));
}

#[tokio::test]
async fn a_body_of_another_shape_is_refused_by_field() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    let post = async |body: Value, code: &str, field: &str| {
        holder.post("/patients", &body).await.refused_field(code, field);
    };
    post(changed(grandmother(), "document", json!("library_card")), "request.malformed", "document").await;
    post(changed(grandmother(), "name", json!(7)), "request.malformed", "name").await;
    post(changed(grandmother(), "vip", json!(true)), "request.unknown_field", "vip").await;
    let mut without = grandmother();
    without.as_object_mut().unwrap().remove("relation");
    post(without, "request.malformed", "relation").await;
}

#[tokio::test]
async fn only_a_holder_names_patients() {
    let app = TestApp::start().await;
    app.browser().post("/patients", &grandmother()).await.refused("auth.required");
    app.browser().with("forged").get("/patients").await.refused("auth.required");
    app.staff("doctor").await.post("/patients", &grandmother()).await.refused("auth.forbidden");
}

#[tokio::test]
async fn a_holder_answers_for_twelve_people_at_most() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    for n in 0..12 {
        holder.post("/patients", &passport(&format!("E12345{n:02}"))).await.ok();
    }
    holder.post("/patients", &passport("E9999999")).await.refused("auth.forbidden");
    holder.post("/patients", &passport("E1234500")).await.ok();
}

#[tokio::test]
async fn a_repeated_command_is_the_same_command_and_a_key_belongs_to_one_body() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await.keyed("key-1");
    let first = holder.post("/patients", &grandmother()).await.ok();
    assert_eq!(holder.post("/patients", &grandmother()).await.ok(), first);
    holder.post("/patients", &passport("E1234567")).await.refused("request.key_reused");
    holder.keyed("no spaces").post("/patients", &grandmother()).await.refused("request.key_malformed");
    // Another person's command under the same key is another command.
    let other = app.holder("13800000002").await.keyed("key-1");
    other.post("/patients", &passport("E1234567")).await.ok();
}

#[tokio::test]
async fn checks_are_opened_as_often_as_a_person_needs_them() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    for _ in 0..60 {
        holder.post("/checks", &serde_json::json!({})).await.ok();
    }
    holder.post("/checks", &serde_json::json!({})).await.refused("request.rate_limited");
}
