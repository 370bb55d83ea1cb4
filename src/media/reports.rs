//! What the reports of a browser (RTCP, RFC 3550 and RFC 4585) mean to us, and whom each concerns: a subscriber's wish for a
//! whole picture its seat, what it misses and how its path does the [egress](super::egress), and when a publisher's packets were
//! seen or heard the sources of its seat.
//!
//! The engine keeps what comes in to itself, and would route a compound packet by its first report, which may be about another
//! track. So we read it ourselves: most of it where it arrives ([`super::feedback`]), the rest at the end of the engine's chain
//! ([`super::tap`]).

use std::sync::Arc;
use std::time::Instant;

use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use tokio::sync::mpsc;

use super::egress::Egress;

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
pub(super) struct ReportReader {
    wishes: mpsc::Sender<u32>,
    reports: mpsc::Sender<Report>,
    egress: Arc<Egress>,
}

impl ReportReader {
    /// What finds its channel full is dropped; the browser repeats it.
    pub(super) fn new(wishes: mpsc::Sender<u32>, reports: mpsc::Sender<Report>, egress: Arc<Egress>) -> Self {
        Self { wishes, reports, egress }
    }

    /// Reads what arrived.
    pub(super) fn read(&self, at: Instant, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        for packet in packets {
            let packet = packet.as_any();
            if let Some(loss) = packet.downcast_ref::<PictureLossIndication>() {
                self.wish(loss.media_ssrc);
            } else if let Some(request) = packet.downcast_ref::<FullIntraRequest>() {
                request.fir.iter().for_each(|entry| self.wish(entry.ssrc));
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

/// An NTP time (seconds and fractions of 2^32, RFC 5905) in microseconds.
fn micros(ntp: u64) -> i64 {
    let micros = (ntp >> 32) * 1_000_000 + (((ntp & 0xffff_ffff) * 1_000_000) >> 32);
    i64::try_from(micros).expect("2^32 seconds in microseconds are far below 2^63")
}
