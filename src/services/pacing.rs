//! How often somebody may: a [bucket](crate::domain::bucket) for each, in memory. It slows whoever asks too much down; what must hold across
//! restarts is counted in the database.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

pub use crate::domain::bucket::Rate;

use crate::domain::bucket::Bucket;
use crate::domain::time::Timestamp;

/// Keys remembered in each of two generations: a few MB at most.
const KEYS: usize = 16_384;

/// The buckets of everybody who may do one thing.
#[derive(Debug)]
pub struct Limits<K> {
    rate: Rate,
    buckets: Mutex<Buckets<K>>,
}

/// Two generations bound the memory without a search for the oldest: when the young one is full it becomes the old one, and
/// whoever was in neither starts with a full bucket.
#[derive(Debug)]
struct Buckets<K> {
    young: HashMap<K, Bucket>,
    old: HashMap<K, Bucket>,
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
        let mut buckets = self.buckets.lock().expect("no holder of this lock panics");
        let now = now.as_millis();
        let Buckets { young, old } = &mut *buckets;
        if let Some(known) = young.get_mut(&key) {
            return known.take(self.rate, count, now).map_err(seconds);
        }
        let mut bucket = old.get(&key).copied().unwrap_or(Bucket::new(now));
        let taken = bucket.take(self.rate, count, now).map_err(seconds);
        if taken.is_err() {
            // Who is refused is not made young again.
            if let Some(known) = old.get_mut(&key) {
                *known = bucket;
            }
            return taken;
        }
        if young.len() >= KEYS {
            *old = std::mem::take(young);
        }
        young.insert(key, bucket);
        Ok(())
    }

    /// Whether nothing is left of `key`; takes nothing. Of a clock that was set back it knows nothing.
    pub fn is_spent(&self, key: &K, now: Timestamp) -> bool {
        let buckets = self.buckets.lock().expect("no holder of this lock panics");
        let known = buckets.young.get(key).or_else(|| buckets.old.get(key));
        known.is_some_and(|bucket| bucket.is_spent(self.rate, now.as_millis()))
    }

    /// How many seconds `key` has to wait, where nothing is left; takes nothing.
    pub fn wait(&self, key: &K, now: Timestamp) -> Option<u32> {
        let buckets = self.buckets.lock().expect("no holder of this lock panics");
        let known = buckets.young.get(key).or_else(|| buckets.old.get(key))?;
        let now = now.as_millis();
        known.is_spent(self.rate, now).then(|| seconds(known.next_at(self.rate) - now))
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
        if let Some(bucket) = buckets.young.get_mut(key) {
            bucket.give_back(self.rate);
        }
    }
}

/// Whole seconds, and not too few.
fn seconds(millis: i64) -> u32 {
    u32::try_from((millis + 999) / 1000).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::new(10, 200);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    #[test]
    fn what_is_spent_is_known_without_taking_anything_until_there_is_one_again() {
        let limits = Limits::new(Rate::new(1, 60_000));
        assert!(!limits.is_spent(&"one", at(0)));
        limits.take("one", at(0)).unwrap();
        assert!(limits.is_spent(&"one", at(0)) && limits.is_spent(&"one", at(59_999)));
        assert_eq!((limits.wait(&"one", at(0)), limits.wait(&"one", at(58_001))), (Some(60), Some(2)));
        assert_eq!((limits.wait(&"one", at(60_000)), limits.wait(&"two", at(0))), (None, None));
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
