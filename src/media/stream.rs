//! One leg's stream on its way out: what its packets look like on the wire, and how far it has come.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp::Header;
use rtc::rtp::header::{EXTENSION_PROFILE_ONE_BYTE, Extension};
use rtc::srtp::context::Context;

use super::arriving::Count;
use super::kept::Kept;
use super::trail::{Behind, Trail};
use crate::domain::room::missing::Speaks;
use crate::domain::room::relay::MediaKind;

/// A packet under the numbers of its leg.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) marker: bool,
    pub(super) payload_type: u8,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) payload: Bytes,
}

/// The stream of one leg.
pub(super) struct Stream {
    pub(super) ssrc: u32,
    pub(super) kind: MediaKind,
    /// As long as the header of each packet; the cipher reads its length and the numbers.
    header: Header,
    /// The number of the header extension of transport-wide numbers, if the section has it.
    wide: Option<u8>,
    pub(super) kept: Kept,
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
    /// The timestamp of the newest frame, and when its first packet left.
    newest: Option<(u16, u32, Instant)>,
}

impl Stream {
    /// A stream of which nothing has left.
    pub(super) fn new(ssrc: u32, kind: MediaKind) -> Self {
        let (header, kept) = (header(ssrc, None), Kept::new(kind));
        let (packets, octets, arrived) = (0, 0, 0);
        let (wide, reported, behind, newest) = (None, None, None, None);
        let trail = Trail::default();
        Self { ssrc, kind, header, wide, kept, packets, octets, arrived, reported, trail, behind, newest }
    }

    /// Sets the number of the header extension in which its packets get transport-wide numbers.
    pub(super) fn set_wide(&mut self, wide: Option<u8>) {
        // Only numbers of one byte: no browser uses others.
        let wide = wide.filter(|id| (1..=14).contains(id));
        if self.wide != wide {
            (self.wide, self.header) = (wide, header(self.ssrc, wide));
            // Sent again under the other number they would be other bytes under the same nonce.
            self.kept.clear();
        }
    }

    /// Whether its packets get transport-wide numbers.
    pub(super) const fn is_wide(&self) -> bool {
        self.wide.is_some()
    }

    /// Whether the browser, which speaks so of sound and of pictures, speaks of each of its packets.
    pub(super) fn tells(&self, tells: [bool; 2]) -> bool {
        self.is_wide() && tells[usize::from(self.kind == MediaKind::Video)]
    }

    /// What was sent cannot be asked for any more, and nobody waits for it.
    pub(super) fn forget(&mut self) {
        self.kept.forget();
        self.trail.forget();
        self.behind = None;
    }

    /// Notes when a packet leaves, before it is counted.
    pub(super) fn trace(&mut self, now: Instant, sequence: u16) {
        self.trail.note(now, sequence, self.packets);
    }

    /// The bytes of a packet as they go over the network; `plain` is room to write in.
    pub(super) fn protect(
        &mut self,
        context: &mut Context,
        plain: &mut Vec<u8>,
        packet: &Outgoing,
        wide: Option<u16>,
    ) -> Option<BytesMut> {
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

    /// Counts a packet that leaves, and keeps it for whoever misses it.
    pub(super) fn left(&mut self, now: Instant, packet: Outgoing, wide: Option<u16>) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(u32::try_from(packet.payload.len()).unwrap_or(0));
        let is_newer = self.newest.is_none_or(|(sequence, timestamp, _)| {
            packet.sequence.wrapping_sub(sequence) < 0x8000 && packet.timestamp != timestamp
        });
        if is_newer {
            self.newest = Some((packet.sequence, packet.timestamp, now));
        }
        self.kept.keep(now, packet, wide);
    }

    /// The browser said that a packet came.
    pub(super) fn arrived(&mut self) {
        self.arrived = self.arrived.wrapping_add(1);
    }

    /// The browser reported at `made` its newest packet: when it is another one, something came.
    pub(super) fn reported(&mut self, newest: u32, made: Instant) {
        if self.reported.replace(newest) != Some(newest) {
            self.arrived();
        }
        self.behind = self.trail.behind(u16::try_from(newest & 0xffff).unwrap_or(0), made);
    }

    /// What left, and what of it is known to have arrived.
    pub(super) fn count(&self, speaks: Speaks) -> Count {
        let behind = self.behind.filter(|_| speaks != Speaks::OfEach);
        Count { left: self.packets, arrived: self.arrived, speaks, behind }
    }

    /// What was sent so far, and which of its timestamps is now; `None` while nothing was.
    pub(super) fn report(&self, now: Instant, ntp_time: u64, clock_rate: u32) -> Option<SenderReport> {
        let (_, timestamp, at) = self.newest?;
        Some(SenderReport {
            ssrc: self.ssrc,
            ntp_time,
            rtp_time: timestamp.wrapping_add(ticks(now.saturating_duration_since(at), clock_rate)),
            packet_count: self.packets,
            octet_count: self.octets,
            ..SenderReport::default()
        })
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
