//! What a browser says, in its order. While the answer to one word waits, for the database most of all, the next are read
//! already: one that takes something away from somebody in a room waits for nothing. It is done at once, and written down in
//! its turn; the room knows it by its number, and does it once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use futures_util::stream::SplitStream;

use crate::domain::ids::ConnectionId;
use crate::domain::room::Input;
use crate::protocol::live::ClientMessage;
use crate::protocol::parse::parse;
use crate::services::Services;
use crate::services::live::Outbox;
use crate::ws::limits::AHEAD;

/// A frame, a fault, or the end.
type Word = Option<Result<Message, axum::Error>>;

/// The number of a word that was done before its turn.
pub(super) type Ahead = Option<u64>;

/// Words that this process has heard ahead: a room may hear several sockets, each of which begins anew.
static WORDS: AtomicU64 = AtomicU64::new(0);

/// The reading half of a socket.
pub(super) struct Ears {
    words: SplitStream<WebSocket>,
    /// Read before their turn.
    ahead: VecDeque<(Word, Ahead)>,
    /// Nothing comes behind what was read.
    is_over: bool,
    services: Arc<Services>,
    connection: ConnectionId,
    outbox: Outbox,
}

impl Ears {
    /// For the socket of `connection` that is told things through `outbox`.
    pub(super) const fn of(
        words: SplitStream<WebSocket>,
        services: Arc<Services>,
        connection: ConnectionId,
        outbox: Outbox,
    ) -> Self {
        Self { words, ahead: VecDeque::new(), is_over: false, services, connection, outbox }
    }

    /// The next word, and whether it was done already. Nothing is lost when the wait is given up.
    pub(super) async fn next(&mut self) -> (Word, Ahead) {
        match self.ahead.pop_front() {
            Some(word) => word,
            None => (self.words.next().await, None),
        }
    }

    /// Does `work`, and listens meanwhile.
    pub(super) async fn beside<T>(&mut self, mut work: impl Future<Output = T> + Unpin) -> T {
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                word = self.words.next(), if !self.is_over && self.ahead.len() < AHEAD => {
                    let ahead = Box::pin(self.foresee(&word)).await;
                    self.is_over = matches!(word, None | Some(Err(_) | Ok(Message::Close(_))));
                    self.ahead.push_back((word, ahead));
                }
            }
        }
    }

    /// Does what takes something away. What a stalled network delivers late is not carried out: see `Session::hear`.
    async fn foresee(&self, word: &Word) -> Ahead {
        let Some(Ok(Message::Text(text))) = word else { return None };
        let Ok(ClientMessage::Host { room, participant, act, .. }) = parse(text.as_bytes()) else { return None };
        if !act.takes_away() || !self.services.live.is_current(self.connection, &self.outbox) {
            return None;
        }
        let word = WORDS.fetch_add(1, Ordering::Relaxed);
        let input = Input::HostAhead { word, by: self.connection, participant, act };
        // Whoever has no seat there is refused in its turn.
        self.services.live.say(self.connection, room, input).await.ok().map(|()| word)
    }

    /// The socket's own half.
    pub(super) fn into_words(self) -> SplitStream<WebSocket> {
        self.words
    }
}
