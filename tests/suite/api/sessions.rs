//! `/auth/sessions` and `/staff/{id}/end-sessions`: who works here sees where they are signed in, and ends it.

use serde_json::{Value, json};

use crate::support::app::{Browser, TestApp};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn sign_in<'app>(browser: Browser<'app>, username: &str) -> Browser<'app> {
    let login = json!({ "username": username, "password": format!("yunzhen-{username}") });
    let tokens = browser.post("/auth/login", &login).await.ok();
    browser.with(tokens["access_token"].as_str().unwrap())
}

async fn sessions(browser: &Browser<'_>) -> Vec<Value> {
    browser.get("/auth/sessions").await.ok().as_array().unwrap().clone()
}

async fn end(browser: &Browser<'_>, id: &Value) -> crate::support::app::Answer {
    browser.post(&format!("/auth/sessions/{}/end", id.as_str().unwrap()), &json!({})).await
}

#[tokio::test]
async fn a_member_of_staff_sees_the_own_sessions_and_ends_any_of_them() {
    let app = TestApp::start().await;
    let at_home = sign_in(app.browser().agent(FIREFOX), "doctor").await;
    let began = app.clock.now().as_millis();
    app.pass(120);
    at_home.post("/templates", &json!({ "name": "一", "field": "advice", "body": "多饮水" })).await.ok();
    let at_work = sign_in(app.browser(), "doctor").await;
    let nurse = sign_in(app.browser(), "nurse").await;
    let seen = sessions(&at_work).await;
    assert_eq!(seen.len(), 2, "the nurse's is not here: {seen:?}");
    assert_eq!((&seen[0]["current"], &seen[0]["browser"]), (&json!(true), &json!(null)));
    assert_eq!((&seen[1]["current"], &seen[1]["browser"]), (&json!(false), &json!("Firefox")));
    assert_eq!((&seen[1]["since"], &seen[1]["acted_at"]), (&json!(began), &json!(began + 120_000)));
    assert!(!seen[1].to_string().contains("192.0.2"), "where it came from is not kept");

    end(&nurse, &seen[1]["id"]).await.refused("request.not_found");
    assert_eq!(end(&at_work, &seen[1]["id"]).await.status, 204);
    at_home.get("/auth/me").await.refused("auth.required");
    end(&at_work, &seen[1]["id"]).await.refused("request.not_found");
    assert_eq!(sessions(&at_work).await.len(), 1);
    assert_eq!(end(&at_work, &seen[0]["id"]).await.status, 204);
    at_work.get("/auth/me").await.refused("auth.required");
    assert_eq!(sessions(&nurse).await.len(), 1);
}

#[tokio::test]
async fn the_twenty_first_session_ends_the_one_that_was_not_used_for_longest_and_its_owner_reads_that() {
    let app = TestApp::start().await;
    let mut browsers = vec![sign_in(app.browser().agent(FIREFOX), "doctor").await];
    for _ in 1..20 {
        app.pass(1);
        browsers.push(sign_in(app.browser(), "doctor").await);
    }
    // The first is used, so that the second is the one of longest ago.
    app.pass(60);
    browsers[0].post("/templates", &json!({ "name": "一", "field": "advice", "body": "多饮水" })).await.ok();
    let nurse = sign_in(app.browser(), "nurse").await;
    assert!(sessions(&browsers[0]).await.iter().all(|one| one["ended"].is_null()));
    app.pass(60);
    let newest = sign_in(app.browser(), "doctor").await;
    let ended = app.clock.now().as_millis();
    browsers[1].get("/auth/me").await.refused("auth.required");
    for browser in browsers.iter().skip(2).chain([&browsers[0], &newest, &nurse]) {
        browser.get("/auth/me").await.ok();
    }
    let seen = sessions(&newest).await;
    assert_eq!(seen.iter().filter(|one| one["ended"].is_null()).count(), 20);
    let told = seen.last().unwrap();
    assert_eq!((&told["ended"], &told["current"]), (&json!(ended), &json!(false)));
    end(&newest, &told["id"]).await.refused("request.not_found");
    assert_eq!(sessions(&nurse).await.len(), 1, "nobody else's");
    app.pass(24 * 3600 - 120);
    assert_eq!(sessions(&sign_in(app.browser(), "doctor").await).await.last().unwrap()["ended"], json!(ended));
    app.pass(180);
    let later = sign_in(app.browser(), "doctor").await;
    assert!(sessions(&later).await.iter().all(|one| one["ended"] != json!(ended)), "a day later it is no news");
}

#[tokio::test]
async fn an_administrator_ends_every_session_of_an_account_and_a_patient_has_no_such_list() {
    let app = TestApp::start().await;
    let (one, two) = (sign_in(app.browser(), "doctor").await, sign_in(app.browser(), "doctor").await);
    let administrator = sign_in(app.browser(), "admin").await;
    let staff = administrator.get("/staff").await.ok();
    let doctor = staff.as_array().unwrap().iter().find(|row| row["username"] == "doctor").unwrap().clone();
    assert_eq!(doctor["sessions"], 2);
    let path = format!("/staff/{}/end-sessions", doctor["id"].as_str().unwrap());
    one.post(&path, &json!({})).await.refused("auth.forbidden");
    assert_eq!(administrator.post(&path, &json!({})).await.ok()["ended"], 2);
    one.get("/auth/me").await.refused("auth.required");
    two.get("/auth/me").await.refused("auth.required");
    assert_eq!(administrator.post(&path, &json!({})).await.ok()["ended"], 0);
    sign_in(app.browser(), "doctor").await.get("/auth/me").await.ok();
    app.holder("13800000001").await.get("/auth/sessions").await.refused("auth.forbidden");
}

#[tokio::test]
async fn the_own_password_changes_for_who_knows_it_and_ends_the_sessions_elsewhere() {
    const STRONG: &str = "k7mq-x3tz-9bde-wwpa";
    let app = TestApp::start().await;
    let (here, elsewhere) = (sign_in(app.browser(), "nurse").await, sign_in(app.browser(), "nurse").await);
    let change = async |password: &str, new: &str| {
        here.post("/auth/password", &json!({ "password": password, "new": new })).await
    };
    change("yunzhen-doctor", STRONG).await.refused_field("auth.bad_credentials", "password");
    for weak in ["short", "password123", "yunzhen-nurse", "nurse-nurse"] {
        change("yunzhen-nurse", weak).await.refused_field("auth.password_weak", "new");
    }
    elsewhere.get("/auth/me").await.ok();
    assert_eq!(change("yunzhen-nurse", STRONG).await.status, 204);
    here.get("/auth/me").await.ok();
    elsewhere.get("/auth/me").await.refused("auth.required");
    let login = async |password: &str| {
        app.browser().post("/auth/login", &json!({ "username": "nurse", "password": password })).await
    };
    login("yunzhen-nurse").await.refused("auth.bad_credentials");
    assert_eq!(login(STRONG).await.ok()["subject"]["role"], "nurse");
}
