//! A browser in which somebody of the staff has signed in is judged by its own guesses, whoever shares its address.

use axum::http::header;
use serde_json::json;

use crate::support::app::{Answer, Browser, TestApp};

/// What a hospital shows to the outside.
const WARD: &str = "192.0.2.99";

async fn login(browser: &Browser<'_>, username: &str, password: &str) -> Answer {
    browser.post("/auth/login", &json!({ "username": username, "password": password })).await
}

/// The doctor's own browser at the ward, in which they have signed in.
async fn own(app: &TestApp) -> Browser<'_> {
    let browser = app.browser_at(WARD);
    let answer = login(&browser, "doctor", "yunzhen-doctor").await;
    browser.remembering(&answer)
}

#[tokio::test]
async fn whoever_guesses_at_the_owners_own_address_does_not_keep_the_owners_browser_out() {
    let app = TestApp::start().await;
    let own = own(&app).await;
    let visitor = app.browser_at(WARD);
    for _ in 0..10 {
        login(&visitor, "doctor", "").await.refused("auth.bad_credentials");
    }
    login(&visitor, "doctor", "yunzhen-doctor").await.refused("request.rate_limited");
    login(&own, "doctor", "yunzhen-doctor").await.ok();
    // Nor does who knocks at the door as often as an address may.
    while login(&visitor, "nobody", "").await.status != 429 {}
    login(&own, "doctor", "yunzhen-doctor").await.ok();
}

#[tokio::test]
async fn a_known_browser_has_ten_guesses_wherever_it_is_and_takes_nothing_of_the_others() {
    let app = TestApp::start().await;
    let own = own(&app).await;
    for n in 0..10 {
        let elsewhere = own.clone().at(&format!("198.51.100.{n}"));
        login(&elsewhere, "doctor", "").await.refused("auth.bad_credentials");
    }
    let wait = login(&own, "doctor", "yunzhen-doctor").await.refused("request.rate_limited")["retry_after"].clone();
    assert_eq!(wait, 60);
    login(&app.browser_at(WARD), "doctor", "yunzhen-doctor").await.ok();
    app.pass(60);
    login(&own, "doctor", "yunzhen-doctor").await.ok();
}

#[tokio::test]
async fn a_browser_is_known_for_the_accounts_that_signed_in_there_and_for_no_other() {
    let app = TestApp::start().await;
    let shared = own(&app).await;
    let answer = login(&shared, "nurse", "yunzhen-nurse").await;
    let shared = shared.remembering(&answer);
    for name in ["doctor", "nurse", "pharmacist"] {
        for _ in 0..10 {
            login(&app.browser_at(WARD), name, "").await.refused("auth.bad_credentials");
        }
    }
    login(&shared, "doctor", "yunzhen-doctor").await.ok();
    login(&shared, "nurse", "yunzhen-nurse").await.ok();
    login(&shared, "pharmacist", "yunzhen-pharmacist").await.refused("request.rate_limited");
}

#[tokio::test]
async fn with_another_password_only_the_browser_that_chose_it_is_still_known() {
    let app = TestApp::start().await;
    let (own, other) = (own(&app).await, own(&app).await);
    let answer = login(&own, "doctor", "yunzhen-doctor").await;
    let own = own.remembering(&answer).with(answer.body["access_token"].as_str().unwrap());
    let change = json!({ "password": "yunzhen-doctor", "new": "three herons stand in fog" });
    let answer = own.post("/auth/password", &change).await;
    let own = own.remembering(&answer);
    for _ in 0..10 {
        login(&app.browser_at(WARD), "doctor", "").await.refused("auth.bad_credentials");
    }
    login(&other, "doctor", "three herons stand in fog").await.refused("request.rate_limited");
    login(&own, "doctor", "three herons stand in fog").await.ok();
}

#[tokio::test]
async fn a_browser_is_forgotten_after_half_a_year_and_its_cookie_is_for_the_sign_in_alone() {
    let app = TestApp::start().await;
    let answer = login(&app.browser_at(WARD), "doctor", "yunzhen-doctor").await;
    let line = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["Path=/api/v1/auth", "Max-Age=15552000", "HttpOnly", "SameSite=Strict"] {
        assert!(line.split("; ").any(|found| found == part), "{line}");
    }
    let own = app.browser_at(WARD).remembering(&answer);
    app.pass(181 * 24 * 3600);
    app.services.forget_keys().await.unwrap();
    for _ in 0..10 {
        login(&app.browser_at(WARD), "doctor", "").await.refused("auth.bad_credentials");
    }
    login(&own, "doctor", "yunzhen-doctor").await.refused("request.rate_limited");
}
