//! The whole site in this process, on a SQLite of its own: a clock that stands, messages in a list, no network.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use yunzhen::bus::Bus;
use yunzhen::clock::{Clock, Ids};
use yunzhen::config::{Config, SecondFactorPolicy};
use yunzhen::domain::time::Timestamp;
use yunzhen::http::router;
use yunzhen::services::hospital::seed::DEMO_LINK;
use yunzhen::services::live::Live;
use yunzhen::services::sms::{Message, Sms};
use yunzhen::services::{Parts, Services};
use yunzhen::store::Db;

use crate::support::database::{self, Fresh};

/// The link of the seeded fever clinic.
pub const LINK: &str = DEMO_LINK;
/// 2026-03-02, 09:00 in China.
pub const MORNING: Timestamp = Timestamp::from_millis(1_772_413_200_000);

/// A site with the hospital of the demonstration in it; it is no demonstration unless it was started as one.
pub struct TestApp {
    /// Moves when it is told to.
    pub clock: Clock,
    /// What is behind the site.
    pub db: Db,
    /// What was sent to telephones.
    pub sent: Arc<Mutex<Vec<Message>>>,
    /// The use cases, for what time does by itself.
    pub services: Arc<Services>,
    /// Whether whoever asks too much is refused; nobody is, unless that is what the test is about.
    pub is_paced: bool,
    site: Router,
    fresh: Option<Fresh>,
    _relay: mpsc::Receiver<yunzhen::domain::room::relay::RelayCommand>,
}

impl TestApp {
    /// A real server.
    pub async fn start() -> Self {
        Self::with(database::sqlite().await, false).await
    }

    /// A demonstration.
    pub async fn start_demo() -> Self {
        Self::with(database::sqlite().await, true).await
    }

    async fn with(fresh: Fresh, demo: bool) -> Self {
        let app = Self::over(fresh.db.clone(), demo).await;
        Self { fresh: Some(fresh), ..app }
    }

    /// A site over a database that the test has made; what is in it stays.
    pub async fn over(db: Db, demo: bool) -> Self {
        Self::with_secret(db, demo, [7; 32]).await
    }

    /// The same by somebody who has another operator's secret.
    pub async fn with_secret(db: Db, demo: bool, secret: [u8; 32]) -> Self {
        Self::chosen(db, secret, |config| config.demo = demo).await
    }

    /// A site whose operator requires a second factor of everybody who works there.
    pub async fn requiring_second_factors() -> Self {
        let fresh = database::sqlite().await;
        let required = |config: &mut Config| config.second_factor = SecondFactorPolicy::Required;
        let app = Self::chosen(fresh.db.clone(), [7; 32], required).await;
        Self { fresh: Some(fresh), ..app }
    }

    async fn chosen(db: Db, secret: [u8; 32], choose: impl FnOnce(&mut Config)) -> Self {
        let clock = Clock::manual(MORNING);
        let ids = Ids::seeded(clock.clone(), 1);
        let mut config: Config = serde_json::from_value(json!({
            "http_addr": "127.0.0.1:0", "media_addr": "127.0.0.1:0", "data_dir": "unused", "log": "off"
        }))
        .unwrap();
        choose(&mut config);
        let (relay, commands) = mpsc::channel(64);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let parts = Parts {
            archive: yunzhen::services::recordings::open_archive(Some("memory:///"), &[], std::path::Path::new(""))
                .expect("memory"),
            bus: Bus::local(),
            live: Live::new(relay, TaskTracker::new(), clock.clone()),
            sms: Sms::Memory(Arc::clone(&sent)),
            tasks: TaskTracker::new(),
            shutdown: CancellationToken::new(),
        };
        let services = Arc::new(Services::new(db.clone(), clock.clone(), ids, config, &secret, parts));
        services.seed_demo(90, yunzhen::services::hospital::seed::DemoHours::Always).await.unwrap();
        let no_socket = any(|| async { StatusCode::NOT_IMPLEMENTED });
        let site = router::site(Arc::clone(&services), no_socket, None);
        Self { clock, db, sent, services, is_paced: false, site, fresh: None, _relay: commands }
    }

    /// Any page of the site, as a browser without a name reads it: status, headers, bytes.
    pub async fn page(&self, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        self.page_from("127.0.0.1", path, None).await
    }

    /// The same from another address, and through a proxy that writes this header.
    pub async fn page_from(
        &self,
        peer: &str,
        path: &str,
        passed_on: Option<(&'static str, &str)>,
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().uri(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 40_000)));
        if let Some((name, value)) = passed_on {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let response = self.site.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
        (status, headers, bytes.to_vec())
    }

    /// A browser that is not signed in.
    pub fn browser(&self) -> Browser<'_> {
        Browser { app: self, token: None, key: None, agent: None, cookie: None, address: [192, 0, 2, 1].into() }
    }

    /// A browser at another address.
    pub fn browser_at(&self, address: &str) -> Browser<'_> {
        Browser { address: address.parse().unwrap(), ..self.browser() }
    }

    /// A member of staff of the demonstration, by the account's name.
    pub async fn staff(&self, username: &str) -> Browser<'_> {
        let login = json!({ "username": username, "password": format!("yunzhen-{username}") });
        let tokens = self.browser().post("/auth/login", &login).await.ok();
        self.browser().with(tokens["access_token"].as_str().unwrap())
    }

    /// The owner of a telephone number, signed in by the code that was sent.
    pub async fn holder(&self, phone: &str) -> Browser<'_> {
        let tokens = self.sign_in(phone).await;
        self.browser().with(tokens["access_token"].as_str().unwrap())
    }

    /// The tokens of a telephone number's owner.
    pub async fn sign_in(&self, phone: &str) -> Value {
        let browser = self.browser();
        let sent = browser.post("/auth/code", &json!({ "link": LINK, "phone": phone })).await.ok();
        let verify = json!({ "link": LINK, "phone": phone, "challenge": sent["challenge"], "code": self.last_code() });
        browser.post("/auth/code/verify", &verify).await.ok()
    }

    /// The code in the message that was sent last.
    pub fn last_code(&self) -> String {
        let sent = self.sent.lock().unwrap();
        let text = &sent.last().expect("a message was sent").text;
        let digits: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|part| part.len() == 6).collect();
        digits[0].to_owned()
    }

    /// The database's file.
    pub fn file(&self) -> std::path::PathBuf {
        self.fresh.as_ref().expect("only a site with a file of its own is asked").path()
    }

    /// Moves the clock.
    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Browser<'app> {
    app: &'app TestApp,
    token: Option<String>,
    key: Option<String>,
    agent: Option<&'static str>,
    cookie: Option<String>,
    address: IpAddr,
}

impl Browser<'_> {
    /// The same browser with an access token.
    pub fn with(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// The same browser, which says what it is.
    pub fn agent(self, agent: &'static str) -> Self {
        Self { agent: Some(agent), ..self }
    }

    /// The same browser, carried to another address.
    pub fn at(self, address: &str) -> Self {
        Self { address: address.parse().unwrap(), ..self }
    }

    /// The same browser after an answer that gave it a cookie.
    #[track_caller]
    pub fn remembering(self, answer: &Answer) -> Self {
        let line = answer.headers[header::SET_COOKIE].to_str().unwrap();
        Self { cookie: Some(line.split(';').next().unwrap().to_owned()), ..self }
    }

    /// The same browser with an idempotency key.
    pub fn keyed(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// `GET /api/v1…`
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Body::empty(), None).await
    }

    /// `POST /api/v1…`
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body.to_string().into(), Some("application/json")).await
    }

    /// `PATCH /api/v1…`
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, body.to_string().into(), Some("application/json")).await
    }

    /// Any request.
    pub async fn send(&self, method: Method, path: &str, body: Body, mime: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(agent) = self.agent {
            request = request.header(header::USER_AGENT, agent);
        }
        if let Some(mime) = mime {
            request = request.header(header::CONTENT_TYPE, mime);
        }
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(self.address, 40_000)));
        if !self.app.is_paced {
            self.app.services.fill_paces();
        }
        let response = self.app.site.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body, or null.
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    /// Asserts a refusal by its stable code; its status must be the one that goes with the code.
    #[track_caller]
    pub fn refused(self, code: &str) -> Value {
        assert_eq!(self.body["code"], code, "{} {}", self.status, self.body);
        let known = yunzhen::protocol::error::ErrorCode::ALL.iter().find(|known| known.as_str() == code).unwrap();
        assert_eq!(self.status.as_u16(), known.status());
        self.body
    }

    /// Asserts a refusal that names a field.
    #[track_caller]
    pub fn refused_field(self, code: &str, field: &str) {
        let problem = self.refused(code);
        assert_eq!(problem["field"], field, "{problem}");
    }
}
