//! The border of the API: whatever a stranger sends, the answer is a problem with a stable code, never a bare text.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use yunzhen::protocol::error::ErrorCode;

use crate::support::app::{Answer, Browser, TestApp};

const METHODS: [Method; 6] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Every path of the API document, below `/api/v1`.
fn paths() -> Vec<String> {
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().keys();
    paths.map(|path| path.strip_prefix("/api/v1").unwrap().to_owned()).collect()
}

#[track_caller]
fn is_problem(what: &str, answer: &Answer) {
    let code = answer.body["code"].as_str().unwrap_or_default();
    let known = ErrorCode::ALL.iter().find(|known| known.as_str() == code);
    let known = known.unwrap_or_else(|| panic!("{what}: {} without a code: {}", answer.status, answer.body));
    assert_eq!(answer.status.as_u16(), known.status(), "{what}");
    assert!(answer.status.is_client_error(), "{what}: {} {}", answer.status, answer.body);
}

/// Of the code on a paper every text is one: "unknown" is an answer.
fn is_any_text(path: &str) -> bool {
    path.starts_with("/verify/")
}

/// A patient, a doctor, and nobody.
async fn everybody(app: &TestApp) -> [Browser<'_>; 3] {
    [app.holder("13800000001").await, app.staff("doctor").await, app.browser()]
}

#[tokio::test]
async fn a_malformed_id_is_an_object_that_is_not_there() {
    let app = TestApp::start().await;
    let browsers = everybody(&app).await;
    let named: Vec<String> = paths().into_iter().filter(|path| path.contains('{') && !is_any_text(path)).collect();
    assert!(named.len() > 20, "the document names its paths");
    for path in named {
        let (before, rest) = path.split_once('{').unwrap();
        let after = rest.split_once('}').unwrap().1;
        for id in ["x", "%FF", "%00", "0190a0a0-0000-7000-8000-00000000000g", "%2e%2e", "1".repeat(3000).as_str()] {
            let path = format!("{before}{id}{after}");
            for browser in &browsers {
                for method in METHODS {
                    let body = json!({ "version": 1 }).to_string();
                    let answer = browser.send(method.clone(), &path, body.into(), Some("application/json")).await;
                    is_problem(&format!("{method} {path}"), &answer);
                }
            }
        }
    }
}

#[tokio::test]
async fn broken_json_and_another_content_type_are_told_as_problems() {
    let app = TestApp::start().await;
    let browsers = everybody(&app).await;
    for path in paths().into_iter().filter(|path| path != "/auth/logout") {
        let path = path.replace("{id}", "0190a0a0-0000-7000-8000-000000000001").replace("{version}", "none");
        let path = path.replace("{link}", "none");
        for browser in &browsers {
            for (body, mime) in [
                ("{", Some("application/json")),
                ("[]", Some("application/json")),
                ("null", Some("application/json")),
                ("\u{feff}{}", Some("application/json")),
                ("a=b", Some("application/x-www-form-urlencoded")),
                ("{}", None),
                ("{}", Some("text/plain")),
            ] {
                for method in [Method::PUT, Method::PATCH, Method::POST] {
                    let answer = send(browser, &method, &path, body, mime).await;
                    // A command without a body may pass; that it was understood is fine, too.
                    if !answer.status.is_success() {
                        is_problem(&format!("{method} {path} {body}"), &answer);
                    }
                }
            }
        }
    }
}

async fn send(browser: &Browser<'_>, method: &Method, path: &str, body: &str, mime: Option<&str>) -> Answer {
    browser.send(method.clone(), path, Body::from(body.to_owned()), mime).await
}

#[tokio::test]
async fn a_malformed_query_is_told_with_the_name_that_is_missing() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    holder.get("/tickets/current").await.refused_field("request.malformed", "link");
    holder.get("/tickets/current?x=1").await.refused_field("request.unknown_field", "x");
    holder.get("/tickets/current?link=a&link=b").await.refused_field("request.malformed", "link");
    holder.get("/tickets/current?link=none").await.refused("link.unknown");
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_as_problems() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for path in ["/none", "/tickets/", "/visits/1/2/3", "//", "/%FF"] {
        for method in METHODS {
            let answer = browser.send(method, path, Body::empty(), None).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            answer.refused("request.not_found");
        }
    }
    for path in ["/tickets", "/auth/login", "/me/visits", "/checks"] {
        browser.send(Method::DELETE, path, Body::empty(), None).await.refused("request.method_not_allowed");
    }
}

/// Says the same with U+0000 in every text of `body`, one at a time: the field and the body.
fn with_null(body: &Value) -> Vec<(String, Value)> {
    let texts = body.as_object().unwrap().iter().filter(|(_, value)| value.is_string());
    let spoilt = texts.map(|(name, value)| {
        let mut spoilt = body.clone();
        spoilt[name] = json!(format!("{}\0", value.as_str().unwrap()));
        (name.clone(), spoilt)
    });
    spoilt.collect()
}

#[tokio::test]
async fn a_null_character_is_refused_by_the_name_of_its_field() {
    let app = TestApp::start().await;
    let (browser, holder) = (app.browser(), app.holder("13800000001").await);
    for (path, body) in [
        ("/auth/login", json!({ "username": "doctor", "password": "yunzhen-doctor" })),
        ("/auth/code", json!({ "link": "none", "phone": "13800000009" })),
        ("/auth/refresh", json!({ "refresh_token": "x" })),
        ("/patients", super::patients::grandmother()),
    ] {
        for (field, spoilt) in with_null(&body) {
            let asks = if path == "/patients" { &holder } else { &browser };
            asks.post(path, &spoilt).await.refused_field("request.invalid", &field);
        }
    }
    let yes = json!({ "link": "none", "yes": ["chest", "a\0"] });
    browser.post("/red-flags", &yes).await.refused_field("request.invalid", "yes[1]");
    let patient = holder.post("/patients", &super::patients::grandmother()).await.ok();
    let begin = json!({ "patient": patient["id"], "link": crate::support::app::LINK });
    let declaration = holder.post("/declarations", &begin).await.ok();
    let path = format!("/declarations/{}", declaration["id"].as_str().unwrap());
    let save = json!({ "version": 1, "answers": { "id.addr.door": "1\0" } });
    holder.patch(&path, &save).await.refused_field("request.invalid", "answers.id.addr.door");
    let save = json!({ "version": 1, "answers": { "id.addr\0": "1" } });
    holder.patch(&path, &save).await.refused_field("request.invalid", "answers");
    assert_eq!(holder.get(&path).await.ok(), declaration);
}

#[tokio::test]
async fn a_null_character_in_an_address_reaches_no_database() {
    let app = TestApp::start().await;
    let holder = app.holder("13800000001").await;
    holder.get("/links/a%00b").await.refused_field("request.invalid", "path");
    holder.get("/questionnaires/%00").await.refused_field("request.invalid", "path");
    holder.get("/tickets/current?link=%00").await.refused_field("request.invalid", "query");
    holder.get("/tickets/current?link=%2500").await.refused("link.unknown");
}
