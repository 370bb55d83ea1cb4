//! One participant's sound and pictures on their way into files.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::mem::take;
use std::time::Duration;

use super::frame::{Built, Frames, keyframe_size, split};
use super::order::Order;
use super::timeline::{SenderClock, Timeline};
use super::webm::{self, Block, PICTURES, SOUND};
use super::{CLUSTER, Filmed, Gap, GapCause, Piece, RecordedCodec, RecordedPacket, RecordedReport};
use crate::domain::codec::clock_rate;

/// Pictures that come within this time belong into the same file as the sound.
const PATIENCE: Duration = Duration::from_millis(900);
/// A stream's first packets wait so long for the report that says when they were seen or heard; a browser sends that of its
/// pictures after half a second. The first packets of all come late, so without a report the quickest of this time counts.
const UNREPORTED: Duration = Duration::from_millis(600);
/// A stream that is silent for so long gives way to another.
const SILENT: Duration = Duration::from_secs(1);
/// Who is silent, or has muted themselves, still sends a packet every 400 ms (RFC 7587, 3.1.3): where none came for so long,
/// something is missing. Of pictures that is not so: a camera that is off sends nothing.
const PAUSE: Duration = Duration::from_secs(2);
/// Streams whose reports are kept; a hostile participant invents more.
const STREAMS: usize = 16;

/// A packet that waits for its turn.
#[derive(Debug)]
enum Waiting {
    Packet {
        timestamp: u32,
        marker: bool,
        payload: Vec<u8>,
    },
    /// It was sent and may not be recorded; nothing of it is here.
    Withheld,
}

/// One of the two tracks.
#[derive(Debug)]
struct Track {
    codec: RecordedCodec,
    stream: Option<u64>,
    /// Nothing of the stream is in a block yet.
    is_new: bool,
    begun: Duration,
    heard: Duration,
    order: Order<Waiting>,
    frames: Frames,
    /// Where the last block was, in milliseconds.
    newest: Option<u64>,
    /// What is missing since when, until the next block says how long.
    missing: Option<(u64, GapCause)>,
    width: u16,
}

impl Track {
    fn new(codec: RecordedCodec) -> Self {
        let (order, frames) = (Order::default(), Frames::default());
        let (begun, heard) = (Duration::ZERO, Duration::ZERO);
        Self { codec, stream: None, is_new: true, begun, heard, order, frames, newest: None, missing: None, width: 0 }
    }

    /// Something is missing from its last block on, if nothing is already.
    fn miss(&mut self, cause: GapCause) {
        self.missing.get_or_insert((self.newest.unwrap_or(0), cause));
    }

    /// Whether its first packets still wait for the report that says when they were seen or heard.
    fn is_unreported(&self, at: Duration, line: &Timeline) -> bool {
        self.is_new && !line.is_reported() && at.saturating_sub(self.begun) < UNREPORTED
    }
}

/// Which connection's section a stream came in; a later one is greater.
const fn feed(stream: u64) -> u64 {
    stream >> 32
}

fn ssrc(stream: u64) -> u32 {
    u32::try_from(stream & 0xffff_ffff).expect("masked to 32 bits")
}

/// The recording of one participant.
#[derive(Debug)]
pub struct Tape {
    filmed: Filmed,
    tracks: [Track; 2],
    /// By SSRC: reports know no connection.
    lines: BTreeMap<u32, Timeline>,
    clock: SenderClock,
    blocks: Vec<Block>,
    gaps: Vec<Gap>,
    /// Sound came since the person's connection began, so it is missed when it ends.
    is_voiced: bool,
    /// Since when nothing came at all, until the next block says how long.
    away: Option<u64>,
    size: Option<(u16, u16)>,
    /// Whether a part is open, and whether it has sound and pictures.
    part: Option<(bool, bool)>,
    since: Option<Duration>,
    wants_keyframe: bool,
    is_withdrawn: bool,
}

impl Default for Tape {
    fn default() -> Self {
        Self {
            filmed: Filmed::Person,
            tracks: [Track::new(RecordedCodec::Opus), Track::new(RecordedCodec::Vp8)],
            lines: BTreeMap::new(),
            clock: SenderClock::default(),
            blocks: Vec::new(),
            gaps: Vec::new(),
            is_voiced: false,
            away: None,
            size: None,
            part: None,
            since: None,
            wants_keyframe: false,
            is_withdrawn: false,
        }
    }
}

impl Tape {
    /// A tape of so much of a participant.
    pub fn of(filmed: Filmed) -> Self {
        Self { filmed, ..Self::default() }
    }

    /// Takes a packet that arrived `at` after the beginning of the recording.
    pub fn push(&mut self, at: Duration, packet: RecordedPacket<'_>) {
        self.line(ssrc(packet.stream), packet.codec).arrived(at, packet.timestamp);
        let of = usize::from(packet.codec == RecordedCodec::Vp8);
        let is_another = self.tracks[of].stream != Some(packet.stream);
        if is_another && !takes_over(&self.tracks[of], at, &packet) {
            return;
        }
        self.end_pause(at, of, &packet);
        if is_another {
            // What the former stream still holds was seen before.
            self.settle_track(of, Duration::MAX);
            let track = &mut self.tracks[of];
            if track.stream.is_none_or(|stream| feed(stream) != feed(packet.stream)) {
                track.width = 0;
            }
            (track.stream, track.is_new, track.begun) = (Some(packet.stream), true, at);
            (track.order, track.frames) = (Order::default(), Frames::default());
        }
        let track = &mut self.tracks[of];
        track.heard = at;
        let RecordedPacket { timestamp, marker, payload, .. } = packet;
        track.order.push(at, packet.sequence, Waiting::Packet { timestamp, marker, payload: payload.to_vec() });
        self.settle(at);
    }

    /// Notes what was missing before a packet that arrived `at`, where no number tells it: the sender sent nothing, or comes
    /// in another connection.
    fn end_pause(&mut self, at: Duration, of: usize, packet: &RecordedPacket<'_>) {
        // A screen has no sound, is still for minutes, and is shown when somebody likes.
        if self.filmed == Filmed::Screen {
            return;
        }
        let feeds = self.tracks.iter().filter_map(|track| track.stream.map(feed));
        let begins = feeds.max().is_some_and(|newest| newest < feed(packet.stream));
        let is_sound = packet.codec == RecordedCodec::Opus;
        let is_soundless = (is_sound || begins) && self.is_soundless();
        let heard = self.tracks[0].heard.max(self.tracks[1].heard);
        let is_away = at.saturating_sub(heard) >= PAUSE && (self.is_voiced || begins);
        self.is_voiced = is_sound || (self.is_voiced && !begins);
        if !is_away && !is_soundless {
            return;
        }
        // What came before the gap is to be in its blocks.
        self.settle(at);
        if is_soundless && is_sound {
            self.tracks[0].miss(GapCause::Lost);
        } else if is_soundless
            && self.tracks[0].missing.is_none()
            && let Some(from) = self.tracks[0].newest
        {
            // Whether the microphone is on in the new connection is not known.
            let to = self.tracks[1].newest.unwrap_or(from).max(from);
            self.gaps.push(Gap { codec: Some(RecordedCodec::Opus), from, to, cause: GapCause::Lost });
        }
        let track = &self.tracks[of];
        let is_told = track.stream == Some(packet.stream) && !track.order.is_next(packet.sequence);
        let is_missed = self.tracks.iter().any(|track| track.stream.is_some() && track.missing.is_none());
        if is_away && is_missed && !is_told {
            self.away = self.away.or(self.newest());
        }
    }

    /// Whether pictures went on to come without the sound that had come with them.
    fn is_soundless(&self) -> bool {
        self.is_voiced && self.tracks[1].heard.saturating_sub(self.tracks[0].heard) >= PAUSE
    }

    /// Where the last block of both was.
    fn newest(&self) -> Option<u64> {
        self.tracks.iter().filter_map(|track| track.newest).max()
    }

    /// A packet of a stream that is recorded was sent, but may not be kept: what is missing for that was not lost.
    pub fn withhold(&mut self, at: Duration, stream: u64, codec: RecordedCodec, sequence: u16) {
        let track = &mut self.tracks[usize::from(codec == RecordedCodec::Vp8)];
        if track.stream == Some(stream) {
            track.heard = at;
            track.order.push(at, sequence, Waiting::Withheld);
            self.settle(at);
        }
    }

    /// Pictures were sent in a codec that is not recorded: they are missing until one comes that is.
    pub fn pass_over(&mut self, codec: RecordedCodec) {
        let track = &mut self.tracks[usize::from(codec == RecordedCodec::Vp8)];
        let from = track.missing.map_or(track.newest.unwrap_or(0), |(from, _)| from);
        track.missing = Some((from, GapCause::Codec));
    }

    /// The patient took the consent back; the end will say so.
    pub fn withdraw(&mut self) {
        self.is_withdrawn = true;
    }

    /// A sender report that arrived `at`.
    pub fn report(&mut self, at: Duration, report: RecordedReport) {
        let mut clock = self.clock;
        self.line(report.ssrc, report.codec).report(&mut clock, at, report.timestamp, report.ntp);
        self.clock = clock;
    }

    fn line(&mut self, ssrc: u32, codec: RecordedCodec) -> &mut Timeline {
        if self.lines.len() >= STREAMS && !self.lines.contains_key(&ssrc) {
            self.lines.clear();
        }
        self.lines.entry(ssrc).or_insert_with(|| Timeline::new(clock_rate(codec.kind())))
    }

    /// Whether pictures are missing that only a keyframe can bring back; asking resets it.
    pub fn wants_keyframe(&mut self) -> bool {
        take(&mut self.wants_keyframe)
    }

    /// What can be kept by now.
    pub fn cut(&mut self, at: Duration) -> Vec<Piece> {
        self.settle(at);
        match self.since {
            Some(since) if at.saturating_sub(since) >= self.patience() => self.close(),
            _ => Vec::new(),
        }
    }

    /// All that is left.
    pub fn finish(mut self) -> Vec<Piece> {
        self.settle(Duration::MAX);
        let mut pieces = self.close();
        if self.is_soundless() {
            self.tracks[0].miss(GapCause::Lost);
        }
        // What was missing at the end no later block can tell.
        let end = self.newest().unwrap_or(0);
        let mut gaps = take(&mut self.gaps);
        for track in &mut self.tracks {
            let missing = track.missing.take();
            gaps.extend(missing.map(|(from, cause)| Gap { codec: Some(track.codec), from, to: end.max(from), cause }));
        }
        // Where nothing was shown nothing ended.
        if self.is_withdrawn && (self.filmed == Filmed::Person || self.part.is_some()) {
            gaps.push(Gap { codec: None, from: end, to: end, cause: GapCause::Withdrawn });
        }
        pieces.extend((!gaps.is_empty()).then_some(Piece::Gaps(gaps)));
        pieces
    }

    /// The first cluster waits for the pictures a little, so that they share a file.
    fn patience(&self) -> Duration {
        let is_complete = self.size.is_some() && self.tracks[0].newest.is_some();
        if self.part.is_none() && !is_complete { PATIENCE } else { CLUSTER }
    }

    /// Moves what is in order into blocks.
    fn settle(&mut self, at: Duration) {
        (0..self.tracks.len()).for_each(|of| self.settle_track(of, at));
    }

    fn settle_track(&mut self, of: usize, at: Duration) {
        let track = &mut self.tracks[of];
        let Some(line) = track.stream.and_then(|stream| self.lines.get_mut(&ssrc(stream))) else { return };
        if track.is_unreported(at, line) {
            return;
        }
        while let Some(ordered) = track.order.pop(at) {
            if ordered.missing > 0 {
                track.miss(GapCause::Lost);
            }
            let Waiting::Packet { timestamp, marker, payload } = ordered.packet else {
                track.miss(GapCause::Withheld);
                // A picture without those that were withheld would be rubbish.
                track.frames = Frames::default();
                continue;
            };
            let (data, is_key) = if track.codec == RecordedCodec::Opus {
                if payload.is_empty() {
                    continue;
                }
                (payload, true)
            } else {
                match track.frames.push(ordered.missing > 0, timestamp, marker, &payload) {
                    Built::More => continue,
                    Built::Useless => {
                        track.miss(GapCause::NoKeyframe);
                        self.wants_keyframe = true;
                        continue;
                    }
                    Built::Whole(frame) => {
                        if let Some(size) = frame.size {
                            track.width = size.0;
                            self.size = Some(size);
                        }
                        (frame.data, frame.size.is_some())
                    }
                }
            };
            // A player wants times that never go back.
            let least = track.newest.map_or(0, |newest| newest + 1);
            let when = line.at(&self.clock, timestamp).max(least);
            if let Some(from) = self.away.take() {
                self.gaps.push(Gap { codec: None, from, to: when.max(from), cause: GapCause::Lost });
            }
            if let Some((from, cause)) = track.missing.take() {
                self.gaps.push(Gap { codec: Some(track.codec), from, to: when, cause });
            }
            track.newest = Some(when);
            let is_first = take(&mut track.is_new);
            let number = if track.codec == RecordedCodec::Opus { SOUND } else { PICTURES };
            self.blocks.push(Block { track: number, at: when, is_key, data });
            self.since.get_or_insert(if is_first { track.begun } else { at.min(track.heard) });
        }
    }

    /// Closes the cluster; before it a head, when a part begins.
    fn close(&mut self) -> Vec<Piece> {
        self.since = None;
        let blocks = take(&mut self.blocks);
        let has = |track: u8| blocks.iter().any(|block| block.track == track);
        let (sound, pictures) = (has(SOUND), has(PICTURES));
        if !sound && !pictures {
            return Vec::new();
        }
        let mut pieces = Vec::new();
        // What the open part has no track for begins another one; that has both from then on.
        let fits = self.part.is_some_and(|part| (part.0 || !sound) && (part.1 || !pictures));
        if !fits {
            let had = self.part.unwrap_or_default();
            let part = (sound || had.0, pictures || had.1);
            self.part = Some(part);
            pieces.push(Piece::Head(webm::head(part.0, self.size.filter(|_| part.1))));
        }
        let gaps = take(&mut self.gaps);
        pieces.extend(webm::cluster(blocks).map(|bytes| Piece::Cluster { bytes, gaps }));
        pieces
    }
}

/// Whether a packet of another stream takes the track over: of layers the widest is kept, and after a reload, or in another
/// section, the new one, whatever still comes of the old.
fn takes_over(track: &Track, at: Duration, packet: &RecordedPacket<'_>) -> bool {
    let Some(stream) = track.stream else { return true };
    match feed(packet.stream).cmp(&feed(stream)) {
        Ordering::Less => return false,
        Ordering::Greater => return true,
        Ordering::Equal => {}
    }
    let is_silent = at.saturating_sub(track.heard) >= SILENT;
    match packet.codec {
        RecordedCodec::Opus => is_silent,
        RecordedCodec::Vp8 => {
            let size = split(packet.payload).filter(|(starts, _)| *starts).and_then(|(_, data)| keyframe_size(data));
            is_silent || size.is_some_and(|(width, _)| width > track.width)
        }
    }
}

#[cfg(test)]
#[path = "tape_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "tape_gaps_tests.rs"]
mod gap_tests;
