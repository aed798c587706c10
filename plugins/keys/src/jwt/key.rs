//! Keys that tokens are signed with.

use super::decode;
use ed25519_dalek as ed25519;
use hmac::{Hmac, Mac};
use pointsman_sdk::Error;
use rsa::pkcs8::DecodePublicKey;
use rsa::signature::Verifier;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPublicKey, pkcs1v15, pss};
use serde::Deserialize;
use sha2::{Sha256, Sha384, Sha512};
use std::borrow::Cow;

/// Bits of the shortest RSA key (RFC 7518 §3.3).
const RSA_BITS: usize = 2_048;

/// A key, with the one algorithm that it is for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key<'a> {
    alg: Algorithm,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    secret: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pem: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    jwk: Option<Jwk<'a>>,
}

/// An algorithm of RFC 7518 §3.1 or RFC 8037 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Algorithm {
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "HS384")]
    Hs384,
    #[serde(rename = "HS512")]
    Hs512,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "PS256")]
    Ps256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// What counts of a JSON Web Key (RFC 7517, RFC 7518 §6).
#[derive(Debug, Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow, default)]
    crv: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    k: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    n: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    e: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    y: Option<Cow<'a, str>>,
}

impl Algorithm {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl Key<'_> {
    /// Whether a token with such a header may be signed with it.
    pub(super) fn fits(&self, alg: &str, kid: Option<&str>) -> bool {
        let named = self.kid.as_deref();
        self.alg.as_str() == alg && (named.is_none() || kid.is_none() || named == kid)
    }

    /// Whether the signature is this key's. An error is the key's own: it cannot be read.
    pub(super) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<bool, Error> {
        let verified = match self.alg {
            Algorithm::Hs256 => self.hmac::<Hmac<Sha256>>(signed, signature),
            Algorithm::Hs384 => self.hmac::<Hmac<Sha384>>(signed, signature),
            Algorithm::Hs512 => self.hmac::<Hmac<Sha512>>(signed, signature),
            Algorithm::Rs256 => self.rsa().map(|key| {
                let key = pkcs1v15::VerifyingKey::<Sha256>::new(key);
                matches(&key, signed, pkcs1v15::Signature::try_from(signature))
            }),
            Algorithm::Ps256 => self.rsa().map(|key| {
                let key = pss::VerifyingKey::<Sha256>::new(key);
                matches(&key, signed, pss::Signature::try_from(signature))
            }),
            Algorithm::Es256 => self
                .p256()
                .map(|key| matches(&key, signed, p256::ecdsa::Signature::from_slice(signature))),
            Algorithm::Es384 => self
                .p384()
                .map(|key| matches(&key, signed, p384::ecdsa::Signature::from_slice(signature))),
            Algorithm::EdDsa => self.ed25519().map(|key| {
                let signature = ed25519::Signature::from_slice(signature);
                // Strict: no weak keys, and one signature a message.
                signature.is_ok_and(|it| key.verify_strict(signed, &it).is_ok())
            }),
        };
        verified.ok_or_else(|| {
            let name = self.kid.as_deref().unwrap_or("without an id");
            Error::new(format!(
                "the {} key {name} of jwt.keys cannot be used: see its form",
                self.alg.as_str()
            ))
        })
    }

    fn hmac<M: Mac + hmac::digest::KeyInit>(&self, signed: &[u8], tag: &[u8]) -> Option<bool> {
        let secret = match (&self.secret, &self.jwk) {
            (Some(secret), _) => secret.as_bytes().to_vec(),
            (None, Some(jwk)) => jwk.number("oct", None, &jwk.k)?,
            _ => return None,
        };
        let mut mac = <M as Mac>::new_from_slice(&secret).ok()?;
        mac.update(signed);
        Some(mac.verify_slice(tag).is_ok())
    }

    fn rsa(&self) -> Option<RsaPublicKey> {
        let key = match (&self.pem, &self.jwk) {
            (Some(pem), _) => RsaPublicKey::from_public_key_pem(pem).ok()?,
            (None, Some(jwk)) => {
                let [n, e] = [&jwk.n, &jwk.e].map(|it| jwk.number("RSA", None, it));
                let [n, e] = [n?, e?].map(|bytes| BigUint::from_bytes_be(&bytes));
                RsaPublicKey::new(n, e).ok()?
            }
            _ => return None,
        };
        (key.n().bits() >= RSA_BITS).then_some(key)
    }

    fn p256(&self) -> Option<p256::ecdsa::VerifyingKey> {
        match (&self.pem, &self.jwk) {
            (Some(pem), _) => p256::ecdsa::VerifyingKey::from_public_key_pem(pem).ok(),
            (None, Some(jwk)) => {
                p256::ecdsa::VerifyingKey::from_sec1_bytes(&jwk.point("P-256", 32)?).ok()
            }
            _ => None,
        }
    }

    fn p384(&self) -> Option<p384::ecdsa::VerifyingKey> {
        match (&self.pem, &self.jwk) {
            (Some(pem), _) => p384::ecdsa::VerifyingKey::from_public_key_pem(pem).ok(),
            (None, Some(jwk)) => {
                p384::ecdsa::VerifyingKey::from_sec1_bytes(&jwk.point("P-384", 48)?).ok()
            }
            _ => None,
        }
    }

    fn ed25519(&self) -> Option<ed25519::VerifyingKey> {
        match (&self.pem, &self.jwk) {
            (Some(pem), _) => ed25519::VerifyingKey::from_public_key_pem(pem).ok(),
            (None, Some(jwk)) => {
                let x = jwk.number("OKP", Some("Ed25519"), &jwk.x)?;
                ed25519::VerifyingKey::from_bytes(&x.try_into().ok()?).ok()
            }
            _ => None,
        }
    }
}

impl Jwk<'_> {
    /// A value, if the key is of that type and curve.
    fn number(
        &self,
        kty: &str,
        crv: Option<&str>,
        value: &Option<Cow<'_, str>>,
    ) -> Option<Vec<u8>> {
        let fits = self.kty == kty && crv.is_none_or(|crv| self.crv.as_deref() == Some(crv));
        decode(value.as_deref().filter(|_| fits)?)
    }

    /// A point, uncompressed (SEC 1 §2.3.3); coordinates have the curve's size (RFC 7518 §6.2.1).
    fn point(&self, crv: &str, size: usize) -> Option<Vec<u8>> {
        let [x, y] = [&self.x, &self.y].map(|it| self.number("EC", Some(crv), it));
        let (x, y) = (x?, y?);
        (x.len() == size && y.len() == size).then(|| [&[4], x.as_slice(), &y].concat())
    }
}

fn matches<S, E>(key: &impl Verifier<S>, signed: &[u8], signature: Result<S, E>) -> bool {
    signature.is_ok_and(|signature| key.verify(signed, &signature).is_ok())
}
