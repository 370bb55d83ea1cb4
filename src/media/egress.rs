//! A connection's media on its way out: protected and sent where it is handed over.
//!
//! The engine could do it, at ten times the price: each packet would go through a queue to the task of the connection,
//! through a chain of handlers, and through as many copies. Here a packet costs its cipher and its share of a system
//! call, on the task that received it. What the engine's chain did for media is done here too: answers to NACKs from what is
//! [kept](super::kept), transport-wide numbers and their [fates](super::fates), and the sender reports of each
//! [stream](super::stream).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::shared::time::SystemInstant;
use rtc::srtp::context::Context;

use super::arriving::Count;
use super::bandwidth::PathMeter;
use super::fates::{self, Fates};
use super::gate::Gate;
use super::source::Source;
use super::stream::{Outgoing, Stream};
use super::trail::round_trip;
use crate::domain::room::missing::Speaks;
use crate::domain::room::relay::MediaKind;

/// So many packets may be asked for again within [`ASKING`]; a path that loses more than that is not helped by more.
const ASKED: usize = 256;
const ASKING: Duration = Duration::from_millis(250);
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
        self.state().streams.push(Stream::new(ssrc, kind));
    }

    /// Sets the number of the header extension in which a stream's packets get transport-wide numbers.
    pub(super) fn set_wide(&self, ssrc: u32, wide: Option<u8>) {
        if let Some(stream) = self.state().stream(ssrc) {
            stream.set_wide(wide);
        }
    }

    /// What was sent of a stream cannot be asked for any more.
    pub(super) fn forget(&self, ssrc: u32) {
        if let Some(stream) = self.state().stream(ssrc) {
            stream.forget();
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
        stream.kept.are_of(source);
        let is_traced = !stream.tells(*tells);
        let (mut count, mut segment) = (0, 0);
        for packet in packets {
            let wide = stream.is_wide().then(|| fates.next());
            let Some(bytes) = stream.protect(context, plain, &packet, wide) else { continue };
            count += 1;
            if wide.is_some() {
                fates.left(now, of, plain.len());
            }
            if is_traced {
                stream.trace(now, packet.sequence);
            }
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
            stream.left(now, packet, wide);
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
        if !stream.kept.may_pass() {
            return;
        }
        let (_, count) = match asked {
            Some(counted) if now.saturating_duration_since(counted.0) < ASKING => counted,
            _ => asked.insert((now, 0)),
        };
        let left = ASKED.saturating_sub(*count);
        for sequence in nack.nacks.iter().flat_map(|pair| *pair).take(left) {
            *count += 1;
            let Some((packet, wide)) = stream.kept.again(now, sequence) else { continue };
            if let Some(bytes) = stream.protect(context, plain, &packet, wide) {
                self.wire.send(&bytes, bytes.len());
            }
        }
    }

    /// Takes in what the browser says of the packets that left.
    pub(super) fn learn(&self, now: Instant, feedback: &TransportLayerCc) {
        // Taken apart before anybody has to wait for it.
        let Some(said) = fates::said(feedback) else { return };
        let known = {
            let mut state = self.state();
            let State { fates, streams, tells, did_report, .. } = &mut *state;
            *did_report = true;
            let known = fates.learn(said);
            for (of, _) in known.iter().filter(|(_, fate)| fate.arrived.is_some()) {
                if let Some(stream) = streams.get_mut(*of) {
                    stream.arrived();
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
            let ago = round_trip(middle, report.last_sender_report, report.delay);
            stream.reported(report.last_sequence_number, now.checked_sub(ago).unwrap_or(now));
        }
    }

    /// What left of a stream, and what of it is known to have arrived.
    pub(super) fn count(&self, ssrc: u32) -> Count {
        let mut state = self.state();
        let (did_report, tells) = (state.did_report, state.tells);
        let Some(stream) = state.stream(ssrc) else {
            return Count { left: 0, arrived: 0, speaks: Speaks::Never, behind: None };
        };
        let speaks = if stream.tells(tells) {
            Speaks::OfEach
        } else if did_report {
            Speaks::Seldom
        } else {
            Speaks::Never
        };
        stream.count(speaks)
    }

    /// What was sent of a stream so far, and which of its timestamps is now; `None` while nothing was. It is asked every
    /// second, also of a stream that rests: what is too old to be sent again goes then.
    pub(super) fn report(&self, now: Instant, ssrc: u32, clock_rate: u32) -> Option<SenderReport> {
        let mut state = self.state();
        let stream = state.stream(ssrc)?;
        stream.kept.age(now);
        stream.report(now, self.clock.ntp(now), clock_rate)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stream(&mut self, ssrc: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.ssrc == ssrc)
    }
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
