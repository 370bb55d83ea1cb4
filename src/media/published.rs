//! What one participant sends: a source for each of its microphone, camera and screen, which outlives a reload, and what fills it at
//! present.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::choosing::Pausing;
use super::common::Common;
use super::gate::Gate;
use super::news::News;
use super::peer::Publishing;
use super::reports::Report;
use super::source::{Feed, Source, Whose};
use super::tally::Tally;
use crate::domain::ids::ParticipantId;
use crate::domain::room::relay::{MediaKind, SourceName};

/// The kind of a section, and its place among those of this kind: the camera after a reload is the same source.
type Ordinal = (MediaKind, usize);

/// The sources of one seat.
pub(super) struct Published {
    common: Arc<Common>,
    owner: ParticipantId,
    gate: Arc<Gate>,
    /// Who watches one of the sources, or which layer, has changed.
    watched: Arc<Notify>,
    sources: BTreeMap<Ordinal, Arc<Source>>,
    filled: HashMap<Ordinal, Filled>,
    /// Packets of the microphone and of the camera, when they were counted last.
    measured: [u64; 2],
}

/// What fills a source.
struct Filled {
    /// The section.
    mid: String,
    source: Arc<Source>,
    tally: Arc<Tally>,
    /// Which layers the browser was told to send, of a picture.
    pausing: Option<Pausing>,
    /// Ends the feed's requests for keyframes.
    stop: CancellationToken,
}

/// A section that begins to fill its source.
pub(super) struct Begun {
    pub(super) feed: Arc<Feed>,
    /// The source, where nobody knows it yet.
    pub(super) new: Option<Arc<Source>>,
    /// The section that filled it before.
    pub(super) former: Option<String>,
    /// Ends the feed's requests for keyframes.
    pub(super) stop: CancellationToken,
}

impl Published {
    /// Nothing yet; what comes passes `gate`.
    pub(super) fn new(common: Arc<Common>, owner: ParticipantId, gate: Arc<Gate>) -> Self {
        let (watched, measured) = (Arc::default(), Default::default());
        Self { common, owner, gate, watched, sources: BTreeMap::new(), filled: HashMap::new(), measured }
    }

    /// Tells when who watches, or which layer, has changed.
    pub(super) fn watched(&self) -> Arc<Notify> {
        Arc::clone(&self.watched)
    }

    /// A track begins in the section `mid` of those in which the browser sends; `None` where nobody wants it. `stop` ends with the
    /// connection.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        mid: &str,
        sections: &[Publishing],
        stop: CancellationToken,
    ) -> Option<Begun> {
        let section = sections.iter().find(|section| section.mid == mid)?;
        let same_kind = sections.iter().filter(|other| other.kind == section.kind);
        let ordinal = (section.kind, same_kind.take_while(|other| other.mid != mid).count());
        let name = SourceName::of(section.kind, ordinal.1)?;
        let known = self.sources.get(&ordinal).cloned();
        let is_new = known.is_none();
        let source = known.unwrap_or_else(|| {
            let whose = Whose { number: self.common.number(), owner: self.owner, kind: section.kind, name };
            Source::new(now, whose, Arc::clone(&self.gate), Arc::clone(&self.watched))
        });
        let tally = Arc::new(Tally::default());
        let feed = Arc::new(Feed {
            number: u32::try_from(self.common.number() & 0xffff_ffff).expect("masked to 32 bits"),
            source: Arc::clone(&source),
            payload_types: section.payload_types.clone(),
            rids: section.rids.clone(),
            level_extension: section.level_extension,
            tally: Arc::clone(&tally),
            counters: Arc::clone(&self.common.counters),
        });
        source.set_offered(section.rids.len());
        let pausing = (section.kind == MediaKind::Video).then(Pausing::default);
        let (mid, fills) = (mid.to_owned(), Arc::clone(&source));
        let filled = Filled { mid: mid.clone(), source: fills, tally, pausing, stop: stop.clone() };
        let former = self.filled.insert(ordinal, filled).map(|former| {
            former.stop.cancel();
            former.mid
        });
        if is_new {
            self.sources.insert(ordinal, Arc::clone(&source));
        }
        let former = former.filter(|former| *former != mid);
        Some(Begun { feed, new: is_new.then_some(source), former, stop })
    }

    /// What still comes in a section that was stopped is nobody's: the voice is in another one, or in none. The sections of which
    /// nobody wants anything any more.
    pub(super) fn end_stopped(&mut self, sections: &[Publishing]) -> Vec<String> {
        let is_stopped = |mid: &str| !sections.iter().any(|section| section.mid == mid);
        let stopped = self.filled.extract_if(|_, filled| is_stopped(&filled.mid));
        stopped
            .map(|(_, filled)| {
                filled.stop.cancel();
                filled.mid
            })
            .collect()
    }

    /// After a reload without the shared screen there is no second camera any more. The sources that ended.
    pub(super) fn end_missing(&mut self, sections: &[Publishing]) -> Vec<u64> {
        let count = |kind: MediaKind| sections.iter().filter(|section| section.kind == kind).count();
        let missing = self.sources.extract_if(.., |(kind, order), _| *order >= count(*kind));
        missing
            .map(|(_, source)| {
                source.end();
                source.number
            })
            .collect()
    }

    /// There is no connection at present. The sources stay.
    pub(super) fn rest(&mut self) {
        self.filled.clear();
        self.measured = Default::default();
    }

    /// A whole picture is wanted of each source.
    pub(super) fn request_keyframes(&self) {
        self.sources.values().for_each(|source| source.request_keyframe());
    }

    /// The browser reported one of its streams.
    pub(super) fn report(&self, report: Report) {
        self.sources.values().for_each(|source| source.report(report));
    }

    /// Packets of the microphone and of the camera that came since this was asked last.
    pub(super) fn measure(&mut self) -> (u64, u64) {
        let mut now = [0; 2];
        for filled in self.filled.values() {
            match filled.source.name {
                SourceName::Microphone => now[0] += filled.tally.sum(),
                SourceName::Camera => now[1] += filled.tally.sum(),
                SourceName::Screen => {}
            }
        }
        let before = std::mem::replace(&mut self.measured, now);
        let [microphone, camera] = [0, 1].map(|at| now[at].saturating_sub(before[at]));
        (microphone, camera)
    }

    /// Which layers of its sections the browser should send, where that is news.
    pub(super) fn look(&mut self, now: Instant) -> Vec<News> {
        let told = self.filled.values_mut().filter_map(|Filled { mid, source, pausing, .. }| {
            let layers = pausing.as_mut()?.look(now, source)?;
            Some(News::Layers { mid: mid.clone(), name: source.name, layers })
        });
        told.collect()
    }
}
