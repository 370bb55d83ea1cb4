//! A participant with a camera, or with an eye.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use tokio::sync::watch;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState,
    RTCSessionDescription, SettingEngineBuilder,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use crate::Relay;
use crate::SIZE;

const VP8: u8 = 96;
const WITHIN: Duration = Duration::from_secs(20);

/// One end of a call.
pub struct Peer {
    number: u32,
    connection: Arc<dyn PeerConnection>,
    camera: Option<Arc<TrackLocalStaticRTP>>,
    sequence: Mutex<u16>,
    epoch: Instant,
    delays: Arc<Mutex<Vec<f64>>>,
}

struct Handler {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    epoch: Instant,
    delays: Arc<Mutex<Vec<f64>>>,
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
        let (delays, epoch) = (Arc::clone(&self.delays), self.epoch);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event
                    && let Some(stamp) = packet.payload.get(2..10).and_then(|bytes| bytes.try_into().ok())
                {
                    let sent = Duration::from_nanos(u64::from_be_bytes(stamp));
                    delays.lock().unwrap().push(epoch.elapsed().saturating_sub(sent).as_secs_f64() * 1e6);
                }
            }
        });
    }
}

impl Peer {
    /// Takes a seat and waits until packets may flow.
    pub async fn join(relay: &Relay, number: u32, publishes: bool, epoch: Instant) -> Self {
        let (state_tx, mut state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_tx, mut gathered) = watch::channel(false);
        let delays: Arc<Mutex<Vec<f64>>> = Arc::default();
        let handler = Handler { state: state_tx, gathered: gathered_tx, epoch, delays: Arc::clone(&delays) };
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .build();
        let mut media = MediaEngine::default();
        let parameters = RTCRtpCodecParameters { rtp_codec: vp8(), payload_type: VP8 };
        media.register_codec(parameters, RtpCodecKind::Video).unwrap();
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let building = PeerConnectionBuilder::new()
            .with_setting_engine(settings)
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec![format!("{}:0", relay.address())])
            .build();
        let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(building).await.unwrap());
        let camera = publishes.then(camera);
        if let Some(camera) = &camera {
            let init = direction(RTCRtpTransceiverDirection::Sendonly);
            connection.add_transceiver_from_track(Arc::clone(camera) as Arc<dyn TrackLocal>, Some(init)).await.unwrap();
        }
        let mut described = async |description: RTCSessionDescription| {
            connection.set_local_description(description).await.unwrap();
            tokio::time::timeout(WITHIN, gathered.wait_for(|gathered| *gathered)).await.unwrap().unwrap();
            connection.local_description().await.unwrap().sdp
        };
        match relay {
            Relay::Janus(janus) if !publishes => {
                let (door, offer) = janus.watch().await;
                connection.set_remote_description(RTCSessionDescription::offer(offer).unwrap()).await.unwrap();
                let sdp = described(connection.create_answer(None).await.unwrap()).await;
                janus.start_watching(door, &sdp).await;
            }
            _ => {
                if !publishes {
                    let init = direction(RTCRtpTransceiverDirection::Recvonly);
                    connection.add_transceiver_from_kind(RtpCodecKind::Video, Some(init)).await.unwrap();
                }
                let sdp = described(connection.create_offer(None).await.unwrap()).await;
                let answer = match relay {
                    Relay::Ours(child) => child.offer(number, &sdp).await,
                    Relay::Janus(janus) => janus.publish(&sdp).await,
                };
                connection.set_remote_description(RTCSessionDescription::answer(answer).unwrap()).await.unwrap();
            }
        }
        let connected = state.wait_for(|state| *state == RTCPeerConnectionState::Connected);
        tokio::time::timeout(WITHIN, connected).await.expect("connected in time").unwrap();
        Self { number, connection, camera, sequence: Mutex::new(0), epoch, delays }
    }

    /// Sends `rate` frames of `packets` packets a second for `span`; how many packets they were.
    pub async fn publish(&self, rate: u32, packets: u32, span: Duration) -> u32 {
        let camera = self.camera.as_ref().expect("a publisher");
        let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
        let until = Instant::now() + span;
        let mut sent = 0;
        while Instant::now() < until {
            tick.tick().await;
            for at in 1..=packets {
                let sequence_number = {
                    let mut sequence = self.sequence.lock().unwrap();
                    *sequence = sequence.wrapping_add(1);
                    *sequence
                };
                let mut payload = vec![0; SIZE - 12];
                // A descriptor that begins a frame, and a keyframe's first byte; then when it left.
                payload[0] = 0x10;
                let stamp = u64::try_from(self.epoch.elapsed().as_nanos()).unwrap();
                payload[2..10].copy_from_slice(&stamp.to_be_bytes());
                let header = Header {
                    version: 2,
                    marker: at == packets,
                    payload_type: VP8,
                    sequence_number,
                    timestamp: sent / packets * (90_000 / rate),
                    ssrc: 5,
                    ..Header::default()
                };
                camera.write_rtp(Packet { header, payload: Bytes::from(payload) }).await.unwrap();
                sent += 1;
            }
        }
        sent
    }

    /// Forgets what came so far.
    pub fn forget(&self) {
        self.delays.lock().unwrap().clear();
    }

    /// How long each packet was under way, in microseconds.
    pub fn delays(&self) -> Vec<f64> {
        self.delays.lock().unwrap().clone()
    }

    /// Goes.
    pub async fn leave(self, child: &crate::relay::Child) {
        child.leave(self.number).await;
        self.connection.close().await.unwrap();
    }
}

fn camera() -> Arc<TrackLocalStaticRTP> {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(5), ..Default::default() },
        codec: vp8(),
        ..Default::default()
    };
    let track = MediaStreamTrack::new("s".into(), "c".into(), "c".into(), RtpCodecKind::Video, vec![coding]);
    Arc::new(TrackLocalStaticRTP::new(track))
}

fn direction(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit { direction, streams: vec![], send_encodings: vec![] }
}

fn vp8() -> RTCRtpCodec {
    RTCRtpCodec { mime_type: "video/VP8".to_owned(), clock_rate: 90_000, ..Default::default() }
}
