//! Bounds how often one client asks, so that one of them at fault leaves room for the others.
//!
//! A request counts for the address it comes from, and for the key it shows, if any: a key shared
//! by many machines has one share, and whoever makes keys up has the share of his address. Media
//! is not counted; a viewer asks as often as its player does.
//!
//! Each share is a token bucket, kept as one number: the time at which it is full again (the
//! generic cell rate algorithm, ITU-T I.371 §A.1). A full one need not be kept at all.

use crate::problem::{Kind, Problem};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests a second of one client, if the operator says nothing. A dashboard asks a few times a
/// second.
const DEFAULT_PER_S: u32 = 1_000;

/// What was not used for this long may be used at once.
const WINDOW: Duration = Duration::from_secs(10);

/// Shares that are kept. Beyond them, those who come new have one together.
const SHARES: usize = 16_384;

/// Between two searches for shares that are full again.
const SWEEP: Duration = Duration::from_millis(250);

/// The share of those for whom there is no room.
const TOGETHER: u64 = 0;

/// The shares of all clients.
pub(crate) struct Rates {
    /// Requests a second; 0 for no limit.
    per_s: u32,
    /// Programs on this machine are counted, too.
    local: bool,
    start: Instant,
    hasher: RandomState,
    shares: Mutex<Shares>,
}

#[derive(Default)]
struct Shares {
    /// When each is full again, since `start`.
    full_at: HashMap<u64, Duration>,
    swept: Duration,
}

/// What is left of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Left {
    requests: u64,
    /// Until it is full again.
    full_in: Duration,
}

/// A share is used up; the next request may come after this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UsedUp {
    next_in: Duration,
}

impl Rates {
    /// The limit that the operator set; 0 for none. If nothing is set, programs on this machine
    /// have none.
    pub(crate) fn new(per_s: Option<u32>) -> Arc<Self> {
        Arc::new(Self {
            per_s: per_s.unwrap_or(DEFAULT_PER_S),
            local: per_s.is_some(),
            start: Instant::now(),
            hasher: RandomState::new(),
            shares: Mutex::default(),
        })
    }

    /// Takes a request from every share that it counts for; none of `None` is limited.
    fn take(&self, request: &Request, now: Duration) -> Option<Result<Left, UsedUp>> {
        if self.per_s == 0 {
            return None;
        }
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let address = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let local = address.is_some_and(|address| address.is_loopback());
        if local && !self.local {
            return None;
        }
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = self.hasher.hash_one(address.map(network));
        let mut left = shares.take(of_address, self.per_s, now);
        if let (Ok(_), Some(key)) = (left, shown_key(request.headers())) {
            let of_key = self.hasher.hash_one(("key", key.as_bytes()));
            left = shares.take(of_key, self.per_s, now);
        }
        Some(left)
    }

    fn policy(&self) -> String {
        let quota = u64::from(self.per_s) * WINDOW.as_secs();
        format!("\"client\";q={quota};w={}", WINDOW.as_secs())
    }
}

impl Shares {
    fn take(&mut self, mut share: u64, per_s: u32, now: Duration) -> Result<Left, UsedUp> {
        let one = Duration::from_secs(1) / per_s.max(1);
        if self.full_at.len() >= SHARES && !self.full_at.contains_key(&share) {
            self.sweep(now);
            if self.full_at.len() >= SHARES {
                share = TOGETHER;
            }
        }
        let before = self.full_at.get(&share).copied().unwrap_or(now).max(now);
        let full_in = before.saturating_sub(now) + one;
        if let Some(next_in) = full_in.checked_sub(WINDOW).filter(|wait| !wait.is_zero()) {
            return Err(UsedUp { next_in });
        }
        self.full_at.insert(share, now + full_in);
        let requests = (WINDOW.saturating_sub(full_in)).as_nanos() / one.as_nanos().max(1);
        Ok(Left {
            requests: u64::try_from(requests).unwrap_or(u64::MAX),
            full_in,
        })
    }

    fn sweep(&mut self, now: Duration) {
        if now.saturating_sub(self.swept) >= SWEEP {
            self.swept = now;
            self.full_at.retain(|_, full_at| *full_at > now);
        }
    }
}

/// The middleware. Answers say what is left (draft-ietf-httpapi-ratelimit-headers-10).
pub(crate) async fn rate(
    State(rates): State<Arc<Rates>>,
    request: Request,
    next: Next,
) -> Response {
    let (mut response, left) = match rates.take(&request, rates.start.elapsed()) {
        None => return next.run(request).await,
        Some(Ok(left)) => (next.run(request).await, left),
        Some(Err(UsedUp { next_in })) => {
            let full_in = WINDOW + next_in;
            (
                refusal(rates.per_s, next_in),
                Left {
                    requests: 0,
                    full_in,
                },
            )
        }
    };
    let state = format!("\"client\";r={};t={}", left.requests, seconds(left.full_in));
    for (name, value) in [("ratelimit-policy", rates.policy()), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn refusal(per_s: u32, next_in: Duration) -> Response {
    let detail = format!(
        "this address or key asks more than {per_s} times a second; the next request is taken in {} s",
        seconds(next_in)
    );
    Problem::new(Kind::TooManyRequests, detail)
        .retry_after(Duration::from_secs(seconds(next_in)))
        .into_response()
}

/// Rounded up: who comes back then is let in.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn shown_key(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers
        .get(header::AUTHORIZATION)
        .or_else(|| headers.get("x-api-key"))
}

/// What one peer has at its disposal: an IPv4 address, or an IPv6 /64.
fn network(address: IpAddr) -> (u8, u64) {
    match address {
        IpAddr::V4(address) => (4, u64::from(u32::from(address))),
        IpAddr::V6(address) => {
            let upper = u128::from(address) >> 64;
            (6, u64::try_from(upper).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn request(peer: &str, key: Option<&str>) -> Request {
        let mut request = Request::new(Body::empty());
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(key) = key {
            let value = key.parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        request
    }

    /// How many of `count` requests at once are let in.
    fn let_in(rates: &Rates, count: usize, peer: &str, key: Option<&str>, now: Duration) -> usize {
        let taken = (0..count).map(|_| rates.take(&request(peer, key), now));
        taken
            .filter(|taken| taken.is_none_or(|taken| taken.is_ok()))
            .count()
    }

    #[test]
    fn a_client_has_what_it_saved_up_and_then_its_rate() {
        let rates = Rates::new(Some(5));
        let now = Duration::from_secs(100);
        assert_eq!(let_in(&rates, 80, "192.0.2.1:1", None, now), 50);
        let refused = rates.take(&request("192.0.2.1:9", None), now);
        let next_in = Duration::from_millis(200);
        assert_eq!(refused, Some(Err(UsedUp { next_in })));
        assert_eq!(let_in(&rates, 9, "192.0.2.2:1", None, now), 9, "another");
        let later = now + Duration::from_secs(2);
        assert_eq!(let_in(&rates, 80, "192.0.2.1:1", None, later), 10);
    }

    #[test]
    fn a_key_has_one_share_wherever_it_is_shown_and_made_up_keys_bring_none() {
        let rates = Rates::new(Some(1));
        let now = Duration::from_secs(100);
        assert_eq!(let_in(&rates, 8, "192.0.2.1:1", Some("Bearer a"), now), 8);
        assert_eq!(let_in(&rates, 8, "192.0.2.2:1", Some("Bearer a"), now), 2);
        let made_up = (0..20).map(|n| format!("Bearer {n}"));
        let taken = made_up.map(|key| let_in(&rates, 1, "192.0.2.3:1", Some(&key), now));
        assert_eq!(taken.sum::<usize>(), 10);
        let of_one_network = ["[2001:db8::1]:1", "[2001:db8::2]:1"];
        let taken = of_one_network.map(|peer| let_in(&rates, 8, peer, None, now));
        assert_eq!(taken, [8, 2]);
    }

    #[test]
    fn this_machine_is_counted_only_if_the_operator_sets_a_limit() {
        let now = Duration::from_secs(1);
        let local = "127.0.0.1:1";
        assert_eq!(let_in(&Rates::new(None), 20_000, local, None, now), 20_000);
        assert_eq!(let_in(&Rates::new(Some(2)), 99, local, None, now), 20);
        assert_eq!(
            let_in(&Rates::new(Some(0)), 99, "192.0.2.1:1", None, now),
            99
        );
    }

    #[test]
    fn shares_are_bounded_and_who_comes_then_has_one_with_others() {
        let rates = Rates::new(Some(1));
        let now = Duration::from_secs(100);
        let mut shares = rates.shares.lock().unwrap();
        for share in 1..=20_000_u64 {
            let _ = shares.take(share, 1, now);
        }
        assert_eq!(shares.full_at.len(), SHARES + 1);
        assert!(
            shares.take(30_000, 1, now).is_err(),
            "the common one is used up"
        );
        assert!(shares.take(5, 1, now).is_ok(), "who was there has his own");
        assert!(shares.take(30_000, 1, now + WINDOW).is_ok());
        assert!(shares.full_at.len() < 10, "the full ones are gone");
    }
}
