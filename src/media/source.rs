//! One participant's microphone or camera, and the feed that fills it.
//!
//! A source outlives connections: after a reload the new connection feeds the same source, so everybody who watches it
//! goes on watching the same section.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::core::Core;
use super::counters::Counters;
use super::gate::Gate;
use super::h264;
use super::instant;
use super::keyframe::starts_keyframe;
use super::layer::{LAYERS, Layer};
use super::leg::Leg;
use super::loudness::Loudness;
use super::pace::Pace;
use super::payload_types::PayloadTypes;
use super::reports::Report;
use super::tally::Tally;
use super::tape::TapeQueue;
use super::vp8;
use crate::domain::codec::Codec;
use crate::domain::ids::ParticipantId;
use crate::domain::room::relay::{MediaKind, SourceName};

/// A microphone or a camera.
#[derive(Debug)]
pub(super) struct Source {
    /// Names it for the life of the relay; never 0.
    pub(super) number: u64,
    pub(super) owner: ParticipantId,
    pub(super) kind: MediaKind,
    pub(super) name: SourceName,
    /// Its owner's.
    gate: Arc<Gate>,
    /// From small to large; of a microphone, and of a camera in one size, the first alone.
    pub(super) layers: [Layer; LAYERS],
    /// How many layers its browser offered.
    offered: AtomicU8,
    /// How loud it is now, of a microphone.
    pub(super) loudness: Loudness,
    legs: RwLock<Arc<Vec<Arc<Leg>>>>,
    /// Where its packets are recorded.
    tape: RwLock<Option<TapeQueue>>,
    ended: AtomicBool,
    /// Layers of which a keyframe is wanted, a bit for each.
    keyframes: AtomicU8,
    keyframe_wanted: Notify,
    /// When a keyframe was asked for, over whichever connection.
    pace: Mutex<Pace>,
    /// Wakes the publisher's seat: who watches which layer has changed.
    watched: Arc<Notify>,
}

/// Whose source it is, and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose {
    pub(super) number: u64,
    pub(super) owner: ParticipantId,
    pub(super) kind: MediaKind,
    pub(super) name: SourceName,
}

impl Source {
    /// A source; `gate` says what its owner may send, and `watched` is told when its viewers' wishes change.
    pub(super) fn new(now: Instant, whose: Whose, gate: Arc<Gate>, watched: Arc<Notify>) -> Arc<Self> {
        let Whose { number, owner, kind, name } = whose;
        Arc::new(Self {
            number,
            owner,
            kind,
            name,
            gate,
            layers: std::array::from_fn(|_| Layer::new(now)),
            offered: AtomicU8::new(1),
            loudness: Loudness::default(),
            legs: RwLock::default(),
            tape: RwLock::default(),
            ended: AtomicBool::new(false),
            keyframes: AtomicU8::new(0),
            keyframe_wanted: Notify::new(),
            pace: Mutex::default(),
            watched,
        })
    }

    /// The layers that its browser offered, from small to large.
    pub(super) fn offered(&self) -> &[Layer] {
        let count = usize::from(self.offered.load(Ordering::Relaxed)).clamp(1, LAYERS);
        &self.layers[..count]
    }

    /// A new connection offers `count` layers.
    pub(super) fn set_offered(&self, count: usize) {
        self.offered.store(u8::try_from(count.clamp(1, LAYERS)).unwrap_or(1), Ordering::Relaxed);
    }

    /// The layers that somebody watches or waits for, a bit for each. A recording wants the middle one at least: whoever
    /// sees it later should recognise what was shown, however small the tile was in the call.
    pub(super) fn wanted(&self) -> u8 {
        let is_taped = self.tape.read().unwrap_or_else(PoisonError::into_inner).is_some();
        let least = if is_taped { bit(self.offered().len() / 2) } else { 0 };
        self.legs.read().unwrap_or_else(PoisonError::into_inner).iter().fold(least, |all, leg| all | leg.wants())
    }

    /// What somebody watches has changed.
    pub(super) fn rewatch(&self) {
        self.watched.notify_one();
    }

    /// Adds somebody who watches.
    pub(super) fn subscribe(&self, leg: &Arc<Leg>) {
        let mut legs = self.legs.write().unwrap_or_else(PoisonError::into_inner);
        if !self.ended.load(Ordering::Acquire) {
            Arc::make_mut(&mut legs).push(Arc::clone(leg));
        }
        drop(legs);
        self.rewatch();
    }

    /// Removes somebody who watched.
    pub(super) fn unsubscribe(&self, leg: &Arc<Leg>) {
        let mut legs = self.legs.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut legs).retain(|other| !Arc::ptr_eq(other, leg));
        drop(legs);
        self.rewatch();
    }

    /// Records what comes from now on.
    pub(super) fn record(&self, tape: &TapeQueue) {
        let mut own = self.tape.write().unwrap_or_else(PoisonError::into_inner);
        if self.ended.load(Ordering::Acquire) {
            return;
        }
        *own = Some(tape.clone());
        drop(own);
        self.request_keyframe();
        self.rewatch();
    }

    /// Records nothing more, as the patient wishes: a packet that comes after this goes into no recording.
    pub(super) fn stop_record(&self) {
        let tape = self.tape.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tape) = tape {
            tape.withdraw();
        }
        self.rewatch();
    }

    /// When its packets were seen or heard, for the recording.
    pub(super) fn report(&self, report: Report) {
        if let Some(tape) = &*self.tape.read().unwrap_or_else(PoisonError::into_inner)
            && self.layers.iter().any(|layer| layer.ssrc() == report.ssrc)
        {
            tape.report(self.kind, report);
        }
    }

    /// From now on nothing comes out of it, whatever goes in.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        *self.tape.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.legs.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    /// Whether its owner may send it now.
    pub(super) fn may_pass(&self) -> bool {
        self.gate.sends(self.name)
    }

    /// Asks the publisher for a keyframe of every layer that somebody watches.
    pub(super) fn request_keyframe(&self) {
        let wanted = self.wanted();
        self.request_keyframes(if wanted == 0 { bit(0) } else { wanted });
    }

    /// Asks the publisher for a keyframe of one layer, as soon as its [`Pace`] allows.
    pub(super) fn request_keyframe_of(&self, layer: usize) {
        self.request_keyframes(bit(layer));
    }

    fn request_keyframes(&self, layers: u8) {
        if self.kind == MediaKind::Video {
            self.keyframes.fetch_or(layers, Ordering::AcqRel);
            self.keyframe_wanted.notify_one();
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands packets to everybody who watches, and to the recording.
    fn forward(self: &Arc<Self>, now: Instant, packets: &[(Origin, Packet)]) {
        if !self.may_pass() {
            if let Some(tape) = &*self.tape.read().unwrap_or_else(PoisonError::into_inner) {
                for (from, packet) in packets {
                    tape.withhold(*from, packet.header.sequence_number);
                }
            }
            return;
        }
        // A copy of the list: who comes or goes does not wait until two hundred others have their packet.
        let legs = Arc::clone(&self.legs.read().unwrap_or_else(PoisonError::into_inner));
        for leg in legs.iter() {
            leg.send(now, self, packets);
        }
        if let Some(tape) = &*self.tape.read().unwrap_or_else(PoisonError::into_inner) {
            for (from, packet) in packets {
                tape.offer(self, *from, packet);
            }
        }
    }
}

/// A layer as a bit of a set.
pub(super) const fn bit(layer: usize) -> u8 {
    if layer < LAYERS { 1 << layer } else { 0 }
}

/// Where a packet of a source comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Names the stream for the life of the relay: one encoder of one connection.
    pub(super) stream: u64,
    pub(super) layer: usize,
    pub(super) codec: Codec,
}

/// The stream of packets that a connection brings for a source.
pub(super) struct Feed {
    /// Names the feed for the life of the relay.
    pub(super) number: u32,
    pub(super) source: Arc<Source>,
    pub(super) payload_types: PayloadTypes,
    /// The names of its layers, from small to large; empty when there is one.
    pub(super) rids: Vec<String>,
    /// The number of the header extension that names the loudness, if there is one.
    pub(super) level_extension: Option<u8>,
    pub(super) tally: Arc<Tally>,
    pub(super) counters: Arc<Counters>,
}

impl Feed {
    /// Takes note of a packet of the layer `rid`, and says which of the source's streams it belongs to.
    pub(super) fn hear(&self, now: Instant, rid: Option<&str>, packet: &Packet) -> Option<Origin> {
        let header = &packet.header;
        self.tally.count();
        let codec = self.payload_types.codec(header.payload_type)?;
        let layer = self.layer_of(rid)?;
        self.measure(now, layer, codec, packet);
        let stream = u64::from(self.number) << 32 | u64::from(header.ssrc);
        Some(Origin { stream, layer, codec })
    }

    /// Hands packets on that it heard, in order.
    pub(super) fn forward(&self, now: Instant, packets: &[(Origin, Packet)]) {
        self.source.forward(now, packets);
    }

    fn layer_of(&self, rid: Option<&str>) -> Option<usize> {
        if self.rids.len() < 2 {
            return Some(0);
        }
        let rid = rid?;
        self.rids.iter().position(|known| known == rid).filter(|layer| *layer < LAYERS)
    }

    fn measure(&self, now: Instant, layer: usize, codec: Codec, packet: &Packet) {
        let measured = &self.source.layers[layer];
        let begins = measured.hear(now, packet.header.ssrc, packet.payload.len());
        if self.source.kind == MediaKind::Video && self.source.keyframes.load(Ordering::Relaxed) & bit(layer) != 0 {
            if starts_keyframe(codec, &packet.payload) {
                // Here it is, asked or not.
                self.source.keyframes.fetch_and(!bit(layer), Ordering::AcqRel);
            } else if begins {
                self.source.keyframe_wanted.notify_one();
            }
        }
        let size = match codec {
            Codec::Vp8 => vp8::Descriptor::read(&packet.payload).and_then(|read| read.size(&packet.payload)),
            Codec::H264 => h264::size(&packet.payload),
            Codec::Opus => None,
        };
        if let Some((_, height)) = size {
            measured.set_height(height);
        }
        let level = self.level_extension.and_then(|id| packet.header.get_extension(id));
        if let Some([level, ..]) = level.as_deref() {
            self.source.loudness.hear(level & 0x7f);
        }
    }

    /// Sends the requests for keyframes over its connection until `stop`. Of what does not come one cannot ask: an encoder that begins, or begins
    /// again, begins with a keyframe, and a stream that comes without one is asked then.
    pub(super) async fn ask_for_keyframes(self: Arc<Self>, core: Arc<Core>, stop: CancellationToken) {
        loop {
            let now = instant::now();
            let flowing = |layer: &usize| self.source.layers[*layer].flows(now);
            let flowing = (0..LAYERS).filter(flowing).fold(0, |all, layer| all | bit(layer));
            let wished = self.source.keyframes.load(Ordering::Acquire) & flowing;
            let due = self.source.pace().ask(now, wished);
            if due != 0 {
                self.source.keyframes.fetch_and(!due, Ordering::AcqRel);
                self.counters.keyframes_asked.increment(1);
                let layers = (0..LAYERS).filter(|layer| due & bit(*layer) != 0);
                let ask = |layer: usize| -> Box<dyn rtc::rtcp::Packet> {
                    Box::new(PictureLossIndication { sender_ssrc: 0, media_ssrc: self.source.layers[layer].ssrc() })
                };
                core.say(now, layers.map(ask).collect());
            }
            let waits = wished & !due != 0;
            let next = if waits { self.source.pace().next() } else { None };
            let news = async {
                match next {
                    Some(at) => {
                        let _ = tokio::time::timeout_at(at.into(), self.source.keyframe_wanted.notified()).await;
                    }
                    None => self.source.keyframe_wanted.notified().await,
                }
            };
            if stop.run_until_cancelled(news).await.is_none() {
                return;
            }
        }
    }
}
