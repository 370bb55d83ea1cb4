//! What became of the packets that left: each has a number across all streams of its connection, under which its browser says
//! whether and when it came (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::collections::VecDeque;
use std::time::Instant;

use rtc::interceptor::{Acknowledgement, convert_twcc};
use rtc::rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, TransportLayerCc};

use super::bandwidth::Fate;

/// Packets of a connection whose fate is not known yet; without feedback the oldest are forgotten.
const UNKNOWN: usize = 4096;

/// Packets that left under transport-wide numbers, and what became of them.
#[derive(Debug, Default)]
pub(super) struct Fates {
    /// The number of the next packet.
    next: u16,
    /// In the order of their numbers, up to the newest; of which stream each is.
    left: VecDeque<(usize, Fate)>,
}

/// What a browser says of each packet; `None` for what nobody could have to say.
pub(super) fn said(feedback: &TransportLayerCc) -> Option<Vec<Acknowledgement>> {
    // The engine's reader believes the lengths of the runs, however many packets they are said to be about.
    let told: usize = feedback.packet_chunks.iter().map(length).sum();
    (told <= UNKNOWN).then(|| convert_twcc(feedback))
}

/// Of how many packets a chunk tells.
fn length(chunk: &PacketStatusChunk) -> usize {
    match chunk {
        PacketStatusChunk::RunLengthChunk(run) => usize::from(run.run_length),
        PacketStatusChunk::StatusVectorChunk(vector) => vector.symbol_list.len(),
    }
}

impl Fates {
    /// The number of the next packet.
    pub(super) const fn next(&self) -> u16 {
        self.next
    }

    /// The packet with the next number leaves; `of` tells its stream.
    pub(super) fn left(&mut self, now: Instant, of: usize, bytes: usize) {
        self.next = self.next.wrapping_add(1);
        if self.left.len() == UNKNOWN {
            self.left.pop_front();
        }
        self.left.push_back((of, Fate { left: now, arrived: None, bytes }));
    }

    /// The fates that are known now: of everything up to the newest packet that arrived. What is missing before it is
    /// lost.
    pub(super) fn learn(&mut self, said: Vec<Acknowledgement>) -> Vec<(usize, Fate)> {
        let first = self.next.wrapping_sub(u16::try_from(self.left.len()).unwrap_or(0));
        let mut newest = None;
        for one in said {
            let at = usize::from(one.sequence_number.wrapping_sub(first));
            if let (true, Some((_, fate))) = (one.arrived, self.left.get_mut(at)) {
                fate.arrived = one.arrival;
                newest = newest.max(Some(at));
            }
        }
        newest.map(|newest| self.left.drain(..=newest).collect()).unwrap_or_default()
    }

    /// How many are not known yet.
    #[cfg(test)]
    pub(super) fn unknown(&self) -> usize {
        self.left.len()
    }
}
