//! What became of trying one policy beside another.

use model::Answer;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;

/// Differences kept, the newest.
const KEPT: usize = 20;

/// Figures of a shadow or a canary since it was bound, or its plugin replaced.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Questions that both answered.
    pub compared: u64,
    /// Of these, those that they answered so that something else would be done.
    pub differing: u64,
    /// Questions that the one being tried failed to answer.
    pub failed: u64,
    /// Questions that were not compared, because too many waited to be, or who decides otherwise
    /// had no answer either.
    pub skipped: u64,
    /// The newest differences and failures, oldest first.
    pub differences: Vec<Difference>,
}

/// A question that two policies answered otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// When it was asked, Unix milliseconds.
    pub at_unix_ms: u64,
    /// About which stream, channel or composite.
    pub subject: String,
    /// By the policy that it is compared with: the active one, or the built-in.
    pub active: Option<Answer>,
    /// By the policy being tried.
    pub tried: Option<Answer>,
    /// Why the one being tried did not answer.
    pub error: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    compared: u64,
    differing: u64,
    failed: u64,
    skipped: u64,
    differences: VecDeque<Difference>,
}

impl Tally {
    /// Counts one question to both; `active` is none if that one failed.
    pub(crate) fn count(
        &self,
        at_unix_ms: u64,
        subject: &str,
        active: Option<&Answer>,
        tried: Result<&Answer, String>,
    ) {
        let mut counts = self.0.lock();
        let agree = match (&active, &tried) {
            (_, Err(_)) => {
                counts.failed += 1;
                false
            }
            // There is nothing to compare with.
            (None, Ok(_)) => {
                counts.skipped += 1;
                return;
            }
            (Some(active), Ok(tried)) => {
                counts.compared += 1;
                let agree = active.agrees_with(tried);
                counts.differing += u64::from(!agree);
                agree
            }
        };
        if agree {
            return;
        }
        if counts.differences.len() == KEPT {
            counts.differences.pop_front();
        }
        counts.differences.push_back(Difference {
            at_unix_ms,
            subject: subject.to_owned(),
            active: active.cloned(),
            error: tried.as_ref().err().cloned(),
            tried: tried.ok().cloned(),
        });
    }

    pub(crate) fn skip(&self) {
        self.0.lock().skipped += 1;
    }

    pub(crate) fn read(&self) -> Comparison {
        let counts = self.0.lock();
        Comparison {
            compared: counts.compared,
            differing: counts.differing,
            failed: counts.failed,
            skipped: counts.skipped,
            differences: counts.differences.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::auth::Verdict;

    #[test]
    fn differences_and_failures_are_counted_apart_and_the_newest_are_kept() {
        let tally = Tally::default();
        let (yes, no) = (Verdict::allow("a"), Verdict::deny("b"));
        let (yes, no) = (Answer::Auth(yes), Answer::Auth(no));
        tally.count(1, "a", Some(&yes), Ok(&yes));
        tally.count(2, "a", None, Ok(&yes));
        tally.count(3, "a", Some(&yes), Err("trap".into()));
        for n in 0..30 {
            tally.count(10 + n, "a", Some(&yes), Ok(&no));
        }
        tally.skip();
        let read = tally.read();
        assert_eq!((read.compared, read.differing), (31, 30));
        assert_eq!((read.failed, read.skipped), (1, 2));
        let times: Vec<_> = read.differences.iter().map(|it| it.at_unix_ms).collect();
        assert_eq!(times, (20..40).collect::<Vec<_>>());
    }
}
