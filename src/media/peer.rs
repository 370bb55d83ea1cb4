//! One participant's peer connection: it answers offers, brings tracks, and holds the legs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rtc::shared::error::Result;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Reach};
use super::bandwidth::PathMeter;
use super::common::Common;
use super::core::Core;
use super::egress::Egress;
use super::engine::{Engine, Reports, Transport};
use super::feedback::Feedback;
use super::gate::Gate;
use super::instant;
use super::keys::Listener;
use super::leg::Leg;
use super::offer::{Offer, Use};
use super::payload_types::PayloadTypes;
use super::port::{Credentials, Port, PortWire};
use super::reports::{Report, ReportReader};
use super::settings;
use super::tap::{Caught, Tap};
use crate::domain::codec::Codec;
use crate::domain::room::codec::Ability;
use crate::domain::room::relay::MediaKind;

/// Tracks that may wait to be fetched; a browser sends a microphone, a camera and a screen.
const TRACKS: usize = 32;
/// Wishes for keyframes that may wait; they repeat themselves.
const WISHES: usize = 64;
/// Reports of the browser's own streams that may wait; they repeat themselves.
const REPORTS: usize = 16;

/// A receiving section and the leg behind it.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) mid: String,
    pub(super) leg: Arc<Leg>,
}

/// A section in which the browser sends.
#[derive(Debug)]
pub(super) struct Publishing {
    pub(super) mid: String,
    pub(super) kind: MediaKind,
    pub(super) payload_types: PayloadTypes,
    /// The names of its layers, from small to large; empty when there is one.
    pub(super) rids: Vec<String>,
    /// The number of the header extension that names the loudness.
    pub(super) level_extension: Option<u8>,
}

/// A connection's foothold on the port, given up by whoever drops it, be it a task that broke: its media ends at once, its
/// names and addresses are forgotten, and the browser is told.
pub(super) struct Foothold {
    common: Arc<Common>,
    pub(super) core: Arc<Core>,
    pub(super) port: Arc<Port>,
    /// Media may flow.
    open: Arc<AtomicBool>,
    /// Ends the tasks of this connection.
    pub(super) stop: CancellationToken,
}

impl Drop for Foothold {
    fn drop(&mut self) {
        self.open.store(false, Ordering::Release);
        self.port.close();
        self.stop.cancel();
        self.core.close(instant::now());
        self.common.mux.forget(&self.port);
        self.common.counters.connections.decrement(1);
    }
}

/// A peer connection. Whoever drops it ends it: its media at once, then its names and its credentials.
pub(super) struct Peer {
    pub(super) foothold: Foothold,
    /// How its downstream does.
    pub(super) path: PathMeter,
    egress: Arc<Egress>,
    /// Reads what the browser says of it, as long as there is this connection.
    _feedback: Arc<Feedback>,
    pub(super) fingerprint: String,
    browser_ufrag: String,
    /// How often the browser restarted ICE.
    restarts: u32,
    credentials: Credentials,
    far_end: Credentials,
    pub(super) uses: HashMap<String, Use>,
    gate: Arc<Gate>,
    /// Legs that were added to the engine; those of a failed offer wait here for the next one.
    legs: Vec<Arc<Leg>>,
    /// The SSRCs of legs that have had a section.
    paired: HashSet<u32>,
    pub(super) receiving: Vec<Section>,
    pub(super) publishing: Vec<Publishing>,
    negotiations: u64,
    pub(super) transport: watch::Receiver<Transport>,
    /// The section of each track that begins.
    pub(super) tracks: mpsc::Receiver<String>,
    pub(super) wishes: mpsc::Receiver<u32>,
    pub(super) reports: mpsc::Receiver<Report>,
}

impl Peer {
    /// Builds the connection that will answer `offer`.
    pub(super) fn build(
        now: Instant,
        common: &Arc<Common>,
        offer: &Offer,
        gate: Arc<Gate>,
        stop: CancellationToken,
    ) -> Result<Self> {
        let (credentials, far_end) = (common.credentials(), common.credentials());
        let port = Port::new(now, &common.mux, &credentials, &far_end);
        let (state, transport) = watch::channel(Transport::Connecting);
        let (new_tracks, tracks) = mpsc::channel(TRACKS);
        let (new_wishes, wishes) = mpsc::channel(WISHES);
        let (new_reports, reports) = mpsc::channel(REPORTS);
        let open = Arc::new(AtomicBool::new(false));
        let path = PathMeter::default();
        let wire = PortWire::new(Arc::clone(&common.mux), Arc::clone(&port));
        let egress = Egress::new(now, Box::new(wire), Arc::clone(&gate), path.clone());
        let reader = ReportReader::new(new_wishes, new_reports, Arc::clone(&egress));
        let feedback = Arc::new(Feedback::new(reader.clone()));
        port.read_reports_with(&feedback);
        let caught = Caught::default();
        let tap = Tap::new(reader, caught.clone());
        let crypto =
            Arc::new(Listener::new(Arc::clone(&common.mux.crypto), Arc::clone(&egress), Arc::clone(&feedback)));
        let connection = settings::build(now, &credentials, crypto, tap)?;
        let told = Reports { state, tracks: new_tracks, open: Arc::clone(&open) };
        let engine = Engine::new(connection, caught, &common.mux, &port, told);
        let core = Core::new(engine, &port, &common.timetable);
        common.mux.register(&credentials.ufrag, &credentials.password, &port);
        common.counters.connections.increment(1);
        Ok(Self {
            foothold: Foothold { common: Arc::clone(common), core, port, open, stop },
            path,
            egress,
            _feedback: feedback,
            fingerprint: offer.fingerprint.clone(),
            browser_ufrag: offer.ufrag.clone(),
            restarts: 0,
            credentials,
            far_end,
            uses: HashMap::new(),
            gate,
            legs: Vec::new(),
            paired: HashSet::new(),
            receiving: Vec::new(),
            publishing: Vec::new(),
            negotiations: 0,
            transport,
            tracks,
            wishes,
            reports,
        })
    }

    /// Answers an offer of this connection's browser, whose sections are for `uses` and whose camera should speak a codec.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        offer: &Offer,
        uses: HashMap<String, Use>,
        camera: Codec,
    ) -> Result<String> {
        self.add_legs(offer, &uses)?;
        self.negotiations += 1;
        let layered = self.publishing.iter().map(|known| (known.mid.clone(), known.rids.clone())).collect();
        let text = offer.for_engine(&uses, &self.far_end, self.negotiations, &layered);
        let answer = self.foothold.core.negotiate(now, text)?;
        let answer = Answer::parse(&answer);
        if offer.ufrag != self.browser_ufrag {
            // An ICE restart. RFC 8445, section 9: both sides take new credentials. The old ones stay valid until the
            // next restart, because checks under them are still on their way.
            self.credentials = self.foothold.common.credentials();
            self.foothold.common.mux.register(&self.credentials.ufrag, &self.credentials.password, &self.foothold.port);
            self.restarts = self.restarts.saturating_add(1);
            self.browser_ufrag.clone_from(&offer.ufrag);
        }
        let Foothold { common, port, .. } = &self.foothold;
        port.know(now, &common.mux, &offer.ufrag, &offer.password);
        self.uses = uses;
        self.note_sections(offer, &answer);
        let addresses = self.foothold.common.config.announced();
        let reach = Reach { addresses: &addresses, credentials: &self.credentials, restarts: self.restarts };
        Ok(answer.for_browser(offer, &self.uses, reach, camera))
    }

    /// Gives the engine one track for each receiving section that has none; it pairs them in order.
    fn add_legs(&mut self, offer: &Offer, uses: &HashMap<String, Use>) -> Result<()> {
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let new = offer.sections.iter().filter(|section| {
                section.kind == Some(kind)
                    && uses.get(&section.mid) == Some(&Use::Receives)
                    && !self.uses.contains_key(&section.mid)
            });
            let spare = self.legs.iter().filter(|leg| leg.kind == kind && !self.paired.contains(&leg.ssrc)).count();
            for _ in spare..new.count() {
                let (open, gate) = (Arc::clone(&self.foothold.open), Arc::clone(&self.gate));
                let (egress, counters) = (Arc::clone(&self.egress), Arc::clone(&self.foothold.common.counters));
                let (leg, track) = Leg::new(self.foothold.common.ssrc(), kind, open, gate, egress, counters);
                self.foothold.core.add_track(track)?;
                self.legs.push(leg);
            }
        }
        Ok(())
    }

    fn note_sections(&mut self, offer: &Offer, answer: &Answer<'_>) {
        let used = |mid: &String, usage: Use| self.uses.get(mid) == Some(&usage);
        self.receiving = offer
            .carried()
            .filter(|(section, _)| used(&section.mid, Use::Receives))
            .filter_map(|(section, _)| {
                let outgoing = answer.outgoing(&section.mid)?;
                let leg = self.legs.iter().find(|leg| leg.ssrc == outgoing.ssrc)?;
                // A number is the browser's own, whatever the engine knows of it.
                leg.settle(section.payload_types(), outgoing.wide);
                Some(Section { mid: section.mid.clone(), leg: Arc::clone(leg) })
            })
            .collect();
        self.paired.extend(self.receiving.iter().map(|section| section.leg.ssrc));
        self.publishing = offer
            .carried()
            .filter(|(section, _)| used(&section.mid, Use::Publishes))
            .map(|(section, kind)| Publishing {
                mid: section.mid.clone(),
                kind,
                payload_types: section.payload_types(),
                rids: section.rids().to_vec(),
                level_extension: section.level_extension(),
            })
            .collect();
    }

    /// What its browser can do with pictures.
    pub(super) fn ability(&self) -> Ability {
        let mut shown = self.receiving.iter().filter(|section| section.leg.kind == MediaKind::Video).peekable();
        let shows_h264 = shown.peek().is_some() && shown.all(|section| section.leg.takes(Codec::H264));
        let camera = self.publishing.iter().find(|section| section.kind == MediaKind::Video);
        let codecs = camera.into_iter().flat_map(|section| section.payload_types.codecs());
        let camera = codecs.filter(|codec| codec.kind() == MediaKind::Video);
        Ability { shows_h264, camera: camera.collect() }
    }

    /// Tells the browser what was sent to it so far.
    pub(super) fn report(&self, now: Instant) {
        for section in &self.receiving {
            if let Some(report) = section.leg.report(now) {
                self.foothold.core.say(now, vec![Box::new(report)]);
            }
        }
    }
}
