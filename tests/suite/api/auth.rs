//! `/auth`: one-time codes and sessions.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use serde_json::{Value, json};

use crate::support::app::{Browser, LINK, TestApp};

const PHONE: &str = "13800000001";

async fn ask(browser: &Browser<'_>, phone: &str) -> crate::support::app::Answer {
    browser.post("/auth/code", &json!({ "link": LINK, "phone": phone })).await
}

/// Asks for a code for [`PHONE`]; the challenge.
async fn challenge(browser: &Browser<'_>) -> Value {
    ask(browser, PHONE).await.ok()["challenge"].clone()
}

async fn verify(browser: &Browser<'_>, challenge: &Value, code: &str) -> crate::support::app::Answer {
    let body = json!({ "link": LINK, "phone": PHONE, "challenge": challenge, "code": code });
    browser.post("/auth/code/verify", &body).await
}

/// A challenge that was never given.
fn no_challenge() -> Value {
    json!("00000000-0000-0000-0000-000000000000")
}

/// A code that is not the one that was sent.
fn wrong(app: &TestApp) -> String {
    format!("{:06}", (app.last_code().parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_code_signs_the_numbers_owner_in_and_any_spelling_is_the_same_owner() {
    let app = TestApp::start().await;
    let first = app.sign_in(PHONE).await;
    assert_eq!(first["subject"]["kind"], "holder");
    assert_eq!(first["subject"]["phone_tail"], "0001");
    assert_eq!(app.sent.lock().unwrap()[0].to, "+8613800000001");
    app.pass(60);
    let again = app.sign_in("+86 138-0000-0001").await;
    assert_eq!(again["subject"]["holder"], first["subject"]["holder"]);
    assert_ne!(again["refresh_token"], first["refresh_token"]);
}

#[tokio::test]
async fn a_code_is_shown_in_a_demonstration_only() {
    let app = TestApp::start().await;
    let sent = ask(&app.browser(), PHONE).await.ok();
    assert_eq!(sent, json!({ "challenge": sent["challenge"], "expires_in": 600, "resend_in": 60 }));
    let demo = TestApp::start_demo().await;
    let sent = ask(&demo.browser(), PHONE).await.ok();
    assert_eq!(sent["demo_code"], demo.last_code());
}

#[tokio::test]
async fn the_answer_does_not_say_whether_a_number_is_known() {
    let app = TestApp::start().await;
    app.sign_in(PHONE).await;
    app.pass(60);
    let known = ask(&app.browser(), PHONE).await.ok();
    let unknown = ask(&app.browser(), "13800000002").await.ok();
    let told = |sent: &Value| (sent["challenge"].is_string(), sent["expires_in"].clone(), sent["resend_in"].clone());
    assert_eq!(told(&known), told(&unknown));
    // Nor does a guess: both have a code, neither is it.
    let guess = async |phone: &str, sent: &Value| {
        let body = json!({ "link": LINK, "phone": phone, "challenge": sent["challenge"], "code": wrong(&app) });
        app.browser().post("/auth/code/verify", &body).await
    };
    let refused = guess(PHONE, &known).await.refused("code.wrong");
    assert_eq!(refused, guess("13800000002", &unknown).await.refused("code.wrong"));
    // A challenge is good for the number that it was given for, and for no other.
    let refused = guess("13800000002", &known).await.refused("code.expired");
    assert_eq!(refused, guess("13800000003", &known).await.refused("code.expired"));
}

#[tokio::test]
async fn a_code_can_be_tried_five_times() {
    let app = TestApp::start().await;
    let browser = app.browser();
    let sent = challenge(&browser).await;
    let (right, wrong) = (app.last_code(), wrong(&app));
    for remaining in [4, 3, 2, 1, 0] {
        assert_eq!(verify(&browser, &sent, &wrong).await.refused("code.wrong")["remaining"], remaining);
    }
    verify(&browser, &sent, &right).await.refused("code.expired");
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_and_after_its_use_and_passes_its_own_challenge_only() {
    let app = TestApp::start().await;
    let browser = app.browser();
    verify(&browser, &no_challenge(), "123456").await.refused("code.expired");

    let sent = challenge(&browser).await;
    app.pass(600);
    verify(&browser, &sent, &app.last_code()).await.refused("code.expired");

    challenge(&browser).await;
    let older = app.last_code();
    app.pass(60);
    let sent = challenge(&browser).await;
    assert_ne!(older, app.last_code());
    verify(&browser, &sent, &older).await.refused("code.wrong");
    verify(&browser, &sent, &app.last_code()).await.ok();
    verify(&browser, &sent, &app.last_code()).await.refused("code.expired");
}

#[tokio::test]
async fn a_stranger_who_guesses_and_asks_neither_ends_nor_blocks_the_owners_code() {
    let app = TestApp::start().await;
    let (owner, stranger) = (app.browser(), app.browser_at("192.0.2.66"));
    let sent = challenge(&owner).await;
    let code = app.last_code();
    for _ in 0..5 {
        app.pass(60);
        let guessed = challenge(&stranger).await;
        for _ in 0..5 {
            verify(&stranger, &guessed, &wrong(&app)).await.refused("code.wrong");
        }
    }
    ask(&stranger, PHONE).await.refused("code.too_soon");
    app.pass(60);
    ask(&stranger, PHONE).await.refused("request.rate_limited");
    verify(&owner, &sent, &code).await.ok();
    // Nor do they keep the owner from the next one.
    let sent = challenge(&owner).await;
    verify(&owner, &sent, &app.last_code()).await.ok();
}

#[tokio::test]
async fn a_number_gets_twenty_codes_an_hour_wherever_they_are_asked_for() {
    let app = TestApp::start().await;
    for n in 0..20 {
        ask(&app.browser_at(&format!("192.0.2.{n}")), PHONE).await.ok();
    }
    ask(&app.browser_at("192.0.2.99"), PHONE).await.refused("request.rate_limited");
}

#[tokio::test]
async fn a_customer_with_256_networks_of_ipv6_asks_as_four_and_for_one_number_as_one() {
    let app = TestApp::start().await;
    let of = |network: usize| format!("2001:db8:0:1{network:02x}::1");
    for n in 0..5 {
        ask(&app.browser_at(&of(n)), PHONE).await.ok();
        app.pass(60);
    }
    ask(&app.browser_at(&of(9)), PHONE).await.refused("request.rate_limited");
    ask(&app.browser_at("2001:db8:0:200::1"), PHONE).await.ok();
    for n in 0..75 {
        ask(&app.browser_at(&of(n)), &format!("139000001{n:02}")).await.ok();
    }
    ask(&app.browser_at(&of(200)), "13900000199").await.refused("request.rate_limited");
    ask(&app.browser_at("2001:db8:0:200::1"), "13900000199").await.ok();
}

#[tokio::test]
async fn many_links_at_one_address_do_not_make_many_allowances() {
    let app = TestApp::start().await;
    let other = {
        let mut tx = app.db.read().await.unwrap();
        let clinic = tx.clinics().by_link(LINK).await.unwrap().unwrap();
        let clinics = tx.clinics().of(clinic.institution_id).await.unwrap();
        clinics.into_iter().find(|other| other.id != clinic.id).unwrap().link_token
    };
    for n in 0..20 {
        let link = if n % 2 == 0 { LINK } else { &other };
        let body = json!({ "link": link, "phone": format!("139000000{n:02}") });
        app.browser().post("/auth/code", &body).await.ok();
    }
    for link in [LINK, &other] {
        let body = json!({ "link": link, "phone": "13900000099" });
        app.browser().post("/auth/code", &body).await.refused("request.rate_limited");
    }
}

#[tokio::test]
async fn an_institution_sends_six_hundred_codes_an_hour_and_says_so() {
    let app = TestApp::start().await;
    for n in 0..600 {
        ask(&app.browser_at(&format!("192.0.2.{}", n / 20)), &format!("139000{n:05}")).await.ok();
    }
    let wait = ask(&app.browser_at("192.0.2.99"), PHONE).await.refused("code.sent_out")["retry_after"].clone();
    app.pass(wait.as_u64().unwrap());
    ask(&app.browser_at("192.0.2.99"), PHONE).await.ok();
}

#[tokio::test]
async fn the_next_code_waits_a_minute_and_the_sixth_an_hour() {
    let app = TestApp::start().await;
    let browser = app.browser();
    ask(&browser, PHONE).await.ok();
    app.pass(59);
    let early = ask(&browser, PHONE).await;
    assert_eq!(early.headers["retry-after"], "1");
    early.refused("code.too_soon");
    app.pass(1);
    for _ in 0..4 {
        ask(&browser, PHONE).await.ok();
        app.pass(60);
    }
    let wait = ask(&browser, PHONE).await.refused("request.rate_limited")["retry_after"].as_u64().unwrap();
    assert_eq!(wait, 3600 - 300);
    // A colleague at the same desk is not held up by it.
    ask(&browser, "13800000002").await.ok();
    app.pass(wait);
    ask(&browser, PHONE).await.ok();
}

#[tokio::test]
async fn one_address_asks_for_twenty_codes_an_hour_and_another_is_not_held_up() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for n in 0..20 {
        ask(&browser, &format!("139000000{n:02}")).await.ok();
    }
    ask(&browser, "13900000099").await.refused("request.rate_limited");
    assert_eq!(app.sent.lock().unwrap().len(), 20);
    ask(&app.browser_at("192.0.2.9"), "13900000099").await.ok();
}

#[tokio::test]
async fn a_wrong_field_is_refused_by_name() {
    let app = TestApp::start().await;
    let browser = app.browser();
    for phone in ["", "110", "02583000000", "not a number", &"1".repeat(4000)] {
        ask(&browser, phone).await.refused_field("request.invalid", "phone");
    }
    let post = async |body: Value| browser.post("/auth/code", &body).await;
    post(json!({ "phone": PHONE })).await.refused_field("request.malformed", "link");
    post(json!({ "link": LINK, "phone": 138 })).await.refused_field("request.malformed", "phone");
    post(json!({ "link": LINK, "phone": PHONE, "locale": "fr" })).await.refused_field("request.malformed", "locale");
    post(json!({ "link": LINK, "phone": PHONE, "x": 1 })).await.refused_field("request.unknown_field", "x");
    post(json!({ "link": "none", "phone": PHONE })).await.refused("link.unknown");
    for code in ["", "12345", "1234567", "12345a", "123456"] {
        verify(&browser, &no_challenge(), code).await.refused(if code == "123456" {
            "code.expired"
        } else {
            "request.invalid"
        });
    }
}

#[tokio::test]
async fn an_english_patient_gets_an_english_message() {
    let app = TestApp::start().await;
    let body = json!({ "link": LINK, "phone": "+4915100000000", "locale": "en" });
    app.browser().post("/auth/code", &body).await.ok();
    assert!(app.sent.lock().unwrap()[0].text.starts_with("[Yunzhen] Your code is "));
}

async fn refresh(app: &TestApp, tokens: &Value) -> crate::support::app::Answer {
    app.browser().post("/auth/refresh", &json!({ "refresh_token": tokens["refresh_token"] })).await
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_and_the_new_one_works() {
    let app = TestApp::start().await;
    let first = app.sign_in(PHONE).await;
    app.pass(700);
    let old = app.browser().with(first["access_token"].as_str().unwrap());
    old.get("/auth/me").await.refused("auth.required");
    let second = refresh(&app, &first).await.ok();
    let me = app.browser().with(second["access_token"].as_str().unwrap()).get("/auth/me").await.ok();
    assert_eq!(me, first["subject"]);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_within_ten_seconds_and_two_windows_stay_together() {
    let app = TestApp::start().await;
    let first = app.sign_in(PHONE).await;
    let second = refresh(&app, &first).await.ok();
    app.pass(10);
    let again = refresh(&app, &first).await.ok();
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    app.pass(3600);
    refresh(&app, &second).await.ok();
}

#[tokio::test]
async fn a_spent_token_ends_the_session_however_old_it_is() {
    for rotations in [1, 3] {
        let app = TestApp::start().await;
        let first = app.sign_in(PHONE).await;
        let mut newest = first.clone();
        for _ in 0..rotations {
            newest = refresh(&app, &newest).await.ok();
        }
        app.pass(11);
        refresh(&app, &first).await.refused("auth.session_ended");
        refresh(&app, &newest).await.refused("auth.session_ended");
        let browser = app.browser().with(newest["access_token"].as_str().unwrap());
        browser.get("/auth/me").await.refused("auth.required");
    }
}

#[tokio::test]
async fn a_made_up_token_ends_nobodys_session() {
    let app = TestApp::start().await;
    let tokens = app.sign_in(PHONE).await;
    let genuine = tokens["refresh_token"].as_str().unwrap();
    // The right session, another secret, a tag that does not fit.
    let forged = format!("{}{}", &genuine[..22], "A".repeat(genuine.len() - 22));
    for token in ["", "x", &forged, &genuine[..80], &"A".repeat(5000)] {
        let body = json!({ "refresh_token": token });
        app.browser().post("/auth/refresh", &body).await.refused("auth.session_ended");
    }
    refresh(&app, &tokens).await.ok();
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once() {
    let app = TestApp::start().await;
    let tokens = app.sign_in(PHONE).await;
    let browser = app.browser().with(tokens["access_token"].as_str().unwrap());
    browser.post("/auth/logout", &json!({})).await.ok();
    browser.get("/auth/me").await.refused("auth.required");
    refresh(&app, &tokens).await.refused("auth.session_ended");
}

#[tokio::test]
async fn a_password_of_any_length_is_answered_with_the_same_words() {
    let app = TestApp::start().await;
    let login = async |username: &str, password: &str| {
        let body = json!({ "username": username, "password": password });
        app.browser().post("/auth/login", &body).await.refused("auth.bad_credentials")
    };
    let wrong = login("doctor", "wrong").await;
    for password in ["", &"x".repeat(129), &"x".repeat(100_000)] {
        assert_eq!(login("doctor", password).await, wrong);
    }
    assert_eq!(login("nobody", "wrong").await, wrong);
    assert_eq!(login(&"x".repeat(4000), "wrong").await, wrong);
}

async fn login(app: &TestApp, address: &str, username: &str, password: &str) -> crate::support::app::Answer {
    app.browser_at(address).post("/auth/login", &json!({ "username": username, "password": password })).await
}

#[tokio::test]
async fn a_neighbours_wrong_passwords_sign_nobody_out() {
    let app = TestApp::start().await;
    let tokens = app.sign_in(PHONE).await;
    for n in 0..60 {
        login(&app, "192.0.2.1", &format!("nobody{n}"), "").await.refused("auth.bad_credentials");
    }
    login(&app, "192.0.2.1", "doctor", "yunzhen-doctor").await.refused("request.rate_limited");
    refresh(&app, &tokens).await.ok();
}

#[tokio::test]
async fn whoever_guesses_a_password_becomes_slow_and_its_owner_is_kept_out_nowhere_else() {
    let app = TestApp::start().await;
    for _ in 0..10 {
        login(&app, "192.0.2.1", "doctor", "").await.refused("auth.bad_credentials");
    }
    let wait = login(&app, "192.0.2.1", "doctor", "").await.refused("request.rate_limited")["retry_after"].clone();
    assert_eq!(wait, 60);
    login(&app, "192.0.2.1", "nurse", "yunzhen-nurse").await.ok();
    login(&app, "192.0.2.2", "doctor", "yunzhen-doctor").await.ok();
    app.pass(60);
    login(&app, "192.0.2.1", "doctor", "yunzhen-doctor").await.ok();
    login(&app, "192.0.2.1", "doctor", "yunzhen-doctor").await.ok();
}

#[tokio::test]
async fn a_password_is_guessed_from_everywhere_at_once_a_few_times_a_minute() {
    let app = TestApp::start().await;
    for n in 0..60 {
        login(&app, &format!("192.0.2.{}", n % 12), "doctor", "").await.refused("auth.bad_credentials");
    }
    let wait = login(&app, "192.0.2.99", "doctor", "").await.refused("request.rate_limited")["retry_after"].clone();
    assert_eq!(wait, 10);
    app.pass(10);
    login(&app, "192.0.2.99", "doctor", "yunzhen-doctor").await.ok();
}

#[tokio::test]
async fn whoever_guesses_from_everywhere_keeps_the_owner_from_no_place_in_which_they_have_signed_in() {
    let app = TestApp::start().await;
    login(&app, "192.0.2.99", "doctor", "yunzhen-doctor").await.ok();
    for n in 0..60 {
        login(&app, &format!("192.0.2.{}", n % 12), "doctor", "").await.refused("auth.bad_credentials");
    }
    login(&app, "192.0.2.98", "doctor", "yunzhen-doctor").await.refused("request.rate_limited");
    login(&app, "192.0.2.99", "nurse", "yunzhen-nurse").await.ok();
    for _ in 0..10 {
        login(&app, "192.0.2.99", "doctor", "yunzhen-doctor").await.ok();
        login(&app, "192.0.2.99", "doctor", "").await.refused("auth.bad_credentials");
    }
    login(&app, "192.0.2.99", "doctor", "yunzhen-doctor").await.refused("request.rate_limited");
}

#[tokio::test]
async fn codes_that_strangers_ask_for_shut_no_number_out_of_a_place_in_which_it_was_signed_in() {
    let app = TestApp::start().await;
    let home = app.browser_at("192.0.2.99");
    let sent = challenge(&home).await;
    verify(&home, &sent, &app.last_code()).await.ok();
    for n in 0..20 {
        ask(&app.browser_at(&format!("192.0.2.{n}")), PHONE).await;
    }
    app.pass(60);
    ask(&app.browser_at("192.0.2.98"), PHONE).await.refused("request.rate_limited");
    let sent = challenge(&home).await;
    verify(&home, &sent, &app.last_code()).await.ok();
    app.pass(181 * 24 * 3600);
    app.services.forget_keys().await.unwrap();
    for n in 0..20 {
        ask(&app.browser_at(&format!("192.0.2.{n}")), PHONE).await.ok();
    }
    ask(&home, PHONE).await.refused("request.rate_limited");
}
