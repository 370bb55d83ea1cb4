//! What is sent to somebody and does not arrive there, over real packets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use yunzhen::domain::room::missing::Missed;
use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{Permit, RelayCommand, RelayEvent, RelayMode, SourceName};

use super::client::Client;
use super::stage::{Stage, participant};

/// More than anybody sends here.
const WIDE: u32 = 100_000_000;

/// What somebody misses, once that are so many.
async fn misses(stage: &mut Stage, name: u8, count: usize) -> Vec<Missed> {
    let whose = participant(name);
    let told = |event: &RelayEvent| match event {
        RelayEvent::Misses { participant, missed } if *participant == whose && missed.len() == count => {
            Some(missed.clone())
        }
        _ => None,
    };
    stage.event(told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_at_somebody_whose_own_media_comes_is_said_until_it_arrives() {
    let mut stage = Stage::new();
    let mut speaks = stage.join(1, RelayMode::Conference, 2).await;
    let bits = Arc::new(AtomicU32::new(WIDE));
    stage.admit(2, Permit::ALL).await;
    let client = Client::at_the_end_of_a_path(2, 2, &stage.browsers, Arc::clone(&bits)).await;
    let mut deaf = stage.seat(client).await;
    let mut well = stage.join(3, RelayMode::Conference, 2).await;
    for name in [1, 3] {
        deaf.packets_of(name, Audio, 100).await;
        deaf.packets_of(name, Video, 100).await;
    }

    bits.store(0, Ordering::Relaxed);
    let began = Instant::now();
    let missed = misses(&mut stage, 2, 4).await;
    println!("FIGURE what does not arrive: said after {:?}", began.elapsed());
    assert!(began.elapsed() >= Duration::from_secs(2), "not in haste");
    for (source, name) in [1, 3].into_iter().flat_map(|of| [(of, SourceName::Microphone), (of, SourceName::Camera)]) {
        assert!(missed.contains(&Missed { source: participant(source), name }), "{missed:?}");
    }
    speaks.arrived();
    speaks.packets_of(2, Audio, 20).await;
    well.arrived();
    well.packets_of(2, Video, 20).await;

    bits.store(WIDE, Ordering::Relaxed);
    assert_eq!(misses(&mut stage, 2, 0).await, []);
    let others =
        |event: &RelayEvent| matches!(event, RelayEvent::Misses { participant: of, .. } if *of != participant(2));
    assert_eq!(stage.unseen(others), 0, "at nobody else");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_at_somebody_who_only_reports_now_and_then_is_said_as_soon() {
    let mut stage = Stage::new();
    let _speaks = stage.join(1, RelayMode::Conference, 1).await;
    let bits = Arc::new(AtomicU32::new(WIDE));
    stage.admit(2, Permit::ALL).await;
    let client = Client::terse(2, 1, &stage.browsers, Arc::clone(&bits)).await;
    let mut deaf = stage.seat(client).await;
    deaf.packets_of(1, Audio, 300).await;
    deaf.packets_of(1, Video, 300).await;

    bits.store(0, Ordering::Relaxed);
    let began = Instant::now();
    let missed = misses(&mut stage, 2, 2).await;
    println!("FIGURE what does not arrive where reports are seldom: said after {:?}", began.elapsed());
    assert!(began.elapsed() >= Duration::from_secs(2), "not in haste");
    assert!(began.elapsed() <= Duration::from_secs(10), "not after twenty seconds, as where no report comes");
    for name in [SourceName::Microphone, SourceName::Camera] {
        assert!(missed.contains(&Missed { source: participant(1), name }), "{missed:?}");
    }
    bits.store(WIDE, Ordering::Relaxed);
    assert_eq!(misses(&mut stage, 2, 0).await, []);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_misses_who_is_muted_apart_or_not_looked_at() {
    let mut stage = Stage::new();
    let _muted = stage.join(1, RelayMode::Conference, 3).await;
    let mut sees = stage.join(2, RelayMode::Conference, 3).await;
    let mut apart = stage.join(3, RelayMode::Conference, 3).await;
    for name in [1, 3] {
        sees.packets_of(name, Audio, 50).await;
        sees.packets_of(name, Video, 50).await;
    }
    apart.packets_of(1, Video, 50).await;
    for (name, permit) in [(1, Permit { audio: false, ..Permit::ALL }), (3, Permit::NOTHING)] {
        stage.send(RelayCommand::Permit { participant: participant(name), permit }).await;
    }
    stage.send(RelayCommand::View { participant: participant(2), heights: Vec::new() }).await;
    let until = Instant::now() + Duration::from_secs(6);
    while tokio::time::timeout_at(until, stage.event(|_| None::<()>)).await.is_ok() {}
    assert_eq!(stage.unseen(|event| matches!(event, RelayEvent::Misses { .. })), 0);
    stage.strike().await;
}
