//! A routing decision, from a stream's state to what would change.

use super::{Rounds, Stand, Times};
use crate::Options;
use crate::contender::Built;
use crate::report::Figure;
use anyhow::{Context, Result, ensure};
use control::decide::{Asking, DecidedBy};
use control::desired::{Desired, Rules};
use control::diff::{self, StreamShape};
use control::state::{Clock, OutputReport};
use control::{Cause, Decider, plan, state};
use model::routing::Attributes;
use model::{Answer, Label, PolicyKind, Protocol, Question, Site, StreamName};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Microseconds at the median.
const WANTED_RUST_US: f64 = 30.0;
const WANTED_JS_US: f64 = 100.0;

const CALLS: usize = 5_000;

const STREAM: &str = "live/measured";

/// By the shipped plugin.
pub(super) async fn in_rust(options: &Options, built: &Built) -> Result<Figure> {
    let rules = json!({ "rules": [{ "streams": "live/*", "serve": ["hls"],
        "outputs": [{ "name": "push", "url": "udp://127.0.0.1:7000?pkt_size=1316" }] }] });
    let stand = Stand::with(built.plugin_bytes()?, PolicyKind::Routing, rules).await?;
    let rounds = rounds(options, &stand.decider()).await?;
    Ok(rounds.figure("whole routing decision, Rust, median", WANTED_RUST_US))
}

/// By the policy of the SDK's conformance fixtures.
pub(super) async fn in_javascript(options: &Options, built: &Built) -> Result<Figure> {
    let component = built.component("sdk/js/examples/first-heard")?;
    let stand = Stand::with(component, PolicyKind::Routing, json!({})).await?;
    let rounds = rounds(options, &stand.decider()).await?;
    Ok(rounds.figure("whole routing decision, JavaScript, median", WANTED_JS_US))
}

async fn rounds(options: &Options, decider: &Decider) -> Result<Rounds> {
    let subject = Subject::new()?;
    let mut rounds = Rounds::default();
    for _ in 0..options.rounds {
        rounds.add(&Times::of(CALLS, || subject.decide(decider)).await?);
    }
    Ok(rounds)
}

/// A stream of two sources and two outputs, as the host sees it.
struct Subject {
    name: StreamName,
    registry: hub::Registry,
    desired: Desired,
    outputs: Vec<OutputReport>,
    running: StreamShape,
}

impl Subject {
    fn new() -> Result<Self> {
        let name: StreamName = STREAM.parse()?;
        let registry = hub::Registry::new(hub::Settings::default());
        let stream = registry.declare(&name, None)?;
        let source = |port: u16| json!({ "type": "udp", "address": format!("127.0.0.1:{port}") });
        let output = |name: &str, port: u16| json!({ "name": name, "url": format!("udp://127.0.0.1:{port}") });
        let site: Site = serde_json::from_value(json!({ "inputs": [{
            "name": STREAM,
            "sources": [source(5000), source(5001)],
            "outputs": [output("archive", 6000), output("wall", 6001)],
        }] }))?;
        let desired = Desired::check(site, &Rules::default(), &Site::default(), |_| Ok(()));
        let desired = desired.map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
        let input = desired
            .inputs()
            .get(&name)
            .context("the input is declared")?;
        for source in &input.sources {
            stream.declare_source(&source.id, Protocol::Udp);
        }
        let report = |name: &Label| OutputReport {
            name: name.to_string(),
            url: "udp://127.0.0.1:6000".to_owned(),
            declared: true,
            enabled: true,
            ..OutputReport::default()
        };
        let outputs = input
            .outputs
            .iter()
            .map(|output| report(&output.name))
            .collect();
        let running = StreamShape::default();
        Ok(Self {
            name,
            registry,
            desired,
            outputs,
            running,
        })
    }

    /// State, question, answer, plan, differences: all but making them true.
    async fn decide(&self, decider: &Decider) -> Result<Duration> {
        let began = Instant::now();
        let stream = self.registry.get(STREAM).context("the stream is there")?;
        let input = self.desired.inputs().get(&self.name);
        let clock = Clock {
            unix_ms: 1_800_000_000_000,
            utc_offset_minutes: 0,
        };
        let snapshot = stream.snapshot(began);
        let state =
            state::routing_state(clock, &snapshot, input, &Attributes::new(), &self.outputs);
        let asking = Asking {
            question: Arc::new(Question::Routing(state)),
            cause: Cause::Tick,
            library: None,
            last_good: None,
        };
        let ruling = decider.decide(asking).await;
        ensure!(ruling.decided_by == DecidedBy::Plugin, "{:?}", ruling.error);
        let Some(Answer::Routing(plan)) = ruling.answer.as_deref() else {
            anyhow::bail!("no plan: {:?}", ruling.error)
        };
        let sources: Vec<Label> = snapshot
            .sources
            .into_iter()
            .map(|source| source.id)
            .collect();
        let resolved = plan::resolve(plan, &sources, input);
        let outputs = resolved.outputs.into_iter();
        let wanted = StreamShape {
            outputs: outputs
                .map(|(name, target)| (name, target.shape()))
                .collect(),
            on_air: resolved.on_air,
            serve: resolved.serve,
            ..self.running.clone()
        };
        let mut changes = Vec::new();
        diff::stream(&self.name, Some(&self.running), Some(&wanted), &mut changes);
        let took = began.elapsed();
        ensure!(!changes.is_empty(), "the plan changes nothing");
        Ok(took)
    }
}
