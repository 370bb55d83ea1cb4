//! One connection's engine, without tasks, sockets or queues of its own.
//!
//! The engine (the `rtc` crate) is a machine that is fed: whoever has a datagram for it gives it that, and takes along what
//! comes of it. So a packet of media is unlocked on the task that read it, and goes from there to the feed of its section;
//! what the engine writes leaves at once; and a connection of which nothing comes is a few structures in memory.
//!
//! Several readers, the seat and the timetable may come to it, one at a time: there is a lock. Whoever holds it may hand
//! media to the legs of others, whose ways out have locks of their own, and takes no other connection's engine. A reader is
//! everybody's and waits for nobody: what it has for an engine that is busy, with an offer of many sections say, it leaves
//! there, and whoever holds the engine reads that before anything else.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::{RTCPeerConnectionEvent, RTCTrackEvent};
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::error::{Error, Result};
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use tokio::sync::{mpsc, watch};

use super::engine;
use super::inflow::Inflow;
use super::instant;
use super::intake::{self, Intake};
use super::mux::Mux;
use super::play::{ENGINE, FAR_END};
use super::port::{Inside, Port};
use super::source::Feed;
use super::tap::Caught;
use super::timetable::{Timed, Timetable};
use crate::domain::first_byte::{FirstByte, is_report};

/// A connection of which no media came for so long has nothing to say of it.
const RESTS: Duration = Duration::from_secs(2);
/// The engine is not asked more often than this what is due: its own clock is no finer.
const LEAST: Duration = Duration::from_millis(1);
/// After so many rounds of saying and answering the engine and its far end have nothing new for each other.
const ROUNDS: usize = 32;
/// What may be left for a busy engine: two thirds of a second of a good camera. More is dropped.
const LATE: usize = 1024;

/// How the engine's transport is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// Being set up.
    Connecting,
    /// Encrypted packets may flow.
    Up,
    /// Closed by the browser, or beyond repair.
    Dead,
    /// Something of ours broke over what the browser sent; nothing comes of it any more.
    Broken,
}

/// What a core reports to its seat.
pub(super) struct Reports {
    pub(super) state: watch::Sender<Transport>,
    /// The section of each track that begins.
    pub(super) tracks: mpsc::Sender<String>,
    /// Media may flow.
    pub(super) open: Arc<AtomicBool>,
}

/// The engine of one connection.
pub(super) struct Core {
    mux: Arc<Mux>,
    port: Arc<Port>,
    timetable: Arc<Timetable>,
    state: watch::Sender<Transport>,
    open: Arc<AtomicBool>,
    inner: Mutex<Inner>,
    late: Mutex<VecDeque<Late>>,
}

/// What was left while the engine was busy.
enum Late {
    Datagram(Instant, Vec<u8>),
    /// It is to be asked what it has to say.
    Settle(Instant),
}

struct Inner {
    /// Until it is closed, or breaks.
    connection: Option<Box<RTCPeerConnection>>,
    /// Where the engine's chain leaves the media that it unlocked.
    caught: Caught,
    intake: Intake,
    is_up: bool,
    /// The engine was told its own address.
    is_placed: bool,
    /// When media came last.
    media_at: Option<Instant>,
    /// For when it stands in the timetable.
    timed: Option<Instant>,
}

impl Core {
    pub(super) fn new(
        connection: Box<RTCPeerConnection>,
        caught: Caught,
        mux: &Arc<Mux>,
        port: &Arc<Port>,
        timetable: &Arc<Timetable>,
        reports: Reports,
    ) -> Arc<Self> {
        let Reports { state, tracks, open } = reports;
        let inner = Inner {
            connection: Some(connection),
            caught,
            intake: Intake::new(tracks),
            is_up: false,
            is_placed: false,
            media_at: None,
            timed: None,
        };
        let core = Arc::new(Self {
            mux: Arc::clone(mux),
            port: Arc::clone(port),
            timetable: Arc::clone(timetable),
            state,
            open,
            inner: Mutex::new(inner),
            late: Mutex::default(),
        });
        let inside: Weak<Self> = Arc::downgrade(&core);
        port.lead_to(inside);
        core
    }

    /// Gives the engine a track of ours, for the next receiving section that has none.
    pub(super) fn add_track(self: &Arc<Self>, track: MediaStreamTrack) -> Result<()> {
        let send_only = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            streams: vec![],
            send_encodings: vec![],
        };
        let added = self.with(|inner| {
            let connection = inner.connection.as_mut().ok_or(Error::ErrConnectionClosed)?;
            connection.add_transceiver_from_track(track, Some(send_only)).map(drop)
        });
        added.unwrap_or(Err(Error::ErrConnectionClosed))
    }

    /// The engine's answer to an offer; when it refuses, media of the earlier negotiation goes on.
    pub(super) fn negotiate(self: &Arc<Self>, now: Instant, offer: String) -> Result<String> {
        let answer = self.with(|inner| {
            let Inner { connection: Some(connection), intake, is_placed, .. } = inner else {
                return Err(Error::ErrConnectionClosed);
            };
            let answer = answer(connection, now, offer, is_placed);
            if answer.is_err()
                && let Ok(rollback) = RTCSessionDescription::rollback(None)
            {
                let _ = connection.set_remote_description(now, rollback);
            }
            intake.keep_those_of(connection);
            self.ask(inner, now);
            answer
        });
        answer.unwrap_or(Err(Error::ErrConnectionClosed))
    }

    /// From now on the packets of a section go to `feed`: first those that came already.
    pub(super) fn attach(self: &Arc<Self>, now: Instant, mid: &str, feed: &Arc<Feed>) {
        self.with(|inner| inner.intake.attach(now, mid, feed));
    }

    /// Nobody wants the packets of a section.
    pub(super) fn shut(self: &Arc<Self>, mid: &str) {
        self.with(|inner| inner.intake.shut(mid));
    }

    /// Says something to the browser about media, as far as there is a way to protect it.
    pub(super) fn say(self: &Arc<Self>, now: Instant, packets: Vec<Box<dyn rtc::rtcp::Packet>>) {
        self.with(|inner| {
            let Inner { connection: Some(connection), is_up: true, .. } = inner else { return };
            let message = RTCMessage::RtcpPacket(String::new(), packets);
            if let Err(error) = connection.handle_write(TaggedRTCMessage { now, message }) {
                tracing::debug!(%error, "the engine does not say what it should");
            }
            self.write(connection, now);
        });
    }

    /// Asks the engine what it has to say, and when it will have more: now, or as soon as it is free.
    pub(super) fn settle(self: &Arc<Self>, now: Instant) {
        if let Some(mut inner) = self.try_inner() {
            self.guarded(&mut inner, |inner| self.ask(inner, now));
        } else {
            self.leave(Late::Settle(now));
        }
        self.catch_up();
    }

    /// Ends it, and tells the browser.
    pub(super) fn close(self: &Arc<Self>, now: Instant) {
        self.with(|inner| {
            if let Some(connection) = &mut inner.connection {
                if let Err(error) = connection.close() {
                    tracing::debug!(%error, "a peer connection closed with an error");
                }
                self.write(connection, now);
            }
            inner.end();
        });
    }

    /// Something broke over what its browser sent.
    pub(super) fn break_off(&self) {
        self.broke(&mut self.inner());
    }

    fn broke(&self, inner: &mut Inner) {
        self.open.store(false, Ordering::Release);
        self.port.close();
        // What is broken may break once more while it is taken apart.
        if catch_unwind(AssertUnwindSafe(|| inner.end())).is_err() {
            tracing::error!("a broken peer connection could not be taken apart");
        }
        tracing::error!("a peer connection broke; the others go on");
        self.state.send_replace(Transport::Broken);
    }

    /// Waits for the engine and does something with it.
    fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        let done = {
            let mut inner = self.inner();
            self.guarded(&mut inner, act)
        };
        self.catch_up();
        done
    }

    /// A panic is the end of this connection, and of nothing else.
    fn guarded<T>(&self, inner: &mut Inner, act: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| act(&mut *inner)));
        done.map_err(|_| self.broke(inner)).ok()
    }

    /// Leaves something for an engine that is busy.
    fn leave(&self, what: Late) {
        let mut late = self.late();
        if late.len() < LATE {
            late.push_back(what);
        }
    }

    /// Reads what was left meanwhile. Whoever had the engine, or did not get it, comes here afterwards: the one who was last sees
    /// what the other left.
    fn catch_up(self: &Arc<Self>) {
        loop {
            fence(Ordering::SeqCst);
            if self.late().is_empty() {
                return;
            }
            let mut inflow = Inflow::default();
            {
                let Some(mut inner) = self.try_inner() else { return };
                self.read_late(&mut inner, &mut inflow);
            }
            inflow.flush(instant::now());
        }
    }

    fn read_late(self: &Arc<Self>, inner: &mut Inner, inflow: &mut Inflow) {
        loop {
            let next = self.late().pop_front();
            match next {
                Some(Late::Datagram(at, bytes)) => {
                    self.guarded(inner, |inner| self.read(inner, at, &bytes, inflow));
                }
                Some(Late::Settle(at)) => {
                    self.guarded(inner, |inner| self.ask(inner, at));
                }
                None => return,
            }
        }
    }

    fn read(self: &Arc<Self>, inner: &mut Inner, now: Instant, bytes: &[u8], inflow: &mut Inflow) {
        inner.feed(now, bytes);
        if FirstByte::of_all(bytes) == Some(FirstByte::Media) && !is_report(bytes) {
            self.hand_on(inner, now, inflow);
        } else {
            self.drain(inner, now);
        }
    }

    /// Hands on what was unlocked.
    fn hand_on(self: &Arc<Self>, inner: &mut Inner, now: Instant, inflow: &mut Inflow) {
        while let Some(packet) = inner.caught.next() {
            inner.media_at = Some(now);
            let ssrc = packet.header.ssrc;
            if !inner.intake.knows(ssrc) {
                // Its beginning is among the engine's news; or an earlier negotiation knew it.
                self.hear(inner);
                let Inner { connection: Some(connection), intake, .. } = &mut *inner else { return };
                if !intake.knows(ssrc) {
                    intake.begin(intake::find(connection, ssrc));
                }
            }
            if let Some((feed, from, packet)) = inner.intake.sort(now, packet) {
                inflow.add(self, feed, from, packet);
            }
        }
    }

    fn ask(self: &Arc<Self>, inner: &mut Inner, now: Instant) {
        self.drain(inner, now);
        if inner.due(now).is_some_and(|at| at <= now) {
            if let Some(Err(error)) = inner.connection.as_mut().map(|connection| connection.handle_timeout(now)) {
                tracing::debug!(%error, "the engine's clock");
            }
            self.drain(inner, now);
        }
        let Some(at) = inner.due(now).map(|at| at.max(now + LEAST)) else { return };
        if inner.timed.is_none_or(|known| at < known || known <= now) {
            inner.timed = Some(at);
            let whom: Weak<Self> = Arc::downgrade(self);
            self.timetable.note(at, whom);
        }
    }

    /// Takes out what the engine says, and brings it what the far end of its play answers, until nobody says more.
    fn drain(&self, inner: &mut Inner, now: Instant) {
        for _ in 0..ROUNDS {
            let Some(connection) = &mut inner.connection else { return };
            let replies = self.write(connection, now);
            let has_news = self.hear(inner);
            if replies.is_empty() && !has_news {
                return;
            }
            for reply in replies {
                inner.feed(now, &reply);
            }
        }
    }

    /// Sends what the engine wrote; what the far end of its play answers.
    fn write(&self, connection: &mut RTCPeerConnection, now: Instant) -> Vec<Vec<u8>> {
        let mut replies = Vec::new();
        while let Some(bytes) = connection.poll_write() {
            replies.extend(self.port.send(now, &self.mux, &bytes.message));
        }
        replies
    }

    /// Takes out the engine's news; whether there were any.
    fn hear(&self, inner: &mut Inner) -> bool {
        let Inner { connection: Some(connection), intake, is_up, .. } = inner else { return false };
        let mut has_news = false;
        while let Some(event) = connection.poll_event() {
            has_news = true;
            match event {
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                    let transport = match state {
                        RTCPeerConnectionState::Connected => Transport::Up,
                        RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => Transport::Dead,
                        _ => Transport::Connecting,
                    };
                    *is_up = transport == Transport::Up;
                    self.open.store(*is_up, Ordering::Release);
                    self.state.send_replace(transport);
                }
                RTCPeerConnectionEvent::OnTrack(RTCTrackEvent::OnOpen(begun)) => {
                    intake.begin(intake::find(connection, begun.ssrc));
                }
                _ => {}
            }
        }
        // Nobody offers data, and media is caught before it comes here.
        while connection.poll_media_read().is_some() || connection.poll_data_read().is_some() {}
        has_news
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine, if nobody has it.
    fn try_inner(&self) -> Option<MutexGuard<'_, Inner>> {
        match self.inner.try_lock() {
            Ok(inner) => Some(inner),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn late(&self) -> MutexGuard<'_, VecDeque<Late>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside for Core {
    fn take(self: Arc<Self>, now: Instant, bytes: &[u8], inflow: &mut Inflow) {
        if let Some(mut inner) = self.try_inner() {
            self.read_late(&mut inner, inflow);
            self.guarded(&mut inner, |inner| self.read(inner, now, bytes, inflow));
        } else {
            self.leave(Late::Datagram(now, bytes.to_vec()));
        }
        self.catch_up();
        inflow.touch(&self);
    }
}

impl Timed for Core {
    fn wake(self: Arc<Self>, now: Instant) {
        self.settle(now);
    }
}

impl Inner {
    /// Gives the engine a datagram of its only peer.
    fn feed(&mut self, now: Instant, bytes: &[u8]) {
        let Some(connection) = &mut self.connection else { return };
        let transport = TransportContext {
            local_addr: ENGINE,
            peer_addr: FAR_END,
            ecn: None,
            transport_protocol: TransportProtocol::UDP,
        };
        if let Err(error) = connection.handle_read(TaggedBytesMut { now, transport, message: BytesMut::from(bytes) }) {
            tracing::debug!(%error, "the engine does not read a datagram");
        }
    }

    /// When the engine has something to do though nothing comes. While everything is well and no media comes it has not:
    /// then its clock would only look after a play that is over.
    fn due(&mut self, now: Instant) -> Option<Instant> {
        let rests = self.media_at.is_none_or(|at| now.saturating_duration_since(at) >= RESTS);
        if self.is_up && rests {
            return None;
        }
        self.connection.as_mut()?.poll_timeout()
    }

    fn end(&mut self) {
        self.is_up = false;
        self.intake.end();
        self.connection = None;
    }
}

fn answer(connection: &mut RTCPeerConnection, now: Instant, offer: String, is_placed: &mut bool) -> Result<String> {
    connection.set_remote_description(now, RTCSessionDescription::offer(offer)?)?;
    let answer = connection.create_answer(None)?;
    connection.set_local_description(now, answer)?;
    // The engine must know its own candidate before the far end calls it.
    if !*is_placed {
        engine::place(connection)?;
        *is_placed = true;
    }
    Ok(connection.local_description().map(|answer| answer.sdp).unwrap_or_default())
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
