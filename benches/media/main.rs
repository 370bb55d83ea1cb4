//! What forwarding costs on this machine: `cargo bench --bench media`, or one part of it: `cargo bench --bench media --
//! bare`, `rows`, `viewers`, `delay`, `calls` or `rooms`. The figures are for `docs/BENCHMARKS.md`.
//!
//! The relay runs in a process of its own, so that its processor time is its own; those who send and watch are peer
//! connections of this process. In the same run stand the kernel's and the cipher's bare price of a packet, and Janus, for
//! a machine is fast or slow on its day. Nothing here passes or fails by the clock.
#![expect(clippy::disallowed_methods, reason = "a bench asks the machine's clock, and waits by it")]
#![expect(clippy::unwrap_used, reason = "what does not work ends the bench at once")]

mod bare;
mod calls;
mod delay;
mod forwarding;
mod janus;
mod peer;
mod reflector;
mod relay;
mod rooms;
mod wire;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use self::forwarding::Plan;
use self::janus::Janus;
use self::relay::Child;

/// The size of a forwarded packet of a picture, with its RTP header.
const SIZE: usize = 1180;
/// The switch with which this program is the relay.
const SWITCH: &str = "serve-the-relay";
/// So many packets have a bare price together.
const BARE: u32 = 64_000;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == SWITCH) {
        runtime.block_on(relay::serve());
        return;
    }
    if words.iter().any(|word| word == reflector::SWITCH) {
        reflector::serve(&words);
        return;
    }
    // Cargo adds switches of its own.
    let wanted: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|word| *word == part);
    println!("machine: {} cores, load {}", std::thread::available_parallelism().map_or(0, usize::from), load());
    if wants("bare") {
        println!("\n| bare, µs per packet of {SIZE} bytes | |\n|---|---|");
        for (name, price) in bare::prices(SIZE, BARE) {
            println!("| {name} | {price:.2} |");
        }
    }
    if wants("rows") {
        let plans = [(20, 100, 1), (20, 500, 1), (20, 25, 20)];
        runtime.block_on(forwarding::run(&plans.map(|(to, rate, packets)| Plan { to, rate, packets })));
    }
    if wants("viewers") {
        runtime.block_on(forwarding::run(&[Plan { to: 200, rate: 25, packets: 1 }]));
    }
    if wants("delay") {
        runtime.block_on(delay::run());
    }
    if wants("calls") {
        runtime.block_on(calls::run());
    }
    if wants("rooms") {
        runtime.block_on(rooms::run());
    }
    println!("\nafterwards: load {}", load());
}

/// What the machine is doing besides.
fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}

/// A part of the numbers in order, in hundredths.
fn at(sorted: &[f64], share: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * share / 100).copied().unwrap_or(f64::NAN)
}

/// Whoever forwards.
pub enum Relay {
    /// This tree's relay.
    Ours(Child),
    /// The one beside it.
    Janus(Janus),
}

impl Relay {
    /// Ours, just started.
    pub fn ours() -> Self {
        let mut program = tokio::process::Command::new(std::env::current_exe().unwrap());
        program.arg(SWITCH);
        Self::Ours(Child::start(program))
    }

    /// Both, one after the other is done with; Janus where it is installed.
    pub async fn each(mut work: impl AsyncFnMut(&Self)) {
        work(&Self::ours()).await;
        match Janus::start().await {
            Some(janus) => work(&Self::Janus(janus)).await,
            None => println!("SKIPPED: Janus is not installed, or did not start; there is no row to compare with"),
        }
    }

    /// As it is called in a table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => "ours",
            Self::Janus(_) => "Janus",
        }
    }

    /// Where its clients have to be.
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Ours(_) => Ipv4Addr::LOCALHOST.into(),
            Self::Janus(janus) => janus.address,
        }
    }

    /// The processor time it has used, user's and kernel's.
    pub fn processor(&self) -> Duration {
        processor(match self {
            Self::Ours(child) => child.id(),
            Self::Janus(janus) => janus.id(),
        })
    }
}

/// The processor time that a process has used, user's and kernel's.
fn processor(id: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let ticks = text.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    // A tick is 10 ms on every Linux that we know.
    Duration::from_millis(ticks.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}
