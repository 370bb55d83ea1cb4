//! The end of the way through the engine, where we catch what it unlocked: a browser's media, and what its reports say to
//! us, which is a subscriber's wish for a keyframe, what it misses and how its path does, and when a publisher's packets were
//! seen or heard.
//!
//! The engine keeps inbound RTCP to itself, and would route a compound packet by its first report, which may be about
//! another track. So we read it ourselves, in the interceptor chain. Media has passed everything there that reports about it,
//! and what the engine would do next is to look for its track by a walk through all of them. Nothing is passed on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use tokio::sync::mpsc;

use super::egress::Egress;

/// Where it stands in the chain: farthest from the wire, behind everything that decrypts and reports.
pub(super) const SLOT: usize = 14_000;

/// A publisher's report of one of its streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    /// When it arrived.
    pub(super) at: Instant,
    pub(super) ssrc: u32,
    /// An RTP timestamp of the stream.
    pub(super) timestamp: u32,
    /// When that was, in microseconds of the publisher's clock.
    pub(super) ntp: i64,
}

/// Tells the SSRC of every track of ours that the browser wants a keyframe of, and the reports of its own; and tells the
/// egress what became of what it sent.
#[derive(Clone)]
pub(super) struct Ear {
    wishes: mpsc::Sender<u32>,
    reports: mpsc::Sender<Report>,
    egress: Arc<Egress>,
}

impl Ear {
    /// What finds its channel full is dropped; the browser repeats it.
    pub(super) fn new(wishes: mpsc::Sender<u32>, reports: mpsc::Sender<Report>, egress: Arc<Egress>) -> Self {
        Self { wishes, reports, egress }
    }

    /// Reads what arrived.
    pub(super) fn hear(&self, at: Instant, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        for packet in packets {
            let packet = packet.as_any();
            if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
                self.wish(pli.media_ssrc);
            } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
                fir.fir.iter().for_each(|entry| self.wish(entry.ssrc));
            } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                self.egress.resend(at, nack);
            } else if let Some(feedback) = packet.downcast_ref::<TransportLayerCc>() {
                self.egress.learn(at, feedback);
            } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                self.egress.reported(at, &report.reports);
            } else if let Some(report) = packet.downcast_ref::<SenderReport>() {
                self.egress.reported(at, &report.reports);
                let (ssrc, timestamp, ntp) = (report.ssrc, report.rtp_time, micros(report.ntp_time));
                let _ = self.reports.try_send(Report { at, ssrc, timestamp, ntp });
            }
        }
    }

    fn wish(&self, ssrc: u32) {
        let _ = self.wishes.try_send(ssrc);
    }
}

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

/// The place in the engine's chain at which media is caught, and an ear hears what was not read before (see
/// [`super::feedback`]).
pub(super) struct PliTap {
    ear: Ear,
    caught: Caught,
    write: VecDeque<TaggedPacket>,
}

impl PliTap {
    pub(super) fn new(ear: Ear, caught: Caught) -> Self {
        Self { ear, caught, write: VecDeque::new() }
    }
}

/// An NTP time (seconds and fractions of 2^32, RFC 5905) in microseconds.
fn micros(ntp: u64) -> i64 {
    let micros = (ntp >> 32) * 1_000_000 + (((ntp & 0xffff_ffff) * 1_000_000) >> 32);
    i64::try_from(micros).expect("2^32 seconds in microseconds are far below 2^63")
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for PliTap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        match message.message.packet {
            Packet::Rtp(packet) => self.caught.packets().push_back(packet),
            Packet::Rtcp(packets) => self.ear.hear(message.now, &packets),
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

impl Interceptor for PliTap {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}

    fn unbind_local_stream(&mut self, _: &StreamInfo) {}

    fn bind_remote_stream(&mut self, _: &StreamInfo) {}

    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
