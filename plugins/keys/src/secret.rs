//! Keys and passwords.

use crate::{Pass, config};
use argon2::password_hash::PasswordHash;
use argon2::{Argon2, PasswordVerifier};
use pointsman_sdk::Error;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use subtle::ConstantTimeEq;

/// The most memory that a hash may want, KiB, and the most passes over it: as in
/// `config.schema.json`. [`ARGON2_CHECKED`] of these take half of the time that a call has on a
/// busy machine.
const ARGON2_MEMORY_KIB: u32 = 4 << 10;
const ARGON2_PASSES: u32 = 2;

/// Hashes that are checked in one call.
const ARGON2_CHECKED: usize = 2;

/// What opens a rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    sha256: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    argon2: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    as_stream: Option<Cow<'a, str>>,
}

/// The key that is shown, among those of a rule.
pub(crate) fn find(
    shown: &str,
    user: Option<&str>,
    keys: Option<&RawValue>,
) -> Result<Option<Pass>, Error> {
    let Some(keys) = keys else { return Ok(None) };
    let keys: Vec<Key<'_>> = config::read("keys", keys)?;
    let ours = |key: &&Key<'_>| key.user.is_none() || key.user.as_deref() == user;
    let mut ours: Vec<&Key<'_>> = keys.iter().filter(ours).collect();
    // The cheap ones first: a password is not hashed for somebody who has a key.
    ours.sort_by_key(|key| key.argon2.is_some());
    let mut checked = 0;
    for key in ours {
        checked += usize::from(key.argon2.is_some());
        if checked > ARGON2_CHECKED {
            return Err(Error::new(format!(
                "a rule has more passwords that could be meant than a call has the time for \
                 ({ARGON2_CHECKED}): give each a user"
            )));
        }
        if key.opens(shown)? {
            return Ok(Some(key.pass()));
        }
    }
    Ok(None)
}

impl Key<'_> {
    /// Whether it is the one shown. Takes the same time wherever the first difference is.
    fn opens(&self, shown: &str) -> Result<bool, Error> {
        if let Some(key) = &self.key {
            return Ok(shown.as_bytes().ct_eq(key.as_bytes()).into());
        }
        if let Some(hash) = &self.sha256 {
            let digest: [u8; 32] = Sha256::digest(shown).into();
            let expected = from_hex(hash).ok_or_else(|| self.wrong("sha256 is no hash"))?;
            return Ok(digest.ct_eq(&expected).into());
        }
        let Some(hash) = &self.argon2 else {
            return Err(self.wrong("neither key nor sha256 nor argon2 is given"));
        };
        self.verify(shown, hash)
    }

    fn verify(&self, shown: &str, hash: &str) -> Result<bool, Error> {
        let hash =
            PasswordHash::new(hash).map_err(|error| self.wrong(&format!("argon2: {error}")))?;
        if hash.hash.is_none() {
            return Err(self.wrong("argon2 is no complete hash"));
        }
        let [memory_kib, passes] = ["m", "t"].map(|name| hash.params.get_decimal(name));
        if memory_kib.is_none_or(|it| it > ARGON2_MEMORY_KIB)
            || passes.is_none_or(|it| it > ARGON2_PASSES)
        {
            return Err(self.wrong(&format!(
                "argon2: no call has the time to check it; make one with at most \
                 m={ARGON2_MEMORY_KIB} and t={ARGON2_PASSES}"
            )));
        }
        Ok(Argon2::default()
            .verify_password(shown.as_bytes(), &hash)
            .is_ok())
    }

    fn pass(&self) -> Pass {
        let who = self.name.as_ref().or(self.user.as_ref());
        Pass {
            as_stream: self.as_stream.as_ref().map(|name| name.to_string()),
            ..Pass::new(who.map_or_else(|| "key".to_owned(), |who| format!("key of {who}")))
        }
    }

    fn wrong(&self, what: &str) -> Error {
        let who = self.name.as_ref().or(self.user.as_ref());
        Error::new(format!(
            "the key of {}: {what}",
            who.map_or("nobody", |who| who.as_ref())
        ))
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}
