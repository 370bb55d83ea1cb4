//! A synthetic patient's camera and microphone: a peer connection like a browser's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

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
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState,
    RTCSessionDescription, SettingEngineBuilder,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use super::picture;
use super::rest::{Unable, unable};

const OPUS: u8 = 111;
const VP8: u8 = 96;
/// A frame of sound is 20 ms (RFC 7587).
const SOUND_EVERY: Duration = Duration::from_millis(20);
/// Four frames of sound for one of picture: 12.5 pictures a second.
const SOUNDS_PER_PICTURE: u64 = 4;
/// Opus for 20 ms of silence, fullband (RFC 6716).
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
/// Receiving sections of each kind, as a browser's page in a visit has.
const SECTIONS: usize = 3;
const GATHER_WITHIN: Duration = Duration::from_secs(5);

/// A call under way. It ends when this is dropped.
pub(super) struct Call {
    connection: Arc<dyn PeerConnection>,
    gathered: watch::Receiver<bool>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

struct Handler {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
    tracker: TaskTracker,
    stop: CancellationToken,
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
        // Nobody looks, but what is not read piles up.
        let unread = async move { while track.poll().await.is_some() {} };
        self.tracker.spawn(self.stop.clone().run_until_cancelled_owned(unread));
    }
}

impl Call {
    /// A camera that shows the picture `number`, and a silent microphone, reached at `from`.
    pub(super) async fn new(number: usize, from: IpAddr, tracker: &TaskTracker) -> Result<Self, Unable> {
        let (state_tx, state) = watch::channel(RTCPeerConnectionState::New);
        let (gathered_tx, gathered) = watch::channel(false);
        let stop = CancellationToken::new();
        let handler = Handler { state: state_tx, gathered: gathered_tx, tracker: tracker.clone(), stop: stop.clone() };
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .build();
        let mut media = MediaEngine::default();
        for (codec, number, kind) in [(opus(), OPUS, RtpCodecKind::Audio), (vp8(), VP8, RtpCodecKind::Video)] {
            let parameters = RTCRtpCodecParameters { rtp_codec: codec, payload_type: number };
            media.register_codec(parameters, kind).map_err(unable)?;
        }
        let registry = register_default_interceptors(Registry::new(), &mut media).map_err(unable)?;
        let building = PeerConnectionBuilder::new()
            .with_setting_engine(settings)
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec![std::net::SocketAddr::new(from, 0).to_string()])
            .build();
        let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(building).await.map_err(unable)?);
        let call = Self { connection, gathered, stop: stop.clone(), tracker: tracker.clone() };
        let microphone = track(1, opus(), RtpCodecKind::Audio);
        let camera = track(2, vp8(), RtpCodecKind::Video);
        for track in [&microphone, &camera] {
            let init = direction(RTCRtpTransceiverDirection::Sendonly);
            let track = Arc::clone(track) as Arc<dyn TrackLocal>;
            call.connection.add_transceiver_from_track(track, Some(init)).await.map_err(unable)?;
        }
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video].into_iter().flat_map(|kind| [kind; SECTIONS]) {
            let init = direction(RTCRtpTransceiverDirection::Recvonly);
            call.connection.add_transceiver_from_kind(kind, Some(init)).await.map_err(unable)?;
        }
        let pump = pump(microphone, camera, state, picture::frames(number));
        tracker.spawn(stop.run_until_cancelled_owned(pump));
        Ok(call)
    }

    /// Writes the offer.
    pub(super) async fn offer(&mut self) -> Result<String, Unable> {
        let offer = self.connection.create_offer(None).await.map_err(unable)?;
        self.connection.set_local_description(offer).await.map_err(unable)?;
        let gathered = self.gathered.wait_for(|gathered| *gathered);
        tokio::time::timeout(GATHER_WITHIN, gathered).await.map_err(unable)?.map_err(unable)?;
        let description = self.connection.local_description().await;
        description.map(|description| description.sdp).ok_or_else(|| Unable("no offer".to_owned()))
    }

    /// Takes the answer.
    pub(super) async fn accept(&self, answer: String) -> Result<(), Unable> {
        let answer = RTCSessionDescription::answer(answer).map_err(unable)?;
        self.connection.set_remote_description(answer).await.map_err(unable)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.stop.cancel();
        let connection = Arc::clone(&self.connection);
        self.tracker.spawn(async move {
            let _ = connection.close().await;
        });
    }
}

/// Sends sound and picture while the connection stands; ends with it.
async fn pump(
    microphone: Arc<TrackLocalStaticRTP>,
    camera: Arc<TrackLocalStaticRTP>,
    mut state: watch::Receiver<RTCPeerConnectionState>,
    frames: Vec<&'static [u8]>,
) {
    let mut tick = tokio::time::interval(SOUND_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut shown = frames.iter().cycle();
    let (mut sound, mut picture) = (Stream::new(OPUS, 1), Stream::new(VP8, 2));
    for count in 0_u64.. {
        if state.wait_for(|state| *state == RTCPeerConnectionState::Connected).await.is_err() {
            return;
        }
        tick.tick().await;
        let packet = sound.packet(Bytes::from_static(&SILENCE), count == 0);
        sound.pass(960);
        if microphone.write_rtp(packet).await.is_err() {
            return;
        }
        if count.is_multiple_of(SOUNDS_PER_PICTURE)
            && let Some(frame) = shown.next()
        {
            let parts = picture::payloads(frame);
            let last = parts.len() - 1;
            for (at, part) in parts.into_iter().enumerate() {
                if camera.write_rtp(picture.packet(part, at == last)).await.is_err() {
                    return;
                }
            }
            picture.pass(7_200);
        }
    }
}

/// The numbers of a stream of packets.
struct Stream {
    header: Header,
}

impl Stream {
    fn new(payload_type: u8, ssrc: u32) -> Self {
        Self { header: Header { version: 2, payload_type, ssrc, ..Header::default() } }
    }

    fn packet(&mut self, payload: Bytes, marker: bool) -> Packet {
        self.header.sequence_number = self.header.sequence_number.wrapping_add(1);
        Packet { header: Header { marker, ..self.header.clone() }, payload }
    }

    fn pass(&mut self, ticks: u32) {
        self.header.timestamp = self.header.timestamp.wrapping_add(ticks);
    }
}

fn track(ssrc: u32, codec: RTCRtpCodec, kind: RtpCodecKind) -> Arc<TrackLocalStaticRTP> {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec,
        ..Default::default()
    };
    let id = format!("track-{ssrc}");
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new("stream".into(), id.clone(), id, kind, vec![coding])))
}

fn direction(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit { direction, streams: vec![], send_encodings: vec![] }
}

fn opus() -> RTCRtpCodec {
    let (mime_type, sdp_fmtp_line) = ("audio/opus".to_owned(), "minptime=10;useinbandfec=1".to_owned());
    RTCRtpCodec { mime_type, clock_rate: 48_000, channels: 2, sdp_fmtp_line, rtcp_feedback: vec![] }
}

fn vp8() -> RTCRtpCodec {
    RTCRtpCodec { mime_type: "video/VP8".to_owned(), clock_rate: 90_000, ..Default::default() }
}
