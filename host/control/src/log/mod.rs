//! The decision log: what was decided, on what grounds, and what came of it.
//!
//! A ring for each kind keeps the newest in memory, whole, so that a new version of a plugin can
//! make them again. What leaves the process, over the API or into the [`History`], has its
//! secrets hidden ([`secrets`]) unless the operator keeps them.
//!
//! A routing policy is asked on every tick. Answers that leave everything as it was, with no
//! failure that was not there before, are counted and not logged; every other decision is.

pub mod history;
mod ring;
pub mod secrets;

pub use history::{Filter, Found, History};

use crate::decide::{Binding, DecidedBy, Failure};
use crate::diff::Change;
use crate::router::Cause;
use model::history::Figures;
use model::{Answer, Label, PolicyKind, PolicyMode, Question, StreamPattern};
use parking_lot::Mutex;
use plugin::{Bound, Recorded, Tape};
use ring::Ring;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Decisions that a new version of a plugin makes again, for each policy it is bound by.
const REPLAYED: usize = 50;

/// One decision.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Grows with each decision, over restarts too where there is a history.
    pub id: u64,
    /// Unix milliseconds.
    pub at_unix_ms: u64,
    /// For which stream, channel or composite; by the name it has, not the one asked for.
    pub stream: String,
    /// What asked for it.
    pub cause: Cause,
    /// Who made it.
    pub decided_by: DecidedBy,
    /// The policy that was asked; none: the built-in one.
    pub policy: Option<Arc<Binding>>,
    /// The author's version of its plugin.
    pub version: String,
    /// SHA-256 of the component, hexadecimal; none if the plugin was gone.
    pub hash: Option<String>,
    /// What was asked.
    pub question: Arc<Question>,
    /// What holds from now on; none: there was nothing to choose from.
    pub answer: Option<Arc<Answer>>,
    /// Why the policy's own answer does not hold.
    pub error: Option<Failure>,
    /// From the question to the answer; 0 for the host itself.
    pub duration_us: u64,
    /// What else the policy's answer came from.
    pub tape: Tape,
    /// What it changed.
    pub changes: Vec<Change>,
    /// What of the answer cannot be done, and why.
    pub refused: Vec<String>,
}

/// A decision as it leaves the process: one line of JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: u64,
    at_unix_ms: u64,
    kind: PolicyKind,
    stream: &'a str,
    cause: Cause,
    decided_by: DecidedBy,
    plugin: Option<&'a Label>,
    version: &'a str,
    hash: Option<&'a str>,
    pattern: Option<&'a StreamPattern>,
    mode: Option<PolicyMode>,
    config_hash: Option<&'a str>,
    config: Option<serde_json::Value>,
    question: &'a Question,
    answer: Option<&'a Answer>,
    error: Option<&'a Failure>,
    duration_us: u64,
    tape: Option<&'a Tape>,
    changes: &'a [Change],
    refused: &'a [String],
}

impl Decision {
    /// What was decided.
    pub fn kind(&self) -> PolicyKind {
        self.question.kind()
    }

    /// The plugin that was asked.
    pub fn plugin(&self) -> Option<&Label> {
        self.policy.as_ref().map(|policy| &policy.spec.plugin)
    }

    /// As one line of JSON, without a line's end.
    pub fn json(&self, keep_secrets: bool) -> String {
        let hidden = (!keep_secrets).then(|| secrets::hide(self));
        let decision = hidden.as_ref().unwrap_or(self);
        let policy = self.policy.as_deref();
        let config = policy.map(|policy| match keep_secrets {
            true => policy.spec.config.clone(),
            false => secrets::hide_config(policy.spec.kind, &policy.spec.config),
        });
        // A token that is not there cannot be judged again, and what was looked up for it is
        // as secret as it was.
        let replayable = keep_secrets || self.kind() != PolicyKind::Auth;
        let shown = Shown {
            id: self.id,
            at_unix_ms: self.at_unix_ms,
            kind: self.kind(),
            stream: &decision.stream,
            cause: self.cause,
            decided_by: self.decided_by,
            plugin: self.plugin(),
            version: &self.version,
            hash: self.hash.as_deref(),
            pattern: policy.map(|policy| &policy.spec.streams),
            mode: policy.map(|policy| policy.spec.mode),
            config_hash: policy.map(|policy| &*policy.config_hash),
            config,
            question: &decision.question,
            answer: decision.answer.as_deref(),
            error: self.error.as_ref(),
            duration_us: self.duration_us,
            tape: (policy.is_some() && replayable).then_some(&self.tape),
            changes: &self.changes,
            refused: &self.refused,
        };
        // Maps have text for keys and floats are finite or null: nothing here can fail.
        serde_json::to_string(&shown).unwrap_or_default()
    }
}

/// Counts of one kind's decisions since the start, logged or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Questions answered, dry runs and comparisons aside.
    pub evaluations: u64,
    /// Of these, those that a policy failed to answer.
    pub failures: u64,
    /// Of the failures, answers that did not come in time.
    pub late: u64,
    /// Of auth: those who were turned away.
    pub denied: u64,
    /// Decisions written to the log.
    pub logged: u64,
    /// Microseconds spent waiting for plugins.
    pub duration_us: u64,
}

#[derive(Debug, Default)]
struct Kept {
    ring: Ring,
    totals: Totals,
}

/// The log of all kinds.
pub(crate) struct Log {
    kinds: [Mutex<Kept>; PolicyKind::ALL.len()],
    /// Of this process.
    first_id: u64,
    next_id: AtomicU64,
    keep_secrets: bool,
    history: Option<Arc<dyn History>>,
}

impl Log {
    pub(crate) fn new(keep_secrets: bool, history: Option<Arc<dyn History>>) -> Self {
        let first_id = history.as_ref().map_or(1, |history| history.next_id());
        Self {
            kinds: Default::default(),
            first_id,
            next_id: AtomicU64::new(first_id),
            keep_secrets,
            history,
        }
    }

    fn kept(&self, kind: PolicyKind) -> &Mutex<Kept> {
        let [routing, selection, layout, auth] = &self.kinds;
        match kind {
            PolicyKind::Selection => selection,
            PolicyKind::Layout => layout,
            PolicyKind::Auth => auth,
            // `PolicyKind` grows with the kinds there are here.
            _ => routing,
        }
    }

    /// Counts an evaluation, whether or not it is worth a line.
    pub(crate) fn count(&self, kind: PolicyKind, duration_us: u64, error: Option<&Failure>) {
        let totals = &mut self.kept(kind).lock().totals;
        totals.evaluations += 1;
        totals.failures += u64::from(error.is_some());
        totals.late += u64::from(error.is_some_and(Failure::is_late));
        totals.duration_us += duration_us;
    }

    /// Counts somebody who was turned away.
    pub(crate) fn count_denied(&self) {
        self.kept(PolicyKind::Auth).lock().totals.denied += 1;
    }

    /// Keeps a decision; its id is set here.
    pub(crate) fn push(&self, mut decision: Decision) {
        decision.id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (kind, decision) = (decision.kind(), Arc::new(decision));
        {
            let kept = &mut *self.kept(kind).lock();
            kept.totals.logged += 1;
            kept.ring.push(decision.clone());
        }
        if let Some(history) = &self.history {
            history.keep(history::line(decision, self.keep_secrets));
        }
    }

    /// Counts of a kind.
    pub(crate) fn totals(&self, kind: PolicyKind) -> Totals {
        self.kept(kind).lock().totals
    }

    /// How the history fares, if there is one.
    pub(crate) fn history(&self) -> Option<Figures> {
        self.history.as_ref().map(|history| history.figures())
    }

    /// The matching decisions that are in memory, oldest first.
    pub(crate) fn recent(&self, filter: &Filter) -> Vec<Arc<Decision>> {
        let kinds = PolicyKind::ALL
            .into_iter()
            .filter(|kind| filter.takes(*kind));
        let mut found: Vec<_> = kinds
            .flat_map(|kind| {
                let kept = self.kept(kind).lock();
                let fitting = kept.ring.iter().filter(|it| filter.fits(it));
                fitting.cloned().collect::<Vec<_>>()
            })
            .collect();
        found.sort_by_key(|it| it.id);
        filter.limited(found)
    }

    /// The matching decisions as lines of JSON, oldest first, those of the history included.
    pub(crate) async fn find(&self, filter: &Filter) -> Found {
        let recent = self.recent(&Filter {
            limit: None,
            ..filter.clone()
        });
        let Some(history) = &self.history else {
            let lines = self.lines(filter.limited(recent));
            return Found {
                lines,
                history_error: None,
            };
        };
        // From here on memory has all there is; before, it has some of it, and before the first
        // decision of this process nothing.
        let kinds = PolicyKind::ALL
            .into_iter()
            .filter(|kind| filter.takes(*kind));
        let whole_from = kinds
            .map(|kind| self.kept(kind).lock().ring.whole_from())
            .fold(self.first_id, u64::max);
        let recent: Vec<_> = recent
            .into_iter()
            .filter(|it| it.id >= whole_from)
            .collect();
        let limit = filter.limit.unwrap_or(usize::MAX);
        let missing = match filter.after {
            Some(after) if after >= whole_from => 0,
            // Older ones come first, as many as there are.
            Some(_) => limit,
            None => limit.saturating_sub(recent.len()),
        };
        let older = if missing == 0 {
            Ok(Vec::new())
        } else {
            history.find(filter.in_history(whole_from, missing)).await
        };
        let (mut lines, history_error) = match older {
            Ok(lines) => (lines, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let room = limit.saturating_sub(lines.len());
        let recent = Filter {
            limit: Some(room),
            ..filter.clone()
        }
        .limited(recent);
        lines.extend(self.lines(recent));
        Found {
            lines,
            history_error,
        }
    }

    fn lines(&self, decisions: Vec<Arc<Decision>>) -> Vec<String> {
        let line = |it: Arc<Decision>| it.json(self.keep_secrets);
        decisions.into_iter().map(line).collect()
    }

    /// What a new version of a policy's plugin has to serve: its configuration, and the newest
    /// decisions made under it.
    pub(crate) fn bound(&self, binding: &Binding) -> Bound {
        let spec = &binding.spec;
        let made_by = |decision: &&Arc<Decision>| {
            let policy = decision.policy.as_ref();
            decision.decided_by == DecidedBy::Plugin
                && policy.is_some_and(|it| {
                    it.spec.plugin == spec.plugin && it.config_hash == binding.config_hash
                })
        };
        let kept = self.kept(spec.kind).lock();
        let newest = kept.ring.iter().rev().filter(made_by).take(REPLAYED);
        let recorded = newest.filter_map(|decision| {
            Some(Recorded {
                id: decision.id,
                question: (*decision.question).clone(),
                answer: decision.answer.as_deref()?.clone(),
                tape: decision.tape.clone(),
            })
        });
        let mut recorded: Vec<_> = recorded.collect();
        recorded.reverse();
        Bound {
            what: binding.what(),
            kind: spec.kind,
            config: spec.config.clone(),
            recorded,
        }
    }
}

#[cfg(test)]
mod tests;
