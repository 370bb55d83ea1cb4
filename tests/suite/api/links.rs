//! `/links/{link}` and `/red-flags`.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use yunzhen::services::hospital::clinic_settings::ClinicSet;
use yunzhen::services::hospital::showing::{Change, set_shown};

use crate::support::app::{LINK, TestApp};

#[tokio::test]
async fn a_link_shows_its_clinic_and_the_eight_questions() {
    let app = TestApp::start().await;
    let landing = app.browser().get(&format!("/links/{LINK}")).await.ok();
    assert_eq!(landing["clinic_name"]["zh"], "发热咨询门诊");
    assert_eq!((&landing["open"], &landing["desks_open"], &landing["waiting"]), (&json!(true), &json!(0), &json!(0)));
    assert_eq!(landing["demo"], false);
    assert_eq!(landing["red_flags"].as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn a_no_of_the_first_page_answers_its_question_in_the_declaration_and_leaves_breathing_open() {
    let app = TestApp::start().await;
    let landing = app.browser().get(&format!("/links/{LINK}")).await.ok();
    let form = app.browser().get("/questionnaires/current").await.ok();
    let items: Vec<_> =
        form["pages"].as_array().unwrap().iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    for flag in landing["red_flags"].as_array().unwrap() {
        let Some(link_id) = flag.get("answers") else {
            // Whoever is not breathless at rest may be so on the stairs.
            assert_eq!(flag["id"], "breath");
            continue;
        };
        let item = items.iter().find(|item| item["link_id"] == *link_id).unwrap();
        assert_eq!(item["type"], "boolean", "{link_id}");
    }
}

#[tokio::test]
async fn a_link_says_what_a_visit_costs_and_where_to_complain_or_that_no_fee_is_set() {
    let app = TestApp::start().await;
    let shown = async || app.browser().get(&format!("/links/{LINK}")).await.ok();
    let before = shown().await;
    assert_eq!(before["price_fen"], json!(null));
    assert_eq!(before["complaints"], json!({ "phone": before["help_phone"], "at": null }), "there is always somebody");
    let set = async |change: Change| {
        let set = set_shown(&app.db, app.clock.now(), "fever", None, &change).await.unwrap();
        assert_eq!(set, ClinicSet::Done);
    };
    let some = |text: &str| Some(text.to_owned());
    set(Change { price_fen: Some(Some(1250)), complaints_phone: some("010-12345"), ..Change::default() }).await;
    set(Change { complaints_at_zh: some("门诊楼1层医患办"), ..Change::default() }).await;
    let after = shown().await;
    assert_eq!((&after["price_fen"], &after["complaints"]["phone"]), (&json!(1250), &json!("010-12345")), "it stays");
    assert_eq!(after["complaints"]["at"]["en"], "门诊楼1层医患办", "one language is better than none");
    set(Change { price_fen: Some(None), complaints_phone: some(" "), complaints_at_zh: some(""), ..Change::default() })
        .await;
    assert_eq!(shown().await, before);
    let unknown = set_shown(&app.db, app.clock.now(), "moon", None, &Change::default()).await.unwrap();
    assert!(matches!(unknown, ClinicSet::NoClinic(known) if known == ["fever", "tcm"]));
}

#[tokio::test]
async fn a_link_that_was_never_made_leads_nowhere() {
    let app = TestApp::start().await;
    app.browser().get("/links/none").await.refused("link.unknown");
    app.browser().get(&format!("/links/{}", "x".repeat(4000))).await.refused("link.unknown");
}

#[tokio::test]
async fn eight_times_no_is_no_emergency() {
    let app = TestApp::start().await;
    let answer = app.browser().post("/red-flags", &json!({ "link": LINK, "yes": [] })).await.ok();
    assert_eq!(answer, json!({ "emergency": false }));
}

#[tokio::test]
async fn any_yes_raises_an_alarm_and_opens_a_line_without_a_name() {
    let app = TestApp::start().await;
    let yes = json!({ "link": LINK, "yes": ["chest", "lips", "chest"] });
    let answer = app.browser().post("/red-flags", &yes).await.ok();
    assert_eq!(answer["emergency"], true);
    let tokens = &answer["line"]["tokens"];
    assert_eq!(tokens["subject"]["kind"], "caller");

    let alarms = app.staff("nurse").await.get("/alarms").await.ok();
    assert_eq!(alarms[0]["id"], answer["line"]["alarm"]);
    assert_eq!(alarms[0]["kind"], "red_flag");
    let terms: Vec<_> =
        alarms[0]["reasons"].as_array().unwrap().iter().map(|term| term["zh"].as_str().unwrap()).collect();
    assert_eq!(terms, ["胸痛或持续压迫感", "口唇或面部发绀"], "staff read terms, not questions");

    // The line is all that its caller may have.
    let caller = app.browser().with(tokens["access_token"].as_str().unwrap());
    caller.get("/patients").await.refused("auth.forbidden");
    caller.get("/alarms").await.refused("auth.forbidden");
}

#[tokio::test]
async fn a_hundred_alarms_from_one_network_ring_three_times_and_every_caller_is_answered() {
    let app = TestApp::start().await;
    let nurse = app.staff("nurse").await;
    let call = async |address: &str| {
        let yes = json!({ "link": LINK, "yes": ["chest"] });
        app.pass(1);
        app.browser_at(address).post("/red-flags", &yes).await.ok()["line"].clone()
    };
    let alarms = async || nurse.get("/alarms").await.ok().as_array().unwrap().clone();
    let topic = format!("alarms:{}", nurse.get("/auth/me").await.ok()["institution"].as_str().unwrap());
    let raised = async || app.services.events_since(&topic, 0, 100).await.unwrap().len();
    for n in 0..15 {
        let line = call(&format!("2001:db8::{n:x}")).await;
        let caller = app.browser().with(line["tokens"]["access_token"].as_str().unwrap());
        caller.post(&format!("/alarms/{}/grant", line["alarm"].as_str().unwrap()), &json!({})).await.ok();
    }
    let rung = alarms().await;
    assert_eq!((rung.len(), raised().await), (3, 3));
    assert_eq!(rung.iter().map(|one| one["behind"].as_i64().unwrap()).collect::<Vec<_>>(), [0, 0, 12]);

    // A neighbour is heard.
    let neighbour = call("192.0.2.7").await["alarm"].clone();
    assert_eq!(alarms().await[3]["id"], neighbour);

    // Somebody answers one: the next that waited rings.
    nurse.post(&format!("/alarms/{}/take", rung[0]["id"].as_str().unwrap()), &json!({})).await.ok();
    app.services.sweep().await.unwrap();
    app.services.sweep().await.unwrap();
    let now = alarms().await;
    assert_eq!(now.len(), 5, "four of the network, one of them taken, and the neighbour's");
    assert_eq!(now.iter().map(|one| one["behind"].as_i64().unwrap()).sum::<i64>(), 11);
}

#[tokio::test]
async fn a_question_that_is_not_asked_cannot_be_answered() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let post = async |body| browser.post("/red-flags", &body).await;
    post(json!({ "link": LINK, "yes": ["toothache"] })).await.refused_field("request.invalid", "yes");
    post(json!({ "link": LINK, "yes": vec!["chest"; 9] })).await.refused_field("request.invalid", "yes");
    post(json!({ "link": LINK })).await.refused_field("request.malformed", "yes");
    post(json!({ "link": LINK, "yes": "chest" })).await.refused_field("request.malformed", "yes");
    post(json!({ "link": LINK, "yes": [], "name": "x" })).await.refused_field("request.unknown_field", "name");
    post(json!({ "link": "none", "yes": ["chest"] })).await.refused("link.unknown");
    let big = json!({ "link": LINK, "yes": ["x".repeat(300 * 1024)] });
    post(big).await.refused("request.too_large");
    let text = browser.send(Method::POST, "/red-flags", Body::from("{}"), Some("text/plain")).await;
    text.refused("request.unsupported_type");
    assert!(app.staff("nurse").await.get("/alarms").await.ok().as_array().unwrap().is_empty());
}

#[tokio::test]
async fn who_knocks_too_often_waits_and_the_neighbour_does_not() {
    let app = TestApp::start().await;
    let path = format!("/links/{LINK}");
    for _ in 0..60 {
        app.browser().get(&path).await.ok();
    }
    let answer = app.browser().get(&path).await;
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.refused("request.rate_limited")["retry_after"], 1);
    app.browser_at("192.0.2.2").get(&path).await.ok();
    app.pass(1);
    app.browser().get(&path).await.ok();
}
