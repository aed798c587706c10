//! Dry runs: the whole way of a decision, and nothing is done about it.

use super::{Asking, Binding, DecidedBy, Decider, Failure};
use crate::router::Cause;
use model::selection::Library;
use model::{Answer, Question};
use plugin::Mode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a dry run came to.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What would hold; none: there is nothing to choose from.
    pub answer: Option<Arc<Answer>>,
    /// Who would have made it.
    pub decided_by: DecidedBy,
    /// The policy that was asked.
    pub policy: Option<Arc<Binding>>,
    /// The author's version of its plugin.
    pub version: String,
    /// SHA-256 of the component, hexadecimal.
    pub hash: Option<String>,
    /// Why the policy's own answer would not hold.
    pub error: Option<Failure>,
    /// What of the answer could not be done, as far as that is known without the stream.
    pub refused: Vec<String>,
    /// From the question to the answer.
    pub took: Duration,
}

impl Decider {
    /// Asks whoever decides, as if the question came from a stream, a channel or a peer, and
    /// throws the answer away: nothing is made true, logged, counted as a decision, or compared
    /// with a shadow's, and what the plugin writes to its `kv` is lost. There is no last good
    /// decision to fall back on.
    pub async fn try_out(&self, question: Question, library: Option<Arc<dyn Library>>) -> Trial {
        let began = Instant::now();
        let deciding = self.deciding(question.kind(), question.subject());
        let asking = Asking {
            question: Arc::new(question),
            cause: Cause::Asked,
            library,
            last_good: None,
        };
        let ruling = match deciding.decides {
            Some(policy) => self.call(policy, &asking, Mode::Trial).await,
            None => Self::built_in(&asking),
        };
        Trial {
            answer: ruling.answer,
            decided_by: ruling.decided_by,
            policy: ruling.policy,
            version: ruling.version,
            hash: ruling.hash,
            error: ruling.error,
            refused: ruling.refused,
            took: began.elapsed(),
        }
    }
}
