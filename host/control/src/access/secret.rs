//! Keys and the secrets of sessions: how they are made, recognized and kept.
//!
//! A key is `pm_ID_SECRET`: an id of 10 characters that may be shown, 32 random characters of
//! base 62 (190 bits), and 6 more that are a checksum of all before, so that a scanner for
//! leaked secrets tells a key from chance, and a slip of the finger never reaches a table.
//!
//! What is kept is the SHA-256. Slow hashes make guessing expensive where people choose; 190
//! random bits are not guessed at any speed, and a fast hash lets every request be checked.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const PREFIX: &str = "pm_";
const ID: usize = 10;
const SECRET: usize = 32;
const CHECK: usize = 6;

const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A key that was just made: the only time that it is there in the clear.
pub(super) struct Fresh {
    pub(super) id: String,
    pub(super) text: String,
}

/// Makes a key.
///
/// # Errors
/// The system has no randomness to give.
pub(super) fn key() -> Result<Fresh, NoRandomness> {
    // Lower case: it is typed into paths.
    let id = random(ID, 36)?;
    let mut text = format!("{PREFIX}{id}_{}", random(SECRET, 62)?);
    text.push_str(&checksum(&text));
    Ok(Fresh { id, text })
}

/// The id within something that has the form of a key, and the checksum of one.
pub(super) fn id_of(text: &str) -> Option<&str> {
    let (head, check) = text.split_at_checked(text.len().checked_sub(CHECK)?)?;
    let (id, secret) = head.strip_prefix(PREFIX)?.split_once('_')?;
    let sound = id.len() == ID && secret.len() == SECRET && checksum(head) == check;
    sound.then_some(id)
}

/// Whether something is meant to be a key of this host.
pub(super) fn is_meant(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Makes what a session's cookie holds.
///
/// # Errors
/// The system has no randomness to give.
pub(super) fn session() -> Result<String, NoRandomness> {
    random(43, 62)
}

/// Makes the id of a client, and the token that it shows.
///
/// # Errors
/// The system has no randomness to give.
pub(crate) fn client_secret() -> Result<(String, String), NoRandomness> {
    Ok((random(ID, 36)?, random(SECRET, 62)?))
}

/// As it is kept: SHA-256, hexadecimal.
pub(crate) fn kept(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// What a page shows beside its cookie, to prove that it could read this host's answers: made
/// from the cookie, so that nothing more has to be kept.
pub(super) fn csrf(session: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"csrf ");
    hash.update(session.as_bytes());
    hex(&hash.finalize())
}

/// Compares in a time that does not tell where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The operating system gave no randomness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system has no randomness to give: {0}")]
pub struct NoRandomness(String);

/// Random bytes of the operating system.
///
/// # Errors
/// It has none to give.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(|error| NoRandomness(error.to_string()))
}

/// So many of the first `base` digits.
fn random(len: usize, base: usize) -> Result<String, NoRandomness> {
    let mut text = String::with_capacity(len);
    let mut bytes = [0u8; 64];
    // What is beyond the greatest multiple would make the first digits likelier.
    let fair = 256 - 256 % base;
    while text.len() < len {
        fill(&mut bytes)?;
        let usable = bytes.iter().map(|byte| usize::from(*byte));
        let digits = usable.filter(|byte| *byte < fair);
        let digits = digits.filter_map(|byte| DIGITS.get(byte % base));
        text.extend(digits.map(|digit| char::from(*digit)));
    }
    text.truncate(len);
    Ok(text)
}

fn checksum(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let start = hash
        .iter()
        .take(4)
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let mut rest = start;
    let mut digits = [b'0'; CHECK];
    for digit in digits.iter_mut().rev() {
        let at = usize::try_from(rest % 62).unwrap_or_default();
        *digit = DIGITS.get(at).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_recognized_and_a_slip_of_the_finger_is_not() {
        let fresh = key().unwrap();
        assert_eq!(id_of(&fresh.text), Some(fresh.id.as_str()));
        assert_eq!(fresh.text.len(), 3 + ID + 1 + SECRET + CHECK);
        for at in 0..fresh.text.len() {
            let mut slipped = fresh.text.clone().into_bytes();
            slipped[at] = if slipped[at] == b'x' { b'y' } else { b'x' };
            let slipped = String::from_utf8(slipped).unwrap();
            assert_eq!(id_of(&slipped), None, "{slipped}");
        }
    }

    #[test]
    fn anything_can_be_shown_as_a_key() {
        let long = "pm_".repeat(100_000);
        for odd in [
            "",
            "pm_",
            "pm__",
            "pm_ä_ö",
            "_______",
            "日本語日本語",
            &long,
        ] {
            assert_eq!(id_of(odd), None);
        }
        // Cut and lengthened at every place, whole characters or not.
        let fresh = key().unwrap().text;
        for at in 0..fresh.len() {
            assert_eq!(id_of(&fresh[..at]), None);
            assert_eq!(id_of(&format!("{}é{}", &fresh[..at], &fresh[at..])), None);
        }
    }

    #[test]
    fn no_two_are_the_same_and_digits_are_fair() {
        let many: std::collections::HashSet<_> = (0..1_000).map(|_| key().unwrap().text).collect();
        assert_eq!(many.len(), 1_000);
        let text = random(62 * 400, 62).unwrap();
        for digit in DIGITS {
            let count = text.bytes().filter(|byte| byte == digit).count();
            assert!((250..=550).contains(&count), "{digit}: {count}");
        }
    }

    #[test]
    fn what_is_kept_tells_nothing_and_csrf_is_another() {
        let secret = session().unwrap();
        assert_eq!(secret.len(), 43);
        assert_ne!(kept(&secret), csrf(&secret));
        assert!(same(&kept(&secret), &kept(&secret)));
        assert!(!same(&kept(&secret), &csrf(&secret)) && !same("a", "ab"));
    }
}
