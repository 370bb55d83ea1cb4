//! How often somebody may: a token bucket for each, in memory. It slows whoever asks too much down; what must hold across
//! restarts is counted in the database.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

use crate::domain::time::Timestamp;

/// What a bucket holds when it is full, and how soon one more is in it.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    burst: i64,
    refill_ms: i64,
}

impl Rate {
    /// So many at once, and one more each `refill_ms`.
    pub const fn new(burst: i64, refill_ms: i64) -> Self {
        Self { burst, refill_ms }
    }
}

/// Keys remembered in each of two generations: a few MB at most.
const KEYS: usize = 16_384;

/// The buckets of everybody who may do one thing.
#[derive(Debug)]
pub struct Limits<K> {
    rate: Rate,
    buckets: Mutex<Buckets<K>>,
}

/// A bucket is the moment at which it would be full again. Two generations bound the memory without a search for the
/// oldest: when the young one is full it becomes the old one, and whoever was in neither starts with a full bucket.
#[derive(Debug)]
struct Buckets<K> {
    young: HashMap<K, i64>,
    old: HashMap<K, i64>,
}

impl<K: Hash + Eq> Limits<K> {
    /// Full buckets for everybody.
    pub fn new(rate: Rate) -> Self {
        let buckets = Buckets { young: HashMap::new(), old: HashMap::new() };
        Self { rate, buckets: Mutex::new(buckets) }
    }

    /// Takes one of `key` at `now`, or says how many seconds to wait.
    pub fn take(&self, key: K, now: Timestamp) -> Result<(), u32> {
        self.take_several(key, 1, now)
    }

    /// Takes `count` of `key` at `now`, or nothing, and says how many seconds to wait.
    pub fn take_several(&self, key: K, count: i64, now: Timestamp) -> Result<(), u32> {
        let Rate { burst, refill_ms } = self.rate;
        let mut buckets = self.buckets.lock().expect("no holder of this lock panics");
        let now = now.as_millis();
        let known = buckets.young.get(&key).or_else(|| buckets.old.get(&key)).copied().unwrap_or(now);
        // A clock that was set back must not lock anybody out for longer than an empty bucket does.
        let clamped = known.clamp(now, now + burst * refill_ms);
        let full_at = clamped + count * refill_ms;
        let wait = full_at - (now + burst * refill_ms);
        if wait > 0 {
            let Buckets { young, old } = &mut *buckets;
            if let Some(known) = young.get_mut(&key).or_else(|| old.get_mut(&key)) {
                *known = clamped;
            }
            return Err(u32::try_from((wait + 999) / 1000).unwrap_or(1));
        }
        if buckets.young.len() >= KEYS && !buckets.young.contains_key(&key) {
            buckets.old = std::mem::take(&mut buckets.young);
        }
        buckets.young.insert(key, full_at);
        Ok(())
    }

    /// Whether nothing is left of `key`; takes nothing. Of a clock that was set back it knows nothing.
    pub fn is_spent(&self, key: &K, now: Timestamp) -> bool {
        let Rate { burst, refill_ms } = self.rate;
        let buckets = self.buckets.lock().expect("no holder of this lock panics");
        let known = buckets.young.get(key).or_else(|| buckets.old.get(key)).copied();
        let (now, full) = (now.as_millis(), burst * refill_ms);
        known.is_some_and(|full_at| full_at <= now + full && full_at + refill_ms > now + full)
    }

    /// Full buckets for everybody, as after a long time.
    pub fn fill(&self) {
        let mut buckets = self.buckets.lock().expect("no holder of this lock panics");
        buckets.young.clear();
        buckets.old.clear();
    }

    /// Puts back what was taken for nothing.
    pub fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().expect("no holder of this lock panics");
        if let Some(full_at) = buckets.young.get_mut(key) {
            *full_at -= self.rate.refill_ms;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::new(10, 200);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn what_costs_more_empties_the_bucket_sooner_and_is_refused_whole() {
        let limits = Limits::new(RATE);
        for _ in 0..3 {
            assert_eq!(limits.take_several("one", 3, at(0)), Ok(()));
        }
        assert_eq!(limits.take_several("one", 3, at(0)), Err(1));
        assert_eq!(limits.take("one", at(0)), Ok(()), "nothing was taken of what was refused");
        assert_eq!(limits.take_several("one", 3, at(599)), Err(1));
        assert_eq!(limits.take_several("one", 3, at(600)), Ok(()));
    }

    #[test]
    fn what_is_spent_is_known_without_taking_anything_until_there_is_one_again() {
        let limits = Limits::new(Rate::new(1, 60_000));
        assert!(!limits.is_spent(&"one", at(0)));
        limits.take("one", at(0)).unwrap();
        assert!(limits.is_spent(&"one", at(0)) && limits.is_spent(&"one", at(59_999)));
        assert!(!limits.is_spent(&"one", at(60_000)) && !limits.is_spent(&"two", at(0)));
        assert!(!limits.is_spent(&"one", at(-1)), "it was not yet then");
    }

    #[test]
    fn memory_is_bounded_however_many_come() {
        let limits = Limits::new(RATE);
        for n in 0..40_000_u32 {
            limits.take(n, at(0)).unwrap();
        }
        let buckets = limits.buckets.lock().unwrap();
        assert!(buckets.young.len() <= KEYS && buckets.old.len() <= KEYS);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out_for_long() {
        let limits = Limits::new(RATE);
        for _ in 0..10 {
            limits.take("one", at(1_000_000_000)).unwrap();
        }
        assert_eq!(limits.take("one", at(0)), Err(1));
        assert_eq!(limits.take("one", at(200)), Ok(()));
    }
}
