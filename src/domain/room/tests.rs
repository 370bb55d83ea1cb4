//! The room, single-stepped.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::ids::AttachmentId;
use crate::domain::room::relay::{MediaKind, MediaState, Permit, SourceName};
use crate::domain::text::Text;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn connection(n: u128) -> ConnectionId {
    ConnectionId::from_uuid(Uuid::from_u128(n))
}

fn seat(n: u128) -> Seat {
    let role = if n == 1 { ParticipantRole::Doctor } else { ParticipantRole::Patient };
    Seat {
        participant: ParticipantId::from_uuid(Uuid::from_u128(n)),
        role,
        name: Text::new("某人", "someone"),
        standing: Standing::Inside,
        muted: false,
    }
}

fn room() -> Room {
    Room::new(RoomId::from_uuid(Uuid::from_u128(99)), 1, RoomPurpose::Visit, None, at(0))
}

fn agreed() -> Agreed {
    Agreed { version: "process-record-1".into(), at: at(-5) }
}

fn join(room: &mut Room, n: u128, via: u128) -> Vec<Output> {
    room.handle(at(0), Input::Join { seat: seat(n), connection: connection(via), socket: 0 })
}

fn lost(n: u128, socket: u64) -> Input {
    Input::Lost { connection: connection(n), socket }
}

fn back(n: u128, socket: u64) -> Input {
    Input::Back { connection: connection(n), socket }
}

fn presence(room: &Room, n: u128) -> Presence {
    let state = room.state_for(connection(10 + n)).unwrap();
    state.participants.iter().find(|one| one.id == seat(n).participant).unwrap().presence
}

fn names(outputs: &[Output]) -> Vec<ConnectionId> {
    outputs.iter().filter_map(|o| if let Output::Tell(to, _) = o { Some(*to) } else { None }).collect()
}

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
fn both_sides_are_told_whose_microphone_is_silent_and_when_it_is_heard_again() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let patient = seat(2).participant;
    let media = SelfMedia { microphone: true, ..SelfMedia::default() };
    room.handle(at(0), Input::Media(connection(12), media));
    let connected = RelayEvent::Connection { participant: patient, state: MediaState::Connected };
    room.handle(at(0), Input::Relay(connected));
    let heard = |packets| Input::Relay(RelayEvent::Upstream { participant: patient, packets: (packets, 0) });
    room.handle(at(1_000), heard(25));
    let until = room.deadline().expect("somebody is listened for");
    assert!(until.since(at(1_000)) <= Duration::from_secs(3), "{until:?}");
    assert_eq!(room.handle(at(3_000), Input::Tick), []);
    let silent = |outputs: &[Output]| -> Vec<Vec<MediaKind>> {
        let told = outputs.iter().filter_map(|output| match output {
            Output::Tell(_, Notice::State(state)) => Some(state.participants[1].silent.clone()),
            _ => None,
        });
        told.collect()
    };
    assert_eq!(silent(&room.handle(until, Input::Tick)), [[MediaKind::Audio], [MediaKind::Audio]]);
    assert_eq!(room.deadline(), None, "said once");
    assert_eq!(silent(&room.handle(at(9_000), heard(1))), [[], []]);
    host(&mut room, 11, 2, HostAct::Mute);
    assert_eq!(room.deadline(), None, "who was muted is not missed");
}

#[test]
fn who_drowns_is_told_to_all_once_and_so_is_who_does_no_more() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let participant = seat(2).participant;
    let mut told = |is_drowned| -> Vec<bool> {
        let outputs = room.handle(at(0), Input::Relay(RelayEvent::Drowned { participant, is_drowned }));
        let states = outputs.iter().filter_map(|output| match output {
            Output::Tell(_, Notice::State(state)) => Some(state.participants[1].drowned),
            _ => None,
        });
        states.collect()
    };
    let all: Vec<_> = [false, true, true, false].into_iter().map(&mut told).collect();
    assert_eq!(all, [vec![], vec![true, true], vec![], vec![false, false]]);
}

#[test]
fn what_does_not_arrive_at_somebody_is_told_to_both_sides_once_and_not_where_one_of_them_is_apart() {
    let mut room = room();
    let patient = Seat { role: ParticipantRole::Family, ..seat(3) };
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    room.handle(at(0), Input::Join { seat: patient, connection: connection(13), socket: 0 });
    let missed = [1, 3].map(|n| Missed { source: seat(n).participant, name: SourceName::Microphone });
    let says = |missed: &[Missed]| {
        let (participant, missed) = (seat(2).participant, missed.to_vec());
        Input::Relay(RelayEvent::Misses { participant, missed })
    };
    let told = |outputs: &[Output]| -> Vec<(ConnectionId, Vec<Missed>)> {
        let told = outputs.iter().filter_map(|output| match output {
            Output::Tell(to, Notice::State(state)) => {
                let whose = |one: &&Participant| one.id == seat(2).participant;
                Some((*to, state.participants.iter().find(whose).map(|one| one.misses.clone()).unwrap_or_default()))
            }
            _ => None,
        });
        told.collect()
    };
    let all = |missed: &[Missed]| [11, 12, 13].map(|via| (connection(via), missed.to_vec()));
    assert_eq!(told(&room.handle(at(0), says(&missed))), all(&missed));
    assert_eq!(told(&room.handle(at(0), says(&missed))), [], "said once");
    assert_eq!(told(&host(&mut room, 11, 3, HostAct::Hold))[..2], all(&missed[..1])[..2], "who is apart is not missed");
    host(&mut room, 11, 3, HostAct::Release);
    assert_eq!(told(&host(&mut room, 11, 2, HostAct::Hold)), all(&[]), "nor does who is apart miss anybody");
    host(&mut room, 11, 2, HostAct::Release);
    assert_eq!(told(&room.handle(at(0), says(&[]))), all(&[]));
}

#[test]
fn whichever_microphone_or_camera_dies_both_sides_are_told_within_three_and_a_half_seconds() {
    let legs = [1, 2].into_iter().flat_map(|dead| [(dead, MediaKind::Audio), (dead, MediaKind::Video)]);
    // The relay counts each half second; the last packet may come anywhere in it.
    for ((dead, kind), last) in legs.flat_map(|leg| (10_000..10_500).step_by(50).map(move |last| (leg, last))) {
        let mut room = room();
        for n in [1, 2] {
            join(&mut room, n, 10 + n);
            let media = SelfMedia { microphone: true, camera: true, ..SelfMedia::default() };
            room.handle(at(0), Input::Media(connection(10 + n), media));
            let (participant, state) = (seat(n).participant, MediaState::Connected);
            room.handle(at(0), Input::Relay(RelayEvent::Connection { participant, state }));
        }
        let (mut told, mut alarm) = (BTreeSet::new(), None);
        for now in (0..=last + 10_000).step_by(50) {
            let mut outputs = Vec::new();
            for n in [1, 2].into_iter().filter(|_| now % 500 == 0) {
                let came = |of| if n == dead && of == kind && now - 500 >= last { 0 } else { 15 };
                let packets = (came(MediaKind::Audio), came(MediaKind::Video));
                let upstream = RelayEvent::Upstream { participant: seat(n).participant, packets };
                outputs.extend(room.handle(at(now), Input::Relay(upstream)));
            }
            if room.deadline().is_some_and(|due| due <= at(now)) {
                outputs.extend(room.handle(at(now), Input::Tick));
            }
            for output in outputs {
                let Output::Tell(whom, Notice::State(state)) = output else { continue };
                for one in &state.participants {
                    let silent: &[MediaKind] = if one.id == seat(dead).participant { &[kind] } else { &[] };
                    assert_eq!(one.silent, silent, "{kind:?} of {dead} at {now}, and nothing else");
                }
                told.insert(whom);
                alarm.get_or_insert(now - last);
            }
        }
        assert_eq!(told, BTreeSet::from([connection(11), connection(12)]), "{kind:?} of {dead}");
        assert!((2_500..=3_500).contains(&alarm.unwrap()), "{kind:?} of {dead}: {alarm:?} ms after {last}");
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
    assert!(!records(&join(&mut super::tests::room(), 1, 11)), "nobody agreed");
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

#[test]
fn a_full_room_says_so() {
    let mut room = room();
    for n in 0..CAPACITY as u128 {
        join(&mut room, n + 1, n + 101);
    }
    assert_eq!(join(&mut room, 50, 150), [Output::Tell(connection(150), Notice::Ended(RoomEnd::Full))]);
}

fn invited(n: u128, role: ParticipantRole) -> Seat {
    Seat { role, standing: Standing::Door, ..seat(n) }
}

fn host(room: &mut Room, by: u128, with: u128, act: HostAct) -> Vec<Output> {
    let input = Input::Host { by: connection(by), participant: seat(with).participant, act };
    room.handle(at(1), input)
}

fn permit_in(outputs: &[Output]) -> Option<Permit> {
    outputs.iter().find_map(|o| match o {
        Output::Relay(RelayCommand::Permit { permit, .. } | RelayCommand::Admit { permit, .. }) => Some(*permit),
        _ => None,
    })
}

#[test]
fn of_the_conversation_those_who_were_invited_are_told_while_they_are_inside_and_no_observer() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let roles = [ParticipantRole::Family, ParticipantRole::Observer, ParticipantRole::InvitedDoctor];
    for (n, role) in (3..).zip(roles) {
        let seat = Seat { role, standing: Standing::Door, ..seat(n) };
        room.handle(at(0), Input::Join { seat, connection: connection(10 + n), socket: 0 });
    }
    assert_eq!(room.handle(at(1), Input::Said), [], "in front of the door");
    for n in 3..=5 {
        host(&mut room, 11, n, HostAct::Admit);
    }
    let told = |room: &mut Room| names(&room.handle(at(2), Input::Said));
    assert_eq!(told(&mut room), [connection(13), connection(15)]);
    host(&mut room, 11, 3, HostAct::Hold);
    assert_eq!(told(&mut room), [connection(15)]);
    host(&mut room, 11, 5, HostAct::Remove);
    assert_eq!(told(&mut room), []);
}

/// A doctor, a patient, and an interpreter in front of the door.
fn visited() -> Room {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let seat = invited(3, ParticipantRole::Interpreter);
    room.handle(at(0), Input::Join { seat, connection: connection(13), socket: 0 });
    room
}

#[test]
fn an_invited_person_hears_nothing_of_the_room_until_a_host_lets_them_in() {
    let mut room = room();
    join(&mut room, 1, 11);
    join(&mut room, 2, 12);
    let knock = Input::Join { seat: invited(3, ParticipantRole::Interpreter), connection: connection(13), socket: 0 };
    let outputs = room.handle(at(0), knock);
    assert!(!outputs.iter().any(|o| matches!(o, Output::Relay(_))), "no place in the relay");
    assert_eq!(outputs[0], Output::Tell(connection(13), Notice::Door));
    assert!(room.state_for(connection(13)).is_none());
    assert_eq!(room.state_for(connection(11)).unwrap().door.len(), 1, "the host sees who knocks");
    assert!(room.state_for(connection(12)).unwrap().door.is_empty(), "the patient does not");
    let offer = Input::Offer { connection: connection(13), offer_id: 1, fresh: true, sdp: String::new() };
    assert_eq!(room.handle(at(1), offer), [], "no offer of theirs is answered");
    assert_eq!(host(&mut room, 12, 3, HostAct::Admit), [], "a patient lets nobody in");
    let outputs = host(&mut room, 11, 3, HostAct::Admit);
    assert!(matches!(outputs[0], Output::Relay(RelayCommand::Admit { .. })));
    assert_eq!(names(&outputs), [connection(11), connection(12), connection(13)]);
}

#[test]
fn who_is_held_apart_sees_nobody_and_the_relay_is_told_first() {
    let mut room = visited();
    let outputs = host(&mut room, 11, 2, HostAct::Hold);
    assert_eq!(permit_in(&outputs), Some(Permit::NOTHING));
    assert!(matches!(outputs[0], Output::Relay(_)));
    let seen = room.state_for(connection(12)).unwrap().participants;
    assert!(seen.len() == 1 && seen[0].held);
    assert!(
        room.state_for(connection(11)).unwrap().participants.iter().any(|one| one.held),
        "the others see who is held"
    );
    let outputs = host(&mut room, 11, 2, HostAct::Release);
    assert_eq!(permit_in(&outputs), Some(ParticipantRole::Patient.permit(false, false)));
    assert_eq!(room.state_for(connection(12)).unwrap().participants.len(), 2);
}

#[test]
fn a_host_mutes_and_only_the_muted_person_speaks_again() {
    let mut room = visited();
    let outputs = host(&mut room, 11, 2, HostAct::Mute);
    assert!(!permit_in(&outputs).unwrap().audio);
    let said = SelfMedia { microphone: true, ..SelfMedia::default() };
    room.handle(at(2), Input::Media(connection(12), said.clone()));
    let patient = |room: &Room| room.state_for(connection(12)).unwrap().participants[1].clone();
    assert!(patient(&room).muted && !patient(&room).media.microphone, "what was under way does not unmute");
    assert_eq!(room.handle(at(2), Input::Unmute(connection(11))), [], "a host cannot unmute another");
    let outputs = room.handle(at(3), Input::Unmute(connection(12)));
    assert!(permit_in(&outputs).unwrap().audio);
    room.handle(at(4), Input::Media(connection(12), said));
    assert!(patient(&room).media.microphone && !patient(&room).muted);
}

#[test]
fn a_removed_person_is_cut_off_before_anybody_is_told() {
    let mut room = visited();
    host(&mut room, 11, 3, HostAct::Admit);
    let outputs = host(&mut room, 11, 3, HostAct::Remove);
    assert_eq!(outputs[0], Output::Relay(RelayCommand::Remove { participant: seat(3).participant }));
    assert!(matches!(outputs[1], Output::Withhold { .. }));
    assert_eq!(outputs[2], Output::Tell(connection(13), Notice::Ended(RoomEnd::Removed)));
    let knock =
        Input::Join { seat: Seat { standing: Standing::Inside, ..seat(3) }, connection: connection(14), socket: 0 };
    let answer = [Output::Tell(connection(14), Notice::Ended(RoomEnd::Removed))];
    assert_eq!(room.handle(at(2), knock), answer, "whatever is written of the seat");
    let other = Input::Join { seat: invited(4, ParticipantRole::Interpreter), connection: connection(14), socket: 0 };
    assert_eq!(
        room.handle(at(2), other)[0],
        Output::Tell(connection(14), Notice::Door),
        "who is invited anew has another"
    );
    assert_eq!(host(&mut room, 11, 2, HostAct::Remove), [], "a patient is held apart, never removed");
    assert_eq!(host(&mut room, 11, 1, HostAct::Mute), [], "nobody mutes a host");
}

#[test]
fn who_leaves_while_held_apart_or_muted_comes_back_so_whatever_is_written() {
    let mut room = visited();
    let inside = |n| Seat { standing: Standing::Inside, muted: false, ..seat(n) };
    let back = |room: &mut Room, n: u128, socket: u128| {
        room.handle(at(3), Input::Join { seat: inside(n), connection: connection(socket), socket: 0 })
    };
    host(&mut room, 11, 2, HostAct::Hold);
    host(&mut room, 11, 2, HostAct::Mute);
    for socket in [12, 22] {
        room.handle(at(2), Input::Leave(connection(socket)));
        let nothing = permit_in(&back(&mut room, 2, 22)).unwrap();
        assert_eq!(nothing, inside(2).role.permit(true, true), "the relay lets nothing of it through");
        let own = room.state_for(connection(22)).unwrap().participants;
        assert!(own.len() == 1 && own[0].held && own[0].muted, "{own:?}");
    }
    // Released while away, it comes back inside; it is muted still.
    room.handle(at(4), Input::Leave(connection(22)));
    host(&mut room, 11, 2, HostAct::Release);
    assert_eq!(permit_in(&back(&mut room, 2, 32)), Some(inside(2).role.permit(false, true)));
    // And who was released and spoke again left nothing behind.
    room.handle(at(5), Input::Unmute(connection(32)));
    room.handle(at(6), Input::Leave(connection(32)));
    assert_eq!(permit_in(&back(&mut room, 2, 42)), Some(inside(2).role.permit(false, false)));
}

#[test]
fn a_full_room_admits_nobody_from_the_door() {
    let mut room = room();
    for n in 0..CAPACITY as u128 {
        join(&mut room, n + 1, n + 101);
    }
    let knock = Input::Join { seat: invited(50, ParticipantRole::Family), connection: connection(150), socket: 0 };
    assert_eq!(room.handle(at(0), knock)[0], Output::Tell(connection(150), Notice::Door));
    let let_in = |room: &mut Room, id| {
        host(room, 101, 50, HostAct::Admit);
        room.handle(at(1), Input::LetIn { by: connection(101), participant: seat(50).participant, id })
    };
    assert_eq!(let_in(&mut room, 7), [Output::Tell(connection(101), Notice::NoPlace(7))]);
    room.handle(at(2), Input::Leave(connection(102)));
    for id in [8, 9] {
        assert_eq!(let_in(&mut room, id), [Output::Tell(connection(101), Notice::LetIn(id))], "and said again");
    }
    assert!(room.state_for(connection(150)).is_some(), "inside");
    room.handle(at(3), Input::End(RoomEnd::Finished));
    assert_eq!(
        let_in(&mut room, 10),
        [Output::Tell(connection(101), Notice::LetIn(10))],
        "whatever happens it is answered"
    );
}

#[test]
fn an_observer_cannot_say_that_they_speak_and_the_relay_lets_nothing_of_theirs_through() {
    let mut room = visited();
    let seat = Seat { standing: Standing::Inside, ..invited(4, ParticipantRole::Observer) };
    let outputs = room.handle(at(0), Input::Join { seat, connection: connection(14), socket: 0 });
    assert_eq!(permit_in(&outputs), Some(ParticipantRole::Observer.permit(false, false)));
    let said = SelfMedia { microphone: true, camera: true, ..SelfMedia::default() };
    assert_eq!(room.handle(at(1), Input::Media(connection(14), said)), [], "nothing changed");
    assert!(room.state_for(connection(12)).unwrap().participants.iter().any(|p| p.role == ParticipantRole::Observer));
}

#[test]
fn a_picture_is_asked_by_a_host_and_called_off_by_either_and_over_when_kept() {
    let mut room = visited();
    let id = AttachmentId::from_uuid(Uuid::from_u128(7));
    let ask = PictureAsk { id, of: PictureOf::Tongue, at: at(1) };
    assert_eq!(room.handle(at(1), Input::AskPicture { by: connection(12), ask }), [], "a patient asks for none");
    room.handle(at(1), Input::AskPicture { by: connection(11), ask });
    assert_eq!(room.state_for(connection(12)).unwrap().picture, Some(ask));
    room.handle(at(2), Input::CallOffPicture(connection(12)));
    assert_eq!(room.state_for(connection(11)).unwrap().picture, None);
    room.handle(at(3), Input::AskPicture { by: connection(11), ask });
    room.handle(at(4), Input::PictureKept(id));
    assert_eq!(room.state_for(connection(11)).unwrap().picture, None);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Join(u128, u128),
    Lost(u128),
    Back(u128),
    Leave(u128),
    Offer(u128),
    Camera(u128),
    Relay(u128),
    Tick,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 1..6_u128;
    let via = 11..22_u128;
    let step = prop_oneof![
        (who.clone(), via.clone()).prop_map(|(n, c)| Step::Join(n, c)),
        via.clone().prop_map(Step::Lost),
        via.clone().prop_map(Step::Back),
        via.clone().prop_map(Step::Leave),
        via.clone().prop_map(Step::Offer),
        via.prop_map(Step::Camera),
        who.prop_map(Step::Relay),
        Just(Step::Tick),
    ];
    proptest::collection::vec(step, 0..60)
}

/// What happens as the `n`th, and whose joining it is.
fn input_of(n: usize, step: Step) -> (Input, Option<ConnectionId>) {
    let socket = n as u64;
    let input = match step {
        Step::Join(n, c) => {
            let connection = connection(c);
            return (Input::Join { seat: seat(n), connection, socket }, Some(connection));
        }
        Step::Lost(c) => lost(c, socket),
        Step::Back(c) => back(c, socket),
        Step::Leave(c) => Input::Leave(connection(c)),
        Step::Offer(c) => Input::Offer { connection: connection(c), offer_id: 1, fresh: true, sdp: String::new() },
        Step::Camera(c) => Input::Media(connection(c), SelfMedia { camera: true, ..SelfMedia::default() }),
        Step::Relay(n) => {
            let (participant, state) = (seat(n).participant, MediaState::Connected);
            Input::Relay(RelayEvent::Connection { participant, state })
        }
        Step::Tick => Input::Tick,
    };
    (input, None)
}

/// One connection holds one seat in one room; the driver refuses a second.
fn is_refused(room: &Room, step: &Step) -> bool {
    matches!(step, Step::Join(_, c) if room.seats(connection(*c)))
}

fn seated(room: &Room) -> Vec<ConnectionId> {
    (11..22).map(connection).filter(|c| room.seats(*c)).collect()
}

proptest! {
    #[test]
    fn nobody_without_a_seat_hears_of_the_room(plan in steps()) {
        let mut room = room();
        for (n, step) in plan.into_iter().enumerate() {
            let now = at(i64::try_from(n).unwrap() * 60_000);
            let before = seated(&room);
            if is_refused(&room, &step) {
                continue;
            }
            let (input, joining) = input_of(n, step);
            let outputs = room.handle(now, input);
            for told in names(&outputs) {
                prop_assert!(before.contains(&told) || joining == Some(told));
            }
            for connection in seated(&room) {
                let state = room.state_for(connection).unwrap();
                let you = state.participants.iter().filter(|p| p.id == state.you).count();
                prop_assert_eq!(you, 1, "everybody has exactly one seat");
            }
        }
    }

    #[test]
    fn a_check_ends_once_nobody_has_sat_in_it_for_the_grace_and_never_while_somebody_sits(plan in steps()) {
        let mut room = Room::new(room().id(), 1, RoomPurpose::Check, None, at(0));
        let (mut now, mut is_over, mut empty_since) = (at(0), false, Some(at(0)));
        // As its driver does: a tick at each deadline, and what happens in between.
        let mut happens = |room: &mut Room, now: Timestamp, input: Input| {
            let (before, is_tick) = (empty_since, matches!(input, Input::Tick));
            let ends = room.handle(now, input).contains(&Output::Forget);
            empty_since = seated(room).is_empty().then(|| before.unwrap_or(now));
            if ends {
                assert!(is_tick && before.is_some_and(|since| now.since(since) >= CHECK_GRACE), "{before:?} {now:?}");
            }
            is_over |= ends;
            assert!(is_over || empty_since.is_none_or(|since| now.since(since) < CHECK_GRACE), "{empty_since:?} {now:?}");
        };
        for (n, step) in plan.into_iter().enumerate() {
            now = now + Duration::from_secs(25);
            while let Some(due) = room.deadline().filter(|due| *due <= now) {
                happens(&mut room, due, Input::Tick);
            }
            if !is_refused(&room, &step) {
                happens(&mut room, now, input_of(n, step).0);
            }
        }
        for c in 11..22 {
            happens(&mut room, now, Input::Leave(connection(c)));
        }
        let end = room.deadline();
        if let Some(due) = end {
            happens(&mut room, due, Input::Tick);
        }
        prop_assert!(is_over && room.deadline().is_none(), "{:?}", end);
    }

    /// Sockets of one connection come and go one after the other, each on a task of its own: what they say may be heard in
    /// any order.
    #[test]
    fn in_whatever_order_comings_and_goings_are_heard_the_last_one_holds(
        words in (1..6_u64, any::<bool>()).prop_flat_map(|(sockets, is_last_lost)| {
            let comings = (1..=sockets).map(|socket| (socket, false));
            let goings = (0..sockets + u64::from(is_last_lost)).map(|socket| (socket, true));
            (Just(is_last_lost), Just(comings.chain(goings).collect::<Vec<_>>()).prop_shuffle())
        })
    ) {
        let (is_last_lost, words) = words;
        let mut room = room();
        join(&mut room, 1, 11);
        for (n, (socket, is_lost)) in words.into_iter().enumerate() {
            let word = if is_lost { lost(11, socket) } else { back(11, socket) };
            room.handle(at(i64::try_from(n).unwrap()), word);
        }
        prop_assert_eq!(matches!(presence(&room, 1), Presence::Lost { .. }), is_last_lost);
    }
}
