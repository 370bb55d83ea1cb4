//! One socket, from `hello` to the end.
//!
//! A session is one task. It hears four things (the browser, the outbox of the live rooms, the bus, a glance at the
//! clock once a second), and answers each before it hears the next, so that answers keep their order. Only what takes
//! something away from somebody in a room is done before its turn: see [`ears`].

mod commands;
mod ears;
mod farewell;
mod following;
mod greeting;
mod hearing;
mod offering;
mod rounds;
mod standing;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;

use crate::domain::bucket::Bucket;
use crate::domain::ids::{ConnectionId, DeskId, TicketId};
use crate::domain::permission::Actor;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::live::{Hello, ServerMessage};
use crate::services::Services;
use crate::services::live::Outbox;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::ws::limits::{ANSWER_WITHIN, CloseCode, Echoes, OUTBOX, WRITE_WITHIN};
use crate::ws::session::ears::Ears;
use crate::ws::session::farewell::{End, bye, encode, no_frame, slow};
use crate::ws::session::greeting::{Who, greet};
use crate::ws::session::offering::Offering;

/// How long a resume token is good: longer than any call, for it is given at its beginning. How long a *lost* connection
/// may be taken up again is the registry's to say.
const RESUME_SECONDS: u32 = 24 * 60 * 60;

/// Leads the conversation of one socket.
///
/// A task is as large as the largest thing it ever waits for, and a patient's waits for hours. What passes in a moment is
/// boxed here and below, so that it takes room only while it lasts.
pub async fn run(services: Arc<Services>, mut socket: WebSocket, address: IpAddr) {
    metrics::gauge!("yunzhen_sockets").increment(1.0);
    if let Some((hello, who)) = Box::pin(greet(&services, &mut socket)).await {
        let (outbox, inbox) = mpsc::channel(OUTBOX);
        let (socket, words) = socket.split();
        let session = Box::pin(Session::begin(Arc::clone(&services), socket, (who, address), outbox, hello)).await;
        let ears = Ears::of(words, services, session.connection, session.outbox.clone());
        session.converse(inbox, ears).await;
    }
    metrics::gauge!("yunzhen_sockets").decrement(1.0);
}

/// Waits for the database, but not for long: a socket has other things to hear.
async fn in_time<T>(answer: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| Err(unanswered()))
}

fn unanswered() -> Refusal {
    Refusal::new(ErrorCode::Unavailable, "the database does not answer")
}

struct Session {
    services: Arc<Services>,
    socket: SplitSink<WebSocket, Message>,
    actor: Actor,
    ends: Timestamp,
    /// The database has said that the session stands. Until then nothing is read for it, and nobody is let in anywhere.
    is_proved: bool,
    connection: ConnectionId,
    outbox: Outbox,
    /// The topic on which the end of the session is said.
    end_topic: String,
    /// Followed topics with the last number that was sent.
    topics: HashMap<String, i64>,
    /// Tickets whose view is pushed, with the topics that touch it.
    tickets: HashMap<TicketId, [String; 2]>,
    stale: HashSet<TicketId>,
    desk: Option<DeskId>,
    offering: Box<Offering>,
    heard_at: Timestamp,
    leased_at: Timestamp,
    held_at: Timestamp,
    repaired_at: Timestamp,
    knocked_at: Timestamp,
    /// Frames that it may still send.
    frames: Bucket,
    echoes: Echoes,
    malformed: u32,
}

impl Session {
    async fn begin(
        services: Arc<Services>,
        socket: SplitSink<WebSocket, Message>,
        (Who { actor, ends, is_proved }, address): (Who, IpAddr),
        outbox: Outbox,
        hello: Hello,
    ) -> Self {
        let now = services.clock.now();
        let before = hello.resume.and_then(|token| services.open_resume(&token, actor));
        let resumed = match before {
            Some(connection) => {
                let rooms = services.live.resume(connection, actor.session(), outbox.clone()).await;
                rooms.map(|rooms| (connection, rooms))
            }
            None => None,
        };
        let is_resumed = resumed.is_some();
        let (connection, rooms) = resumed.unwrap_or_else(|| {
            let connection = services.ids.make(ConnectionId::from_uuid);
            services.live.connect(connection, actor.session(), (actor.key(), address), outbox.clone());
            (connection, Vec::new())
        });
        let resume = services.resume_token(connection, actor, RESUME_SECONDS);
        let mut session = Self {
            services,
            socket,
            actor,
            ends,
            is_proved,
            connection,
            outbox,
            end_topic: Topic::Session(actor.session()).to_string(),
            topics: HashMap::new(),
            tickets: HashMap::new(),
            stale: HashSet::new(),
            desk: None,
            offering: Box::new(Offering::of(&rooms)),
            heard_at: now,
            leased_at: now,
            held_at: now,
            repaired_at: now,
            knocked_at: now,
            frames: Bucket::new(now.as_millis()),
            echoes: Echoes::default(),
            malformed: 0,
        };
        // Whoever is welcomed was heard.
        if is_proved {
            session.hold_alarms().await;
        }
        // A socket that cannot be written to ends at its next message.
        let ended = session.services.live.ends(connection);
        session.send(&ServerMessage::Welcome { resume, resumed: is_resumed, now, rooms, ended }).await.ok();
        if is_proved {
            // Those who hear alarms see it at their next reading all the same.
            tokio::time::timeout(ANSWER_WITHIN, session.services.caller_moved(actor)).await.ok();
        }
        session
    }

    async fn converse(mut self, mut inbox: mpsc::Receiver<Box<ServerMessage>>, mut ears: Ears) {
        let mut bus = self.services.bus.listen();
        let stills = self.services.live.stills(self.connection);
        let shutdown = self.services.shutdown.clone();
        let mut glance = tokio::time::interval(Duration::from_secs(1));
        let end = loop {
            let outcome = tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    Err(End::Close(CloseCode::GoingAway, Refusal::new(ErrorCode::ShuttingDown, "the server restarts")))
                }
                // Before the socket: a browser that never stops talking must not outlive its session.
                _ = glance.tick() => {
                    let outcome = ears.beside(Box::pin(self.look_round())).await;
                    // However long it took, with the database away: there is a second to listen before the next, or what a
                    // browser says would lie unread for as long as that lasts.
                    glance.reset();
                    outcome
                }
                // Our own sender keeps this channel open; that a newer socket took over is seen at the next glance.
                Some(message) = inbox.recv() => Box::pin(self.send(&message)).await,
                (message, ahead) = ears.next() => match message {
                    Some(Ok(message)) => ears.beside(Box::pin(self.hear(message, ahead))).await,
                    // A frame too large or of no form; a lost network looks the same, and hears no farewell.
                    Some(Err(_)) => Err(End::Broken),
                    None => Err(End::Gone),
                },
                heard = bus.recv() => ears.beside(Box::pin(self.overhear(heard))).await,
                // Last, and one at a time: a picture must not stand in the way of words.
                still = stills.next(), if self.echoes.are_all_heard() => Box::pin(self.show(&still)).await,
            };
            if let Err(end) = outcome {
                break end;
            }
        };
        Box::pin(self.part(end, ears)).await;
    }

    /// The socket is over: what was followed is let go, and its browser hears why where it still can.
    async fn part(mut self, end: End, ears: Ears) {
        // First of all: who shares a room with it is told, however long the database takes.
        self.services.live.disconnect(self.connection, &self.outbox).await;
        for ticket in self.tickets.keys().copied().collect::<Vec<_>>() {
            self.services.unwatch_ticket(ticket).await;
        }
        // From now on whoever took an alarm is not heard.
        self.hold_alarms().await;
        self.services.caller_moved(self.actor).await;
        let Ok(mut socket) = self.socket.reunite(ears.into_words()) else { return };
        match end {
            End::Gone => {}
            End::Close(code, refusal) => bye(&mut socket, code, &refusal).await,
            End::Broken => bye(&mut socket, CloseCode::Garbage, &no_frame()).await,
        }
    }

    /// This account was heard: the alarms that it took stay in its hands. Whether the database answered.
    async fn hold_alarms(&mut self) -> bool {
        match in_time(self.services.hold_alarms(self.actor)).await {
            Ok(()) => true,
            Err(refusal) => {
                tracing::warn!(code = refusal.code.as_str(), "an alarm's lease was not renewed");
                refusal.code != ErrorCode::Unavailable
            }
        }
    }

    async fn send(&mut self, message: &ServerMessage) -> Result<(), End> {
        self.write(Message::Text(encode(message).into())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(WRITE_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(slow()),
        }
    }

    /// A still, and a knock behind it: the next goes out when this one was read, whatever the network holds in between.
    async fn show(&mut self, still: &ServerMessage) -> Result<(), End> {
        self.send(still).await?;
        self.knock().await
    }

    /// Asks for an echo. Who talks and never reads is cut here, long before the kernel's buffers are full.
    async fn knock(&mut self) -> Result<(), End> {
        let knock = self.services.ids.secret::<8>();
        if !self.echoes.knock(knock) {
            return Err(slow());
        }
        self.write(Message::Ping(Bytes::copy_from_slice(&knock))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How large the task is that `run` makes.
    const fn size_of_task<A, B, C, F: Future>(_: &impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn who_only_waits_has_a_small_task() {
        let size = size_of_task(&run);
        assert!(size <= 3 * 1024, "{size} bytes for each who waits: box what passes in a moment");
    }
}
