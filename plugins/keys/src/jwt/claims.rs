//! What a token claims, once its signature is known to be right.

use super::{Refused, Trust};
use crate::{Limits, Pass};
use pointsman_sdk::auth::Request;
use pointsman_sdk::pattern;
use serde_json::{Map, Value};

/// What the claims give: the stream and the action have to be named, and the time to be right.
pub(super) fn pass(payload: &[u8], request: &Request, trust: &Trust<'_>) -> Result<Pass, Refused> {
    let claims: Map<String, Value> =
        serde_json::from_slice(payload).map_err(|_| Refused::Malformed("payload"))?;
    let left_ms = check_time(&claims, request.now_unix_ms, trust)?;
    check_parties(&claims, trust)?;
    let grants = match trust.claim.as_deref() {
        None => &claims,
        Some(name) => match claims.get(name) {
            Some(Value::Object(grants)) => grants,
            _ => return Err(claim(format!("has no claim {name:?}"))),
        },
    };
    check_grants(grants, request)?;
    let number = |name: &str| grants.get(name).and_then(Value::as_u64);
    let limits = Limits {
        ttl_ms: left_ms,
        max_bitrate_bps: number("max_bitrate_bps"),
        max_duration_ms: number("max_duration_ms"),
        max_readers: number("max_readers").map(|it| it.try_into().unwrap_or(u32::MAX)),
    };
    let subject = claims.get("sub").and_then(Value::as_str);
    let reason = subject.map_or_else(|| "token".to_owned(), |who| format!("token of {who}"));
    Ok(Pass {
        limits,
        ..Pass::new(reason)
    })
}

/// Whether the token is in force (RFC 7519 §4.1.4 to §4.1.6); milliseconds until it expires.
fn check_time(
    claims: &Map<String, Value>,
    now_unix_ms: u64,
    trust: &Trust<'_>,
) -> Result<Option<u64>, Refused> {
    let now_s = now_unix_ms as f64 / 1_000.0;
    let leeway_s = f64::from(trust.leeway_s);
    for (name, says) in [
        ("nbf", "is not valid yet"),
        ("iat", "was issued in the future"),
    ] {
        if date(claims, name)?.is_some_and(|from_s| now_s + leeway_s < from_s) {
            return Err(claim(says));
        }
    }
    match date(claims, "exp")? {
        Some(exp_s) if now_s >= exp_s + leeway_s => Err(claim("has expired")),
        Some(exp_s) => Ok(Some(((exp_s - now_s).max(0.0) * 1_000.0) as u64)),
        None if trust.require_exp => Err(claim("never expires")),
        None => Ok(None),
    }
}

/// A time, seconds since 1970. One that cannot be read must not count as none.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Refused> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(claim(format!("has an {name:?} that is no number"))),
        },
    }
}

/// Whether it comes from the right issuer, and is meant for us (RFC 7519 §4.1.1, §4.1.3).
fn check_parties(claims: &Map<String, Value>, trust: &Trust<'_>) -> Result<(), Refused> {
    let issuer = claims.get("iss").and_then(Value::as_str);
    if trust.issuer.is_some() && trust.issuer.as_deref() != issuer {
        return Err(claim("is of another issuer"));
    }
    let ours = |audience| texts(claims, "aud").any(|it| it == audience);
    if !trust.audience.as_deref().is_none_or(ours) {
        return Err(claim("is for another audience"));
    }
    Ok(())
}

/// Whether stream and action are named. A token that names none gives nothing.
fn check_grants(grants: &Map<String, Value>, request: &Request) -> Result<(), Refused> {
    let action = request.action.as_str();
    if !texts(grants, "actions").any(|it| it == action) {
        return Err(claim(format!("does not allow to {action}")));
    }
    if !texts(grants, "streams").any(|it| pattern::matches(it, &request.stream)) {
        return Err(claim(format!("is not for {:?}", request.stream)));
    }
    Ok(())
}

/// The texts of a claim that is one, or a list of them.
fn texts<'a>(claims: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a str> {
    let (one, many) = match claims.get(name) {
        Some(Value::Array(many)) => (None, many.as_slice()),
        one => (one, [].as_slice()),
    };
    one.into_iter().chain(many).filter_map(Value::as_str)
}

fn claim(says: impl Into<String>) -> Refused {
    Refused::Claim(says.into())
}
