//! Attempts to log in: who failed has to wait, longer each time.
//!
//! Counted by address, and by the user that was tried. An address waits up to 15 minutes; a user
//! only up to 30 seconds, since whoever knows a name could otherwise keep its owner out.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Failures that cost nothing: fingers slip.
const FREE: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_OF_ADDRESS: Duration = Duration::from_secs(15 * 60);
const LONGEST_OF_USER: Duration = Duration::from_secs(30);

/// A failure is forgotten after this.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// Addresses, and users, that are remembered at once; of more, the one that is quiet for longest
/// is forgotten.
const REMEMBERED: usize = 4_096;

/// Who failed, and until when they wait.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    addresses: HashMap<IpAddr, Failures>,
    users: HashMap<String, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    until: Instant,
}

impl Attempts {
    /// Takes an attempt as a failure beforehand, so that many at once do not slip through;
    /// [`Attempts::succeeded`] takes it back.
    ///
    /// # Errors
    /// How long it has to wait. Trying meanwhile does not lengthen it.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        address: IpAddr,
        user: &str,
    ) -> Result<(), Duration> {
        let address = group(address);
        let user = user.to_lowercase();
        let wait = wait(&self.addresses, &address, now).max(wait(&self.users, &user, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        count(&mut self.addresses, address, now, LONGEST_OF_ADDRESS);
        count(&mut self.users, user, now, LONGEST_OF_USER);
        Ok(())
    }

    /// The attempt was none too many.
    pub(super) fn succeeded(&mut self, address: IpAddr, user: &str) {
        self.addresses.remove(&group(address));
        self.users.remove(&user.to_lowercase());
    }
}

/// An IPv6 peer has a whole /64 to call from.
pub(super) fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 => v4,
    }
}

fn wait<K: Eq + Hash>(failures: &HashMap<K, Failures>, who: &K, now: Instant) -> Duration {
    let until = failures.get(who).map_or(now, |known| known.until);
    until.saturating_duration_since(now)
}

fn count<K: Eq + Hash + Clone>(
    failures: &mut HashMap<K, Failures>,
    who: K,
    now: Instant,
    longest: Duration,
) {
    let fresh = |known: &Failures| now.saturating_duration_since(known.last) < FORGOTTEN;
    let before = failures.get(&who).filter(|known| fresh(known));
    let count = before.map_or(0, |known| known.count).saturating_add(1);
    let wait = match count.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_WAIT
            .saturating_mul(1 << doublings.min(20))
            .min(longest),
    };
    if before.is_none() && failures.len() >= REMEMBERED {
        failures.retain(|_, known| fresh(known));
        make_room(failures);
    }
    let (last, until) = (now, now + wait);
    failures.insert(who, Failures { count, last, until });
}

fn make_room<K: Eq + Hash + Clone>(failures: &mut HashMap<K, Failures>) {
    while failures.len() >= REMEMBERED {
        let quietest = failures.iter().min_by_key(|(_, known)| known.last);
        let Some(who) = quietest.map(|(who, _)| who.clone()) else {
            return;
        };
        failures.remove(&who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn each_failure_beyond_the_third_doubles_the_wait_up_to_a_bound() {
        let (mut attempts, mut now) = (Attempts::default(), Instant::now());
        for _ in 0..=FREE {
            assert_eq!(attempts.begin(now, address(1), "jane"), Ok(()));
        }
        assert_eq!(attempts.begin(now, address(1), "jane"), Err(SECOND));
        assert_eq!(
            attempts.begin(now, address(1), "jane"),
            Err(SECOND),
            "no longer"
        );
        now += SECOND;
        assert_eq!(attempts.begin(now, address(1), "jane"), Ok(()));
        assert_eq!(attempts.begin(now, address(1), "other"), Err(2 * SECOND));
        for _ in 0..40 {
            now += LONGEST_OF_ADDRESS;
            assert_eq!(attempts.begin(now, address(1), "jane"), Ok(()));
        }
        assert_eq!(
            attempts.begin(now, address(1), "x"),
            Err(LONGEST_OF_ADDRESS)
        );
        let elsewhere = attempts.begin(now, address(2), "JANE");
        assert_eq!(elsewhere, Err(LONGEST_OF_USER), "the owner waits little");
    }

    #[test]
    fn success_and_time_wipe_the_slate() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..=FREE {
            attempts.begin(now, address(1), "jane").unwrap();
        }
        attempts.succeeded(address(1), "jane");
        assert_eq!(attempts.begin(now, address(1), "jane"), Ok(()));
        for _ in 0..FREE {
            attempts.begin(now, address(1), "jane").unwrap();
        }
        let later = now + FORGOTTEN;
        assert_eq!(attempts.begin(later, address(1), "jane"), Ok(()));
        assert_eq!(attempts.begin(later, address(1), "jane"), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer_and_memory_is_bounded() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for host in 1..=4u16 {
            let peer = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host]);
            attempts.begin(now, peer, &format!("user{host}")).unwrap();
        }
        let peer = "2001:db8::ffff".parse().unwrap();
        assert_eq!(attempts.begin(now, peer, "another"), Err(SECOND));
        for host in 0..20_000u32 {
            let peer = IpAddr::V4((0x0a00_0000 + host).into());
            let _ = attempts.begin(now, peer, &host.to_string());
        }
        assert_eq!(attempts.addresses.len(), REMEMBERED);
        assert_eq!(attempts.users.len(), REMEMBERED);
    }
}
