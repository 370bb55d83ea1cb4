//! Where a browser is, and where it could be: which address a connection's packets go to.
//!
//! A check proves who sent it and not where it came from, and media is a thousand times as much. So packets go to the first
//! address that a check came from, where a handshake must be finished before anything else is sent, and move to another only
//! after the browser answered a question there. They stop where nothing of the browser was heard for [`CONSENT`]: the
//! address may be somebody else's by then. Whoever comes back to it is asked first, as at any other.
//!
//! A browser that lost a path takes another that it has by itself, and sends there at once; that it nominates it, it says with
//! its next check, up to 2.5 s later. So where media comes from another address of it and from the one in use comes none any
//! more, it is asked there as well.
//!
//! Pure: moments are arguments, no seal is checked here and no byte is written. A check and an answer are handed in by
//! whoever found their seals right.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::stun::Transaction;
use super::validation::{ASKED, Validation};

/// For so long an address at which the browser answered may be nominated without being asked again.
const PROVED_FOR: Duration = Duration::from_secs(30);
/// Without a sign of the browser nothing more goes to its address after this time (RFC 7675, section 5.1).
pub(super) const CONSENT: Duration = Duration::from_secs(30);

/// Media comes from another address, and from the one in use for so long none any more: the browser went there. What was only
/// overtaken on its way is there sooner.
const GONE: Duration = Duration::from_millis(150);

/// The paths of one connection.
#[derive(Debug, Default)]
pub(super) struct Paths {
    used: Option<Used>,
    /// Nominated, and not proved yet.
    wanted: Option<SocketAddr>,
    /// Questions whose answers prove an address.
    validation: Validation,
    /// Addresses where the browser answered, and when.
    proved: VecDeque<(SocketAddr, Instant)>,
}

/// Everything goes there.
#[derive(Clone, Copy, Debug)]
struct Used {
    address: SocketAddr,
    /// When the browser's last check or answer came from there.
    heard: Instant,
    /// When anything else came from there last, and no sooner than it was taken.
    carried: Instant,
}

impl Used {
    fn new(address: SocketAddr, now: Instant) -> Self {
        Self { address, heard: now, carried: now }
    }

    fn consents(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) < CONSENT
    }
}

impl Paths {
    /// Where to send now, if anywhere.
    pub(super) fn to(&self, now: Instant) -> Option<SocketAddr> {
        self.used.filter(|used| used.consents(now)).map(|used| used.address)
    }

    /// A connectivity check came from `from`. The browser is the controlling agent: it says which path to use. What is to be
    /// asked there first, if anything; `fresh` makes a question.
    pub(super) fn checked(
        &mut self,
        now: Instant,
        from: SocketAddr,
        nominates: bool,
        fresh: impl FnOnce() -> Option<Transaction>,
    ) -> Option<Transaction> {
        let Some(used) = self.used else {
            self.used = Some(Used::new(from, now));
            return None;
        };
        let is_back = used.address == from;
        if !(self.is_proved(now, from) || is_back && used.consents(now)) {
            if nominates || is_back {
                self.wanted = Some(from);
            }
            return self.validation.ask(now, from, fresh);
        }
        if is_back {
            self.used = Some(Used { heard: now, ..used });
        } else if nominates {
            self.used = Some(Used::new(from, now));
        }
        if nominates {
            self.wanted = None;
        }
        None
    }

    /// What is no check came from `from`, an address of the browser; whether it went there by itself.
    pub(super) fn strays(&mut self, now: Instant, from: SocketAddr) -> bool {
        let Some(used) = self.used.as_mut() else { return false };
        if used.address == from {
            used.carried = now;
        }
        now.saturating_duration_since(used.carried) >= GONE
    }

    /// The browser went to `from`, it seems. What is to be asked there first, if anything.
    pub(super) fn strayed(
        &mut self,
        now: Instant,
        from: SocketAddr,
        fresh: impl FnOnce() -> Option<Transaction>,
    ) -> Option<Transaction> {
        self.wanted = Some(from);
        self.validation.ask(now, from, fresh)
    }

    /// The browser answered a question from `from`; `false` when it was not asked that there.
    pub(super) fn answered(&mut self, now: Instant, from: SocketAddr, transaction: Transaction) -> bool {
        if !self.validation.is_answered(from, transaction) {
            return false;
        }
        self.proved.retain(|(known, _)| *known != from);
        if self.proved.len() == ASKED {
            self.proved.pop_front();
        }
        self.proved.push_back((from, now));
        if self.wanted == Some(from) {
            (self.used, self.wanted) = (Some(Used::new(from, now)), None);
        }
        true
    }

    /// The browser has another name: what was asked under the one of before proves nothing.
    pub(super) fn renew(&mut self, now: Instant) {
        self.validation.renew(now);
    }

    fn is_proved(&self, now: Instant, address: SocketAddr) -> bool {
        self.proved.iter().any(|(known, at)| *known == address && now.saturating_duration_since(*at) < PROVED_FOR)
    }
}

#[cfg(test)]
#[path = "paths_tests.rs"]
mod tests;
