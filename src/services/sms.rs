//! Messages to telephones: one seam, three ways out.
//!
//! What is sent here is the only place where a one-time code stands in clear. Nothing of a message is logged.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Serialize;
use tokio::io::AsyncWriteExt as _;

use crate::config::Config;
use crate::domain::identity::Phone;
use crate::domain::time::Timestamp;

/// How long a gateway may take for one try.
const TIMEOUT: Duration = Duration::from_secs(4);

/// A message on its way.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The number as E.164.
    pub to: String,
    /// What the person reads.
    pub text: String,
    /// What it is for, such as `code`; a gateway may choose its template by it.
    pub kind: &'static str,
}

impl Message {
    /// A message to `phone`.
    pub fn new(phone: &Phone, kind: &'static str, text: String) -> Self {
        Self { to: phone.reveal().to_owned(), text, kind }
    }
}

/// The message did not leave; holds neither number nor text.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// The gateway did not answer, or not in time.
    #[error("the gateway cannot be reached")]
    Unreachable,
    /// The gateway answered with this status.
    #[error("the gateway answered {0}")]
    Refused(u16),
    /// The outbox file cannot be written.
    #[error("the outbox cannot be written: {0}")]
    Outbox(std::io::ErrorKind),
}

/// A way out.
#[derive(Clone)]
pub enum Sms {
    /// A gateway that takes `{to, text, kind}` by POST.
    Webhook {
        /// Its address.
        url: String,
        /// The client.
        client: reqwest::Client,
    },
    /// A file of one JSON object a line that only its owner may read.
    Outbox(PathBuf),
    /// A list; for tests.
    Memory(Arc<Mutex<Vec<Message>>>),
}

impl Sms {
    /// The way out that the operator chose: the gateway, else the outbox in the data folder.
    pub fn of(config: &Config) -> Self {
        match &config.sms_webhook {
            Some(url) => Self::webhook(url),
            None => Self::Outbox(config.data_dir.join("outbox.jsonl")),
        }
    }

    /// A gateway.
    ///
    /// # Panics
    /// When the TLS of this build cannot start.
    pub fn webhook(url: &str) -> Self {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client without files or proxies of its own starts");
        Self::Webhook { url: url.to_owned(), client }
    }

    /// A list to look into.
    pub fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// Sends a message; a gateway that fails by itself gets a second try.
    pub async fn send(&self, message: &Message, now: Timestamp) -> Result<(), SmsError> {
        match self {
            Self::Webhook { url, client } => match post(client, url, message).await {
                Err(SmsError::Unreachable | SmsError::Refused(500..)) => post(client, url, message).await,
                outcome => outcome,
            },
            Self::Outbox(path) => append(path, message, now).await.map_err(|error| SmsError::Outbox(error.kind())),
            Self::Memory(sent) => {
                sent.lock().expect("no holder of this lock panics").push(message.clone());
                Ok(())
            }
        }
    }
}

async fn post(client: &reqwest::Client, url: &str, message: &Message) -> Result<(), SmsError> {
    // The library's error names the address, whose query may hold the gateway's key: it is dropped.
    let response = client.post(url).json(message).send().await.map_err(|_| SmsError::Unreachable)?;
    if response.status().is_success() { Ok(()) } else { Err(SmsError::Refused(response.status().as_u16())) }
}

async fn append(path: &PathBuf, message: &Message, now: Timestamp) -> std::io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        at: Timestamp,
        #[serde(flatten)]
        message: &'a Message,
    }
    let mut line = serde_json::to_vec(&Line { at: now, message })?;
    line.push(b'\n');
    let mut options = tokio::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    // One write of one line: lines of two messages cannot mix.
    file.write_all(&line).await?;
    file.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message::new(&Phone::mobile("13800000001").unwrap(), "code", "123456".into())
    }

    #[tokio::test]
    async fn the_outbox_holds_a_line_for_each_message_and_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.jsonl");
        let sms = Sms::Outbox(path.clone());
        for _ in 0..2 {
            sms.send(&message(), Timestamp::from_millis(7)).await.unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(line, serde_json::json!({ "at": 7, "to": "+8613800000001", "text": "123456", "kind": "code" }));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    /// A gateway that answers each request with the next status, and tells what it was sent: (address, bodies).
    async fn gateway(statuses: &'static [u16]) -> (String, tokio::sync::mpsc::Receiver<serde_json::Value>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/send?key=secret", listener.local_addr().unwrap());
        let (told, bodies) = tokio::sync::mpsc::channel(8);
        let statuses = Arc::new(Mutex::new(statuses.iter()));
        let answer = axum::routing::post(async move |axum::Json(body): axum::Json<serde_json::Value>| {
            told.send(body).await.unwrap();
            let status = *statuses.lock().unwrap().next().expect("no try more than these");
            axum::http::StatusCode::from_u16(status).unwrap()
        });
        let serve = axum::serve(listener, axum::Router::new().route("/send", answer));
        // It ends with the runtime of its test.
        tokio_util::task::TaskTracker::new().spawn(async { serve.await.unwrap() });
        (url, bodies)
    }

    #[tokio::test]
    async fn a_gateway_gets_number_text_and_kind() {
        let (url, mut bodies) = gateway(&[204]).await;
        Sms::webhook(&url).send(&message(), Timestamp::default()).await.unwrap();
        let body = serde_json::json!({ "to": "+8613800000001", "text": "123456", "kind": "code" });
        assert_eq!(bodies.recv().await, Some(body));
    }

    #[tokio::test]
    async fn a_gateway_that_fails_by_itself_gets_a_second_try() {
        let (url, mut bodies) = gateway(&[500, 200]).await;
        Sms::webhook(&url).send(&message(), Timestamp::default()).await.unwrap();
        assert_eq!(bodies.recv().await, bodies.recv().await, "the same message");
        let (url, _bodies) = gateway(&[503, 502]).await;
        let error = Sms::webhook(&url).send(&message(), Timestamp::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "the gateway answered 502");
    }

    #[tokio::test]
    async fn a_gateway_that_refuses_a_message_is_not_asked_again() {
        let (url, mut bodies) = gateway(&[400]).await;
        let error = Sms::webhook(&url).send(&message(), Timestamp::default()).await.unwrap_err();
        assert!(matches!(error, SmsError::Refused(400)), "{error}");
        bodies.recv().await.unwrap();
        assert!(bodies.try_recv().is_err(), "one try");
    }

    #[tokio::test]
    async fn a_gateway_that_is_not_there_is_said_without_number_text_and_key() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/send?key=secret", listener.local_addr().unwrap());
        drop(listener);
        let error = Sms::webhook(&url).send(&message(), Timestamp::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "the gateway cannot be reached");
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_said_without_number_and_text() {
        let error = Sms::Outbox("/nonexistent/outbox.jsonl".into()).send(&message(), Timestamp::default()).await;
        let words = error.unwrap_err().to_string();
        assert!(!words.contains("138") && !words.contains("123456"), "{words}");
    }
}
