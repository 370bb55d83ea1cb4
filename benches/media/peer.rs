//! A participant with a camera, with an eye, or with both and a voice.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, Ordering};
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

use crate::relay::Child;
use crate::{Relay, SIZE};

/// The number of the pictures' codec.
pub const VP8: u8 = 96;
const OPUS: u8 = 111;
/// The stream of a publisher whom many watch.
pub const PUBLISHER: u32 = 0x0005_0005;
/// A packet of sound: 20 ms at 40 kbit/s, with its RTP header.
const SOUND: usize = 112;
const SOUNDS: u32 = 50;
const WITHIN: Duration = Duration::from_secs(20);

/// How a camera sends.
#[derive(Clone, Copy)]
pub struct Picture {
    /// Frames a second.
    pub rate: u32,
    /// Packets of a frame.
    pub packets: u32,
}

/// One end of a call.
#[derive(Clone)]
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    /// Its own.
    pub port: u16,
    camera: Option<Arc<Voice>>,
    microphone: Option<Arc<Voice>>,
    state: watch::Receiver<RTCPeerConnectionState>,
    gathered: watch::Receiver<bool>,
    epoch: Instant,
    delays: Arc<Mutex<Vec<f64>>>,
}

/// A stream of its own.
struct Voice {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    payload_type: u8,
    size: usize,
    clock_rate: u32,
    sequence: AtomicU16,
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
    /// Takes a seat, and has a camera that many watch.
    pub async fn publishes(relay: &Relay, epoch: Instant) -> Self {
        let mut peer = Self::new(relay, epoch).await;
        peer.send(RtpCodecKind::Video, PUBLISHER, RTCRtpTransceiverDirection::Sendonly).await;
        let sdp = peer.offer().await;
        let answer = match relay {
            Relay::Ours(child) => child.offer(0, 0, &sdp).await,
            Relay::Janus(janus) => janus.publish(&sdp).await,
        };
        peer.accept(answer).await;
        peer.connected().await
    }

    /// Takes a seat, and watches.
    pub async fn watches(relay: &Relay, number: u32, epoch: Instant) -> Self {
        let mut peer = Self::new(relay, epoch).await;
        match relay {
            Relay::Ours(child) => {
                peer.receive(RtpCodecKind::Video).await;
                let sdp = peer.offer().await;
                let answer = child.offer(0, number, &sdp).await;
                peer.accept(answer).await;
            }
            Relay::Janus(janus) => {
                let (door, offer) = janus.watch().await;
                let sdp = peer.answer(offer).await;
                janus.start_watching(door, &sdp).await;
            }
        }
        peer.connected().await
    }

    /// Takes the only seat of a room of our own, with all that a participant has, and says nothing.
    pub async fn alone(child: &Child, address: IpAddr, room: u32, epoch: Instant) -> Self {
        let mut peer = Self::at(address, epoch).await;
        peer.join(child, room, room).await;
        peer.connected().await
    }

    /// Two with a camera and a microphone each, who hear and see each other.
    pub async fn talk(relay: &Relay, call: u32, epoch: Instant) -> [Self; 2] {
        let (mut a, mut b) = (Self::new(relay, epoch).await, Self::new(relay, epoch).await);
        match relay {
            Relay::Ours(child) => {
                a.join(child, call, 2 * call).await;
                b.join(child, call, 2 * call + 1).await;
            }
            Relay::Janus(janus) => {
                for peer in [&mut a, &mut b] {
                    for (kind, ssrc) in [(RtpCodecKind::Audio, 10), (RtpCodecKind::Video, 20)] {
                        peer.send(kind, ssrc, RTCRtpTransceiverDirection::Sendrecv).await;
                    }
                }
                let (caller, called) = (janus.register(2 * call).await, janus.register(2 * call + 1).await);
                let offer = janus.call(caller, called, 2 * call + 1, &a.offer().await).await;
                let answer = janus.pick_up(caller, called, &b.answer(offer).await).await;
                a.accept(answer).await;
            }
        }
        [a.connected().await, b.connected().await]
    }

    async fn join(&mut self, child: &Child, room: u32, number: u32) {
        for (kind, ssrc) in [(RtpCodecKind::Audio, 10), (RtpCodecKind::Video, 20)] {
            self.send(kind, ssrc + 100 * number, RTCRtpTransceiverDirection::Sendonly).await;
            self.receive(kind).await;
        }
        let sdp = self.offer().await;
        let answer = child.offer(room, number, &sdp).await;
        self.accept(answer).await;
    }

    async fn new(relay: &Relay, epoch: Instant) -> Self {
        Self::at(relay.address(), epoch).await
    }

    async fn at(address: IpAddr, epoch: Instant) -> Self {
        let (state_tx, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_tx, gathered) = watch::channel(false);
        let delays: Arc<Mutex<Vec<f64>>> = Arc::default();
        let handler = Handler { state: state_tx, gathered: gathered_tx, epoch, delays: Arc::clone(&delays) };
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .build();
        let mut media = MediaEngine::default();
        for (codec, number, kind) in [(opus(), OPUS, RtpCodecKind::Audio), (vp8(), VP8, RtpCodecKind::Video)] {
            media.register_codec(RTCRtpCodecParameters { rtp_codec: codec, payload_type: number }, kind).unwrap();
        }
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let building = PeerConnectionBuilder::new()
            .with_setting_engine(settings)
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec![format!("{address}:0")])
            .build();
        let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(building).await.unwrap());
        Self { connection, port: 0, camera: None, microphone: None, state, gathered, epoch, delays }
    }

    async fn send(&mut self, kind: RtpCodecKind, ssrc: u32, direction: RTCRtpTransceiverDirection) {
        let is_sound = kind == RtpCodecKind::Audio;
        let (codec, payload_type, size) = if is_sound { (opus(), OPUS, SOUND) } else { (vp8(), VP8, SIZE) };
        let clock_rate = codec.clock_rate;
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
            codec,
            ..Default::default()
        };
        let name = if is_sound { "m" } else { "c" };
        let track = MediaStreamTrack::new("s".into(), name.into(), name.into(), kind, vec![coding]);
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let init = RTCRtpTransceiverInit { direction, streams: vec![], send_encodings: vec![] };
        let added = self.connection.add_transceiver_from_track(Arc::clone(&track) as Arc<dyn TrackLocal>, Some(init));
        added.await.unwrap();
        let voice = Voice { track, ssrc, payload_type, size, clock_rate, sequence: AtomicU16::new(0) };
        *(if is_sound { &mut self.microphone } else { &mut self.camera }) = Some(Arc::new(voice));
    }

    async fn receive(&self, kind: RtpCodecKind) {
        let direction = RTCRtpTransceiverDirection::Recvonly;
        let init = RTCRtpTransceiverInit { direction, streams: vec![], send_encodings: vec![] };
        self.connection.add_transceiver_from_kind(kind, Some(init)).await.unwrap();
    }

    async fn offer(&mut self) -> String {
        let offer = self.connection.create_offer(None).await.unwrap();
        self.described(offer).await
    }

    async fn accept(&self, answer: String) {
        let answer = RTCSessionDescription::answer(answer).unwrap();
        self.connection.set_remote_description(answer).await.unwrap();
    }

    async fn answer(&mut self, offer: String) -> String {
        let offer = RTCSessionDescription::offer(offer).unwrap();
        self.connection.set_remote_description(offer).await.unwrap();
        let answer = self.connection.create_answer(None).await.unwrap();
        self.described(answer).await
    }

    async fn described(&mut self, description: RTCSessionDescription) -> String {
        self.connection.set_local_description(description).await.unwrap();
        tokio::time::timeout(WITHIN, self.gathered.wait_for(|gathered| *gathered)).await.unwrap().unwrap();
        let sdp = self.connection.local_description().await.unwrap().sdp;
        let candidate = sdp.lines().find(|line| line.starts_with("a=candidate:")).unwrap();
        self.port = candidate.split(' ').nth(5).unwrap().parse().unwrap();
        sdp
    }

    async fn connected(mut self) -> Self {
        let connected = self.state.wait_for(|state| *state == RTCPeerConnectionState::Connected);
        tokio::time::timeout(WITHIN, connected).await.expect("connected in time").unwrap();
        self
    }

    /// Sends pictures for `span`; how many packets they were.
    pub async fn show(&self, picture: Picture, span: Duration) -> u32 {
        self.flow(self.camera.as_ref().expect("a camera"), picture, span).await
    }

    /// Sends sound for `span`; how many packets it was.
    pub async fn sound(&self, span: Duration) -> u32 {
        let rhythm = Picture { rate: SOUNDS, packets: 1 };
        self.flow(self.microphone.as_ref().expect("a microphone"), rhythm, span).await
    }

    async fn flow(&self, voice: &Voice, Picture { rate, packets }: Picture, span: Duration) -> u32 {
        let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
        let until = Instant::now() + span;
        let mut sent = 0;
        while Instant::now() < until {
            tick.tick().await;
            for at in 1..=packets {
                let mut payload = vec![0; voice.size - 12];
                // A descriptor that begins a frame, and a keyframe's first byte; then when it left.
                payload[0] = 0x10;
                let stamp = u64::try_from(self.epoch.elapsed().as_nanos()).unwrap();
                payload[2..10].copy_from_slice(&stamp.to_be_bytes());
                let header = Header {
                    version: 2,
                    marker: at == packets,
                    payload_type: voice.payload_type,
                    sequence_number: voice.sequence.fetch_add(1, Ordering::Relaxed),
                    timestamp: sent / packets * (voice.clock_rate / rate),
                    ssrc: voice.ssrc,
                    ..Header::default()
                };
                voice.track.write_rtp(Packet { header, payload: Bytes::from(payload) }).await.unwrap();
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
    pub async fn close(&self) {
        self.connection.close().await.unwrap();
    }
}

fn opus() -> RTCRtpCodec {
    let (mime_type, sdp_fmtp_line) = ("audio/opus".to_owned(), "minptime=10;useinbandfec=1".to_owned());
    RTCRtpCodec { mime_type, clock_rate: 48_000, channels: 2, sdp_fmtp_line, rtcp_feedback: vec![] }
}

fn vp8() -> RTCRtpCodec {
    RTCRtpCodec { mime_type: "video/VP8".to_owned(), clock_rate: 90_000, ..Default::default() }
}
