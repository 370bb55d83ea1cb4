//! Questions for lost packets, on paths whose loss and width are values.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use crate::media::instant;

const VOICE: u32 = 1;
const CAMERA: u32 = 2;
/// The first byte behind a VP8 descriptor says whether the picture is whole.
const WHOLE: &[u8] = &[0x10, 0x50];
const PART: &[u8] = &[0x10, 0x51];

fn retransmission() -> Retransmission {
    let mut retransmission = Retransmission::new();
    retransmission.follow(CAMERA, Codec::Vp8);
    retransmission.follow(VOICE, Codec::Opus);
    retransmission
}

/// Every question until then, of one stream, with its millisecond.
fn questions(retransmission: &mut Retransmission, start: Instant, from: u64, until: u64) -> Vec<(u64, Vec<u16>)> {
    let mut found = Vec::new();
    for at in from..until {
        found.extend(retransmission.ask(start + Duration::from_millis(at)).into_iter().map(|(_, asked)| (at, asked)));
    }
    found
}

/// Dice that fall the same in every run.
struct Dice(u64);

impl Dice {
    fn is_lost(&mut self, percent: u64) -> bool {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % 100 < percent
    }
}

/// A publisher's way to the relay, and back.
struct Way {
    /// Milliseconds there, and as many back.
    ms: u64,
    /// Of a hundred, each way.
    lost: u64,
    /// It bears 44 kbit/s, which are 5.5 bytes a millisecond, and so many bytes may wait.
    narrow: Option<u64>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Packets that came which nobody had to ask for, those that never came, and numbers that were asked for; the last also of
    /// the last ten seconds.
    came: usize,
    never: usize,
    asked: usize,
    asked_at_last: usize,
    /// How often the one that was asked for most was.
    most: usize,
}

/// Half a minute of a voice in fifty packets a second, and of a picture beside it where there is one.
fn talk(way: &Way, picture: bool) -> Seen {
    const LASTS: u64 = 30_000;
    const BYTES: u64 = 158;
    let (start, mut dice, mut retransmission) = (instant::now(), Dice(7), retransmission());
    let at = |millis: u64| start + Duration::from_millis(millis);
    // What arrives at the relay, and what arrives at the publisher, each at its millisecond.
    let (mut there, mut back) = (BTreeMap::<u64, Vec<(u32, u16)>>::new(), BTreeMap::<u64, Vec<(u32, u16)>>::new());
    let (mut full_until, mut next) = (0_u64, HashMap::from([(VOICE, 0_u16), (CAMERA, 0_u16)]));
    let (mut seen, mut come) = (Seen::default(), BTreeSet::new());
    let mut times = HashMap::<(u32, u16), usize>::new();
    for now in 0..LASTS + 5_000 {
        let mut leaves = back.remove(&now).unwrap_or_default();
        for (ssrc, every) in [(VOICE, 20), (CAMERA, 7)] {
            if now < LASTS && now % every == 0 && (ssrc == VOICE || picture) {
                let number = next.get_mut(&ssrc).expect("both are there");
                leaves.push((ssrc, *number));
                *number += 1;
            }
        }
        for packet in leaves {
            let arrives = match way.narrow {
                // In thousandths of a millisecond.
                Some(most) if full_until.saturating_sub(now * 1_000) * 11 / 2_000 > most => None,
                Some(_) => {
                    full_until = full_until.max(now * 1_000) + BYTES * 2_000 / 11;
                    Some(full_until / 1_000 + way.ms)
                }
                None => Some(now + way.ms),
            };
            if let Some(arrives) = arrives.filter(|_| !dice.is_lost(way.lost)) {
                there.entry(arrives.max(now)).or_default().push(packet);
            }
        }
        for (ssrc, sequence) in there.remove(&now).unwrap_or_default() {
            retransmission.hear(at(now), ssrc, sequence, PART);
            if come.insert((ssrc, sequence)) && !times.contains_key(&(ssrc, sequence)) {
                seen.came += 1;
            }
        }
        for (ssrc, asked) in retransmission.ask(at(now)) {
            let is_heard = !dice.is_lost(way.lost);
            for sequence in asked {
                *times.entry((ssrc, sequence)).or_default() += 1;
                seen.asked += 1;
                seen.asked_at_last += usize::from(now >= LASTS - 10_000);
                if is_heard {
                    back.entry(now + way.ms.max(1)).or_default().push((ssrc, sequence));
                }
            }
        }
    }
    seen.never = next.values().map(|count| usize::from(*count)).sum::<usize>() - come.len();
    seen.most = times.values().copied().max().unwrap_or(0);
    seen
}

#[test]
fn what_is_missing_is_asked_for_at_once_and_again_and_a_dozen_times_at_most() {
    let (start, mut retransmission) = (instant::now(), retransmission());
    retransmission.hear(start, CAMERA, 65_534, PART);
    retransmission.hear(start, CAMERA, 2, PART);
    assert_eq!(
        questions(&mut retransmission, start, 0, 12),
        [(10, vec![65_535, 0])],
        "two tell how long an answer takes"
    );
    retransmission.hear(start + Duration::from_millis(12), CAMERA, 0, PART);
    assert_eq!(questions(&mut retransmission, start, 12, 20), [(12, vec![1])]);
    // It takes two milliseconds, and the stream goes on.
    let mut again = Vec::new();
    for (newest, tenth) in (3..).zip((20..2_000).step_by(10)) {
        retransmission.hear(start + Duration::from_millis(tenth), CAMERA, newest, PART);
        again.extend(questions(&mut retransmission, start, tenth, tenth + 10));
    }
    let of = |number: u16| again.iter().filter(|(_, asked)| asked.contains(&number)).count() + 1;
    assert_eq!([of(65_535), of(1), of(0)], [usize::from(TIMES), usize::from(TIMES), 1]);
    assert!(again.windows(2).all(|two| two[1].0 - two[0].0 >= 15), "{again:?}");
}

#[test]
fn a_packet_is_not_asked_for_again_before_the_answer_could_be_here() {
    let (start, mut retransmission) = (instant::now(), retransmission());
    retransmission.round_trip.learn(start, Duration::from_millis(200));
    retransmission.hear(start, CAMERA, 1, PART);
    retransmission.hear(start, CAMERA, 3, PART);
    retransmission.hear(start + Duration::from_millis(400), CAMERA, 4, PART);
    let moments: Vec<_> = questions(&mut retransmission, start, 0, 2_000).into_iter().map(|(at, _)| at).collect();
    assert_eq!(
        moments,
        [10, 260, 510, 760],
        "each a quarter more than a round trip later, and none that would come too late"
    );
}

#[test]
fn what_would_come_too_late_for_a_voice_is_not_asked_for() {
    let (start, mut retransmission) = (instant::now(), retransmission());
    retransmission.round_trip.learn(start, Duration::from_millis(450));
    for ssrc in [VOICE, CAMERA] {
        retransmission.hear(start, ssrc, 1, PART);
        retransmission.hear(start, ssrc, 3, PART);
    }
    let asked: Vec<_> = (0..100).flat_map(|at| retransmission.ask(start + Duration::from_millis(at))).collect();
    assert_eq!(asked, [(CAMERA, vec![2])], "a picture waits longer");
}

#[test]
fn a_whole_picture_ends_the_questions_for_those_before_it() {
    let (start, mut retransmission) = (instant::now(), retransmission());
    for sequence in [1, 4, 6] {
        retransmission.hear(start, CAMERA, sequence, PART);
    }
    retransmission.hear(start, CAMERA, 7, WHOLE);
    retransmission.hear(start, CAMERA, 9, PART);
    assert_eq!(questions(&mut retransmission, start, 0, 15), [(10, vec![8])]);
}

#[test]
fn a_stream_that_rests_is_asked_for_nothing() {
    let (start, mut retransmission) = (instant::now(), retransmission());
    retransmission.round_trip.learn(start, Duration::from_millis(150));
    retransmission.hear(start, CAMERA, 1, PART);
    retransmission.hear(start, CAMERA, 3, PART);
    let last = questions(&mut retransmission, start, 0, 3_000).last().map(|(at, _)| *at);
    assert!(last.is_some_and(|at| at < 500), "{last:?}");
    assert_eq!(retransmission.poll_timeout(), None, "and nobody is woken for it");
}

#[test]
fn a_publisher_that_began_anew_is_not_asked_for_what_it_never_sent() {
    let (start, mut retransmission) = (instant::now(), retransmission());
    for sequence in [1, 3, 30_000, 30_001, 40, 41] {
        retransmission.hear(start, CAMERA, sequence, PART);
    }
    assert!(questions(&mut retransmission, start, 0, 100).is_empty());
    retransmission.hear(start, CAMERA, 43, PART);
    assert_eq!(questions(&mut retransmission, start, 100, 111), [(100, vec![42])]);
}

/// How many questions pass in ten seconds of fifty a second, after half a second, where so many packets a second come.
fn asked(packets: u32) -> u32 {
    let mut purse = Purse(SAVED);
    while purse.pays() {}
    let mut asked = 0;
    for tick in 0..500 {
        let came = (tick + 1) * packets / 50 - tick * packets / 50;
        for _ in 0..came {
            purse.came();
        }
        asked += u32::from(purse.pays());
    }
    asked
}

#[test]
fn where_much_comes_every_question_passes_and_where_little_does_few() {
    assert_eq!(asked(200), 500, "a picture on a lossy radio is mended as fast as can be");
    assert_eq!(asked(25), 62, "a drowning voice");
    assert_eq!(asked(0), 0);
}

#[test]
fn a_lossy_radio_is_mended_near_and_far() {
    for ms in [1, 20, 75] {
        let seen = talk(&Way { ms, lost: 10, narrow: None }, true);
        assert!(seen.never * 100 <= seen.came, "{ms} ms away one of a hundred never came: {seen:?}");
        assert!(seen.asked * 4 <= seen.came + 100, "{ms} ms away: {seen:?}");
    }
}

#[test]
fn on_a_full_path_next_to_nothing_is_asked_for() {
    // 44 kbit/s and 8 kB that wait there, and a voice of 63 kbit/s.
    let seen = talk(&Way { ms: 5, lost: 0, narrow: Some(8_000) }, false);
    assert!(seen.asked_at_last * 10 <= seen.came / 3, "one of ten that came in the last ten seconds: {seen:?}");
    assert!(seen.most <= 6, "{seen:?}");
    assert!(seen.came >= 950, "what is new passes, 35 of 50 a second: {seen:?}");
}

proptest! {
    /// Whatever comes, in whatever order: a quarter of it is asked for beyond what was saved up, no packet more than a dozen
    /// times, nor twice within 20 ms, nor one that came, nor of a stream that nobody follows.
    #[test]
    fn questions_are_never_more_than_a_quarter_of_what_comes(
        steps in proptest::collection::vec((0_u64..60, 1_u32..4, 0_u16..40, any::<bool>()), 1..400),
    ) {
        let (start, mut retransmission, mut now) = (instant::now(), retransmission(), 0);
        let (mut count, mut came, mut newest) = (0, 0, HashMap::<u32, u16>::new());
        let mut seen = BTreeSet::new();
        let mut asked = HashMap::<(u32, u16), Vec<u64>>::new();
        for (pause, ssrc, jump, back) in steps {
            for _ in 0..=pause {
                for (of, numbers) in retransmission.ask(start + Duration::from_millis(now)) {
                    prop_assert!(of == VOICE || of == CAMERA);
                    count += numbers.len();
                    for number in numbers {
                        prop_assert!(!seen.contains(&(of, number)), "{number} had come");
                        asked.entry((of, number)).or_default().push(now);
                    }
                }
                now += 1;
            }
            let number = newest.entry(ssrc).or_insert(65_000);
            let sequence = if back { number.wrapping_sub(jump) } else { number.wrapping_add(jump) };
            if !back {
                *number = sequence;
            }
            retransmission.hear(start + Duration::from_millis(now), ssrc, sequence, PART);
            seen.insert((ssrc, sequence));
            came += 1;
        }
        prop_assert!(count * 4 <= came + 4 * 24, "{count} of {came}");
        for ((_, number), moments) in asked {
            prop_assert!(moments.len() <= usize::from(TIMES), "{number}");
            prop_assert!(moments.windows(2).all(|two| two[1] - two[0] >= 15), "{number} at {moments:?}");
        }
    }
}
