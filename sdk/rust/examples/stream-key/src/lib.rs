//! Lets in whoever shows the stream's key, for a minute at a time.

#![forbid(unsafe_code)]

use pointsman_sdk::auth::{Auth, Request, Verdict};
use pointsman_sdk::{Error, export, pattern};
use serde::Deserialize;

/// How long a verdict holds, milliseconds.
const TTL_MS: u64 = 60_000;

/// The operator's settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of those whose pattern matches the stream the most specific one counts.
    pub keys: Vec<Key>,
}

/// A key for streams.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Pattern over stream names.
    pub streams: String,
    /// The secret that a peer has to show.
    pub key: String,
}

/// The policy.
#[derive(Debug)]
pub struct StreamKey;

impl Auth for StreamKey {
    type Config = Config;

    fn authorize(request: Request, config: Config) -> Result<Verdict, Error> {
        let Some(key) = pattern::most_specific(&config.keys, &request.stream, |key| &key.streams)
        else {
            return Ok(Verdict::deny(format!("no key for {}", request.stream)));
        };
        Ok(match request.token {
            None => Verdict::deny("no key shown"),
            Some(token) if !same(&token, &key.key) => Verdict::deny("wrong key"),
            Some(_) => Verdict {
                ttl_ms: Some(TTL_MS),
                ..Verdict::allow(format!("key of {}", key.streams))
            },
        })
    }
}

/// Compares without telling by its duration where the first difference is.
fn same(shown: &str, key: &str) -> bool {
    let differences = shown
        .bytes()
        .zip(key.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    shown.len() == key.len() && differences == 0
}

export!(
    StreamKey,
    kinds: [auth],
    schema: include_str!("../../../../fixtures/stream-key.schema.json"),
);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        pointsman_sdk::testing::pass_fixtures::<super::StreamKey>("../../../fixtures/stream-key");
    }
}
