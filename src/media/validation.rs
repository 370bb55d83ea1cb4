//! Whether the browser is where it seems to be: the questions that prove an address, and how seldom they are asked. QUIC does the
//! same, and calls it path validation (RFC 9000, section 8.2).
//!
//! A check proves who sent it and not where it came from: what is asked there may go to a stranger. So an address is asked
//! five times a second, and so are at most [`ASKED`] of one connection together; how many addresses it forges changes nothing.
//! Not more seldom, for media waits: a question may be lost, and one that comes while the browser changes its name is refused.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::stun::Transaction;

/// Addresses of a browser that are asked, or known, at a time.
pub(super) const ASKED: usize = 8;
/// An address is asked again after so long.
const AGAIN: Duration = Duration::from_millis(200);

/// What one connection asked, and where.
#[derive(Debug, Default)]
pub(super) struct Validation {
    asked: VecDeque<Asked>,
    renewed: Option<Instant>,
}

#[derive(Debug)]
struct Asked {
    address: SocketAddr,
    at: Instant,
    /// `None` when it was asked under another name than the browser has now: its answer proves nothing.
    transaction: Option<Transaction>,
}

impl Validation {
    /// The question for `address`, if one may go there now; the same one as long as it was not answered, so that a late
    /// answer counts.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        address: SocketAddr,
        fresh: impl FnOnce() -> Option<Transaction>,
    ) -> Option<Transaction> {
        let is_due = |asked: &Asked| now.saturating_duration_since(asked.at) >= AGAIN;
        if let Some(known) = self.asked.iter_mut().find(|asked| asked.address == address) {
            if !is_due(known) {
                return None;
            }
            known.at = now;
            if known.transaction.is_none() {
                known.transaction = fresh();
            }
            return known.transaction;
        }
        if self.asked.len() == ASKED {
            // Whose turn is over makes room; before that everybody waits.
            let over =
                self.asked.iter().enumerate().filter(|(_, asked)| is_due(asked)).min_by_key(|(_, asked)| asked.at);
            let over = over.map(|(at, _)| at)?;
            self.asked.remove(over);
        }
        let transaction = fresh()?;
        self.asked.push_back(Asked { address, at: now, transaction: Some(transaction) });
        Some(transaction)
    }

    /// Whether `address` was asked this; nothing more is waited for there.
    pub(super) fn is_answered(&mut self, address: SocketAddr, transaction: Transaction) -> bool {
        let asked = self.asked.iter().position(|it| it.address == address && it.transaction == Some(transaction));
        asked.and_then(|at| self.asked.remove(at)).is_some()
    }

    /// The browser has another name: what was asked counts no longer, and may be asked anew at once; five times a second, too.
    pub(super) fn renew(&mut self, now: Instant) {
        if self.renewed.is_none_or(|at| now.saturating_duration_since(at) >= AGAIN) {
            self.renewed = Some(now);
            self.asked.clear();
        }
        self.asked.iter_mut().for_each(|asked| asked.transaction = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::instant;

    fn address(n: u16) -> SocketAddr {
        ([192, 0, 2, 7], n).into()
    }

    /// Asks, each time with another question to choose from.
    struct Browser(Validation, u8, Instant);

    impl Browser {
        fn new() -> Self {
            Self(Validation::default(), 0, instant::now())
        }

        fn ask(&mut self, millis: u64, n: u16) -> Option<Transaction> {
            self.1 += 1;
            let fresh = [self.1; 12];
            self.0.ask(self.2 + Duration::from_millis(millis), address(n), || Some(fresh))
        }

        fn renew(&mut self, millis: u64) {
            self.0.renew(self.2 + Duration::from_millis(millis));
        }
    }

    #[test]
    fn an_address_is_asked_five_times_a_second_the_same_however_many_checks_come() {
        let mut browser = Browser::new();
        let first = browser.ask(0, 1).expect("asked");
        assert!((1..200).step_by(10).all(|at| browser.ask(at, 1).is_none()));
        assert_eq!(browser.ask(200, 1), Some(first), "a late answer counts");
        assert!(browser.0.is_answered(address(1), first));
        assert!(!browser.0.is_answered(address(1), first), "once");
    }

    #[test]
    fn eight_addresses_are_asked_at_a_time_whatever_is_forged_and_the_memory_stays() {
        let mut browser = Browser::new();
        let asked: Vec<_> = (0..200_u16).filter(|n| browser.ask(u64::from(*n), 1 + n).is_some()).collect();
        assert_eq!(asked, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(browser.0.asked.len(), ASKED);
        assert!(browser.ask(200, 500).is_some(), "the first one's turn is over");
        assert!(browser.ask(200, 501).is_none());
        let (validation, now) = (&mut browser.0, browser.2);
        let questions = (1_001..11_000_u64).filter(|at| {
            let elsewhere = address(u16::try_from(at % 60_000).unwrap_or(0) + 1);
            validation.ask(now + Duration::from_millis(*at), elsewhere, || Some([0; 12])).is_some()
        });
        assert!(questions.count() <= 50 * ASKED);
    }

    #[test]
    fn another_name_is_asked_for_at_once_and_not_again_and_again() {
        let mut browser = Browser::new();
        let first = browser.ask(0, 1).expect("asked");
        browser.renew(10);
        assert!(!browser.0.is_answered(address(1), first), "under the name of before");
        let second = browser.ask(20, 1).expect("a path must not wait");
        assert_ne!(first, second);
        for at in (30..200).step_by(10) {
            browser.renew(at);
            assert_eq!(browser.ask(at + 1, 1), None, "{at}");
        }
        assert!(!browser.0.is_answered(address(1), second));
        assert!(browser.ask(220, 1).is_some_and(|third| third != second));
    }
}
