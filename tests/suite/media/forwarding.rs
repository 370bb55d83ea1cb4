//! Media reaches whom it should, and nobody else.

use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{MediaState, RelayCommand, RelayMode};

use super::client::{OPUS, Received, VP8};
use super::stage::{Stage, participant, room};

fn goes_on_without_a_gap(packets: &[Received]) -> bool {
    packets.windows(2).all(|two| two[1].sequence == two[0].sequence.wrapping_add(1))
}

#[tokio::test]
async fn two_participants_hear_and_see_each_other() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 2).await;
    let mut b = stage.join(2, RelayMode::Conference, 2).await;
    for (client, other) in [(&mut a, 2), (&mut b, 1)] {
        let pictures = client.packets_of(other, Video, 20).await;
        assert!(pictures[0].is_keyframe, "the first picture is a whole one");
        let sounds = client.packets_of(other, Audio, 20).await;
        assert!(goes_on_without_a_gap(&pictures) && goes_on_without_a_gap(&sounds));
    }
    let slots = stage.slots(1, |slots, _| slots.len() == 2).await;
    assert!(slots.iter().all(|slot| slot.source == participant(2)));
    stage.state(1, MediaState::Connected).await;
    a.vanish().await;
    b.vanish().await;
    stage.strike().await;
}

#[tokio::test]
async fn each_of_three_gets_the_two_others_in_the_sections_it_was_told() {
    let mut stage = Stage::new();
    let mut clients = Vec::new();
    for name in 1..=3 {
        clients.push(stage.join(name, RelayMode::Conference, 2).await);
    }
    for client in &mut clients {
        let slots = stage.slots(client.name, |slots, missing| slots.len() == 4 && missing == (0, 0)).await;
        let name = client.name;
        for other in (1..=3).filter(|other| *other != name) {
            for kind in [Audio, Video] {
                let packets = client.packets_of(other, kind, 5).await;
                let slot = slots.iter().find(|slot| slot.kind == kind && slot.source == participant(other));
                assert_eq!(packets[0].mid, slot.expect("a slot").mid);
            }
        }
        assert!(client.arrived().iter().all(|packet| packet.sender != client.name), "nobody gets their own");
    }
    stage.strike().await;
}

#[tokio::test]
async fn each_of_four_hears_three_others_in_opus_and_sees_them_in_vp8() {
    let mut stage = Stage::new();
    let mut clients = Vec::new();
    for name in 1..=4 {
        clients.push(stage.join(name, RelayMode::Conference, 3).await);
    }
    for client in &mut clients {
        let slots = stage.slots(client.name, |slots, missing| slots.len() == 6 && missing == (0, 0)).await;
        let name = client.name;
        for other in (1..=4).filter(|other| *other != name) {
            for (kind, codec) in [(Audio, OPUS), (Video, VP8)] {
                let packets = client.packets_of(other, kind, 5).await;
                assert!(packets.iter().all(|packet| packet.payload_type == codec), "{kind:?} of {other} at {name}");
                let slot = slots.iter().find(|slot| slot.kind == kind && slot.source == participant(other));
                assert_eq!(packets[0].mid, slot.expect("a slot").mid);
            }
        }
        let arrived = client.arrived();
        assert!(arrived.iter().all(|packet| packet.sender != name), "nobody gets their own");
    }
    assert_eq!(stage.relay.connections(), 4);
    stage.strike().await;
}

#[tokio::test]
async fn whoever_has_too_few_sections_is_told_how_many_are_missing() {
    let mut stage = Stage::new();
    let _a = stage.join(1, RelayMode::Conference, 1).await;
    let _b = stage.join(2, RelayMode::Conference, 2).await;
    let _c = stage.join(3, RelayMode::Conference, 2).await;
    stage.slots(1, |slots, missing| slots.len() == 2 && missing == (1, 1)).await;
    stage.strike().await;
}

#[tokio::test]
async fn in_the_check_before_a_call_one_receives_oneself_alone() {
    let mut stage = Stage::new();
    let mut checking = stage.join(1, RelayMode::Loopback, 1).await;
    let mut other = stage.join(2, RelayMode::Conference, 2).await;
    checking.packets_of(1, Video, 20).await;
    checking.packets_of(1, Audio, 20).await;
    assert!(checking.arrived().iter().all(|packet| packet.sender == 1));
    assert!(other.arrived().is_empty(), "nobody receives somebody who is only checking");
    stage.strike().await;
}

#[tokio::test]
async fn a_removed_participant_gets_nothing_more_and_gives_nothing_more() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 2).await;
    let mut b = stage.join(2, RelayMode::Conference, 2).await;
    let mut c = stage.join(3, RelayMode::Conference, 2).await;
    b.packets_of(1, Video, 5).await;
    c.packets_of(2, Video, 5).await;

    stage.send(RelayCommand::Remove { participant: participant(2) }).await;
    stage.state(2, MediaState::Closed).await;
    stage.slots(3, |slots, _| slots.iter().all(|slot| slot.source == participant(1))).await;
    // What was under way before the removal has arrived when a later packet of another source has.
    c.packets_of(1, Audio, 10).await;
    a.packets_of(3, Audio, 10).await;
    b.arrived();
    c.arrived();
    c.packets_of(1, Audio, 20).await;
    assert!(b.arrived().is_empty(), "the removed one hears nothing");
    assert!(c.packets_of(1, Video, 20).await.iter().all(|packet| packet.sender != 2));
    assert!(c.arrived().iter().all(|packet| packet.sender != 2), "and is not heard");
    assert_eq!(stage.relay.connections(), 2);
    stage.strike().await;
}

#[tokio::test]
async fn closing_a_room_leaves_nothing_behind() {
    let mut stage = Stage::new();
    let _a = stage.join(1, RelayMode::Conference, 1).await;
    let _b = stage.join(2, RelayMode::Conference, 1).await;
    assert_eq!(stage.relay.connections(), 2);
    stage.send(RelayCommand::Close { room: room() }).await;
    stage.state(1, MediaState::Closed).await;
    stage.state(2, MediaState::Closed).await;
    assert_eq!(stage.relay.connections(), 0);
    stage.strike().await;
}

#[tokio::test]
async fn after_a_reload_the_others_see_the_same_section_go_on() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 2).await;
    let mut b = stage.join(2, RelayMode::Conference, 2).await;
    let before = stage.slots(1, |slots, _| slots.len() == 2).await;
    let last = a.packets_of(2, Video, 10).await.pop().expect("ten packets");
    b.packets_of(1, Video, 10).await;

    b.vanish().await;
    let mut b = stage.bring(2, 2).await;
    b.packets_of(1, Video, 10).await;
    let mut pictures = vec![last];
    pictures.extend(a.arrived().into_iter().filter(|packet| packet.kind == Video));
    pictures.extend(a.packets_of(2, Video, 30).await);
    assert!(goes_on_without_a_gap(&pictures), "the stream goes on under the same numbers");
    assert!(pictures.windows(2).all(|two| two[1].timestamp.wrapping_sub(two[0].timestamp) < 0x8000_0000));
    assert!(pictures.iter().skip(1).any(|packet| packet.is_keyframe), "the new camera begins with a whole picture");
    assert!(pictures.iter().all(|packet| packet.mid == pictures[0].mid));
    let told = stage.slots(2, |slots, _| slots.len() == 2).await;
    assert!(told.iter().all(|slot| slot.source == participant(1)));
    assert!(before.iter().any(|slot| slot.mid == pictures[0].mid && slot.kind == Video));
    assert_eq!(stage.relay.connections(), 2, "the old connection is forgotten");
    stage.strike().await;
}

#[tokio::test]
async fn a_wish_for_a_keyframe_reaches_the_publisher_but_not_more_often_than_it_can_bear() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 2).await;
    let mut b = stage.join(2, RelayMode::Conference, 2).await;
    b.packets_of(1, Video, 5).await;
    a.packets_of(2, Video, 5).await;
    while a.asked.try_recv().is_ok() {}

    let mut keyframes = 0;
    let mut asked = Vec::new();
    while keyframes < 3 {
        b.ask_for_keyframes().await;
        keyframes += b.packets_of(1, Video, 3).await.iter().filter(|packet| packet.is_keyframe).count();
        while let Ok(wish) = a.asked.try_recv() {
            asked.push(wish.at);
        }
    }
    let pauses: Vec<_> = asked.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(pauses.iter().all(|pause| pause.as_millis() >= 950), "{pauses:?}");
    stage.strike().await;
}

#[tokio::test]
async fn however_many_come_and_ask_a_publisher_is_asked_for_a_keyframe_once_a_second() {
    let mut stage = Stage::new();
    let mut publisher = stage.join(1, RelayMode::Conference, 4).await;
    let mut others = Vec::new();
    // Whoever comes wants a whole picture too.
    for name in 2..=5 {
        others.push(stage.join(name, RelayMode::Conference, 4).await);
    }
    let mut keyframes = 0;
    while keyframes < 3 {
        for other in &others {
            other.ask_for_keyframes().await;
        }
        keyframes += others[0].packets_of(1, Video, 3).await.iter().filter(|packet| packet.is_keyframe).count();
    }
    let mut asked = Vec::new();
    while let Ok(wish) = publisher.asked.try_recv() {
        asked.push(wish.at);
    }
    let pauses: Vec<_> = asked.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(pauses.len() >= 2 && pauses.iter().all(|pause| pause.as_millis() >= 950), "{pauses:?}");
    stage.strike().await;
}
