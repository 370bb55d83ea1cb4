//! How a conversation ends, and how the other side learns why.

use std::panic::AssertUnwindSafe;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::FutureExt as _;
use futures_util::stream::FusedStream as _;

use crate::protocol::error::ErrorCode;
use crate::protocol::live::ServerMessage;
use crate::services::refusal::Refusal;
use crate::ws::limits::{CloseCode, LINGER, LINGER_BYTES, WRITE_WITHIN};

/// Why a conversation ended.
pub(super) enum End {
    /// The browser closed, or the network did.
    Gone,
    /// We close, with a word.
    Close(CloseCode, Refusal),
    /// What came is no frame of the WebSocket protocol, or a larger one than we take; nothing more can be read.
    Broken,
}

pub(super) fn slow() -> End {
    End::Close(CloseCode::Slow, Refusal::new(ErrorCode::TooManyMessages, "read faster"))
}

pub(super) fn no_frame() -> Refusal {
    Refusal::new(ErrorCode::MessageMalformed, "this frame is too large, or none of the WebSocket protocol")
}

/// How a conversation ends, also where what leads it breaks: whoever shares a room with it is told, and nobody seems to be
/// there who is not.
pub(super) fn ended(leading: impl Future<Output = End>) -> impl Future<Output = End> {
    // No `async fn`: it would hold what leads the conversation twice.
    AssertUnwindSafe(leading).catch_unwind().map(|end| {
        end.unwrap_or_else(|_| {
            tracing::error!("a conversation broke: its browser comes back");
            metrics::counter!("yunzhen_conversations_broken_total").increment(1);
            End::Close(CloseCode::Broke, Refusal::new(ErrorCode::Internal, "the conversation broke"))
        })
    })
}

/// Says why the socket is closed, and stays until it was read: see [`linger`].
pub(super) async fn bye(socket: &mut WebSocket, code: CloseCode, refusal: &Refusal) {
    let farewell = async {
        let text = encode(&ServerMessage::Bye { problem: refusal.problem() });
        socket.send(Message::Text(text.into())).await.ok();
        let frame = CloseFrame { code: code as u16, reason: refusal.code.as_str().into() };
        socket.send(Message::Close(Some(frame))).await.ok();
    };
    // Whoever does not read the farewell does not get it.
    if tokio::time::timeout(WRITE_WITHIN, farewell).await.is_ok() {
        tokio::time::timeout(LINGER, linger(socket)).await.ok();
    }
}

/// Throws away what still comes until the other side closes as well. A connection that is closed while bytes still come
/// is reset by the kernel, and the other side may lose what it was told last. Who goes on talking is cut.
async fn linger(socket: &mut WebSocket) {
    // After broken frames nothing can be read: then the moment itself must do.
    if socket.is_terminated() {
        return std::future::pending().await;
    }
    let mut thrown = 0;
    while thrown < LINGER_BYTES {
        let Some(Ok(message)) = socket.recv().await else { return };
        // Every frame has a head, an empty one too.
        thrown += message.into_data().len() + 2;
    }
}

pub(super) fn encode(message: &ServerMessage) -> String {
    serde_json::to_string(message).expect("messages of ours serialise")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_conversation_that_breaks_ends_with_a_word() {
        let broken = ended(async { panic!("on purpose") }).await;
        assert!(matches!(broken, End::Close(CloseCode::Broke, Refusal { code: ErrorCode::Internal, .. })));
        assert!(matches!(ended(async { End::Gone }).await, End::Gone));
    }
}
