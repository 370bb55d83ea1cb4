//! A recorded participant's packets on their way to a [`Take`].
//!
//! The forwarding of a packet never waits for a disk: the tape's queue is bounded, and what finds it full is missing in
//! the recording, which says so.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use metrics::gauge;
use rtc::rtp::Packet;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::counters::Counters;
use super::instant;
use super::news::{News, Notice};
use super::reports::Report;
use super::source::{Origin, Source};
use crate::domain::ids::{ParticipantId, RoomId};
use crate::domain::recording::{
    Agreed, Filmed, Piece, RecordedCodec, RecordedPacket, RecordedReport, Recorder, Take, Tape,
};
use crate::domain::room::relay::MediaKind;

/// Packets that wait for a slow disk: some seconds of a good camera.
const QUEUE: usize = 2048;
/// How often it is looked whether a cluster is full.
const LOOK: Duration = Duration::from_millis(100);
/// A player can only begin at a keyframe, and a call has few of its own.
const KEYFRAMES: Duration = Duration::from_secs(15);

/// What the tape hears.
enum Taped {
    Packet {
        at: Instant,
        source: Weak<Source>,
        stream: u64,
        codec: RecordedCodec,
        packet: Packet,
    },
    /// Sent, and not to be recorded; what it holds is not here.
    Withheld {
        at: Instant,
        stream: u64,
        codec: RecordedCodec,
        sequence: u16,
    },
    Report {
        at: Instant,
        report: RecordedReport,
    },
    /// Sent, and of a codec that is not recorded.
    PassedOver,
}

/// Tells the switchboard whether a participant is recorded.
pub(super) struct Teller {
    pub(super) notices: mpsc::Sender<Notice>,
    pub(super) participant: ParticipantId,
    pub(super) number: u64,
}

impl Teller {
    async fn tell(&self, is_kept: bool) {
        let _ = self.notices.send((self.participant, self.number, News::Taped(is_kept))).await;
    }
}

/// Where a recorded participant's packets go.
#[derive(Clone)]
pub(super) struct TapeQueue {
    queue: mpsc::Sender<Taped>,
    is_withdrawn: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

impl std::fmt::Debug for TapeQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapeQueue").finish_non_exhaustive()
    }
}

impl TapeQueue {
    /// Begins a film of a participant; it ends when the last of these queues is dropped.
    pub(super) fn start(
        recorder: Arc<dyn Recorder>,
        room: RoomId,
        (filmed, agreed): (Filmed, Agreed),
        tell: Teller,
        counters: &Arc<Counters>,
        tracker: &TaskTracker,
    ) -> Self {
        let (queue, packets) = mpsc::channel(QUEUE);
        let is_withdrawn = Arc::new(AtomicBool::new(false));
        let recording = Recording { recorder, room, filmed, agreed, tell, is_withdrawn: Arc::clone(&is_withdrawn) };
        tracker.spawn(recording.run(packets));
        Self { queue, is_withdrawn, counters: Arc::clone(counters) }
    }

    /// The end that follows is the patient's wish, and the recording will say so.
    pub(super) fn withdraw(&self) {
        self.is_withdrawn.store(true, Ordering::Release);
    }

    /// Takes note of a packet that may not be recorded, so that nobody takes it for lost.
    pub(super) fn withhold(&self, from: Origin, sequence: u16) {
        if let Some(codec) = RecordedCodec::of(from.codec) {
            let (at, stream) = (instant::now(), from.stream);
            let _ = self.queue.try_send(Taped::Withheld { at, stream, codec, sequence });
        }
    }

    /// Takes a packet if there is room.
    pub(super) fn offer(&self, source: &Arc<Source>, from: Origin, packet: &Packet) {
        let Some(codec) = RecordedCodec::of(from.codec) else {
            self.counters.unrecorded_codec.increment(1);
            // One that finds no room is told by the next.
            let _ = self.queue.try_send(Taped::PassedOver);
            return;
        };
        let (at, source, packet) = (instant::now(), Arc::downgrade(source), packet.clone());
        if self.queue.try_send(Taped::Packet { at, source, stream: from.stream, codec, packet }).is_err() {
            self.counters.unrecorded_full.increment(1);
        }
    }

    /// Takes a report if there is room; it will be repeated.
    pub(super) fn report(&self, kind: MediaKind, report: Report) {
        let codec = RecordedCodec::of_kind(kind);
        let Report { at, ssrc, timestamp, ntp } = report;
        let _ = self.queue.try_send(Taped::Report { at, report: RecordedReport { codec, ssrc, timestamp, ntp } });
    }
}

/// One participant's running recording.
struct Session {
    tape: Tape,
    begin: Instant,
    /// When a keyframe was last asked for.
    asked: Instant,
}

impl Session {
    fn since(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.begin)
    }

    fn hear(&mut self, taped: Taped) {
        let (at, source, stream, codec, packet) = match taped {
            Taped::Packet { at, source, stream, codec, packet } => (at, source, stream, codec, packet),
            Taped::Withheld { at, stream, codec, sequence } => {
                return self.tape.withhold(self.since(at), stream, codec, sequence);
            }
            Taped::Report { at, report } => return self.tape.report(self.since(at), report),
            Taped::PassedOver => return self.tape.pass_over(RecordedCodec::Vp8),
        };
        let header = &packet.header;
        let recorded = RecordedPacket {
            stream,
            codec,
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            marker: header.marker,
            payload: &packet.payload,
        };
        self.tape.push(self.since(at), recorded);
        let is_due = self.tape.wants_keyframe() || at.saturating_duration_since(self.asked) >= KEYFRAMES;
        if is_due
            && codec == RecordedCodec::Vp8
            && let Some(source) = source.upgrade()
        {
            self.asked = at;
            source.request_keyframe();
        }
    }
}

/// What a recording is begun with.
struct Recording {
    recorder: Arc<dyn Recorder>,
    room: RoomId,
    filmed: Filmed,
    agreed: Agreed,
    tell: Teller,
    is_withdrawn: Arc<AtomicBool>,
}

impl Recording {
    /// Whether somebody is recorded is said of themselves; a screen is beside it.
    async fn tell(&self, is_kept: bool) {
        if self.filmed == Filmed::Person {
            self.tell.tell(is_kept).await;
        }
    }

    async fn run(self, mut packets: mpsc::Receiver<Taped>) {
        // A fault of ours costs the recording and not the call, and the room must not go on saying that it records.
        let whole = AssertUnwindSafe(self.record(&mut packets)).catch_unwind().await;
        if whole.is_ok_and(|whole| whole.is_some()) {
            return;
        }
        tracing::error!(room.id = %self.room, participant.id = %self.tell.participant, "a recording broke; the call goes on");
        gauge!("recordings_failing").increment(1);
        self.tell(false).await;
        while packets.recv().await.is_some() {}
        gauge!("recordings_failing").decrement(1);
    }

    /// Records until nobody sends any more; nothing when it broke.
    async fn record(&self, packets: &mut mpsc::Receiver<Taped>) -> Option<()> {
        let (begin, participant) = (instant::now(), self.tell.participant);
        let (recorder, room, filmed, agreed) =
            (Arc::clone(&self.recorder), self.room, self.filmed, self.agreed.clone());
        let begun = tokio::task::spawn_blocking(move || recorder.begin(room, participant, filmed, &agreed)).await;
        let mut take = begun.ok()?;
        self.tell(true).await;
        let mut was_kept = true;
        let mut session = Session { tape: Tape::of(self.filmed), begin, asked: begin };
        let mut look = tokio::time::interval(LOOK);
        loop {
            let now = tokio::select! {
                taped = packets.recv() => match taped {
                    Some(taped) => {
                        session.hear(taped);
                        instant::now()
                    }
                    None => break,
                },
                _ = look.tick() => instant::now(),
            };
            let pieces = session.tape.cut(session.since(now));
            let (same, is_kept) = keep(take, pieces).await?;
            take = same;
            if is_kept.is_some_and(|is_kept| is_kept != was_kept) {
                was_kept = !was_kept;
                self.tell(was_kept).await;
            }
        }
        if self.is_withdrawn.load(Ordering::Acquire) {
            session.tape.withdraw();
        }
        let (take, _) = keep(take, session.tape.finish()).await?;
        tokio::task::spawn_blocking(move || take.finish()).await.ok()
    }
}

/// Keeps pieces where waiting for a disk harms nobody; whether all were kept, if there were any.
async fn keep(mut take: Box<dyn Take>, pieces: Vec<Piece>) -> Option<(Box<dyn Take>, Option<bool>)> {
    if pieces.is_empty() {
        return Some((take, None));
    }
    let kept = tokio::task::spawn_blocking(move || {
        let lost = pieces.into_iter().filter_map(|piece| (!take.append(piece)).then_some(())).count();
        (take, Some(lost == 0))
    });
    kept.await.ok()
}

#[cfg(test)]
#[path = "tape_tests.rs"]
mod tests;
