//! Dry runs: the whole way of a decision, and nothing is done about it.

use super::{Asking, Decider, Ruling};
use crate::router::Cause;
use model::Question;
use model::selection::Library;
use plugin::Mode;
use std::sync::Arc;

impl Decider {
    /// Asks whoever decides, as if the question came from a stream, a channel or a peer: nothing
    /// is made true, logged, counted as a decision, or compared with a shadow's, and what the
    /// plugin writes to its `kv` is lost. There is no last good decision to fall back on.
    pub async fn try_out(&self, question: Question, library: Option<Arc<dyn Library>>) -> Ruling {
        let deciding = self.deciding(question.kind(), question.subject());
        let asking = Asking {
            question: Arc::new(question),
            cause: Cause::Asked,
            library,
            last_good: None,
        };
        match deciding.decides {
            Some(policy) => self.call(policy, &asking, Mode::Trial).await,
            None => Ruling::built_in(&asking),
        }
    }
}
