//! One participant's microphone or camera, and the feed that fills it.
//!
//! A source outlives connections: after a reload the new connection feeds the same source, so everybody who watches it
//! goes on watching the same section.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use super::codec::{Codec, PayloadTypes};
use super::counters::Counters;
use super::instant;
use super::leg::Leg;
use crate::domain::ids::ParticipantId;
use crate::domain::room::relay::MediaKind;

/// A publisher is asked for a keyframe at most this often: each one costs ten times the bits of another frame.
const KEYFRAME_PAUSE: Duration = Duration::from_millis(300);

/// A microphone or a camera.
#[derive(Debug)]
pub(super) struct Source {
    /// Names it for the life of the relay; never 0.
    pub(super) number: u64,
    pub(super) owner: ParticipantId,
    pub(super) kind: MediaKind,
    legs: RwLock<Vec<Arc<Leg>>>,
    ended: AtomicBool,
    keyframe_wanted: Notify,
}

impl Source {
    pub(super) fn new(number: u64, owner: ParticipantId, kind: MediaKind) -> Arc<Self> {
        let (legs, ended, keyframe_wanted) = (RwLock::default(), AtomicBool::new(false), Notify::new());
        Arc::new(Self { number, owner, kind, legs, ended, keyframe_wanted })
    }

    /// Adds somebody who watches.
    pub(super) fn subscribe(&self, leg: &Arc<Leg>) {
        let mut legs = self.legs.write().unwrap_or_else(PoisonError::into_inner);
        if !self.ended.load(Ordering::Acquire) {
            legs.push(Arc::clone(leg));
        }
    }

    /// Removes somebody who watched.
    pub(super) fn unsubscribe(&self, leg: &Arc<Leg>) {
        self.legs.write().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, leg));
    }

    /// From now on nothing comes out of it, whatever goes in.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.legs.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Asks the publisher for a keyframe, soon: at once, or when the last request is [`KEYFRAME_PAUSE`] old.
    pub(super) fn request_keyframe(&self) {
        if self.kind == MediaKind::Video {
            self.keyframe_wanted.notify_one();
        }
    }

    fn forward(self: &Arc<Self>, stream: u64, codec: Codec, packet: &Packet) {
        for leg in self.legs.read().unwrap_or_else(PoisonError::into_inner).iter() {
            leg.offer(self, stream, codec, packet);
        }
    }
}

/// What came in through a feed, for the publisher's quality display.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Packets that arrived.
    pub(super) received: AtomicU64,
    /// Packets that must have been sent, by their sequence numbers.
    pub(super) expected: AtomicU64,
}

/// The stream of packets that a connection brings for a source.
pub(super) struct Feed {
    /// Names the feed for the life of the relay.
    pub(super) number: u32,
    pub(super) track: Arc<dyn TrackRemote>,
    pub(super) source: Arc<Source>,
    pub(super) payload_types: PayloadTypes,
    pub(super) tally: Arc<Tally>,
    pub(super) counters: Arc<Counters>,
    /// The SSRC seen last; zero before the first packet.
    pub(super) ssrc: AtomicU32,
}

impl Feed {
    /// Forwards until the track ends or `stop`.
    pub(super) async fn forward(self: Arc<Self>, stop: CancellationToken) {
        let mut newest = None;
        while let Some(event) = stop.run_until_cancelled(self.track.poll()).await.flatten() {
            let TrackRemoteEvent::OnRtpPacket(packet) = event else { continue };
            self.count(&mut newest, packet.header.ssrc, packet.header.sequence_number);
            if let Some(codec) = self.payload_types.codec(packet.header.payload_type) {
                let stream = u64::from(self.number) << 32 | u64::from(packet.header.ssrc);
                self.source.forward(stream, codec, &packet);
            }
        }
    }

    /// Sends the requests for keyframes until `stop`.
    pub(super) async fn ask_for_keyframes(self: Arc<Self>, stop: CancellationToken) {
        loop {
            if stop.run_until_cancelled(self.source.keyframe_wanted.notified()).await.is_none() {
                return;
            }
            let media_ssrc = self.ssrc.load(Ordering::Relaxed);
            if media_ssrc == 0 {
                // Nothing has arrived that one could ask for, and what was not asked for needs no pause.
                continue;
            }
            self.counters.keyframes_asked.increment(1);
            let pli = PictureLossIndication { sender_ssrc: 0, media_ssrc };
            if self.track.write_rtcp(vec![Box::new(pli)]).await.is_err() {
                return;
            }
            let again = tokio::time::sleep_until((instant::now() + KEYFRAME_PAUSE).into());
            if stop.run_until_cancelled(again).await.is_none() {
                return;
            }
        }
    }

    fn count(&self, newest: &mut Option<u16>, ssrc: u32, sequence: u16) {
        self.tally.received.fetch_add(1, Ordering::Relaxed);
        let changed = self.ssrc.swap(ssrc, Ordering::Relaxed) != ssrc;
        let ahead = match newest {
            Some(newest) if !changed => sequence.wrapping_sub(*newest),
            _ => 1,
        };
        if ahead < 0x8000 {
            self.tally.expected.fetch_add(u64::from(ahead), Ordering::Relaxed);
            *newest = Some(sequence);
        }
    }
}
