//! One socket, from `hello` to the end.
//!
//! A session is one task. It hears four things (the browser, the outbox of the live rooms, the bus, a glance at the
//! clock once a second), and answers each before it hears the next, so that answers keep their order. Only what takes
//! something away from somebody in a room is done before its turn: see [`ears`].

mod commands;
mod ears;
mod farewell;
mod following;
mod offering;

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
use crate::protocol::LIVE_VERSION;
use crate::protocol::error::ErrorCode;
use crate::protocol::live::{ClientMessage, Hello, ServerMessage};
use crate::protocol::parse::parse;
use crate::services::Services;
use crate::services::live::Outbox;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::ws::limits::{
    ANSWER_WITHIN, CloseCode, Echoes, FRAMES, HELLO_WITHIN, MALFORMED, MEDIA_COMES, OUTBOX, SILENCE,
    SILENCE_BESIDE_MEDIA, WRITE_WITHIN,
};
use crate::ws::session::commands::needs_proof;
use crate::ws::session::ears::Ears;
use crate::ws::session::farewell::{End, bye, encode, no_frame, slow};
use crate::ws::session::offering::Offering;

/// How long a resume token is good: longer than any call, for it is given at its beginning. How long a *lost* connection
/// may be taken up again is the registry's to say.
const RESUME_SECONDS: u32 = 24 * 60 * 60;
/// A desk's lease is renewed this often.
const LEASE_EVERY: Duration = Duration::from_secs(15);
/// Whoever took an alarm is noted as heard this often.
const HOLD_EVERY: Duration = Duration::from_secs(10);
/// The event log is compared with what was heard this often, so that a lost last announcement is found.
const REPAIR_EVERY: Duration = Duration::from_secs(5);
/// An echo is asked for this often.
const KNOCK_EVERY: Duration = Duration::from_secs(5);

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

/// Who speaks, until when the token says so, and whether the database was asked.
struct Who {
    actor: Actor,
    ends: Timestamp,
    is_proved: bool,
}

/// Waits for the database, but not for long: a socket has other things to hear.
async fn in_time<T>(answer: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| Err(unanswered()))
}

fn unanswered() -> Refusal {
    Refusal::new(ErrorCode::Unavailable, "the database does not answer")
}

fn token_ended() -> End {
    End::Close(CloseCode::Expired, Refusal::new(ErrorCode::Unauthenticated, "the token ended"))
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

/// Waits for `hello`; closes the socket when it is not one.
async fn greet(services: &Services, socket: &mut WebSocket) -> Option<(Hello, Who)> {
    let refuse = |code, words: &str| (code, Refusal::new(ErrorCode::HelloExpected, words));
    let first = tokio::time::timeout(HELLO_WITHIN, socket.recv()).await;
    let (code, refusal) = match first {
        Err(_) => refuse(CloseCode::Hello, "the first message must be hello, within 5 s"),
        Ok(Some(Ok(Message::Text(text)))) => match parse::<ClientMessage>(text.as_bytes()) {
            Ok(ClientMessage::Hello(hello)) if hello.version != LIVE_VERSION => {
                let words = format!("this server speaks version {LIVE_VERSION}");
                (CloseCode::Version, Refusal::new(ErrorCode::VersionUnsupported, words))
            }
            Ok(ClientMessage::Hello(hello)) => match recognise(services, &hello).await {
                Ok(Some(who)) => return Some((hello, who)),
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
        session.send(&ServerMessage::Welcome { resume, resumed: is_resumed, now, rooms }).await.ok();
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
                message = ears.next() => match message {
                    Some(Ok(message)) => ears.beside(Box::pin(self.hear(message))).await,
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

    async fn hear(&mut self, message: Message) -> Result<(), End> {
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

    /// Ends the conversation when the session was ended and nobody told us. While the database is away, the socket stays;
    /// whether it answered.
    async fn still_signed_in(&mut self) -> Result<bool, End> {
        match in_time(self.services.session_stands(self.actor)).await {
            Ok(false) => Err(self.signed_out().await),
            Ok(true) if self.services.clock.now() >= self.ends => Err(token_ended()),
            Ok(true) => {
                self.is_proved = true;
                Ok(true)
            }
            Err(_) => Ok(false),
        }
    }

    /// Whether the session was asked for in the database, now if not before.
    async fn is_proved(&mut self) -> Result<bool, End> {
        if self.is_proved { Ok(true) } else { self.still_signed_in().await }
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

    /// How long this socket may be silent.
    fn patience(&self, now: Timestamp) -> Duration {
        let media = self.services.live.media_heard_at(self.connection);
        if media.is_some_and(|at| now.since(at) <= MEDIA_COMES) { SILENCE_BESIDE_MEDIA } else { SILENCE }
    }

    /// Once a second: who is dead, what is stale, which lease ends.
    async fn look_round(&mut self) -> Result<(), End> {
        let now = self.services.clock.now();
        if now.since(self.heard_at) > SILENCE && now.since(self.heard_at) > self.patience(now) {
            return Err(End::Close(CloseCode::Silent, Refusal::new(ErrorCode::Silent, "nothing was heard")));
        }
        if now >= self.ends {
            if !self.services.outlives(self.connection, self.ends) {
                return Err(token_ended());
            }
            // A call goes on while the database is away, for nobody can renew a token then. Where it answers, this ends below.
            self.is_proved = false;
        }
        if !self.services.live.is_current(self.connection, &self.outbox) {
            return Err(self.replaced().await);
        }
        // Before anything that asks the database: a call does not wait for it.
        self.pass_waiting_offers().await;
        self.ask_round(now).await?;
        if now.since(self.knocked_at) >= KNOCK_EVERY {
            self.knocked_at = now;
            self.knock().await?;
        }
        // With the database away a round takes long. What was said meanwhile lies unread: that is no silence.
        self.heard_at = self.heard_at + self.services.clock.now().since(now);
        Ok(())
    }

    /// What of a round is asked of the database. Where it does not answer once, the rest waits for the next round: what a
    /// browser says must not lie unread for longer.
    async fn ask_round(&mut self, now: Timestamp) -> Result<(), End> {
        if !self.is_proved().await? {
            return Ok(());
        }
        if let Some(desk) = self.desk
            && now.since(self.leased_at) >= LEASE_EVERY
        {
            self.leased_at = now;
            if let Err(refusal) = in_time(self.services.renew_desk(self.actor, desk)).await {
                tracing::warn!(desk.id = %desk, code = refusal.code.as_str(), "a desk's lease was not renewed");
                if refusal.code == ErrorCode::Unavailable {
                    return Ok(());
                }
            }
        }
        if now.since(self.held_at) >= HOLD_EVERY {
            self.held_at = now;
            if !self.hold_alarms().await {
                return Ok(());
            }
        }
        if now.since(self.repaired_at) >= REPAIR_EVERY {
            self.repaired_at = now;
            if !self.repair().await? {
                return Ok(());
            }
        }
        self.push_stale().await
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
