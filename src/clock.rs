//! The only place that asks the machine for time or chance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rand::Rng as _;
use rand::rngs::{StdRng, SysRng};
use rand::{SeedableRng as _, TryRng as _};
use uuid::Uuid;

use crate::domain::time::Timestamp;

/// Tells the time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands until it is moved; for tests.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.as_millis())))
    }

    /// The moment now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(at) => Timestamp::from_millis(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; the system's clock cannot be moved.
    pub fn advance(&self, by: std::time::Duration) {
        if let Self::Manual(at) = self {
            at.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

/// Makes ids and secrets.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    seeded: Option<Arc<std::sync::Mutex<StdRng>>>,
}

impl Ids {
    /// Ids from the operating system's randomness.
    pub fn system(clock: Clock) -> Self {
        Self { clock, seeded: None }
    }

    /// Ids that are the same in every run; for tests.
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        Self { clock, seeded: Some(Arc::new(std::sync::Mutex::new(StdRng::seed_from_u64(seed)))) }
    }

    /// `N` bytes that nobody can guess.
    pub fn secret<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.seeded {
            Some(rng) => rng.lock().expect("no holder of this lock panics").fill_bytes(&mut bytes),
            None => {
                SysRng.try_fill_bytes(&mut bytes).expect("an operating system without randomness cannot run a clinic");
            }
        }
        bytes
    }

    /// A fresh UUID v7 of the clock's now.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.secret::<10>()).into_uuid()
    }

    /// A fresh id of the wanted kind: `ids.make(TicketId::from_uuid)`.
    pub fn make<T>(&self, from_uuid: impl FnOnce(Uuid) -> T) -> T {
        from_uuid(self.uuid())
    }

    /// A number below `bound`, evenly distributed to within 2⁻³².
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&self, bound: u32) -> u32 {
        let wide = u64::from_be_bytes(self.secret::<8>());
        u32::try_from(wide % u64::from(bound)).expect("a remainder is below its divisor")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_manual_clock_stands_until_it_is_moved() {
        let clock = Clock::manual(Timestamp::from_millis(7));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_millis(3));
        assert_eq!(clock.now(), Timestamp::from_millis(10));
    }

    #[test]
    fn seeded_ids_are_the_same_in_every_run_and_never_twice() {
        let make = || Ids::seeded(Clock::manual(Timestamp::from_millis(1)), 42);
        let (first, second) = (make(), make());
        assert_eq!(first.uuid(), second.uuid());
        assert_ne!(first.uuid(), first.uuid());
    }
}
