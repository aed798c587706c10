//! JSON Web Tokens (RFC 7519), signed (RFC 7515) with the algorithms of RFC 7518 and RFC 8037.
//!
//! The algorithm is the key's: a token's header only chooses among the keys. So neither `none`
//! nor an RSA key taken for an HMAC secret can be had.

mod claims;
mod key;

use crate::{Pass, config};
use base64ct::{Base64UrlUnpadded, Encoding};
use key::Key;
use pointsman_sdk::Error;
use pointsman_sdk::auth::Request;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Bytes of the longest token.
const LENGTH_LIMIT: usize = 8 << 10;

/// Keys that one token is tried with, enough for an old and a new one. Two of the slowest kind
/// take half of the time that a call has on a busy machine.
const TRIED_KEYS: usize = 2;

/// How tokens are checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trust<'a> {
    #[serde(borrow)]
    keys: Vec<Key<'a>>,
    #[serde(borrow, default)]
    issuer: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    audience: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    claim: Option<Cow<'a, str>>,
    #[serde(default = "half_a_minute")]
    leeway_s: u32,
    #[serde(default = "yes")]
    require_exp: bool,
}

fn half_a_minute() -> u32 {
    30
}

fn yes() -> bool {
    true
}

/// What counts of a token's header. What it says beyond is said by nobody who is trusted.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that have to be understood (RFC 7515 §4.1.11); none is.
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

/// Why a token is worth nothing.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the token is longer than {LENGTH_LIMIT} bytes")]
    TooLong,
    #[error("the token's {0} cannot be read")]
    Malformed(&'static str),
    #[error("the token demands an extension that is not known")]
    Critical,
    #[error("no key is configured for a token with algorithm {alg:?} and key id {kid:?}")]
    NoKey { alg: String, kid: Option<String> },
    #[error("the token's signature is wrong")]
    Signature,
    #[error(
        "more than {TRIED_KEYS} keys fit the token: each needs a kid, and tokens have to name theirs"
    )]
    ManyKeys,
    #[error("the token {0}")]
    Claim(String),
}

/// Whether it could be a token at all, and not a key.
pub(crate) fn looks_like(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// What a token gives, or why it gives nothing. The outer error is the configuration's.
pub(crate) fn pass(
    token: &str,
    request: &Request,
    trust: &RawValue,
) -> Result<Result<Pass, String>, Error> {
    let trust: Trust<'_> = config::read("jwt", trust)?;
    let payload = match open(token, &trust)? {
        Ok(payload) => payload,
        Err(refused) => return Ok(Err(refused.to_string())),
    };
    Ok(claims::pass(&payload, request, &trust).map_err(|refused| refused.to_string()))
}

/// The payload of a token whose signature is right.
fn open(token: &str, trust: &Trust<'_>) -> Result<Result<Vec<u8>, Refused>, Error> {
    let parts = match parts(token) {
        Ok(parts) => parts,
        Err(refused) => return Ok(Err(refused)),
    };
    let Header { alg, kid, .. } = parts.header;
    let fitting = trust.keys.iter();
    let fitting: Vec<_> = fitting
        .filter(|key| key.fits(&alg, kid.as_deref()))
        .collect();
    if fitting.is_empty() {
        return Ok(Err(Refused::NoKey { alg, kid }));
    }
    if fitting.len() > TRIED_KEYS {
        return Ok(Err(Refused::ManyKeys));
    }
    for key in fitting {
        if key.verify(parts.signed.as_bytes(), &parts.signature)? {
            return Ok(decode(parts.payload).ok_or(Refused::Malformed("payload")));
        }
    }
    Ok(Err(Refused::Signature))
}

struct Parts<'a> {
    header: Header,
    /// Header and payload as they were signed.
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

fn parts(token: &str) -> Result<Parts<'_>, Refused> {
    if token.len() > LENGTH_LIMIT {
        return Err(Refused::TooLong);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed("form"))?;
    let (header, payload) = signed.split_once('.').ok_or(Refused::Malformed("form"))?;
    let header = decode(header).ok_or(Refused::Malformed("header"))?;
    let header: Header =
        serde_json::from_slice(&header).map_err(|_| Refused::Malformed("header"))?;
    if header.crit.is_some() {
        return Err(Refused::Critical);
    }
    let signature = decode(signature).ok_or(Refused::Malformed("signature"))?;
    Ok(Parts {
        header,
        signed,
        payload,
        signature,
    })
}

/// Base64url without padding (RFC 7515 §2).
fn decode(text: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).ok()
}
