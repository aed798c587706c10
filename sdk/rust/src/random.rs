//! Random numbers out of the call's own seed, which the decision log keeps: a replay draws the
//! same ones. Not for keys or secrets.
//!
//! In native tests the seed is 0 until [`testing::random::seed`](crate::testing::random::seed).

use crate::host;

/// The next number, uniform over all 64 bits.
pub fn next_u64() -> u64 {
    host::random::next_u64()
}

/// The next number below `bound`, each as likely as the others; 0 if there is none.
pub fn below(bound: u64) -> u64 {
    // Lemire, "Fast Random Integer Generation in an Interval" (2019): the high half of the product
    // is the number, and the few products that would make some of them likelier are drawn again.
    let unfair = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
    loop {
        let product = u128::from(next_u64()) * u128::from(bound);
        if product as u64 >= unfair {
            return (product >> 64) as u64;
        }
    }
}

/// The next number from 0 to below 1, with 53 random bits.
pub fn unit() -> f64 {
    (next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The next bytes; at most 4,096.
pub fn bytes(len: u32) -> Vec<u8> {
    host::random::bytes(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_a_bound_are_equally_likely_and_below_none_it_is_zero() {
        let mut counts = [0_u32; 3];
        for _ in 0..30_000 {
            counts[below(3) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_700..10_300).contains(count)),
            "{counts:?}"
        );
        assert_eq!((below(0), below(1)), (0, 0));
    }

    #[test]
    fn a_unit_is_never_one() {
        assert!(
            (0..10_000)
                .map(|_| unit())
                .all(|unit| (0.0..1.0).contains(&unit))
        );
    }
}
