//! Where the chance comes from.

use pointsman_sdk::random;

/// Random numbers: the call's own, or those of a seed.
#[derive(Debug)]
pub(crate) enum Draw {
    /// The call's own.
    Chance,
    /// SplitMix64 from this state on.
    Seeded(u64),
}

/// Odd, so that multiples of it fill all 64 bits; the golden ratio's, as in SplitMix64.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Draw {
    /// The numbers of the `nth` draw with a seed.
    pub(crate) fn new(seed: Option<u64>, nth: u64) -> Self {
        match seed {
            // Draws lie far apart in the sequence, so that none goes on where another ended.
            Some(seed) => Self::Seeded(mix(seed) ^ mix(nth.wrapping_mul(GAMMA))),
            None => Self::Chance,
        }
    }

    /// The next number below `bound`; 0 if there is none.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let number = match self {
            Self::Chance => return random::below(u64::from(bound)) as u32,
            Self::Seeded(state) => next(state),
        };
        // The upper half of the product: the bias is below 2^-32.
        ((u128::from(number) * u128::from(bound)) >> 64) as u32
    }

    /// The next number from 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        match self {
            Self::Chance => random::unit(),
            Self::Seeded(state) => (next(state) >> 11) as f64 / (1_u64 << 53) as f64,
        }
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(GAMMA);
    mix(*state)
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
