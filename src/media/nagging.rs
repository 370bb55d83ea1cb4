//! How often a publisher is asked for what did not come.
//!
//! The engine asks every few milliseconds, which mends a picture on a lossy radio. On a path that is too narrow most is lost, and
//! the questions alone would fill the way back: fifty a second are half of what the narrowest networks carry. So for every two
//! packets that come one question goes out.

use std::collections::VecDeque;
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

/// Where it stands in the chain: between the engine's questions and the wire.
pub(super) const SLOT: usize = 6_500;
/// Packets that pay for a question.
const PRICE: u32 = 2;
/// Half a second of questions may be saved up.
const SAVED: u32 = 25 * PRICE;

/// What came, as far as no question was paid with it.
#[derive(Debug)]
struct Purse(u32);

impl Purse {
    fn came(&mut self) {
        self.0 = (self.0 + 1).min(SAVED);
    }

    fn pays(&mut self) -> bool {
        let left = self.0.checked_sub(PRICE);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// Lets through the questions that are paid for.
pub(super) struct Nagging {
    purse: Purse,
    read: VecDeque<TaggedPacket>,
    write: VecDeque<TaggedPacket>,
}

impl Nagging {
    pub(super) fn new() -> Self {
        Self { purse: Purse(SAVED), read: VecDeque::new(), write: VecDeque::new() }
    }
}

fn is_question(packet: &Packet) -> bool {
    let Packet::Rtcp(packets) = packet else { return false };
    !packets.is_empty() && packets.iter().all(|packet| packet.as_any().is::<TransportLayerNack>())
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Nagging {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if matches!(message.message.packet, Packet::Rtp(_)) {
            self.purse.came();
        }
        self.read.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        if !is_question(&message.message.packet) || self.purse.pays() {
            self.write.push_back(message);
        }
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Interceptor for Nagging {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many questions pass in ten seconds of fifty a second, after half a second, where so many packets a second come.
    fn asked(packets: u32) -> u32 {
        let mut purse = Purse(SAVED);
        while purse.pays() {}
        let mut asked = 0;
        for tick in 0..500 {
            let came = (tick + 1) * packets / 50 - tick * packets / 50;
            for _ in 0..came {
                purse.came();
            }
            asked += u32::from(purse.pays());
        }
        asked
    }

    #[test]
    fn where_much_comes_every_question_passes_and_where_little_does_few() {
        assert_eq!(asked(200), 500, "a picture on a lossy radio is mended as fast as can be");
        assert_eq!(asked(25), 125, "a drowning voice");
        assert_eq!(asked(0), 0);
    }
}
