//! A camera in three sizes, and who gets which.

use std::time::Duration;

use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{Permit, RelayCommand, RelayEvent, RelayMode, Slot};

use super::client::{Client, PATIENCE};
use super::sending::Asked;
use super::stage::{Stage, participant};

/// The relay's own patience between two requests.
const PAUSE: Duration = Duration::from_secs(1);

/// Somebody with a camera in three sizes comes in.
async fn publisher(stage: &mut Stage, name: u8) -> Client {
    stage.admit(name, Permit::ALL).await;
    let client = Client::layered(name, 1, &stage.browsers).await;
    stage.seat(client).await
}

/// `name` shows every picture of `of` in this height.
async fn shows(stage: &mut Stage, name: u8, of: u8, height: u16) {
    let is_of = |slot: &&Slot| slot.kind == Video && slot.source == participant(of);
    let slots = stage.slots(name, |slots, _| slots.iter().any(|slot| is_of(&slot))).await;
    let heights = slots.iter().filter(is_of).map(|slot| (slot.mid.clone(), height)).collect();
    stage.send(RelayCommand::View { participant: participant(name), heights }).await;
}

#[tokio::test]
async fn a_camera_of_three_layers_is_asked_for_keyframes_once_a_second_whoever_watches_which() {
    let mut stage = Stage::new();
    let mut camera = publisher(&mut stage, 1).await;
    let mut watching = Vec::new();
    for (name, height) in [(2, 150), (3, 350), (4, 700)] {
        let mut client = stage.join(name, RelayMode::Conference, 3).await;
        shows(&mut stage, name, 1, height).await;
        while client.packets_of(1, Video, 1).await[0].layer != name - 2 {}
        watching.push(client);
    }
    while camera.asked.try_recv().is_ok() {}
    let mut asked = Vec::new();
    while asked.len() < 5 {
        for client in &mut watching {
            client.ask_for_keyframes().await;
            client.packets_of(1, Video, 3).await;
        }
        while let Ok(wish) = camera.asked.try_recv() {
            asked.push(wish);
        }
    }
    let apart = |two: &[Asked]| two[1].at - two[0].at;
    assert!(asked.windows(2).all(|two| apart(two) >= PAUSE * 95 / 100), "{asked:?}");
    for layer in 0..3 {
        let of = asked.iter().filter(|wish| wish.layers.contains(&layer)).count();
        assert!(of >= 2, "layer {layer} was asked for: {asked:?}");
    }
    stage.strike().await;
}

#[tokio::test]
async fn whose_path_is_narrow_gets_the_layer_that_passes_and_every_sound() {
    let mut stage = Stage::new();
    let _camera = publisher(&mut stage, 1).await;
    let mut wide = stage.join(2, RelayMode::Conference, 3).await;
    // Of the largest layer a sixth passes, of the middle one a third; the smallest fits beside the sound.
    stage.admit(3, Permit::ALL).await;
    let client = Client::at_the_end_of_a_narrow_path(3, 3, &stage.browsers, 260_000).await;
    let mut narrow = stage.seat(client).await;
    for name in [2, 3] {
        shows(&mut stage, name, 1, 700).await;
    }
    while narrow.packets_of(1, Video, 1).await[0].layer != 2 {}
    let goes_down = async {
        // So long that nothing of the larger ones is asked for again, which takes the place of what is new.
        let mut smaller = 0;
        while smaller < 250 {
            smaller = if narrow.packets_of(1, Video, 1).await[0].layer == 0 { smaller + 1 } else { 0 };
        }
    };
    tokio::time::timeout(PATIENCE, goes_down).await.expect("the smallest layer in time");

    // From now on the path carries what is sent, and nothing of the sound is missing.
    let sounds = narrow.packets_of(1, Audio, 100).await;
    assert!(sounds.windows(2).all(|two| two[1].sequence == two[0].sequence.wrapping_add(1)), "{sounds:?}");
    let pictures = narrow.packets_of(1, Video, 50).await;
    assert!(pictures.iter().all(|packet| packet.layer == 0), "{pictures:?}");
    wide.arrived();
    let pictures = wide.packets_of(1, Video, 50).await;
    assert!(pictures.iter().all(|packet| packet.layer == 2), "nobody else has less of it: {pictures:?}");
    stage.strike().await;
}

#[tokio::test]
async fn who_is_sent_more_sound_than_passes_is_said_to_drown() {
    let mut stage = Stage::new();
    stage.admit(1, Permit::ALL).await;
    let client = Client::new(1, 3, &stage.browsers).await;
    let _speaks = stage.seat(client).await;
    stage.admit(2, Permit::ALL).await;
    let client = Client::at_the_end_of_a_narrow_path(2, 3, &stage.browsers, 12_000).await;
    let _drowns = stage.seat(client).await;
    let drowned = |event: &RelayEvent| match event {
        RelayEvent::Drowned { participant: who, is_drowned } => Some((*who, *is_drowned)),
        _ => None,
    };
    assert_eq!(stage.event(drowned).await, (participant(2), true), "and nobody else");
    stage.strike().await;
}
