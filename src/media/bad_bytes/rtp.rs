//! Packets of media and of reports about it, behind what decrypted them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use rtc::rtp::{Header, Packet};
use rtc::shared::marshal::Unmarshal as _;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;

use super::Script;
use crate::domain::codec::Codec;
use crate::domain::ids::ParticipantId;
use crate::domain::recording::{Piece, RecordedCodec, RecordedPacket, RecordedReport, Tape, webm};
use crate::domain::room::relay::{MediaKind, Permit, SourceName};
use crate::media::bandwidth::PathMeter;
use crate::media::counters::Counters;
use crate::media::egress::{Egress, Nowhere};
use crate::media::gate::Gate;
use crate::media::leg::Leg;
use crate::media::payload_types::PayloadTypes;
use crate::media::reports::ReportReader;
use crate::media::source::{Origin, Source, Whose};
use crate::media::stream::Outgoing;
use crate::media::{instant, keyframe, rewrite, vp8};

/// What a subscriber calls the codecs.
const NUMBERS: [(u8, Codec); 3] = [(111, Codec::Opus), (96, Codec::Vp8), (102, Codec::H264)];
const SSRC: u32 = 77;

/// Whatever two publishers send, a subscriber gets it as one stream of its own: whole packets, none so far ahead of those before
/// or behind them that their numbers could mean another round. Reports are read, and a recording keeps what it can.
///
/// # Panics
///
/// When that is broken.
pub fn rtp(bytes: &[u8]) {
    let _ = Packet::unmarshal(&mut Bytes::copy_from_slice(bytes));
    let start = instant::now();
    let (wishes, mut wished) = mpsc::channel(16);
    let (reports, mut reported) = mpsc::channel(16);
    let (mut script, mut now) = (Script(bytes), start);
    let kind = match script.byte() {
        Some(first) if first % 4 == 0 => MediaKind::Audio,
        _ => MediaKind::Video,
    };
    let (gate, open) = (Arc::new(Gate::new(Permit::ALL)), Arc::new(AtomicBool::new(true)));
    let egress = Egress::new(start, Box::new(Nowhere), Arc::clone(&gate), PathMeter::default());
    let reader = ReportReader::new(wishes, reports, Arc::clone(&egress));
    let name = SourceName::of(kind, 0).expect("the first of its kind");
    let sources = [1, 2].map(|number| {
        let owner = ParticipantId::from_uuid(Uuid::from_u128(number.into()));
        let whose = Whose { number, owner, kind, name };
        let source = Source::new(start, whose, Arc::new(Gate::new(Permit::ALL)), Arc::new(Notify::new()));
        source.set_offered(3);
        source
    });
    let (leg, _track) = Leg::new(SSRC, kind, open, gate, egress, Arc::new(Counters::new()));
    let mut types = PayloadTypes::default();
    for (number, codec) in NUMBERS {
        types.insert(number, codec);
    }
    leg.settle(types, Some(3));
    leg.carry(Some(&sources[0]));
    let (mut tape, mut newest) = (Tape::default(), None);
    while let Some(what) = script.byte() {
        let at = now.duration_since(start);
        match what % 8 {
            0 => leg.carry(Some(&sources[usize::from(what >> 3 & 1)])),
            1 => leg.aim(Some(usize::from(what >> 3 & 3))),
            2 => now += Duration::from_millis(u64::from(script.number().unwrap_or(0))),
            3 => {
                let packets =
                    rtc::rtcp::packet::unmarshal(&mut Bytes::copy_from_slice(script.piece().unwrap_or_default()));
                reader.read(now, &packets.unwrap_or_default());
                while let Ok(report) = reported.try_recv() {
                    let codec = RecordedCodec::of_kind(kind);
                    let (ssrc, timestamp, ntp) = (report.ssrc % 4, report.timestamp, report.ntp);
                    tape.report(at, RecordedReport { codec, ssrc, timestamp, ntp });
                }
                while wished.try_recv().is_ok() {}
            }
            _ => {
                let (Some(sequence_number), Some(high), Some(low)) =
                    (script.number(), script.number(), script.number())
                else {
                    break;
                };
                let payload = Bytes::copy_from_slice(script.piece().unwrap_or_default());
                let (source, layer) = (&sources[usize::from(what >> 3 & 1)], usize::from(what >> 4 & 3));
                let codec = match (kind, what >> 6 & 1) {
                    (MediaKind::Audio, _) => Codec::Opus,
                    (MediaKind::Video, 0) => Codec::Vp8,
                    (MediaKind::Video, _) => Codec::H264,
                };
                let timestamp = u32::from(high) << 16 | u32::from(low);
                let marker = what & 1 == 1;
                let header = Header { version: 2, marker, sequence_number, timestamp, ..Header::default() };
                let packet = Packet { header, payload };
                let stream = source.number << 32 | u64::try_from(layer).unwrap();
                source.layers[layer.min(2)].hear(now, 1, packet.payload.len());
                let passed = leg.would_send(now, source, Origin { stream, layer, codec }, &packet);
                hear(&packet.payload, codec);
                if let Some(codec) = RecordedCodec::of(codec) {
                    let sequence = sequence_number;
                    let payload = &packet.payload;
                    tape.push(at, RecordedPacket { stream, codec, sequence, timestamp, marker, payload });
                }
                if let Some(passed) = passed {
                    leaves(&passed, codec, packet.payload.len(), &mut newest);
                }
            }
        }
        tape.cut(at).iter().for_each(keep);
    }
    tape.finish().iter().for_each(keep);
}

/// What is read of every packet.
fn hear(payload: &Bytes, codec: Codec) {
    let _ = keyframe::starts_keyframe(codec, payload);
    if let Some(read) = vp8::Descriptor::read(payload) {
        assert!(read.size(payload).is_none() || read.starts_keyframe(payload));
    }
}

/// What a subscriber may get.
fn leaves(packet: &Outgoing, codec: Codec, length: usize, newest: &mut Option<u16>) {
    let ahead = packet.sequence.wrapping_sub(newest.unwrap_or(packet.sequence));
    if ahead < 0x8000 {
        assert!(ahead < rewrite::AHEAD, "{ahead} ahead of the one before");
        *newest = Some(packet.sequence);
    } else {
        assert!(ahead.wrapping_neg() <= rewrite::BEHIND, "{} behind", ahead.wrapping_neg());
    }
    let number = NUMBERS.iter().find(|(_, known)| *known == codec).map(|(number, _)| *number);
    assert_eq!(Some(packet.payload_type), number);
    assert_eq!(packet.payload.len(), length, "numbers are rewritten in their place");
}

/// What a recording may hold: blocks in the order of their times.
fn keep(piece: &Piece) {
    if let Piece::Cluster { bytes, .. } = piece {
        let blocks = webm::blocks(bytes);
        assert!(!blocks.is_empty(), "a cluster without a block");
        assert!(blocks.is_sorted_by_key(|block| block.at), "times that go back");
    }
}
