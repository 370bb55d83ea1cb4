//! What recordings may take: never the disk's last room, and of each no more than a call needs.

/// Free space that recordings leave alone when the operator chose nothing: this, or a twentieth of a small disk.
const FLOOR: u64 = 2 << 30;
/// A recording that paused goes on when so much more than the floor is free, in parts of it: it must not flicker.
const MARGIN: u64 = 16;
/// Bytes a millisecond that a recording may take for long: eight megabits a second, four times a good camera.
const RATE: u64 = 1000;
/// What it may take at once beyond that: keyframes of a shown room, and a jam that dissolves.
const BURST: u64 = 16 << 20;

/// The floor of one recording.
#[derive(Clone, Copy, Debug, Default)]
pub struct Floor {
    chosen: Option<u64>,
    is_below: bool,
}

impl Floor {
    /// A floor of so many bytes; of a fitting size where nobody chose.
    pub const fn new(chosen: Option<u64>) -> Self {
        Self { chosen, is_below: false }
    }

    /// Whether a disk with so much `free` of `total` bytes may be written to.
    pub fn admits(&mut self, free: u64, total: u64) -> bool {
        let floor = self.chosen.unwrap_or_else(|| FLOOR.min(total / 20));
        let margin = if self.is_below { floor / MARGIN } else { 0 };
        self.is_below = free < floor.saturating_add(margin);
        !self.is_below
    }
}

/// What one recording may still take.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    left: u64,
    level: u64,
    since: u64,
}

impl Allowance {
    /// An allowance of so many bytes in all.
    pub const fn new(largest: u64) -> Self {
        Self { left: largest, level: 0, since: 0 }
    }

    /// Takes `bytes` at `at` milliseconds of the recording; whether that was allowed.
    pub fn take(&mut self, at: u64, bytes: u64) -> bool {
        let passed = at.saturating_sub(self.since);
        self.since = self.since.max(at);
        self.level = self.level.saturating_sub(passed.saturating_mul(RATE));
        if bytes > self.left || self.level.saturating_add(bytes) > BURST {
            return false;
        }
        self.left -= bytes;
        self.level += bytes;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn the_floor_is_two_gibibytes_or_a_twentieth_of_a_small_disk_or_what_was_chosen() {
        let admits = |chosen, free, total| Floor::new(chosen).admits(free, total);
        assert!(admits(None, 2 * GIB, 1000 * GIB) && !admits(None, 2 * GIB - 1, 1000 * GIB));
        assert!(admits(None, GIB, 20 * GIB) && !admits(None, GIB - 1, 20 * GIB));
        assert!(admits(Some(0), 0, GIB) && !admits(Some(50 * GIB), 49 * GIB, 1000 * GIB));
    }

    #[test]
    fn what_paused_goes_on_with_a_margin_so_that_it_does_not_flicker() {
        let mut floor = Floor::new(Some(1600));
        assert!(floor.admits(1600, 9999));
        assert!(!floor.admits(1599, 9999));
        assert!(!floor.admits(1699, 9999), "not at once");
        assert!(floor.admits(1700, 9999));
        assert!(floor.admits(1600, 9999));
    }

    #[test]
    fn a_good_camera_is_never_over_its_allowance_and_a_flood_is_within_seconds() {
        let half_a_second = |bits: u64| bits / 8 / 2;
        let mut camera = Allowance::new(u64::MAX);
        assert!((0..20_000).all(|n| camera.take(n * 500, half_a_second(2_500_000))));
        let mut flood = Allowance::new(u64::MAX);
        let kept = (0..120).filter(|n| flood.take(n * 500, half_a_second(100_000_000))).count();
        assert!((2..=14).contains(&kept), "of a minute of 100 Mbit/s about five seconds' worth is kept: {kept}");
    }

    #[test]
    fn a_recording_ends_at_its_largest_size() {
        let mut allowance = Allowance::new(1000);
        assert!(allowance.take(0, 600) && !allowance.take(500, 401) && allowance.take(1000, 400));
        assert!(!allowance.take(60_000, 1));
    }
}
