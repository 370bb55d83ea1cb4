//! Which codec a camera speaks: H.264 where all agree, and VP8 as soon as somebody cannot show it.

use yunzhen::domain::room::relay::MediaKind::Video;
use yunzhen::domain::room::relay::{Permit, RelayCommand, RelayEvent};

use super::client::{Client, H264, Received, VP8};
use super::stage::{Stage, participant};

async fn knowing(stage: &mut Stage, name: u8, codecs: &'static [u8]) -> Client {
    stage.admit(name, Permit::ALL).await;
    let client = Client::knowing(name, 3, &stage.browsers, codecs).await;
    stage.seat(client).await
}

/// Waits until `client` is asked to offer again, and does it.
async fn offers_again(stage: &mut Stage, client: &mut Client) {
    let whose = participant(client.name);
    stage.event(|event| (*event == RelayEvent::OfferAgain { participant: whose }).then_some(())).await;
    stage.negotiate(client, false).await;
}

/// Pictures of `sender` until one of this codec.
async fn until(client: &mut Client, sender: u8, codec: u8) -> Vec<Received> {
    let mut came = client.packets_of(sender, Video, 1).await;
    while came.last().is_some_and(|packet| packet.payload_type != codec) {
        assert!(came.len() < 1000, "ten seconds are enough");
        came.extend(client.packets_of(sender, Video, 1).await);
    }
    came
}

fn goes_on(packets: &[Received]) -> bool {
    packets.windows(2).all(|two| two[1].sequence == two[0].sequence.wrapping_add(1))
}

#[tokio::test]
async fn a_camera_speaks_h264_while_all_can_show_it_and_vp8_as_soon_as_somebody_cannot() {
    let mut stage = Stage::new();
    let mut telephone = knowing(&mut stage, 1, &[H264, VP8]).await;
    let mut desk = knowing(&mut stage, 2, &[VP8, H264]).await;
    desk.packets_of(1, Video, 3).await;
    offers_again(&mut stage, &mut telephone).await;
    let mut came = until(&mut desk, 1, H264).await;
    assert!(came.last().is_some_and(|first| first.is_keyframe), "another codec begins with a whole picture");
    came.extend(desk.packets_of(1, Video, 20).await);
    assert!(goes_on(&came), "in one stream, of which nothing is missing");
    let desks = telephone.packets_of(2, Video, 20).await;
    assert!(desks.iter().all(|packet| packet.payload_type == VP8), "who prefers VP8 speaks it");

    let mut third = knowing(&mut stage, 3, &[VP8]).await;
    offers_again(&mut stage, &mut telephone).await;
    let first = third.packets_of(1, Video, 1).await.remove(0);
    assert!(first.is_keyframe && first.payload_type == VP8, "not one packet that it cannot show");
    let mut came = until(&mut desk, 1, VP8).await;
    assert!(came.last().is_some_and(|first| first.is_keyframe));
    came.extend(desk.packets_of(1, Video, 20).await);
    assert!(goes_on(&came));
    assert!(third.packets_of(1, Video, 20).await.iter().all(|packet| packet.payload_type == VP8));

    stage.send(RelayCommand::Remove { participant: participant(3) }).await;
    offers_again(&mut stage, &mut telephone).await;
    until(&mut desk, 1, H264).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_camera_that_knows_h264_alone_is_shown_to_those_who_know_it_and_nobody_gets_what_cannot_be_shown() {
    let mut stage = Stage::new();
    let _chip = knowing(&mut stage, 1, &[H264]).await;
    let mut desk = knowing(&mut stage, 2, &[VP8, H264]).await;
    let mut old = knowing(&mut stage, 3, &[VP8]).await;
    let came = desk.packets_of(1, Video, 20).await;
    assert!(came[0].is_keyframe && came.iter().all(|packet| packet.payload_type == H264));
    old.packets_of(2, Video, 20).await;
    assert!(old.arrived().iter().all(|packet| packet.sender != 1 || packet.kind != Video));
    stage.strike().await;
}
