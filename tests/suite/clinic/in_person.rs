//! A doctor or a pharmacist who rested proves anew who they are, before the next patient and before a signature.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::domain::ids::DeskId;

use super::audits::entries;
use super::prescriptions::{approval, claim, pharmacy, signed};
use super::stage::{Answer, Stage, Visit, nothing};

/// A browser that stays signed in by itself, as a page does.
struct Window {
    tokens: Value,
}

impl Window {
    async fn open(stage: &Stage, username: &str) -> Self {
        let login = json!({ "username": username, "password": format!("yunzhen-{username}") });
        Self { tokens: stage.post("/auth/login", "", login).await.ok() }
    }

    fn token(&self) -> &str {
        self.tokens["access_token"].as_str().unwrap()
    }

    /// Time passes; the page renews its token and its desk, and asks what it shows.
    async fn idle(&mut self, stage: &Stage, desk: &str, span: Duration) {
        let end = stage.clock.now() + span;
        while stage.clock.now() < end {
            stage.clock.advance(Duration::from_mins(1).min(end.since(stage.clock.now())));
            let refresh = json!({ "refresh_token": self.tokens["refresh_token"] });
            self.tokens = stage.post("/auth/refresh", "", refresh).await.ok();
            let (actor, _) = stage.server.services.authenticate(self.token()).await.unwrap().unwrap();
            let id: DeskId = serde_json::from_value(json!(desk)).unwrap();
            stage.server.services.renew_desk(actor, id).await.unwrap();
            stage.get("/desks/mine", self.token()).await.ok();
        }
    }

    async fn prove(&self, stage: &Stage, password: &str) -> Answer {
        stage.post("/auth/prove", self.token(), json!({ "password": password })).await
    }
}

const NEEDED: (u16, &str) = (403, "auth.proof_needed");

async fn save(stage: &Stage, visit: &Visit, token: &str, version: i64) -> Answer {
    let content = json!({ "complaint": "发热2天", "diagnosis": "感冒", "advice": "多饮水" });
    let body = json!({ "version": version, "content": content });
    stage.send(Method::PUT, &format!("/visits/{}/note", visit.id), token, Some(body), None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_who_rested_for_half_an_hour_proves_who_it_is_before_the_next_call() {
    let stage = Stage::open().await;
    let mut window = Window::open(&stage, "doctor").await;
    let desk = stage.desk(window.token(), 0).await;
    stage.act(&format!("/desks/{desk}/open"), window.token()).await.ok();
    let (_, ticket) = stage.patient_waiting(1, nothing()).await;
    let (call, pause) = (format!("/desks/{desk}/call-next"), format!("/desks/{desk}/pause"));
    window.idle(&stage, &desk, Duration::from_mins(30)).await;
    assert_eq!(stage.act(&call, window.token()).await.refusal(), NEEDED);
    // Other work goes on, and ends no rest.
    stage.post(&pause, window.token(), json!({})).await.ok();
    stage.act(&format!("/desks/{desk}/resume"), window.token()).await.ok();
    assert_eq!(stage.act(&call, window.token()).await.refusal(), NEEDED);
    let wrong = window.prove(&stage, "wrong").await;
    assert_eq!((wrong.refusal(), &wrong.body["field"]), ((401, "auth.bad_credentials"), &json!("password")));
    assert_eq!(stage.act(&call, window.token()).await.refusal(), NEEDED);
    assert_eq!(window.prove(&stage, "yunzhen-doctor").await.status, 204);
    assert_eq!(stage.act(&call, window.token()).await.ok()["current"]["ticket"], ticket["id"]);
    assert_eq!(entries(&stage, "session.prove").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_asks_by_itself_is_no_act_and_what_a_person_does_is_one() {
    let stage = Stage::open().await;
    let mut window = Window::open(&stage, "doctor").await;
    let desk = stage.desk(window.token(), 0).await;
    stage.act(&format!("/desks/{desk}/open"), window.token()).await.ok();
    let pause = format!("/desks/{desk}/pause");
    let call = format!("/desks/{desk}/call-next");
    for _ in 0..3 {
        window.idle(&stage, &desk, Duration::from_mins(20)).await;
        stage.post(&pause, window.token(), json!({})).await.ok();
        stage.act(&format!("/desks/{desk}/resume"), window.token()).await.ok();
        assert_eq!(stage.act(&call, window.token()).await.refusal(), (409, "queue.empty"), "an hour of one's own acts");
    }
    window.idle(&stage, &desk, Duration::from_mins(29)).await;
    assert_eq!(stage.act(&call, window.token()).await.refusal(), (409, "queue.empty"));
    window.idle(&stage, &desk, Duration::from_mins(30)).await;
    assert_eq!(stage.act(&call, window.token()).await.refusal(), NEEDED);
    // A new sign-in is a proof; the old window still wants its own.
    let other = Window::open(&stage, "doctor").await;
    assert_eq!(stage.act(&call, other.token()).await.refusal(), (409, "queue.empty"));
    assert_eq!(stage.act(&call, window.token()).await.refusal(), NEEDED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_visit_goes_on_and_what_is_typed_is_kept_while_the_signature_waits_for_the_proof() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let mut window = Window::open(&stage, "doctor").await;
    window.idle(&stage, &visit.desk, Duration::from_mins(31)).await;
    let token = window.token();
    let view = stage.get(&format!("/desks/{}", visit.desk), token).await.ok();
    assert_eq!(view["current"]["visit"], json!(visit.id), "the visit was not touched");
    stage.act(&format!("/visits/{}/grant", visit.id), token).await.ok();
    let saved = save(&stage, &visit, token, 0).await.ok();
    let sign = format!("/visits/{}/sign", visit.id);
    let body = json!({ "version": saved["version"] });
    assert_eq!(stage.post(&sign, token, body.clone()).await.refusal(), NEEDED);
    let kept = stage.get(&format!("/visits/{}", visit.id), token).await.ok();
    assert_eq!(kept["draft"]["content"]["diagnosis"], "感冒");
    assert_eq!(window.prove(&stage, "yunzhen-doctor").await.status, 204);
    stage.post(&sign, token, body).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_and_every_signature_of_a_doctor_wants_somebody_who_did_not_rest() {
    let stage = Stage::open().await;
    let mut window = Window::open(&stage, "doctor").await;
    let desk = stage.desk(window.token(), 0).await;
    window.idle(&stage, &desk, Duration::from_mins(30)).await;
    let id = "0190a0a0-0000-7000-8000-0000000000ff";
    for door in [
        "desks/{}/open",
        "desks/{}/call-next",
        "desks/{}/recall",
        "desks/{}/confirm",
        "visits/{}/sign",
        "prescriptions/{}/sign",
        "prescriptions/{}/countersign",
        "prescriptions/{}/decline",
        "opinions/{}/sign",
    ] {
        let answer = stage.post(&format!("/{}", door.replace("{}", id)), window.token(), json!({ "version": 1 })).await;
        assert_eq!(answer.refusal(), NEEDED, "{door}");
    }
    // Whoever is no doctor is told so first, and whoever neither calls nor signs is asked for nothing.
    let mut nurse = Window::open(&stage, "nurse").await;
    let refresh = json!({ "refresh_token": nurse.tokens["refresh_token"] });
    stage.clock.advance(Duration::from_mins(31));
    nurse.tokens = stage.post("/auth/refresh", "", refresh).await.ok();
    let answer = stage.act(&format!("/desks/{id}/call-next"), nurse.token()).await;
    assert_eq!(answer.refusal(), (403, "auth.forbidden"));
    stage.get("/clinics", nurse.token()).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pharmacist_who_rested_proves_who_it_is_before_a_judgement_and_before_the_bag() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    let rx = signed(&stage, &visit).await;
    let rested = async || {
        let window = Window::open(&stage, "pharmacist").await;
        claim(&stage, window.token(), &rx).await.ok();
        let refresh = json!({ "refresh_token": window.tokens["refresh_token"] });
        stage.clock.advance(Duration::from_mins(31));
        Window { tokens: stage.post("/auth/refresh", "", refresh).await.ok() }
    };
    let window = rested().await;
    let why = json!({ "version": rx["version"], "reason": "请核对" });
    let doors = [("approve", approval(&rx)), ("return", why.clone()), ("refuse", why.clone()), ("dispense", why)];
    for (act, body) in doors {
        assert_eq!(pharmacy(&stage, window.token(), &rx, act, body).await.refusal(), NEEDED, "{act}");
    }
    // To look and to take one is no signature.
    stage.get("/pharmacy/queue", window.token()).await.ok();
    claim(&stage, window.token(), &rx).await.ok();
    assert_eq!(pharmacy(&stage, window.token(), &rx, "approve", approval(&rx)).await.refusal(), NEEDED);
    assert_eq!(window.prove(&stage, "yunzhen-pharmacist").await.status, 204);
    pharmacy(&stage, window.token(), &rx, "approve", approval(&rx)).await.ok();
    let window = rested().await;
    let hand = json!({ "version": rx["version"] });
    assert_eq!(pharmacy(&stage, window.token(), &rx, "dispense", hand.clone()).await.refusal(), NEEDED);
    assert_eq!(window.prove(&stage, "yunzhen-pharmacist").await.status, 204);
    pharmacy(&stage, window.token(), &rx, "dispense", hand).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_refused_for_the_proof_is_carried_out_under_the_same_key_after_it() {
    let stage = Stage::open().await;
    let mut window = Window::open(&stage, "doctor").await;
    let desk = stage.desk(window.token(), 0).await;
    stage.act(&format!("/desks/{desk}/open"), window.token()).await.ok();
    let (_, ticket) = stage.patient_waiting(1, nothing()).await;
    window.idle(&stage, &desk, Duration::from_mins(30)).await;
    let call = format!("/desks/{desk}/call-next");
    let again = async || stage.send(Method::POST, &call, window.token(), None, Some("one-press")).await;
    assert_eq!(again().await.refusal(), NEEDED);
    assert_eq!(window.prove(&stage, "yunzhen-doctor").await.status, 204);
    assert_eq!(again().await.ok()["current"]["ticket"], ticket["id"]);
    assert_eq!(again().await.ok()["current"]["ticket"], ticket["id"], "and once only");
}
