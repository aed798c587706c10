//! Answers from a tape.

use crate::tape::{HostCall, Tape};
use std::sync::Arc;

/// Plays a tape back to a component that may ask in another order, or for something else.
///
/// The first time that a question is asked it gets the first answer recorded to it, the second
/// time the second; who asks more often gets the last one again.
pub(super) struct Player {
    tape: Arc<Tape>,
    used: Vec<bool>,
}

impl Player {
    pub(super) fn new(tape: Arc<Tape>) -> Self {
        let used = vec![false; tape.calls.len()];
        Self { tape, used }
    }

    /// The answer to a question; `pick` takes it from a record of that very question.
    pub(super) fn answer<T: Clone>(&mut self, pick: impl Fn(&HostCall) -> Option<&T>) -> Option<T> {
        let mut last = None;
        for (call, used) in self.tape.calls.iter().zip(&mut self.used) {
            let Some(answer) = pick(call) else { continue };
            last = Some(answer);
            if !*used {
                *used = true;
                break;
            }
        }
        last.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deleted(key: &str, existed: bool) -> HostCall {
        let key = key.to_owned();
        HostCall::KvDelete { key, existed }
    }

    #[test]
    fn questions_are_answered_in_their_own_order_and_the_last_answer_stays() {
        let calls = vec![deleted("a", true), deleted("b", true), deleted("a", false)];
        let tape = Tape {
            calls,
            ..Tape::default()
        };
        let mut player = Player::new(Arc::new(tape));
        let mut ask = |wanted: &str| {
            player.answer(|call| match call {
                HostCall::KvDelete { key, existed } if key == wanted => Some(existed),
                _ => None,
            })
        };
        assert_eq!(ask("b"), Some(true));
        assert_eq!(
            [ask("a"), ask("a"), ask("a")],
            [Some(true), Some(false), Some(false)]
        );
        assert_eq!(ask("c"), None);
    }
}
