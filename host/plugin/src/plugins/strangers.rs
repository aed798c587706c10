//! The breaker of auth. What auth is asked, strangers choose: one of them who finds an input that
//! a policy fails on must not lock everybody out, nor have an older version brought back.
//!
//! - Who fails five times in a row is left alone, by address. Others are asked about as ever.
//! - All together are left alone once five *different* ones failed with no answer in between.
//!   While a version has not answered anybody yet, it is not the peer who is at fault, and every
//!   failure counts.
//! - The pause is twenty times as long as the call that failed took, so that a plugin which eats
//!   its whole deadline costs a twentieth of a core, and one that traps at once is asked again
//!   soon. The first answer ends it.

use super::circuit::{Circuit, LONGEST_PAUSE, OPENS_AFTER, Turn};
use crate::call::CallError;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// The pause, in times of the call that failed.
const COST: u32 = 20;
/// The least pause, so that events and log lines of it stay few.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// Peers that are told apart. Failures of more only count for all together.
const MAX_PEERS: usize = 1_024;
/// Peers whose failures counted against a version; many fewer bring the one before back.
const MAX_COUNTED: usize = 64;

/// Who is asked about: an IPv4 address, or the /64 that an IPv6 address is in, since whoever has
/// one address of it usually has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Peer(IpAddr);

impl From<IpAddr> for Peer {
    fn from(ip: IpAddr) -> Self {
        const NETWORK: u128 = !(u64::MAX as u128);
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & NETWORK).into(),
            ip => ip,
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => ip.fmt(f),
            IpAddr::V6(ip) => write!(f, "{ip}/64"),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Strangers {
    all: Circuit,
    /// Whether this version answered anybody.
    answered: bool,
    /// Who failed since the last answer.
    row: Vec<Peer>,
    /// Whose failures counted against this version.
    counted: Vec<Peer>,
    /// Those who failed, each with a circuit of its own.
    each: HashMap<Peer, Circuit>,
}

/// Which circuits a call tries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trial {
    all: bool,
    own: bool,
}

impl Strangers {
    pub(super) fn admit(&mut self, now: Instant, peer: Peer) -> Result<Trial, CallError> {
        // Usually nobody failed, and nothing is looked up.
        let own = match self.each.get_mut(&peer) {
            Some(circuit) => circuit.admit(now).map_err(|open| of_peer(open, peer))?,
            None => false,
        };
        match self.all.admit(now) {
            Ok(all) => Ok(Trial { all, own }),
            Err(open) => {
                self.release(peer, Trial { all: false, own });
                Err(open)
            }
        }
    }

    pub(super) fn answered(&mut self, peer: Peer, trial: Trial) -> Option<Turn> {
        self.answered = true;
        self.row.clear();
        if let Some(circuit) = self.each.get_mut(&peer) {
            circuit.answered(trial.own);
            if circuit.is_closed() {
                self.each.remove(&peer);
            }
        }
        self.all.answered(trial.all)
    }

    /// Whether the failure counts against the version is told beside.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        peer: Peer,
        trial: Trial,
        took: Duration,
        failure: &CallError,
    ) -> (Option<Turn>, bool) {
        let pause = took
            .saturating_mul(COST)
            .clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        if let Some(circuit) = self.circuit_of(now, peer)
            && let Some(Turn::Opened { pause, .. }) =
                circuit.failed(now, trial.own, failure, |_| pause)
        {
            tracing::debug!(%peer, ?pause, %failure, "a peer whose calls fail is left alone");
        }
        let lengthens_row = add(&mut self.row, peer, OPENS_AFTER as usize);
        let turn = match lengthens_row || trial.all || !self.answered {
            true => self.all.failed(now, trial.all, failure, |_| pause),
            false => None,
        };
        let is_news = add(&mut self.counted, peer, MAX_COUNTED);
        (turn, is_news || !self.answered)
    }

    /// The call came to no end.
    pub(super) fn release(&mut self, peer: Peer, trial: Trial) {
        if trial.all {
            self.all.release();
        }
        if let Some(circuit) = self.each.get_mut(&peer).filter(|_| trial.own) {
            circuit.release();
        }
    }

    pub(super) fn all(&mut self) -> &mut Circuit {
        &mut self.all
    }

    fn circuit_of(&mut self, now: Instant, peer: Peer) -> Option<&mut Circuit> {
        if self.each.len() >= MAX_PEERS && !self.each.contains_key(&peer) {
            self.each.retain(|_, circuit| !circuit.is_idle(now));
            if self.each.len() >= MAX_PEERS {
                return None;
            }
        }
        Some(self.each.entry(peer).or_default())
    }
}

/// Adds somebody, as long as there is room; false if he was there before.
fn add(peers: &mut Vec<Peer>, peer: Peer, most: usize) -> bool {
    let is_new = !peers.contains(&peer);
    if is_new && peers.len() < most {
        peers.push(peer);
    }
    is_new
}

/// An error for whoever reads what one peer brought about.
fn of_peer(open: CallError, peer: Peer) -> CallError {
    match open {
        CallError::Open { retry_ms, why } => CallError::Open {
            retry_ms,
            why: format!("on what {peer} sends: {why}"),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAP: Duration = Duration::from_micros(50);
    const DEADLINE: Duration = Duration::from_millis(50);

    fn peer(ip: &str) -> Peer {
        ip.parse::<IpAddr>().unwrap().into()
    }

    fn failure() -> CallError {
        CallError::Trap {
            cause: "boom".into(),
        }
    }

    /// Strangers of a version that has answered before.
    fn known() -> Strangers {
        let mut strangers = Strangers::default();
        answer(&mut strangers, "198.51.100.1", Instant::now()).unwrap();
        strangers
    }

    fn answer(strangers: &mut Strangers, ip: &str, now: Instant) -> Result<Option<Turn>, u64> {
        let trial = admit(strangers, ip, now)?;
        Ok(strangers.answered(peer(ip), trial))
    }

    fn admit(strangers: &mut Strangers, ip: &str, now: Instant) -> Result<Trial, u64> {
        strangers.admit(now, peer(ip)).map_err(|error| match error {
            CallError::Open { retry_ms, .. } => retry_ms,
            other => panic!("{other}"),
        })
    }

    /// One failing call; what it did, and whether it counts against the version.
    fn fail(
        strangers: &mut Strangers,
        ip: &str,
        now: Instant,
        took: Duration,
    ) -> Result<(bool, bool), u64> {
        let trial = admit(strangers, ip, now)?;
        let (turn, counts) = strangers.failed(now, peer(ip), trial, took, &failure());
        Ok((turn.is_some(), counts))
    }

    #[test]
    fn one_peer_that_makes_it_fail_keeps_nobody_else_out() {
        let (mut strangers, now) = (known(), Instant::now());
        let mut counted = 0;
        for _ in 0..OPENS_AFTER {
            let (opened, counts) = fail(&mut strangers, "192.0.2.66", now, DEADLINE).unwrap();
            assert!(!opened);
            counted += u32::from(counts);
        }
        assert_eq!(counted, 1, "a peer counts once against a new version");
        assert_eq!(admit(&mut strangers, "192.0.2.66", now).unwrap_err(), 1_000);
        assert_eq!(answer(&mut strangers, "192.0.2.7", now), Ok(None));
        // One call at a time tries it again.
        let later = now + Duration::from_secs(1);
        let trial = admit(&mut strangers, "192.0.2.66", later).unwrap();
        assert!(admit(&mut strangers, "192.0.2.66", later).is_err());
        strangers.failed(later, peer("192.0.2.66"), trial, TRAP, &failure());
        let retry_ms = admit(&mut strangers, "192.0.2.66", later).unwrap_err();
        assert_eq!(retry_ms, 200, "what costs little is tried again soon");
        let freed = answer(
            &mut strangers,
            "192.0.2.66",
            later + Duration::from_millis(200),
        );
        assert_eq!(freed, Ok(None));
        assert!(strangers.each.is_empty(), "it starts anew");
        // Answers in between make no stranger of it who counts again.
        let later = later + Duration::from_millis(200);
        let failed = fail(&mut strangers, "192.0.2.66", later, TRAP);
        assert_eq!(failed, Ok((false, false)));
    }

    #[test]
    fn a_policy_that_fails_for_everybody_is_contained_and_the_first_answer_frees_it() {
        let (mut strangers, mut now) = (known(), Instant::now());
        for last in 1..OPENS_AFTER {
            let ip = format!("192.0.2.{last}");
            assert_eq!(fail(&mut strangers, &ip, now, DEADLINE), Ok((false, true)));
        }
        let fifth = fail(&mut strangers, "192.0.2.5", now, DEADLINE);
        assert_eq!(fifth, Ok((true, true)));
        // A call of 50 ms each second: a twentieth of a core.
        for last in 10..20 {
            let ip = format!("192.0.2.{last}");
            assert_eq!(admit(&mut strangers, &ip, now).unwrap_err(), 1_000);
            now += Duration::from_secs(1);
            assert_eq!(fail(&mut strangers, &ip, now, DEADLINE), Ok((true, true)));
        }
        now += Duration::from_secs(1);
        let closed = answer(&mut strangers, "192.0.2.7", now);
        assert_eq!(closed, Ok(Some(Turn::Closed)));
        assert_eq!(answer(&mut strangers, "192.0.2.8", now), Ok(None));
    }

    #[test]
    fn a_version_that_never_answered_is_at_fault_itself() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        for _ in 1..OPENS_AFTER {
            let failed = fail(&mut strangers, "192.0.2.1", now, TRAP);
            assert_eq!(failed, Ok((false, true)));
        }
        let fifth = fail(&mut strangers, "192.0.2.1", now, TRAP);
        assert_eq!(fifth, Ok((true, true)));
        assert!(admit(&mut strangers, "192.0.2.2", now).is_err());
    }

    #[test]
    fn a_call_that_came_to_no_end_leaves_the_right_to_try_to_the_next() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        for _ in 0..OPENS_AFTER {
            fail(&mut strangers, "192.0.2.1", now, TRAP).unwrap();
        }
        let later = now + SHORTEST_PAUSE;
        let trial = admit(&mut strangers, "192.0.2.1", later).unwrap();
        // Nobody else is let through meanwhile, and that takes no right away either.
        assert!(admit(&mut strangers, "192.0.2.2", later).is_err());
        strangers.release(peer("192.0.2.1"), trial);
        assert!(admit(&mut strangers, "192.0.2.1", later).is_ok());
    }

    #[test]
    fn a_flood_of_failing_peers_takes_bounded_memory() {
        let (mut strangers, now) = (known(), Instant::now());
        for n in 0..3 * MAX_PEERS {
            let ip = Ipv6Addr::from_bits((n as u128) << 64).to_string();
            let _ = fail(&mut strangers, &ip, now, TRAP);
            let _ = answer(&mut strangers, "198.51.100.1", now);
        }
        assert!(strangers.each.len() <= MAX_PEERS);
    }

    #[test]
    fn who_has_one_address_of_a_network_has_them_all() {
        assert_eq!(peer("2001:db8::1"), peer("2001:db8::ffff:0:1"));
        assert_ne!(peer("2001:db8::1"), peer("2001:db8:0:1::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_eq!(peer("2001:db8::1").to_string(), "2001:db8::/64");
    }
}
