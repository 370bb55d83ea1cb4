//! Who says hello: the first message of a socket, and whether its token is good.

use axum::extract::ws::{Message, WebSocket};

use crate::domain::permission::Actor;
use crate::domain::time::Timestamp;
use crate::protocol::LIVE_VERSION;
use crate::protocol::error::ErrorCode;
use crate::protocol::live::{ClientMessage, Hello};
use crate::protocol::parse::parse;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::ws::limits::{CloseCode, HELLO_WITHIN};
use crate::ws::session::farewell::{bye, no_frame};
use crate::ws::session::in_time;

/// Who speaks, until when the token says so, and whether the database was asked.
pub(super) struct Who {
    pub(super) actor: Actor,
    pub(super) ends: Timestamp,
    pub(super) is_proved: bool,
}

/// Who says hello. While the database is away, whoever was here a moment ago is believed: a call does not hang on it. Everybody
/// else waits for it.
async fn recognise(services: &Services, hello: &Hello) -> Result<Option<Who>, Refusal> {
    let proved = |(actor, ends)| Who { actor, ends, is_proved: true };
    let believed = hello.resume.as_deref().and_then(|resume| services.believe(&hello.token, resume));
    let Some((actor, ends)) = believed else { return Ok(services.authenticate(&hello.token).await?.map(proved)) };
    let asked = async {
        if services.clock.now() < ends {
            return services.authenticate(&hello.token).await;
        }
        // Where the database answers, a token that ended is nobody's: its browser renews it and comes again.
        services.session_stands(actor).await.map(|_| None)
    };
    match in_time(asked).await {
        Err(refusal) if refusal.code == ErrorCode::Unavailable => Ok(Some(Who { actor, ends, is_proved: false })),
        answer => Ok(answer?.map(proved)),
    }
}

/// Who says hello, unless they open sockets without end.
async fn admit(services: &Services, hello: &Hello) -> Result<Option<Who>, Refusal> {
    let resume = hello.resume.as_deref();
    services.may_open(&hello.token, resume)?;
    let Some(who) = recognise(services, hello).await? else { return Ok(None) };
    services.count_opened(who.actor, resume)?;
    Ok(Some(who))
}

/// Waits for `hello`; closes the socket when it is not one.
pub(super) async fn greet(services: &Services, socket: &mut WebSocket) -> Option<(Hello, Who)> {
    let refuse = |code, words: &str| (code, Refusal::new(ErrorCode::HelloExpected, words));
    let first = tokio::time::timeout(HELLO_WITHIN, socket.recv()).await;
    let (code, refusal) = match first {
        Err(_) => refuse(CloseCode::Hello, "the first message must be hello, within 5 s"),
        Ok(Some(Ok(Message::Text(text)))) => match parse::<ClientMessage>(text.as_bytes()) {
            Ok(ClientMessage::Hello(hello)) if hello.version != LIVE_VERSION => {
                let words = format!("this server speaks version {LIVE_VERSION}");
                (CloseCode::Version, Refusal::new(ErrorCode::VersionUnsupported, words))
            }
            Ok(ClientMessage::Hello(hello)) => match admit(services, &hello).await {
                Ok(Some(who)) => return Some((hello, who)),
                Ok(None) => (CloseCode::Hello, Refusal::new(ErrorCode::Unauthenticated, "the token is not valid")),
                // Coming again would not help.
                Err(refusal) if refusal.code == ErrorCode::SecondFactorMissing => (CloseCode::Hello, refusal),
                Err(refusal) if refusal.code == ErrorCode::RateLimited => (CloseCode::Flood, refusal),
                Err(refusal) => (CloseCode::GoingAway, refusal),
            },
            Ok(_) | Err(_) => refuse(CloseCode::Hello, "the first message must be hello"),
        },
        Ok(Some(Ok(_))) => refuse(CloseCode::Hello, "the first message must be hello"),
        Ok(Some(Err(_))) => (CloseCode::Garbage, no_frame()),
        Ok(None) => return None,
    };
    bye(socket, code, &refusal).await;
    None
}
