//! Routing: the state is put together, the decider asked beside the actor, and its answer made
//! true by the actor, one at a time.

use crate::actor::Control;
use crate::decide::{Asking, Binding, DecidedBy, Failure, Ruling};
use crate::desired::Input;
use crate::diff;
use crate::plan::{self, Resolved};
use crate::router::Turn;
use crate::spec;
use crate::state::{self, Clock, OutputReport};
use crate::view::{Parts, RoutingView, StreamView};
use gateway::srt::ConnectionFigures;
use hub::StreamSnapshot;
use model::routing::{Alert, Attributes, Plan, RoutingState};
use model::{Answer, Event, Label, PolicyKind, PolicySpec, Question, StreamName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::task::JoinError;

/// Policies asked at the same time.
const MAX_ASKED: usize = 64;

/// Under which decision a stream stands.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// What the plugin last answered, whole.
    last_good: Option<Arc<Answer>>,
    /// The plan in force.
    plan: Option<Arc<Answer>>,
    /// The same, understood; none before the first decision.
    resolved: Option<Resolved>,
    /// Why the last call failed, if it did.
    error: Option<Failure>,
}

impl Decided {
    pub(crate) fn resolved(&self) -> Option<&Resolved> {
        self.resolved.as_ref()
    }
}

/// What was decided for a stream whose turn it was.
pub(crate) struct Decision {
    turn: Turn,
    ruling: Ruling,
}

/// The plan of a routing answer; no other comes here.
fn plan_of(answer: &Answer) -> Option<&Plan> {
    match answer {
        Answer::Routing(plan) => Some(plan),
        _ => None,
    }
}

impl Control {
    /// Whether another policy may be asked now.
    pub(crate) fn may_ask(&self) -> bool {
        self.asked.len() < MAX_ASKED
    }

    /// Asks for every decision that is due. The built-in policy answers at once.
    pub(crate) async fn decide_due(&mut self) {
        while self.may_ask() {
            let Some(turn) = self.router.poll_turn(Instant::now()) else {
                return;
            };
            let Some(state) = self.state_of(&turn.stream) else {
                self.router.remove(&turn.stream);
                continue;
            };
            let decided = self.decided.get(&turn.stream);
            let asking = Asking {
                question: Arc::new(Question::Routing(state)),
                cause: turn.cause,
                library: None,
                last_good: decided.and_then(|decided| decided.last_good.clone()),
            };
            let (kind, decider) = (PolicyKind::Routing, self.decider.clone());
            let deciding = decider.deciding(kind, turn.stream.as_str());
            if deciding.decides.is_some() {
                self.asked.spawn(async move {
                    let ruling = decider.ask(deciding, asking).await;
                    Decision { turn, ruling }
                });
            } else {
                // Nobody is waited for: a shadow is asked beside.
                let ruling = decider.ask(deciding, asking).await;
                self.settle(Decision { turn, ruling }).await;
            }
        }
    }

    pub(crate) async fn settle_joined(&mut self, decision: Result<Decision, JoinError>) {
        match decision {
            Ok(decision) => self.settle(decision).await,
            // Calls are aborted at shutdown only.
            Err(error) => tracing::debug!(%error, "a policy call broke off"),
        }
    }

    /// Makes a decision true, unless its stream or its policy is no longer the same.
    async fn settle(&mut self, decision: Decision) {
        let Decision { turn, ruling } = decision;
        if !self.router.finish(&turn, Instant::now()) {
            return;
        }
        let name = &turn.stream;
        let spec = |policy: &Option<Arc<Binding>>| policy.as_ref().map(|it| it.spec.clone());
        if self.routing_policy(name) != spec(&ruling.policy) {
            return; // the router was told when the policy changed
        }
        let Some((answer, plan)) = ruling.answer.as_ref().and_then(|answer| {
            let plan = plan_of(answer)?;
            Some((answer.clone(), plan))
        }) else {
            return; // routing always has an answer
        };
        let sources = sources_of(&ruling.question);
        let resolved = plan::resolve(plan, &sources, spec::input(&self.desired, name));
        let decided = self.decided.entry(name.clone()).or_default();
        let same_error =
            decided.error.as_ref().map(|it| it.code) == ruling.error.as_ref().map(|it| it.code);
        let news = decided.resolved.as_ref() != Some(&resolved) || !same_error;
        if news && !resolved.refused.is_empty() {
            self.decider.tell_refused(name, &resolved.refused);
        }
        if ruling.decided_by == DecidedBy::Plugin {
            decided.last_good = Some(answer.clone());
        }
        decided.plan = Some(answer);
        decided.error.clone_from(&ruling.error);
        let refused = resolved.refused.clone();
        let alerts = resolved.alerts.clone();
        let before = decided.resolved.replace(resolved);
        let told = before.map(|before| before.alerts).unwrap_or_default();
        self.tell_alerts(name, &told, &alerts);

        let changes = self.follow_plan(name).await;
        if news || !changes.is_empty() {
            self.gallery.turn();
            self.decider.record(ruling, changes, refused);
        }
    }

    /// Closes the gap between a stream's plan and what runs.
    async fn follow_plan(&mut self, name: &StreamName) -> Vec<diff::Change> {
        let mut changes = Vec::new();
        let (running, wanted) = (self.running.shape_of(name), self.wanted(name));
        diff::stream(name, running.as_ref(), wanted.as_ref(), &mut changes);
        self.apply(&changes).await;
        changes
    }

    /// A source began or ceased to deliver: goes over to another one at once, where the plan
    /// names any, before the policy is asked.
    pub(crate) async fn stand_in(&mut self, name: &StreamName) {
        let decided = self.decided.get(name).and_then(Decided::resolved);
        if !decided.is_some_and(Resolved::has_stand_ins) {
            return;
        }
        for change in self.follow_plan(name).await {
            if let diff::Change::Take { stream, source } = change {
                tracing::info!(%stream, %source, "goes on air by the plan's order of failover");
            }
        }
    }

    /// Tells of alerts that are new, or graver than they were, and of those that went.
    pub(crate) fn tell_alerts(&self, stream: &StreamName, before: &[Alert], now: &[Alert]) {
        let severity = |all: &[Alert], code: &str| {
            let alert = all.iter().find(|alert| alert.code == code);
            alert.map(|alert| alert.severity)
        };
        let stream = || stream.clone();
        for alert in now {
            if severity(before, &alert.code) != Some(alert.severity) {
                self.registry.announce(Event::AlertRaised {
                    stream: stream(),
                    code: alert.code.clone(),
                    severity: alert.severity,
                    message: alert.message.clone(),
                });
            }
        }
        for alert in before {
            if severity(now, &alert.code).is_none() {
                let code = alert.code.clone();
                let stream = stream();
                self.registry.announce(Event::AlertCleared { stream, code });
            }
        }
    }

    /// The document changed: the plans in force may mean other addresses now.
    pub(crate) fn understand_plans_anew(&mut self) {
        for (name, decided) in &mut self.decided {
            let sources: Vec<Label> = self
                .running
                .stream(name)
                .map(|stream| stream.snapshot(Instant::now()).sources)
                .into_iter()
                .flatten()
                .map(|source| source.id)
                .collect();
            let input = spec::input(&self.desired, name);
            let plan = decided.plan.as_deref().and_then(plan_of);
            if let (Some(plan), true) = (plan, decided.resolved.is_some()) {
                decided.resolved = Some(plan::resolve(plan, &sources, input));
            }
        }
    }

    /// The policy whose answer counts for a stream.
    pub(crate) fn routing_policy(&self, name: &StreamName) -> Option<PolicySpec> {
        let deciding = self.decider.deciding(PolicyKind::Routing, name.as_str());
        deciding.decides.map(|policy| policy.spec.clone())
    }

    fn state_of(&self, name: &StreamName) -> Option<RoutingState> {
        let snapshot = self.running.stream(name)?.snapshot(Instant::now());
        let input = spec::input(&self.desired, name);
        let outputs = self.output_reports(name, input);
        let none = Attributes::new();
        let planned = self.decided.get(name).and_then(Decided::resolved);
        let planned = planned.map_or(&none, |resolved| &resolved.labels);
        let clock = self.clock();
        Some(state::routing_state(
            clock, &snapshot, input, planned, &outputs,
        ))
    }

    fn clock(&self) -> Clock {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let unix_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let utc_offset_minutes = (self.settings.utc_offset_minutes)(since.as_secs());
        Clock {
            unix_ms,
            utc_offset_minutes,
        }
    }

    /// Declared outputs in the document's order, then those only the plan asks for.
    fn output_reports(&self, name: &StreamName, input: Option<&Input>) -> Vec<OutputReport> {
        let mut links = self.running.outputs(name);
        let none = BTreeMap::new();
        let resolved = self.decided.get(name).and_then(Decided::resolved);
        let targets = resolved.map_or(&none, |resolved| &resolved.outputs);
        let declared = input.map_or(&[][..], |input| &input.outputs);
        let mut seen = BTreeSet::new();
        let mut reports = Vec::new();
        for output in declared {
            seen.insert(&output.name);
            let report = links.remove(&output.name).unwrap_or_default();
            let mut report =
                report.of_output(&output.name, targets.get(&output.name), Some(output));
            report.standing = self.timetable.of(name, &output.name);
            reports.push(report);
        }
        for (name, target) in targets.iter().filter(|(name, _)| !seen.contains(name)) {
            let report = links.remove(name).unwrap_or_default();
            reports.push(report.of_output(name, Some(target), None));
        }
        reports
    }

    pub(crate) fn views(&self) -> Vec<StreamView> {
        let srt = self.running.srt_connections();
        self.running
            .names()
            .filter_map(|name| self.view_with(name, &srt))
            .collect()
    }

    fn view_with(&self, name: &StreamName, srt: &[ConnectionFigures]) -> Option<StreamView> {
        let snapshot: StreamSnapshot = self.running.stream(name)?.snapshot(Instant::now());
        let input = spec::input(&self.desired, name);
        let resolved = self.decided.get(name).and_then(Decided::resolved);
        let parts = Parts {
            input,
            labels: resolved.map(|it| it.labels.clone()).unwrap_or_default(),
            alerts: resolved.map(|it| it.alerts.clone()).unwrap_or_default(),
            source_links: self.running.sources(name),
            outputs: self.output_reports(name, input),
            routing: self.routing_view(name),
            srt,
        };
        Some(StreamView::new(&snapshot, parts))
    }

    fn routing_view(&self, name: &StreamName) -> RoutingView {
        let policy = self.routing_policy(name);
        let mut view = RoutingView {
            plugin: policy.as_ref().map(|policy| policy.plugin.clone()),
            streams: policy.map(|policy| policy.streams),
            ..RoutingView::default()
        };
        if let Some(decided) = self.decided.get(name) {
            let plan = decided.plan.as_deref().and_then(plan_of);
            view.reason = plan.map(|plan| plan.reason.clone()).unwrap_or_default();
            view.error = decided.error.as_ref().map(|error| error.message.clone());
        }
        if let Some(resolved) = self.decided.get(name).and_then(Decided::resolved) {
            view.failover.clone_from(&resolved.failover);
            view.slate.clone_from(&resolved.slate);
            view.refused.clone_from(&resolved.refused);
        }
        view
    }
}

fn sources_of(question: &Question) -> Vec<Label> {
    match question {
        Question::Routing(state) => {
            let ids = state.sources.iter().map(|source| source.id.parse());
            ids.filter_map(Result::ok).collect()
        }
        _ => Vec::new(),
    }
}
