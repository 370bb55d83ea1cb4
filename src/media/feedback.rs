//! What a browser says of the packets it got, read where it arrives.
//!
//! Each browser says ten times a second and more how its packets came. Through the engine every such report would cost a
//! waking of its connection's task and a whole round of its loop, and none of them is for the engine: it sends no media. So
//! the task that reads the port unlocks them here. Whatever holds anything else, such as a publisher's sender report that
//! the engine answers, goes to the engine as it came.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::rtcp::Packet;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::srtp::context::Context;

use super::reports::ReportReader;

/// Senders that a browser has: a dozen of tracks, three layers each, and what retransmits them.
const SENDERS: usize = 128;
/// After so many datagrams of senders that were never heard the memory of them is thrown away.
const TRIALS: usize = 64;
/// Packets of one datagram; a browser sends three or four.
const PACKETS: usize = 16;
/// Datagrams of a connection that are read in a [`SPAN`]; a browser sends ten to fifty a second.
const DATAGRAMS: usize = 100;
const SPAN: Duration = Duration::from_millis(250);

/// Makes what unlocks the browser's reports.
pub(super) type Unlocking = Box<dyn Fn() -> Option<Context> + Send>;

/// The reader of one connection.
pub(super) struct Feedback {
    reader: ReportReader,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Once the keys are known.
    locks: Option<Locks>,
    /// Since when datagrams are counted, and how many came since.
    came: Option<(Instant, usize)>,
}

/// What unlocks reports. A context remembers each sender whose number it reads, before it knows whether the datagram is
/// genuine: strangers could fill the memory with numbers. So whoever was never heard is tried by a context that is thrown
/// away from time to time.
struct Locks {
    make: Unlocking,
    known: Context,
    senders: Vec<u32>,
    trial: Context,
    trials: usize,
}

impl Locks {
    fn new(make: Unlocking) -> Option<Self> {
        let (known, trial) = (make()?, make()?);
        Some(Self { make, known, senders: Vec::new(), trial, trials: 0 })
    }

    /// What stands in a datagram; `None` for what is forged, repeated or of one sender too many.
    fn open(&mut self, bytes: &[u8]) -> Option<BytesMut> {
        let sender = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
        if self.senders.contains(&sender) {
            return self.known.decrypt_rtcp(bytes).ok();
        }
        if self.senders.len() == SENDERS {
            return None;
        }
        if self.trials == TRIALS {
            (self.trial, self.trials) = ((self.make)()?, 0);
        }
        self.trials += 1;
        self.trial.decrypt_rtcp(bytes).ok()?;
        self.senders.push(sender);
        // Once more, so that it is known as read.
        self.known.decrypt_rtcp(bytes).ok()
    }
}

impl Feedback {
    pub(super) fn new(reader: ReportReader) -> Self {
        Self { reader, state: Mutex::default() }
    }

    /// From now on it can read; `false` when the keys are of no use.
    pub(super) fn arm(&self, unlocking: Unlocking) -> bool {
        let mut state = self.state();
        state.locks = Locks::new(unlocking);
        state.locks.is_some()
    }

    /// It reads nothing any more: everything is the engine's.
    pub(super) fn disarm(&self) {
        self.state().locks = None;
    }

    /// Reads a report; `false` when the engine must have it, and nothing of it was heeded. What was not locked with the
    /// browser's keys, or came before, is nobody's.
    pub(super) fn read(&self, now: Instant, bytes: &[u8]) -> bool {
        let plain = {
            let mut state = self.state();
            if state.locks.is_none() {
                return false;
            }
            if !state.has_time(now) {
                return true;
            }
            state.locks.as_mut().and_then(|locks| locks.open(bytes))
        };
        let Some(plain) = plain.filter(|plain| count(plain) <= PACKETS) else { return true };
        let Ok(packets) = rtc::rtcp::packet::unmarshal(&mut plain.freeze()) else { return true };
        let is_ours = packets.iter().all(|packet| is_of_what_it_got(packet.as_ref()));
        if is_ours {
            self.reader.read(now, &packets);
        }
        is_ours
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether one more datagram may be read now. This is done on everybody's task.
    fn has_time(&mut self, now: Instant) -> bool {
        let (since, came) =
            self.came.filter(|(since, _)| now.saturating_duration_since(*since) < SPAN).unwrap_or((now, 0));
        self.came = Some((since, came + 1));
        came < DATAGRAMS
    }
}

/// How many packets a datagram holds, by their lengths (RFC 3550, section 6.4).
fn count(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let [_, _, high, low, ..] = bytes {
        count += 1;
        bytes = bytes.get((usize::from(u16::from_be_bytes([*high, *low])) + 1) * 4..).unwrap_or_default();
    }
    count
}

fn is_of_what_it_got(packet: &dyn Packet) -> bool {
    let packet = packet.as_any();
    packet.is::<TransportLayerCc>()
        || packet.is::<TransportLayerNack>()
        || packet.is::<PictureLossIndication>()
        || packet.is::<FullIntraRequest>()
        || packet.is::<ReceiverReport>()
        || packet.is::<ReceiverEstimatedMaximumBitrate>()
}

#[cfg(test)]
#[path = "feedback_tests.rs"]
mod tests;
