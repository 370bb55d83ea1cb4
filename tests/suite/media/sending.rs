//! What a browser of the tests sends: packets in a rhythm, and a film whose flashes and beeps can be compared.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::interceptor::{Interceptor, Packet as Tagged, StreamInfo, TaggedPacket};
use rtc::media_stream::MediaStreamTrack;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodec, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_local::TrackLocal as _;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::RTCPeerConnectionState;
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};

use super::client::{H264, OPUS, VP8};

/// How loud a microphone is.
#[derive(Default)]
pub struct Level {
    /// Decibels above silence, up to 127.
    pub loud: AtomicU8,
    /// The number of the header extension that says so, as the last offer named it.
    pub number: AtomicU8,
}

/// Sizes of a camera in three.
const LAYERS: usize = 3;
/// The bytes of each picture, a hundred of which are sent a second: 80, 500 and 960 kbit/s.
const LAYER_BYTES: [usize; LAYERS] = [100, 625, 1_200];
/// The names of the sizes, from small to large.
const RIDS: [&str; LAYERS] = ["q", "h", "f"];

/// How a packet says of which section and which size it is: the numbers of two header extensions, as the last offer named them.
#[derive(Default)]
pub struct Named {
    mid: AtomicU8,
    rid: AtomicU8,
    /// The section of the camera.
    section: Mutex<String>,
}

impl Named {
    /// Reads an offer.
    pub fn learn(&self, sdp: &str) {
        let number = |uri: &str| {
            sdp.lines()
                .find_map(|line| line.strip_prefix("a=extmap:")?.strip_suffix(uri)?.trim().parse().ok())
                .unwrap_or(0)
        };
        self.mid.store(number("urn:ietf:params:rtp-hdrext:sdes:mid"), Ordering::Relaxed);
        self.rid.store(number("urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"), Ordering::Relaxed);
        let camera = sdp.split("\r\nm=video ").nth(1).and_then(|section| section.split_once("\r\na=mid:"));
        let mid = camera.and_then(|(_, rest)| rest.lines().next()).unwrap_or_default();
        mid.clone_into(&mut self.section.lock().unwrap());
    }

    fn write_into(&self, header: &mut Header, layer: usize) {
        let section = Bytes::copy_from_slice(self.section.lock().unwrap().as_bytes());
        header.set_extension(self.mid.load(Ordering::Relaxed), section).unwrap();
        let rid = Bytes::from_static(RIDS[layer].as_bytes());
        header.set_extension(self.rid.load(Ordering::Relaxed), rid).unwrap();
    }
}

/// Sends a packet of sound and one of picture at every tick; a whole picture when one was asked for.
pub struct Pump {
    pub name: u8,
    pub microphone: Arc<TrackLocalStaticRTP>,
    pub camera: Arc<TrackLocalStaticRTP>,
    /// Where the camera comes in three sizes: how each packet says of which it is.
    pub layers: Option<Arc<Named>>,
    pub wishes: Arc<Wishes>,
    pub mark: Arc<AtomicU8>,
    pub level: Arc<Level>,
    pub speaks: Arc<AtomicU8>,
    /// The numbers of its whole pictures.
    pub whole: Arc<Mutex<HashSet<u16>>>,
    pub state: watch::Receiver<RTCPeerConnectionState>,
}

impl Pump {
    /// Fifty frames of sound and twenty-five pictures a second.
    pub async fn film(mut self, ticks: Arc<AtomicU32>) {
        let mut clock = tokio::time::interval(Duration::from_millis(10));
        let (mut sounds, mut pictures) = (7_u16, 65_000_u16);
        for tick in 0_u32.. {
            if self.state.wait_for(|state| *state == RTCPeerConnectionState::Connected).await.is_err() {
                return;
            }
            clock.tick().await;
            if tick.is_multiple_of(2) {
                let frame = Film::sound(self.name, tick);
                let sound = packet(OPUS, self.name, 1, sounds, tick.wrapping_mul(480).wrapping_add(1_234), frame);
                sounds = sounds.wrapping_add(1);
                if self.microphone.write_rtp(sound).await.is_err() {
                    return;
                }
            }
            if tick.is_multiple_of(4) {
                let frame = [&[0x10][..], &Film::picture(self.name, tick)].concat();
                let timestamp = tick.wrapping_mul(900).wrapping_sub(90_000);
                let picture = packet(VP8, self.name, 2, pictures, timestamp, frame);
                pictures = pictures.wrapping_add(1);
                if self.camera.write_rtp(picture).await.is_err() {
                    return;
                }
            }
            ticks.store(tick, Ordering::Relaxed);
        }
    }

    /// Twenty-five pictures of a screen a second, each a whole one.
    pub async fn screen(
        name: u8,
        screen: Arc<TrackLocalStaticRTP>,
        mut state: watch::Receiver<RTCPeerConnectionState>,
    ) {
        let mut clock = tokio::time::interval(Duration::from_millis(40));
        for count in 0_u16.. {
            if state.wait_for(|state| *state == RTCPeerConnectionState::Connected).await.is_err() {
                return;
            }
            clock.tick().await;
            let tick = u32::from(count) * 4;
            let frame = [&[0x10][..], &Film::screen(name, tick)].concat();
            if screen.write_rtp(packet(VP8, name, SCREEN, count, tick * 900, frame)).await.is_err() {
                return;
            }
        }
    }

    pub async fn run(mut self, pause: Duration) {
        let mut tick = tokio::time::interval(pause);
        let mut count = u16::from(self.name).wrapping_mul(9_999);
        let mut spoke = VP8;
        loop {
            if self.state.wait_for(|state| *state == RTCPeerConnectionState::Connected).await.is_err() {
                return;
            }
            tick.tick().await;
            count = count.wrapping_add(1);
            let speaks = self.speaks.load(Ordering::Relaxed);
            // Another encoder begins with a whole picture, asked or not.
            let is_other = spoke != speaks;
            spoke = speaks;
            let mark = self.mark.load(Ordering::Relaxed);
            if let Some(named) = &self.layers {
                for (layer, bytes) in LAYER_BYTES.into_iter().enumerate() {
                    let first = if self.wishes.take(layer) { 0x50 } else { 0x51 };
                    let mut payload = vec![0; bytes];
                    payload[..5].copy_from_slice(&[0x10, first, self.name, mark, u8::try_from(layer).unwrap()]);
                    let index = u32::try_from(layer).unwrap() + 2;
                    let mut picture = packet(VP8, self.name, index, count, u32::from(count) * 900, payload);
                    named.write_into(&mut picture.header, layer);
                    if self.camera.write_rtp(picture).await.is_err() {
                        return;
                    }
                }
            }
            let is_whole = self.wishes.take(0) || is_other;
            if is_whole {
                self.whole.lock().unwrap().insert(count);
            }
            let picture = match (speaks, is_whole) {
                (H264, true) => [0x67, 0x42, self.name, mark],
                (H264, false) => [0x61, 0x9a, self.name, mark],
                (_, true) => [0x10, 0x50, self.name, mark],
                (_, false) => [0x10, 0x51, self.name, mark],
            };
            let mut sound = packet(OPUS, self.name, 1, count, u32::from(count) * 480, [0xfc, 0xff, self.name, mark]);
            let softer = 127 - self.level.loud.load(Ordering::Relaxed);
            let number = self.level.number.load(Ordering::Relaxed);
            sound.header.set_extension(number, Bytes::copy_from_slice(&[0x80 | softer])).unwrap();
            let picture = packet(speaks, self.name, 2, count, u32::from(count) * 900, picture);
            if self.microphone.write_rtp(sound).await.is_err() {
                return;
            }
            if self.layers.is_none() && self.camera.write_rtp(picture).await.is_err() {
                return;
            }
        }
    }
}

/// The number of a screen among somebody's streams.
pub const SCREEN: u32 = 5;

/// What [`Client::filming`] sends, as a recording holds it.
pub struct Film;

impl Film {
    /// Hundredths of a second between two flashes, and two beeps.
    pub const PERIOD: u32 = 100;

    /// A frame of sound of the hundredth `tick`; only its look is that of Opus.
    fn sound(name: u8, tick: u32) -> Vec<u8> {
        let mark = if tick.is_multiple_of(Self::PERIOD) { 0xbe } else { 0 };
        [&[0xfc, mark, name][..], &tick.to_be_bytes()].concat()
    }

    /// A whole picture of the hundredth `tick`, 320x240; only its head is that of VP8.
    fn picture(name: u8, tick: u32) -> Vec<u8> {
        let mark = if tick.is_multiple_of(Self::PERIOD) { 0xf1 } else { 0 };
        [&[0x10, name, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, mark][..], &tick.to_be_bytes()].concat()
    }

    /// The same of a screen, 640x480.
    fn screen(name: u8, tick: u32) -> Vec<u8> {
        [&[0x10, name, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01, 0][..], &tick.to_be_bytes()].concat()
    }

    /// Whether a picture is one of a screen.
    pub fn is_of_a_screen(frame: &[u8]) -> bool {
        frame[6..10] == [0x80, 0x02, 0xe0, 0x01]
    }

    /// Of a frame: the hundredth of a second in which it was sent, and whether it is a beep or a flash.
    pub fn read(frame: &[u8]) -> (u32, bool) {
        let (head, tick) = frame.split_at(frame.len() - 4);
        let mark = if frame[0] == 0xfc { head[1] == 0xbe } else { head.last() == Some(&0xf1) };
        (u32::from_be_bytes(tick.try_into().unwrap()), mark)
    }
}

fn packet(
    payload_type: u8,
    name: u8,
    index: u32,
    sequence_number: u16,
    timestamp: u32,
    payload: impl AsRef<[u8]>,
) -> Packet {
    let ssrc = ssrc(name, index);
    let header =
        Header { version: 2, marker: true, payload_type, sequence_number, timestamp, ssrc, ..Header::default() };
    Packet { header, payload: Bytes::copy_from_slice(payload.as_ref()) }
}

pub fn ssrc(name: u8, index: u32) -> u32 {
    u32::from(name) * 10 + index
}

pub fn track(ssrcs: &[u32], index: u32, codec: &RTCRtpCodec, kind: RtpCodecKind) -> Arc<TrackLocalStaticRTP> {
    let coding = |(at, ssrc): (usize, &u32)| {
        let rid = if ssrcs.len() > 1 { RIDS[at].to_owned() } else { String::new() };
        RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(*ssrc), rid, ..Default::default() },
            codec: codec.clone(),
            ..Default::default()
        }
    };
    let codings = ssrcs.iter().enumerate().map(coding).collect();
    let id = format!("track-{index}");
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new("stream".into(), id.clone(), id, kind, codings)))
}

pub fn direction(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit { direction, streams: vec![], send_encodings: vec![] }
}

pub fn opus() -> RTCRtpCodec {
    let (mime_type, sdp_fmtp_line) = ("audio/opus".to_owned(), "minptime=10;useinbandfec=1".to_owned());
    RTCRtpCodec { mime_type, clock_rate: 48_000, channels: 2, sdp_fmtp_line, rtcp_feedback: vec![] }
}

pub fn pictured(number: u8) -> RTCRtpCodec {
    if number == H264 { h264() } else { vp8() }
}

fn h264() -> RTCRtpCodec {
    let sdp_fmtp_line = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f".to_owned();
    RTCRtpCodec { mime_type: "video/H264".to_owned(), clock_rate: 90_000, sdp_fmtp_line, ..Default::default() }
}

fn vp8() -> RTCRtpCodec {
    RTCRtpCodec { mime_type: "video/VP8".to_owned(), clock_rate: 90_000, ..Default::default() }
}

/// Layers of which a whole picture is due; at first of each.
pub struct Wishes([AtomicBool; LAYERS]);

impl Default for Wishes {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicBool::new(true)))
    }
}

impl Wishes {
    fn take(&self, layer: usize) -> bool {
        self.0[layer].swap(false, Ordering::Relaxed)
    }
}

/// A request for keyframes.
#[derive(Debug)]
pub struct Asked {
    pub at: Instant,
    /// Of these layers of the camera, from small to large.
    pub layers: Vec<usize>,
}

/// Notes every request for a keyframe; the pump answers it.
pub struct Tap {
    asked: mpsc::Sender<Asked>,
    wishes: Arc<Wishes>,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Tap {
    /// Notes them on `asked`, and in `wishes`.
    pub fn new(asked: mpsc::Sender<Asked>, wishes: Arc<Wishes>) -> Self {
        Self { asked, wishes, read: VecDeque::new(), write: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Tap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if let Tagged::Rtcp(packets) = &message.message.packet {
            let asked = packets.iter().filter_map(|packet| packet.as_any().downcast_ref::<PictureLossIndication>());
            // The layers' numbers follow each other: see `ssrc`. Of a screen each picture is whole.
            let numbers = asked.map(|pli| pli.media_ssrc % 10).filter(|number| *number != SCREEN);
            let layers: Vec<_> = numbers.map(|number| usize::try_from(number).unwrap() - 2).collect();
            if !layers.is_empty() {
                for layer in &layers {
                    self.wishes.0[*layer].store(true, Ordering::Relaxed);
                }
                let _ = self.asked.try_send(Asked { at: tokio::time::Instant::now().into_std(), layers });
            }
        }
        self.read.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.write.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Interceptor for Tap {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
