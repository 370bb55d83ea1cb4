//! One receiving section of one participant: a track of ours with an SSRC that never changes.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use rtc::media_stream::MediaStreamTrack;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;

use super::codec::{Codec, PayloadTypes, clock_rate};
use super::counters::Counters;
use super::engine;
use super::gate::Gate;
use super::instant;
use super::keyframe::starts_keyframe;
use super::layer::LAYERS;
use super::rewrite::Rewriter;
use super::source::{Origin, Source, bit};
use super::vp8::{Continuity, Descriptor};
use crate::domain::room::relay::MediaKind;

/// Packets that wait for a subscriber's connection: a third of a second of a good camera. Whoever is slower than that
/// loses packets, and nobody else does.
const QUEUE: usize = 512;
/// Stands for no layer.
const NONE: u8 = u8::MAX;

/// The part of a leg that publishers touch: a gate and a queue.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) ssrc: u32,
    pub(super) kind: MediaKind,
    queue: mpsc::Sender<Queued>,
    shared: Arc<Shared>,
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

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("carries", &self.carries).finish_non_exhaustive()
    }
}

struct Queued {
    source: Arc<Source>,
    from: Origin,
    packet: Packet,
}

impl std::fmt::Debug for Queued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queued").field("source", &self.source.number).finish_non_exhaustive()
    }
}

impl Leg {
    /// A leg, its track for the engine, and the work that moves packets from one to the other.
    pub(super) fn new(
        ssrc: u32,
        kind: MediaKind,
        open: Arc<AtomicBool>,
        gate: Arc<Gate>,
        counters: Arc<Counters>,
    ) -> (Arc<Self>, Arc<TrackLocalStaticRTP>, LegWork) {
        let (codec, engine_kind) = match kind {
            MediaKind::Audio => (Codec::Opus, RtpCodecKind::Audio),
            MediaKind::Video => (Codec::Vp8, RtpCodecKind::Video),
        };
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
            codec: engine::description(codec),
            ..Default::default()
        };
        let name = format!("slot-{ssrc}");
        let track = MediaStreamTrack::new(name.clone(), name.clone(), name, engine_kind, vec![coding]);
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let shared = Arc::new(Shared {
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
        });
        let (queue, packets) = mpsc::channel(QUEUE);
        let work = LegWork {
            kind,
            ssrc,
            packets,
            shared: Arc::clone(&shared),
            track: Arc::clone(&track),
            stream: None,
            rewriter: Rewriter::default(),
            pictures: Continuity::default(),
        };
        (Arc::new(Self { ssrc, kind, queue, shared }), track, work)
    }

    /// Sets what was negotiated for its section.
    pub(super) fn set_payload_types(&self, types: PayloadTypes) {
        *self.shared.payload_types.write().unwrap_or_else(PoisonError::into_inner) = types;
    }

    /// What it carries now.
    pub(super) fn source(&self) -> Option<Arc<Source>> {
        self.shared.source.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Points it at another source, or at none; packets of the former that still wait will not pass.
    pub(super) fn carry(self: &Arc<Self>, source: Option<&Arc<Source>>) {
        let former = {
            let mut current = self.shared.source.write().unwrap_or_else(PoisonError::into_inner);
            self.shared.carries.store(source.map_or(0, |source| source.number), Ordering::Release);
            self.shared.current.store(NONE, Ordering::Release);
            std::mem::replace(&mut *current, source.cloned())
        };
        if let Some(former) = former {
            former.unsubscribe(self);
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

    /// The layers that it carries or waits for, a bit for each.
    pub(super) fn wants(&self) -> u8 {
        let layer = |layer: &AtomicU8| match layer.load(Ordering::Acquire) {
            NONE => 0,
            layer => bit(usize::from(layer)),
        };
        layer(&self.shared.target) | layer(&self.shared.current)
    }

    /// Takes a packet if it may pass and there is room.
    pub(super) fn offer(&self, source: &Arc<Source>, from: Origin, packet: &Packet) {
        let passes = self.shared.gate.receives() && self.shared.listens(from.layer);
        if self.shared.carries.load(Ordering::Acquire) != source.number || !passes {
            return;
        }
        if !self.shared.open.load(Ordering::Acquire) {
            self.shared.counters.dropped_not_connected.increment(1);
            self.shared.torn.store(true, Ordering::Release);
            return;
        }
        let queued = Queued { source: Arc::clone(source), from, packet: packet.clone() };
        if self.queue.try_send(queued).is_err() {
            self.shared.counters.dropped_full.increment(1);
            self.shared.torn.store(true, Ordering::Release);
        }
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

/// What the leg's own task does.
pub(super) struct LegWork {
    kind: MediaKind,
    ssrc: u32,
    packets: mpsc::Receiver<Queued>,
    shared: Arc<Shared>,
    track: Arc<TrackLocalStaticRTP>,
    stream: Option<u64>,
    rewriter: Rewriter,
    pictures: Continuity,
}

impl LegWork {
    /// Writes packets until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while let Some(queued) = stop.run_until_cancelled(self.packets.recv()).await.flatten() {
            let Some(packet) = self.rewrite(instant::now(), queued) else { continue };
            // The engine's own queue may be full; then this leg waits, and only this one.
            match stop.run_until_cancelled(self.track.write_rtp(packet)).await {
                Some(Ok(())) => self.shared.counters.forwarded.increment(1),
                Some(Err(_)) => self.shared.counters.dropped_not_connected.increment(1),
                None => return,
            }
        }
    }

    /// What becomes of the packet that waits longest.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn next(&mut self, now: Instant) -> Option<Packet> {
        let queued = self.packets.try_recv().ok()?;
        self.rewrite(now, queued)
    }

    /// Makes a packet part of this leg's stream, or drops it.
    fn rewrite(&mut self, now: Instant, queued: Queued) -> Option<Packet> {
        let Queued { source, from, mut packet } = queued;
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
        let header = &mut packet.header;
        let picture = (from.codec == Codec::Vp8).then(|| Descriptor::read(&packet.payload)).flatten();
        // Whoever was held apart, or had another source meanwhile, begins anew though the stream is the same.
        let begins = self.shared.current.load(Ordering::Acquire) == NONE;
        if self.stream != Some(from.stream) || begins {
            if !starts_keyframe(from.codec, &packet.payload) {
                counters.dropped_before_keyframe.increment(1);
                if self.is_best(&source, from.layer) {
                    source.request_keyframe_of(from.layer);
                }
                return None;
            }
            self.stream = Some(from.stream);
            self.rewriter.begin(now, clock_rate(self.kind), header.sequence_number, header.timestamp);
            if let Some(first) = &picture {
                self.pictures.begin(first);
            }
            self.shared.current.store(u8::try_from(from.layer).unwrap_or(NONE), Ordering::Release);
            source.rewatch();
        }
        let Some((sequence, timestamp)) = self.rewriter.rewrite(now, header.sequence_number, header.timestamp) else {
            counters.dropped_late.increment(1);
            return None;
        };
        header.sequence_number = sequence;
        header.timestamp = timestamp;
        header.ssrc = self.ssrc;
        header.payload_type = number;
        // A probe for bandwidth is padding alone. It goes on as an empty packet, for a missing number would be asked for.
        header.padding = false;
        // The numbers of header extensions are the publisher's own; a subscriber would misread them.
        header.extension = false;
        header.extensions.clear();
        header.extensions_padding = 0;
        if let Some(picture) = picture {
            packet.payload = self.pictures.rewrite(&picture, packet.payload);
        }
        Some(packet)
    }

    /// Whether this is the layer to wait for: the highest up to the target of which anything comes.
    fn is_best(&self, source: &Source, layer: usize) -> bool {
        let target = usize::from(self.shared.target.load(Ordering::Acquire));
        let now = instant::now();
        let flows = |layer: &usize| source.layers.get(*layer).is_some_and(|layer| layer.flows(now));
        (0..=target.min(LAYERS - 1)).rev().find(flows).is_none_or(|best| best == layer)
    }
}
