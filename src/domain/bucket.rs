//! How often something may happen: a bucket that is full at the beginning, of which each time takes one, and which fills
//! again at a steady pace.
//!
//! A bucket is a single number, the moment at which it would be full again (the generic cell rate algorithm, ITU-T I.371).
//! Moments count from any fixed one, in whatever unit the rate is said in: milliseconds, but for what comes more often.

/// What a bucket holds when it is full, and how soon one more is in it.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    burst: i64,
    refill: i64,
}

impl Rate {
    /// So many at once, and one more after each `refill`.
    pub const fn new(burst: i64, refill: i64) -> Self {
        Self { burst, refill }
    }

    const fn span(self) -> i64 {
        self.burst * self.refill
    }
}

/// What is left of a [`Rate`].
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    full_at: i64,
}

impl Bucket {
    /// A full one.
    pub const fn new(now: i64) -> Self {
        Self { full_at: now }
    }

    /// Takes `count`, or nothing, and says after how long there are so many. A clock that was set back locks
    /// nobody out for longer than an empty bucket does.
    pub fn take(&mut self, rate: Rate, count: i64, now: i64) -> Result<(), i64> {
        self.full_at = self.full_at.clamp(now, now + rate.span());
        let full_at = self.full_at + count * rate.refill;
        let wait = full_at - (now + rate.span());
        if wait > 0 {
            return Err(wait);
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Puts one back that was taken for nothing.
    pub const fn give_back(&mut self, rate: Rate) {
        self.full_at -= rate.refill;
    }

    /// How many there are.
    pub fn left(self, rate: Rate, now: i64) -> i64 {
        (now + rate.span() - self.full_at.clamp(now, now + rate.span())) / rate.refill
    }

    /// From when on there is one.
    pub const fn next_at(self, rate: Rate) -> i64 {
        self.full_at + rate.refill - rate.span()
    }

    /// Whether nothing is left; takes nothing. Of a clock that was set back it knows nothing.
    pub const fn is_spent(self, rate: Rate, now: i64) -> bool {
        self.full_at <= now + rate.span() && self.next_at(rate) > now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_as_many_as_come_in() {
        let (rate, mut bucket) = (Rate::new(60, 50), Bucket::new(0));
        assert_eq!((0..100).filter(|_| bucket.take(rate, 1, 0).is_ok()).count(), 60);
        assert_eq!((0..100).filter(|_| bucket.take(rate, 1, 1000).is_ok()).count(), 20);
    }

    #[test]
    fn what_costs_more_empties_it_sooner_and_is_refused_whole() {
        let (rate, mut bucket) = (Rate::new(10, 200), Bucket::new(0));
        for _ in 0..3 {
            assert_eq!(bucket.take(rate, 3, 0), Ok(()));
        }
        assert_eq!(bucket.take(rate, 3, 0), Err(400));
        assert_eq!(bucket.take(rate, 1, 0), Ok(()), "nothing was taken of what was refused");
        assert_eq!(bucket.take(rate, 3, 599), Err(1));
        assert_eq!(bucket.take(rate, 3, 600), Ok(()));
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_has_more_than_a_burst_and_what_came_in_and_whoever_waits_as_told_gets_one(
            burst in 1_i64..20, refill_ms in 1_i64..500, pauses in proptest::collection::vec(0_i64..400, 1..200)
        ) {
            let (rate, mut bucket, mut now) = (Rate::new(burst, refill_ms), Bucket::new(0), 0);
            let mut taken = Vec::new();
            for pause in pauses {
                now += pause;
                let is_spent = bucket.is_spent(rate, now);
                let left = bucket.left(rate, now);
                match bucket.take(rate, 1, now) {
                    Ok(()) => {
                        prop_assert_eq!(bucket.left(rate, now), left - 1);
                        prop_assert!(!is_spent);
                        taken.push(now);
                    }
                    Err(wait) => {
                        prop_assert!(is_spent && left == 0);
                        prop_assert_eq!(now + wait, bucket.next_at(rate));
                        prop_assert!(bucket.is_spent(rate, now + wait - 1) && !bucket.is_spent(rate, now + wait));
                    }
                }
            }
            for (first, begin) in taken.iter().enumerate() {
                for (last, end) in taken.iter().enumerate().skip(first) {
                    let most = burst + (end - begin) / refill_ms;
                    prop_assert!(i64::try_from(last - first).unwrap() < most + 1);
                }
            }
        }
    }
}
