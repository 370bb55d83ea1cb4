//! One socket, from `hello` to the end.
//!
//! A session is one task. It hears four things (the browser, the outbox of the live rooms, the bus, a glance at the
//! clock once a second), and answers each before it hears the next, so that answers keep their order.

mod commands;
mod farewell;
mod following;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use crate::domain::ids::{ConnectionId, DeskId, TicketId};
use crate::domain::permission::Actor;
use crate::domain::time::Timestamp;
use crate::protocol::LIVE_VERSION;
use crate::protocol::error::ErrorCode;
use crate::protocol::live::{ClientMessage, Hello, ServerMessage};
use crate::protocol::parse::parse;
use crate::services::Services;
use crate::services::live::Outbox;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::ws::limits::{Allowance, CloseCode, Echoes, HELLO_WITHIN, MALFORMED, OUTBOX, SILENCE, WRITE_WITHIN};
use crate::ws::session::farewell::{End, bye, encode, no_frame, slow};

/// How long a resume token is good: longer than any call, for it is given at its beginning. How long a *lost* connection
/// may be taken up again is the registry's to say.
const RESUME_SECONDS: u32 = 24 * 60 * 60;
/// A desk's lease is renewed this often.
const LEASE_EVERY: Duration = Duration::from_secs(15);
/// Whoever took an alarm is noted as heard this often.
const HOLD_EVERY: Duration = Duration::from_secs(10);
/// The event log is compared with what was heard this often, so that a lost last announcement is found.
const REPAIR_EVERY: Duration = Duration::from_secs(5);

/// Leads the conversation of one socket.
///
/// A task is as large as the largest thing it ever waits for, and a patient's waits for hours. What passes in a moment is
/// boxed here and below, so that it takes room only while it lasts.
pub async fn run(services: Arc<Services>, mut socket: WebSocket, address: IpAddr) {
    metrics::gauge!("yunzhen_sockets").increment(1.0);
    if let Some((hello, actor, ends)) = Box::pin(greet(&services, &mut socket)).await {
        let (outbox, inbox) = mpsc::channel(OUTBOX);
        let who = (actor, ends, address);
        let session = Box::pin(Session::begin(Arc::clone(&services), socket, who, outbox, hello)).await;
        session.converse(inbox).await;
    }
    metrics::gauge!("yunzhen_sockets").decrement(1.0);
}

/// Waits for `hello`; closes the socket when it is not one.
async fn greet(services: &Services, socket: &mut WebSocket) -> Option<(Hello, Actor, Timestamp)> {
    let refuse = |code, words: &str| (code, Refusal::new(ErrorCode::HelloExpected, words));
    let first = tokio::time::timeout(HELLO_WITHIN, socket.recv()).await;
    let (code, refusal) = match first {
        Err(_) => refuse(CloseCode::Hello, "the first message must be hello, within 5 s"),
        Ok(Some(Ok(Message::Text(text)))) => match parse::<ClientMessage>(text.as_bytes()) {
            Ok(ClientMessage::Hello(hello)) if hello.version != LIVE_VERSION => {
                let words = format!("this server speaks version {LIVE_VERSION}");
                (CloseCode::Version, Refusal::new(ErrorCode::VersionUnsupported, words))
            }
            Ok(ClientMessage::Hello(hello)) => match services.authenticate(&hello.token).await {
                Ok(Some((actor, ends))) => return Some((hello, actor, ends)),
                Ok(None) => (CloseCode::Hello, Refusal::new(ErrorCode::Unauthenticated, "the token is not valid")),
                // Coming again would not help.
                Err(refusal) if refusal.code == ErrorCode::SecondFactorMissing => (CloseCode::Hello, refusal),
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

struct Session {
    services: Arc<Services>,
    socket: WebSocket,
    actor: Actor,
    ends: Timestamp,
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
    heard_at: Timestamp,
    leased_at: Timestamp,
    held_at: Timestamp,
    repaired_at: Timestamp,
    allowance: Allowance,
    echoes: Echoes,
    malformed: u32,
}

impl Session {
    async fn begin(
        services: Arc<Services>,
        socket: WebSocket,
        (actor, ends, address): (Actor, Timestamp, IpAddr),
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
            connection,
            outbox,
            end_topic: Topic::Session(actor.session()).to_string(),
            topics: HashMap::new(),
            tickets: HashMap::new(),
            stale: HashSet::new(),
            desk: None,
            heard_at: now,
            leased_at: now,
            held_at: now,
            repaired_at: now,
            allowance: Allowance::new(now),
            echoes: Echoes::default(),
            malformed: 0,
        };
        // Whoever is welcomed was heard.
        session.hold_alarms().await;
        // A socket that cannot be written to ends at its next message.
        session.send(&ServerMessage::Welcome { resume, resumed: is_resumed, now, rooms }).await.ok();
        session.services.caller_moved(actor).await;
        session
    }

    async fn converse(mut self, mut inbox: mpsc::Receiver<ServerMessage>) {
        let mut bus = self.services.bus.listen();
        let stills = self.services.live.stills(self.connection);
        let shutdown = self.services.shutdown.clone();
        let mut glance = tokio::time::interval(Duration::from_secs(1));
        // After a round that took long, with the database away, there is a second to listen before the next: otherwise the
        // echoes of whoever reads would lie unread.
        glance.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = loop {
            let outcome = tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    Err(End::Close(CloseCode::GoingAway, Refusal::new(ErrorCode::ShuttingDown, "the server restarts")))
                }
                // Before the socket: a browser that never stops talking must not outlive its session.
                _ = glance.tick() => Box::pin(self.look_round()).await,
                // Our own sender keeps this channel open; that a newer socket took over is seen at the next glance.
                Some(message) = inbox.recv() => Box::pin(self.send(&message)).await,
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => Box::pin(self.hear(message)).await,
                    // A frame too large or of no form; a lost network looks the same, and hears no farewell.
                    Some(Err(_)) => Err(End::Broken),
                    None => Err(End::Gone),
                },
                heard = bus.recv() => Box::pin(self.overhear(heard)).await,
                // Last, and one at a time: a picture must not stand in the way of words.
                still = stills.next(), if self.echoes.are_all_heard() => Box::pin(self.show(&still)).await,
            };
            if let Err(end) = outcome {
                break end;
            }
        };
        for ticket in self.tickets.keys().copied().collect::<Vec<_>>() {
            self.services.unwatch_ticket(ticket).await;
        }
        self.services.live.disconnect(self.connection, &self.outbox).await;
        // From now on whoever took an alarm is not heard.
        self.hold_alarms().await;
        self.services.caller_moved(self.actor).await;
        match end {
            End::Gone => {}
            End::Close(code, refusal) => Box::pin(bye(&mut self.socket, code, &refusal)).await,
            End::Broken => Box::pin(bye(&mut self.socket, CloseCode::Garbage, &no_frame())).await,
        }
    }

    /// This account was heard: the alarms that it took stay in its hands.
    async fn hold_alarms(&mut self) {
        if let Err(refusal) = self.services.hold_alarms(self.actor).await {
            tracing::warn!(code = refusal.code.as_str(), "an alarm's lease was not renewed");
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

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        let now = self.services.clock.now();
        self.heard_at = now;
        // Every frame counts: pings cost as much to read as words.
        if !self.allowance.take(now) {
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
        let (id, outcome) = self.carry_out(message).await;
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

    /// Ends the conversation when the session was ended and nobody told us. While the database is away, the socket stays.
    async fn still_signed_in(&mut self) -> Result<(), End> {
        match self.services.session_stands(self.actor).await {
            Ok(false) => Err(self.signed_out().await),
            Ok(true) | Err(_) => Ok(()),
        }
    }

    async fn signed_out(&mut self) -> End {
        // A connection that was made in the moment of the end is not known to whoever ended it.
        self.services.live.end_session(self.actor.session()).await;
        End::Close(CloseCode::Expired, Refusal::new(ErrorCode::Unauthenticated, "the session was ended; sign in again"))
    }

    /// Why this socket is not the one of its connection any more.
    async fn replaced(&mut self) -> End {
        if let Err(end) = self.still_signed_in().await {
            return end;
        }
        if self.services.live.is_slow(self.connection) {
            return slow();
        }
        End::Close(CloseCode::Replaced, Refusal::new(ErrorCode::Replaced, "another window took over"))
    }

    /// Once a second: who is dead, what is stale, which lease ends.
    async fn look_round(&mut self) -> Result<(), End> {
        let now = self.services.clock.now();
        if now.since(self.heard_at) > SILENCE {
            return Err(End::Close(CloseCode::Silent, Refusal::new(ErrorCode::Silent, "nothing was heard for 10 s")));
        }
        if now >= self.ends {
            return Err(End::Close(CloseCode::Expired, Refusal::new(ErrorCode::Unauthenticated, "the token ended")));
        }
        if !self.services.live.is_current(self.connection, &self.outbox) {
            return Err(self.replaced().await);
        }
        if let Some(desk) = self.desk
            && now.since(self.leased_at) >= LEASE_EVERY
        {
            self.leased_at = now;
            if let Err(refusal) = self.services.renew_desk(self.actor, desk).await {
                tracing::warn!(desk.id = %desk, code = refusal.code.as_str(), "a desk's lease was not renewed");
            }
        }
        if now.since(self.held_at) >= HOLD_EVERY {
            self.held_at = now;
            self.hold_alarms().await;
        }
        if now.since(self.repaired_at) >= REPAIR_EVERY {
            self.repaired_at = now;
            self.repair().await?;
            self.knock().await?;
        }
        self.push_stale().await?;
        // With the database away a round takes long. What was said meanwhile lies unread: that is no silence.
        self.heard_at = self.heard_at + self.services.clock.now().since(now);
        Ok(())
    }
}
