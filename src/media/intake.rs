//! Where the packets of one connection go: which stream belongs to which section, and each section's feed.
//!
//! A stream begins when its first packet is unlocked, and its seat makes a feed as soon as it hears of it. What comes before
//! that waits here: a stream begins with its keyframe.

use std::sync::Arc;
use std::time::Instant;

use rtc::peer_connection::RTCPeerConnection;
use rtc::rtp::Packet;
use tokio::sync::mpsc;

use super::offer;
use super::source::{Feed, Origin};

/// Packets of a section that wait for its feed.
const WAITING: usize = 256;

/// What one connection receives.
pub(super) struct Intake {
    streams: Vec<Stream>,
    sections: Vec<Section>,
    /// Where the section of each track that begins is told.
    begun: mpsc::Sender<String>,
}

/// An encoder's packets.
pub(super) struct Stream {
    ssrc: u32,
    mid: String,
    rid: Option<String>,
}

/// A section in which the browser sends.
struct Section {
    mid: String,
    inlet: Inlet,
}

/// Where the packets of a section go.
enum Inlet {
    /// Nowhere yet.
    Waiting(Vec<Packet>),
    Feed(Arc<Feed>),
    /// Nowhere.
    Shut,
}

impl Intake {
    pub(super) fn new(begun: mpsc::Sender<String>) -> Self {
        Self { streams: Vec::new(), sections: Vec::new(), begun }
    }

    pub(super) fn knows(&self, ssrc: u32) -> bool {
        self.streams.iter().any(|stream| stream.ssrc == ssrc)
    }

    /// Takes note of a stream, if the engine knows where it belongs.
    pub(super) fn begin(&mut self, stream: Option<Stream>) {
        let Some(stream) = stream else { return };
        if !self.sections.iter().any(|section| section.mid == stream.mid) {
            self.sections.push(Section { mid: stream.mid.clone(), inlet: Inlet::Waiting(Vec::new()) });
            if self.begun.try_send(stream.mid.clone()).is_err() {
                tracing::warn!("a participant has more tracks than a browser sends");
            }
        }
        self.streams.retain(|known| known.ssrc != stream.ssrc);
        self.streams.push(stream);
    }

    /// Something else was agreed on: forgets the streams that the engine does not receive any more, and which sections nobody
    /// wanted. Should something still come in one, its seat is asked anew.
    pub(super) fn keep_those_of(&mut self, connection: &mut RTCPeerConnection) {
        let kept = numbers(connection);
        self.sections.retain(|section| !matches!(section.inlet, Inlet::Shut));
        let has_section = |mid: &str| self.sections.iter().any(|section| section.mid == mid);
        self.streams.retain(|stream| kept.contains(&stream.ssrc) && has_section(&stream.mid));
    }

    /// Whose a packet is, and its feed, if it goes anywhere now.
    pub(super) fn sort(&mut self, now: Instant, packet: Packet) -> Option<(&Arc<Feed>, Origin, Packet)> {
        let stream = self.streams.iter().find(|stream| stream.ssrc == packet.header.ssrc)?;
        let section = self.sections.iter_mut().find(|section| section.mid == stream.mid)?;
        match &mut section.inlet {
            Inlet::Feed(feed) => {
                let from = feed.hear(now, stream.rid.as_deref(), &packet)?;
                return Some((feed, from, packet));
            }
            Inlet::Waiting(waiting) if waiting.len() < WAITING => waiting.push(packet),
            Inlet::Waiting(_) | Inlet::Shut => {}
        }
        None
    }

    /// From now on the packets of a section go to `feed`: first those that came already.
    pub(super) fn attach(&mut self, now: Instant, mid: &str, feed: &Arc<Feed>) {
        let Some(section) = self.sections.iter_mut().find(|section| section.mid == mid) else { return };
        let former = std::mem::replace(&mut section.inlet, Inlet::Feed(Arc::clone(feed)));
        let Inlet::Waiting(waiting) = former else { return };
        let heard = |packet: Packet| {
            let stream = self.streams.iter().find(|stream| stream.ssrc == packet.header.ssrc)?;
            Some((feed.hear(now, stream.rid.as_deref(), &packet)?, packet))
        };
        let packets: Vec<_> = waiting.into_iter().filter_map(heard).collect();
        feed.forward(now, &packets);
    }

    /// Nobody wants the packets of a section.
    pub(super) fn shut(&mut self, mid: &str) {
        if let Some(section) = self.sections.iter_mut().find(|section| section.mid == mid) {
            section.inlet = Inlet::Shut;
        }
    }

    /// Nothing goes anywhere any more.
    pub(super) fn end(&mut self) {
        self.streams = Vec::new();
        self.sections = Vec::new();
    }
}

/// The numbers of all streams that the engine receives.
fn numbers(connection: &mut RTCPeerConnection) -> Vec<u32> {
    let receivers: Vec<_> = connection.get_receivers().collect();
    let of = |id| connection.rtp_receiver(id).map(|receiver| receiver.track().ssrcs().collect::<Vec<_>>());
    receivers.into_iter().filter_map(of).flatten().collect()
}

/// What the engine knows of a stream that it receives.
pub(super) fn find(connection: &mut RTCPeerConnection, ssrc: u32) -> Option<Stream> {
    let receivers: Vec<_> = connection.get_receivers().collect();
    receivers.into_iter().find_map(|id| {
        let receiver = connection.rtp_receiver(id)?;
        let track = receiver.track();
        track.ssrcs().find(|known| *known == ssrc)?;
        let mid = offer::mid_of_track(track.track_id())?.to_owned();
        Some(Stream { ssrc, mid, rid: track.rid(ssrc).cloned() })
    })
}
