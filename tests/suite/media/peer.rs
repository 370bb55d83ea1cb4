//! What each connection of these tests is made of, whatever it sends and whatever it does with what it gets.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::sync::Arc;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodecParameters, RtpCodecKind};
use tokio::sync::watch;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState, SettingEngineBuilder,
};

use super::client::{OPUS, PATIENCE};
use super::sending::{opus, pictured};

/// Tells how a connection goes, and hands over each stream that comes.
pub struct Handler<F> {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    take: F,
}

/// How a connection goes.
#[derive(Clone)]
pub struct Told {
    pub state: watch::Receiver<RTCPeerConnectionState>,
    gathered: watch::Receiver<bool>,
}

impl<F: Fn(Arc<dyn TrackRemote>)> Handler<F> {
    /// A handler that gives streams to `take`, and what it tells.
    pub fn new(take: F) -> (Arc<Self>, Told) {
        let (state_tx, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_tx, gathered) = watch::channel(false);
        (Arc::new(Self { state: state_tx, gathered: gathered_tx, take }), Told { state, gathered })
    }
}

#[async_trait::async_trait]
impl<F: Fn(Arc<dyn TrackRemote>) + Send + Sync + 'static> PeerConnectionEventHandler for Handler<F> {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.gathered.send_replace(state == RTCIceGatheringState::Complete);
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        (self.take)(track);
    }
}

impl Told {
    /// Writes an offer with all its addresses.
    pub async fn offer(&mut self, connection: &Arc<dyn PeerConnection>) -> String {
        let offer = connection.create_offer(None).await.unwrap();
        connection.set_local_description(offer).await.unwrap();
        tokio::time::timeout(PATIENCE, self.gathered.wait_for(|gathered| *gathered)).await.unwrap().unwrap();
        connection.local_description().await.unwrap().sdp
    }

    /// Waits until packets may flow.
    pub async fn connected(&mut self) {
        let connected = self.state.wait_for(|state| *state == RTCPeerConnectionState::Connected);
        tokio::time::timeout(PATIENCE, connected).await.expect("connected in time").unwrap();
    }
}

/// A machine of which loopback is the network.
pub fn settings() -> SettingEngineBuilder {
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(true)
}

/// A browser that knows Opus, and these codecs of pictures, the preferred first.
pub fn engine(pictures: &[u8]) -> MediaEngine {
    let mut media = MediaEngine::default();
    let sound = std::iter::once((opus(), OPUS, RtpCodecKind::Audio));
    let known = pictures.iter().map(|number| (pictured(*number), *number, RtpCodecKind::Video));
    for (codec, number, kind) in sound.chain(known) {
        media.register_codec(RTCRtpCodecParameters { rtp_codec: codec, payload_type: number }, kind).unwrap();
    }
    media
}
