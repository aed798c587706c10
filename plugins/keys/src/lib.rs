//! Lets in by key, password hash, JWT and address.
//!
//! Of the rules that fit stream and action the most specific decides, alone: a stream with a rule
//! of its own is not opened by a general one. Within a rule any of its ways in will do. Whatever
//! no rule speaks of is denied.

#![forbid(unsafe_code)]

mod address;
mod config;
mod jwt;
mod secret;

pub use config::Config;

use address::Ranges;
use config::{Rule, Site};
use pointsman_sdk::auth::{Action, Auth, Request, Verdict};
use pointsman_sdk::{Error, export, pattern, value_of};
use std::net::IpAddr;

/// The shortest time after which the host asks again, milliseconds.
const MIN_TTL_MS: u64 = 1_000;

/// The policy.
#[derive(Debug)]
pub struct Keys;

impl Auth for Keys {
    type Config = Config;

    fn authorize(request: Request, config: Config) -> Result<Verdict, Error> {
        let site = config.site()?;
        let rules: Vec<&Rule<'_>> = site
            .rules
            .iter()
            .filter(|rule| concerns(rule, &request))
            .collect();
        let rule = pattern::most_specific(&rules, &request.stream, |rule| &rule.streams);
        let Some(rule) = rule else {
            let action = request.action.as_str();
            return Ok(Verdict::deny(format!(
                "no rule to {action} {:?}",
                request.stream
            )));
        };
        if let Some(reason) = kept_out(&request, &site, rule)? {
            return Ok(Verdict::deny(reason));
        }
        if rule.anyone {
            return Ok(admit(rule, Pass::new("anyone may")));
        }
        match pass(&request, &site, rule)? {
            Ok(pass) => Ok(admit(rule, pass)),
            Err(reason) => Ok(Verdict::deny(reason)),
        }
    }
}

/// What a credential gives.
#[derive(Debug)]
struct Pass {
    reason: String,
    as_stream: Option<String>,
    limits: Limits,
}

/// What is let through; none: no limit.
#[derive(Debug, Default)]
struct Limits {
    ttl_ms: Option<u64>,
    max_bitrate_bps: Option<u64>,
    max_duration_ms: Option<u64>,
    max_readers: Option<u32>,
}

impl Pass {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            as_stream: None,
            limits: Limits::default(),
        }
    }
}

/// Whether a rule is about what is wanted, its pattern over streams aside.
fn concerns(rule: &Rule<'_>, request: &Request) -> bool {
    if !rule.actions.has(request.action) {
        return false;
    }
    let attribute = |key| value_of(&request.attributes, key).unwrap_or_default();
    request.action != Action::Api
        || (rule
            .methods
            .as_ref()
            .is_none_or(|all| all.iter().any(|it| it == attribute("method")))
            && rule
                .paths
                .as_ref()
                .is_none_or(|all| all.iter().any(|it| pattern::matches(it, attribute("path")))))
}

/// Why the peer's address keeps it out, if it does.
fn kept_out(request: &Request, site: &Site<'_>, rule: &Rule<'_>) -> Result<Option<String>, Error> {
    let Ok(ip) = request.peer_ip.parse::<IpAddr>() else {
        return Ok(Some(format!("{:?} is no address", request.peer_ip)));
    };
    if Ranges(site.deny_from).hold(ip)?.is_some_and(|held| held) {
        return Ok(Some(format!("{ip} is denied")));
    }
    if Ranges(rule.deny_from).hold(ip)?.is_some_and(|held| held) {
        return Ok(Some(format!("{ip} is denied by rule {}", rule.streams)));
    }
    let allowed = Ranges(rule.allow_from).hold(ip)?.is_none_or(|held| held);
    Ok((!allowed).then(|| format!("{ip} is not allowed by rule {}", rule.streams)))
}

/// What the peer's credential gives under a rule, or why it gives nothing.
fn pass(
    request: &Request,
    site: &Site<'_>,
    rule: &Rule<'_>,
) -> Result<Result<Pass, String>, Error> {
    let in_name = || {
        rule.key_in_name
            .then(|| request.stream.rsplit('/').next())
            .flatten()
    };
    let Some(token) = request.token.as_deref().or_else(in_name) else {
        return Ok(Err("no key shown".to_owned()));
    };
    if rule.jwt && site.jwt.is_none() {
        let streams = &rule.streams;
        return Err(Error::new(format!(
            "rule {streams} takes tokens, but nothing says which: add jwt"
        )));
    }
    let mut refused = None;
    if let Some(jwt) = site.jwt.filter(|_| rule.jwt && jwt::looks_like(token)) {
        match jwt::pass(token, request, jwt)? {
            Ok(pass) => return Ok(Ok(pass)),
            Err(reason) => refused = Some(reason),
        }
    }
    let found = secret::find(token, request.user.as_deref(), rule.keys)?;
    Ok(found
        .ok_or_else(|| refused.unwrap_or_else(|| format!("wrong key for rule {}", rule.streams))))
}

/// The verdict: the rule's limits and the credential's, whichever are tighter.
fn admit(rule: &Rule<'_>, pass: Pass) -> Verdict {
    let ttl_ms = tighter(rule.ttl_ms, pass.limits.ttl_ms);
    Verdict {
        stream: pass
            .as_stream
            .or_else(|| rule.as_stream.as_ref().map(|name| name.to_string())),
        max_bitrate_bps: tighter(rule.max_bitrate_bps, pass.limits.max_bitrate_bps),
        max_duration_ms: tighter(rule.max_duration_ms, pass.limits.max_duration_ms),
        max_readers: tighter(rule.max_readers, pass.limits.max_readers),
        ttl_ms: ttl_ms.map(|ms| ms.max(MIN_TTL_MS)),
        ..Verdict::allow(pass.reason)
    }
}

/// The lower of two limits that may not be there.
fn tighter<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

export!(Keys, kinds: [auth], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests;
