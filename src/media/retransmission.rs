//! What a publisher is asked to send again, because it did not come (the generic NACK of RFC 4585, section 6.2.1). What is sent
//! again to a subscriber who asks is the [egress](super::egress)'s to say.
//!
//! On a lossy radio a picture is mended by asking at once and often. On a path that is too narrow most is lost, and what comes again
//! takes the place of what is new. So questions have a price and an end: a quarter of what comes may be asked for, each packet
//! a dozen times, never before the answer to the last question could be here, and never what would come too late.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rtc::interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};
use rtc::sansio::Protocol;
use rtc::shared::TransportContext;
use rtc::shared::error::Error;

use super::keyframe::starts_keyframe;
use crate::domain::codec::Codec;
use crate::domain::room::relay::MediaKind;

/// What was overtaken on the way is not missing yet.
const SOON: Duration = Duration::from_millis(10);
/// A packet is asked for at most this often. Where one of ten is lost, one of five questions fails, and a picture waits for the
/// slowest of its dozen packets.
const EVERY: Duration = Duration::from_millis(20);
const TIMES: u8 = 12;
/// What would come later than this after it was missed: a voice was spoken without it, and a picture was begun anew.
const SOUND_WAITS: Duration = Duration::from_millis(400);
const PICTURE_WAITS: Duration = Duration::from_secs(1);
/// A stream of which nothing came for so long rests, as one that nobody watches does.
const RESTS: Duration = Duration::from_millis(500);
/// Packets that pay for a question after one.
const PRICE: u32 = 4;
/// So many questions may be saved up: what a burst takes of a large frame.
const SAVED: u32 = 24 * PRICE;
/// More missing packets of a stream than this are a hole, and no loss that could be mended.
const MISSING: usize = 256;
const GAP: u16 = 512;
/// So long an answer to a question is waited for, to see how long it takes; and so long that is known.
const ANSWERS: Duration = Duration::from_secs(4);
const KNOWN: Duration = Duration::from_secs(10);
/// While it is not known how long an answer takes, so many packets of a stream are asked for at a time: on a full path the answer to
/// the first of them says that it is full.
const TRIED: usize = 2;

/// Asks for what is missing, at the place in the engine's chain where its own generator would stand.
pub(super) struct Retransmission {
    streams: Vec<Stream>,
    purse: Purse,
    round_trip: RoundTrip,
    /// When to look again.
    due: Option<Instant>,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

/// What came, as far as no question was paid with it.
#[derive(Debug)]
struct Purse(u32);

impl Purse {
    fn came(&mut self) {
        self.0 = (self.0 + 1).min(SAVED);
    }

    fn pays(&mut self) -> bool {
        let left = self.0.checked_sub(PRICE);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// The quickest answers to questions of the last seconds; a question may be lost, so the slower ones say nothing.
#[derive(Debug, Default)]
struct RoundTrip {
    began: Option<Instant>,
    quickest: [Option<Duration>; 2],
}

impl RoundTrip {
    fn learn(&mut self, now: Instant, took: Duration) {
        self.turn(now);
        self.quickest[0] = Some(self.quickest[0].map_or(took, |known| known.min(took)));
    }

    fn known(&mut self, now: Instant) -> Option<Duration> {
        self.turn(now);
        self.quickest.iter().flatten().min().copied()
    }

    fn turn(&mut self, now: Instant) {
        let age = self.began.map(|began| now.saturating_duration_since(began));
        if age.is_none_or(|age| age >= KNOWN / 2) {
            let is_old = age.is_none_or(|age| age >= KNOWN);
            self.quickest = [None, if is_old { None } else { self.quickest[0] }];
            self.began = Some(now);
        }
    }
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    codec: Codec,
    /// The newest packet, and when it came.
    newest: Option<(u16, Instant)>,
    /// In the order of their numbers.
    missing: VecDeque<Missing>,
}

#[derive(Debug)]
struct Missing {
    sequence: u16,
    since: Instant,
    asked: u8,
    first_asked: Option<Instant>,
    /// When it may be asked for next.
    due: Instant,
}

/// What a packet is to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    New,
    /// It was missing, and nobody asked.
    Late,
    /// It was asked for so long ago.
    Answer(Duration),
    Known,
}

impl Stream {
    fn hear(&mut self, now: Instant, sequence: u16, payload: &[u8]) -> Heard {
        let Some((newest, _)) = self.newest else {
            self.newest = Some((sequence, now));
            return Heard::New;
        };
        let ahead = sequence.wrapping_sub(newest);
        let heard = if (1..0x8000).contains(&ahead) {
            self.miss(now, newest, ahead);
            self.newest = Some((sequence, now));
            Heard::New
        } else if let Some(at) = self.missing.iter().position(|missing| missing.sequence == sequence) {
            let asked = self.missing.remove(at).and_then(|missing| missing.first_asked);
            asked.map_or(Heard::Late, |at| Heard::Answer(now.saturating_duration_since(at)))
        } else {
            if ahead.wrapping_neg() > GAP {
                // It began anew.
                self.missing.clear();
                self.newest = Some((sequence, now));
            }
            Heard::Known
        };
        // Whoever has this picture needs none of those before it.
        if !self.missing.is_empty() && self.codec.kind() == MediaKind::Video && starts_keyframe(self.codec, payload) {
            self.missing.retain(|missing| missing.sequence.wrapping_sub(sequence) < 0x8000);
        }
        heard
    }

    /// Those between the newest packet and the one that many numbers ahead did not come.
    fn miss(&mut self, now: Instant, newest: u16, ahead: u16) {
        if ahead > GAP {
            return self.missing.clear();
        }
        for behind in 1..ahead {
            if self.missing.len() == MISSING {
                self.missing.pop_front();
            }
            let sequence = newest.wrapping_add(behind);
            self.missing.push_back(Missing { sequence, since: now, asked: 0, first_asked: None, due: now + SOON });
        }
    }

    fn waits(&self) -> Duration {
        match self.codec.kind() {
            MediaKind::Audio => SOUND_WAITS,
            MediaKind::Video => PICTURE_WAITS,
        }
    }

    /// The packets to ask for now, in order, as far as `purse` pays; and when to look at this stream again.
    fn ask(&mut self, now: Instant, round_trip: Option<Duration>, purse: &mut Purse) -> (Vec<u16>, Option<Instant>) {
        self.missing.retain(|missing| now.saturating_duration_since(missing.since) < ANSWERS);
        let rests = self.newest.is_none_or(|(_, at)| now.saturating_duration_since(at) >= RESTS);
        let waits = self.waits().checked_sub(round_trip.unwrap_or_default());
        let (Some(waits), false) = (waits, rests) else { return (Vec::new(), None) };
        let (mut asked, mut next) = (Vec::new(), None::<Instant>);
        let mut tried = self.missing.iter().filter(|missing| missing.asked > 0).count();
        for missing in &mut self.missing {
            if missing.asked == TIMES || now.saturating_duration_since(missing.since) > waits {
                continue;
            }
            if missing.asked == 0 && round_trip.is_none() && tried >= TRIED {
                continue;
            }
            // What is nearly due goes along.
            if missing.due <= now + SOON / 2 {
                if purse.pays() {
                    tried += usize::from(missing.asked == 0);
                    missing.asked += 1;
                    missing.first_asked.get_or_insert(now);
                    missing.due = now + pause(round_trip, missing.asked);
                    asked.push(missing.sequence);
                } else {
                    missing.due = now + EVERY;
                }
            }
            next = Some(next.map_or(missing.due, |next| next.min(missing.due)));
        }
        (asked, next)
    }
}

/// How long is waited for the answer to a packet's so-many-th question; twice as long each time while nobody knows better.
fn pause(round_trip: Option<Duration>, asked: u8) -> Duration {
    let unknown = EVERY * (1_u32 << u32::from(asked.saturating_sub(1)).min(6));
    round_trip.map_or(unknown, |took| (took + took / 4).max(EVERY))
}

impl Retransmission {
    pub(super) fn new() -> Self {
        Self {
            streams: Vec::new(),
            purse: Purse(SAVED),
            round_trip: RoundTrip::default(),
            due: None,
            read: VecDeque::new(),
            write: VecDeque::new(),
        }
    }

    fn follow(&mut self, ssrc: u32, codec: Codec) {
        if self.streams.iter().any(|stream| stream.ssrc == ssrc) {
            return;
        }
        self.streams.push(Stream { ssrc, codec, newest: None, missing: VecDeque::new() });
        // Sound first: what it takes is not there for pictures.
        self.streams.sort_by_key(|stream| stream.codec.kind() != MediaKind::Audio);
    }

    fn hear(&mut self, now: Instant, ssrc: u32, sequence: u16, payload: &[u8]) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) else { return };
        let before = stream.missing.len();
        match stream.hear(now, sequence, payload) {
            Heard::New | Heard::Late => self.purse.came(),
            // What was asked for pays for no other question.
            Heard::Answer(took) => {
                if self.round_trip.known(now).is_none() {
                    // Those that waited for this may be asked for.
                    self.due = Some(now);
                }
                self.round_trip.learn(now, took);
            }
            Heard::Known => {}
        }
        if stream.missing.len() > before {
            let soon = now + SOON;
            self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
        }
    }

    /// What to ask for now, of which streams.
    fn ask(&mut self, now: Instant) -> Vec<(u32, Vec<u16>)> {
        if self.due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.due = None;
        let round_trip = self.round_trip.known(now);
        let mut questions = Vec::new();
        for stream in &mut self.streams {
            let (asked, next) = stream.ask(now, round_trip, &mut self.purse);
            self.due = self.due.into_iter().chain(next).min();
            if !asked.is_empty() {
                questions.push((stream.ssrc, asked));
            }
        }
        questions
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Retransmission {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(packet) = &message.message.packet {
            self.hear(message.now, packet.header.ssrc, packet.header.sequence_number, &packet.payload);
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

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        for (media_ssrc, asked) in self.ask(now) {
            let nacks = nack_pairs_from_sequence_numbers(&asked);
            let question = TransportLayerNack { sender_ssrc: 0, media_ssrc, nacks };
            let message = AttributedPacket::new(Packet::Rtcp(vec![Box::new(question)]));
            self.write.push_back(TaggedPacket { now, transport: TransportContext::default(), message });
        }
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.due
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Interceptor for Retransmission {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, info: &StreamInfo) {
        let answers = info.rtcp_feedback.iter().any(|one| one.typ == "nack" && one.parameter.is_empty());
        let codec = match info.mime_type.to_ascii_lowercase().as_str() {
            "audio/opus" => Some(Codec::Opus),
            "video/vp8" => Some(Codec::Vp8),
            "video/h264" => Some(Codec::H264),
            _ => None,
        };
        if let Some(codec) = codec.filter(|_| answers) {
            self.follow(info.ssrc, codec);
        }
    }

    fn unbind_remote_stream(&mut self, info: &StreamInfo) {
        self.streams.retain(|stream| stream.ssrc != info.ssrc);
    }
}

#[cfg(test)]
#[path = "retransmission_tests.rs"]
mod tests;
