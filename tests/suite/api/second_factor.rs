//! `/auth/second-factor`: a code of the telephone beside the password.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;
use yunzhen::store::Db;

use crate::support::app::{Answer, Browser, TestApp};

/// A telephone: base32 (RFC 4648), HOTP (RFC 4226), and steps of thirty seconds (RFC 6238), by our own hands.
struct Telephone(Vec<u8>);

impl Telephone {
    fn of(shown: &Value) -> Self {
        let mut bits = Vec::new();
        for letter in shown["secret"].as_str().unwrap().bytes() {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
            bits.extend((0..5).rev().map(|bit| value >> bit & 1 == 1));
        }
        Self(bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect())
    }

    /// The code so many steps from now.
    fn code(&self, app: &TestApp, steps: i64) -> String {
        let step = app.clock.now().as_millis() / 30_000 + steps;
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).unwrap();
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        let offset = usize::from(hash[19] & 15);
        let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

async fn sign_in(browser: &Browser<'_>, code: Option<&str>) -> Answer {
    let login = json!({ "username": "doctor", "password": "yunzhen-doctor", "code": code });
    browser.post("/auth/login", &login).await
}

async fn offer(doctor: &Browser<'_>, password: &str) -> Answer {
    doctor.post("/auth/second-factor", &json!({ "password": password })).await
}

async fn confirm(doctor: &Browser<'_>, code: &str) -> Answer {
    doctor.post("/auth/second-factor/confirm", &json!({ "code": code })).await
}

/// The telephone of the doctor, whose factor is on; the code of this step is spent.
async fn switched_on(app: &TestApp) -> Telephone {
    let doctor = app.staff("doctor").await;
    let telephone = Telephone::of(&offer(&doctor, "yunzhen-doctor").await.ok());
    confirm(&doctor, &telephone.code(app, 0)).await.ok();
    telephone
}

#[tokio::test]
async fn a_second_factor_asks_for_nothing_before_its_first_code_and_for_one_at_every_sign_in_after_it() {
    let app = TestApp::start().await;
    let doctor = app.staff("doctor").await;
    let off = json!({ "on": false, "required": false });
    assert_eq!(doctor.get("/auth/second-factor").await.ok(), off);
    let lost = Telephone::of(&offer(&doctor, "yunzhen-doctor").await.ok());
    sign_in(&app.browser(), None).await.ok();
    assert_eq!(doctor.get("/auth/second-factor").await.ok(), off, "no telephone took it yet");

    let shown = offer(&doctor, "yunzhen-doctor").await.ok();
    assert!(shown["link"].as_str().unwrap().starts_with("otpauth://totp/"), "{shown}");
    assert!(shown["qr"].as_array().unwrap().len() > 20);
    let telephone = Telephone::of(&shown);
    confirm(&doctor, &lost.code(&app, 0)).await.refused("auth.second_factor_wrong");
    assert_eq!(confirm(&doctor, &telephone.code(&app, 0)).await.ok()["on"], true);
    confirm(&doctor, &telephone.code(&app, 1)).await.refused("auth.second_factor_on");
    offer(&doctor, "yunzhen-doctor").await.refused("auth.second_factor_on");

    sign_in(&app.browser(), None).await.refused("auth.second_factor");
    sign_in(&app.browser(), Some("000000")).await.refused("auth.second_factor_wrong");
    let typed = telephone.code(&app, 1);
    sign_in(&app.browser(), Some(&format!("{} {}", &typed[..3], &typed[3..]))).await.ok();
    app.staff("nurse").await;

    app.pass(60);
    let end = json!({ "code": telephone.code(&app, 0) });
    assert_eq!(doctor.post("/auth/second-factor/off", &end).await.ok(), off);
    sign_in(&app.browser(), None).await.ok();
}

#[tokio::test]
async fn a_code_opens_once_and_a_telephone_may_be_half_a_minute_off() {
    let app = TestApp::start().await;
    let telephone = switched_on(&app).await;
    sign_in(&app.browser(), Some(&telephone.code(&app, 0))).await.refused("auth.second_factor_wrong");
    sign_in(&app.browser(), Some(&telephone.code(&app, -1))).await.refused("auth.second_factor_wrong");
    app.pass(300);
    sign_in(&app.browser(), Some(&telephone.code(&app, 2))).await.refused("auth.second_factor_wrong");
    sign_in(&app.browser(), Some(&telephone.code(&app, -2))).await.refused("auth.second_factor_wrong");
    sign_in(&app.browser(), Some(&telephone.code(&app, -1))).await.ok();
    sign_in(&app.browser(), Some(&telephone.code(&app, 0))).await.ok();
    sign_in(&app.browser(), Some(&telephone.code(&app, 1))).await.ok();
    sign_in(&app.browser(), Some(&telephone.code(&app, 1))).await.refused("auth.second_factor_wrong");
    for text in ["", "12345", "1234567", "１２３４５６", &"1".repeat(10_000)] {
        sign_in(&app.browser_at("192.0.2.9"), Some(text)).await.refused("auth.second_factor_wrong");
    }
}

#[tokio::test]
async fn guesses_from_everywhere_keep_nobody_with_a_second_factor_from_a_new_place_and_guesses_at_the_code_do() {
    let app = TestApp::start().await;
    let telephone = switched_on(&app).await;
    app.pass(300);
    let from = |n: u8, password: &'static str, code: Option<String>| {
        let login = json!({ "username": "doctor", "password": password, "code": code });
        let browser = app.browser_at(&format!("198.51.100.{n}"));
        async move { browser.post("/auth/login", &login).await }
    };
    for n in 0..60 {
        from(n % 12, "wrong", Some("000000".into())).await.refused("auth.bad_credentials");
    }
    from(99, "yunzhen-doctor", Some(telephone.code(&app, 0))).await.ok();
    app.pass(600);
    for n in 0..60 {
        from(20 + n % 6, "yunzhen-doctor", Some("000000".into())).await.refused("auth.second_factor_wrong");
    }
    let wait = from(98, "yunzhen-doctor", Some(telephone.code(&app, 1))).await.refused("request.rate_limited");
    assert_eq!(wait["retry_after"], 10, "who knows the password guesses no faster at the code");
    app.pass(10);
    from(98, "yunzhen-doctor", Some(telephone.code(&app, 1))).await.ok();
}

#[tokio::test]
async fn a_password_beside_a_second_factor_is_guessed_from_everywhere_a_few_times_a_minute() {
    let app = TestApp::start().await;
    let telephone = switched_on(&app).await;
    let known = {
        let browser = app.browser_at("192.0.2.1");
        let answer = sign_in(&browser, Some(&telephone.code(&app, 1))).await;
        browser.remembering(&answer)
    };
    app.pass(300);
    let from = |n: u8, password: &'static str, code: Option<String>| {
        let login = json!({ "username": "doctor", "password": password, "code": code });
        let browser = app.browser_at(&format!("198.51.100.{n}"));
        async move { browser.post("/auth/login", &login).await }
    };
    for n in 0..60 {
        from(n % 12, "wrong", None).await.refused("auth.bad_credentials");
    }
    // From now on nobody without the code is told whether a password is right.
    let (right, wrong) = ("yunzhen-doctor", "wrong");
    for password in [right, wrong] {
        from(20, password, None).await.refused("auth.second_factor");
        let wait = from(21, password, Some("000000".into())).await.refused("request.rate_limited");
        assert_eq!(wait["retry_after"], 10);
    }
    from(22, wrong, Some(telephone.code(&app, 0))).await.refused("request.rate_limited");
    // Where the owner is known the password comes first, as ever, and with the code they are let in everywhere.
    sign_in(&known, None).await.refused("auth.second_factor");
    sign_in(&known, Some("000000")).await.refused("auth.second_factor_wrong");
    sign_in(&known, Some(&telephone.code(&app, -1))).await.ok();
    from(23, right, Some(telephone.code(&app, 0))).await.ok();
    from(24, right, Some(telephone.code(&app, 0))).await.refused("request.rate_limited");
    // Whoever guesses so has ten tries at an address all the same.
    for _ in 0..10 {
        from(25, right, Some("000000".into())).await.refused("request.rate_limited");
    }
    let wait = from(25, right, Some(telephone.code(&app, 1))).await.refused("request.rate_limited");
    assert_eq!(wait["retry_after"], 60);
    app.pass(10);
    from(26, wrong, None).await.refused("auth.bad_credentials");
    from(26, wrong, None).await.refused("auth.second_factor");
}

#[tokio::test]
async fn whoever_rested_proves_it_by_the_code_as_well_where_a_second_factor_is_on() {
    let app = TestApp::start().await;
    let telephone = switched_on(&app).await;
    app.pass(60);
    let tokens = sign_in(&app.browser(), Some(&telephone.code(&app, 0))).await.ok();
    app.pass(1800);
    let refresh = json!({ "refresh_token": tokens["refresh_token"] });
    let tokens = app.browser().post("/auth/refresh", &refresh).await.ok();
    let doctor = app.browser().with(tokens["access_token"].as_str().unwrap());
    let desk = doctor.get("/clinics").await.ok()[0]["desks"][0]["id"].as_str().unwrap().to_owned();
    let open = async || doctor.post(&format!("/desks/{desk}/open"), &json!({})).await;
    let prove = async |code: Option<String>| {
        doctor.post("/auth/prove", &json!({ "password": "yunzhen-doctor", "code": code })).await
    };
    open().await.refused("auth.proof_needed");
    prove(None).await.refused("auth.second_factor");
    prove(Some("000000".to_owned())).await.refused("auth.second_factor_wrong");
    open().await.refused("auth.proof_needed");
    assert_eq!(prove(Some(telephone.code(&app, 0))).await.status, 204);
    open().await.ok();
    prove(Some(telephone.code(&app, 0))).await.refused("auth.second_factor_wrong");
}

#[tokio::test]
async fn whoever_guesses_at_the_proof_becomes_slow() {
    let app = TestApp::start().await;
    let doctor = app.staff("doctor").await;
    let prove = async |password: &str| doctor.post("/auth/prove", &json!({ "password": password })).await;
    for _ in 0..10 {
        prove("wrong").await.refused("auth.bad_credentials");
    }
    prove("yunzhen-doctor").await.refused("request.rate_limited");
    app.staff("doctor").await;
}

#[tokio::test]
async fn whoever_guesses_codes_becomes_slow_as_with_passwords() {
    let app = TestApp::start().await;
    let telephone = switched_on(&app).await;
    let doctor = {
        app.pass(60);
        let tokens = sign_in(&app.browser(), Some(&telephone.code(&app, 0))).await.ok();
        app.browser().with(tokens["access_token"].as_str().unwrap())
    };
    for _ in 0..10 {
        sign_in(&app.browser(), Some("000000")).await.refused("auth.second_factor_wrong");
        let end = json!({ "code": "000000" });
        doctor.post("/auth/second-factor/off", &end).await.refused("auth.second_factor_wrong");
    }
    sign_in(&app.browser(), Some("000000")).await.refused("request.rate_limited");
    doctor.post("/auth/second-factor/off", &json!({ "code": "000000" })).await.refused("request.rate_limited");
}

#[tokio::test]
async fn an_open_window_is_not_enough_to_share_a_secret() {
    let app = TestApp::start().await;
    let doctor = app.staff("doctor").await;
    offer(&doctor, "wrong").await.refused("auth.bad_credentials");
    offer(&app.holder("13800000001").await, "yunzhen-doctor").await.refused("auth.forbidden");
    confirm(&doctor, "000000").await.refused("request.not_found");
    assert_eq!(doctor.get("/auth/second-factor").await.ok()["on"], false);
}

#[tokio::test]
async fn where_a_second_factor_is_required_nothing_but_setting_one_up_is_allowed() {
    let app = TestApp::requiring_second_factors().await;
    let doctor = app.staff("doctor").await;
    doctor.get("/clinics").await.refused("auth.second_factor_missing");
    assert_eq!(doctor.get("/auth/me").await.ok()["kind"], "staff");
    assert_eq!(doctor.get("/auth/second-factor").await.ok(), json!({ "on": false, "required": true }));
    let telephone = Telephone::of(&offer(&doctor, "yunzhen-doctor").await.ok());
    doctor.get("/clinics").await.refused("auth.second_factor_missing");
    confirm(&doctor, &telephone.code(&app, 0)).await.ok();
    doctor.get("/clinics").await.ok();
    app.holder("13800000001").await.get("/patients").await.ok();
}

#[tokio::test]
async fn the_operator_forgets_the_factor_of_a_lost_telephone_and_the_audit_says_so() {
    let app = TestApp::start().await;
    let telephone = switched_on(&app).await;
    let forget = async |name: &str| {
        yunzhen::services::identity::second_factor::forget_factor(&app.db, app.clock.now(), name).await.unwrap()
    };
    assert!(!forget("nobody").await && !forget("nurse").await);
    assert!(forget("doctor").await && !forget("doctor").await);
    sign_in(&app.browser(), None).await.ok();
    assert_ne!(telephone.code(&app, 0), "");
    let Db::Sqlite { readers, .. } = &app.db else { panic!("this site has a file") };
    let kept = "select action from audit where action like 'second_factor%' order by seq";
    let actions: Vec<String> = sqlx::query_scalar(kept).fetch_all(readers).await.unwrap();
    assert_eq!(actions, ["second_factor.offer", "second_factor.on", "second_factor.forgotten"]);
}
