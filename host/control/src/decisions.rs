//! The decision log: what was decided, on what grounds, and what came of it.

use crate::diff::Change;
use crate::router::Cause;
use model::endpoint::redact;
use model::routing::{Plan, RoutingState};
use model::{Label, StreamName, StreamPattern};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::Arc;

/// Decisions kept.
const MAX_DECISIONS: usize = 1_000;
/// Bytes their states and plans may take as JSON.
const MAX_BYTES: usize = 8 << 20;

/// Who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decider {
    /// The host itself, because no policy is bound or its plugin has never answered.
    BuiltIn,
    /// A plugin.
    Plugin {
        /// The name it is installed under.
        name: Label,
        /// SHA-256 of the component, hexadecimal; empty if the plugin is gone.
        sha256: String,
        /// Under which policy.
        streams: StreamPattern,
    },
    /// The last good plan of an earlier call, because this one failed.
    LastGoodPlan {
        /// The plugin that failed.
        name: Label,
    },
}

/// One decision. Secrets in its URLs are replaced.
#[derive(Debug, Clone, Serialize)]
pub struct Decision {
    /// Counts from 1 since the host started.
    pub id: u64,
    /// Unix milliseconds.
    pub at_unix_ms: u64,
    /// For which stream.
    pub stream: StreamName,
    /// What asked for it.
    pub cause: Cause,
    /// Who made it.
    pub decider: Decider,
    /// What was known.
    pub state: RoutingState,
    /// What is wanted from now on.
    pub plan: Plan,
    /// How long the plugin took; 0 for the host itself.
    pub duration_us: u64,
    /// What it changed.
    pub changes: Vec<Change>,
    /// What of the plan cannot be done, and why.
    pub refused: Vec<String>,
    /// Why the call failed.
    pub error: Option<String>,
}

/// Which decisions to look at.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one stream only.
    pub stream: Option<StreamName>,
    /// Only those with a greater id.
    pub after_id: u64,
    /// Failures only.
    pub failed: bool,
    /// The newest so many; `None`: all that are kept.
    pub limit: Option<usize>,
}

/// Counts that outlive the ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Evaluations, logged or not.
    pub evaluations: u64,
    /// Of these, calls of a plugin that failed.
    pub failures: u64,
    /// Decisions written to the log.
    pub logged: u64,
    /// Microseconds spent waiting for plugins.
    pub duration_us: u64,
}

/// The newest decisions that changed something or failed.
#[derive(Debug, Default)]
pub(crate) struct Log {
    kept: VecDeque<(usize, Arc<Decision>)>,
    bytes: usize,
    totals: Totals,
}

impl Log {
    /// Counts an evaluation, whether or not it is worth a line.
    pub(crate) fn count(&mut self, duration_us: u64, failed: bool) {
        self.totals.evaluations += 1;
        self.totals.failures += u64::from(failed);
        self.totals.duration_us += duration_us;
    }

    /// Keeps a decision; its id is set here.
    pub(crate) fn push(&mut self, mut decision: Decision) {
        self.totals.logged += 1;
        decision.id = self.totals.logged;
        hide_secrets(&mut decision);
        let bytes = serde_json::to_vec(&decision).map_or(0, |json| json.len());
        self.bytes += bytes;
        self.kept.push_back((bytes, Arc::new(decision)));
        while self.kept.len() > MAX_DECISIONS || (self.bytes > MAX_BYTES && self.kept.len() > 1) {
            self.bytes -= self.kept.pop_front().map_or(0, |(bytes, _)| bytes);
        }
    }

    /// The matching decisions, oldest first.
    pub(crate) fn find(&self, filter: &Filter) -> Vec<Arc<Decision>> {
        let fits = |decision: &Decision| {
            decision.id > filter.after_id
                && (!filter.failed || decision.error.is_some())
                && filter
                    .stream
                    .as_ref()
                    .is_none_or(|stream| decision.stream == *stream)
        };
        let newest = self.kept.iter().rev().map(|(_, decision)| decision);
        let limit = filter.limit.unwrap_or(usize::MAX);
        let mut found: Vec<_> = newest
            .filter(|decision| fits(decision))
            .take(limit)
            .cloned()
            .collect();
        found.reverse();
        found
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }
}

fn hide_secrets(decision: &mut Decision) {
    for output in &mut decision.state.outputs {
        output.url = redact(&output.url);
    }
    for output in &mut decision.plan.outputs {
        output.url = output.url.as_deref().map(redact);
        for (key, value) in &mut output.params {
            if matches!(key.as_str(), "passphrase" | "streamid" | "token") {
                "***".clone_into(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::routing::{OutputState, PlannedOutput};

    fn decision(stream: &str, error: Option<&str>) -> Decision {
        Decision {
            id: 0,
            at_unix_ms: 1,
            stream: stream.parse().unwrap(),
            cause: Cause::Tick,
            decider: Decider::BuiltIn,
            state: RoutingState::default(),
            plan: Plan::default(),
            duration_us: 0,
            changes: vec![],
            refused: vec![],
            error: error.map(str::to_owned),
        }
    }

    fn ids(log: &Log, filter: &Filter) -> Vec<u64> {
        log.find(filter)
            .iter()
            .map(|decision| decision.id)
            .collect()
    }

    #[test]
    fn the_ring_forgets_the_oldest() {
        let mut log = Log::default();
        for _ in 0..MAX_DECISIONS + 5 {
            log.push(decision("a", None));
        }
        assert_eq!(log.kept.len(), MAX_DECISIONS);
        assert_eq!(
            ids(
                &log,
                &Filter {
                    limit: Some(2),
                    ..Filter::default()
                }
            ),
            [1004, 1005]
        );
        assert_eq!(log.find(&Filter::default())[0].id, 6);
        assert_eq!(log.totals().logged, 1005);
    }

    #[test]
    fn large_states_are_bounded_in_bytes() {
        let mut log = Log::default();
        for _ in 0..20 {
            let mut large = decision("a", None);
            large.plan.reason = "x".repeat(1 << 20);
            log.push(large);
        }
        assert!(
            log.bytes <= MAX_BYTES && log.kept.len() < 9,
            "{}",
            log.kept.len()
        );
    }

    #[test]
    fn decisions_are_found_by_stream_id_and_failure() {
        let mut log = Log::default();
        log.push(decision("a", None));
        log.push(decision("b", None));
        log.push(decision("a", Some("trap")));
        let stream = Some("a".parse().unwrap());
        assert_eq!(
            ids(
                &log,
                &Filter {
                    stream,
                    ..Filter::default()
                }
            ),
            [1, 3]
        );
        assert_eq!(
            ids(
                &log,
                &Filter {
                    failed: true,
                    ..Filter::default()
                }
            ),
            [3]
        );
        assert_eq!(
            ids(
                &log,
                &Filter {
                    after_id: 2,
                    ..Filter::default()
                }
            ),
            [3]
        );
    }

    #[test]
    fn secrets_never_reach_the_log() {
        let secret = "srt://h:1?passphrase=hunter2hunter2";
        let mut told = decision("a", None);
        told.state.outputs.push(OutputState {
            url: secret.into(),
            ..OutputState::default()
        });
        let params = [("passphrase".to_owned(), "hunter2hunter2".to_owned())].into();
        let url = Some(secret.to_owned());
        told.plan.outputs.push(PlannedOutput {
            url,
            params,
            ..PlannedOutput::default()
        });
        let mut log = Log::default();
        log.push(told);
        let json = serde_json::to_string(&log.find(&Filter::default())[0]).unwrap();
        assert!(!json.contains("hunter2"), "{json}");
    }
}
