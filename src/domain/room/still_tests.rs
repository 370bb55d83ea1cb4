//! Stills: who shows them, who sees them, how often.

use uuid::Uuid;

use super::relay::{MediaKind, MediaState};
use super::*;
use crate::domain::text::Text;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn connection(n: u128) -> ConnectionId {
    ConnectionId::from_uuid(Uuid::from_u128(n))
}

fn participant(n: u128) -> ParticipantId {
    ParticipantId::from_uuid(Uuid::from_u128(n))
}

/// 320 by 240 pixels of nothing.
fn jpeg(width: u16, extra: usize) -> Vec<u8> {
    let [high, low] = width.to_be_bytes();
    let mut bytes = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 240, high, low, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 2];
    bytes.extend(std::iter::repeat_n(7, extra));
    bytes.extend([0xFF, 0xD9]);
    bytes
}

fn still() -> Still {
    Still::new(&jpeg(320, 3)).unwrap()
}

/// A doctor (1), a patient (2) on the rung of stills, and a relative (3), each by the connection of the same number.
fn room() -> Room {
    let mut room = Room::new(RoomId::from_uuid(Uuid::from_u128(99)), 1, RoomPurpose::Visit, None, at(0));
    for (n, role) in [(1, ParticipantRole::Doctor), (2, ParticipantRole::Patient), (3, ParticipantRole::Family)] {
        let (name, standing) = (Text::new("某人", "someone"), Standing::Inside);
        let seat = Seat { participant: participant(n), role, name, standing, muted: false };
        room.handle(at(0), Input::Join { seat, connection: connection(n), socket: 0 });
    }
    says(&mut room, 2, true, Rung::Still);
    room
}

fn says(room: &mut Room, n: u128, camera: bool, rung: Rung) -> Vec<Output> {
    let media = SelfMedia { microphone: true, camera, rung, ..SelfMedia::default() };
    room.handle(at(0), Input::Media(connection(n), media))
}

fn show(room: &mut Room, now: i64, n: u128) -> Vec<Output> {
    room.handle(at(now), Input::Still { connection: connection(n), id: 5, still: still() })
}

/// Who is shown something.
fn seen_by(outputs: &[Output]) -> Vec<ConnectionId> {
    let told = outputs.iter().filter_map(|output| match output {
        Output::Tell(to, Notice::Still(..)) => Some(*to),
        _ => None,
    });
    told.collect()
}

fn refused(why: StillRefusal) -> Vec<Output> {
    vec![Output::Tell(connection(2), Notice::StillRefused(5, why))]
}

#[test]
fn a_still_is_shown_to_the_others_and_answered() {
    let mut room = room();
    let outputs = show(&mut room, 0, 2);
    assert_eq!(seen_by(&outputs), [connection(1), connection(3)]);
    assert_eq!(outputs.last(), Some(&Output::Tell(connection(2), Notice::StillShown(5))));
}

#[test]
fn nobody_shows_stills_beside_the_rung_or_with_the_camera_off_or_from_the_door() {
    let mut room = room();
    for rung in [Rung::Full, Rung::Low, Rung::Voice, Rung::Phone] {
        says(&mut room, 2, true, rung);
        assert_eq!(show(&mut room, 0, 2), refused(StillRefusal::NotNow), "{rung:?}");
    }
    says(&mut room, 2, false, Rung::Still);
    assert_eq!(show(&mut room, 0, 2), refused(StillRefusal::NotNow));
    let seat = Seat {
        participant: participant(4),
        role: ParticipantRole::Observer,
        name: Text::new("某人", "someone"),
        standing: Standing::Door,
        muted: false,
    };
    room.handle(at(0), Input::Join { seat, connection: connection(4), socket: 0 });
    says(&mut room, 2, true, Rung::Still);
    assert_eq!(seen_by(&show(&mut room, 0, 2)), [connection(1), connection(3)], "nobody at the door sees any");
    assert_eq!(seen_by(&show(&mut room, 9_000, 4)), []);
}

#[test]
fn an_observer_shows_none_and_sees_all() {
    let mut room = room();
    let (name, standing) = (Text::new("某人", "someone"), Standing::Inside);
    let seat = Seat { participant: participant(4), role: ParticipantRole::Observer, name, standing, muted: false };
    room.handle(at(0), Input::Join { seat, connection: connection(4), socket: 0 });
    says(&mut room, 4, true, Rung::Still);
    assert_eq!(seen_by(&show(&mut room, 0, 4)), []);
    assert_eq!(seen_by(&show(&mut room, 0, 2)), [connection(1), connection(3), connection(4)]);
}

#[test]
fn two_stills_within_a_second_are_one_too_many() {
    let mut room = room();
    show(&mut room, 0, 2);
    assert_eq!(show(&mut room, 999, 2), refused(StillRefusal::TooSoon));
    assert_eq!(seen_by(&show(&mut room, 1_000, 2)).len(), 2);
}

#[test]
fn whoever_is_held_apart_neither_shows_nor_sees_and_what_is_on_its_way_is_withheld_before_anybody_is_told() {
    let mut room = room();
    let hold = |n| Input::Host { by: connection(1), participant: participant(n), act: HostAct::Hold };
    let withheld = |n| Output::Withhold { participant: participant(n), connection: connection(n) };
    let first_word = |outputs: &[Output]| outputs.iter().position(|output| matches!(output, Output::Tell(..)));
    let outputs = room.handle(at(0), hold(3));
    assert!(outputs.iter().position(|one| *one == withheld(3)) < first_word(&outputs));
    assert_eq!(seen_by(&show(&mut room, 0, 2)), [connection(1)]);
    let outputs = room.handle(at(1), hold(2));
    assert!(outputs.iter().position(|one| *one == withheld(2)) < first_word(&outputs));
    assert_eq!(show(&mut room, 5_000, 2), refused(StillRefusal::NotNow));
}

#[test]
fn who_is_taken_out_sees_none_and_what_they_showed_is_withheld() {
    let mut room = room();
    says(&mut room, 3, true, Rung::Still);
    let remove = Input::Host { by: connection(1), participant: participant(3), act: HostAct::Remove };
    let withheld = Output::Withhold { participant: participant(3), connection: connection(3) };
    assert!(room.handle(at(0), remove).contains(&withheld));
    assert_eq!(seen_by(&show(&mut room, 0, 2)), [connection(1)]);
    assert_eq!(seen_by(&show(&mut room, 0, 3)), []);
}

#[test]
fn a_camera_that_is_closed_or_moves_again_takes_its_stills_with_it() {
    let mut room = room();
    let withheld = Output::Withhold { participant: participant(2), connection: connection(2) };
    assert!(says(&mut room, 2, true, Rung::Full).contains(&withheld));
    assert!(!says(&mut room, 2, false, Rung::Full).contains(&withheld), "there is nothing more to withhold");
}

#[test]
fn a_camera_that_gives_stills_is_missed_when_they_end() {
    let mut room = room();
    room.handle(
        at(0),
        Input::Relay(RelayEvent::Connection { participant: participant(2), state: MediaState::Connected }),
    );
    for second in 0..20 {
        let heard = RelayEvent::Upstream { participant: participant(2), packets: (50, 0) };
        room.handle(at(second * 1_000), Input::Relay(heard));
        show(&mut room, second * 1_000, 2);
        room.handle(at(second * 1_000), Input::Tick);
    }
    let silent = |room: &Room| room.state_for(connection(1)).unwrap().participants[1].silent.clone();
    assert_eq!(silent(&room), []);
    room.handle(at(30_000), Input::Relay(RelayEvent::Upstream { participant: participant(2), packets: (50, 0) }));
    room.handle(at(32_000), Input::Tick);
    assert_eq!(silent(&room), [MediaKind::Video]);
    show(&mut room, 33_000, 2);
    assert_eq!(silent(&room), [], "and is there again with the next");
}

#[test]
fn a_still_is_a_small_jpeg_and_nothing_else() {
    assert!(Still::new(&jpeg(640, STILL_MOST - 100)).is_some());
    assert!(Still::new(&jpeg(641, 3)).is_none(), "too wide");
    assert!(Still::new(&jpeg(0, 3)).is_none(), "of no width");
    assert!(Still::new(&jpeg(320, STILL_MOST)).is_none(), "too heavy");
    assert!(Still::new(b"\x89PNG\r\n\x1a\n").is_none());
    assert!(Still::new(b"").is_none());
    // A picture that names no frame has no size.
    assert!(Still::new(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 7, 0xFF, 0xD9]).is_none());
    assert!(!format!("{:?}", still()).contains("255"), "it does not print itself");
}
