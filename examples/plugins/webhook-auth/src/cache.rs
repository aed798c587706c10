//! What the service said, for as long as it holds.

use crate::{Config, MIN_TTL_MS};
use pointsman_sdk::auth::{Request, Verdict};
use pointsman_sdk::{kv, log};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Known {
    verdict: Verdict,
    /// Until when it holds, milliseconds since 1970.
    until_unix_ms: u64,
}

impl Known {
    /// Whether it still holds.
    pub(crate) fn holds(&self, now_unix_ms: u64) -> bool {
        now_unix_ms < self.until_unix_ms
    }

    /// Whether it is a yes that may go on for want of another answer.
    pub(crate) fn in_grace(&self, now_unix_ms: u64, config: &Config) -> bool {
        self.verdict.allow && now_unix_ms < self.until_unix_ms.saturating_add(config.grace_ms)
    }

    /// The verdict, which is asked for again when it ends.
    pub(crate) fn verdict(&self, now_unix_ms: u64) -> Verdict {
        let left_ms = self.until_unix_ms.saturating_sub(now_unix_ms);
        Verdict {
            ttl_ms: Some(left_ms.max(MIN_TTL_MS)),
            ..self.verdict.clone()
        }
    }
}

/// The key for whoever asks the same again: all that the answer may depend on but port and time.
pub(crate) fn key(request: &Request) -> String {
    let Request {
        action,
        protocol,
        stream,
        peer_ip,
        user,
        token,
        query,
        attributes,
        ..
    } = request;
    let asked = (
        action, protocol, stream, peer_ip, user, token, query, attributes,
    );
    // A tuple of texts has a JSON form; and of no text every request would share one entry,
    // which is why an impossible error must not make one.
    let text = serde_json::to_vec(&asked).unwrap_or_else(|error| error.to_string().into_bytes());
    let sum = Sha256::digest(text);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is known.
pub(crate) fn get(key: &str) -> Option<Known> {
    kv::get_json(key).ok().flatten() // another version's entry is as good as none
}

/// Remembers an answer; returns it with the time after which to ask again.
pub(crate) fn keep(key: &str, verdict: Verdict, config: &Config, now_unix_ms: u64) -> Verdict {
    let longest_ms = if verdict.allow {
        config.ttl_ms
    } else {
        config.deny_ttl_ms
    };
    let holds_ms = verdict.ttl_ms.map_or(longest_ms, |ms| ms.min(longest_ms));
    let known = Known {
        verdict,
        until_unix_ms: now_unix_ms.saturating_add(holds_ms),
    };
    if kv::set_json(key, &known) == Err(kv::Error::Full) {
        sweep(now_unix_ms, config);
        if let Err(error) = kv::set_json(key, &known) {
            log::warn(&format!("an answer is not remembered: {error}"));
        }
    }
    known.verdict(now_unix_ms)
}

/// Makes room: what holds no longer goes, and if all of it holds, all of it goes, since asking
/// again does no harm.
fn sweep(now_unix_ms: u64, config: &Config) {
    let keys = kv::keys("");
    let of_use = |key: &String| {
        get(key).is_some_and(|it| it.holds(now_unix_ms) || it.in_grace(now_unix_ms, config))
    };
    let (kept, gone): (Vec<_>, Vec<_>) = keys.into_iter().partition(of_use);
    let gone = if gone.is_empty() { kept } else { gone };
    for key in gone {
        kv::delete(&key);
    }
}
