//! What the index says of somebody who was away, or whose sound did not come.

use super::tests::{all_gaps, key, tick};
use super::*;

/// Sound every 20 ms and a picture every 40, each where `has` says so, in the feed of that moment, if there is one; moments are
/// hundredths of a second, and all numbers are those of the moment.
fn record(ticks: u32, feed: impl Fn(u32) -> Option<u64>, has: impl Fn(u32, RecordedCodec) -> bool) -> Vec<Gap> {
    let (mut tape, mut pieces, whole) = (Tape::default(), Vec::new(), key(2));
    for n in (0..ticks).step_by(2) {
        let at = Duration::from_millis(u64::from(n) * 10);
        let kinds = [(2, RecordedCodec::Opus, 1, &[9][..]), (4, RecordedCodec::Vp8, 2, &whole[..])];
        for (every, codec, ssrc, payload) in kinds {
            if let Some(feed) = feed(n)
                && n % every == 0
                && has(n, codec)
            {
                tape.push(at, tick((feed << 32) | (feed * 2 + ssrc), codec, n, payload));
            }
        }
        pieces.extend(tape.cut(at));
    }
    pieces.extend(tape.finish());
    all_gaps(&pieces)
}

/// Whether a gap is where it should be, within a tenth of a second.
fn is_gap(gap: Gap, codec: Option<RecordedCodec>, from: u64, to: u64) -> bool {
    (gap.codec, gap.cause) == (codec, GapCause::Lost) && gap.from.abs_diff(from) <= 100 && gap.to.abs_diff(to) <= 100
}

#[test]
fn who_was_away_and_came_back_in_another_connection_leaves_one_gap_of_both_kinds() {
    let feed = |n| (!(500..4300).contains(&n)).then_some(u64::from(n >= 4300));
    let gaps = record(5000, feed, |_, _| true);
    assert!(matches!(gaps[..], [gap] if is_gap(gap, None, 5_000, 43_000)), "{gaps:?}");
    let gaps = record(5000, feed, |n, codec| n < 4300 || codec == RecordedCodec::Vp8);
    assert!(matches!(gaps[..], [gap] if is_gap(gap, None, 5_000, 43_000)), "back with the microphone off: {gaps:?}");
    let gaps = record(5000, feed, |_, codec| codec == RecordedCodec::Vp8);
    assert!(matches!(gaps[..], [gap] if is_gap(gap, None, 5_000, 43_000)), "who never had a microphone: {gaps:?}");
    let again = |n| (!(500..600).contains(&n)).then_some(u64::from(n >= 600));
    assert_eq!(record(1000, again, |_, _| true), [], "loaded anew within a second");
}

#[test]
fn a_connection_that_was_cut_is_told_by_the_numbers_that_are_missing_and_not_twice() {
    let gaps = record(5000, |n| (!(500..4300).contains(&n)).then_some(0), |_, _| true);
    let [sound, pictures] = gaps[..] else { panic!("{gaps:?}") };
    assert!(is_gap(sound, Some(RecordedCodec::Opus), 5_000, 43_000), "{sound:?}");
    assert!(is_gap(pictures, Some(RecordedCodec::Vp8), 5_000, 43_000), "{pictures:?}");
}

/// Sound and pictures at some hundredths of a second, of senders that number what they send.
fn numbered(ticks: u32, has_sound: impl Fn(u32) -> bool, has_pictures: impl Fn(u32) -> bool) -> Vec<Gap> {
    let (mut tape, mut pieces) = (Tape::default(), Vec::new());
    let (whole, mut sent) = (key(2), [0_u16; 2]);
    for n in 0..ticks {
        let at = Duration::from_millis(u64::from(n) * 10);
        let kinds = [(RecordedCodec::Opus, has_sound(n), &[9][..]), (RecordedCodec::Vp8, has_pictures(n), &whole[..])];
        for (of, (codec, comes, payload)) in kinds.into_iter().enumerate() {
            if comes {
                tape.push(at, RecordedPacket { sequence: sent[of], ..tick(of as u64 + 1, codec, n, payload) });
                sent[of] += 1;
            }
        }
        pieces.extend(tape.cut(at));
    }
    pieces.extend(tape.finish());
    all_gaps(&pieces)
}

#[test]
fn neither_a_pause_of_speech_nor_a_camera_that_is_turned_off_is_a_gap() {
    let off_for_a_minute = |n| n % 4 == 0 && !(500..6500).contains(&n);
    assert_eq!(numbered(7000, |n| n % 40 == 0, off_for_a_minute), []);
    assert_eq!(numbered(7000, |n| n % 40 == 0, |n| n % 4 == 0 && n < 500), [], "and never on again");
    assert_eq!(numbered(7000, |_| false, off_for_a_minute), [], "who came with the microphone off");
    assert_eq!(numbered(7000, |n| n >= 3000 && n % 2 == 0, |n| n % 4 == 0), [], "who turned it on later");
}

#[test]
fn a_microphone_that_dies_is_a_gap_of_the_sound_until_it_is_back_or_to_the_end() {
    let sound = Some(RecordedCodec::Opus);
    let gaps = numbered(3000, |n| n % 2 == 0 && !(500..2000).contains(&n), |n| n % 4 == 0);
    assert!(matches!(gaps[..], [gap] if is_gap(gap, sound, 5_000, 20_000)), "{gaps:?}");
    let gaps = numbered(3000, |n| n % 2 == 0 && n < 500, |n| n % 4 == 0);
    assert!(matches!(gaps[..], [gap] if is_gap(gap, sound, 5_000, 30_000)), "{gaps:?}");
    let gaps = numbered(3000, |n| n % 2 == 0 && !(500..2000).contains(&n), |_| false);
    assert!(matches!(gaps[..], [gap] if is_gap(gap, None, 5_000, 20_000)), "beside a camera that is off: {gaps:?}");
    // Dead from the fifth second on; the page is loaded anew at the twentieth, and comes back with the microphone off.
    let has = |n, codec| codec == RecordedCodec::Vp8 || n < 500;
    let gaps = record(3000, |n| Some(u64::from(n >= 2000)), has);
    assert!(matches!(gaps[..], [gap] if is_gap(gap, sound, 5_000, 20_000)), "{gaps:?}");
}

#[test]
fn who_was_held_apart_and_then_away_is_missing_by_the_first_name_alone() {
    let (mut tape, mut pieces, whole) = (Tape::default(), Vec::new(), key(2));
    for n in (0_u32..5000).step_by(4).filter(|n| !(1000..4300).contains(n)) {
        let at = Duration::from_millis(u64::from(n) * 10);
        let feed = u64::from(n >= 4300);
        for (codec, ssrc, payload) in [(RecordedCodec::Opus, 1, &[9][..]), (RecordedCodec::Vp8, 2, &whole[..])] {
            let sequence = u16::try_from(n / 4).expect("it fits");
            let packet = RecordedPacket { sequence, ..tick((feed << 32) | (feed * 2 + ssrc), codec, n, payload) };
            if (500..1000).contains(&n) {
                tape.withhold(at, packet.stream, codec, packet.sequence);
            } else {
                tape.push(at, packet);
            }
        }
        pieces.extend(tape.cut(at));
    }
    pieces.extend(tape.finish());
    let causes: Vec<_> = all_gaps(&pieces).iter().map(|gap| (gap.codec, gap.cause)).collect();
    let withheld = [RecordedCodec::Opus, RecordedCodec::Vp8].map(|codec| (Some(codec), GapCause::Withheld));
    assert_eq!(causes, withheld);
}

/// Pictures of a screen at these hundredths of a second, each in the feed of its moment.
fn shown(at: impl IntoIterator<Item = u32>, feed: impl Fn(u32) -> u64) -> Tape {
    let (mut tape, whole) = (Tape::of(Filmed::Screen), key(2));
    for (sent, n) in (0..).zip(at) {
        let packet = tick(feed(n) << 32 | 2, RecordedCodec::Vp8, n, &whole);
        tape.push(Duration::from_millis(u64::from(n) * 10), RecordedPacket { sequence: sent, ..packet });
    }
    tape
}

#[test]
fn a_screen_that_stands_still_or_is_shown_again_later_has_no_gaps() {
    assert_eq!(all_gaps(&shown((0..9000).step_by(3000), |_| 1).finish()), [], "a picture each half minute");
    let again = (0..500).chain(6000..6500).step_by(4);
    assert_eq!(all_gaps(&shown(again, |n| u64::from(n >= 6000)).finish()), [], "in another connection");
}

#[test]
fn the_end_of_a_consent_is_said_of_a_screen_that_was_shown_and_of_no_other() {
    for (pictures, causes) in [(0, &[][..]), (50, &[GapCause::Withdrawn])] {
        let mut tape = shown((0..pictures * 4).step_by(4), |_| 1);
        tape.withdraw();
        let said: Vec<_> = all_gaps(&tape.finish()).iter().map(|gap| gap.cause).collect();
        assert_eq!(said, causes, "{pictures}");
    }
}
