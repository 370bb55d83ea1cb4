//! The end of the way through the engine, where we catch what it unlocked: a browser's media, and those of its reports that
//! were not read before.
//!
//! Media has passed everything in the interceptor chain that reports about it, and what the engine would do next is to look for
//! its track by a walk through all of them. Nothing is passed on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

use super::reports::ReportReader;

/// Where it stands in the chain: farthest from the wire, behind everything that decrypts and reports.
pub(super) const SLOT: usize = 14_000;

/// Media that the engine unlocked and nobody took yet. Both ends are held by whoever holds the engine.
#[derive(Clone, Default)]
pub(super) struct Caught(Arc<Mutex<VecDeque<rtc::rtp::Packet>>>);

impl Caught {
    /// The packet that came first.
    pub(super) fn next(&self) -> Option<rtc::rtp::Packet> {
        self.packets().pop_front()
    }

    fn packets(&self) -> MutexGuard<'_, VecDeque<rtc::rtp::Packet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place in the engine's chain at which media is caught, and reports are read that were not read before (see
/// [`super::feedback`]).
pub(super) struct Tap {
    reader: ReportReader,
    caught: Caught,
    write: VecDeque<TaggedPacket>,
}

impl Tap {
    pub(super) fn new(reader: ReportReader, caught: Caught) -> Self {
        Self { reader, caught, write: VecDeque::new() }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Tap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        match message.message.packet {
            Packet::Rtp(packet) => self.caught.packets().push_back(packet),
            Packet::Rtcp(packets) => self.reader.read(message.now, &packets),
            _ => {}
        }
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        None
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.write.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.write.pop_front()
    }

    fn close(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl Interceptor for Tap {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
