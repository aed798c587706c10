//! `routing`: states are lent, plans taken over.

use super::{Pairs, exports::routing as wit, lend};
use crate::guest::Guest;
use model::routing as newest;
use wasmtime::Store;

pub(super) async fn ask(
    routing: &wit::Guest,
    store: &mut Store<Guest>,
    state: &newest::RoutingState,
    config: &str,
) -> wasmtime::Result<Result<newest::Plan, String>> {
    let lender = Lender::new(state);
    let (sources, outputs) = (lender.sources(), lender.outputs());
    let state = lender.state(&sources, &outputs);
    let answer = routing.call_route(store, state, config).await?;
    Ok(answer.map(newest::Plan::from))
}

/// A state in the shape the guest is lent it. Lists are borrowed slices all the way down, so
/// they are gathered first, in one pass, and put together in the next.
struct Lender<'a> {
    state: &'a newest::RoutingState,
    labels: Pairs<'a>,
    attributes: Pairs<'a>,
    sources: Vec<[Pairs<'a>; 3]>,
    outputs: Vec<Pairs<'a>>,
}

impl<'a> Lender<'a> {
    fn new(state: &'a newest::RoutingState) -> Self {
        let of_source = |source: &'a newest::Source| {
            let video = source.video.as_ref().map(|track| lend(&track.attributes));
            let audio = source.audio.as_ref().map(|track| lend(&track.attributes));
            [
                lend(&source.attributes),
                video.unwrap_or_default(),
                audio.unwrap_or_default(),
            ]
        };
        Self {
            state,
            labels: lend(&state.labels),
            attributes: lend(&state.attributes),
            sources: state.sources.iter().map(of_source).collect(),
            outputs: state
                .outputs
                .iter()
                .map(|it| lend(&it.attributes))
                .collect(),
        }
    }

    fn sources(&self) -> Vec<wit::Source<'_>> {
        let sources = self.state.sources.iter().zip(&self.sources);
        sources
            .map(|(source, of)| lend_source(source, of))
            .collect()
    }

    fn outputs(&self) -> Vec<wit::OutputState<'_>> {
        let outputs = self.state.outputs.iter().zip(&self.outputs);
        outputs
            .map(|(output, of)| lend_output(output, of))
            .collect()
    }

    fn state<'s>(
        &'s self,
        sources: &'s [wit::Source<'s>],
        outputs: &'s [wit::OutputState<'s>],
    ) -> wit::State<'s> {
        wit::State {
            stream: &self.state.stream,
            now_unix_ms: self.state.now_unix_ms,
            utc_offset_minutes: self.state.utc_offset_minutes,
            labels: &self.labels,
            sources,
            outputs,
            readers: self.state.readers,
            attributes: &self.attributes,
        }
    }
}

fn lend_source<'s>(source: &'s newest::Source, of: &'s [Pairs<'s>; 3]) -> wit::Source<'s> {
    let [attributes, video, audio] = of;
    wit::Source {
        id: &source.id,
        protocol: &source.protocol,
        connected: source.connected,
        on_air: source.on_air,
        bitrate_bps: source.bitrate_bps,
        packet_age_ms: source.packet_age_ms,
        continuity_errors: source.continuity_errors,
        uptime_ms: source.uptime_ms,
        video: source.video.as_ref().map(|track| wit::Video {
            codec: &track.codec,
            width: track.width,
            height: track.height,
            fps_milli: track.fps_milli,
            attributes: video,
        }),
        audio: source.audio.as_ref().map(|track| wit::Audio {
            codec: &track.codec,
            sample_rate_hz: track.sample_rate_hz,
            channels: track.channels,
            attributes: audio,
        }),
        attributes,
    }
}

fn lend_output<'s>(output: &'s newest::OutputState, of: &'s Pairs<'s>) -> wit::OutputState<'s> {
    wit::OutputState {
        name: &output.name,
        url: &output.url,
        declared: output.declared,
        enabled: output.enabled,
        state: &output.state,
        since_unix_ms: output.since_unix_ms,
        attempt: output.attempt,
        bitrate_bps: output.bitrate_bps,
        drops: output.drops,
        attributes: of,
    }
}

impl From<wit::Plan> for newest::Plan {
    fn from(plan: wit::Plan) -> Self {
        Self {
            on_air: plan.on_air,
            failover: plan.failover,
            slate: plan.slate,
            outputs: plan.outputs.into_iter().map(Into::into).collect(),
            serve: plan.serve,
            labels: plan.labels.into_iter().collect(),
            alerts: plan.alerts.into_iter().map(Into::into).collect(),
            reason: plan.reason,
            attributes: plan.attributes.into_iter().collect(),
        }
    }
}

impl From<wit::Output> for newest::PlannedOutput {
    fn from(output: wit::Output) -> Self {
        Self {
            name: output.name,
            url: output.url,
            params: output.params.into_iter().collect(),
            attributes: output.attributes.into_iter().collect(),
        }
    }
}

impl From<wit::Alert> for newest::Alert {
    fn from(alert: wit::Alert) -> Self {
        let severity = match alert.severity {
            wit::Severity::Info => newest::Severity::Info,
            wit::Severity::Warning => newest::Severity::Warning,
            wit::Severity::Critical => newest::Severity::Critical,
        };
        Self {
            code: alert.code,
            severity,
            message: alert.message,
        }
    }
}
