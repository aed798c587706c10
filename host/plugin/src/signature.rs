//! Minisign signatures: who vouches for a component.
//!
//! The files are those of <https://jedisct1.github.io/minisign/>, so that its own tools take and
//! make them, too. Only prehashed signatures are accepted, which is all that it has made since 2021.

use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};
use std::io::Cursor;

/// Bytes of a signature's or key's text.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// What went wrong with a key or a signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Not the text of a public key.
    #[error(
        "{text:?} is no minisign public key: give the second line of the .pub file, 56 characters"
    )]
    PublicKey {
        /// Its beginning.
        text: String,
    },
    /// Not the text of a secret key, or not with this password.
    #[error("the secret key cannot be used: {0}")]
    SecretKey(minisign::PError),
    /// Not the text of a signature.
    #[error("this is no minisign signature: {0}; send the text of the .minisig file")]
    Malformed(String),
    /// Made by another key.
    #[error("none of the {trusted} trusted keys made it")]
    Untrusted {
        /// How many keys are trusted.
        trusted: usize,
    },
    /// Made for other bytes.
    #[error("it does not belong to these bytes: {0}")]
    Mismatch(minisign::PError),
    /// No key or signature was made.
    #[error("nothing was made: {0}")]
    Failed(minisign::PError),
}

/// A new key pair, as the texts of its files.
#[derive(Debug)]
pub struct KeyFiles {
    /// `NAME.pub`; the operator trusts its second line.
    pub public: String,
    /// `NAME.key`, the author's secret.
    pub secret: String,
}

/// Makes a key pair; the secret key is encrypted if a password is given, which takes a second or two.
///
/// # Errors
///
/// [`SignatureError::Failed`].
pub fn generate(password: Option<String>) -> Result<KeyFiles, SignatureError> {
    let pair = match password {
        Some(password) => KeyPair::generate_encrypted_keypair(Some(password)),
        None => KeyPair::generate_unencrypted_keypair(),
    };
    let texts = pair.and_then(|pair| {
        Ok(KeyFiles {
            public: pair.pk.to_box()?.into_string(),
            secret: pair.sk.to_box(None)?.into_string(),
        })
    });
    texts.map_err(SignatureError::Failed)
}

/// Signs a component; returns the text of its `.minisig` file. `comment` is signed, too.
///
/// # Errors
///
/// [`SignatureError::SecretKey`] when the key or its password is wrong.
pub fn sign(
    secret: &str,
    password: Option<String>,
    bytes: &[u8],
    comment: &str,
) -> Result<String, SignatureError> {
    let key = SecretKeyBox::from_string(secret).and_then(|key| match password {
        Some(password) => SecretKey::from_box(key, Some(password)),
        // Never asks at the terminal.
        None => SecretKey::from_unencrypted_box(key),
    });
    let key = key.map_err(SignatureError::SecretKey)?;
    let signature = minisign::sign(None, &key, Cursor::new(bytes), Some(comment), None);
    Ok(signature.map_err(SignatureError::Failed)?.into_string())
}

/// Public keys whose signatures are accepted.
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys(Vec<PublicKey>);

impl TrustedKeys {
    /// Reads keys, each the whole text of a `.pub` file or only its second line.
    ///
    /// # Errors
    ///
    /// [`SignatureError::PublicKey`].
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, SignatureError> {
        texts
            .into_iter()
            .map(parse_key)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether nobody is trusted in particular, so that everything is taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a signature. Returns its comment, which was signed with the bytes.
    ///
    /// # Errors
    ///
    /// Says whether the text, the key or the bytes are wrong.
    pub fn verify(&self, bytes: &[u8], signature: &str) -> Result<String, SignatureError> {
        if signature.len() > MAX_TEXT_BYTES {
            return Err(SignatureError::Malformed(format!(
                "{} bytes, at most {MAX_TEXT_BYTES} are taken",
                signature.len()
            )));
        }
        check_shape(signature)?;
        let signature = SignatureBox::from_string(signature)
            .map_err(|error| SignatureError::Malformed(error.to_string()))?;
        let Some(key) = self.0.iter().find(|key| key.keynum() == signature.keynum()) else {
            let trusted = self.0.len();
            return Err(SignatureError::Untrusted { trusted });
        };
        minisign::verify(key, &signature, Cursor::new(bytes), true, false, false)
            .map_err(SignatureError::Mismatch)?;
        signature
            .trusted_comment()
            .map_err(SignatureError::Mismatch)
    }
}

/// The library trusts the lengths of what it decodes, and panics where they are wrong.
fn check_shape(signature: &str) -> Result<(), SignatureError> {
    /// Base64 of algorithm (2 bytes), key number (8) and signature (64).
    const SIGNATURE: usize = 100;
    /// Base64 of the signature of the signature and the trusted comment (64 bytes).
    const GLOBAL: usize = 88;
    let lengths: Vec<_> = signature.lines().map(|line| line.trim().len()).collect();
    match lengths[..] {
        [_, SIGNATURE, _, GLOBAL] => Ok(()),
        _ => Err(SignatureError::Malformed(format!(
            "its {} lines are not four of which the second has {SIGNATURE} characters and the \
             fourth {GLOBAL}",
            lengths.len()
        ))),
    }
}

fn parse_key(text: &str) -> Result<PublicKey, SignatureError> {
    let key = match text.trim().lines().count() {
        1 => PublicKey::from_base64(text.trim()),
        _ => PublicKeyBox::from_string(text).and_then(PublicKeyBox::into_public_key),
    };
    key.map_err(|_| SignatureError::PublicKey {
        text: text.chars().take(80).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the reference tool, minisign 0.11: see its man page's example.
    const PUBLIC: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn signed(bytes: &[u8]) -> (KeyFiles, String) {
        let keys = generate(None).unwrap();
        let signature = sign(&keys.secret, None, bytes, "fanout 1.0.0").unwrap();
        (keys, signature)
    }

    #[test]
    fn a_signature_is_good_for_its_bytes_and_key_only() {
        let (keys, signature) = signed(b"component");
        let trusted = TrustedKeys::parse([PUBLIC, &*keys.public]).unwrap();
        assert_eq!(
            trusted.verify(b"component", &signature).unwrap(),
            "fanout 1.0.0"
        );
        let other = trusted.verify(b"other", &signature).unwrap_err();
        assert!(matches!(other, SignatureError::Mismatch(_)), "{other}");
        let stranger = TrustedKeys::parse([PUBLIC]).unwrap();
        let refused = stranger.verify(b"component", &signature).unwrap_err();
        assert!(
            matches!(refused, SignatureError::Untrusted { trusted: 1 }),
            "{refused}"
        );
        let forged = signature.replace("fanout 1.0.0", "fanout 9.0.0");
        let refused = trusted.verify(b"component", &forged).unwrap_err();
        assert!(matches!(refused, SignatureError::Mismatch(_)), "{refused}");
    }

    #[test]
    fn damaged_signatures_are_refused_without_a_panic() {
        let (keys, signature) = signed(b"component");
        let trusted = TrustedKeys::parse([&*keys.public]).unwrap();
        for cut in 0..signature.trim_end().len() {
            let Some(cut) = signature.get(..cut) else {
                continue;
            };
            assert!(trusted.verify(b"component", cut).is_err(), "{cut:?}");
        }
        for text in [
            "",
            "\n\n\n\n",
            "untrusted comment: x\n====\ntrusted comment: y\n====",
            "é",
        ] {
            assert!(trusted.verify(b"component", text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_password_protects_the_secret_key() {
        let keys = generate(Some("points".to_owned())).unwrap();
        for wrong in [None, Some("frogs".to_owned())] {
            let refused = sign(&keys.secret, wrong, b"x", "").unwrap_err();
            assert!(matches!(refused, SignatureError::SecretKey(_)), "{refused}");
        }
        let signature = sign(&keys.secret, Some("points".to_owned()), b"x", "").unwrap();
        let trusted = TrustedKeys::parse([&*keys.public]).unwrap();
        trusted.verify(b"x", &signature).unwrap();
    }

    #[test]
    fn what_is_no_public_key_is_told() {
        for text in [
            "",
            "abc",
            "untrusted comment: x",
            "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO",
        ] {
            assert!(TrustedKeys::parse([text]).is_err(), "{text:?}");
        }
    }
}
