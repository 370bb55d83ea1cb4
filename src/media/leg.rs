//! One receiving section of one participant: a track of ours with an SSRC that never changes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
use super::instant;
use super::keyframe::starts_keyframe;
use super::rewrite::Rewriter;
use super::source::Source;
use crate::domain::room::relay::MediaKind;

/// Packets that wait for a subscriber's connection: a third of a second of a good camera. Whoever is slower than that
/// loses packets, and nobody else does.
const QUEUE: usize = 512;

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
    source: RwLock<Option<Arc<Source>>>,
    payload_types: RwLock<PayloadTypes>,
    /// The connection is up.
    open: Arc<AtomicBool>,
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
    stream: u64,
    codec: Codec,
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
            source: RwLock::default(),
            payload_types: RwLock::default(),
            open,
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
            std::mem::replace(&mut *current, source.cloned())
        };
        if let Some(former) = former {
            former.unsubscribe(self);
        }
        if let Some(source) = source {
            source.subscribe(self);
            // A keyframe that comes before the connection is lost, and the next one must wait: the seat asks then.
            if self.shared.open.load(Ordering::Acquire) {
                source.request_keyframe();
            }
        }
    }

    /// Takes a packet if it may pass and there is room.
    pub(super) fn offer(&self, source: &Arc<Source>, stream: u64, codec: Codec, packet: &Packet) {
        if self.shared.carries.load(Ordering::Acquire) != source.number {
            return;
        }
        if !self.shared.open.load(Ordering::Acquire) {
            self.shared.counters.dropped_not_connected.increment(1);
            self.shared.torn.store(true, Ordering::Release);
            return;
        }
        let queued = Queued { source: Arc::clone(source), stream, codec, packet: packet.clone() };
        if self.queue.try_send(queued).is_err() {
            self.shared.counters.dropped_full.increment(1);
            self.shared.torn.store(true, Ordering::Release);
        }
    }
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

    /// Makes a packet part of this leg's stream, or drops it.
    fn rewrite(&mut self, now: Instant, queued: Queued) -> Option<Packet> {
        let Queued { source, stream, codec, mut packet } = queued;
        let counters = &self.shared.counters;
        if self.shared.carries.load(Ordering::Acquire) != source.number {
            return None;
        }
        let number = self.shared.payload_types.read().unwrap_or_else(PoisonError::into_inner).number(codec);
        let Some(number) = number else {
            counters.dropped_codec.increment(1);
            return None;
        };
        // A torn picture is worse than a short freeze: begin anew with a whole one. Sound mends itself.
        let torn = self.shared.torn.swap(false, Ordering::AcqRel) && self.kind == MediaKind::Video;
        if self.stream != Some(stream) || torn {
            self.stream = Some(stream);
            self.rewriter.end();
        }
        let header = &mut packet.header;
        if !self.rewriter.has_begun() {
            if !starts_keyframe(codec, &packet.payload) {
                counters.dropped_before_keyframe.increment(1);
                source.request_keyframe();
                return None;
            }
            self.rewriter.begin(now, clock_rate(self.kind), header.sequence_number, header.timestamp);
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
        Some(packet)
    }
}
