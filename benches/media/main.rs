//! What forwarding costs on this machine: `cargo bench --bench media`. The figures are for `docs/BENCHMARKS.md`.
//!
//! The relay runs in a process of its own, so that its processor time is its own; the publisher and the subscribers are
//! peer connections of this process. In the same run stand the kernel's and the cipher's bare price of a packet, for a
//! machine is fast or slow on its day. Nothing here passes or fails by the clock.
#![expect(clippy::disallowed_methods, reason = "a bench asks the machine's clock, and waits by it")]
#![expect(clippy::unwrap_used, reason = "what does not work ends the bench at once")]

mod bare;
mod janus;
mod peer;
mod relay;

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use self::janus::Janus;
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
        "\n| 1 publisher →, frames × packets | packets/s forwarded | loss | µs per packet | of a core | p50 | p99 |\n|---|---|---|---|---|---|---|"
    );
    let rows: &[(u32, u32, u32)] = &[(20, 100, 1), (20, 500, 1), (20, 25, 20), (200, 25, 1)];
    for &(subscribers, rate, packets) in rows {
        runtime.block_on(async {
            fan_out(Relay::Ours(Child::start()), subscribers, rate, packets).await;
            match Janus::start().await {
                Some(janus) => fan_out(Relay::Janus(janus), subscribers, rate, packets).await,
                None => println!("SKIPPED: Janus is not installed, or did not start; there is no row to compare with"),
            }
        });
    }
    if !std::env::args().any(|word| word == "rows") {
        runtime.block_on(openings(100));
    }
}

/// Whoever forwards.
pub enum Relay {
    /// This tree's relay.
    Ours(Child),
    /// The one beside it.
    Janus(Janus),
}

impl Relay {
    /// Where its clients have to be.
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Ours(_) => Ipv4Addr::LOCALHOST.into(),
            Self::Janus(janus) => janus.address,
        }
    }

    /// The processor time it has used, user's and kernel's.
    fn processor(&self) -> Duration {
        let id = match self {
            Self::Ours(child) => child.id(),
            Self::Janus(janus) => janus.id(),
        };
        let text = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let ticks = text.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
        // A tick is 10 ms on every Linux that we know.
        Duration::from_millis(ticks.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
    }
}

/// One publisher, many subscribers: the relay's processor time per forwarded packet, loss, and delay.
async fn fan_out(relay: Relay, subscribers: u32, rate: u32, packets: u32) {
    let epoch = Instant::now();
    let publisher = Peer::join(&relay, 0, true, epoch).await;
    let mut watching = Vec::new();
    for at in 1..=subscribers {
        watching.push(Peer::join(&relay, at, false, epoch).await);
    }
    publisher.publish(rate, packets, Duration::from_secs(1)).await;
    // What is still under way belongs to the warming up.
    tokio::time::sleep(Duration::from_millis(300)).await;
    watching.iter().for_each(Peer::forget);
    let (before, began) = (relay.processor(), Instant::now());
    let sent = publisher.publish(rate, packets, Duration::from_secs(8)).await;
    let lasted = began.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let spent = relay.processor().saturating_sub(before).as_secs_f64();
    let mut delays: Vec<f64> = watching.iter().flat_map(Peer::delays).collect();
    delays.sort_by(f64::total_cmp);
    let arrived = delays.len();
    let expected = f64::from(sent) * f64::from(subscribers);
    let arrived_f = f64::from(u32::try_from(arrived).unwrap());
    let at = |share: usize| delays.get(arrived.saturating_sub(1) * share / 100).copied().unwrap_or(f64::NAN);
    let name = if matches!(relay, Relay::Ours(_)) { "ours" } else { "Janus" };
    println!(
        "| {name}: 1 → {subscribers}, {rate} × {packets} a second | {:.0} | {:.2} % | {:.1} | {:.0} % | {:.0} µs | {:.0} µs |",
        arrived_f / 8.0,
        100.0 * (1.0 - arrived_f / expected),
        spent * 1e6 / arrived_f,
        100.0 * spent / lasted,
        at(50),
        at(99)
    );
}

/// Rooms that open and close: what the relay holds before and after.
async fn openings(count: u32) {
    let relay = Relay::Ours(Child::start());
    let Relay::Ours(child) = &relay else { return };
    let epoch = Instant::now();
    for round in [0, 1, 2] {
        for at in 0..count {
            let peer = Peer::join(&relay, round * count + at, false, epoch).await;
            peer.leave(child).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (memory, files, connections) = child.holds().await;
        println!("after {} openings: {memory} kB, {files} descriptors, {connections} connections", (round + 1) * count);
    }
    let before = child.holds().await.0;
    let mut idle = Vec::new();
    for at in 0..50 {
        idle.push(Peer::join(&relay, 100_000 + at, false, epoch).await);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = child.holds().await.0;
    println!("an idle participant: {} kB", after.saturating_sub(before) / 50);
}
