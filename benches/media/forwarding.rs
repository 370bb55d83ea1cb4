//! One publisher, many subscribers: processor time for each forwarded packet, loss, delay.

use std::time::{Duration, Instant};

use crate::peer::{Peer, Picture};
use crate::wire::{Seen, Wire};
use crate::{Relay, at};

/// How long a row is measured.
const SPAN: Duration = Duration::from_secs(8);
/// What is still under way after this long is lost.
const UNDER_WAY: Duration = Duration::from_millis(300);

/// A row.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Subscribers.
    pub to: u32,
    /// Frames a second.
    pub rate: u32,
    /// Packets of a frame.
    pub packets: u32,
}

/// What came of it.
pub struct Outcome {
    /// Packets a second that arrived.
    pub arrived: f64,
    /// Of what was to arrive.
    pub loss: f64,
    /// The relay's processor time for each that arrived, in microseconds.
    pub price: f64,
    /// The relay's processor time as a share of one core's.
    pub core: f64,
    /// From the publisher's call to the subscriber's, in microseconds, the shortest first.
    pub delays: Vec<f64>,
    /// The subscribers' ports.
    pub ports: Vec<u16>,
    /// What passed meanwhile, where it was asked for and may be seen.
    pub seen: Vec<Seen>,
}

/// Prints a table, two rows for each plan.
pub async fn run(plans: &[Plan]) {
    println!(
        "\n| 1 publisher →, frames × packets | packets/s forwarded | loss | µs per packet | of a core | p50 | p99 |\n|---|---|---|---|---|---|---|"
    );
    for plan in plans {
        Relay::each(async |relay| {
            let outcome = measure(relay, *plan, None).await;
            println!(
                "| {}: 1 → {}, {} × {} a second | {:.0} | {:.2} % | {:.1} | {:.0} % | {:.0} µs | {:.0} µs |",
                relay.name(),
                plan.to,
                plan.rate,
                plan.packets,
                outcome.arrived,
                100.0 * outcome.loss,
                outcome.price,
                100.0 * outcome.core,
                at(&outcome.delays, 50),
                at(&outcome.delays, 99)
            );
        })
        .await;
    }
}

/// Measures one row; `tap` begins to watch the wire when everybody is there.
pub async fn measure(relay: &Relay, plan: Plan, tap: Option<fn() -> Option<Wire>>) -> Outcome {
    let epoch = Instant::now();
    let picture = Picture { rate: plan.rate, packets: plan.packets };
    let publisher = Peer::publishes(relay, epoch).await;
    let mut watching = Vec::new();
    for number in 1..=plan.to {
        watching.push(Peer::watches(relay, number, epoch).await);
    }
    publisher.show(picture, Duration::from_secs(1)).await;
    // What is still under way belongs to the warming up.
    tokio::time::sleep(UNDER_WAY).await;
    watching.iter().for_each(Peer::forget);
    let wire = tap.and_then(|tap| tap());
    let (before, began) = (relay.processor(), Instant::now());
    let sent = publisher.show(picture, SPAN).await;
    let lasted = began.elapsed().as_secs_f64();
    tokio::time::sleep(UNDER_WAY).await;
    let spent = relay.processor().saturating_sub(before).as_secs_f64();
    let mut delays: Vec<f64> = watching.iter().flat_map(Peer::delays).collect();
    delays.sort_by(f64::total_cmp);
    let arrived = f64::from(u32::try_from(delays.len()).unwrap());
    let outcome = Outcome {
        arrived: arrived / lasted,
        loss: 1.0 - arrived / (f64::from(sent) * f64::from(plan.to)),
        price: spent * 1e6 / arrived,
        core: spent / lasted,
        delays,
        ports: watching.iter().map(|peer| peer.port).collect(),
        seen: wire.map(Wire::end).unwrap_or_default(),
    };
    publisher.close().await;
    for peer in watching {
        peer.close().await;
    }
    outcome
}
