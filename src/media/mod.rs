//! Packets: a selective forwarding unit on one UDP port.
//!
//! A participant's browser makes one offer with its own tracks and a number of receive-only sections; from then on
//! people come, go and reload without another description. Three kinds of tasks do the work:
//!
//! - the [switchboard](switchboard) knows the rooms: commands go in, events come out, and it points legs at sources; who
//!   gets a seat at all is the [house](house)'s to say;
//! - a [seat](seat) per participant owns a peer connection and negotiates, and keeps what its browser [publishes](published);
//!   the two speak to each other in [news];
//! - a reader of the [mux](mux) per core takes each datagram all the way: the connection's [engine](engine), to which one comes
//!   at a time through its [core](core), unlocks it, the [feed](source) of its track hands it to the [legs](leg) that watch it; a
//!   leg per receiving section rewrites it into a stream that never breaks, and sends it through its connection's
//!   [egress](egress).
//!
//! The mux is the UDP port and the ICE agent of all, [paths] say where each browser is, and a connection's engine sees only
//! its own [port](port); what it has to do though nothing comes stands in one [timetable](timetable). The relay knows no user, no database and no HTTP; its seam is [`crate::domain::room::relay`].

mod addresses;
mod answer;
mod arriving;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod bad_bytes;
mod bandwidth;
mod builders;
mod choosing;
mod common;
mod core;
mod counters;
mod egress;
mod engine;
mod fates;
mod feedback;
mod gate;
mod h264;
mod house;
mod inflow;
mod instant;
mod intake;
mod kept;
mod keyframe;
mod keys;
mod layer;
mod leg;
mod loudness;
mod mux;
mod news;
mod offer;
mod pace;
mod paths;
mod payload_types;
mod peer;
mod play;
mod port;
mod published;
mod reports;
mod retransmission;
mod rewrite;
mod seat;
mod segments;
mod settings;
mod slots;
mod sockets;
mod source;
mod stream;
mod stun;
mod switchboard;
mod tally;
mod tap;
mod tape;
mod timetable;
mod trail;
pub mod turn;
mod validation;
mod vp8;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::builders::Builders;
use self::common::Common;
pub use self::common::{Entropy, RelayConfig};
use self::counters::Counters;
use self::mux::Mux;
use self::switchboard::Switchboard;
use self::timetable::Timetable;
pub use self::turn::{Turn, TurnConfig};
use crate::domain::room::relay::{RelayCommand, RelayEvent};
use crate::domain::turn::KNOCK;

/// Commands that wait for the relay; a sender waits when they are more.
const COMMANDS: usize = 256;
/// Events that wait for the caller in the channel; further ones wait in the relay's outbox.
const EVENTS: usize = 256;

/// The media relay.
#[derive(Debug)]
pub struct Relay;

/// The caller's end of a running relay. The relay stops when the last sender is gone, when nobody receives its events,
/// or at shutdown.
#[derive(Clone)]
pub struct RelayHandle {
    /// Where commands go.
    pub commands: mpsc::Sender<RelayCommand>,
    mux: Arc<Mux>,
    turn: Option<Arc<Turn>>,
    turn_udp: Option<SocketAddr>,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl std::fmt::Debug for RelayHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayHandle").field("connections", &self.connections()).finish_non_exhaustive()
    }
}

impl RelayHandle {
    /// The UDP address that was bound.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.mux.local_addr()
    }

    /// The TURN server, for those who accept streams.
    pub fn turn(&self) -> Option<Arc<Turn>> {
        self.turn.clone()
    }

    /// The UDP address of the TURN server that was bound.
    pub fn turn_udp_addr(&self) -> Option<SocketAddr> {
        self.turn_udp
    }

    /// Ends the relay and nothing else.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until one of the tasks has ended without which no packet passes: at shutdown, or by a fault.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// How many peer connections exist, counted by the credentials they hold on the port.
    pub fn connections(&self) -> usize {
        self.mux.connections()
    }
}

impl Relay {
    /// Binds the port and starts the relay's tasks on `tracker`; they end after `shutdown`.
    ///
    /// Call it on a tokio runtime, after the metrics recorder was installed. Errors are those of the socket.
    pub fn start(
        mut config: RelayConfig,
        entropy: Entropy,
        tracker: &TaskTracker,
        shutdown: &CancellationToken,
    ) -> io::Result<(RelayHandle, mpsc::Receiver<RelayEvent>)> {
        let counters = Arc::new(Counters::new());
        let crypto = rtc::crypto::default_provider().map_err(io::Error::other)?;
        let knock = config.turn.as_ref().map(|turn| turn.secret.password(KNOCK));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mux = Mux::bind(config.bind, cores, crypto, Arc::clone(&counters), knock.as_deref())?;
        let port = mux.local_addr()?.port();
        for address in std::iter::once(&mut config.announce).chain(&mut config.announce_also) {
            if address.port() == 0 {
                address.set_port(port);
            }
        }
        let mut nonce_key = [0; 32];
        entropy(&mut nonce_key);
        let udp = config.turn.as_ref().and_then(|turn| turn.udp).map(turn::bind_udp).transpose()?;
        let turn_udp = udp.as_ref().map(tokio::net::UdpSocket::local_addr).transpose()?;
        let turn = config
            .turn
            .clone()
            .map(|chosen| Turn::new(instant::now(), chosen, nonce_key, Arc::clone(&mux), config.announced()));
        let stop = shutdown.child_token();
        // Also what panics drops its guard.
        let ended = CancellationToken::new();
        for reader in 0..mux.readers() {
            tracker.spawn(vital(ended.clone().drop_guard(), Arc::clone(&mux).read(reader, stop.clone())));
        }
        let timetable = Arc::<Timetable>::default();
        tracker.spawn(vital(ended.clone().drop_guard(), Arc::clone(&timetable).run(stop.clone())));
        if let (Some(turn), Some(udp)) = (&turn, udp) {
            tracker.spawn(Arc::clone(turn).serve_udp(udp, stop.clone()));
        }
        let common = Arc::new(Common {
            config,
            mux: Arc::clone(&mux),
            turn: turn.clone(),
            counters,
            tracker: tracker.clone(),
            entropy,
            numbers: AtomicU64::new(0),
            builders: Builders::new(cores),
            timetable,
        });
        let (commands, received) = mpsc::channel(COMMANDS);
        let (events, told) = mpsc::channel(EVENTS);
        let switchboard = Switchboard::new(common, events, stop.clone()).run(received);
        tracker.spawn(vital(ended.clone().drop_guard(), switchboard));
        Ok((RelayHandle { commands, mux, turn, turn_udp, stop, ended }, told))
    }
}

/// A task whose end is told by `guard`.
async fn vital(guard: DropGuard, task: impl Future<Output = ()>) {
    task.await;
    drop(guard);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_vital_task_tells_that_it_ended_also_when_it_broke() {
        for breaks in [false, true] {
            let ended = CancellationToken::new();
            let task = TaskTracker::new()
                .spawn(vital(ended.clone().drop_guard(), async move { assert!(!breaks, "on purpose") }));
            ended.cancelled().await;
            assert_eq!(task.await.is_err(), breaks);
        }
    }
}
