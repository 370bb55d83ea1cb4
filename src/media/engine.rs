//! One connection's engine: what it is given, and what comes of it.
//!
//! The engine is the `rtc` crate, a machine that is fed: datagrams and moments go in, and what it writes, what it unlocked and its
//! news are taken out. What it writes leaves at once through the connection's [port](super::port); what it unlocked goes to whoever
//! asked for it; when it wants to be asked again, it says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

use super::intake::{self, Intake};
use super::mux::Mux;
use super::play::{ENGINE, FAR_END};
use super::port::Port;
use super::settings;
use super::source::{Feed, Origin};
use super::tap::Caught;
use crate::domain::first_byte::{FirstByte, is_report};

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

/// What an engine reports to its seat.
pub(super) struct Reports {
    pub(super) state: watch::Sender<Transport>,
    /// The section of each track that begins.
    pub(super) tracks: mpsc::Sender<String>,
    /// Media may flow.
    pub(super) open: Arc<AtomicBool>,
}

/// The engine of one connection.
pub(super) struct Engine {
    /// Until it is closed, or breaks.
    connection: Option<Box<RTCPeerConnection>>,
    /// Where its chain leaves the media that it unlocked.
    caught: Caught,
    intake: Intake,
    mux: Arc<Mux>,
    port: Arc<Port>,
    state: watch::Sender<Transport>,
    open: Arc<AtomicBool>,
    is_up: bool,
    /// It was told its own address.
    is_placed: bool,
    /// When media came last.
    media_at: Option<Instant>,
    /// When it said that it wants to be asked again.
    timed: Option<Instant>,
}

impl Engine {
    /// An engine that speaks through `port`.
    pub(super) fn new(
        connection: Box<RTCPeerConnection>,
        caught: Caught,
        mux: &Arc<Mux>,
        port: &Arc<Port>,
        reports: Reports,
    ) -> Self {
        let Reports { state, tracks, open } = reports;
        Self {
            connection: Some(connection),
            caught,
            intake: Intake::new(tracks),
            mux: Arc::clone(mux),
            port: Arc::clone(port),
            state,
            open,
            is_up: false,
            is_placed: false,
            media_at: None,
            timed: None,
        }
    }

    /// Gives it a track of ours, for the next receiving section that has none.
    pub(super) fn add_track(&mut self, track: MediaStreamTrack) -> Result<()> {
        let send_only = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            streams: vec![],
            send_encodings: vec![],
        };
        let connection = self.connection.as_mut().ok_or(Error::ErrConnectionClosed)?;
        connection.add_transceiver_from_track(track, Some(send_only)).map(drop)
    }

    /// Its answer to an offer; when it refuses, media of the earlier negotiation goes on.
    pub(super) fn negotiate(&mut self, now: Instant, offer: String) -> Result<String> {
        let Self { connection: Some(connection), intake, is_placed, .. } = self else {
            return Err(Error::ErrConnectionClosed);
        };
        let answer = answer(connection, now, offer, is_placed);
        if answer.is_err()
            && let Ok(rollback) = RTCSessionDescription::rollback(None)
        {
            let _ = connection.set_remote_description(now, rollback);
        }
        intake.keep_those_of(connection);
        answer
    }

    /// From now on the packets of a section go to `feed`: first those that came already.
    pub(super) fn attach(&mut self, now: Instant, mid: &str, feed: &Arc<Feed>) {
        self.intake.attach(now, mid, feed);
    }

    /// Nobody wants the packets of a section.
    pub(super) fn shut(&mut self, mid: &str) {
        self.intake.shut(mid);
    }

    /// Says something to the browser about media, as far as there is a way to protect it.
    pub(super) fn say(&mut self, now: Instant, packets: Vec<Box<dyn rtc::rtcp::Packet>>) {
        let Self { connection: Some(connection), is_up: true, .. } = self else { return };
        let message = RTCMessage::RtcpPacket(String::new(), packets);
        if let Err(error) = connection.handle_write(TaggedRTCMessage { now, message }) {
            tracing::debug!(%error, "the engine does not say what it should");
        }
        self.write(now);
    }

    /// Reads a datagram; the media that comes of it goes to `pass`.
    pub(super) fn read(&mut self, now: Instant, bytes: &[u8], pass: impl FnMut(&Arc<Feed>, Origin, Packet)) {
        self.feed(now, bytes);
        if FirstByte::of_all(bytes) == Some(FirstByte::Media) && !is_report(bytes) {
            self.hand_on(now, pass);
        } else {
            self.drain(now);
        }
    }

    /// Lets it say and do what is due; when it wants to be asked again, unless it said so before.
    pub(super) fn ask(&mut self, now: Instant) -> Option<Instant> {
        self.drain(now);
        if self.due(now).is_some_and(|at| at <= now) {
            if let Some(Err(error)) = self.connection.as_mut().map(|connection| connection.handle_timeout(now)) {
                tracing::debug!(%error, "the engine's clock");
            }
            self.drain(now);
        }
        let at = self.due(now)?.max(now + LEAST);
        let is_new = self.timed.is_none_or(|known| at < known || known <= now);
        is_new.then(|| *self.timed.insert(at))
    }

    /// Ends it, and tells the browser.
    pub(super) fn close(&mut self, now: Instant) {
        if let Some(connection) = &mut self.connection {
            if let Err(error) = connection.close() {
                tracing::debug!(%error, "a peer connection closed with an error");
            }
            self.write(now);
        }
        self.end();
    }

    /// Something broke over what its browser sent.
    pub(super) fn break_off(&mut self) {
        self.open.store(false, Ordering::Release);
        self.port.close();
        // What is broken may break once more while it is taken apart.
        if catch_unwind(AssertUnwindSafe(|| self.end())).is_err() {
            tracing::error!("a broken peer connection could not be taken apart");
        }
        tracing::error!("a peer connection broke; the others go on");
        self.state.send_replace(Transport::Broken);
    }

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

    /// Hands on what was unlocked.
    fn hand_on(&mut self, now: Instant, mut pass: impl FnMut(&Arc<Feed>, Origin, Packet)) {
        while let Some(packet) = self.caught.next() {
            self.media_at = Some(now);
            let ssrc = packet.header.ssrc;
            if !self.intake.knows(ssrc) {
                // Its beginning is among the engine's news; or an earlier negotiation knew it.
                self.hear();
                let Self { connection: Some(connection), intake, .. } = &mut *self else { return };
                if !intake.knows(ssrc) {
                    intake.begin(intake::find(connection, ssrc));
                }
            }
            if let Some((feed, from, packet)) = self.intake.sort(now, packet) {
                pass(feed, from, packet);
            }
        }
    }

    /// Takes out what the engine says, and brings it what the far end of its play answers, until nobody says more.
    fn drain(&mut self, now: Instant) {
        for _ in 0..ROUNDS {
            let replies = self.write(now);
            let has_news = self.hear();
            if replies.is_empty() && !has_news {
                return;
            }
            for reply in replies {
                self.feed(now, &reply);
            }
        }
    }

    /// Sends what the engine wrote; what the far end of its play answers.
    fn write(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut replies = Vec::new();
        let Self { connection: Some(connection), mux, port, .. } = self else { return replies };
        while let Some(bytes) = connection.poll_write() {
            replies.extend(port.send(now, mux, &bytes.message));
        }
        replies
    }

    /// Takes out the engine's news; whether there were any.
    fn hear(&mut self) -> bool {
        let Self { connection: Some(connection), intake, is_up, open, state: told, .. } = self else { return false };
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
                    open.store(*is_up, Ordering::Release);
                    told.send_replace(transport);
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

#[cfg(test)]
impl Engine {
    /// Neither closed nor broken.
    pub(super) fn is_whole(&self) -> bool {
        self.connection.is_some()
    }

    /// As if it were up, and media had come at that moment and none after it.
    pub(super) fn came_up_and_rests_since(&mut self, at: Instant) {
        (self.is_up, self.media_at) = (true, Some(at));
    }
}

fn answer(connection: &mut RTCPeerConnection, now: Instant, offer: String, is_placed: &mut bool) -> Result<String> {
    connection.set_remote_description(now, RTCSessionDescription::offer(offer)?)?;
    let answer = connection.create_answer(None)?;
    connection.set_local_description(now, answer)?;
    // The engine must know its own candidate before the far end calls it.
    if !*is_placed {
        settings::place(connection)?;
        *is_placed = true;
    }
    Ok(connection.local_description().map(|answer| answer.sdp).unwrap_or_default())
}
