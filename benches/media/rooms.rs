//! What a participant costs who is only there, and what is left of ten thousand rooms.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use crate::Relay;
use crate::peer::Peer;

/// How many idle participants are weighed.
const IDLE: [u32; 2] = [100, 300];
/// After so many openings it is looked what is held.
const OPENINGS: [u32; 6] = [100, 500, 1_000, 2_500, 5_000, 10_000];
/// Rooms that are open at once.
const AT_ONCE: usize = 16;
/// When this is over, nothing moves any more.
const REST: Duration = Duration::from_secs(3);

/// Prints both tables.
pub async fn run() {
    println!("\n| idle participants, two in a room | kB before | kB with them | kB for each |\n|---|---|---|---|");
    for count in IDLE {
        idle(count).await;
    }
    println!(
        "\n| rooms opened and closed | resident kB | tasks | descriptors | connections | seconds |\n|---|---|---|---|---|---|"
    );
    openings().await;
}

async fn idle(count: u32) {
    let relay = Relay::ours();
    let Relay::Ours(child) = &relay else { return };
    let epoch = Instant::now();
    // The first ones bring what all share.
    for call in 0..2 {
        Peer::talk(&relay, 100_000 + call, epoch).await;
    }
    tokio::time::sleep(REST).await;
    let before = child.holds().await.memory;
    let mut all = Vec::new();
    for call in 0..count / 2 {
        all.extend(Peer::talk(&relay, call, epoch).await);
    }
    tokio::time::sleep(REST).await;
    let after = child.holds().await.memory;
    println!("| {count} | {before} | {after} | {} |", after.saturating_sub(before) / u64::from(count));
    for peer in all {
        peer.close().await;
    }
}

async fn openings() {
    let relay = Relay::ours();
    let Relay::Ours(child) = &relay else { return };
    let epoch = Instant::now();
    let mut opened = 0;
    let row = async |opened: u32| {
        tokio::time::sleep(REST).await;
        let held = child.holds().await;
        println!(
            "| {opened} | {} | {} | {} | {} | {:.0} |",
            held.memory,
            held.tasks,
            held.descriptors,
            held.connections,
            epoch.elapsed().as_secs_f64()
        );
    };
    row(0).await;
    for until in OPENINGS {
        let rooms = futures_util::stream::iter(opened..until);
        rooms
            .for_each_concurrent(AT_ONCE, async |room| {
                let peer = Peer::alone(child, relay.address(), room, epoch).await;
                child.close(room).await;
                peer.close().await;
            })
            .await;
        opened = until;
        row(opened).await;
    }
}
