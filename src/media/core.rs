//! One connection's engine, without tasks, sockets or queues of its own.
//!
//! The engine (the `rtc` crate) is a machine that is fed: whoever has a datagram for it gives it that, and takes along what
//! comes of it. So a packet of media is unlocked on the task that read it, and goes from there to the feed of its section;
//! what the engine writes leaves at once; and a connection of which nothing comes is a few structures in memory.
//!
//! Several readers, the seat and the timetable may come to it, one at a time: there is a lock. Whoever holds it may hand
//! media to the legs of others, whose ways out have locks of their own, and takes no other connection's engine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::{RTCPeerConnectionEvent, RTCTrackEvent};
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol as _;
use rtc::shared::error::{Error, Result};
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use tokio::sync::{mpsc, watch};

use super::engine;
use super::inflow::Inflow;
use super::mux::Mux;
use super::offer;
use super::play::{ENGINE, FAR_END};
use super::pli::Caught;
use super::port::{Inside, Port};
use super::source::Feed;
use super::timetable::{Timed, Timetable};
use crate::domain::first_byte::{FirstByte, is_report};

/// Packets of a section that wait for its feed; the seat makes one as soon as it hears of the track.
const WAITING: usize = 256;
/// A connection of which no media came for so long has nothing to say of it.
const RESTS: Duration = Duration::from_secs(2);
/// The engine is not asked more often than this what is due: its own clock is no finer.
const LEAST: Duration = Duration::from_millis(1);
/// After so many rounds of saying and answering the engine and its far end have nothing new for each other.
const ROUNDS: usize = 32;

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
    reports: Reports,
    inner: Mutex<Inner>,
}

struct Inner {
    /// Until it is closed, or breaks.
    connection: Option<Box<RTCPeerConnection>>,
    /// Where the engine's chain leaves the media that it unlocked.
    caught: Caught,
    streams: Vec<Stream>,
    sections: Vec<Section>,
    is_up: bool,
    /// The engine was told its own address.
    is_placed: bool,
    /// When media came last.
    media_at: Option<Instant>,
    /// For when it stands in the timetable.
    timed: Option<Instant>,
}

/// An encoder's packets.
struct Stream {
    ssrc: u32,
    mid: String,
    rid: Option<String>,
}

/// A section in which the browser sends.
struct Section {
    mid: String,
    inlet: Inlet,
}

/// Where the packets of a section go.
enum Inlet {
    /// Nowhere yet.
    Waiting(Vec<Packet>),
    Feed(Arc<Feed>),
    /// Nowhere.
    Shut,
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
        let inner = Inner {
            connection: Some(connection),
            caught,
            streams: Vec::new(),
            sections: Vec::new(),
            is_up: false,
            is_placed: false,
            media_at: None,
            timed: None,
        };
        let core = Arc::new(Self {
            mux: Arc::clone(mux),
            port: Arc::clone(port),
            timetable: Arc::clone(timetable),
            reports,
            inner: Mutex::new(inner),
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
        self.engine(|connection| connection.add_transceiver_from_track(track, Some(send_only)).map(drop))
    }

    /// The engine's answer to an offer; when it refuses, media of the earlier negotiation goes on.
    pub(super) fn negotiate(self: &Arc<Self>, now: Instant, offer: String) -> Result<String> {
        let answer = self.with(|inner| {
            let Inner { connection: Some(connection), streams, is_placed, .. } = inner else {
                return Err(Error::ErrConnectionClosed);
            };
            let answer = answer(connection, now, offer, is_placed);
            if answer.is_err()
                && let Ok(rollback) = RTCSessionDescription::rollback(None)
            {
                let _ = connection.set_remote_description(now, rollback);
            }
            let kept = numbers(connection);
            streams.retain(|stream| kept.contains(&stream.ssrc));
            answer
        });
        self.settle(now);
        answer.unwrap_or(Err(Error::ErrConnectionClosed))
    }

    /// From now on the packets of a section go to `feed`: first those that came already.
    pub(super) fn attach(self: &Arc<Self>, now: Instant, mid: &str, feed: &Arc<Feed>) {
        self.with(|inner| {
            let Inner { sections, streams, .. } = inner;
            let Some(section) = sections.iter_mut().find(|section| section.mid == mid) else { return };
            let former = std::mem::replace(&mut section.inlet, Inlet::Feed(Arc::clone(feed)));
            let Inlet::Waiting(waiting) = former else { return };
            let packets: Vec<_> = waiting
                .into_iter()
                .filter_map(|packet| {
                    let stream = streams.iter().find(|stream| stream.ssrc == packet.header.ssrc)?;
                    Some((feed.hear(now, stream.rid.as_deref(), &packet)?, packet))
                })
                .collect();
            feed.forward(now, &packets);
        });
    }

    /// Nobody wants the packets of a section.
    pub(super) fn shut(self: &Arc<Self>, mid: &str) {
        self.with(|inner| {
            if let Some(section) = inner.sections.iter_mut().find(|section| section.mid == mid) {
                section.inlet = Inlet::Shut;
            }
        });
    }

    /// Says something to the browser about media, as far as there is a way to protect it.
    pub(super) fn say(self: &Arc<Self>, now: Instant, packets: Vec<Box<dyn rtc::rtcp::Packet>>) {
        self.with(|inner| {
            let Inner { connection: Some(connection), is_up: true, .. } = inner else { return };
            let message = RTCMessage::RtcpPacket(String::new(), packets);
            if let Err(error) = connection.handle_write(TaggedRTCMessage { now, message }) {
                tracing::debug!(%error, "the engine does not say what it should");
            }
            while let Some(bytes) = connection.poll_write() {
                self.port.send(now, &self.mux, &bytes.message);
            }
        });
    }

    /// Says what the engine has to say, and notes when it will have more.
    pub(super) fn settle(self: &Arc<Self>, now: Instant) {
        self.with(|inner| {
            self.drain(inner, now);
            if inner.due(now).is_some_and(|at| at <= now) {
                if let Some(Err(error)) = inner.connection.as_mut().map(|connection| connection.handle_timeout(now)) {
                    tracing::debug!(%error, "the engine's clock");
                }
                self.drain(inner, now);
            }
            let Some(at) = inner.due(now).map(|at| at.max(now + LEAST)) else { return };
            if inner.timed.is_none_or(|known| at < known) {
                inner.timed = Some(at);
                let whom: Weak<Self> = Arc::downgrade(self);
                self.timetable.note(at, whom);
            }
        });
    }

    /// Ends it, and tells the browser.
    pub(super) fn close(self: &Arc<Self>, now: Instant) {
        self.with(|inner| {
            if let Some(connection) = &mut inner.connection {
                if let Err(error) = connection.close() {
                    tracing::debug!(%error, "a peer connection closed with an error");
                }
                while let Some(bytes) = connection.poll_write() {
                    self.port.send(now, &self.mux, &bytes.message);
                }
            }
            inner.end();
        });
    }

    /// Something broke over what its browser sent.
    pub(super) fn break_off(&self) {
        let mut inner = self.inner();
        self.broke(&mut inner);
    }

    fn broke(&self, inner: &mut Inner) {
        self.reports.open.store(false, Ordering::Release);
        self.port.close();
        // What is broken may break once more while it is taken apart.
        if catch_unwind(AssertUnwindSafe(|| inner.end())).is_err() {
            tracing::error!("a broken peer connection could not be taken apart");
        }
        tracing::error!("a peer connection broke; the others go on");
        self.reports.state.send_replace(Transport::Broken);
    }

    /// Does something with what is inside. A panic is the end of this connection, and of nothing else.
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        let mut inner = self.inner();
        let done = catch_unwind(AssertUnwindSafe(|| act(&mut inner)));
        done.map_err(|_| self.broke(&mut inner)).ok()
    }

    fn engine<T>(&self, act: impl FnOnce(&mut RTCPeerConnection) -> Result<T>) -> Result<T> {
        let done = self.with(|inner| inner.connection.as_mut().map(|connection| act(connection)));
        done.flatten().unwrap_or(Err(Error::ErrConnectionClosed))
    }

    /// Takes out what the engine says, and brings it what the far end of its play answers, until nobody says more.
    fn drain(&self, inner: &mut Inner, now: Instant) {
        for _ in 0..ROUNDS {
            let Inner { connection: Some(connection), .. } = inner else { return };
            let mut replies = Vec::new();
            while let Some(bytes) = connection.poll_write() {
                replies.extend(self.port.send(now, &self.mux, &bytes.message));
            }
            let has_news = self.hear(inner);
            if replies.is_empty() && !has_news {
                return;
            }
            for reply in replies {
                inner.feed(now, &reply);
            }
        }
    }

    /// Takes out the engine's news; whether there were any.
    fn hear(&self, inner: &mut Inner) -> bool {
        let Inner { connection: Some(connection), streams, sections, is_up, .. } = inner else { return false };
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
                    self.reports.open.store(*is_up, Ordering::Release);
                    self.reports.state.send_replace(transport);
                }
                RTCPeerConnectionEvent::OnTrack(RTCTrackEvent::OnOpen(begun)) => {
                    self.begin(streams, sections, find(connection, begun.ssrc));
                }
                _ => {}
            }
        }
        // Nobody offers data, and media is caught before it comes here.
        while connection.poll_media_read().is_some() || connection.poll_data_read().is_some() {}
        has_news
    }

    fn begin(&self, streams: &mut Vec<Stream>, sections: &mut Vec<Section>, stream: Option<Stream>) {
        let Some(stream) = stream else { return };
        if !sections.iter().any(|section| section.mid == stream.mid) {
            sections.push(Section { mid: stream.mid.clone(), inlet: Inlet::Waiting(Vec::new()) });
            if self.reports.tracks.try_send(stream.mid.clone()).is_err() {
                tracing::warn!("a participant has more tracks than a browser sends");
            }
        }
        streams.retain(|known| known.ssrc != stream.ssrc);
        streams.push(stream);
    }

    /// Hands on what was unlocked.
    fn hand_on(self: &Arc<Self>, inner: &mut Inner, now: Instant, inflow: &mut Inflow) {
        while let Some(packet) = inner.caught.next() {
            inner.media_at = Some(now);
            let ssrc = packet.header.ssrc;
            if !inner.streams.iter().any(|stream| stream.ssrc == ssrc) {
                // Its beginning is among the engine's news; or an earlier negotiation knew it.
                self.hear(inner);
                let Inner { connection: Some(connection), streams, sections, .. } = inner else { return };
                if !streams.iter().any(|stream| stream.ssrc == ssrc) {
                    self.begin(streams, sections, find(connection, ssrc));
                }
            }
            let Inner { streams, sections, .. } = inner;
            let Some(stream) = streams.iter().find(|stream| stream.ssrc == ssrc) else { continue };
            let Some(section) = sections.iter_mut().find(|section| section.mid == stream.mid) else { continue };
            match &mut section.inlet {
                Inlet::Feed(feed) => {
                    if let Some(from) = feed.hear(now, stream.rid.as_deref(), &packet) {
                        inflow.add(self, feed, from, packet);
                    }
                }
                Inlet::Waiting(waiting) if waiting.len() < WAITING => waiting.push(packet),
                Inlet::Waiting(_) | Inlet::Shut => {}
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside for Core {
    fn take(self: Arc<Self>, now: Instant, bytes: &[u8], inflow: &mut Inflow) {
        self.with(|inner| {
            inner.feed(now, bytes);
            if FirstByte::of_all(bytes) == Some(FirstByte::Media) && !is_report(bytes) {
                self.hand_on(inner, now, inflow);
            } else {
                self.drain(inner, now);
            }
        });
        inflow.touch(&self);
    }
}

impl Timed for Core {
    fn wake(self: Arc<Self>, now: Instant) {
        self.with(|inner| inner.timed = inner.timed.filter(|at| *at > now));
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
        self.streams = Vec::new();
        self.sections = Vec::new();
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

/// The numbers of all streams that the engine receives.
fn numbers(connection: &mut RTCPeerConnection) -> Vec<u32> {
    let receivers: Vec<_> = connection.get_receivers().collect();
    let of = |id| connection.rtp_receiver(id).map(|receiver| receiver.track().ssrcs().collect::<Vec<_>>());
    receivers.into_iter().filter_map(of).flatten().collect()
}

/// What the engine knows of a stream that it receives.
fn find(connection: &mut RTCPeerConnection, ssrc: u32) -> Option<Stream> {
    let receivers: Vec<_> = connection.get_receivers().collect();
    receivers.into_iter().find_map(|id| {
        let receiver = connection.rtp_receiver(id)?;
        let track = receiver.track();
        track.ssrcs().find(|known| *known == ssrc)?;
        let mid = offer::mid_of_track(track.track_id())?.to_owned();
        Some(Stream { ssrc, mid, rid: track.rid(ssrc).cloned() })
    })
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
