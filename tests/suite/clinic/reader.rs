//! Somebody who was invited and reads the conversation beside the call, as `docs/PROTOCOL.md` says: when something was said, on
//! coming in, and on coming back.

use serde_json::{Value, json};
use uuid::Uuid;

use super::browser::{Browser, own};
use super::stage::{Stage, Visit};

pub(super) struct Reader<'stage> {
    stage: &'stage Stage,
    token: String,
    path: String,
    pub(super) browser: Browser<'stage>,
    is_inside: bool,
    /// The lines as they were read last.
    pub(super) lines: Vec<String>,
}

/// The token of somebody who came with an invitation.
pub(super) async fn invited(stage: &Stage, visit: &Visit) -> String {
    let path = format!("/visits/{}/invitations", visit.id);
    let made = stage.post(&path, &visit.doctor, json!({ "role": "interpreter", "name": "王译员" })).await.ok();
    let uses = json!({ "token": made["token"], "nonce": Uuid::from_u128(1), "name": "王小译" });
    let tokens = stage.post("/invitations/use", "", uses).await.ok();
    tokens["access_token"].as_str().unwrap().to_owned()
}

impl<'stage> Reader<'stage> {
    pub(super) async fn of(stage: &'stage Stage, visit: &'stage Visit, token: &str) -> Self {
        let browser = Browser::of(stage, visit, token, "/invitations/mine/grant".to_owned(), 0).await;
        let path = format!("/visits/{}/messages", visit.id);
        Self { stage, token: token.to_owned(), path, browser, is_inside: false, lines: Vec::new() }
    }

    /// Hears one message, and reads where there is something to read; `false` when the socket is dead.
    async fn hear(&mut self) -> bool {
        let Some(message) = self.browser.hear().await else {
            self.is_inside = false;
            return false;
        };
        let was_inside = self.is_inside;
        let is_room = message["type"] == "room";
        if is_room {
            self.is_inside = own(&message["room"])["held"] == false;
        }
        if message["type"] == "said" || (is_room && self.is_inside && !was_inside) {
            self.read().await;
        }
        true
    }

    async fn read(&mut self) {
        let lines = self.stage.get(&self.path, &self.token).await.ok();
        let id = |line: &Value| line["id"].as_str().unwrap().to_owned();
        let lines: Vec<_> = lines.as_array().unwrap().iter().map(id).collect();
        assert!(lines.starts_with(&self.lines), "what was read stays: {:?}, then {lines:?}", self.lines);
        self.lines = lines;
    }

    /// Hears until the socket is dead.
    pub(super) async fn until_cut(&mut self) {
        while self.hear().await {}
    }

    /// Hears, on as many sockets as it takes, until so many lines were read.
    pub(super) async fn until_read(&mut self, count: usize) {
        while self.lines.len() < count {
            self.browser.connect().await;
            self.hear().await;
        }
    }

    /// Waits until the doctor has opened the door.
    pub(super) async fn until_inside(&mut self) {
        while !self.is_inside {
            self.browser.connect().await;
            self.hear().await;
        }
    }
}
