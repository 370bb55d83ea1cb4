//! What a browser says of the packets it got, read where it arrives.
//!
//! Each browser says ten times a second and more how its packets came. Through the engine every such report would cost a
//! waking of its connection's task and a whole round of its loop, and none of them is for the engine: it sends no media. So
//! the task that reads the port unlocks them here. Whatever holds anything else, such as a publisher's sender report that
//! the engine answers, goes to the engine as it came.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rtc::rtcp::Packet;
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::srtp::context::Context;

use super::pli::Ear;

/// RTCP among what shares its port, by the second byte (RFC 5761, section 4).
pub(super) fn is_report(bytes: &[u8]) -> bool {
    matches!(bytes, [128..192, 192..=223, ..])
}

/// The reader of one connection.
pub(super) struct Feedback {
    ear: Ear,
    /// Unlocks what the browser sends, once the keys are known.
    context: Mutex<Option<Context>>,
}

impl Feedback {
    pub(super) fn new(ear: Ear) -> Self {
        Self { ear, context: Mutex::default() }
    }

    /// From now on it can read.
    pub(super) fn arm(&self, context: Context) {
        *self.context.lock().unwrap_or_else(PoisonError::into_inner) = Some(context);
    }

    /// Reads a report; `false` when the engine must have it, and nothing of it was heeded. What was not locked with the
    /// browser's keys, or came before, is nobody's.
    pub(super) fn read(&self, now: Instant, bytes: &[u8]) -> bool {
        let plain = {
            let mut context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(context) = context.as_mut() else { return false };
            context.decrypt_rtcp(bytes)
        };
        let Ok(plain) = plain else { return true };
        let Ok(packets) = rtc::rtcp::packet::unmarshal(&mut plain.freeze()) else { return true };
        let is_ours = packets.iter().all(|packet| is_of_what_it_got(packet.as_ref()));
        if is_ours {
            self.ear.hear(now, &packets);
        }
        is_ours
    }
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
