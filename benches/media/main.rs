//! What forwarding costs on this machine: `cargo bench --bench media`. The figures are for `docs/BENCHMARKS.md`.
//!
//! The relay runs in a process of its own, so that its processor time is its own; the publisher and the subscribers are
//! peer connections of this process. In the same run stand the kernel's and the cipher's bare price of a packet, for a
//! machine is fast or slow on its day. Nothing here passes or fails by the clock.
#![expect(clippy::disallowed_methods, reason = "a bench asks the machine's clock, and waits by it")]
#![expect(clippy::unwrap_used, reason = "what does not work ends the bench at once")]

mod bare;
mod peer;
mod relay;

use std::time::{Duration, Instant};

use self::peer::Peer;
use self::relay::Child;

/// The size of a forwarded packet, with its RTP header.
const SIZE: usize = 1180;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if std::env::args().any(|word| word == relay::SWITCH) {
        runtime.block_on(relay::serve());
        return;
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("machine: {} cores, load {}", std::thread::available_parallelism().map_or(0, usize::from), load.trim());
    println!("\n| bare, µs per packet of {SIZE} bytes | |\n|---|---|");
    bare::run(SIZE);
    println!(
        "\n| through the relay | packets/s forwarded | loss | relay's µs per packet | p50 | p99 |\n|---|---|---|---|---|---|"
    );
    for (subscribers, rate) in [(20, 100), (20, 250), (20, 500), (200, 25)] {
        runtime.block_on(fan_out(subscribers, rate));
    }
    runtime.block_on(openings(100));
}

/// One publisher, many subscribers: the relay's processor time per forwarded packet, loss, and delay.
async fn fan_out(subscribers: u32, rate: u32) {
    let child = Child::start();
    let epoch = Instant::now();
    let publisher = Peer::join(&child, 0, true, epoch).await;
    let mut watching = Vec::new();
    for at in 1..=subscribers {
        watching.push(Peer::join(&child, at, false, epoch).await);
    }
    publisher.publish(rate, Duration::from_secs(1)).await;
    // What is still under way belongs to the warming up.
    tokio::time::sleep(Duration::from_millis(300)).await;
    watching.iter().for_each(Peer::forget);
    let before = child.processor();
    let sent = publisher.publish(rate, Duration::from_secs(8)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let spent = child.processor().saturating_sub(before);
    let mut delays: Vec<f64> = watching.iter().flat_map(Peer::delays).collect();
    delays.sort_by(f64::total_cmp);
    let arrived = delays.len();
    let expected = f64::from(sent) * f64::from(subscribers);
    let arrived_f = f64::from(u32::try_from(arrived).unwrap());
    let at = |share: usize| delays.get(arrived.saturating_sub(1) * share / 100).copied().unwrap_or(f64::NAN);
    println!(
        "| 1 → {subscribers}, {rate} packets/s | {:.0} | {:.2} % | {:.1} | {:.0} µs | {:.0} µs |",
        arrived_f / 8.0,
        100.0 * (1.0 - arrived_f / expected),
        spent.as_secs_f64() * 1e6 / arrived_f,
        at(50),
        at(99)
    );
}

/// Rooms that open and close: what the relay holds before and after.
async fn openings(count: u32) {
    let child = Child::start();
    let epoch = Instant::now();
    for round in [0, 1, 2] {
        for at in 0..count {
            let peer = Peer::join(&child, round * count + at, false, epoch).await;
            peer.leave(&child).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (memory, files, connections) = child.holds().await;
        println!("after {} openings: {memory} kB, {files} descriptors, {connections} connections", (round + 1) * count);
    }
    let before = child.holds().await.0;
    let mut idle = Vec::new();
    for at in 0..50 {
        idle.push(Peer::join(&child, 100_000 + at, false, epoch).await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = child.holds().await.0;
    println!("an idle participant: {} kB", after.saturating_sub(before) / 50);
}
