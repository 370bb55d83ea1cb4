//! Calls of two: 720p at 1.5 Mbit/s and sound, both ways.
//!
//! Janus carries them with its `VideoCall`, which is made for calls of two and takes one connection of each, as we do.

use std::time::{Duration, Instant};

use crate::Relay;
use crate::peer::{Peer, Picture};

/// So many packets of 1180 bytes as 1.5 Mbit/s are.
const PICTURE: Picture = Picture { rate: 30, packets: 5 };
const SPAN: Duration = Duration::from_secs(8);
const UNDER_WAY: Duration = Duration::from_millis(300);
/// How many calls at once.
const RAMP: [u32; 4] = [5, 10, 20, 30];

/// Prints a table. What a core would carry is what the relay's share of one says: on a machine whose clients need more of
/// it than the relay, a core cannot be filled.
pub async fn run() {
    println!(
        "\n| calls of two at once | packets/s forwarded | loss | of a core | of a core for each call | µs per packet | calls a core |\n|---|---|---|---|---|---|---|"
    );
    for calls in RAMP {
        Relay::each(async |relay| measure(relay, calls).await).await;
    }
}

async fn measure(relay: &Relay, calls: u32) {
    let epoch = Instant::now();
    let mut peers = Vec::new();
    for call in 0..calls {
        peers.extend(Peer::talk(relay, call, epoch).await);
    }
    speak(&peers, Duration::from_secs(2)).await;
    tokio::time::sleep(UNDER_WAY).await;
    peers.iter().for_each(Peer::forget);
    let (before, began) = (relay.processor(), Instant::now());
    let sent = speak(&peers, SPAN).await;
    let lasted = began.elapsed().as_secs_f64();
    tokio::time::sleep(UNDER_WAY).await;
    let spent = relay.processor().saturating_sub(before).as_secs_f64();
    let arrived: usize = peers.iter().map(|peer| peer.delays().len()).sum();
    let arrived = f64::from(u32::try_from(arrived).unwrap());
    let share = spent / lasted / f64::from(calls);
    println!(
        "| {}: {calls} | {:.0} | {:.2} % | {:.0} % | {:.2} % | {:.1} | {:.0} |",
        relay.name(),
        arrived / lasted,
        100.0 * (1.0 - arrived / f64::from(sent)),
        100.0 * spent / lasted,
        100.0 * share,
        spent * 1e6 / arrived,
        1.0 / share
    );
    for peer in peers {
        peer.close().await;
    }
}

/// All speak at once, each in a rhythm of its own; how many packets they sent.
async fn speak(peers: &[Peer], span: Duration) -> u32 {
    let mut speaking = tokio::task::JoinSet::new();
    for (at, peer) in (0_u32..).zip(peers) {
        let (picture, sound) = (peer.clone(), peer.clone());
        let offset = Duration::from_micros(u64::from(at) * 7_919 % 33_000);
        speaking.spawn(async move {
            tokio::time::sleep(offset).await;
            let (pictures, sounds) = tokio::join!(picture.show(PICTURE, span), sound.sound(span));
            pictures + sounds
        });
    }
    speaking.join_all().await.into_iter().sum()
}
