//! When a room is over.

use super::*;

#[test]
fn a_check_in_which_nobody_sits_ends_by_itself_and_a_visit_waits() {
    for (purpose, ends) in [(RoomPurpose::Check, true), (RoomPurpose::Visit, false), (RoomPurpose::Emergency, false)] {
        let mut room = Room::new(room().id(), 1, purpose, None, at(0));
        assert_eq!(room.deadline(), ends.then_some(at(0) + CHECK_GRACE), "{purpose:?}: nobody has come yet");
        join(&mut room, 2, 12);
        assert_eq!(room.deadline(), None, "{purpose:?}");
        room.handle(at(9), Input::Leave(connection(12)));
        assert_eq!(room.deadline(), ends.then_some(at(9) + CHECK_GRACE), "{purpose:?}");
        assert_eq!(room.handle(at(8) + CHECK_GRACE, Input::Tick), [], "{purpose:?}");
        let outputs = room.handle(at(9) + CHECK_GRACE, Input::Tick);
        let (close, forget) = (Output::Relay(RelayCommand::Close { room: room.id() }), Output::Forget);
        assert_eq!(outputs, if ends { vec![close, forget] } else { Vec::new() }, "{purpose:?}");
        assert_eq!(room.deadline(), None, "{purpose:?}");
    }
}

#[test]
fn the_end_cuts_the_media_before_anybody_is_told() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let outputs = room.handle(at(9), Input::End(RoomEnd::WrongPerson));
    assert!(matches!(outputs[0], Output::Relay(RelayCommand::Close { .. })));
    assert_eq!(names(&outputs), [connection(11), connection(12)]);
    assert_eq!(outputs.last(), Some(&Output::Forget));
    let answer = [Output::Tell(connection(11), Notice::Ended(RoomEnd::WrongPerson))];
    assert_eq!(join(&mut room, 1, 11), answer, "an ended room admits nobody, and says so");
    assert_eq!(room.handle(at(9), Input::Leave(connection(11))), [], "and nothing else");
}
