//! Somebody who says nothing: a connection with what a participant has, or with what a viewer has, in which nothing is sent.
//! What comes is counted.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::sync::Arc;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodecParameters, RtpCodecKind};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState,
    RTCSessionDescription, SettingEngineBuilder,
};
use webrtc::rtp_transceiver::RTCRtpTransceiverDirection;
use yunzhen::domain::room::relay::MediaKind;

use super::client::{OPUS, PATIENCE, VP8};
use super::sending::{direction, opus, pictured, ssrc, track};

/// A packet that came.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    pub kind: MediaKind,
    pub sequence: u16,
    /// What its sender had said last to `Client::mark` when it was sent.
    pub mark: u8,
}

/// Somebody who says nothing.
pub struct Quiet {
    connection: Arc<dyn PeerConnection>,
    state: watch::Receiver<RTCPeerConnectionState>,
    gathered: watch::Receiver<bool>,
    came: watch::Receiver<Vec<Came>>,
}

struct Handler {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    came: Arc<watch::Sender<Vec<Came>>>,
    tracker: TaskTracker,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.gathered.send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let came = Arc::clone(&self.came);
        self.tracker.spawn(async move {
            let kind = if track.kind().await == RtpCodecKind::Video { MediaKind::Video } else { MediaKind::Audio };
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let mark = packet.payload.get(3).copied().unwrap_or_default();
                    let one = Came { kind, sequence: packet.header.sequence_number, mark };
                    came.send_modify(|all| all.push(one));
                }
            }
        });
    }
}

impl Quiet {
    /// Who only watches: a section for a microphone and one for a camera.
    pub async fn viewer(tracker: &TaskTracker) -> Self {
        let quiet = Self::new(tracker).await;
        quiet.receive().await;
        quiet
    }

    /// Who has a microphone and a camera, and a section for those of one other.
    pub async fn participant(name: u8, tracker: &TaskTracker) -> Self {
        let quiet = Self::new(tracker).await;
        for (index, codec, kind) in [(1, opus(), RtpCodecKind::Audio), (2, pictured(VP8), RtpCodecKind::Video)] {
            let own = track(&[ssrc(name, index)], index, &codec, kind) as Arc<dyn TrackLocal>;
            let init = direction(RTCRtpTransceiverDirection::Sendonly);
            quiet.connection.add_transceiver_from_track(own, Some(init)).await.unwrap();
        }
        quiet.receive().await;
        quiet
    }

    async fn new(tracker: &TaskTracker) -> Self {
        let (state_tx, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_tx, gathered) = watch::channel(false);
        let (came_tx, came) = watch::channel(Vec::new());
        let handler =
            Handler { state: state_tx, gathered: gathered_tx, came: Arc::new(came_tx), tracker: tracker.clone() };
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .build();
        let mut media = MediaEngine::default();
        for (codec, number, kind) in [(opus(), OPUS, RtpCodecKind::Audio), (pictured(VP8), VP8, RtpCodecKind::Video)] {
            media.register_codec(RTCRtpCodecParameters { rtp_codec: codec, payload_type: number }, kind).unwrap();
        }
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let building = PeerConnectionBuilder::new()
            .with_setting_engine(settings)
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
            .build();
        let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(building).await.unwrap());
        Self { connection, state, gathered, came }
    }

    async fn receive(&self) {
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            let init = direction(RTCRtpTransceiverDirection::Recvonly);
            self.connection.add_transceiver_from_kind(kind, Some(init)).await.unwrap();
        }
    }

    /// Writes an offer.
    pub async fn offer(&mut self) -> String {
        let offer = self.connection.create_offer(None).await.unwrap();
        self.connection.set_local_description(offer).await.unwrap();
        tokio::time::timeout(PATIENCE, self.gathered.wait_for(|gathered| *gathered)).await.unwrap().unwrap();
        self.connection.local_description().await.unwrap().sdp
    }

    /// Takes the answer, and waits until packets may flow.
    pub async fn accept(&mut self, answer: String) {
        let answer = RTCSessionDescription::answer(answer).unwrap();
        self.connection.set_remote_description(answer).await.unwrap();
        let connected = self.state.wait_for(|state| *state == RTCPeerConnectionState::Connected);
        tokio::time::timeout(PATIENCE, connected).await.expect("connected in time").unwrap();
    }

    /// What came, once `wanted` accepts it.
    pub async fn came(&mut self, wanted: impl Fn(&[Came]) -> bool) -> Vec<Came> {
        let came = tokio::time::timeout(PATIENCE, self.came.wait_for(|all| wanted(all))).await;
        came.unwrap_or_else(|_| panic!("what was waited for came in time")).unwrap().clone()
    }
}
