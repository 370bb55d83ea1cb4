//! Who comes, is lost, comes back and goes.

use super::*;
use crate::domain::room::relay::{MediaState, RelayMode, SourceName};

#[test]
fn a_newcomer_is_admitted_to_the_relay_and_everybody_is_told() {
    let mut room = room();
    join(&mut room, 1, 11);
    let outputs = join(&mut room, 2, 12);
    assert!(matches!(outputs[0], Output::Relay(RelayCommand::Admit { mode: RelayMode::Conference, .. })));
    assert_eq!(names(&outputs), [connection(11), connection(12)]);
}

#[test]
fn callers_of_the_emergency_line_and_checks_get_no_kept_seat_and_everybody_else_does() {
    let admitted = |purpose, role| {
        let mut room = Room::new(room().id(), 1, purpose, None, at(0));
        let outputs =
            room.handle(at(0), Input::Join { seat: Seat { role, ..seat(1) }, connection: connection(11), socket: 0 });
        matches!(outputs[0], Output::Relay(RelayCommand::Admit { kept: true, .. }))
    };
    assert!(!admitted(RoomPurpose::Emergency, ParticipantRole::Patient));
    assert!(!admitted(RoomPurpose::Check, ParticipantRole::Patient));
    assert!(admitted(RoomPurpose::Emergency, ParticipantRole::Nurse));
    assert!(admitted(RoomPurpose::Visit, ParticipantRole::Patient));
    assert!(admitted(RoomPurpose::Nurse, ParticipantRole::Patient));
}

#[test]
fn a_reload_takes_up_the_same_seat_and_replaces_the_old_window() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let outputs = join(&mut room, 2, 13);
    assert_eq!(outputs[0], Output::Tell(connection(12), Notice::Ended(RoomEnd::Replaced)));
    assert!(
        !outputs.iter().any(|o| matches!(o, Output::Relay(RelayCommand::Remove { .. }))),
        "the relay keeps the seat"
    );
    assert_eq!(room.state_for(connection(13)).unwrap().participants.len(), 2);
    assert!(room.state_for(connection(12)).is_none());
}

#[test]
fn whoever_joins_again_is_admitted_to_the_relay_again_as_they_stand_for_it_may_have_given_their_place_away() {
    let mut room = Room::new(room().id(), 1, RoomPurpose::Emergency, None, at(0));
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let mute = Input::Host { by: connection(11), participant: seat(2).participant, act: HostAct::Mute };
    room.handle(at(1), mute);
    for via in [12, 13] {
        let outputs = join(&mut room, 2, via);
        let admitted: Vec<_> = outputs.iter().filter(|output| matches!(output, Output::Relay(_))).collect();
        let permit = ParticipantRole::Patient.permit(false, true);
        let (room, participant, mode) = (room.id(), seat(2).participant, RelayMode::Conference);
        let again = RelayCommand::Admit { room, participant, mode, kept: false, permit };
        assert_eq!(admitted, [&Output::Relay(again)], "via {via}");
    }
    let at_the_door = Seat { standing: Standing::Door, ..seat(3) };
    for _ in 0..2 {
        let comes = Input::Join { seat: at_the_door.clone(), connection: connection(14), socket: 0 };
        let outputs = room.handle(at(2), comes);
        assert!(!outputs.iter().any(|output| matches!(output, Output::Relay(_))), "nobody at the door has a place");
    }
}

#[test]
fn who_is_held_apart_and_comes_back_is_not_told_who_speaks() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let speaker = RelayEvent::Speaker { room: room.id(), participant: Some(seat(1).participant) };
    room.handle(at(1), Input::Relay(speaker.clone()));
    room.handle(at(2), Input::Host { by: connection(11), participant: seat(2).participant, act: HostAct::Hold });
    let told = |outputs: &[Output]| outputs.contains(&Output::Tell(connection(12), Notice::Media(speaker.clone())));
    room.handle(at(3), lost(12, 0));
    assert!(!told(&room.handle(at(4), back(12, 1))));
    room.handle(at(5), Input::Host { by: connection(11), participant: seat(2).participant, act: HostAct::Release });
    room.handle(at(6), lost(12, 1));
    assert!(told(&room.handle(at(7), back(12, 2))));
}

#[test]
fn a_lost_participant_is_missed_only_after_the_grace_period() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    room.handle(at(5), lost(12, 0));
    assert_eq!(room.deadline(), Some(at(5) + SEAT_GRACE));
    assert_eq!(room.handle(at(4) + SEAT_GRACE, Input::Tick), []);
    let outputs = room.handle(at(5) + SEAT_GRACE, Input::Tick);
    assert_eq!(outputs[0], Output::Relay(RelayCommand::Remove { participant: seat(2).participant }));
    assert_eq!(names(&outputs), [connection(11)]);
}

#[test]
fn a_participant_who_comes_back_in_time_was_never_gone() {
    let mut room = room();
    join(&mut room, 1, 11);
    room.handle(at(5), lost(11, 0));
    room.handle(at(6), back(11, 1));
    assert_eq!(room.deadline(), None);
}

#[test]
fn a_loss_that_is_told_after_the_next_socket_has_come_is_old() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let told = room.handle(at(5), back(12, 1));
    assert!(
        matches!(&told[..], [Output::Tell(to, Notice::State(_))] if *to == connection(12)),
        "the room is told anew"
    );
    assert_eq!(room.handle(at(6), lost(12, 0)), [], "nobody is missed");
    assert_eq!(presence(&room, 2), Presence::Here);
    assert_eq!(room.handle(at(6) + SEAT_GRACE, Input::Tick), []);
    assert!(room.seats(connection(12)), "nor vacated, ten minutes later");
}

#[test]
fn a_return_that_is_told_after_its_own_loss_is_old_and_brings_no_ghost() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    room.handle(at(5), lost(12, 1));
    assert_eq!(room.handle(at(6), back(12, 1)), []);
    assert_eq!(presence(&room, 2), Presence::Lost { since: at(5) });
    room.handle(at(7), back(12, 2));
    assert_eq!(presence(&room, 2), Presence::Here);
}

#[test]
fn who_comes_back_is_told_again_what_the_relay_said_last_and_no_answer() {
    let mut room = room();
    join(&mut room, 1, 11);
    let participant = seat(1).participant;
    let layers = |mid: &str, layers: &[u8]| RelayEvent::Layers {
        participant,
        mid: mid.into(),
        name: SourceName::Camera,
        layers: layers.into(),
    };
    let slots = |missing| RelayEvent::Slots { participant, slots: Vec::new(), missing };
    let speaker = RelayEvent::Speaker { room: room.id(), participant: None };
    let state = |state| RelayEvent::Connection { participant, state };
    for event in [
        state(MediaState::Connecting),
        slots((0, 0)),
        state(MediaState::Connected),
        RelayEvent::Answer { participant, offer_id: 1, sdp: String::new() },
        layers("1", &[0]),
        layers("2", &[]),
        layers("1", &[0, 1]),
        slots((0, 1)),
        speaker.clone(),
    ] {
        room.handle(at(1), Input::Relay(event));
    }
    let mut sockets = 0..;
    let mut again = |room: &mut Room| {
        let socket = sockets.next().unwrap();
        room.handle(at(2), lost(11, socket));
        let outputs = room.handle(at(3), back(11, socket + 1));
        assert!(matches!(outputs[0], Output::Tell(_, Notice::State(_))), "the room comes first");
        let told = outputs.into_iter().filter_map(|output| match output {
            Output::Tell(to, Notice::Media(event)) if to == connection(11) => Some(event),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let connected = state(MediaState::Connected);
    let kept = [connected.clone(), layers("2", &[]), layers("1", &[0, 1]), slots((0, 1)), speaker.clone()];
    assert_eq!(again(&mut room), kept);
    let fresh = Input::Offer { connection: connection(11), offer_id: 2, fresh: true, sdp: String::new() };
    room.handle(at(4), fresh);
    assert_eq!(again(&mut room), [connected, slots((0, 1)), speaker], "a new connection has all its layers");
}

#[test]
fn a_full_room_says_so() {
    let mut room = room();
    for n in 0..CAPACITY as u128 {
        join(&mut room, n + 1, n + 101);
    }
    assert_eq!(join(&mut room, 50, 150), [Output::Tell(connection(150), Notice::Ended(RoomEnd::Full))]);
}
