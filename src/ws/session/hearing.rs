//! What a browser says: each frame counted, read and answered before the next.

use axum::extract::ws::Message;

use crate::protocol::error::ErrorCode;
use crate::protocol::live::{ClientMessage, ServerMessage};
use crate::protocol::parse::parse;
use crate::services::refusal::Refusal;
use crate::ws::limits::{CloseCode, FRAMES, MALFORMED};
use crate::ws::session::commands::needs_proof;
use crate::ws::session::ears::Ahead;
use crate::ws::session::farewell::End;
use crate::ws::session::{Session, unanswered};

impl Session {
    pub(super) async fn hear(&mut self, message: Message, ahead: Ahead) -> Result<(), End> {
        let now = self.services.clock.now();
        self.heard_at = now;
        // Every frame counts: pings cost as much to read as words.
        if self.frames.take(FRAMES, 1, now.as_millis()).is_err() {
            let refusal = Refusal::new(ErrorCode::TooManyMessages, "20 messages a second, 60 at once");
            return Err(End::Close(CloseCode::Flood, refusal));
        }
        // What a stalled network delivers late is not carried out: the browser has said it again, or has changed its mind.
        if !self.services.live.is_current(self.connection, &self.outbox) {
            return Err(self.replaced().await);
        }
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) => return Ok(()),
            Message::Pong(echo) => {
                self.echoes.hear(&echo);
                return Ok(());
            }
            Message::Close(_) => return Err(End::Gone),
            Message::Binary(_) => {
                let refusal = Refusal::new(ErrorCode::MessageMalformed, "this protocol has no binary messages");
                return Err(End::Close(CloseCode::Garbage, refusal));
            }
        };
        let message = match parse::<ClientMessage>(text.as_bytes()) {
            Ok(message) => message,
            Err(problem) => return self.misheard(text.as_bytes(), Refusal::from(problem)).await,
        };
        if let Some(id) = needs_proof(&message)
            && !self.is_proved().await?
        {
            return self.send(&ServerMessage::Refused { id: Some(id), problem: unanswered().problem() }).await;
        }
        let (id, outcome) = self.carry_out(message, ahead).await;
        match (id, outcome) {
            (None, Ok(())) => Ok(()),
            (Some(id), Ok(())) => self.send(&ServerMessage::Done { id }).await,
            (id, Err(refusal)) => self.send(&ServerMessage::Refused { id, problem: refusal.problem() }).await,
        }
    }

    async fn misheard(&mut self, text: &[u8], refusal: Refusal) -> Result<(), End> {
        #[derive(serde::Deserialize)]
        struct Numbered {
            id: u64,
        }
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(text) else {
            return Err(End::Close(CloseCode::Garbage, Refusal::new(ErrorCode::MessageMalformed, "not JSON")));
        };
        self.malformed += 1;
        // A message with a value that is not allowed is one of this protocol.
        let is_known = refusal.code == ErrorCode::Invalid;
        let code = if is_known { ErrorCode::Invalid } else { ErrorCode::MessageMalformed };
        let refusal = Refusal { code, ..refusal };
        if self.malformed > MALFORMED {
            return Err(End::Close(CloseCode::Flood, refusal));
        }
        let id = serde_json::from_value::<Numbered>(value).ok().map(|numbered| numbered.id);
        self.send(&ServerMessage::Refused { id, problem: refusal.problem() }).await
    }
}
