//! Asks a web service who may publish and read, and remembers its answers.

mod cache;

use pointsman_sdk::auth::{Auth, Request, Verdict};
use pointsman_sdk::{Error, export, http, log};
use serde::Deserialize;

/// The shortest time after which the host asks again, milliseconds.
const MIN_TTL_MS: u64 = 1_000;

/// The operator's settings, as `config.schema.json` describes them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to ask.
    pub url: String,
    /// The request's Authorization header.
    #[serde(default)]
    pub authorization: Option<String>,
    /// No answer for so long is none, milliseconds.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u32,
    /// How long a yes holds, milliseconds.
    #[serde(default = "ttl_ms")]
    pub ttl_ms: u64,
    /// How long a no holds, milliseconds.
    #[serde(default = "deny_ttl_ms")]
    pub deny_ttl_ms: u64,
    /// How long those who are in stay in while there is no answer, milliseconds.
    #[serde(default)]
    pub grace_ms: u64,
}

fn timeout_ms() -> u32 {
    1_000
}

fn ttl_ms() -> u64 {
    60_000
}

fn deny_ttl_ms() -> u64 {
    5_000
}

/// The policy.
pub struct WebhookAuth;

impl Auth for WebhookAuth {
    type Config = Config;

    fn authorize(request: Request, config: Config) -> Result<Verdict, Error> {
        let now = request.now_unix_ms;
        let key = cache::key(&request);
        let known = cache::get(&key);
        if let Some(known) = known.as_ref().filter(|known| known.holds(now)) {
            return Ok(known.verdict(now));
        }
        match ask(&request, &config) {
            Ok(verdict) => Ok(cache::keep(&key, verdict, &config, now)),
            Err(error) => {
                let in_grace =
                    known.filter(|known| request.renewal && known.in_grace(now, &config));
                match in_grace {
                    Some(known) => {
                        log::warn(&format!("{} stays in: {error}", request.stream));
                        Ok(known.verdict(now))
                    }
                    None => Ok(Verdict::deny(format!(
                        "no answer from the service: {error}"
                    ))),
                }
            }
        }
    }
}

/// What the service says; an error if it says nothing that can be understood.
fn ask(request: &Request, config: &Config) -> Result<Verdict, http::Error> {
    let mut question = http::Request::post_json(&config.url, request)?.within_ms(config.timeout_ms);
    if let Some(authorization) = &config.authorization {
        question = question.header("authorization", authorization);
    }
    let answer = http::fetch(&question)?;
    match answer.status {
        204 => Ok(Verdict::allow("the service answered 204")),
        401 | 403 | 404 => Ok(Verdict::deny(format!(
            "the service answered {}",
            answer.status
        ))),
        200 => answer.json(),
        status => Err(http::Error::Failed(format!(
            "the service answered {status}"
        ))),
    }
}

export!(
    WebhookAuth,
    kinds: [auth],
    schema: include_str!("../config.schema.json"),
    grants: ["http"],
);

#[cfg(test)]
mod tests;
