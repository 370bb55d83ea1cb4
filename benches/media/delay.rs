//! How long a packet stays at the relay.
//!
//! End to end a packet also passes two clients, which on this machine wait for the same cores, so that says little. Here the
//! kernel says when the publisher's datagram and each subscriber's were handed to the loopback device ([`crate::wire`]):
//! between the two lie the relay's waking, its work and its system call, and nothing of the clients. The clients' load on
//! the machine is in it all the same, so beside it stands a bare reflector that does nothing but receive and send.

use std::collections::HashMap;
use std::time::Duration;

use crate::forwarding::{self, Plan};
use crate::peer::PUBLISHER;
use crate::wire::{Seen, Wire};
use crate::{Relay, at, reflector};

/// From a call of two to a third of a core.
const PLANS: [Plan; 5] = [
    Plan { to: 1, rate: 200, packets: 1 },
    Plan { to: 20, rate: 100, packets: 1 },
    Plan { to: 20, rate: 500, packets: 1 },
    Plan { to: 20, rate: 1000, packets: 1 },
    Plan { to: 20, rate: 25, packets: 20 },
];

/// Prints the table.
pub async fn run() {
    if Wire::tap().is_none() {
        println!("\nSKIPPED: delay at the relay: to watch the loopback device one must be root");
        return;
    }
    println!(
        "\n| at the relay, frames × packets | of a core | p50 | p90 | p99 | p99.9 | end to end p50 | p99 |\n|---|---|---|---|---|---|---|---|"
    );
    for plan in PLANS {
        let seen = reflector::measure(plan).await;
        row("reflector", plan, &seen.stays, seen.core, None);
        Relay::each(async |relay| {
            let outcome = forwarding::measure(relay, plan, Some(Wire::tap)).await;
            let stays = stays(&outcome.seen, &outcome.ports);
            row(relay.name(), plan, &stays, outcome.core, Some(&outcome.delays));
        })
        .await;
    }
}

fn row(name: &str, plan: Plan, stays: &[f64], core: f64, delays: Option<&[f64]>) {
    let tail = stays.get(stays.len().saturating_sub(1) * 999 / 1000).copied().unwrap_or(f64::NAN);
    let ends =
        delays.map_or("– | –".to_owned(), |delays| format!("{:.0} µs | {:.0} µs", at(delays, 50), at(delays, 99)));
    println!(
        "| {name}: 1 → {}, {} × {} a second ({} seen) | {:.0} % | {:.0} µs | {:.0} µs | {:.0} µs | {tail:.0} µs | {ends} |",
        plan.to,
        plan.rate,
        plan.packets,
        stays.len(),
        100.0 * core,
        at(stays, 50),
        at(stays, 90),
        at(stays, 99),
    );
}

/// How long each packet stayed, in microseconds, the shortest first. Of datagrams that left in one call the first is seen.
///
/// Relays number packets anew, each subscriber's from a number of its own, without a gap: so the last that came in is the
/// last that went out to each, and from there one counts back.
pub fn stays(seen: &[Seen], ports: &[u16]) -> Vec<f64> {
    let mut came: HashMap<u16, Duration> = HashMap::new();
    let mut last = None;
    for packet in seen.iter().filter(|packet| packet.ssrc == PUBLISHER) {
        came.entry(packet.sequence).or_insert(packet.at);
        last = Some(packet.sequence.wrapping_add(packet.behind));
    }
    let Some(last) = last else { return Vec::new() };
    let mut stays = Vec::new();
    for port in ports {
        let mut left: HashMap<u16, &Seen> = HashMap::new();
        let mut newest: Option<u16> = None;
        for packet in seen.iter().filter(|packet| packet.to == *port && packet.ssrc != PUBLISHER) {
            left.entry(packet.sequence).or_insert(packet);
            let end = packet.sequence.wrapping_add(packet.behind);
            if newest.is_none_or(|newest| end.wrapping_sub(newest) < 0x8000) {
                newest = Some(end);
            }
        }
        let Some(newest) = newest else { continue };
        let shift = newest.wrapping_sub(last);
        stays.extend(left.values().filter_map(|packet| {
            let came = came.get(&packet.sequence.wrapping_sub(shift))?;
            Some(packet.at.checked_sub(*came)?.as_secs_f64() * 1e6)
        }));
    }
    stays.sort_by(f64::total_cmp);
    stays
}
