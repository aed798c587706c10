//! The server's side: what is asked for, and whether an answer to it holds.

use super::{Account, Algorithm, Answer, Shown, digest};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// How long an answer to a nonce is taken. Clients are told when theirs is stale, and go on.
const NONCE_LIFE: Duration = Duration::from_secs(300);

const REALM: &str = "pointsman";

/// Asks for names, and knows at most one password itself.
///
/// Nonces are times with a seal, so nothing is kept of who was asked.
#[derive(Debug, Clone)]
pub struct Guard {
    account: Option<Account>,
    secret: [u8; 32],
    start: Instant,
}

/// What a header shows, judged as far as it can be here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// User and password: shown by Basic, or known here and proved by Digest.
    Known {
        /// Who it is, unless it showed a token only.
        user: Option<String>,
        /// The password or token.
        token: String,
    },
    /// An answer to a nonce that is too old: to be asked again.
    Stale,
    /// An answer that does not hold.
    Wrong,
}

impl Guard {
    /// `account` is the one that Digest is offered for; without one only Basic is. `secret` seals
    /// the nonces, and is the host's own.
    pub const fn new(now: Instant, account: Option<Account>, secret: [u8; 32]) -> Self {
        Self {
            account,
            secret,
            start: now,
        }
    }

    /// The values of the `WWW-Authenticate` headers, a line each.
    ///
    /// The best first (RFC 7616 §3.7), but MD5 behind SHA-256: FFmpeg takes the last it reads.
    pub fn challenges(&self, now: Instant, stale: bool) -> Vec<String> {
        let mut lines = Vec::new();
        if self.account.is_some() {
            let nonce = self.nonce(now);
            let stale = if stale { ", stale=true" } else { "" };
            for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
                lines.push(format!(
                    "Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm={algorithm}, \
                     qop=\"auth\"{stale}"
                ));
            }
        }
        lines.push(format!("Basic realm=\"{REALM}\""));
        lines
    }

    /// Judges an `Authorization` header of a request; `None` if it shows nothing.
    pub fn judge(&self, now: Instant, header: &str, method: &str, uri: &str) -> Option<Verdict> {
        Some(match Shown::parse(header)? {
            Shown::Basic(Account { user, password }) => Verdict::Known {
                user: Some(user).filter(|user| !user.is_empty()),
                token: password,
            },
            Shown::Bearer(token) => Verdict::Known { user: None, token },
            Shown::Digest(answer) => self.judge_answer(now, &answer, method, uri),
        })
    }

    /// Whether who showed that may ask: without an account everybody, else who knows it.
    pub fn is_content(&self, verdict: Option<&Verdict>) -> bool {
        let Some(account) = &self.account else {
            return true;
        };
        match verdict {
            Some(Verdict::Known { user, token }) => {
                user.as_deref() == Some(account.user.as_str())
                    && equal(token.as_bytes(), account.password.as_bytes())
            }
            _ => false,
        }
    }

    fn judge_answer(&self, now: Instant, answer: &Answer, method: &str, uri: &str) -> Verdict {
        let Some(account) = &self.account else {
            return Verdict::Wrong;
        };
        let expected = answer.expected(&account.password, method);
        let about_this =
            answer.realm == REALM && answer.user == account.user && same_resource(&answer.uri, uri);
        if !about_this || !equal(expected.as_bytes(), answer.response.as_bytes()) {
            return Verdict::Wrong;
        }
        match self.age(now, &answer.nonce) {
            None => Verdict::Wrong,
            Some(age) if age > NONCE_LIFE => Verdict::Stale,
            Some(_) => Verdict::Known {
                user: Some(account.user.clone()),
                token: account.password.clone(),
            },
        }
    }

    fn nonce(&self, now: Instant) -> String {
        let at = now.saturating_duration_since(self.start).as_millis() as u64;
        format!("{at:016x}{}", self.seal(at))
    }

    /// How old a nonce is; `None` if it is not ours.
    fn age(&self, now: Instant, nonce: &str) -> Option<Duration> {
        let (at, seal) = nonce.split_at_checked(16)?;
        let at = u64::from_str_radix(at, 16).ok()?;
        let ours = equal(self.seal(at).as_bytes(), seal.as_bytes());
        let since = now.saturating_duration_since(self.start);
        ours.then(|| since.saturating_sub(Duration::from_millis(at)))
    }

    fn seal(&self, at: u64) -> String {
        // The secret has a fixed length and stands first and last: no extension is possible.
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update(at.to_be_bytes());
        hash.update(self.secret);
        digest::hex(hash.finalize().get(..16).unwrap_or_default())
    }
}

/// Clients write the URI of the request, or of the presentation it belongs to.
fn same_resource(answered: &str, requested: &str) -> bool {
    let answered = answered.trim_end_matches('/');
    let rest = requested.strip_prefix(answered);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// In a time that depends only on the lengths.
fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // A test's time has to begin somewhere.
mod tests {
    use super::super::Challenge;
    use super::*;

    const URI: &str = "rtsp://h:8554/a";

    fn account(password: &str) -> Account {
        Account {
            user: "cam".into(),
            password: password.into(),
        }
    }

    fn known() -> Verdict {
        Verdict::Known {
            user: Some("cam".into()),
            token: "secret".into(),
        }
    }

    /// What a client of ours answers to one line of a challenge.
    fn answered(guard: &Guard, now: Instant, line: usize, password: &str) -> String {
        let lines = guard.challenges(now, false);
        let mut challenge = Challenge::parse(&lines[line]).unwrap();
        challenge.answer(&account(password), "DESCRIBE", URI, 7)
    }

    #[test]
    fn our_own_answers_hold_for_their_request_and_their_time() {
        let start = Instant::now();
        let guard = Guard::new(start, Some(account("secret")), [3; 32]);
        let now = start + Duration::from_secs(10);
        for line in 0..3 {
            let header = answered(&guard, now, line, "secret");
            let judged = |now, method, uri| guard.judge(now, &header, method, uri);
            assert_eq!(judged(now, "DESCRIBE", URI), Some(known()), "{header}");
            if line < 2 {
                assert_eq!(judged(now, "PLAY", URI), Some(Verdict::Wrong));
                assert_eq!(
                    judged(now, "DESCRIBE", "rtsp://h:8554/ab"),
                    Some(Verdict::Wrong)
                );
                let late = now + NONCE_LIFE + Duration::from_secs(1);
                assert_eq!(judged(late, "DESCRIBE", URI), Some(Verdict::Stale));
            }
        }
        let wrong = answered(&guard, now, 1, "guess");
        assert_eq!(
            guard.judge(now, &wrong, "DESCRIBE", URI),
            Some(Verdict::Wrong)
        );
    }

    #[test]
    fn with_an_account_only_who_shows_it_may_ask() {
        let now = Instant::now();
        let open = Guard::new(now, None, [3; 32]);
        let guard = Guard::new(now, Some(account("secret")), [3; 32]);
        let token_only = Verdict::Known {
            user: None,
            token: "secret".into(),
        };
        let guess = Verdict::Known {
            user: Some("cam".into()),
            token: "guess!".into(),
        };
        assert!(guard.is_content(Some(&known())));
        for shown in [None, Some(token_only), Some(guess), Some(Verdict::Stale)] {
            assert!(!guard.is_content(shown.as_ref()), "{shown:?}");
            assert!(open.is_content(shown.as_ref()));
        }
    }

    #[test]
    fn nonces_of_others_do_not_hold() {
        let now = Instant::now();
        let ours = Guard::new(now, Some(account("secret")), [3; 32]);
        let other = Guard::new(now, Some(account("secret")), [4; 32]);
        let header = answered(&other, now, 1, "secret");
        assert_eq!(
            ours.judge(now, &header, "DESCRIBE", URI),
            Some(Verdict::Wrong)
        );
    }

    #[test]
    fn without_an_account_only_basic_is_offered_and_digest_proves_nothing() {
        let now = Instant::now();
        let guard = Guard::new(now, None, [3; 32]);
        assert_eq!(guard.challenges(now, false), ["Basic realm=\"pointsman\""]);
        let knows = Guard::new(now, Some(account("")), [3; 32]);
        let header = answered(&knows, now, 1, "");
        assert_eq!(
            guard.judge(now, &header, "DESCRIBE", URI),
            Some(Verdict::Wrong)
        );
    }
}
