//! A connection's media on its way out: numbered, protected and sent where it is handed over.
//!
//! The engine could do it, at ten times the price: each packet would go through a queue to the task of the connection,
//! through a chain of handlers, and through as many copies. Here a packet costs its cipher and its share of a system
//! call, on the task that received it. What the engine's chain did for media is done here too: answers to NACKs,
//! transport-wide numbers and what their feedback says, and sender reports.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::interceptor::{Acknowledgement, convert_twcc};
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, TransportLayerCc};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::rtp::Header;
use rtc::rtp::header::{EXTENSION_PROFILE_ONE_BYTE, Extension};
use rtc::shared::time::SystemInstant;
use rtc::srtp::context::Context;

use super::arriving::Count;
use super::bandwidth::{Fate, PathMeter};
use super::gate::Gate;
use super::source::Source;
use super::trail::{Behind, Trail, round_trip};
use crate::domain::room::missing::Speaks;
use crate::domain::room::relay::MediaKind;

/// Packets of a picture that can be sent once more: some seconds of a good camera.
const KEPT: usize = 1024;
/// Packets of sound: two seconds. Later it would not be waited for.
const KEPT_OF_SOUND: usize = 100;
/// How long one can be: by then a receiver has asked for a whole picture instead. Who sends no more pictures keeps nothing.
const KEPT_FOR: Duration = Duration::from_secs(2);
/// So many packets may be asked for again within [`ASKING`]; a path that loses more than that is not helped by more.
const ASKED: usize = 256;
const ASKING: Duration = Duration::from_millis(250);
/// Where more than this part of the sound is asked for again, it is too much for the path, and more of it is worse.
const LOST_SOUND: (u32, u32) = (1, 4);
/// So much sound is looked at.
const LOOKED_AT: u32 = 50;
/// What was sent again just now is on its way.
const AGAIN: Duration = Duration::from_millis(20);
/// Older ones are not sent again: they are of no use, and the receiver could not tell which round they are of.
const OLDEST: u16 = 1024;
/// Packets of a connection whose fate is not known yet; without feedback the oldest are forgotten.
const UNKNOWN: usize = 4096;
/// What the kernel takes in one call.
const MOST_SEGMENTS: usize = 64;
const MOST_BYTES: usize = 60_000;

/// Where protected datagrams go.
pub(super) trait Wire: Send + Sync {
    /// Sends datagrams of `segment` bytes that stand one after another; the last may be shorter. What there is no room
    /// for is dropped.
    fn send(&self, bytes: &[u8], segment: usize);
}

/// Where nothing arrives.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) struct Nowhere;

#[cfg(any(test, feature = "fuzzing"))]
impl Wire for Nowhere {
    fn send(&self, _: &[u8], _: usize) {}
}

/// A packet under the numbers of its leg.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) marker: bool,
    pub(super) payload_type: u8,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) payload: Bytes,
}

/// The way out of one connection.
pub(super) struct Egress {
    wire: Box<dyn Wire>,
    /// The receiving participant's.
    gate: Arc<Gate>,
    path: PathMeter,
    clock: SystemInstant,
    state: Mutex<State>,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    /// Protects what leaves, once the keys are known.
    context: Option<Context>,
    /// A dozen or two, so looking through them is quick.
    streams: Vec<Stream>,
    fates: Fates,
    /// The browser has said something of what it got.
    did_report: bool,
    /// Of which kinds it has spoken of each packet: some number no sound.
    tells: [bool; 2],
    /// Since when it is counted, and how many packets were asked for since.
    asked: Option<(Instant, usize)>,
    plain: Vec<u8>,
    run: Vec<u8>,
}

/// One leg's stream.
struct Stream {
    ssrc: u32,
    kind: MediaKind,
    /// As long as the header of each packet; the cipher reads its length and the numbers.
    header: Header,
    /// The number of the header extension of transport-wide numbers, if the section has it.
    wide: Option<u8>,
    /// Whose the kept packets are: if it may no longer pass, neither may they.
    source: Weak<Source>,
    kept: VecDeque<Kept>,
    packets: u32,
    octets: u32,
    /// How often the browser said that something came.
    arrived: u32,
    /// The newest packet that it has, by its last report.
    reported: Option<u32>,
    /// When what left, where the browser only reports now and then.
    trail: Trail,
    /// What its last report lacked.
    behind: Option<Behind>,
    /// Packets that were sent again since the count of packets was a multiple of [`LOOKED_AT`].
    again: u32,
    /// The timestamp of the newest frame, and when its first packet left.
    newest: Option<(u16, u32, Instant)>,
}

/// A packet that may be asked for again. It is protected anew, and gives the very same bytes.
struct Kept {
    packet: Outgoing,
    wide: Option<u16>,
    left: Instant,
    sent_again: Option<Instant>,
}

impl Kept {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.left) >= KEPT_FOR
    }
}

impl Egress {
    /// The way out through `wire` to a participant with this gate; `path` learns how it does.
    pub(super) fn new(now: Instant, wire: Box<dyn Wire>, gate: Arc<Gate>, path: PathMeter) -> Arc<Self> {
        Arc::new(Self { wire, gate, path, clock: SystemInstant::now(now), state: Mutex::default() })
    }

    /// From now on it can protect what leaves.
    pub(super) fn arm(&self, context: Context) {
        self.state().context = Some(context);
    }

    /// Adds a stream.
    pub(super) fn add(&self, ssrc: u32, kind: MediaKind) {
        let header = header(ssrc, None);
        let (source, kept) = (Weak::new(), VecDeque::new());
        let (packets, octets, arrived, again) = (0, 0, 0, 0);
        let (wide, reported, behind, newest) = (None, None, None, None);
        let trail = Trail::default();
        self.state().streams.push(Stream {
            ssrc,
            kind,
            header,
            wide,
            source,
            kept,
            packets,
            octets,
            arrived,
            reported,
            trail,
            behind,
            again,
            newest,
        });
    }

    /// Sets the number of the header extension in which a stream's packets get transport-wide numbers.
    pub(super) fn set_wide(&self, ssrc: u32, wide: Option<u8>) {
        // Only numbers of one byte: no browser uses others.
        let wide = wide.filter(|id| (1..=14).contains(id));
        if let Some(stream) = self.state().stream(ssrc)
            && stream.wide != wide
        {
            (stream.wide, stream.header) = (wide, header(ssrc, wide));
            // Sent again under the other number they would be other bytes under the same nonce.
            stream.kept.clear();
        }
    }

    /// What was sent of a stream cannot be asked for any more.
    pub(super) fn forget(&self, ssrc: u32) {
        if let Some(stream) = self.state().stream(ssrc) {
            stream.source = Weak::new();
            stream.kept.clear();
            stream.trail.forget();
            stream.behind = None;
        }
    }

    /// Sends packets of a stream in order, as many as possible in one system call; how many there were, or `None` while
    /// the keys are not known.
    pub(super) fn send(
        &self,
        now: Instant,
        ssrc: u32,
        source: &Arc<Source>,
        packets: impl Iterator<Item = Outgoing>,
    ) -> Option<u64> {
        let mut state = self.state();
        let State { context, streams, fates, tells, plain, run, .. } = &mut *state;
        let context = context.as_mut()?;
        let of = streams.iter().position(|stream| stream.ssrc == ssrc)?;
        let stream = &mut streams[of];
        if !std::ptr::eq(stream.source.as_ptr(), Arc::as_ptr(source)) {
            stream.source = Arc::downgrade(source);
            stream.kept.clear();
        }
        let is_traced = !stream.tells(*tells);
        let (mut count, mut segment) = (0, 0);
        for packet in packets {
            let wide = stream.wide.map(|_| fates.next);
            let Some(bytes) = stream.protect(context, plain, &packet, wide) else { continue };
            count += 1;
            if wide.is_some() {
                fates.left(now, of, plain.len());
            }
            if is_traced {
                stream.trail.note(now, packet.sequence, stream.packets);
            }
            stream.note(now, &packet);
            if !run.is_empty()
                && (bytes.len() > segment
                    || run.len() + bytes.len() > MOST_BYTES
                    || run.len() >= segment * (MOST_SEGMENTS - 1))
            {
                self.wire.send(run, segment);
                run.clear();
            }
            if run.is_empty() {
                segment = bytes.len();
            }
            run.extend_from_slice(&bytes);
            // Only the last one of a call may be shorter.
            if bytes.len() < segment {
                self.wire.send(run, segment);
                run.clear();
            }
            if stream.kept.len() == stream.keeps() {
                stream.kept.pop_front();
            }
            stream.kept.push_back(Kept { packet, wide, left: now, sent_again: None });
        }
        if !run.is_empty() {
            self.wire.send(run, segment);
            run.clear();
        }
        Some(count)
    }

    /// Sends once more what the browser misses, as far as it may still pass.
    pub(super) fn resend(&self, now: Instant, nack: &TransportLayerNack) {
        if !self.gate.receives() {
            return;
        }
        let mut state = self.state();
        let State { context, streams, plain, asked, .. } = &mut *state;
        let Some(context) = context else { return };
        let Some(stream) = streams.iter_mut().find(|stream| stream.ssrc == nack.media_ssrc) else { return };
        if !stream.source.upgrade().is_some_and(|source| source.may_pass()) {
            return;
        }
        let (_, count) = match asked {
            Some(counted) if now.saturating_duration_since(counted.0) < ASKING => counted,
            _ => asked.insert((now, 0)),
        };
        let left = ASKED.saturating_sub(*count);
        for sequence in nack.nacks.iter().flat_map(|pair| *pair).take(left) {
            *count += 1;
            let Some((packet, wide)) = stream.again(now, sequence) else { continue };
            if let Some(bytes) = stream.protect(context, plain, &packet, wide) {
                self.wire.send(&bytes, bytes.len());
            }
        }
    }

    /// Takes in what the browser says of the packets that left.
    pub(super) fn learn(&self, now: Instant, feedback: &TransportLayerCc) {
        // The engine's reader believes the lengths of the runs, however many packets they are said to be about.
        let told: usize = feedback.packet_chunks.iter().map(length).sum();
        if told > UNKNOWN {
            return;
        }
        // Taken apart before anybody has to wait for it.
        let said = convert_twcc(feedback);
        let known = {
            let mut state = self.state();
            let State { fates, streams, tells, did_report, .. } = &mut *state;
            *did_report = true;
            let known = fates.learn(said);
            for (of, _) in known.iter().filter(|(_, fate)| fate.arrived.is_some()) {
                if let Some(stream) = streams.get_mut(*of) {
                    stream.arrived = stream.arrived.wrapping_add(1);
                    tells[usize::from(stream.kind == MediaKind::Video)] = true;
                }
            }
            known
        };
        if !known.is_empty() {
            self.path.learn(now, known.into_iter().map(|(_, fate)| fate));
        }
    }

    /// Takes in what the browser reports of our streams now and then. Where it speaks of each packet that is old news: it
    /// counts from the report before, and so says for seconds that something came.
    pub(super) fn reported(&self, now: Instant, reports: &[ReceptionReport]) {
        let middle = u32::try_from((self.clock.ntp(now) >> 16) & u64::from(u32::MAX)).unwrap_or(0);
        let mut state = self.state();
        state.did_report = true;
        let tells = state.tells;
        for report in reports {
            let Some(stream) = state.stream(report.ssrc).filter(|stream| !stream.tells(tells)) else { continue };
            let newest = report.last_sequence_number;
            if stream.reported.replace(newest) != Some(newest) {
                stream.arrived = stream.arrived.wrapping_add(1);
            }
            let ago = round_trip(middle, report.last_sender_report, report.delay);
            let made = now.checked_sub(ago).unwrap_or(now);
            stream.behind = stream.trail.behind(u16::try_from(newest & 0xffff).unwrap_or(0), made);
        }
    }

    /// What left of a stream, and what of it is known to have arrived.
    pub(super) fn count(&self, ssrc: u32) -> Count {
        let mut state = self.state();
        let (did_report, tells) = (state.did_report, state.tells);
        let Some(stream) = state.stream(ssrc) else {
            return Count { left: 0, arrived: 0, speaks: Speaks::Never, behind: None };
        };
        let behind = stream.behind.filter(|_| !stream.tells(tells));
        let speaks = if stream.tells(tells) {
            Speaks::OfEach
        } else if did_report {
            Speaks::Seldom
        } else {
            Speaks::Never
        };
        Count { left: stream.packets, arrived: stream.arrived, speaks, behind }
    }

    /// What was sent of a stream so far, and which of its timestamps is now; `None` while nothing was. It is asked every
    /// second, also of a stream that rests: what is too old to be sent again goes then.
    pub(super) fn report(&self, now: Instant, ssrc: u32, clock_rate: u32) -> Option<SenderReport> {
        let mut state = self.state();
        let stream = state.stream(ssrc)?;
        stream.age(now);
        let (_, timestamp, at) = stream.newest?;
        Some(SenderReport {
            ssrc,
            ntp_time: self.clock.ntp(now),
            rtp_time: timestamp.wrapping_add(ticks(now.saturating_duration_since(at), clock_rate)),
            packet_count: stream.packets,
            octet_count: stream.octets,
            ..SenderReport::default()
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of how many packets a chunk tells.
fn length(chunk: &PacketStatusChunk) -> usize {
    match chunk {
        PacketStatusChunk::RunLengthChunk(run) => usize::from(run.run_length),
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.len(),
    }
}

impl State {
    fn stream(&mut self, ssrc: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.ssrc == ssrc)
    }
}

impl Stream {
    /// The bytes of a packet as they go over the network; `plain` is room to write in.
    fn protect(
        &mut self,
        context: &mut Context,
        plain: &mut Vec<u8>,
        packet: &Outgoing,
        wide: Option<u16>,
    ) -> Option<bytes::BytesMut> {
        plain.clear();
        let wide = self.wide.zip(wide);
        plain.push(if wide.is_some() { 0x90 } else { 0x80 });
        plain.push(u8::from(packet.marker) << 7 | packet.payload_type & 0x7f);
        plain.extend_from_slice(&packet.sequence.to_be_bytes());
        plain.extend_from_slice(&packet.timestamp.to_be_bytes());
        plain.extend_from_slice(&self.ssrc.to_be_bytes());
        if let Some((id, number)) = wide {
            let [high, low] = number.to_be_bytes();
            plain.extend_from_slice(&EXTENSION_PROFILE_ONE_BYTE.to_be_bytes());
            plain.extend_from_slice(&[0, 1, id << 4 | 1, high, low, 0]);
        }
        plain.extend_from_slice(&packet.payload);
        self.header.sequence_number = packet.sequence;
        context.encrypt_rtp_with_header(plain, &self.header).ok()
    }

    /// Whether the browser, which speaks so of sound and of pictures, speaks of each of its packets.
    fn tells(&self, tells: [bool; 2]) -> bool {
        self.wide.is_some() && tells[usize::from(self.kind == MediaKind::Video)]
    }

    const fn keeps(&self) -> usize {
        match self.kind {
            MediaKind::Audio => KEPT_OF_SOUND,
            MediaKind::Video => KEPT,
        }
    }

    /// A packet that may be sent once more now.
    fn again(&mut self, now: Instant, sequence: u16) -> Option<(Outgoing, Option<u16>)> {
        // The last one that left may have been a late one.
        let last = self.kept.back()?.packet.sequence;
        if last.wrapping_sub(sequence).cast_signed().unsigned_abs() > OLDEST {
            return None;
        }
        let kept = self.kept.iter_mut().rev().find(|kept| kept.packet.sequence == sequence)?;
        if kept.is_old(now) {
            return None;
        }
        if kept.sent_again.is_some_and(|at| now.saturating_duration_since(at) < AGAIN) {
            return None;
        }
        if self.kind == MediaKind::Audio {
            let (part, of) = LOST_SOUND;
            if self.again * of >= LOOKED_AT * part {
                return None;
            }
            self.again += 1;
        }
        kept.sent_again = Some(now);
        Some((kept.packet.clone(), kept.wide))
    }

    /// Lets go of what is too old, and of the room for it.
    fn age(&mut self, now: Instant) {
        let old = self.kept.iter().take_while(|kept| kept.is_old(now)).count();
        self.kept.drain(..old);
        if self.kept.is_empty() {
            self.kept.shrink_to_fit();
        }
    }

    fn note(&mut self, now: Instant, packet: &Outgoing) {
        self.packets = self.packets.wrapping_add(1);
        if self.packets.is_multiple_of(LOOKED_AT) {
            self.again = 0;
        }
        self.octets = self.octets.wrapping_add(u32::try_from(packet.payload.len()).unwrap_or(0));
        let is_newer = self.newest.is_none_or(|(sequence, timestamp, _)| {
            packet.sequence.wrapping_sub(sequence) < 0x8000 && packet.timestamp != timestamp
        });
        if is_newer {
            self.newest = Some((packet.sequence, packet.timestamp, now));
        }
    }
}

/// A header of the length that every packet of a stream has.
fn header(ssrc: u32, wide: Option<u8>) -> Header {
    let extensions: Vec<_> =
        wide.map(|id| Extension { id, payload: Bytes::from_static(&[0; 2]) }).into_iter().collect();
    let extension_profile = if wide.is_some() { EXTENSION_PROFILE_ONE_BYTE } else { 0 };
    Header { version: 2, ssrc, extension: wide.is_some(), extension_profile, extensions, ..Header::default() }
}

fn ticks(span: Duration, clock_rate: u32) -> u32 {
    let ticks = span.as_micros() * u128::from(clock_rate) / 1_000_000;
    u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or(0)
}

/// Packets that left under transport-wide numbers, and what became of them.
#[derive(Debug, Default)]
struct Fates {
    /// The number of the next packet.
    next: u16,
    /// In the order of their numbers, up to the newest; of which stream each is.
    left: VecDeque<(usize, Fate)>,
}

impl Fates {
    /// The packet with the next number leaves.
    fn left(&mut self, now: Instant, of: usize, bytes: usize) {
        self.next = self.next.wrapping_add(1);
        if self.left.len() == UNKNOWN {
            self.left.pop_front();
        }
        self.left.push_back((of, Fate { left: now, arrived: None, bytes }));
    }

    /// The fates that are known now: of everything up to the newest packet that arrived. What is missing before it is
    /// lost.
    fn learn(&mut self, acknowledged: Vec<Acknowledgement>) -> Vec<(usize, Fate)> {
        let first = self.next.wrapping_sub(u16::try_from(self.left.len()).unwrap_or(0));
        let mut newest = None;
        for said in acknowledged {
            let at = usize::from(said.sequence_number.wrapping_sub(first));
            if let (true, Some((_, fate))) = (said.arrived, self.left.get_mut(at)) {
                fate.arrived = said.arrival;
                newest = newest.max(Some(at));
            }
        }
        newest.map(|newest| self.left.drain(..=newest).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
