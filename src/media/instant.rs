//! The one place where packets learn the hour.

use std::time::Instant;

/// Now, on the machine's monotonic clock.
///
/// The WebRTC engine runs on real sockets and real timers and reads this clock itself; our pure parts (rewriting,
/// slots, STUN) still take the moment as an argument.
#[expect(clippy::disallowed_methods, reason = "the engine runs on the machine's monotonic clock, so must its driver")]
pub(super) fn now() -> Instant {
    Instant::now()
}
