//! The routing kind: the bounds on what comes back, and a sample to try candidates on.

use crate::bounds::{
    Checked, MAX_NAME_BYTES, MAX_TEXT_BYTES, MAX_URL_BYTES, each, most, optional, pairs, text,
    unique,
};
use model::routing::{Plan, PlannedOutput, RoutingState};

/// Outputs in a plan.
pub const MAX_OUTPUTS: usize = 200;
/// Protocols in a plan's `serve`.
pub const MAX_SERVE: usize = 32;
/// Sources that stand in.
pub const MAX_FAILOVER: usize = 32;
/// Alerts in a plan.
pub const MAX_ALERTS: usize = 32;

/// Whether a plan keeps within the bounds its WIT file names.
pub(crate) fn check(plan: &Plan) -> Checked {
    optional("on-air", plan.on_air.as_deref(), MAX_TEXT_BYTES)?;
    each("failover", &plan.failover, MAX_FAILOVER, MAX_TEXT_BYTES)?;
    optional("slate", plan.slate.as_deref(), MAX_TEXT_BYTES)?;
    let serve = plan.serve.as_deref().unwrap_or_default();
    each("serve", serve, MAX_SERVE, MAX_NAME_BYTES)?;
    text("reason", &plan.reason, MAX_TEXT_BYTES)?;
    pairs("labels", &plan.labels)?;
    pairs("attributes", &plan.attributes)?;
    check_outputs(&plan.outputs)?;
    most("alerts", plan.alerts.len(), MAX_ALERTS)?;
    for alert in &plan.alerts {
        text("code of an alert", &alert.code, MAX_NAME_BYTES)?;
        text("message of an alert", &alert.message, MAX_TEXT_BYTES)?;
    }
    unique("alert code", plan.alerts.iter().map(|alert| &*alert.code))
}

fn check_outputs(outputs: &[PlannedOutput]) -> Checked {
    most("outputs", outputs.len(), MAX_OUTPUTS)?;
    for output in outputs {
        text("name of an output", &output.name, MAX_NAME_BYTES)?;
        optional("url of an output", output.url.as_deref(), MAX_URL_BYTES)?;
        pairs("params of an output", &output.params)?;
        pairs("attributes of an output", &output.attributes)?;
    }
    unique("output name", outputs.iter().map(|output| &*output.name))
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
