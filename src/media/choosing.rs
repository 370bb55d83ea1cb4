//! Both ends of simulcast, several times a second: which layer each of a participant's sections carries, and which layers
//! its own browser need not send because nobody watches.
//!
//! What is right is decided in [`crate::domain::room::layers`]; here it is measured and carried out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::bandwidth::PathMeter;
use super::layer::LAYERS;
use super::peer::Section;
use super::source::{Source, bit};
use crate::domain::room::drowning::Drowning;
use crate::domain::room::layers::{self, Budget, Layer, Picture};
use crate::domain::room::relay::MediaKind;

/// How often it is looked.
pub(super) const LOOK: Duration = Duration::from_millis(250);
/// A layer that nobody watches is sent a little longer: whoever turns a page comes back.
const UNWATCHED: Duration = Duration::from_secs(2);
/// What the layers of a camera are taken for until they were seen: pixels and bits a second.
const EXPECTED: [(u16, u32); LAYERS] = [(180, 150_000), (360, 500_000), (720, 1_500_000)];

/// What is news of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// A picture went dark or came back for want of room.
    pub(super) darkened: bool,
    /// The sound alone is too much, or passes again.
    pub(super) drowned: Option<bool>,
}

/// What one participant's sections carry.
#[derive(Debug)]
pub(super) struct Chooser {
    born: Instant,
    budget: Budget,
    drowning: Drowning,
    /// The height in which each section is shown, in pixels, once its browser has said it.
    shown: Option<HashMap<String, u16>>,
}

impl Chooser {
    pub(super) fn new(now: Instant) -> Self {
        Self { born: now, budget: Budget::default(), drowning: Drowning::default(), shown: None }
    }

    /// The browser says how large it shows each section; others are not shown.
    pub(super) fn show(&mut self, heights: Vec<(String, u16)>) {
        self.shown = Some(heights.into_iter().collect());
    }

    /// Aims every leg.
    pub(super) fn look(&mut self, now: Instant, path: &PathMeter, sections: &[Section]) -> Seen {
        let since = now.saturating_duration_since(self.born);
        let path = path.look(now);
        if let Some(path) = path {
            self.budget.observe(since, path);
        }
        let drowned = self.drowning.observe(since, path);
        let carrying = sections.iter().filter(|section| section.leg.kind == MediaKind::Video);
        let carrying: Vec<_> = carrying.filter_map(|section| Some((section, section.leg.source()?))).collect();
        let pictures: Vec<_> = carrying.iter().map(|(section, source)| self.picture(now, section, source)).collect();
        // Sound first: what it takes is not there for pictures.
        let sound = sections.iter().filter(|section| section.leg.kind == MediaKind::Audio);
        let sound: u64 =
            sound.filter_map(|section| Some(u64::from(section.leg.source()?.layers[0].rate()).max(20_000))).sum();
        let mut chosen = vec![None; pictures.len()];
        // Where the sound alone is too much nothing is left for a picture, and none is tried.
        if !self.drowning.is_drowned() {
            chosen = layers::share(self.budget.bits().saturating_sub(sound), &pictures);
            if let Some(bits) = layers::to_light(&chosen, &pictures) {
                self.budget.try_for(since, bits + sound);
                chosen = layers::share(self.budget.bits().saturating_sub(sound), &pictures);
            }
        }
        let mut darkened = false;
        for (((section, _), picture), layer) in carrying.iter().zip(&pictures).zip(chosen) {
            if picture.shown > 0 && !picture.layers.iter().any(|layer| layer.is_there) {
                // Nothing comes at all: whatever comes first is welcome.
                continue;
            }
            section.leg.aim(layer);
            darkened |= section.leg.set_dark(layer.is_none() && picture.shown > 0);
        }
        Seen { darkened, drowned }
    }

    fn picture(&self, now: Instant, section: &Section, source: &Source) -> Picture {
        // Who says nothing about tiles is shown everything as large as it is.
        let shown = self.shown.as_ref().map_or(u16::MAX, |shown| shown.get(&section.mid).copied().unwrap_or(0));
        let offered = source.offered();
        let expected = &EXPECTED[LAYERS - offered.len()..];
        let layers = offered.iter().zip(expected).map(|(layer, (height, rate))| Layer {
            height: layer.height().unwrap_or(*height),
            rate: if layer.rate() == 0 { *rate } else { layer.rate() },
            is_there: layer.is_there(now),
        });
        Picture { shown, layers: layers.collect() }
    }
}

/// Which layers one source's browser was told to send.
#[derive(Debug, Default)]
pub(super) struct Pausing {
    told: Option<u8>,
    /// Since when each layer is not watched.
    unwatched: [Option<Instant>; LAYERS],
}

impl Pausing {
    /// The layers to tell the browser now, from small to large, if that is news.
    pub(super) fn look(&mut self, now: Instant, source: &Source) -> Option<Vec<u8>> {
        let wanted = source.wanted();
        let count = source.offered().len();
        let all = (0..count).fold(0, |all, layer| all | bit(layer));
        let told = self.told.unwrap_or(all) & all;
        let mut next = 0;
        for layer in 0..count {
            if wanted & bit(layer) != 0 {
                self.unwatched[layer] = None;
                next |= bit(layer);
            } else if now.saturating_duration_since(*self.unwatched[layer].get_or_insert(now)) < UNWATCHED {
                next |= told & bit(layer);
            }
        }
        for (at, layer) in source.offered().iter().enumerate() {
            layer.set_asked(now, next & bit(at) != 0);
        }
        // The first word is always said: one to the connection before may come after the new one began.
        if self.told == Some(next) {
            return None;
        }
        self.told = Some(next);
        Some((0..count).filter(|layer| next & bit(*layer) != 0).filter_map(|at| u8::try_from(at).ok()).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use rtc::rtp::{Header, Packet};
    use tokio::sync::Notify;
    use uuid::Uuid;

    use super::*;
    use crate::domain::codec::Codec;
    use crate::domain::ids::ParticipantId;
    use crate::domain::room::relay::{Permit, SourceName};
    use crate::media::bandwidth::Fate;
    use crate::media::counters::Counters;
    use crate::media::egress::{Egress, Nowhere};
    use crate::media::gate::Gate;
    use crate::media::instant;
    use crate::media::leg::Leg;
    use crate::media::payload_types::PayloadTypes;
    use crate::media::source::{Origin, Whose};

    fn camera(now: Instant, layers: usize) -> Arc<Source> {
        let owner = ParticipantId::from_uuid(Uuid::from_u128(1));
        let whose = Whose { number: 1, owner, kind: MediaKind::Video, name: SourceName::Camera };
        let source = Source::new(now, whose, Arc::new(Gate::new(Permit::ALL)), Arc::new(Notify::new()));
        source.set_offered(layers);
        source
    }

    fn section(mid: &str) -> Section {
        let open = Arc::new(AtomicBool::new(true));
        let (gate, counters) = (Arc::new(Gate::new(Permit::ALL)), Arc::new(Counters::new()));
        let egress = Egress::new(instant::now(), Box::new(Nowhere), Arc::clone(&gate), PathMeter::default());
        let (leg, _) = Leg::new(7, MediaKind::Video, open, gate, egress, counters);
        Section { mid: mid.to_owned(), leg }
    }

    fn flow(source: &Source, from: Instant, millis: u64) {
        for at in (0..millis).step_by(20) {
            for (ssrc, layer) in source.offered().iter().enumerate() {
                layer.hear(from + Duration::from_millis(at), 1 + u32::try_from(ssrc).expect("small"), 500);
            }
        }
    }

    #[test]
    fn a_layer_that_nobody_watches_is_paused_after_two_seconds_and_asked_for_at_once() {
        let start = instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let (source, section) = (camera(start, 3), section("4"));
        section.leg.carry(Some(&source));
        let (mut chooser, mut pausing) = (Chooser::new(start), Pausing::default());
        chooser.show(vec![("4".into(), 150)]);
        flow(&source, start, 500);
        chooser.look(at(500), &PathMeter::default(), std::slice::from_ref(&section));
        assert_eq!(pausing.look(at(500), &source), Some(vec![0, 1, 2]), "a new connection is told in any case");
        assert_eq!(pausing.look(at(2_400), &source), None, "not yet");
        assert_eq!(pausing.look(at(2_600), &source), Some(vec![0]));
        assert_eq!(pausing.look(at(2_700), &source), None, "said once");
        chooser.show(vec![("4".into(), 700)]);
        chooser.look(at(3_000), &PathMeter::default(), std::slice::from_ref(&section));
        assert_eq!(pausing.look(at(3_001), &source), Some(vec![0, 2]), "a large tile wants the large one");
        chooser.show(Vec::new());
        chooser.look(at(3_500), &PathMeter::default(), std::slice::from_ref(&section));
        assert_eq!(section.leg.wants(), 0, "nothing is shown");
        pausing.look(at(4_000), &source);
        assert_eq!(pausing.look(at(6_100), &source), Some(vec![]), "nobody watches at all");
    }

    #[test]
    fn a_tile_that_grows_costs_no_time_here_its_publisher_is_told_at_once_and_the_first_frame_is_shown() {
        const WHOLE: u8 = 0x50;
        const PART: u8 = 0x51;
        let start = instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let (source, section) = (camera(start, 3), section("4"));
        let mut types = PayloadTypes::default();
        types.insert(96, Codec::Vp8);
        section.leg.settle(types, None);
        section.leg.carry(Some(&source));
        let (mut chooser, mut pausing) = (Chooser::new(start), Pausing::default());
        let mut look = |millis: u64, height: u16| {
            chooser.show(vec![("4".into(), height)]);
            chooser.look(at(millis), &PathMeter::default(), std::slice::from_ref(&section));
            pausing.look(at(millis), &source)
        };
        let mut sequence_number = 0;
        let mut shows = |millis: u64, layer: usize, first: u8| {
            sequence_number += 1;
            let header = Header { version: 2, payload_type: 96, sequence_number, ..Header::default() };
            let packet = Packet { header, payload: vec![0x10, first].into() };
            let origin = Origin { stream: 1 + u64::try_from(layer).expect("small"), layer, codec: Codec::Vp8 };
            section.leg.would_send(at(millis), &source, origin, &packet).is_some()
        };
        flow(&source, start, 2_600);
        for millis in (2_600..13_000).step_by(20) {
            source.layers[0].hear(at(millis), 1, 500);
        }
        look(500, 150);
        assert!(shows(500, 0, WHOLE));
        assert_eq!(look(2_600, 150), Some(vec![0]), "the others rest");

        assert_eq!(look(10_000, 700), Some(vec![0, 2]), "in the moment in which the tile is told");
        assert!(shows(10_050, 0, PART), "the small one goes on meanwhile");
        assert!(shows(10_120, 2, WHOLE), "the large one from its first frame on");
        assert!(!shows(10_121, 0, PART), "and the small one no longer");

        look(11_000, 0);
        assert_eq!(look(13_100, 0), Some(vec![]), "nothing is shown, and all rest");
        assert_eq!(look(20_000, 150), Some(vec![0]), "in the moment in which it is shown again");
        assert!(shows(20_060, 0, WHOLE));
    }

    #[test]
    fn nobody_who_drowns_is_sent_a_picture_however_long_and_who_is_dry_again_is() {
        let start = instant::now();
        let (source, section, path) = (camera(start, 3), section("4"), PathMeter::default());
        section.leg.carry(Some(&source));
        let mut chooser = Chooser::new(start);
        let mut said = Vec::new();
        // The voice alone: fifty packets a second of which three fifths are lost, then seventeen of sixty milliseconds.
        for (until, every, arrives) in [(60_000, 20, 2), (90_000, 60, 5)] {
            let from = if every == 20 { 0 } else { 60_000 };
            for at in (from..until).step_by(every) {
                let left = start + Duration::from_millis(at);
                let arrived =
                    (at / u64::try_from(every).expect("small") % 5 < arrives).then(|| Duration::from_millis(at));
                path.learn(left, std::iter::once(Fate { left, arrived, bytes: 120 }));
                flow(&source, left, 1);
                if at % 240 == 0 {
                    let seen = chooser.look(left, &path, std::slice::from_ref(&section));
                    said.extend(seen.drowned.map(|is_drowned| (at / 1_000, is_drowned)));
                    let is_drowned = said.last().is_some_and(|(_, is_drowned)| *is_drowned);
                    assert!(!is_drowned || section.leg.wants() == 0, "a picture at {at}");
                }
            }
        }
        assert_eq!(said, [(1, true), (72, false)], "a voice in few packets is enough to see that it is dry");
        assert_ne!(section.leg.wants(), 0, "and a picture is tried");
    }

    #[test]
    fn a_layer_that_was_asked_for_and_does_not_come_is_not_waited_for() {
        let start = instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let source = camera(start, 3);
        let section = section("4");
        section.leg.carry(Some(&source));
        let mut chooser = Chooser::new(start);
        flow(&source, start, 500);
        chooser.look(at(500), &PathMeter::default(), std::slice::from_ref(&section));
        assert_eq!(section.leg.wants(), bit(2));
        for millis in (500..2_000).step_by(20) {
            source.layers[0].hear(at(millis), 1, 500);
            source.layers[1].hear(at(millis), 2, 500);
        }
        chooser.look(at(2_000), &PathMeter::default(), std::slice::from_ref(&section));
        assert_eq!(section.leg.wants(), bit(1), "the largest stopped: the next one it is");
    }
}
