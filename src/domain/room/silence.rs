//! Which track of a participant should arrive and does not: decided from the relay's counters and the person's own words.
//!
//! A microphone with discontinuous transmission still sends comfort noise every 400 ms (RFC 7587, 3.1.3), so a pause in
//! speech is far from [`SILENT_AFTER`].

use std::time::Duration;

use crate::domain::room::relay::{MediaKind, MediaState};
use crate::domain::room::{Rung, SelfMedia};
use crate::domain::time::Timestamp;

/// A track of which nothing came for so long is silent. The relay counts twice a second, so that both sides are told
/// within 3.5 s of the last packet.
pub const SILENT_AFTER: Duration = Duration::from_millis(2_800);
/// One still picture comes every two seconds, over a network that loses every third of them.
const STILLS_AFTER: Duration = Duration::from_secs(12);

const KINDS: [MediaKind; 2] = [MediaKind::Audio, MediaKind::Video];

/// The media's connection. While it is not up, it is what is missed, and no device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Link {
    /// It was never up.
    #[default]
    Never,
    /// It is up.
    Up,
    /// It was up: a page that was reloaded has its socket back before its media.
    Cut,
}

/// The watch over one participant's two tracks.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    link: Link,
    /// Whether the person says that it is sent.
    sent: [bool; 2],
    /// Nobody looks at the camera, and its browser was told to rest it.
    rests: bool,
    /// The camera gives stills.
    gives_stills: bool,
    /// When it was heard last, or began to be expected.
    heard: [Option<Timestamp>; 2],
    silent: [bool; 2],
}

impl Watch {
    /// What does not arrive.
    pub(super) fn silent(&self) -> Vec<MediaKind> {
        KINDS.into_iter().zip(self.silent).filter(|(_, silent)| *silent).map(|(kind, _)| kind).collect()
    }

    /// Whether the whole connection is missed.
    pub(super) fn is_cut(&self) -> bool {
        self.link == Link::Cut
    }

    /// When silence has lasted too long, if it goes on.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let waits = self.heard.iter().zip(self.silent).zip(KINDS).filter(|((_, silent), _)| !silent);
        waits.filter_map(|((heard, _), kind)| heard.map(|at| at + self.patience(kind))).min()
    }

    fn patience(&self, kind: MediaKind) -> Duration {
        if self.gives_stills && kind == MediaKind::Video { STILLS_AFTER } else { SILENT_AFTER }
    }

    /// The person says what is sent. A page in the background may stop its camera.
    pub(super) fn says(&mut self, now: Timestamp, media: &SelfMedia) {
        self.sent = [media.microphone, media.camera && !media.hidden];
        self.gives_stills = media.rung == Rung::Still;
        self.expect(now);
    }

    /// The browser was told that somebody looks at its camera, or that nobody does.
    pub(super) fn is_watched(&mut self, now: Timestamp, is_watched: bool) {
        self.rests = !is_watched;
        self.expect(now);
    }

    /// The browser begins a new connection: it sends all until it is told otherwise.
    pub(super) fn begins_anew(&mut self, now: Timestamp) {
        self.is_watched(now, true);
    }

    /// The relay tells the state of the connection; whether everybody should hear of it. One that is back, or new, gets
    /// its time.
    pub(super) fn turns(&mut self, now: Timestamp, state: MediaState) -> bool {
        let was_cut = self.is_cut();
        self.link = match (state, self.link) {
            (MediaState::Connected, _) => Link::Up,
            (_, Link::Never) => Link::Never,
            (_, Link::Up | Link::Cut) => Link::Cut,
        };
        self.expect(now);
        was_cut != self.is_cut()
    }

    /// The relay tells how many packets came (audio, video); whether that ended a silence.
    pub(super) fn hears(&mut self, now: Timestamp, packets: (u64, u64)) -> bool {
        let before = self.silent;
        for (kind, count) in [packets.0, packets.1].into_iter().enumerate() {
            if count > 0 && self.heard[kind].is_some() {
                self.heard[kind] = Some(now);
                self.silent[kind] = false;
            }
        }
        before != self.silent
    }

    /// Time passes; whether a silence began.
    pub(super) fn passes(&mut self, now: Timestamp) -> bool {
        let before = self.silent;
        for kind in [0, 1] {
            let patience = self.patience(KINDS[kind]);
            self.silent[kind] |= self.heard[kind].is_some_and(|at| at + patience <= now);
        }
        before != self.silent
    }

    fn expect(&mut self, now: Timestamp) {
        for kind in [0, 1] {
            // Stills come whether somebody looks at the track or not.
            let rests = self.rests && !self.gives_stills && KINDS[kind] == MediaKind::Video;
            if self.link != Link::Up || !self.sent[kind] || rests {
                self.heard[kind] = None;
                self.silent[kind] = false;
            } else if self.heard[kind].is_none() {
                self.heard[kind] = Some(now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn watched() -> Watch {
        let mut watch = Watch::default();
        watch.says(at(0), &SelfMedia { microphone: true, camera: true, ..SelfMedia::default() });
        watch.turns(at(0), MediaState::Connected);
        watch
    }

    /// Runs the relay's half-second counts over the moments at which audio packets came, video always; every silence that
    /// began, with its moment.
    fn alarms(audio: &[i64], until: i64) -> Vec<(i64, Vec<MediaKind>)> {
        let mut watch = watched();
        let mut alarms = Vec::new();
        for now in (0..=until).step_by(50) {
            if now % 500 == 0 {
                let came = audio.iter().filter(|packet| (now - 500..now).contains(*packet)).count() as u64;
                watch.hears(at(now), (came, 15));
            }
            if watch.passes(at(now)) {
                alarms.push((now, watch.silent()));
            }
        }
        alarms
    }

    #[test]
    fn ten_minutes_of_discontinuous_speech_raise_no_alarm() {
        // Speech of two seconds, then comfort noise for eight, over and over.
        let packets: Vec<i64> =
            (0..600_000).filter(|ms| if ms % 10_000 < 2_000 { ms % 20 == 0 } else { ms % 400 == 0 }).collect();
        assert_eq!(alarms(&packets, 600_000), []);
    }

    proptest! {
        #[test]
        fn a_dead_microphone_is_told_within_three_and_a_half_seconds_and_nothing_else_is(last in 0_i64..20_000) {
            let packets: Vec<i64> = (0..=last).filter(|ms| ms % 20 == 0 || *ms == last).collect();
            let alarms = alarms(&packets, last + 10_000);
            prop_assert_eq!(alarms.len(), 1);
            prop_assert_eq!(&alarms[0].1, &[MediaKind::Audio]);
            prop_assert!((2_500..=3_500).contains(&(alarms[0].0 - last)), "{} after {last}", alarms[0].0);
        }

        #[test]
        fn gaps_of_two_seconds_raise_no_alarm(gaps in prop::collection::vec(20_i64..2_000, 1..300)) {
            let packets: Vec<i64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            prop_assert_eq!(alarms(&packets, *packets.last().unwrap_or(&0)), []);
        }
    }

    #[test]
    fn an_interrupted_connection_is_no_silent_microphone() {
        let mut watch = watched();
        assert!(watch.passes(at(3_000)));
        watch.turns(at(3_100), MediaState::Interrupted);
        assert_eq!(watch.silent(), [], "the network went, not the microphone");
        assert!(!watch.passes(at(60_000)));
        watch.turns(at(60_000), MediaState::Connected);
        assert!(!watch.passes(at(62_000)), "what comes back gets its time");
        assert!(watch.passes(at(63_000)), "and is missed after it");
    }

    #[test]
    fn a_connection_that_was_there_is_missed_until_it_is_back_and_a_first_one_is_not() {
        let mut watch = Watch::default();
        assert!(!watch.turns(at(0), MediaState::Connecting) && !watch.is_cut(), "it was never there");
        assert!(!watch.turns(at(1), MediaState::Connected) && !watch.is_cut());
        assert!(watch.turns(at(2), MediaState::Interrupted) && watch.is_cut());
        assert!(!watch.turns(at(3), MediaState::Closed) && watch.is_cut(), "told once");
        assert!(!watch.turns(at(4), MediaState::Connecting) && watch.is_cut(), "on its way is not back");
        assert!(watch.turns(at(5), MediaState::Connected) && !watch.is_cut());
    }

    #[test]
    fn a_camera_that_nobody_looks_at_may_rest_and_gets_its_time_to_wake() {
        let mut watch = watched();
        watch.is_watched(at(1_000), false);
        watch.hears(at(60_000), (25, 0));
        assert!(!watch.passes(at(60_000)));
        watch.is_watched(at(61_000), true);
        watch.hears(at(63_000), (25, 0));
        assert!(!watch.passes(at(63_000)));
        assert!(watch.passes(at(64_000)));
        assert_eq!(watch.silent(), [MediaKind::Video]);
    }

    #[test]
    fn a_still_picture_every_two_seconds_may_lose_some_and_is_missed_when_it_ends() {
        let mut watch = watched();
        let said = SelfMedia { microphone: true, camera: true, rung: Rung::Still, ..SelfMedia::default() };
        watch.says(at(0), &said);
        for step in 1..20 {
            watch.hears(at(step * 6_000), (25, 3));
            watch.hears(at(step * 6_000 + 5_900), (25, 0));
            assert!(!watch.passes(at(step * 6_000 + 5_900)), "two of three stills were lost");
        }
        watch.hears(at(130_000), (25, 0));
        assert!(watch.passes(at(130_000)));
        assert_eq!(watch.silent(), [MediaKind::Video]);
    }

    #[test]
    fn stills_are_missed_though_nobody_looks_at_the_camera_itself() {
        let mut watch = watched();
        watch.is_watched(at(0), false);
        watch.says(at(0), &SelfMedia { microphone: true, camera: true, rung: Rung::Still, ..SelfMedia::default() });
        watch.hears(at(12_000), (25, 0));
        assert!(watch.passes(at(12_000)));
        assert_eq!(watch.silent(), [MediaKind::Video]);
    }

    #[test]
    fn who_muted_or_never_connected_is_not_missed_and_who_is_heard_again_is_well() {
        let mut watch = Watch::default();
        watch.says(at(0), &SelfMedia { microphone: true, ..SelfMedia::default() });
        assert_eq!(watch.deadline(), None, "nothing was connected yet");
        watch.turns(at(0), MediaState::Connected);
        assert_eq!(watch.deadline(), Some(at(0) + SILENT_AFTER));
        assert!(watch.passes(at(3_000)));
        assert_eq!(watch.silent(), [MediaKind::Audio]);
        assert!(watch.hears(at(3_500), (1, 0)));
        assert_eq!(watch.silent(), []);
        watch.says(at(4_000), &SelfMedia::default());
        assert!(!watch.passes(at(60_000)));
    }
}
