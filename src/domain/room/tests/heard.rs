//! What the room makes of what the relay says.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::domain::room::relay::{MediaKind, MediaState, SourceName};

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
