//! What a host does, and who stands at the door.

use super::*;
use crate::domain::ids::AttachmentId;
use crate::domain::room::relay::Permit;

fn invited(n: u128, role: ParticipantRole) -> Seat {
    Seat { role, standing: Standing::Door, ..seat(n) }
}

fn permit_in(outputs: &[Output]) -> Option<Permit> {
    outputs.iter().find_map(|o| match o {
        Output::Relay(RelayCommand::Permit { permit, .. } | RelayCommand::Admit { permit, .. }) => Some(*permit),
        _ => None,
    })
}

/// A seat as it is, and how often its participant was to be held apart.
fn look(room: &mut Room, participant: ParticipantId) -> (Option<Seat>, u64) {
    let answer = room.handle(at(9), Input::Look { question: 1, participant });
    let [Output::Seen { question: 1, seat, holds }] = answer.as_slice() else { panic!("{answer:?}") };
    (seat.clone(), *holds)
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

#[test]
fn who_was_held_apart_since_a_word_that_gives_was_said_is_given_nothing_by_it() {
    let mut room = visited();
    let participant = seat(2).participant;
    host(&mut room, 11, 2, HostAct::Hold);
    let (_, holds) = look(&mut room, participant);
    // Another host, who sees the person apart and wants it so.
    host(&mut room, 11, 2, HostAct::Hold);
    let give = |holds| Input::Give { by: connection(11), participant, act: HostAct::Release, holds };
    assert_eq!(room.handle(at(5), give(holds)), []);
    assert_eq!(look(&mut room, participant).0.unwrap().standing, Standing::Held);
    assert!(!room.handle(at(6), give(holds + 1)).is_empty());
    assert_eq!(look(&mut room, participant).0.unwrap().standing, Standing::Inside);
}

#[test]
fn no_hold_is_uncounted_however_many_people_were_held_apart_before() {
    let mut room = visited();
    for n in 100..400 {
        host(&mut room, 11, n, HostAct::Hold);
    }
    let participant = seat(2).participant;
    let (_, holds) = look(&mut room, participant);
    host(&mut room, 11, 2, HostAct::Hold);
    let give = Input::Give { by: connection(11), participant, act: HostAct::Release, holds };
    assert_eq!(room.handle(at(5), give), [], "it was said before");
    let (seat, holds) = look(&mut room, participant);
    assert_eq!(seat.unwrap().standing, Standing::Held);
    let give = Input::Give { by: connection(11), participant, act: HostAct::Release, holds };
    assert!(!room.handle(at(6), give).is_empty());
    // Whoever was counted by themselves keeps the own count.
    let (_, before) = look(&mut room, self::seat(100).participant);
    host(&mut room, 11, 399, HostAct::Hold);
    assert_eq!(look(&mut room, self::seat(100).participant).1, before);
}

#[test]
fn a_word_that_was_done_before_its_turn_is_not_done_again_in_it() {
    let mut room = visited();
    let (by, participant, act) = (connection(11), seat(2).participant, HostAct::Mute);
    let ahead = |word| Input::HostAhead { word, by, participant, act };
    let in_turn = |word| Input::HostInTurn { word, by, participant, act };
    assert!(!room.handle(at(1), ahead(7)).is_empty());
    // They have spoken since.
    room.handle(at(2), Input::Unmute(connection(12)));
    assert_eq!(room.handle(at(3), in_turn(7)), [], "nobody is told twice");
    assert!(!look(&mut room, participant).0.unwrap().muted);
    // The next press of the same button is another word.
    assert!(!room.handle(at(4), ahead(8)).is_empty());
    assert_eq!(room.handle(at(5), in_turn(8)), []);
    assert!(look(&mut room, participant).0.unwrap().muted);
    // One that could not be done before its turn, as of somebody who was no host yet, is done in it.
    let colleague = Seat { role: ParticipantRole::Doctor, ..seat(5) };
    let by = connection(15);
    let act = HostAct::Hold;
    assert_eq!(room.handle(at(6), Input::HostAhead { word: 9, by, participant, act }), []);
    room.handle(at(6), Input::Join { seat: colleague, connection: by, socket: 0 });
    assert!(!room.handle(at(7), Input::HostInTurn { word: 9, by, participant, act }).is_empty());
    assert_eq!(look(&mut room, participant).0.unwrap().standing, Standing::Held);
}

#[test]
fn what_is_taken_away_from_somebody_who_is_away_is_gone_when_they_come() {
    let mut room = visited();
    let comes = |room: &mut Room| {
        let seat = Seat { standing: Standing::Inside, ..invited(4, ParticipantRole::Family) };
        room.handle(at(2), Input::Join { seat, connection: connection(14), socket: 0 })
    };
    for (act, held, muted) in [(HostAct::Hold, true, false), (HostAct::Mute, false, true)] {
        host(&mut room, 11, 4, act);
        comes(&mut room);
        let (now, _) = look(&mut room, seat(4).participant);
        let now = now.unwrap();
        assert_eq!((now.standing == Standing::Held, now.muted), (held, muted), "{act:?}");
        host(&mut room, 11, 4, HostAct::Release);
        room.handle(at(3), Input::Unmute(connection(14)));
        room.handle(at(4), Input::Leave(connection(14)));
    }
    host(&mut room, 11, 4, HostAct::Remove);
    assert_eq!(comes(&mut room), [Output::Tell(connection(14), Notice::Ended(RoomEnd::Removed))]);
    // Nothing is done with who leads the call.
    let colleague = Seat { role: ParticipantRole::Doctor, ..seat(5) };
    host(&mut room, 11, 5, HostAct::Hold);
    room.handle(at(5), Input::Join { seat: colleague, connection: connection(15), socket: 0 });
    assert_eq!(look(&mut room, seat(5).participant).0.unwrap().standing, Standing::Inside);
}
