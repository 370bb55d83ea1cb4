//! When a room is recorded, and says so.

use super::*;

fn agreed() -> Agreed {
    Agreed { version: "process-record-1".into(), at: at(-5) }
}

#[test]
fn a_room_says_that_it_records_only_while_somebody_is_recorded_and_only_whoever_was_asked_is() {
    let mut room = Room::new(room().id(), 1, RoomPurpose::Visit, Some(agreed()), at(0));
    let records = |outputs: &[Output]| outputs.iter().any(|o| matches!(o, Output::Relay(RelayCommand::Record { .. })));
    assert!(records(&join(&mut room, 1, 11)) && records(&join(&mut room, 2, 12)));
    let family = Seat { role: ParticipantRole::Family, ..seat(3) };
    assert!(!records(&room.handle(at(1), Input::Join { seat: family, connection: connection(13), socket: 0 })));
    let says = |room: &Room| room.state_for(connection(12)).unwrap().recording;
    assert!(!says(&room), "nothing is recorded yet");
    let mut taped = |n, is_kept| {
        let outputs = room.handle(at(2), Input::Relay(RelayEvent::Taped { participant: seat(n).participant, is_kept }));
        (says(&room), names(&outputs).len())
    };
    assert_eq!(taped(1, true), (true, 3), "everybody is told");
    assert_eq!(taped(2, true), (true, 0));
    assert_eq!(taped(1, false), (true, 0));
    assert_eq!(taped(2, false), (false, 3), "the disk is full");
    assert!(!records(&join(&mut super::room(), 1, 11)), "nobody agreed");
}

#[test]
fn a_consent_that_is_taken_back_stops_every_recording_at_once_and_for_good() {
    let mut room = Room::new(room().id(), 1, RoomPurpose::Visit, Some(agreed()), at(0));
    join(&mut room, 1, 11);
    let family = Seat { role: ParticipantRole::Family, ..seat(3) };
    room.handle(at(1), Input::Join { seat: family, connection: connection(13), socket: 0 });
    join(&mut room, 2, 12);
    let taped = |room: &mut Room, n, is_kept| {
        room.handle(at(2), Input::Relay(RelayEvent::Taped { participant: seat(n).participant, is_kept }))
    };
    taped(&mut room, 1, true);
    taped(&mut room, 2, true);
    let stop = |n| Output::Relay(RelayCommand::StopRecord { participant: seat(n).participant });
    assert_eq!(room.handle(at(3), Input::StopRecording), [stop(1), stop(2)]);
    assert_eq!(room.handle(at(3), Input::StopRecording), [], "once");
    taped(&mut room, 1, false);
    assert_eq!(names(&taped(&mut room, 2, false)).len(), 3, "the mark goes out on every screen");
    assert_eq!(names(&taped(&mut room, 2, true)), [], "what the relay said before it heard of it counts no more");
    let doctor = Seat { role: ParticipantRole::Doctor, ..seat(4) };
    let joined = room.handle(at(4), Input::Join { seat: doctor, connection: connection(14), socket: 0 });
    assert!(!joined.iter().any(|o| matches!(o, Output::Relay(RelayCommand::Record { .. }))), "nobody new either");
}
