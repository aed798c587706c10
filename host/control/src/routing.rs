//! Deciding: the state is put together, the policy asked beside the actor, and its answer made
//! true by the actor, one at a time.

use crate::actor::Control;
use crate::builtin;
use crate::decisions::{Decider, Decision};
use crate::desired::Input;
use crate::diff;
use crate::plan::{self, Resolved};
use crate::router::Turn;
use crate::spec;
use crate::state::{self, Clock, OutputReport};
use crate::view::{Parts, RoutingView, StreamView};
use gateway::srt::ConnectionFigures;
use hub::StreamSnapshot;
use model::routing::{Plan, RoutingState};
use model::{Label, PolicyKind, PolicySpec, StreamName, StreamPattern};
use plugin::{Config, Plugin, Plugins};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::task::JoinError;

/// Policies asked at the same time.
const MAX_ASKED: usize = 64;

/// The plugin plane has deadlines of its own; this one holds even if those did not, or if
/// every instance is taken.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// Under which decision a stream stands.
#[derive(Debug, Default)]
pub(crate) struct Decided {
    /// What the plugin last answered, whole.
    last_good: Option<Plan>,
    /// The plan in force.
    plan: Plan,
    /// The same, understood; none before the first decision.
    resolved: Option<Resolved>,
    /// Why the last call failed, if it did.
    error: Option<String>,
}

impl Decided {
    pub(crate) fn resolved(&self) -> Option<&Resolved> {
        self.resolved.as_ref()
    }
}

/// What a policy answered.
pub(crate) struct Answer {
    turn: Turn,
    state: RoutingState,
    policy: Option<PolicySpec>,
    sha256: String,
    result: Result<Plan, String>,
    took: Duration,
}

/// Configurations that their plugins accepted, by policy.
#[derive(Default)]
pub(crate) struct Configs(HashMap<(PolicyKind, StreamPattern), Config>);

impl Configs {
    /// Has every config that its plugin accepts; the others were refused with the document.
    pub(crate) fn of(plugins: &Plugins, policies: &[PolicySpec]) -> Self {
        let accepted = policies.iter().filter_map(|policy| {
            let config = accepted(plugins, policy).ok()?;
            Some(((policy.kind, policy.streams.clone()), config))
        });
        Self(accepted.collect())
    }

    fn get(&self, policy: &PolicySpec) -> Option<Config> {
        self.0.get(&(policy.kind, policy.streams.clone())).cloned()
    }
}

/// The policy's config as its plugin accepts it, or why it does not.
pub(crate) fn accepted(plugins: &Plugins, policy: &PolicySpec) -> Result<Config, String> {
    let Some(plugin) = plugins.get(policy.plugin.as_str()) else {
        let installed: Vec<_> = plugins
            .list()
            .into_iter()
            .map(|it| it.name.to_string())
            .collect();
        let installed = if installed.is_empty() {
            "none".to_owned()
        } else {
            installed.join(", ")
        };
        return Err(format!(
            "no plugin of that name; installed: {installed}. Put its .wasm into the plugin \
             folder, or send it to PUT /api/v1/plugins/{}",
            policy.plugin
        ));
    };
    plugin
        .config(&what(policy), &policy.config)
        .map_err(|error| error.to_string())
}

/// A policy in the words of an error.
pub(crate) fn what(policy: &PolicySpec) -> String {
    format!("policy {} for {}", policy.kind.as_str(), policy.streams)
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
            match self
                .desired
                .policy_for(PolicyKind::Routing, &turn.stream)
                .cloned()
            {
                Some(policy) => {
                    let plugin = self.plugins.get(policy.plugin.as_str());
                    let ready = plugin.zip(self.configs.get(&policy));
                    self.asked.spawn(ask(ready, turn, state, policy));
                }
                None => {
                    let result = Ok(builtin::plan(&state));
                    let (policy, sha256, took) = (None, String::new(), Duration::ZERO);
                    self.settle(Answer {
                        turn,
                        state,
                        policy,
                        sha256,
                        result,
                        took,
                    })
                    .await;
                }
            }
        }
    }

    pub(crate) async fn settle_joined(&mut self, answer: Result<Answer, JoinError>) {
        match answer {
            Ok(answer) => self.settle(answer).await,
            // Calls are aborted at shutdown only.
            Err(error) => tracing::debug!(%error, "a policy call broke off"),
        }
    }

    /// Makes an answer true, unless its stream or its policy is no longer the same.
    async fn settle(&mut self, answer: Answer) {
        if !self.router.finish(&answer.turn, Instant::now()) {
            return;
        }
        let name = &answer.turn.stream;
        if self.desired.policy_for(PolicyKind::Routing, name) != answer.policy.as_ref() {
            return; // the router was told when the policy changed
        }
        let took_us = u64::try_from(answer.took.as_micros()).unwrap_or(u64::MAX);
        self.log.count(took_us, answer.result.is_err());
        let error = answer.result.as_ref().err().cloned();
        let decided = self.decided.entry(name.clone()).or_default();
        let (plan, decider) = choose(&answer, decided);
        let sources = labels(&answer.state);
        let input = spec::input(&self.desired, name);
        let resolved = plan::resolve(&plan, &sources, input);
        let news = decided.resolved.as_ref() != Some(&resolved) || decided.error != error;
        if news && let Some(error) = &error {
            tracing::warn!(stream = %name, %error, "the routing policy failed; {}", kept(&decider));
        }
        if news && !resolved.refused.is_empty() {
            let refused = resolved.refused.join("; ");
            tracing::warn!(stream = %name, %refused, "part of the plan cannot be done");
        }
        if answer.policy.is_some() && error.is_none() {
            decided.last_good = Some(plan.clone());
        }
        let refused = resolved.refused.clone();
        decided.plan = plan.clone();
        decided.resolved = Some(resolved);
        decided.error.clone_from(&error);

        let mut changes = Vec::new();
        let (running, wanted) = (self.running.shape_of(name), self.wanted(name));
        diff::stream(name, running.as_ref(), wanted.as_ref(), &mut changes);
        self.apply(&changes).await;
        if news || !changes.is_empty() {
            self.log.push(Decision {
                id: 0,
                at_unix_ms: answer.state.now_unix_ms,
                stream: answer.turn.stream,
                cause: answer.turn.cause,
                decider,
                state: answer.state,
                plan,
                duration_us: took_us,
                changes,
                refused,
                error,
            });
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
            if decided.resolved.is_some() {
                decided.resolved = Some(plan::resolve(&decided.plan, &sources, input));
            }
        }
    }

    fn state_of(&self, name: &StreamName) -> Option<RoutingState> {
        let snapshot = self.running.stream(name)?.snapshot(Instant::now());
        let input = spec::input(&self.desired, name);
        let outputs = self.output_reports(name, input);
        Some(state::routing_state(
            self.clock(),
            &snapshot,
            input,
            &outputs,
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
            reports.push(report.of_output(&output.name, targets.get(&output.name), Some(output)));
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

    pub(crate) fn view(&self, name: &StreamName) -> Option<StreamView> {
        self.view_with(name, &self.running.srt_connections())
    }

    fn view_with(&self, name: &StreamName, srt: &[ConnectionFigures]) -> Option<StreamView> {
        let snapshot: StreamSnapshot = self.running.stream(name)?.snapshot(Instant::now());
        let input = spec::input(&self.desired, name);
        let parts = Parts {
            input,
            source_links: self.running.sources(name),
            outputs: self.output_reports(name, input),
            routing: self.routing_view(name),
            srt,
        };
        Some(StreamView::new(&snapshot, parts))
    }

    fn routing_view(&self, name: &StreamName) -> RoutingView {
        let policy = self.desired.policy_for(PolicyKind::Routing, name);
        let mut view = RoutingView {
            plugin: policy.map(|policy| policy.plugin.clone()),
            streams: policy.map(|policy| policy.streams.clone()),
            ..RoutingView::default()
        };
        if let Some(decided) = self.decided.get(name) {
            view.reason.clone_from(&decided.plan.reason);
            view.error.clone_from(&decided.error);
            let refused = decided.resolved().map(|resolved| resolved.refused.clone());
            view.refused = refused.unwrap_or_default();
        }
        view
    }
}

/// One call, beside the actor.
async fn ask(
    ready: Option<(Plugin, Config)>,
    turn: Turn,
    state: RoutingState,
    policy: PolicySpec,
) -> Answer {
    let began = Instant::now();
    let hash = ready.as_ref().and_then(|(plugin, _)| plugin.hash());
    let result = match &ready {
        None => Err(format!(
            "plugin {} is not installed any more",
            policy.plugin
        )),
        Some((plugin, config)) => {
            match tokio::time::timeout(ANSWER_LIMIT, plugin.route(&state, config)).await {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no answer within {} ms", ANSWER_LIMIT.as_millis())),
            }
        }
    };
    let sha256 = hash.map(|hash| hash.to_string()).unwrap_or_default();
    Answer {
        turn,
        state,
        policy: Some(policy),
        sha256,
        result,
        took: began.elapsed(),
    }
}

/// The plan that is in force from now on, and who made it.
fn choose(answer: &Answer, decided: &Decided) -> (Plan, Decider) {
    match (&answer.policy, &answer.result, &decided.last_good) {
        (None, Ok(plan), _) => (plan.clone(), Decider::BuiltIn),
        (Some(policy), Ok(plan), _) => {
            let (name, streams) = (policy.plugin.clone(), policy.streams.clone());
            let sha256 = answer.sha256.clone();
            (
                plan.clone(),
                Decider::Plugin {
                    name,
                    sha256,
                    streams,
                },
            )
        }
        (Some(policy), Err(_), Some(plan)) => (
            plan.clone(),
            Decider::LastGoodPlan {
                name: policy.plugin.clone(),
            },
        ),
        (_, Err(_), _) => (builtin::plan(&answer.state), Decider::BuiltIn),
    }
}

fn kept(decider: &Decider) -> &'static str {
    match decider {
        Decider::LastGoodPlan { .. } => "the last good plan stays in force",
        _ => "the built-in policy decides",
    }
}

fn labels(state: &RoutingState) -> Vec<Label> {
    state
        .sources
        .iter()
        .filter_map(|source| source.id.parse().ok())
        .collect()
}
