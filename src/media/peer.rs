//! One participant's peer connection: it answers offers, brings tracks, and holds the legs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use webrtc::error::Result;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use super::answer::{Answer, Reach};
use super::bandwidth::PathMeter;
use super::codec::{Codec, PayloadTypes};
use super::common::Common;
use super::egress::Egress;
use super::engine;
use super::engine_socket::PortRuntime;
use super::feedback::Feedback;
use super::gate::Gate;
use super::instant;
use super::keys::Listener;
use super::leg::Leg;
use super::offer::{Offer, Use};
use super::pli::{Ear, PliTap, Report};
use super::port::{Credentials, Port, PortWire};
use crate::domain::room::codec::{Ability, PictureCodec};
use crate::domain::room::relay::MediaKind;

/// Gathering is one local candidate; longer than this means that something is broken.
const GATHERING: Duration = Duration::from_secs(2);
/// The engine's farewell takes a tenth of a second; longer than this means that something is broken.
const CLOSING: Duration = Duration::from_secs(2);
/// Tracks that may wait to be fetched; a browser sends a microphone, a camera and a screen.
const TRACKS: usize = 32;
/// Wishes for keyframes that may wait; they repeat themselves.
const WISHES: usize = 64;
/// Reports of the browser's own streams that may wait; they repeat themselves.
const REPORTS: usize = 16;

/// A receiving section and the leg behind it.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) mid: String,
    pub(super) leg: Arc<Leg>,
}

/// A section in which the browser sends.
#[derive(Debug)]
pub(super) struct Publishing {
    pub(super) mid: String,
    pub(super) kind: MediaKind,
    pub(super) payload_types: PayloadTypes,
    /// The names of its layers, from small to large; empty when there is one.
    pub(super) rids: Vec<String>,
    /// The number of the header extension that names the loudness.
    pub(super) level_extension: Option<u8>,
}

/// How the engine's transport is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// Being set up.
    Connecting,
    /// Encrypted packets may flow.
    Up,
    /// Closed by the browser, or broken beyond repair.
    Dead,
}

/// A connection's foothold on the port, given up by whoever drops it, be it a task that broke: its media ends at once, its
/// names and addresses are forgotten, and the engine is told.
pub(super) struct Foothold {
    common: Arc<Common>,
    connection: Arc<dyn PeerConnection>,
    pub(super) port: Arc<Port>,
    /// Media may flow.
    open: Arc<AtomicBool>,
    /// Ends the tasks of this connection.
    pub(super) stop: CancellationToken,
    is_closed: bool,
}

impl Foothold {
    fn silence(&self) {
        self.open.store(false, Ordering::Release);
        self.port.close();
        self.stop.cancel();
    }

    async fn close(mut self) {
        self.silence();
        close(&self.connection).await;
        self.is_closed = true;
    }
}

impl Drop for Foothold {
    fn drop(&mut self) {
        self.silence();
        self.common.mux.forget(&self.port);
        self.common.counters.connections.decrement(1);
        // The engine's own task ends when it is told, and not before.
        if !self.is_closed
            && let Ok(runtime) = Handle::try_current()
        {
            let connection = Arc::clone(&self.connection);
            self.common.tracker.spawn_on(async move { close(&connection).await }, &runtime);
        }
    }
}

async fn close(connection: &Arc<dyn PeerConnection>) {
    match timeout(CLOSING, connection.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a peer connection closed with an error"),
        Err(_) => tracing::warn!("a peer connection did not close in time"),
    }
}

/// A peer connection.
pub(super) struct Peer {
    pub(super) foothold: Foothold,
    /// How its downstream does.
    pub(super) path: PathMeter,
    egress: Arc<Egress>,
    /// Reads what the browser says of it, as long as there is this connection.
    _feedback: Arc<Feedback>,
    pub(super) fingerprint: String,
    browser_ufrag: String,
    /// How often the browser restarted ICE.
    restarts: u32,
    credentials: Credentials,
    far_end: Credentials,
    pub(super) uses: HashMap<String, Use>,
    gate: Arc<Gate>,
    /// Legs that were added to the engine; those of a failed offer wait here for the next one.
    legs: Vec<Arc<Leg>>,
    /// The SSRCs of legs that have had a section.
    paired: HashSet<u32>,
    pub(super) receiving: Vec<Section>,
    pub(super) publishing: Vec<Publishing>,
    negotiations: u64,
    gathered: watch::Receiver<bool>,
    pub(super) transport: watch::Receiver<Transport>,
    pub(super) tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
    pub(super) wishes: mpsc::Receiver<u32>,
    pub(super) reports: mpsc::Receiver<Report>,
}

impl Peer {
    /// Builds the connection that will answer `offer`.
    pub(super) async fn build(
        common: &Arc<Common>,
        offer: &Offer,
        gate: Arc<Gate>,
        stop: CancellationToken,
    ) -> Result<Self> {
        let (credentials, far_end) = (common.credentials(), common.credentials());
        let (port, inbound) = Port::new(instant::now(), &common.mux, &credentials, &far_end);
        let runtime = PortRuntime::new(Arc::clone(&common.mux), Arc::clone(&port), inbound, common.tracker.clone());
        let (state, transport) = watch::channel(Transport::Connecting);
        let (gathering, gathered) = watch::channel(false);
        let (new_tracks, tracks) = mpsc::channel(TRACKS);
        let (new_wishes, wishes) = mpsc::channel(WISHES);
        let (new_reports, reports) = mpsc::channel(REPORTS);
        let open = Arc::new(AtomicBool::new(false));
        let handler = Handler { state, gathering, tracks: new_tracks, open: Arc::clone(&open) };
        let path = PathMeter::default();
        let wire = PortWire::new(Arc::clone(&common.mux), Arc::clone(&port));
        let egress = Egress::new(instant::now(), Box::new(wire), Arc::clone(&gate), path.clone());
        let ear = Ear::new(new_wishes, new_reports, Arc::clone(&egress));
        let feedback = Arc::new(Feedback::new(ear.clone()));
        port.read_reports_with(&feedback);
        let tap = PliTap::new(ear);
        let crypto =
            Arc::new(Listener::new(Arc::clone(&common.mux.crypto), Arc::clone(&egress), Arc::clone(&feedback)));
        let connection = engine::build(&credentials, Arc::new(handler), Arc::new(runtime), crypto, tap).await?;
        common.mux.register(&credentials.ufrag, &credentials.password, &port);
        common.counters.connections.increment(1);
        Ok(Self {
            foothold: Foothold { common: Arc::clone(common), connection, port, open, stop, is_closed: false },
            path,
            egress,
            _feedback: feedback,
            fingerprint: offer.fingerprint.clone(),
            browser_ufrag: offer.ufrag.clone(),
            restarts: 0,
            credentials,
            far_end,
            uses: HashMap::new(),
            gate,
            legs: Vec::new(),
            paired: HashSet::new(),
            receiving: Vec::new(),
            publishing: Vec::new(),
            negotiations: 0,
            gathered,
            transport,
            tracks,
            wishes,
            reports,
        })
    }

    /// Answers an offer of this connection's browser, whose sections are for `uses` and whose camera should speak a codec.
    pub(super) async fn answer(
        &mut self,
        offer: &Offer,
        uses: HashMap<String, Use>,
        camera: PictureCodec,
    ) -> Result<String> {
        self.add_legs(offer, &uses).await?;
        self.negotiations += 1;
        let layered = self.publishing.iter().map(|known| (known.mid.clone(), known.rids.clone())).collect();
        let text = offer.for_engine(&uses, &self.far_end, self.negotiations, &layered);
        let answer = match self.negotiate(text).await {
            Ok(answer) => answer,
            Err(error) => {
                // Back to where we were: media of the earlier negotiation goes on.
                if let Ok(rollback) = RTCSessionDescription::rollback(None) {
                    let _ = self.foothold.connection.set_remote_description(rollback).await;
                }
                return Err(error);
            }
        };
        let answer = Answer::parse(&answer);
        if offer.ufrag != self.browser_ufrag {
            // An ICE restart. RFC 8445, section 9: both sides take new credentials. The old ones stay valid until the
            // next restart, because checks under them are still on their way.
            self.credentials = self.foothold.common.credentials();
            self.foothold.common.mux.register(&self.credentials.ufrag, &self.credentials.password, &self.foothold.port);
            self.restarts = self.restarts.saturating_add(1);
            self.browser_ufrag.clone_from(&offer.ufrag);
        }
        self.foothold.port.know(instant::now(), &self.foothold.common.mux, &offer.ufrag, &offer.password);
        self.uses = uses;
        self.note_sections(offer, &answer);
        let addresses = self.foothold.common.config.announced();
        let reach = Reach { addresses: &addresses, credentials: &self.credentials, restarts: self.restarts };
        Ok(answer.for_browser(offer, &self.uses, reach, camera.into()))
    }

    /// Gives the engine one track for each receiving section that has none; it pairs them in order.
    async fn add_legs(&mut self, offer: &Offer, uses: &HashMap<String, Use>) -> Result<()> {
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let new = offer.sections.iter().filter(|section| {
                section.kind == Some(kind)
                    && uses.get(&section.mid) == Some(&Use::Receives)
                    && !self.uses.contains_key(&section.mid)
            });
            let spare = self.legs.iter().filter(|leg| leg.kind == kind && !self.paired.contains(&leg.ssrc)).count();
            for _ in spare..new.count() {
                let (open, gate) = (Arc::clone(&self.foothold.open), Arc::clone(&self.gate));
                let (egress, counters) = (Arc::clone(&self.egress), Arc::clone(&self.foothold.common.counters));
                let (leg, track) = Leg::new(self.foothold.common.ssrc(), kind, open, gate, egress, counters);
                let send_only = RTCRtpTransceiverInit {
                    direction: RTCRtpTransceiverDirection::Sendonly,
                    streams: vec![],
                    send_encodings: vec![],
                };
                self.foothold.connection.add_transceiver_from_track(track, Some(send_only)).await?;
                self.legs.push(leg);
            }
        }
        Ok(())
    }

    async fn negotiate(&mut self, offer: String) -> Result<String> {
        self.foothold.connection.set_remote_description(RTCSessionDescription::offer(offer)?).await?;
        let answer = self.foothold.connection.create_answer(None).await?;
        self.foothold.connection.set_local_description(answer).await?;
        // The engine must know its own candidate before the far end calls it.
        let _ = timeout(GATHERING, self.gathered.wait_for(|gathered| *gathered)).await;
        let answer = self.foothold.connection.local_description().await;
        Ok(answer.map(|answer| answer.sdp).unwrap_or_default())
    }

    fn note_sections(&mut self, offer: &Offer, answer: &Answer<'_>) {
        let used = |mid: &String, usage: Use| self.uses.get(mid) == Some(&usage);
        self.receiving = offer
            .carried()
            .filter(|(section, _)| used(&section.mid, Use::Receives))
            .filter_map(|(section, _)| {
                let outgoing = answer.outgoing(&section.mid)?;
                let leg = self.legs.iter().find(|leg| leg.ssrc == outgoing.ssrc)?;
                // A number is the browser's own, whatever the engine knows of it.
                leg.settle(section.payload_types(), outgoing.wide);
                Some(Section { mid: section.mid.clone(), leg: Arc::clone(leg) })
            })
            .collect();
        self.paired.extend(self.receiving.iter().map(|section| section.leg.ssrc));
        self.publishing = offer
            .carried()
            .filter(|(section, _)| used(&section.mid, Use::Publishes))
            .map(|(section, kind)| Publishing {
                mid: section.mid.clone(),
                kind,
                payload_types: section.payload_types(),
                rids: section.rids().to_vec(),
                level_extension: section.level_extension(),
            })
            .collect();
    }

    /// What its browser can do with pictures.
    pub(super) fn ability(&self) -> Ability {
        let mut shown = self.receiving.iter().filter(|section| section.leg.kind == MediaKind::Video).peekable();
        let shows_h264 = shown.peek().is_some() && shown.all(|section| section.leg.takes(Codec::H264));
        let camera = self.publishing.iter().find(|section| section.kind == MediaKind::Video);
        let codecs = camera.into_iter().flat_map(|section| section.payload_types.codecs());
        let camera = codecs.filter_map(|codec| match codec {
            Codec::Vp8 => Some(PictureCodec::Vp8),
            Codec::H264 => Some(PictureCodec::H264),
            Codec::Opus => None,
        });
        Ability { shows_h264, camera: camera.collect() }
    }

    /// Ends the connection: its media at once, then its tasks, its sockets and its credentials.
    pub(super) async fn close(self) {
        self.foothold.close().await;
    }
}

/// Passes the engine's news on. It runs inside the engine's own loop, so nothing here may wait.
struct Handler {
    state: watch::Sender<Transport>,
    gathering: watch::Sender<bool>,
    tracks: mpsc::Sender<Arc<dyn TrackRemote>>,
    open: Arc<AtomicBool>,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathering.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let transport = match state {
            RTCPeerConnectionState::Connected => Transport::Up,
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => Transport::Dead,
            _ => Transport::Connecting,
        };
        self.open.store(transport == Transport::Up, Ordering::Release);
        self.state.send_replace(transport);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        if self.tracks.try_send(track).is_err() {
            tracing::warn!("a participant has more tracks than a browser sends");
        }
    }
}
