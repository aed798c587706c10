//! When to try again: exponential, bounded, with jitter.

use model::Retry;
use std::time::Duration;

/// How a link retries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// The first wait.
    pub initial: Duration,
    /// What each further wait is multiplied by; at least 1.
    pub factor: u32,
    /// No wait is longer, jitter apart.
    pub cap: Duration,
    /// Each wait is spread evenly over ± this many percent, so that many links do not all
    /// knock at once; at most 100.
    pub jitter_percent: u32,
    /// A session that lasted this long wipes the slate.
    pub stable_after: Duration,
    /// Attempts in a row before the link gives up; `None`: never.
    pub max_attempts: Option<u32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            factor: 2,
            cap: Duration::from_secs(30),
            jitter_percent: 20,
            stable_after: Duration::from_secs(10),
            max_attempts: None,
        }
    }
}

impl Policy {
    /// With what an operator says in place of what is usual.
    pub fn with(self, retry: Retry) -> Self {
        let ms = |wish: Option<u32>, usual: Duration| {
            wish.map_or(usual, |ms| Duration::from_millis(ms.into()))
        };
        let initial = ms(retry.initial_ms, self.initial);
        Self {
            // Asked to wait longer at first, nobody means to wait less later.
            cap: ms(retry.cap_ms, self.cap.max(initial)),
            initial,
            factor: retry.factor.unwrap_or(self.factor),
            jitter_percent: retry.jitter_percent.unwrap_or(self.jitter_percent),
            stable_after: ms(retry.stable_after_ms, self.stable_after),
            max_attempts: retry.attempts.or(self.max_attempts),
        }
    }

    /// No wait is longer.
    fn longest(&self) -> Duration {
        self.cap
            .mul_f64(1.0 + f64::from(self.jitter_percent.min(100)) / 100.0)
    }
}

/// The waits of one link.
#[derive(Debug)]
pub struct Backoff {
    policy: Policy,
    failures: u32,
    noise: u64,
}

impl Backoff {
    /// No failures yet; the same seed gives the same jitter.
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self {
            policy,
            failures: 0,
            noise: seed,
        }
    }

    /// The rules it follows.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Follows other rules from now on; failures so far count under them.
    pub fn adopt(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Whether the attempts allowed are used up.
    pub fn is_exhausted(&self) -> bool {
        let max = self.policy.max_attempts;
        max.is_some_and(|max| self.failures >= max)
    }

    /// No wait is longer than this.
    pub fn longest(&self) -> Duration {
        self.policy.longest()
    }

    /// A session held: the next failure waits as the first did.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Notes a failure; how long to wait, or `None` when the attempts are used up.
    pub fn fail(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        if self.is_exhausted() {
            return None;
        }
        let doublings = self.failures - 1;
        let grown = self.policy.factor.max(1).checked_pow(doublings);
        let wait = grown
            .and_then(|factor| self.policy.initial.checked_mul(factor))
            .map_or(self.policy.cap, |wait| wait.min(self.policy.cap));
        Some(self.spread(wait))
    }

    fn spread(&mut self, wait: Duration) -> Duration {
        let jitter = f64::from(self.policy.jitter_percent.min(100)) / 100.0;
        // 53 bits: what a double holds exactly.
        let unit = (self.next_noise() >> 11) as f64 / (1_u64 << 53) as f64;
        wait.mul_f64(1.0 + jitter * (2.0 * unit - 1.0))
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): spreads any seed well, secrets not needed.
    fn next_noise(&mut self) -> u64 {
        self.noise = self.noise.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.noise;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(seed: u64, count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(Policy::default(), seed);
        (0..count).filter_map(|_| backoff.fail()).collect()
    }

    #[test]
    fn waits_double_up_to_the_cap_within_the_jitter() {
        let nominal = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0];
        for seed in 0..50 {
            for (wait, nominal) in waits(seed, nominal.len()).iter().zip(nominal) {
                let ratio = wait.as_secs_f64() / nominal;
                assert!((0.8..=1.2).contains(&ratio), "{wait:?} for {nominal}");
            }
        }
    }

    #[test]
    fn waits_stay_capped_after_ever_so_many_failures() {
        assert!(
            waits(1, 10_000)
                .iter()
                .all(|wait| *wait <= Duration::from_secs(36))
        );
    }

    #[test]
    fn what_an_operator_says_replaces_what_is_usual_and_nothing_else() {
        let said = Retry {
            initial_ms: Some(40_000),
            attempts: Some(2),
            ..Retry::default()
        };
        let usual = Policy::default();
        let policy = usual.with(said);
        assert_eq!(policy.initial, Duration::from_secs(40));
        assert_eq!(policy.cap, Duration::from_secs(40), "never below the first");
        assert_eq!(policy.max_attempts, Some(2));
        assert_eq!((policy.factor, policy.jitter_percent), (2, 20));
        assert_eq!(usual.with(Retry::default()), usual);
    }

    #[test]
    fn jitter_follows_the_seed() {
        assert_eq!(waits(7, 5), waits(7, 5));
        assert_ne!(waits(7, 5), waits(8, 5));
    }

    #[test]
    fn allowed_attempts_run_out_and_a_stable_session_restores_them() {
        let policy = Policy {
            max_attempts: Some(3),
            ..Policy::default()
        };
        let mut backoff = Backoff::new(policy, 0);
        assert!(backoff.fail().is_some());
        assert!(backoff.fail().is_some());
        assert_eq!(backoff.fail(), None);
        backoff.reset();
        assert!(backoff.fail().is_some());
    }
}
