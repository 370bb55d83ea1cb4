//! One receiving section of one participant: a stream of ours with an SSRC that never changes.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use rtc::media_stream::MediaStreamTrack;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind};

use super::arriving::Count;
use super::counters::Counters;
use super::egress::Egress;
use super::gate::Gate;
use super::instant;
use super::keyframe::starts_keyframe;
use super::layer::LAYERS;
use super::payload_types::PayloadTypes;
use super::rewrite::Rewriter;
use super::settings;
use super::source::{Origin, Source, bit};
use super::stream::Outgoing;
use super::vp8::{Continuity, Descriptor};
use crate::domain::codec::{Codec, clock_rate};
use crate::domain::room::relay::MediaKind;

/// Stands for no layer.
const NONE: u8 = u8::MAX;

/// A leg. Publishers hand their packets to it, and it sends them at once: nothing waits here, so a subscriber whose path is
/// slow delays nobody.
pub(super) struct Leg {
    pub(super) ssrc: u32,
    pub(super) kind: MediaKind,
    shared: Shared,
    writer: Mutex<Writer>,
    /// The way out of its connection.
    egress: Arc<Egress>,
}

struct Shared {
    /// The number of the source that may pass; 0 for none.
    carries: AtomicU64,
    /// The layer that it should carry; [`NONE`] for no picture.
    target: AtomicU8,
    /// The layer that it carries; [`NONE`] before the first keyframe.
    current: AtomicU8,
    /// There is a picture, and no room for it on the way.
    dark: AtomicBool,
    source: RwLock<Option<Arc<Source>>>,
    payload_types: RwLock<PayloadTypes>,
    /// The connection is up.
    open: Arc<AtomicBool>,
    /// The receiving participant's.
    gate: Arc<Gate>,
    /// The queue was full: what follows does not continue what was sent.
    torn: AtomicBool,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for Leg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leg").field("ssrc", &self.ssrc).field("carries", &self.shared.carries).finish_non_exhaustive()
    }
}

impl Leg {
    /// A leg, and its track for the engine, through which no media goes.
    pub(super) fn new(
        ssrc: u32,
        kind: MediaKind,
        open: Arc<AtomicBool>,
        gate: Arc<Gate>,
        egress: Arc<Egress>,
        counters: Arc<Counters>,
    ) -> (Arc<Self>, MediaStreamTrack) {
        let (codec, engine_kind) = match kind {
            MediaKind::Audio => (Codec::Opus, RtpCodecKind::Audio),
            MediaKind::Video => (Codec::Vp8, RtpCodecKind::Video),
        };
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
            codec: settings::description(codec),
            ..Default::default()
        };
        let name = format!("slot-{ssrc}");
        let track = MediaStreamTrack::new(name.clone(), name.clone(), name, engine_kind, vec![coding]);
        let shared = Shared {
            carries: AtomicU64::new(0),
            target: AtomicU8::new(top()),
            current: AtomicU8::new(NONE),
            dark: AtomicBool::new(false),
            source: RwLock::default(),
            payload_types: RwLock::default(),
            open,
            gate,
            torn: AtomicBool::new(false),
            counters,
        };
        egress.add(ssrc, kind);
        let writer = Mutex::default();
        (Arc::new(Self { ssrc, kind, shared, writer, egress }), track)
    }

    /// Sets what was negotiated for its section: the codecs' numbers, and the header extension of transport-wide numbers.
    pub(super) fn settle(&self, types: PayloadTypes, wide: Option<u8>) {
        self.egress.set_wide(self.ssrc, wide);
        *self.shared.payload_types.write().unwrap_or_else(PoisonError::into_inner) = types;
    }

    /// Whether its section can show this codec.
    pub(super) fn takes(&self, codec: Codec) -> bool {
        self.shared.payload_types.read().unwrap_or_else(PoisonError::into_inner).number(codec).is_some()
    }

    /// What it carries now.
    pub(super) fn source(&self) -> Option<Arc<Source>> {
        self.shared.source.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Points it at another source, or at none; what was kept of the former will not be sent again.
    pub(super) fn carry(self: &Arc<Self>, source: Option<&Arc<Source>>) {
        let former = {
            let mut current = self.shared.source.write().unwrap_or_else(PoisonError::into_inner);
            self.shared.carries.store(source.map_or(0, |source| source.number), Ordering::Release);
            self.shared.current.store(NONE, Ordering::Release);
            std::mem::replace(&mut *current, source.cloned())
        };
        if let Some(former) = former {
            former.unsubscribe(self);
            self.egress.forget(self.ssrc);
        }
        self.shared.dark.store(false, Ordering::Release);
        if let Some(source) = source {
            source.subscribe(self);
            // A keyframe that comes before the connection is lost, and the next one must wait: the seat asks then.
            if self.shared.open.load(Ordering::Acquire) {
                source.request_keyframe();
            }
        }
    }

    /// Chooses the layer that it should carry; `None` is no picture. The change comes with that layer's next keyframe.
    pub(super) fn aim(&self, layer: Option<usize>) {
        let target = layer.and_then(|layer| u8::try_from(layer).ok()).unwrap_or(NONE);
        if self.shared.target.swap(target, Ordering::AcqRel) == target {
            return;
        }
        if target == NONE {
            self.shared.current.store(NONE, Ordering::Release);
        }
        let Some(source) = self.source() else { return };
        source.rewatch();
        if let Some(layer) = layer {
            source.request_keyframe_of(layer);
        }
    }

    /// Notes whether its picture waits for a better network; whether that changed.
    pub(super) fn set_dark(&self, dark: bool) -> bool {
        self.shared.dark.swap(dark, Ordering::AcqRel) != dark
    }

    /// Whether its picture waits for a better network.
    pub(super) fn is_dark(&self) -> bool {
        self.shared.dark.load(Ordering::Acquire)
    }

    /// What left of it, and what of that is known to have arrived.
    pub(super) fn count(&self) -> Count {
        self.egress.count(self.ssrc)
    }

    /// The layers that it carries or waits for, a bit for each.
    pub(super) fn wants(&self) -> u8 {
        let layer = |layer: &AtomicU8| match layer.load(Ordering::Acquire) {
            NONE => 0,
            layer => bit(usize::from(layer)),
        };
        layer(&self.shared.target) | layer(&self.shared.current)
    }

    /// Sends those of a source's packets that may pass and belong here.
    pub(super) fn send(&self, now: Instant, source: &Arc<Source>, packets: &[(Origin, Packet)]) {
        if self.shared.carries.load(Ordering::Acquire) != source.number || !self.shared.gate.receives() {
            return;
        }
        if !self.shared.open.load(Ordering::Acquire) {
            return self.miss(packets);
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = packets.iter().filter_map(|(from, packet)| self.rewrite(&mut writer, now, source, *from, packet));
        match self.egress.send(now, self.ssrc, source, mine) {
            Some(count) => self.shared.counters.forwarded.increment(count),
            None => self.miss(packets),
        }
    }

    fn miss(&self, packets: &[(Origin, Packet)]) {
        let missed = packets.iter().filter(|(from, _)| self.shared.listens(from.layer)).count();
        if missed > 0 {
            self.shared.counters.dropped_not_connected.increment(u64::try_from(missed).unwrap_or(0));
            self.shared.torn.store(true, Ordering::Release);
        }
    }

    /// What was sent so far, and which moment its timestamps mean.
    pub(super) fn report(&self, now: Instant) -> Option<SenderReport> {
        self.egress.report(now, self.ssrc, clock_rate(self.kind))
    }
}

/// The highest layer there can be.
fn top() -> u8 {
    u8::try_from(LAYERS - 1).unwrap_or(0)
}

impl Shared {
    /// Whether a packet of this layer is worth queueing: it is what is carried, or what may be changed to.
    fn listens(&self, layer: usize) -> bool {
        let (target, current) = (self.target.load(Ordering::Acquire), self.current.load(Ordering::Acquire));
        let layer = u8::try_from(layer).unwrap_or(NONE);
        target != NONE && (layer == current || may_change(layer, current, target))
    }
}

/// From nothing to anything that is not too much; then towards the target, and not past it.
fn may_change(layer: u8, current: u8, target: u8) -> bool {
    layer <= target && (current == NONE || current > target || layer > current)
}

/// What a stream of ours remembers of the packets before.
#[derive(Default)]
struct Writer {
    stream: Option<(u64, Codec)>,
    rewriter: Rewriter,
    pictures: Continuity,
}

impl Leg {
    /// What becomes of one packet, before it is protected.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn would_send(
        &self,
        now: Instant,
        source: &Arc<Source>,
        from: Origin,
        packet: &Packet,
    ) -> Option<Outgoing> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.rewrite(&mut writer, now, source, from, packet)
    }

    /// Makes a packet part of this leg's stream, or drops it.
    fn rewrite(
        &self,
        writer: &mut Writer,
        now: Instant,
        source: &Arc<Source>,
        from: Origin,
        packet: &Packet,
    ) -> Option<Outgoing> {
        let counters = &self.shared.counters;
        let passes = source.may_pass() && self.shared.gate.receives() && self.shared.listens(from.layer);
        if self.shared.carries.load(Ordering::Acquire) != source.number || !passes {
            return None;
        }
        let number = self.shared.payload_types.read().unwrap_or_else(PoisonError::into_inner).number(from.codec);
        let Some(number) = number else {
            counters.dropped_codec.increment(1);
            return None;
        };
        // A torn picture is worse than a short freeze: begin anew with a whole one. Sound mends itself.
        if self.shared.torn.swap(false, Ordering::AcqRel) && self.kind == MediaKind::Video {
            self.shared.current.store(NONE, Ordering::Release);
        }
        let header = &packet.header;
        let picture = (from.codec == Codec::Vp8).then(|| Descriptor::read(&packet.payload)).flatten();
        // Whoever was held apart, or had another source meanwhile, begins anew though the stream is the same.
        let begins =
            self.shared.current.load(Ordering::Acquire) == NONE || writer.rewriter.breaks(header.sequence_number);
        // A camera that changes its codec keeps its numbers, and begins with a whole picture.
        let stream = Some((from.stream, from.codec));
        if writer.stream != stream || begins {
            if !starts_keyframe(from.codec, &packet.payload) {
                counters.dropped_before_keyframe.increment(1);
                if self.is_best(source, from.layer) {
                    source.request_keyframe_of(from.layer);
                }
                return None;
            }
            writer.stream = stream;
            writer.rewriter.begin(now, clock_rate(self.kind), header.sequence_number, header.timestamp);
            if let Some(first) = &picture {
                writer.pictures.begin(first);
            }
            self.shared.current.store(u8::try_from(from.layer).unwrap_or(NONE), Ordering::Release);
            source.rewatch();
        }
        let Some((sequence, timestamp)) = writer.rewriter.rewrite(now, header.sequence_number, header.timestamp) else {
            counters.dropped_late.increment(1);
            return None;
        };
        let mut payload = packet.payload.clone();
        if let Some(picture) = picture {
            payload = writer.pictures.rewrite(&picture, payload);
        }
        // A probe for bandwidth is padding alone: it goes on as an empty packet, for a missing number would be asked for.
        // Header extensions stay behind, since their numbers are the publisher's own.
        Some(Outgoing { marker: header.marker, payload_type: number, sequence, timestamp, payload })
    }

    /// Whether this is the layer to wait for: the highest up to the target of which anything comes.
    fn is_best(&self, source: &Source, layer: usize) -> bool {
        let target = usize::from(self.shared.target.load(Ordering::Acquire));
        let now = instant::now();
        let flows = |layer: &usize| source.layers.get(*layer).is_some_and(|layer| layer.flows(now));
        (0..=target.min(LAYERS - 1)).rev().find(flows).is_none_or(|best| best == layer)
    }
}
