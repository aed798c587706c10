//! A doorman that judges by rule, and remembers what it was asked.

use hub::Doorman;
use hub::doorman::Verdict;
use model::{Admission, Ask, Refusal};
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The first part of a stream's name says how it is guarded:
///
/// | name | rule |
/// |---|---|
/// | `open/*` | everybody |
/// | `closed/*` | who shows the token `good` |
/// | `key/*` | the name stands for `live/cam1` |
/// | `slow/*` | as `closed/*`, but the answer waits until [`Clerk::answer`] |
/// | `brief/*` | for 300 ms |
/// | `thin/*` | at most 80 kbit/s |
/// | `leased/*` | asked again after 200 ms, and then as long as [`Clerk::lease`] lasts |
/// | `single/*` | one reader |
pub(crate) struct Clerk {
    asked: Mutex<Vec<Ask>>,
    answers: Semaphore,
    leases: Semaphore,
}

impl Default for Clerk {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            answers: Semaphore::new(0),
            leases: Semaphore::new(0),
        }
    }
}

impl Clerk {
    /// Lets one slow answer go.
    pub(crate) fn answer(&self) {
        self.answers.add_permits(1);
    }

    /// Lets so many renewals through.
    pub(crate) fn lease(&self, renewals: usize) {
        self.leases.add_permits(renewals);
    }

    pub(crate) fn asked(&self) -> Vec<Ask> {
        self.asked.lock().clone()
    }

    async fn judge(&self, ask: &Ask) -> Result<Admission, Refusal> {
        self.asked.lock().push(ask.clone());
        let rule = ask.stream.as_str().split('/').next().unwrap_or_default();
        let terms = Admission::default();
        let shown = || match ask.token.as_deref() {
            Some("good") => Ok(Admission::default()),
            Some(_) => Err(Refusal::Forbidden),
            None => Err(Refusal::Unauthorized),
        };
        match rule {
            "closed" => shown(),
            "key" => Ok(Admission {
                stream: Some("live/cam1".parse().unwrap()),
                ..terms
            }),
            "slow" => {
                self.answers.acquire().await.unwrap().forget();
                shown()
            }
            "brief" => Ok(Admission {
                max_duration: Some(Duration::from_millis(300)),
                ..terms
            }),
            "thin" => Ok(Admission {
                max_bitrate_bps: Some(80_000),
                ..terms
            }),
            "leased" => {
                if ask.renewal {
                    let lease = self.leases.try_acquire();
                    lease.map_err(|_| Refusal::Forbidden)?.forget();
                }
                Ok(Admission {
                    ttl: Some(Duration::from_millis(200)),
                    ..terms
                })
            }
            "single" => Ok(Admission {
                max_readers: Some(1),
                ..terms
            }),
            _ => Ok(terms),
        }
    }
}

impl Doorman for Clerk {
    fn admit<'a>(&'a self, ask: &'a Ask) -> Verdict<'a> {
        Verdict::Asked(Box::pin(self.judge(ask)))
    }
}
