//! A browser, as far as media is concerned: the same WebRTC crate, on the other side of real UDP.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use rtc::interceptor::{Registry, Slot};
use rtc::peer_connection::configuration::interceptor_registry::{
    configure_nack, configure_rtcp_reports, register_default_interceptors,
};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, RTCConfigurationBuilder, RTCIceServer, RTCIceTransportPolicy,
    RTCSessionDescription,
};
use webrtc::rtp_transceiver::RTCRtpTransceiverDirection;
use webrtc::runtime::{Runtime, TokioRuntime};
use yunzhen::domain::room::relay::MediaKind;

use super::narrow::Narrow;
use super::peer::{self, Handler, Told};
use super::sending::{Asked, Level, Named, Pump, SCREEN, Tap, Wishes, direction, opus, pictured, ssrc, track};
use super::vandal::{Behind, Overheard, Vandal};
use super::watched::{Seen, Watched};
use super::wired::Wired;

/// Upper bound of every wait: a test that needs it has failed.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The header extension that says how loud a packet is (RFC 6464).
const LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// The numbers under which this browser knows its two codecs; the answer keeps them.
pub const OPUS: u8 = 111;
/// The same of pictures.
pub const VP8: u8 = 96;
/// And of pictures by a chip.
pub const H264: u8 = 102;

/// A packet that arrived at a browser.
#[derive(Clone, Debug)]
pub struct Received {
    pub mid: String,
    /// The number of its stream, which is in clear on the wire.
    pub ssrc: u32,
    pub kind: MediaKind,
    /// The number of its codec: [`VP8`], [`H264`] or [`OPUS`].
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    /// Who sent it: the first byte behind the codec's own.
    pub sender: u8,
    /// What its sender had said last to [`Client::mark`] when it was sent.
    pub mark: u8,
    /// Which layer of its sender's camera it is of, from small to large.
    pub layer: u8,
    pub is_keyframe: bool,
}

/// A browser with a microphone, a camera and a number of receiving sections.
pub struct Client {
    pub connection: Arc<dyn PeerConnection>,
    /// Written into every payload.
    pub name: u8,
    received: mpsc::Receiver<(u32, RtpCodecKind, Packet)>,
    /// When keyframes were asked of its camera.
    pub asked: mpsc::Receiver<Asked>,
    mids: HashMap<u32, String>,
    /// The relay's ICE name of this connection.
    pub server_ufrag: String,
    /// The password that goes with it.
    pub server_password: String,
    /// The browser's own.
    pub ufrag: String,
    pub password: String,
    remotes: Arc<Mutex<Vec<Arc<dyn TrackRemote>>>>,
    told: Told,
    /// The codecs of pictures that it knows.
    pictures: Vec<u8>,
    /// The codec of its camera: the answer decides.
    speaks: Arc<AtomicU8>,
    /// The numbers of the whole pictures that its camera gave.
    whole: Arc<std::sync::Mutex<HashSet<u16>>>,
    ticks: Arc<AtomicU32>,
    mark: Arc<AtomicU8>,
    level: Arc<Level>,
    named: Arc<Named>,
    stop: CancellationToken,
}

/// What is special about a browser.
#[derive(Default)]
struct Kind {
    is_film: bool,
    vandal: Option<Arc<Vandal>>,
    /// The only ways out that it has.
    servers: Option<Vec<RTCIceServer>>,
    /// Ten packets of each a second, and not a hundred.
    is_calm: bool,
    /// The codecs of pictures that it knows, the preferred first; none is VP8.
    pictures: &'static [u8],
    /// Its camera comes in three sizes.
    is_layered: bool,
    /// Bits a second that reach it.
    narrow: Option<Arc<AtomicU32>>,
    /// Its path is watched.
    watched: Option<Arc<Seen>>,
    /// How it speaks of what it gets.
    speaks: Speaks,
}

/// How a browser speaks of what it gets.
#[derive(Clone, Copy, Default)]
enum Speaks {
    /// Of each packet.
    #[default]
    OfEach,
    /// By a report now and then.
    Seldom,
}

impl Client {
    /// A browser called `name` that can receive `slots` microphones and `slots` cameras.
    pub async fn new(name: u8, slots: usize, tracker: &TaskTracker) -> Self {
        Self::sending(name, slots, tracker, Kind::default()).await
    }

    /// The same, and somebody who breaks what it sends.
    pub async fn vandalised(name: u8, slots: usize, tracker: &TaskTracker) -> (Self, Arc<Vandal>) {
        let vandal = Vandal::of(ssrc(name, 2));
        let kind = Kind { vandal: Some(Arc::clone(&vandal)), ..Kind::default() };
        (Self::sending(name, slots, tracker, kind).await, vandal)
    }

    /// The same that knows these codecs of pictures, and prefers the first.
    pub async fn knowing(name: u8, slots: usize, tracker: &TaskTracker, pictures: &'static [u8]) -> Self {
        Self::sending(name, slots, tracker, Kind { pictures, ..Kind::default() }).await
    }

    /// The same with a camera in three sizes, whatever it is told of those that nobody watches.
    pub async fn layered(name: u8, slots: usize, tracker: &TaskTracker) -> Self {
        Self::sending(name, slots, tracker, Kind { is_layered: true, ..Kind::default() }).await
    }

    /// The same at the end of a path that carries so many bits a second to it, and loses what is too much.
    pub async fn at_the_end_of_a_narrow_path(name: u8, slots: usize, tracker: &TaskTracker, bits: u32) -> Self {
        Self::at_the_end_of_a_path(name, slots, tracker, Arc::new(AtomicU32::new(bits))).await
    }

    /// The same at the end of a path that carries what `bits` says.
    pub async fn at_the_end_of_a_path(name: u8, slots: usize, tracker: &TaskTracker, bits: Arc<AtomicU32>) -> Self {
        Self::sending(name, slots, tracker, Kind { narrow: Some(bits), ..Kind::default() }).await
    }

    /// The same that speaks of no packet, and reports of all of them once a second.
    pub async fn terse(name: u8, slots: usize, tracker: &TaskTracker, bits: Arc<AtomicU32>) -> Self {
        let kind = Kind { narrow: Some(bits), speaks: Speaks::Seldom, ..Kind::default() };
        Self::sending(name, slots, tracker, kind).await
    }

    /// The same at the end of a path that is watched.
    pub async fn watched(name: u8, slots: usize, tracker: &TaskTracker) -> (Self, Arc<Seen>) {
        let seen = Arc::<Seen>::default();
        let kind = Kind { watched: Some(Arc::clone(&seen)), ..Kind::default() };
        (Self::sending(name, slots, tracker, kind).await, seen)
    }

    /// The same with ten packets of each a second, for a room full of them.
    pub async fn calm(name: u8, slots: usize, tracker: &TaskTracker) -> Self {
        Self::sending(name, slots, tracker, Kind { is_calm: true, ..Kind::default() }).await
    }

    /// The same at the end of a path that is watched.
    pub async fn calm_and_watched(name: u8, slots: usize, tracker: &TaskTracker) -> (Self, Arc<Seen>) {
        let seen = Arc::<Seen>::default();
        let kind = Kind { is_calm: true, watched: Some(Arc::clone(&seen)), ..Kind::default() };
        (Self::sending(name, slots, tracker, kind).await, seen)
    }

    /// The same with a camera that flashes and a microphone that beeps in the same moment, once a second: see [`super::sending::Film`].
    pub async fn filming(name: u8, slots: usize, tracker: &TaskTracker) -> Self {
        Self::sending(name, slots, tracker, Kind { is_film: true, ..Kind::default() }).await
    }

    /// The same on a network that leads nowhere but to these TURN servers, as a grant names them.
    pub async fn relayed(name: u8, slots: usize, tracker: &TaskTracker, servers: &serde_json::Value) -> Self {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let server = |server: &serde_json::Value| RTCIceServer {
            urls: server["urls"].as_array().unwrap().iter().map(text).collect(),
            username: text(&server["username"]),
            credential: text(&server["credential"]),
        };
        let servers = Some(servers.as_array().unwrap().iter().map(server).collect());
        Self::sending(name, slots, tracker, Kind { is_film: true, servers, ..Kind::default() }).await
    }

    async fn sending(name: u8, slots: usize, tracker: &TaskTracker, kind: Kind) -> Self {
        let pictures = if kind.pictures.is_empty() { &[VP8][..] } else { kind.pictures };
        let (received_tx, received) = mpsc::channel(4096);
        let (asked_tx, asked) = mpsc::channel(64);
        let wishes = Arc::<Wishes>::default();
        let remotes = Arc::<Mutex<Vec<Arc<dyn TrackRemote>>>>::default();
        let (known, reading) = (Arc::clone(&remotes), tracker.clone());
        let (handler, told) = Handler::new(move |track: Arc<dyn TrackRemote>| {
            let (known, received) = (Arc::clone(&known), received_tx.clone());
            reading.spawn(async move {
                known.lock().await.push(Arc::clone(&track));
                let kind = track.kind().await;
                while let Some(event) = track.poll().await {
                    if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                        let _ = received.try_send((packet.header.ssrc, kind, packet));
                    }
                }
            });
        });
        let mut settings = peer::settings();
        let mut runtime: Arc<dyn Runtime> = Arc::new(TokioRuntime);
        if let Some(bits) = kind.narrow {
            runtime = Arc::new(Wired(Narrow(bits)));
        }
        if let Some(seen) = kind.watched {
            runtime = Arc::new(Wired(Watched(seen)));
        }
        if let Some(vandal) = kind.vandal {
            settings = settings.with_crypto_provider(Arc::new(Overheard(Arc::clone(&vandal))));
            runtime = Arc::new(Wired(Behind(vandal)));
        }
        let mut configuration = RTCConfigurationBuilder::new();
        if let Some(servers) = kind.servers {
            let policy = RTCIceTransportPolicy::Relay;
            configuration = configuration.with_ice_servers(servers).with_ice_transport_policy(policy);
        }
        let mut media = peer::engine(pictures);
        let level = RTCRtpHeaderExtensionCapability { uri: LEVEL.to_owned() };
        media.register_header_extension(level, RtpCodecKind::Audio, None).unwrap();
        let registry = match kind.speaks {
            Speaks::Seldom => configure_rtcp_reports(configure_nack(Registry::new(), &mut media)),
            Speaks::OfEach => register_default_interceptors(Registry::new(), &mut media).unwrap(),
        };
        let tap = Tap::new(asked_tx, Arc::clone(&wishes));
        let registry = registry.with(Slot::Custom(14_000), tap);
        let building = PeerConnectionBuilder::new()
            .with_configuration(configuration.build())
            .with_setting_engine(settings.build())
            .with_runtime(runtime)
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(handler)
            .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
            .build();
        let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(building).await.unwrap());
        let microphone = track(&[ssrc(name, 1)], 1, &opus(), RtpCodecKind::Audio);
        let cameras = [2, 3, 4].map(|index| ssrc(name, index));
        let cameras = if kind.is_layered { &cameras[..] } else { &cameras[..1] };
        let camera = track(cameras, 2, &pictured(pictures[0]), RtpCodecKind::Video);
        let known =
            pictures.iter().map(|number| RTCRtpCodecParameters { rtp_codec: pictured(*number), payload_type: *number });
        let init = || Some(direction(RTCRtpTransceiverDirection::Sendonly));
        let sound = Arc::clone(&microphone) as Arc<dyn TrackLocal>;
        connection.add_transceiver_from_track(sound, init()).await.unwrap();
        let picture = Arc::clone(&camera) as Arc<dyn TrackLocal>;
        let section = connection.add_transceiver_from_track(picture, init()).await.unwrap();
        section.set_codec_preferences(known.collect()).await.unwrap();
        let stop = CancellationToken::new();
        let mark = Arc::<AtomicU8>::default();
        let speaks = Arc::new(AtomicU8::new(VP8));
        let level = Arc::<Level>::default();
        let named = Arc::<Named>::default();
        let whole = Arc::<std::sync::Mutex<HashSet<u16>>>::default();
        let pump = Pump {
            name,
            microphone,
            camera,
            layers: kind.is_layered.then(|| Arc::clone(&named)),
            wishes,
            mark: Arc::clone(&mark),
            level: Arc::clone(&level),
            speaks: Arc::clone(&speaks),
            whole: Arc::clone(&whole),
            state: told.state.clone(),
        };
        let ticks = Arc::<AtomicU32>::default();
        if kind.is_film {
            tracker.spawn(stop.clone().run_until_cancelled_owned(pump.film(Arc::clone(&ticks))));
        } else {
            let pause = Duration::from_millis(if kind.is_calm { 100 } else { 10 });
            tracker.spawn(stop.clone().run_until_cancelled_owned(pump.run(pause)));
        }
        let client = Self {
            connection,
            name,
            received,
            asked,
            mids: HashMap::new(),
            server_ufrag: String::new(),
            server_password: String::new(),
            ufrag: String::new(),
            password: String::new(),
            remotes,
            told,
            pictures: pictures.to_vec(),
            speaks,
            whole,
            ticks,
            mark,
            level,
            named,
            stop,
        };
        client.add_sections(slots).await;
        client
    }

    /// Shows a screen from its next offer on.
    pub async fn shows_screen(&self, tracker: &TaskTracker) {
        let screen = track(&[ssrc(self.name, SCREEN)], SCREEN, &pictured(VP8), RtpCodecKind::Video);
        let init = direction(RTCRtpTransceiverDirection::Sendonly);
        let own = Arc::clone(&screen) as Arc<dyn TrackLocal>;
        self.connection.add_transceiver_from_track(own, Some(init)).await.unwrap();
        let pump = Pump::screen(self.name, screen, self.told.state.clone());
        tracker.spawn(self.stop.clone().run_until_cancelled_owned(pump));
    }

    /// Writes `mark` into whatever is sent from now on.
    pub fn mark(&self, mark: u8) {
        self.mark.store(mark, Ordering::Relaxed);
    }

    /// Its microphone hears so much from now on: decibels above silence, up to 127.
    pub fn speak(&self, loud: u8) {
        self.level.loud.store(loud, Ordering::Relaxed);
    }

    /// Writes an offer.
    pub async fn offer(&mut self) -> String {
        let sdp = self.told.offer(&self.connection).await;
        for (prefix, own) in [("a=ice-ufrag:", &mut self.ufrag), ("a=ice-pwd:", &mut self.password)] {
            sdp.lines().find_map(|line| line.strip_prefix(prefix)).unwrap().clone_into(own);
        }
        let level =
            sdp.lines().find_map(|line| line.strip_prefix("a=extmap:")?.strip_suffix(LEVEL)?.trim().parse().ok());
        self.level.number.store(level.unwrap(), Ordering::Relaxed);
        self.named.learn(&sdp);
        sdp
    }

    /// Takes the answer.
    pub async fn accept(&mut self, answer: String) {
        // Its camera is the first section of pictures.
        let camera = answer.lines().find_map(|line| line.strip_prefix("m=video 9 UDP/TLS/RTP/SAVPF ")).unwrap();
        self.speaks.store(camera.split(' ').next().unwrap().parse().unwrap(), Ordering::Relaxed);
        let mut mid = String::new();
        for line in answer.lines() {
            if let Some(value) = line.strip_prefix("a=mid:") {
                value.clone_into(&mut mid);
            } else if let Some(value) = line.strip_prefix("a=ice-ufrag:") {
                value.clone_into(&mut self.server_ufrag);
            } else if let Some(value) = line.strip_prefix("a=ice-pwd:") {
                value.clone_into(&mut self.server_password);
            } else if let Some(value) = line.strip_prefix("a=ssrc:") {
                self.mids.insert(value.split(' ').next().unwrap().parse().unwrap(), mid.clone());
            }
        }
        let answer = RTCSessionDescription::answer(self.as_the_engine_reads_it(&answer)).unwrap();
        self.connection.set_remote_description(answer).await.unwrap();
    }

    /// The engine learns its codecs from the first section of pictures, where the answer names one alone; what is received
    /// may be in another.
    fn as_the_engine_reads_it(&self, answer: &str) -> String {
        let Some(at) = answer.find("m=video ") else { return answer.to_owned() };
        let (before, section) = answer.split_at(at);
        let spoken = self.speaks.load(Ordering::Relaxed);
        let mut lines = String::new();
        for number in self.pictures.iter().filter(|number| **number != spoken) {
            let RTCRtpCodec { mime_type, sdp_fmtp_line, .. } = pictured(*number);
            let name = mime_type.trim_start_matches("video/");
            write!(lines, "a=rtpmap:{number} {name}/90000\r\n").unwrap();
            if !sdp_fmtp_line.is_empty() {
                write!(lines, "a=fmtp:{number} {sdp_fmtp_line}\r\n").unwrap();
            }
        }
        let numbers: Vec<_> = self.pictures.iter().map(ToString::to_string).collect();
        let section = section.replacen(&format!("SAVPF {spoken}\r\n"), &format!("SAVPF {}\r\n", numbers.join(" ")), 1);
        before.to_owned() + &section.replacen("a=mid:", &(lines + "a=mid:"), 1)
    }

    /// Prepares room for `slots` more microphones and cameras; an offer must follow.
    pub async fn add_sections(&self, slots: usize) {
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            for _ in 0..slots {
                let init = direction(RTCRtpTransceiverDirection::Recvonly);
                self.connection.add_transceiver_from_kind(kind, Some(init)).await.unwrap();
            }
        }
    }

    /// The streams that the relay sends it.
    pub fn legs(&self) -> Vec<u32> {
        self.mids.keys().copied().collect()
    }

    /// The stream of one of its sections.
    pub fn leg(&self, mid: &str) -> u32 {
        *self.mids.iter().find(|(_, section)| *section == mid).unwrap().0
    }

    /// Whether a number is that of a whole picture of its camera.
    pub fn was_whole(&self, sequence: u16) -> bool {
        self.whole.lock().unwrap().contains(&sequence)
    }

    /// How many hundredths of a second of its film it has sent.
    pub fn filmed(&self) -> u32 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// Waits until packets may flow.
    pub async fn connected(&mut self) {
        self.told.connected().await;
    }

    /// The next packet that arrives.
    pub async fn next(&mut self) -> Received {
        let received = tokio::time::timeout(PATIENCE, self.received.recv());
        let (ssrc, kind, packet) = received.await.expect("a packet in time").expect("an open connection");
        self.describe(ssrc, kind, &packet)
    }

    /// Waits until nothing has arrived for a second.
    pub async fn falls_silent(&mut self) {
        let silent =
            async { while tokio::time::timeout(Duration::from_secs(1), self.received.recv()).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, silent).await.expect("silence in time");
    }

    /// What has arrived and was not looked at; does not wait.
    pub fn arrived(&mut self) -> Vec<Received> {
        let mut all = Vec::new();
        while let Ok((ssrc, kind, packet)) = self.received.try_recv() {
            all.push(self.describe(ssrc, kind, &packet));
        }
        all
    }

    /// Waits for `count` packets of `kind` from the browser called `sender`, and returns them.
    pub async fn packets_of(&mut self, sender: u8, kind: MediaKind, count: usize) -> Vec<Received> {
        let mut found = Vec::new();
        let reading = async {
            while found.len() < count {
                let packet = self.next().await;
                if packet.sender == sender && packet.kind == kind {
                    found.push(packet);
                }
            }
        };
        let read = tokio::time::timeout(PATIENCE, reading).await;
        read.unwrap_or_else(|_| panic!("{kind:?} of {sender} in time"));
        found
    }

    /// Asks for a keyframe in every video section that has received anything.
    pub async fn ask_for_keyframes(&self) {
        for remote in self.remotes.lock().await.iter() {
            for media_ssrc in remote.ssrcs().await {
                let pli = PictureLossIndication { sender_ssrc: 0, media_ssrc };
                remote.write_rtcp(vec![Box::new(pli)]).await.unwrap();
            }
        }
    }

    /// Ends without a word to anybody, as when a tab crashes.
    pub async fn vanish(self) {
        self.stop.cancel();
        self.connection.close().await.unwrap();
    }

    fn describe(&self, ssrc: u32, kind: RtpCodecKind, packet: &Packet) -> Received {
        let video = kind == RtpCodecKind::Video;
        Received {
            mid: self.mids.get(&ssrc).cloned().unwrap_or_default(),
            ssrc,
            kind: if video { MediaKind::Video } else { MediaKind::Audio },
            payload_type: packet.header.payload_type,
            sequence: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            // A broken packet is nobody's.
            sender: packet.payload.get(2).copied().unwrap_or(0),
            mark: packet.payload.get(3).copied().unwrap_or_default(),
            layer: packet.payload.get(4).copied().unwrap_or_default(),
            is_keyframe: match packet.header.payload_type {
                VP8 => packet.payload.get(1).is_some_and(|first| first & 1 == 0),
                H264 => packet.payload.first() == Some(&0x67),
                _ => false,
            },
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
