//! The REST half of a synthetic patient, from the link to the number.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::person::Person;
use crate::clock::Clock;
use crate::domain::hex::hex;
use crate::domain::time::Timestamp;

/// What went wrong, in the server's words or the network's.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unable(pub(super) String);

pub(super) fn unable(cause: impl std::fmt::Display) -> Unable {
    Unable(cause.to_string())
}

/// A browser that asks.
pub(super) struct Rest {
    http: reqwest::Client,
    base: String,
    link: String,
    clock: Clock,
    tokens: Option<Signed>,
}

struct Signed {
    access: String,
    refresh: String,
    renew_at: Timestamp,
}

impl Rest {
    pub(super) fn new(server: SocketAddr, link: &str, clock: Clock) -> Self {
        let base = format!("http://{server}/api/v1");
        // The default client reads the environment's proxies; this one speaks to its own machine only.
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap_or_default();
        Self { http, base, link: link.to_owned(), clock, tokens: None }
    }

    /// The token to introduce a socket with.
    pub(super) fn token(&self) -> &str {
        self.tokens.as_ref().map_or("", |tokens| &tokens.access)
    }

    /// Signs in with the code that a demonstration shows, or renews what is half spent; `true` when the token changed.
    pub(super) async fn sign_in(&mut self, person: Person) -> Result<bool, Unable> {
        let answer = match &self.tokens {
            Some(tokens) if self.clock.now() < tokens.renew_at => return Ok(false),
            Some(tokens) => {
                let refresh = json!({ "refresh_token": tokens.refresh });
                self.tokens = None;
                self.post("/auth/refresh", refresh).await?
            }
            None => {
                let (link, phone) = (self.link.clone(), person.phone());
                let sent = self.post("/auth/code", json!({ "link": link, "phone": phone })).await?;
                let (challenge, code) = (&sent["challenge"], &sent["demo_code"]);
                let proof = json!({ "link": link, "phone": phone, "challenge": challenge, "code": code });
                self.post("/auth/code/verify", proof).await?
            }
        };
        let half = answer["expires_in"].as_u64().unwrap_or_default() / 2;
        self.tokens = Some(Signed {
            access: text(&answer["access_token"])?,
            refresh: text(&answer["refresh_token"])?,
            renew_at: self.clock.now() + Duration::from_secs(half),
        });
        Ok(true)
    }

    /// The live ticket of an earlier process, or a new one after a new declaration.
    pub(super) async fn ticket(&self, person: Person, stay: u32) -> Result<String, Unable> {
        let current = self.get(&format!("/tickets/current?link={}", self.link)).await?["ticket"].clone();
        let over = [json!("done"), json!("no_show"), json!("left"), json!("transferred"), Value::Null];
        if !over.contains(&current["phase"]) {
            return text(&current["id"]);
        }
        let id = json!({ "name": person.name(), "document": "resident_card", "number": person.card(), "relation": "myself" });
        let patient = text(&self.post("/patients", id).await?["id"])?;
        for consent in self.get("/consents").await?.as_array().into_iter().flatten() {
            let granted = json!({ "kind": consent["kind"], "version": consent["version"], "granted": true });
            self.post(&format!("/patients/{patient}/consents"), granted).await?;
        }
        let begun = self.post("/declarations", json!({ "patient": patient, "link": self.link })).await?;
        let path = format!("/declarations/{}", text(&begun["id"])?);
        let answers: Map<String, Value> = person.answers(stay);
        let body = json!({ "version": begun["version"], "answers": answers });
        let saved = self.ask(self.http.patch(self.url(&path)).json(&body)).await?;
        self.post(&format!("{path}/submit"), json!({ "version": saved["version"] })).await?;
        let check = json!({ "camera": true, "microphone": true, "speaker": true, "network": "good" });
        let ticket = self.post("/tickets", json!({ "declaration": begun["id"], "check": check })).await?;
        text(&ticket["id"])
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Result<Value, Unable> {
        self.ask(self.http.post(self.url(path)).json(&body)).await
    }

    /// Sends the picture `id` that was asked for in a visit.
    pub(super) async fn send_picture(&self, visit: &str, id: &str, picture: Vec<u8>) -> Result<(), Unable> {
        let begin =
            json!({ "id": id, "of": "tongue", "size": picture.len(), "sha256": hex(&Sha256::digest(&picture)) });
        self.post(&format!("/visits/{visit}/uploads"), begin).await?;
        self.ask(self.http.put(self.url(&format!("/uploads/{id}?offset=0"))).body(picture)).await?;
        self.post(&format!("/uploads/{id}/finish"), json!({})).await?;
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<Value, Unable> {
        self.ask(self.http.get(self.url(path))).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn ask(&self, mut request: reqwest::RequestBuilder) -> Result<Value, Unable> {
        if let Some(tokens) = &self.tokens {
            request = request.bearer_auth(&tokens.access);
        }
        let answer = request.send().await.map_err(|error| unable(error.without_url()))?;
        let (status, body) = (answer.status(), answer.text().await.map_err(unable)?);
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        if status.is_success() { Ok(value) } else { Err(Unable(format!("{status} {}", value["code"]))) }
    }
}

fn text(value: &Value) -> Result<String, Unable> {
    value.as_str().map(str::to_owned).ok_or_else(|| Unable("an answer lacks a field".to_owned()))
}
