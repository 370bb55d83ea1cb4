//! Replays the seeds of `corpus/`, and damaged copies of each: the same ones in every run.

use std::fs;
use std::path::Path;

/// Damaged copies of all seeds of a target together.
const COPIES: usize = 4_000;

/// Chance that can be told again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// One to four bits of damage: a byte changed, taken out, put in, a piece doubled, the end cut off.
    fn damage(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(6) {
                0 if !bytes.is_empty() => bytes[at] = self.byte(),
                1 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                2 if !bytes.is_empty() => drop(bytes.remove(at)),
                3 => bytes.insert(at, self.byte()),
                4 => bytes.truncate(at),
                _ => {
                    let piece = bytes[at..(at + self.below(40)).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    }
}

/// Gives `reads` every seed of `target` and its damaged copies.
pub fn replay(target: &str, mut reads: impl FnMut(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(!names.is_empty(), "{target} has seeds");
    let (mut chance, copies) = (Chance(2026), COPIES / names.len());
    for name in names {
        let seed = fs::read(name).unwrap();
        reads(&seed);
        for _ in 0..copies {
            let bytes = chance.damage(&seed);
            let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reads(&bytes)));
            assert!(read.is_ok(), "{target}: {bytes:02x?}");
        }
    }
}
