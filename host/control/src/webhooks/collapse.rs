//! An output that does not come up changes its state every few seconds, and says nothing new: such
//! repetitions are not sent.

use model::{Event, Label, LinkState, StreamName};
use std::collections::HashMap;

/// Outputs remembered; beyond, all are forgotten, and told once more.
const MAX_OUTPUTS: usize = 20_000;

/// What was said last of each output.
#[derive(Debug, Default)]
pub(super) struct Said(HashMap<(StreamName, Label), (LinkState, Option<String>)>);

impl Said {
    /// Whether an event only repeats what was told. A further attempt after a failure is no news,
    /// nor is that it failed as the one before did.
    pub(super) fn repeats(&mut self, event: &Event) -> bool {
        let Event::OutputChanged {
            stream,
            output,
            link,
        } = event
        else {
            return false;
        };
        let failed_before = |state| matches!(state, LinkState::Retrying);
        let subject = (stream.clone(), output.clone());
        let now = (link.state, link.last_error.clone());
        let before = self.0.get(&subject);
        if before.is_some_and(|before| {
            *before == now || (failed_before(before.0) && now.0 == LinkState::Connecting)
        }) {
            return true;
        }
        if self.0.len() >= MAX_OUTPUTS {
            self.0.clear();
        }
        self.0.insert(subject, now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::LinkStatus;

    #[test]
    fn an_output_that_fails_again_and_again_is_told_once() {
        use LinkState::{Connecting, Live, Retrying};
        let mut said = Said::default();
        let mut told = |state, error: Option<&str>| {
            let link = LinkStatus {
                state,
                last_error: error.map(str::to_owned),
                ..LinkStatus::default()
            };
            !said.repeats(&Event::OutputChanged {
                stream: "a".parse().unwrap(),
                output: "x".parse().unwrap(),
                link,
            })
        };
        assert!(told(Connecting, None));
        assert!(told(Retrying, Some("refused")));
        for _ in 0..3 {
            assert!(!told(Connecting, Some("refused")));
            assert!(!told(Retrying, Some("refused")));
        }
        assert!(!told(Connecting, Some("refused")));
        assert!(told(Retrying, Some("no route")), "another reason");
        assert!(told(Live, Some("no route")), "it came up");
        assert!(told(Connecting, Some("no route")), "and went down");
    }
}
