//! A patient's browser in the waiting room: one socket that says hello, watches its ticket, and pings.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::hospital::Patient;

/// As the browser's client does.
const PING_EVERY: Duration = Duration::from_secs(5);

/// An open socket that was shown its ticket.
pub struct Waiting(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Waiting {
    /// Opens it.
    pub async fn begin(http: SocketAddr, patient: &Patient) -> Self {
        let (mut socket, _) = connect_async(format!("ws://{http}/api/v1/ws")).await.unwrap();
        for message in [
            json!({ "type": "hello", "version": 1, "token": patient.token }),
            json!({ "type": "watch", "id": 1, "ticket": patient.ticket }),
        ] {
            socket.send(Message::text(message.to_string())).await.unwrap();
        }
        let mut shown = false;
        loop {
            let Message::Text(text) = socket.next().await.unwrap().unwrap() else { continue };
            let said: Value = serde_json::from_str(&text).unwrap();
            match said["type"].as_str() {
                Some("ticket") => shown = true,
                Some("done") => break,
                Some("welcome") => {}
                _ => panic!("the server said {said}"),
            }
        }
        assert!(shown, "the ticket was pushed");
        Self(socket)
    }

    /// Waits for ever, and counts the views of the ticket that are pushed.
    pub async fn wait(mut self, pushed: Arc<AtomicUsize>) {
        let mut pings = tokio::time::interval(PING_EVERY);
        loop {
            tokio::select! {
                _ = pings.tick() => self.0.send(Message::text(r#"{"type":"ping","id":2}"#)).await.unwrap(),
                said = self.0.next() => {
                    let said = said.expect("the server keeps whoever pings").unwrap();
                    if said.to_text().is_ok_and(|text| text.contains(r#""type":"ticket""#)) {
                        pushed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }
}
