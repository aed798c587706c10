//! Passwords: what they have to be, and how they are hashed without starving the host.

use super::{AccessError, secret};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Characters of a password. The upper bound keeps hashing short, the lower one guessing long.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=1024;

/// Hashed at once: each takes 19 MiB and some 30 ms of a core.
const AT_ONCE: usize = 2;

/// That wait for their turn; more are told to come back.
const WAITING: usize = 16;

/// Argon2id with what OWASP's password storage cheat sheet asks for: 19 MiB, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Verified in place of the hash of a user who is not there, so that both take the same time.
const NOBODY: &[u8; 16] = b"nobody's own one";

/// The place where passwords are hashed, off the threads that move media.
#[derive(Clone)]
pub(super) struct Desk {
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }
}

/// What is wrong with a password, if something is.
pub fn fault(password: &str) -> Option<String> {
    let length = password.chars().count();
    let odd = || {
        let (least, most) = (LENGTH.start(), LENGTH.end());
        format!("has {length} characters; {least} to {most} are allowed")
    };
    (!LENGTH.contains(&length)).then(odd)
}

impl Desk {
    /// The hash to keep, a PHC string.
    pub(super) async fn hash(&self, password: String) -> Result<String, AccessError> {
        self.work(move || {
            let mut salt = [0u8; 16];
            secret::fill(&mut salt)?;
            let salt = SaltString::encode_b64(&salt).map_err(broken)?;
            let hash = hasher()?.hash_password(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(broken)
        })
        .await
    }

    /// Whether the password is the one that was hashed; with no hash to compare it takes as
    /// long, and is not.
    pub(super) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, AccessError> {
        self.work(move || match hash {
            Some(hash) => {
                let hash = PasswordHash::new(&hash).map_err(broken)?;
                Ok(hasher()?
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok())
            }
            None => {
                let mut out = [0u8; 32];
                let hashed = hasher()?.hash_password_into(password.as_bytes(), NOBODY, &mut out);
                hashed.map_err(broken)?;
                Ok(false)
            }
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let waiting = self.queue.clone().try_acquire_owned();
        let waiting = waiting.map_err(|_| AccessError::Busy)?;
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| AccessError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            // Held to the end of the work, even if whoever asked has gone.
            let _held = (waiting, place);
            work()
        });
        done.await.map_err(|_| AccessError::Busy)?
    }
}

fn hasher() -> Result<Argon2<'static>, AccessError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn broken(error: impl std::fmt::Display) -> AccessError {
    AccessError::Broken(format!("a password cannot be hashed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let desk = Desk::default();
        let hash = desk.hash("correct horse battery".into()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let again = desk.hash("correct horse battery".into()).await.unwrap();
        assert_ne!(hash, again, "salted");
        let verify =
            |password: &str, hash: Option<&String>| desk.verify(password.to_owned(), hash.cloned());
        assert!(verify("correct horse battery", Some(&hash)).await.unwrap());
        assert!(!verify("correct horse batterY", Some(&hash)).await.unwrap());
        assert!(!verify("correct horse battery", None).await.unwrap());
        assert!(verify("x", Some(&"no hash".to_owned())).await.is_err());
    }

    #[tokio::test]
    async fn more_than_can_wait_are_told_to_come_back() {
        let desk = Desk::default();
        let many = (0..100).map(|_| desk.verify("x".repeat(12), None));
        let answers = futures_util::future::join_all(many).await;
        let busy = answers
            .iter()
            .filter(|it| matches!(it, Err(AccessError::Busy)));
        assert_eq!(busy.count(), 100 - AT_ONCE - WAITING);
    }

    #[test]
    fn the_length_is_of_characters() {
        assert_eq!(fault(&"ü".repeat(12)), None);
        assert_eq!(fault(&"ü".repeat(1024)), None);
        assert!(fault("eleven char").is_some() && fault(&"x".repeat(1025)).is_some());
    }
}
