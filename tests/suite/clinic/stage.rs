//! A server of one's own, and people who use it.

use std::ops::Deref;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use yunzhen::app::{self, Running};
use yunzhen::clock::Clock;
use yunzhen::config::Config;
use yunzhen::domain::signature::Algorithm;
use yunzhen::domain::time::Timestamp;
use yunzhen::services::hospital::seed::DEMO_LINK;

/// The clinic's link.
pub const LINK: &str = DEMO_LINK;

/// A running server with its demonstration hospital.
pub struct Stage {
    /// The server.
    pub server: Running,
    /// Its clock; it moves only by [`Stage::pass`].
    pub clock: Clock,
    /// Its data folder.
    pub folder: TempDir,
    site: Site,
}

impl Deref for Stage {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// The doors of a server, wherever it runs, and people who go through them.
#[derive(Clone)]
pub struct Site {
    base: String,
    client: reqwest::Client,
}

/// An answer: status and body.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; `null` when it is not JSON.
    pub body: Value,
}

impl Answer {
    /// The body of a request that must have worked.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or("no code"))
    }
}

impl Stage {
    /// Opens the clinic.
    pub async fn open() -> Self {
        Self::open_with_gateway(None).await
    }

    /// The same with a gateway for messages to telephones; without one they go to the outbox in the data folder.
    pub async fn open_with_gateway(sms_webhook: Option<String>) -> Self {
        Self::open_with(|config| config.sms_webhook = sms_webhook).await
    }

    /// The same where signatures are made so.
    pub async fn open_signing(signing: Algorithm) -> Self {
        Self::open_with(|config| config.signing = signing).await
    }

    /// The same with what the operator chose.
    pub async fn open_with(choose: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
        let server = start(&folder, &clock, choose).await;
        server.services.seed_demo(90, yunzhen::services::hospital::seed::DemoHours::Always).await.unwrap();
        let site = Site::at(&format!("http://{}", server.http_addr));
        Self { server, clock, folder, site }
    }

    /// Ends the server and starts another on the same data.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| ()).await
    }

    /// The same, and from now on signatures are made so.
    pub async fn restart_signing(self, signing: Algorithm) -> Self {
        self.restart_with(|config| config.signing = signing).await
    }

    async fn restart_with(self, choose: impl FnOnce(&mut Config)) -> Self {
        let Self { server, clock, folder, .. } = self;
        server.stop().await;
        let server = start(&folder, &clock, choose).await;
        let site = Site::at(&format!("http://{}", server.http_addr));
        Self { server, clock, folder, site }
    }

    /// Lets time pass, and the queue's sweeper look at it.
    pub async fn pass(&self, span: Duration) {
        self.clock.advance(span);
        self.server.services.sweep().await.unwrap();
    }
}

impl Site {
    /// The server at `base`, such as `http://127.0.0.1:8080`.
    pub fn at(base: &str) -> Self {
        Self { base: base.to_owned(), client: reqwest::Client::new() }
    }

    /// Any request; `token` empty for none.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> Answer {
        self.attempt(method, path, token, body, key).await.expect("the server answers")
    }

    /// Any request to a server that may be killed before it has answered; `None` when it was.
    pub async fn attempt(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> Option<Answer> {
        let url = format!("{}/api/v1{path}", self.base);
        let mut request = self.client.request(method, url);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.ok()?;
        Some(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    /// Reads.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, token, None, None).await
    }

    /// Commands.
    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(Method::POST, path, token, Some(body), None).await
    }

    /// Commands without a body.
    pub async fn act(&self, path: &str, token: &str) -> Answer {
        self.send(Method::POST, path, token, None, None).await
    }

    /// Signs a member of staff in; the access token.
    pub async fn staff(&self, username: &str) -> String {
        let body = json!({ "username": username, "password": format!("yunzhen-{username}") });
        let tokens = self.post("/auth/login", "", body).await.ok();
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// The first desk of the fever clinic.
    pub async fn desk(&self, token: &str, n: usize) -> String {
        let clinics = self.get("/clinics", token).await.ok();
        clinics[0]["desks"][n]["id"].as_str().unwrap().to_owned()
    }

    /// A doctor at an open desk: token and desk.
    pub async fn doctor_at_desk(&self, username: &str, n: usize) -> (String, String) {
        let token = self.staff(username).await;
        let desk = self.desk(&token, n).await;
        self.act(&format!("/desks/{desk}/open"), &token).await.ok();
        (token, desk)
    }

    /// The `n`th patient signs in and says who is ill: token and patient.
    pub async fn known_patient(&self, n: u32) -> (String, String) {
        let token = self.holder(n).await;
        let patient = self.patient(&token, n, "myself").await;
        (token, patient)
    }

    /// The owner of the `n`th telephone number signs in.
    pub async fn holder(&self, n: u32) -> String {
        let phone = format!("138000{n:05}");
        let sent = self.post("/auth/code", "", json!({ "link": LINK, "phone": phone })).await.ok();
        let code = sent["demo_code"].as_str().unwrap();
        let verify = json!({ "link": LINK, "phone": phone, "challenge": sent["challenge"], "code": code });
        let tokens = self.post("/auth/code/verify", "", verify).await.ok();
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    /// Names the `n`th person as a patient of this holder.
    pub async fn patient(&self, token: &str, n: u32, relation: &str) -> String {
        let identity =
            json!({ "name": "测试患者", "document": "resident_card", "number": card(n), "relation": relation });
        self.post("/patients", token, identity).await.ok()["id"].as_str().unwrap().to_owned()
    }

    /// Decides on every consent.
    pub async fn consent(&self, token: &str, patient: &str, recording: bool) {
        for text in self.get("/consents", token).await.ok().as_array().unwrap() {
            let granted = text["kind"] != "process_record" || recording;
            let decision = json!({ "kind": text["kind"], "version": text["version"], "granted": granted });
            self.post(&format!("/patients/{patient}/consents"), token, decision).await.ok();
        }
    }

    /// Fills in the declaration with `stated` and a healthy answer to everything else, and submits it.
    pub async fn declare(&self, token: &str, patient: &str, stated: Value) -> Value {
        self.declare_at(LINK, token, patient, stated).await
    }

    /// The same in another clinic.
    pub async fn declare_at(&self, link: &str, token: &str, patient: &str, stated: Value) -> Value {
        let questionnaire = self.get("/questionnaires/current", "").await.ok();
        let mut view = self.post("/declarations", token, json!({ "patient": patient, "link": link })).await.ok();
        let path = format!("/declarations/{}", view["id"].as_str().unwrap());
        let mut answers = stated.as_object().unwrap().clone();
        for _ in 0..10 {
            let save = json!({ "version": view["version"], "answers": answers });
            view = self.send(Method::PATCH, &path, token, Some(save), None).await.ok();
            let missing = view["missing"].as_array().unwrap();
            if missing.is_empty() {
                break;
            }
            answers = missing.iter().map(|id| (id.as_str().unwrap().to_owned(), healthy(&questionnaire, id))).collect();
        }
        self.post(&format!("{path}/submit"), token, json!({ "version": view["version"] })).await.ok()
    }
}

impl Stage {
    /// The `n`th patient, from the link to a ticket: token and ticket view.
    pub async fn patient_waiting(&self, n: u32, stated: Value) -> (String, Value) {
        let waiting = self.site.patient_waiting(n, stated).await;
        // The next one comes a moment later, so that who came first is no matter of chance.
        self.clock.advance(Duration::from_millis(1));
        waiting
    }
}

impl Site {
    /// The `n`th patient, from the link to a ticket: token and ticket view.
    pub async fn patient_waiting(&self, n: u32, stated: Value) -> (String, Value) {
        let (token, patient) = self.known_patient(n).await;
        self.consent(&token, &patient, true).await;
        let declaration = self.declare(&token, &patient, stated).await;
        let ticket = self.post("/tickets", &token, json!({ "declaration": declaration["id"] })).await.ok();
        (token, ticket)
    }

    /// A patient with a fever who is called, accepts, and is confirmed: (patient, doctor, desk, visit).
    pub async fn visit(&self) -> Visit {
        self.visit_of(1, json!({ "sx.fever": true, "sx.temp": 38.2 })).await
    }

    /// The same of the `n`th patient, who declared `stated`; an even number is a woman.
    pub async fn visit_of(&self, n: u32, stated: Value) -> Visit {
        let (doctor, desk) = self.doctor_at_desk("doctor", 0).await;
        let (patient, _) = self.patient_waiting(n, stated).await;
        let view = self.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        let ticket = view["current"]["ticket"].as_str().unwrap().to_owned();
        let version = json!({ "version": view["current"]["version"] });
        let accepted = self.post(&format!("/tickets/{ticket}/accept"), &patient, version).await.ok();
        let version = json!({ "version": accepted["version"] });
        let view = self.post(&format!("/desks/{desk}/confirm"), &doctor, version).await.ok();
        let id = view["current"]["visit"].as_str().unwrap().to_owned();
        Visit { patient, doctor, desk, ticket, id }
    }
}

/// A visit under way.
pub struct Visit {
    /// The patient's token.
    pub patient: String,
    /// The doctor's token.
    pub doctor: String,
    /// The desk.
    pub desk: String,
    /// The ticket.
    pub ticket: String,
    /// The visit's id.
    pub id: String,
}

async fn start(folder: &TempDir, clock: &Clock, choose: impl FnOnce(&mut Config)) -> Running {
    let mut config = config(folder);
    choose(&mut config);
    app::start(config, clock.clone()).await.unwrap()
}

/// What a demonstration in `folder` is started with, on ports that are free.
pub fn config(folder: &TempDir) -> Config {
    Config {
        recordings_url: None,
        recordings_options: None,
        recordings_floor_mib: None,
        recordings_largest_mib: 4096,
        rooms: 1000,
        http_addr: "127.0.0.1:0".parse().unwrap(),
        media_addr: "127.0.0.1:0".parse().unwrap(),
        media_announce: None,
        media_announce_also: Vec::new(),
        turn_udp_addr: None,
        turn_urls: Vec::new(),
        turn_secret: None,
        trusted_proxies: Vec::new(),
        metrics_from: Vec::new(),
        font: None,
        public_url: None,
        tls_cert: None,
        tls_key: None,
        data_dir: folder.path().to_owned(),
        database_url: None,
        secret: None,
        signing: Algorithm::default(),
        second_factor: yunzhen::config::SecondFactorPolicy::Offered,
        credentials: yunzhen::config::CredentialPolicy::Required,
        sms_webhook: None,
        log: "warn".to_owned(),
        log_json: false,
        epidemic_prescriptions: true,
        demo: true,
    }
}

/// An answer of somebody who is well.
fn healthy(questionnaire: &Value, id: &Value) -> Value {
    let items = questionnaire["pages"].as_array().unwrap().iter().flat_map(|page| page["items"].as_array().unwrap());
    let item = items.into_iter().find(|item| item["link_id"] == *id).unwrap();
    let options: Vec<&str> = match item["options"].as_array() {
        Some(options) => options.iter().filter_map(|option| option["code"].as_str()).collect(),
        None => Vec::new(),
    };
    let calm = ["none", "no", "normal", "same", "green", "advice"].into_iter().find(|code| options.contains(code));
    let calm = calm.or(options.first().copied()).unwrap_or("无");
    let id = id.as_str().unwrap();
    match item["type"].as_str().unwrap() {
        // These two are true of everybody who means what they say.
        "boolean" => json!(matches!(id, "su.promise" | "loc.now" | "rf.room")),
        "choice" => json!(calm),
        "choices" => json!([calm]),
        "integer" => json!(1),
        "quantity" => json!(36.5),
        "date" => json!("2023-11-01"),
        _ if id.ends_with("phone") => json!("13800000000"),
        _ => json!("无"),
    }
}

/// A resident card number that passes GB 11643: born 1990-01-01, sequence `n`.
pub fn card(n: u32) -> String {
    let body = format!("11010119900101{:03}", n % 1000);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body.chars().zip(weights).map(|(c, w)| c.to_digit(10).unwrap() * w).sum();
    let check = ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"][(sum % 11) as usize];
    format!("{body}{check}")
}

/// No answers beyond the healthy ones.
pub fn nothing() -> Value {
    Value::Object(Map::new())
}
