//! One participant's seat, as a task: it owns the connection, if there is one, and sees nobody else.
//!
//! Negotiating takes time and may fail; that it happens here means that it delays and harms only this participant.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::arriving::Arriving;
use super::choosing::{self, Chooser};
use super::common::Common;
use super::engine::Transport;
use super::gate::Gate;
use super::instant;
use super::news::{News, Notice, Said};
use super::offer::Offer;
use super::peer::Peer;
use super::published::{Begun, Published};
use super::reports::Report;
use crate::domain::codec::Codec;
use crate::domain::ids::ParticipantId;
use crate::domain::room::relay::{MediaKind, MediaState, OfferRefusal};

/// How often the upstream is measured: a silent microphone is told within 3.5 s.
const MEASURE: Duration = Duration::from_millis(500);
/// How often a browser is told which moments the timestamps of its streams mean: it needs that to show lips and voice
/// together.
const REPORT: Duration = Duration::from_secs(1);
/// Looking more often than this at who is silent tells nothing.
const LEAST_LOOK: Duration = Duration::from_millis(10);

/// A seat.
pub(super) struct Seat {
    common: Arc<Common>,
    participant: ParticipantId,
    /// It is one of those that are kept for called patients and for staff.
    is_kept: bool,
    /// Tells this seat from an earlier one of the same participant.
    number: u64,
    gate: Arc<Gate>,
    news: mpsc::Sender<Notice>,
    stop: CancellationToken,
    peer: Option<Peer>,
    published: Published,
    chooser: Chooser,
    arriving: Arriving,
    camera: Codec,
    state: Option<MediaState>,
}

impl Seat {
    pub(super) fn new(
        common: Arc<Common>,
        (participant, is_kept): (ParticipantId, bool),
        number: u64,
        gate: Arc<Gate>,
        news: mpsc::Sender<Notice>,
        stop: CancellationToken,
    ) -> Self {
        let published = Published::new(Arc::clone(&common), participant, Arc::clone(&gate));
        Self {
            common,
            participant,
            is_kept,
            number,
            gate,
            news,
            stop,
            peer: None,
            published,
            chooser: Chooser::new(instant::now()),
            arriving: Arriving::new(instant::now()),
            camera: Codec::Vp8,
            state: None,
        }
    }

    /// Serves the seat until it is taken away.
    pub(super) async fn run(mut self, mut said: mpsc::Receiver<Said>) {
        // As long as there is this seat, its owner may come through our TURN server.
        let _admission = self.common.turn.as_ref().map(|turn| turn.admit(self.participant, self.is_kept));
        let mut look = tokio::time::interval((self.common.config.silence / 8).max(LEAST_LOOK));
        let mut measure = tokio::time::interval(MEASURE);
        let mut report = tokio::time::interval(REPORT);
        let mut choose = tokio::time::interval(choosing::LOOK);
        choose.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watched = self.published.watched();
        let stop = self.stop.clone();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                said = said.recv() => match said {
                    Some(Said::Offer { offer_id, fresh, sdp }) => self.offered(offer_id, fresh, &sdp).await,
                    Some(Said::View(heights)) => {
                        self.chooser.show(heights);
                        self.choose().await;
                    }
                    Some(Said::Unheard(mids)) => self.arriving.hear(mids),
                    Some(Said::Camera(codec)) => self.camera = codec,
                    None => break,
                },
                event = next_event(self.peer.as_mut()) => self.handle(event).await,
                _ = look.tick() => self.look().await,
                _ = measure.tick() => self.measure().await,
                _ = report.tick() => self.report(),
                _ = choose.tick() => self.choose().await,
                () = watched.notified() => self.pause().await,
            }
        }
        let was_connected = self.peer.is_some();
        self.peer = None;
        self.tell(News::Left { was_connected }).await;
    }

    async fn offered(&mut self, offer_id: u64, fresh: bool, sdp: &str) {
        // Who was taken out meanwhile wants no connection any more.
        let Some(_place) = self.stop.run_until_cancelled(self.common.builders.place(self.is_kept)).await else {
            return;
        };
        let answered = match Offer::parse(sdp) {
            Ok(offer) => self.answer(&offer, fresh).await,
            Err(reason) => Err(reason),
        };
        match answered {
            Ok(sdp) => {
                let sections = self.peer.as_ref().map(|peer| peer.receiving.clone()).unwrap_or_default();
                let ability = self.peer.as_ref().map(Peer::ability).unwrap_or_default();
                self.tell(News::Answered { offer_id, sdp, sections, ability }).await;
                self.end_stopped().await;
                // An ICE restart may have cost packets of a picture.
                self.published.request_keyframes();
                self.look().await;
            }
            Err(reason) => self.tell(News::Refused { offer_id, reason }).await,
        }
    }

    async fn answer(&mut self, offer: &Offer, fresh: bool) -> Result<String, OfferRefusal> {
        // A new certificate is a new `RTCPeerConnection`, whatever the browser says.
        let same = self.peer.as_mut().filter(|peer| !fresh && peer.fingerprint == offer.fingerprint);
        match same {
            Some(peer) => negotiate(self.participant, peer, offer, self.camera),
            None => self.begin(offer).await,
        }
    }

    /// Answers with a new connection. The one before goes on until the answer is there, and beyond when there is none.
    async fn begin(&mut self, offer: &Offer) -> Result<String, OfferRefusal> {
        let stop = self.stop.child_token();
        let built = Peer::build(instant::now(), &self.common, offer, Arc::clone(&self.gate), stop);
        let mut peer = built.map_err(|error| {
            tracing::warn!(participant.id = %self.participant, %error, "a peer connection could not be built");
            OfferRefusal::Internal
        })?;
        let sdp = negotiate(self.participant, &mut peer, offer, self.camera)?;
        self.detach().await;
        self.arriving.hear(Vec::new());
        self.peer = Some(peer);
        Ok(sdp)
    }

    async fn handle(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Track(mid) => self.feed(&mid).await,
            PeerEvent::Wish(ssrc) => {
                let sections = self.peer.as_ref().map(|peer| peer.receiving.as_slice()).unwrap_or_default();
                if let Some(source) =
                    sections.iter().find(|section| section.leg.ssrc == ssrc).and_then(|section| section.leg.source())
                {
                    source.request_keyframe();
                }
            }
            PeerEvent::Report(report) => self.published.report(report),
            PeerEvent::Transport => {
                if self.peer.as_ref().is_some_and(|peer| *peer.transport.borrow() == Transport::Up) {
                    // Nobody's first picture should have to wait for its sender's next keyframe.
                    let sections = self.peer.iter().flat_map(|peer| &peer.receiving);
                    sections.filter_map(|section| section.leg.source()).for_each(|source| source.request_keyframe());
                }
                self.look().await;
            }
        }
    }

    /// Joins a new track to its source.
    async fn feed(&mut self, mid: &str) {
        let Some(peer) = &self.peer else { return };
        let (core, stop) = (Arc::clone(&peer.foothold.core), peer.foothold.stop.child_token());
        let begun = self.published.begin(instant::now(), mid, &peer.publishing, stop);
        let Some(Begun { feed, new, former, stop }) = begun else { return core.shut(mid) };
        if let Some(former) = former {
            core.shut(&former);
        }
        // First those who watch, then what they see: a stream begins with its keyframe.
        if let Some(source) = new {
            self.tell(News::SourceUp(source)).await;
        }
        core.attach(instant::now(), mid, &feed);
        if feed.source.kind == MediaKind::Video {
            self.common.tracker.spawn(feed.ask_for_keyframes(core, stop));
        }
    }

    /// Something else was agreed on: ends what fills sources, and the sources, that have no section any more.
    async fn end_stopped(&mut self) {
        let sections = self.peer.as_ref().map(|peer| peer.publishing.as_slice()).unwrap_or_default();
        let (stopped, missing) = (self.published.end_stopped(sections), self.published.end_missing(sections));
        for mid in stopped {
            if let Some(peer) = &self.peer {
                peer.foothold.core.shut(&mid);
            }
        }
        for number in missing {
            self.tell(News::SourceDown(number)).await;
        }
    }

    /// Compares what is with what was told last.
    async fn look(&mut self) {
        let Some(peer) = &self.peer else { return };
        let silent = peer.foothold.port.silent_for(instant::now());
        let transport = *peer.transport.borrow();
        let state = if silent >= self.common.config.give_up || transport == Transport::Broken {
            MediaState::Closed
        } else if transport == Transport::Dead || silent >= self.common.config.silence {
            MediaState::Interrupted
        } else if transport == Transport::Up {
            MediaState::Connected
        } else {
            MediaState::Connecting
        };
        if state == MediaState::Closed {
            self.detach().await;
        }
        if self.state.replace(state) != Some(state) {
            self.tell(News::State(state)).await;
        }
    }

    async fn measure(&mut self) {
        let packets = self.published.measure();
        if self.state == Some(MediaState::Connected) {
            self.tell(News::Upstream { packets }).await;
        }
    }

    fn report(&self) {
        if let Some(peer) = &self.peer {
            peer.report(instant::now());
        }
    }

    /// Aims the legs at layers, and says which of the own layers nobody watches, and what does not arrive.
    async fn choose(&mut self) {
        let Some(peer) = &self.peer else { return };
        let now = instant::now();
        let seen = self.chooser.look(now, &peer.path, &peer.receiving);
        let misses = if self.state == Some(MediaState::Connected) {
            self.arriving.look(now, peer.foothold.port.silent_for(now), &peer.receiving)
        } else {
            self.arriving.rest()
        };
        if let Some(missed) = misses {
            self.tell(News::Misses(missed)).await;
        }
        if seen.darkened {
            self.tell(News::Darkened).await;
        }
        if let Some(is_drowned) = seen.drowned {
            self.tell(News::Drowned(is_drowned)).await;
        }
        self.pause().await;
    }

    async fn pause(&mut self) {
        for news in self.published.look(instant::now()) {
            self.tell(news).await;
        }
    }

    /// Closes the connection; the seat and its sources stay.
    async fn detach(&mut self) {
        if let Some(peer) = self.peer.take() {
            self.tell(News::Detached).await;
            drop(peer);
            if let Some(missed) = self.arriving.rest() {
                self.tell(News::Misses(missed)).await;
            }
            self.published.rest();
            self.state = None;
        }
    }

    /// The switchboard never waits for a seat, so a seat may wait for it.
    async fn tell(&self, news: News) {
        let _ = self.news.send((self.participant, self.number, news)).await;
    }
}

/// The answer of a connection to an offer of its browser.
fn negotiate(
    participant: ParticipantId,
    peer: &mut Peer,
    offer: &Offer,
    camera: Codec,
) -> Result<String, OfferRefusal> {
    let uses = offer.uses(&peer.uses)?;
    peer.answer(instant::now(), offer, uses, camera).map_err(|error| {
        tracing::info!(participant.id = %participant, %error, "the engine refused an offer");
        OfferRefusal::Malformed
    })
}

/// Something that a connection reports.
enum PeerEvent {
    /// Its section.
    Track(String),
    Wish(u32),
    Report(Report),
    Transport,
}

/// Waits for the connection's next report; for ever when there is none.
async fn next_event(peer: Option<&mut Peer>) -> PeerEvent {
    let Some(peer) = peer else { return pending().await };
    tokio::select! {
        Some(mid) = peer.tracks.recv() => PeerEvent::Track(mid),
        Some(ssrc) = peer.wishes.recv() => PeerEvent::Wish(ssrc),
        Some(report) = peer.reports.recv() => PeerEvent::Report(report),
        Ok(()) = peer.transport.changed() => PeerEvent::Transport,
        else => pending().await,
    }
}
