//! Somebody who says nothing: a connection with what a participant has, or with what a viewer has, in which nothing is sent.
//! What comes is counted.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::sync::Arc;

use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{PeerConnection, PeerConnectionBuilder, RTCSessionDescription};
use webrtc::rtp_transceiver::RTCRtpTransceiverDirection;
use yunzhen::domain::room::relay::MediaKind;

use super::client::{PATIENCE, VP8};
use super::peer::{self, Handler, Told};
use super::sending::{direction, opus, pictured, ssrc, track};

/// A packet that came.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    pub kind: MediaKind,
    pub sequence: u16,
    /// What its sender had said last to `Client::mark` when it was sent.
    pub mark: u8,
}

/// Somebody who says nothing.
pub struct Quiet {
    connection: Arc<dyn PeerConnection>,
    told: Told,
    came: watch::Receiver<Vec<Came>>,
}

impl Quiet {
    /// Who only watches: a section for a microphone and one for a camera.
    pub async fn viewer(tracker: &TaskTracker) -> Self {
        let quiet = Self::new(tracker).await;
        quiet.receive().await;
        quiet
    }

    /// Who has a microphone and a camera, and a section for those of one other.
    pub async fn participant(name: u8, tracker: &TaskTracker) -> Self {
        let quiet = Self::new(tracker).await;
        for (index, codec, kind) in [(1, opus(), RtpCodecKind::Audio), (2, pictured(VP8), RtpCodecKind::Video)] {
            let own = track(&[ssrc(name, index)], index, &codec, kind) as Arc<dyn TrackLocal>;
            let init = direction(RTCRtpTransceiverDirection::Sendonly);
            quiet.connection.add_transceiver_from_track(own, Some(init)).await.unwrap();
        }
        quiet.receive().await;
        quiet
    }

    async fn new(tracker: &TaskTracker) -> Self {
        let (came_tx, came) = watch::channel(Vec::new());
        let (came_tx, reading) = (Arc::new(came_tx), tracker.clone());
        let (handler, told) = Handler::new(move |track: Arc<dyn TrackRemote>| {
            let came = Arc::clone(&came_tx);
            reading.spawn(async move {
                let kind = if track.kind().await == RtpCodecKind::Video { MediaKind::Video } else { MediaKind::Audio };
                while let Some(event) = track.poll().await {
                    if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                        let mark = packet.payload.get(3).copied().unwrap_or_default();
                        let one = Came { kind, sequence: packet.header.sequence_number, mark };
                        came.send_modify(|all| all.push(one));
                    }
                }
            });
        });
        let mut media = peer::engine(&[VP8]);
        let registry = register_default_interceptors(Registry::new(), &mut media).unwrap();
        let building = PeerConnectionBuilder::new()
            .with_setting_engine(peer::settings().build())
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_handler(handler)
            .with_udp_addrs(vec!["127.0.0.1:0".to_owned()])
            .build();
        let connection: Arc<dyn PeerConnection> = Arc::new(Box::pin(building).await.unwrap());
        Self { connection, told, came }
    }

    async fn receive(&self) {
        for kind in [RtpCodecKind::Audio, RtpCodecKind::Video] {
            let init = direction(RTCRtpTransceiverDirection::Recvonly);
            self.connection.add_transceiver_from_kind(kind, Some(init)).await.unwrap();
        }
    }

    /// Writes an offer.
    pub async fn offer(&mut self) -> String {
        self.told.offer(&self.connection).await
    }

    /// Takes the answer, and waits until packets may flow.
    pub async fn accept(&mut self, answer: String) {
        let answer = RTCSessionDescription::answer(answer).unwrap();
        self.connection.set_remote_description(answer).await.unwrap();
        self.told.connected().await;
    }

    /// What came, once `wanted` accepts it.
    pub async fn came(&mut self, wanted: impl Fn(&[Came]) -> bool) -> Vec<Came> {
        let came = tokio::time::timeout(PATIENCE, self.came.wait_for(|all| wanted(all))).await;
        came.unwrap_or_else(|_| panic!("what was waited for came in time")).unwrap().clone()
    }
}
