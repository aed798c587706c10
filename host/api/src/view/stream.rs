//! Streams: their figures, sources, outputs and viewers.

use super::addresses::{Addresses, Watch};
use super::output::{OutputView, SrtView};
use control::view as from;
use model::routing::{Alert, Severity};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use utoipa::ToSchema;

/// A stream, its figures, sources and outputs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamView {
    /// Its name.
    #[schema(example = "live/cam1")]
    name: String,
    /// Declared as an input; otherwise it lives as long as it is fed, and its grace.
    declared: bool,
    /// Since it came into being.
    uptime_ms: u64,
    /// Its native form, `ts` or `frames`, once media has come.
    form: Option<&'static str>,
    /// The source on air.
    on_air: Option<String>,
    /// Bits per second on air.
    bitrate_bps: u64,
    /// Bytes on air so far.
    bytes: u64,
    /// Marked breaks of its timeline so far.
    discontinuities: u32,
    /// Bytes that it holds in memory.
    held_bytes: usize,
    /// The picture on air.
    video: Option<VideoView>,
    /// The sound on air.
    audio: Option<AudioView>,
    /// The operator's labels, and those that the plan gives beside them.
    labels: BTreeMap<String, String>,
    /// What the plan tells an operator of, as long as it does.
    alerts: Vec<AlertView>,
    /// How many watch.
    readers: Readers,
    /// Where to watch it: an address for each protocol that it is served over.
    #[schema(example = json!({"hls": "/hls/live/cam1/index.m3u8"}))]
    watch: Watch,
    /// The plugin that decides its routing; `built-in` where none does.
    decided_by: String,
    /// The deciding plan's reason.
    reason: String,
    /// Why the last routing call failed, if it did; the last good plan is in force.
    routing_error: Option<String>,
    /// What of the plan cannot be done, and why.
    refused: Vec<String>,
    /// Sources that stand in while the one the plan put on air does not deliver, best first.
    failover: Vec<String>,
    /// The source that is shown when none of those delivers.
    slate: Option<String>,
    /// Candidate sources, the operator's first choice first.
    sources: Vec<SourceView>,
    /// What was done to make one stream of sources that carry the same.
    merged: Option<MergedView>,
    /// Outputs that are declared or that the plan asks for.
    outputs: Vec<OutputView>,
}

/// One condition of ETSI TR 101 290.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConditionView {
    /// Its name.
    #[schema(example = "continuity")]
    condition: &'static str,
    /// 1: it cannot be decoded; 2: it should be watched.
    priority: u8,
    /// Errors so far.
    errors: u64,
    /// There was one within the last five seconds.
    active: bool,
}

impl From<control::view::ConditionView> for ConditionView {
    fn from(view: control::view::ConditionView) -> Self {
        Self {
            condition: view.condition,
            priority: view.priority,
            errors: view.errors,
            active: view.active,
        }
    }
}

/// Sources that carry the same transport stream, made one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergedView {
    /// Packets that one of them lost and another brought.
    repaired: u64,
    /// Packets that came after their turn: the sources are further apart than `merge_ms`.
    late: u64,
    /// Packets of a source that carries something else.
    strange: u64,
}

/// A stream with each of its viewers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamDetail {
    #[serde(flatten)]
    stream: StreamView,
    /// Who watches.
    viewers: Vec<ViewerView>,
}

/// Something that an operator should know of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertView {
    /// Names the condition.
    #[schema(example = "no-backup")]
    code: String,
    /// `info`, `warning` or `critical`.
    #[schema(value_type = String, example = "warning")]
    severity: Severity,
    /// For people.
    message: String,
}

/// The picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VideoView {
    /// `h264` or `hevc`, for example.
    #[schema(example = "h264")]
    codec: String,
    /// Pixels.
    width: u32,
    /// Pixels.
    height: u32,
    /// Frames per second; none where the stream does not tell.
    fps: Option<f64>,
}

/// The sound.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AudioView {
    /// `aac`, for example.
    #[schema(example = "aac")]
    codec: String,
    /// Samples per second.
    sample_rate_hz: u32,
    /// Channels.
    channels: u8,
}

/// How many watch.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Readers {
    /// Over all protocols.
    total: usize,
    /// Those protocols that somebody watches over.
    #[schema(example = json!({"hls": 3, "srt": 1}))]
    by_protocol: BTreeMap<&'static str, usize>,
}

/// What was wrong with a source's timestamps. A transport stream passes to outputs of its own form
/// as it is; whatever is made of it is made of repaired ones.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimestampsView {
    /// Jumps of its time, of all tracks together or of one alone.
    jumps: u64,
    /// Turns of its clock's limited width; nobody sees them.
    wraps: u64,
    /// Pictures whose decoding time was made, since they came without one that can be.
    repaired_dts: u64,
    /// How often sound was found to drift from pictures.
    drifts: u64,
    /// By how much sound is moved now to stay beside them, in milliseconds; negative: back.
    drift_ms: i64,
    /// Marked discontinuities: jumps, and sound that drifted too fast to be followed.
    discontinuities: u64,
}

impl From<media::timeline::Counters> for TimestampsView {
    fn from(counters: media::timeline::Counters) -> Self {
        Self {
            jumps: counters.jumps,
            wraps: counters.wraps,
            repaired_dts: counters.repaired_dts,
            drifts: counters.drifts,
            drift_ms: counters.drift_ms,
            discontinuities: counters.discontinuities,
        }
    }
}

/// A candidate source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceView {
    /// Unique within the stream.
    id: String,
    /// How it comes.
    protocol: &'static str,
    /// From where, while connected.
    peer: Option<String>,
    /// A peer or socket stands behind it; media need not flow.
    connected: bool,
    /// It is on air.
    on_air: bool,
    /// For how long it has been connected.
    uptime_ms: u64,
    /// Bytes received.
    bytes: u64,
    /// Bits per second over the last second.
    bitrate_bps: u64,
    /// Since the last packet; none before the first.
    packet_age_ms: Option<u64>,
    /// Its picture has not moved for longer than `freeze_ms` of the input.
    frozen: bool,
    /// It has had nothing to show for longer than `black_ms` of the input.
    black: bool,
    /// Transport packets missing or out of order (ISO/IEC 13818-1 §2.4.3.3).
    continuity_errors: u64,
    /// Bytes that belonged to no transport packet.
    skipped_bytes: u64,
    /// What was wrong with its timestamps since it connected, and what was done about it.
    timestamps: TimestampsView,
    /// What ETSI TR 101 290 (§5.2) says of its transport stream: every condition of priorities 1
    /// and 2. Empty for other forms.
    conditions: Vec<ConditionView>,
    /// Names of the codecs that it carries.
    codecs: Vec<String>,
    /// The state of the link that this host keeps up for it; none for publishers.
    state: Option<&'static str>,
    /// The last thing that went wrong with the link.
    last_error: Option<String>,
    /// Statistics of its connection; only for SRT, while connected.
    srt: Option<SrtView>,
}

/// A viewer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViewerView {
    /// How it watches.
    protocol: &'static str,
    /// From where.
    #[schema(value_type = String, example = "192.0.2.7:51000")]
    peer: SocketAddr,
    /// For how long.
    uptime_ms: u64,
    /// Bytes handed to its connection.
    bytes: u64,
    /// Their rate.
    bitrate_bps: u64,
    /// Items it was too slow for.
    lost_items: u64,
    /// Statistics of its connection; only for SRT.
    srt: Option<SrtView>,
}

impl StreamView {
    pub(crate) fn new(stream: from::StreamView, addresses: &Addresses) -> Self {
        let watch = addresses.of(&stream.name, stream.serve.as_deref());
        let plugin = stream.routing.plugin.map(String::from);
        Self {
            readers: Readers::of(&stream.viewers),
            name: stream.name.into(),
            declared: stream.declared,
            uptime_ms: stream.uptime_ms,
            form: stream.form,
            on_air: stream.on_air.map(String::from),
            bitrate_bps: stream.bitrate_bps,
            bytes: stream.bytes,
            discontinuities: stream.discontinuities,
            held_bytes: stream.held_bytes,
            video: stream.video.map(VideoView::from),
            audio: stream.audio.map(AudioView::from),
            labels: stream.labels,
            alerts: stream.alerts.into_iter().map(AlertView::from).collect(),
            watch,
            decided_by: plugin.unwrap_or_else(|| "built-in".to_owned()),
            reason: stream.routing.reason,
            routing_error: stream.routing.error,
            refused: stream.routing.refused,
            failover: stream
                .routing
                .failover
                .into_iter()
                .map(String::from)
                .collect(),
            slate: stream.routing.slate.map(String::from),
            sources: stream.sources.into_iter().map(SourceView::from).collect(),
            merged: stream.merged.map(|merged| MergedView {
                repaired: merged.repaired,
                late: merged.late,
                strange: merged.strange,
            }),
            outputs: stream.outputs.into_iter().map(OutputView::from).collect(),
        }
    }
}

impl StreamDetail {
    pub(crate) fn new(stream: from::StreamView, addresses: &Addresses) -> Self {
        let viewers = stream.viewers.iter().map(ViewerView::from).collect();
        Self {
            stream: StreamView::new(stream, addresses),
            viewers,
        }
    }
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        Self {
            code: alert.code,
            severity: alert.severity,
            message: alert.message,
        }
    }
}

impl Readers {
    fn of(viewers: &[from::ViewerView]) -> Self {
        let mut readers = Self {
            total: viewers.len(),
            ..Self::default()
        };
        for viewer in viewers {
            *readers
                .by_protocol
                .entry(viewer.protocol.as_str())
                .or_default() += 1;
        }
        readers
    }
}

impl From<from::TrackView> for VideoView {
    fn from(track: from::TrackView) -> Self {
        Self {
            codec: track.codec,
            width: track.width.unwrap_or_default(),
            height: track.height.unwrap_or_default(),
            fps: track
                .fps_milli
                .filter(|fps| *fps > 0)
                .map(|fps| f64::from(fps) / 1000.0),
        }
    }
}

impl From<from::TrackView> for AudioView {
    fn from(track: from::TrackView) -> Self {
        Self {
            codec: track.codec,
            sample_rate_hz: track.sample_rate_hz.unwrap_or_default(),
            channels: track.channels.unwrap_or_default(),
        }
    }
}

impl From<from::SourceView> for SourceView {
    fn from(source: from::SourceView) -> Self {
        Self {
            id: source.id.into(),
            protocol: source.protocol.as_str(),
            peer: source.peer,
            connected: source.connected,
            on_air: source.on_air,
            uptime_ms: source.uptime_ms,
            bytes: source.bytes,
            bitrate_bps: source.bitrate_bps,
            packet_age_ms: source.packet_age_ms,
            frozen: source.frozen,
            black: source.black,
            continuity_errors: source.continuity_errors,
            conditions: source.conditions.into_iter().map(Into::into).collect(),
            skipped_bytes: source.skipped_bytes,
            timestamps: source.timestamps.into(),
            codecs: source.tracks.into_iter().map(|track| track.codec).collect(),
            state: source.link.as_ref().map(|link| link.state.as_str()),
            last_error: source.link.and_then(|link| link.last_error),
            srt: source.srt.map(SrtView::from),
        }
    }
}

impl From<&from::ViewerView> for ViewerView {
    fn from(viewer: &from::ViewerView) -> Self {
        Self {
            protocol: viewer.protocol.as_str(),
            peer: viewer.peer,
            uptime_ms: viewer.uptime_ms,
            bytes: viewer.bytes,
            bitrate_bps: viewer.bitrate_bps,
            lost_items: viewer.lost_items,
            srt: viewer.srt.map(SrtView::from),
        }
    }
}
