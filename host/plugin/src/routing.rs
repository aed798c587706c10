//! The routing kind: the call, and the bounds on what comes back.

use crate::bindings::v1_0_0;
use crate::call::CallError;
use crate::engine::Runtime;
use crate::guest::{Guest, Log, cut};
use model::routing::{Attributes, Plan, RoutingState};
use std::sync::Arc;
use wasmtime::component::InstancePre;

/// The exported interface, newest version first.
pub(crate) const EXPORTS: &[&str] = &["pointsman:policy/routing@1.0.0"];

/// Outputs in a plan.
pub const MAX_OUTPUTS: usize = 200;
/// Protocols in a plan's `serve`.
pub const MAX_SERVE: usize = 32;
/// Parameters or attributes in one list.
pub const MAX_PAIRS: usize = 64;
/// Bytes of a name.
pub const MAX_NAME_BYTES: usize = 128;
/// Bytes of a URL.
pub const MAX_URL_BYTES: usize = 2_048;
/// Bytes of other texts.
pub const MAX_TEXT_BYTES: usize = 1_024;

/// A component's routing policy, ready to be instantiated.
pub(crate) struct Router(v1_0_0::RoutingPolicyPre<Guest>);

impl Router {
    pub(crate) fn new(component: InstancePre<Guest>) -> wasmtime::Result<Self> {
        v1_0_0::RoutingPolicyPre::new(component).map(Self)
    }

    /// Asks what the component is.
    pub(crate) async fn describe(
        &self,
        runtime: &Runtime,
        log: &Arc<Log>,
    ) -> Result<v1_0_0::Info, CallError> {
        let mut store = Guest::store(runtime, log);
        let run = async {
            let instance = self.0.instantiate_async(&mut store).await?;
            let metadata = instance.pointsman_policy_metadata();
            metadata.call_describe(&mut store).await
        };
        let outcome = runtime.bounded(run).await;
        runtime.judge(store.data(), outcome)
    }

    /// One decision, by a fresh instance.
    pub(crate) async fn route(
        &self,
        runtime: &Runtime,
        log: &Arc<Log>,
        state: &RoutingState,
        config: &str,
    ) -> Result<Plan, CallError> {
        let mut store = Guest::store(runtime, log);
        let run = async {
            let instance = self.0.instantiate_async(&mut store).await?;
            self.ask(&mut store, &instance, state, config).await
        };
        let outcome = runtime.bounded(run).await;
        let answer = runtime.judge(store.data(), outcome)?;
        let plan = answer.map_err(|text| CallError::Refused(cut(text, MAX_TEXT_BYTES)))?;
        check(&plan)?;
        Ok(plan)
    }

    async fn ask(
        &self,
        store: &mut wasmtime::Store<Guest>,
        instance: &v1_0_0::RoutingPolicy,
        state: &RoutingState,
        config: &str,
    ) -> wasmtime::Result<Result<Plan, String>> {
        let lender = v1_0_0::Lender::new(state);
        let (sources, outputs) = (lender.sources(), lender.outputs());
        let state = lender.state(&sources, &outputs);
        let routing = instance.pointsman_policy_routing();
        let answer = routing.call_route(store, state, config).await?;
        Ok(answer.map(Plan::from))
    }
}

/// Whether a plan keeps within the bounds its WIT file names.
fn check(plan: &Plan) -> Result<(), CallError> {
    most("outputs", plan.outputs.len(), MAX_OUTPUTS)?;
    text(
        "on-air",
        plan.on_air.as_deref().unwrap_or_default(),
        MAX_TEXT_BYTES,
    )?;
    text("reason", &plan.reason, MAX_TEXT_BYTES)?;
    pairs("attributes", &plan.attributes)?;
    let serve = plan.serve.as_deref().unwrap_or_default();
    most("serve", serve.len(), MAX_SERVE)?;
    for protocol in serve {
        text("serve", protocol, MAX_NAME_BYTES)?;
    }
    let mut names = std::collections::BTreeSet::new();
    for output in &plan.outputs {
        text("name of an output", &output.name, MAX_NAME_BYTES)?;
        text(
            "url of an output",
            output.url.as_deref().unwrap_or_default(),
            MAX_URL_BYTES,
        )?;
        pairs("params of an output", &output.params)?;
        pairs("attributes of an output", &output.attributes)?;
        if output.name.is_empty() || !names.insert(&output.name) {
            let name = &output.name;
            return Err(CallError::BadResult(format!(
                "output name {name:?} is empty or there twice: names must be unique"
            )));
        }
    }
    Ok(())
}

fn most(what: &str, count: usize, limit: usize) -> Result<(), CallError> {
    if count <= limit {
        return Ok(());
    }
    Err(CallError::BadResult(format!(
        "{count} {what}, at most {limit} are taken"
    )))
}

fn text(what: &str, text: &str, limit: usize) -> Result<(), CallError> {
    if text.len() <= limit {
        return Ok(());
    }
    let len = text.len();
    Err(CallError::BadResult(format!(
        "{what} has {len} bytes, at most {limit} are taken"
    )))
}

fn pairs(what: &str, pairs: &Attributes) -> Result<(), CallError> {
    most(what, pairs.len(), MAX_PAIRS)?;
    for (key, value) in pairs {
        text(what, key, MAX_TEXT_BYTES)?;
        text(what, value, MAX_TEXT_BYTES)?;
    }
    Ok(())
}

/// A state like those in real use, for trying a candidate and for measuring: two sources,
/// one declared output.
pub fn sample_state() -> RoutingState {
    use model::routing::{Audio, OutputState, Source, Video};
    let source = |id: &str, on_air| Source {
        id: id.to_owned(),
        protocol: "udp".to_owned(),
        connected: true,
        on_air,
        bitrate_bps: 4_000_000,
        packet_age_ms: Some(12),
        uptime_ms: 60_000,
        video: Some(Video {
            codec: "h264".to_owned(),
            width: 1280,
            height: 720,
            fps_milli: 25_000,
            ..Video::default()
        }),
        audio: Some(Audio {
            codec: "aac".to_owned(),
            sample_rate_hz: 48_000,
            channels: 2,
            ..Audio::default()
        }),
        ..Source::default()
    };
    RoutingState {
        stream: "live/sample".to_owned(),
        now_unix_ms: 1_767_225_600_000,
        labels: [("site".to_owned(), "sample".to_owned())].into(),
        sources: vec![source("main", true), source("spare", false)],
        outputs: vec![OutputState {
            name: "archive".to_owned(),
            url: "udp://127.0.0.1:6000".to_owned(),
            declared: true,
            enabled: true,
            state: "live".to_owned(),
            since_unix_ms: 1_767_225_540_000,
            bitrate_bps: 4_000_000,
            ..OutputState::default()
        }],
        readers: 3,
        ..RoutingState::default()
    }
}
