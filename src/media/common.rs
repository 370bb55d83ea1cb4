//! What every part of the relay shares.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::builders::Builders;
use super::counters::Counters;
use super::mux::Mux;
use super::port::Credentials;
use super::timetable::Timetable;
use super::turn::{Turn, TurnConfig};
use crate::domain::recording::Recorder;

/// Fills a slice with unpredictable bytes: ICE passwords come from it.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What the operator chose for the relay.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// The UDP address to bind; port 0 lets the machine choose.
    pub bind: SocketAddr,
    /// The address that browsers are told. Behind a 1:1 NAT it differs from `bind`; port 0 stands for the bound port.
    pub announce: SocketAddr,
    /// Further addresses of the same port, such as one of IPv6 beside one of IPv4.
    pub announce_also: Vec<SocketAddr>,
    /// TURN for those who cannot send UDP to this port; `None`: there is none here.
    pub turn: Option<TurnConfig>,
    /// A connection silent for this long is interrupted.
    pub silence: Duration,
    /// A connection silent for this long is closed.
    pub give_up: Duration,
    /// The most participants of one room; further admissions are ignored.
    pub seats_per_room: usize,
    /// The most participants of all rooms together; further admissions are ignored. Checks and callers of the emergency
    /// line get half of them at most, so that called patients and staff always find one.
    pub seats: usize,
    /// How long a check or a caller may sit without a connection; then others who want the seat get it.
    pub idle: Duration,
    /// Where recordings go; without it nothing is recorded.
    pub recorder: Option<Arc<dyn Recorder>>,
}

impl RelayConfig {
    /// Every address that browsers are told.
    pub(super) fn announced(&self) -> Vec<SocketAddr> {
        std::iter::once(self.announce).chain(self.announce_also.iter().copied()).collect()
    }

    /// The defaults, on one address: interrupted after 3 s, closed after 60 s, 12 participants a room.
    pub fn on(address: SocketAddr) -> Self {
        Self {
            bind: address,
            announce: address,
            announce_also: Vec::new(),
            turn: None,
            silence: Duration::from_secs(3),
            give_up: Duration::from_mins(1),
            seats_per_room: 12,
            seats: 2000,
            idle: Duration::from_secs(30),
            recorder: None,
        }
    }
}

/// The port, the numbers and the settings that all connections share.
pub(super) struct Common {
    pub(super) config: RelayConfig,
    pub(super) mux: Arc<Mux>,
    pub(super) turn: Option<Arc<Turn>>,
    pub(super) counters: Arc<Counters>,
    pub(super) tracker: TaskTracker,
    pub(super) entropy: Entropy,
    pub(super) numbers: AtomicU64,
    pub(super) builders: Builders,
    pub(super) timetable: Arc<Timetable>,
}

impl Common {
    /// The next number that no source, feed or seat had before; never 0.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// New ICE credentials: 80 bits of name, 160 bits of password (RFC 8445, section 5.3, asks for 24 and 128).
    pub(super) fn credentials(&self) -> Credentials {
        Credentials { ufrag: self.hex(10), password: self.hex(20) }
    }

    /// A new SSRC; never 0.
    pub(super) fn ssrc(&self) -> u32 {
        let mut bytes = [0; 4];
        (self.entropy)(&mut bytes);
        u32::from_ne_bytes(bytes).max(1)
    }

    fn hex(&self, length: usize) -> String {
        let mut bytes = vec![0; length];
        (self.entropy)(&mut bytes);
        bytes.iter().fold(String::with_capacity(2 * length), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
