//! Random numbers that a replay draws again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes that one call of `random.bytes` brings.
const MAX_BYTES: u32 = 4_096;

/// 2^64 divided by the golden ratio, odd: what SplitMix64 steps by.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014):
/// eight bytes of state, good enough to choose by, of no use for secrets.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// The next bytes, each number's lowest first.
    pub(crate) fn bytes(&mut self, len: u32) -> Vec<u8> {
        let mut bytes = vec![0; len.min(MAX_BYTES) as usize];
        self.fill(&mut bytes);
        bytes
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            let number = self.next_u64().to_le_bytes();
            part.iter_mut()
                .zip(number)
                .for_each(|(to, from)| *to = from);
        }
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Where the calls' seeds come from: another one for each, and others in the next run.
pub(crate) struct Seeds(AtomicU64);

impl Seeds {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(RandomState::new().build_hasher().finish()))
    }

    /// Below 2^53: JSON readers keep no more of a number.
    pub(crate) fn next(&self) -> u64 {
        mix(self.0.fetch_add(STEP, Relaxed)) >> 11
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_reference_implementation() {
        // https://prng.di.unimi.it/splitmix64.c, seed 1234567.
        let mut random = Random::new(1_234_567);
        let drawn = [random.next_u64(), random.next_u64(), random.next_u64()];
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn bytes_are_the_same_sequence_and_bounded() {
        let mut random = Random::new(7);
        let number = Random::new(7).next_u64().to_le_bytes();
        assert_eq!(random.bytes(8), number);
        assert_eq!(Random::new(7).bytes(3), number[..3]);
        assert_eq!(random.bytes(u32::MAX).len(), 4_096);
    }

    #[test]
    fn every_call_has_a_seed_of_its_own_that_fits_json() {
        let seeds = Seeds::new();
        let drawn: std::collections::BTreeSet<_> = (0..1_000).map(|_| seeds.next()).collect();
        assert_eq!(drawn.len(), 1_000);
        assert!(drawn.iter().all(|seed| *seed < 1 << 53));
    }
}
