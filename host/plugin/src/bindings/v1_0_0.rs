//! `pointsman:policy@1.0.0`.

use crate::guest::{Guest, Level};
use model::routing as newest;
use wasmtime::component::{HasSelf, Linker};

mod generated {
    #![allow(missing_docs, unreachable_pub, clippy::all)]
    wasmtime::component::bindgen!({
        path: "../../wit/1.0.0",
        world: "routing-policy",
        exports: { default: async },
        // States are lent to the guest, not copied first.
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

pub(crate) use generated::exports::pointsman::policy::metadata::Info;
use generated::exports::pointsman::policy::routing as wit;
use generated::pointsman::policy::log;
pub(crate) use generated::{RoutingPolicy, RoutingPolicyPre};

pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    log::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl log::Host for Guest {
    fn write(&mut self, level: log::Level, message: String) {
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        Guest::write(self, level, message);
    }
}

type Pairs<'a> = Vec<wit::PairParam<'a>>;

/// A state in the shape the guest is lent it. Lists are borrowed slices all the way down, so
/// they are gathered first, in one pass, and put together in the next.
pub(crate) struct Lender<'a> {
    state: &'a newest::RoutingState,
    labels: Pairs<'a>,
    attributes: Pairs<'a>,
    sources: Vec<[Pairs<'a>; 3]>,
    outputs: Vec<Pairs<'a>>,
}

impl<'a> Lender<'a> {
    pub(crate) fn new(state: &'a newest::RoutingState) -> Self {
        let of_source = |source: &'a newest::Source| {
            let video = source.video.as_ref().map(|track| pairs(&track.attributes));
            let audio = source.audio.as_ref().map(|track| pairs(&track.attributes));
            [
                pairs(&source.attributes),
                video.unwrap_or_default(),
                audio.unwrap_or_default(),
            ]
        };
        Self {
            state,
            labels: pairs(&state.labels),
            attributes: pairs(&state.attributes),
            sources: state.sources.iter().map(of_source).collect(),
            outputs: state
                .outputs
                .iter()
                .map(|it| pairs(&it.attributes))
                .collect(),
        }
    }

    pub(crate) fn sources(&self) -> Vec<wit::Source<'_>> {
        let sources = self.state.sources.iter().zip(&self.sources);
        sources
            .map(|(source, of)| lend_source(source, of))
            .collect()
    }

    pub(crate) fn outputs(&self) -> Vec<wit::OutputState<'_>> {
        let outputs = self.state.outputs.iter().zip(&self.outputs);
        outputs
            .map(|(output, of)| lend_output(output, of))
            .collect()
    }

    pub(crate) fn state<'s>(
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

fn pairs(map: &newest::Attributes) -> Pairs<'_> {
    map.iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
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
            outputs: plan.outputs.into_iter().map(Into::into).collect(),
            serve: plan.serve,
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
