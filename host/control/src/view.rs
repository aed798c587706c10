//! What the API shows: the running system at one moment. Units are in the names; secrets in
//! URLs are replaced.

use crate::desired::Input;
use crate::links::LinkReport;
use crate::state::OutputReport;
use gateway::srt::{ConnectionFigures, Role};
use hub::{Form, SourceSnapshot, StreamSnapshot, TrackSummary, ViewerSnapshot};
use link::SrtFigures;
use model::endpoint::redact;
use model::routing::{Alert, Attributes};
use model::{Label, LinkStatus, Protocol, Retry, ScheduleSpec, StreamName, StreamPattern};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A stream with everything about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamView {
    /// Its name.
    pub name: StreamName,
    /// Declared as an input; otherwise it lives as long as it is fed.
    pub declared: bool,
    /// Since it came into being.
    pub uptime_ms: u64,
    /// Its native form, `ts` or `frames`, once media has come.
    pub form: Option<&'static str>,
    /// The source on air.
    pub on_air: Option<Label>,
    /// Protocols viewers may use; none: all.
    pub serve: Option<Vec<Protocol>>,
    /// Bits per second on air.
    pub bitrate_bps: u64,
    /// Bytes on air so far.
    pub bytes: u64,
    /// Marked breaks of its timeline so far.
    pub discontinuities: u32,
    /// Bytes it holds in memory.
    pub held_bytes: usize,
    /// The first video track on air.
    pub video: Option<TrackView>,
    /// The first audio track on air.
    pub audio: Option<TrackView>,
    /// The operator's labels, and the plan's beside them.
    pub labels: Attributes,
    /// What the plan tells an operator of.
    pub alerts: Vec<Alert>,
    /// Candidate sources, the operator's first choice first.
    pub sources: Vec<SourceView>,
    /// What was done to make one stream of sources that are merged.
    pub merged: Option<MergedView>,
    /// Outputs that are declared or that the plan asks for.
    pub outputs: Vec<OutputView>,
    /// How many watch.
    pub readers: usize,
    /// Who watches.
    pub viewers: Vec<ViewerView>,
    /// What decides for it now.
    pub routing: RoutingView,
}

/// What was done to make one stream of sources that carry the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MergedView {
    /// Packets that one of them lost and another brought.
    pub repaired: u64,
    /// Packets that came after their turn: the sources are further apart than allowed for.
    pub late: u64,
    /// Packets of a source that carries something else.
    pub strange: u64,
}

/// Under which decision a stream stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RoutingView {
    /// The policy's plugin; none: the built-in policy.
    pub plugin: Option<Label>,
    /// The policy's pattern.
    pub streams: Option<StreamPattern>,
    /// Sources that stand in while the one on air does not deliver, best first.
    pub failover: Vec<Label>,
    /// The source to show when none of those delivers.
    pub slate: Option<Label>,
    /// The plan's reason.
    pub reason: String,
    /// Why the last call failed, if it did.
    pub error: Option<String>,
    /// What of the plan cannot be done.
    pub refused: Vec<String>,
}

/// An elementary stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackView {
    /// `h264`, `hevc`, `aac`, ...
    pub codec: String,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Thousandths of a frame per second; 0 when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fps_milli: Option<u32>,
    /// Samples per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate_hz: Option<u32>,
    /// Channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
}

/// A candidate source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceView {
    /// Unique within the stream.
    pub id: Label,
    /// How it comes.
    pub protocol: Protocol,
    /// From where, while connected.
    pub peer: Option<String>,
    /// A peer or socket stands behind it.
    pub connected: bool,
    /// It is on air.
    pub on_air: bool,
    /// For how long it has been connected.
    pub uptime_ms: u64,
    /// Bytes received.
    pub bytes: u64,
    /// Bits per second over the last second.
    pub bitrate_bps: u64,
    /// Since the last packet; none before the first.
    pub packet_age_ms: Option<u64>,
    /// Its picture has not moved for longer than its input allows.
    pub frozen: bool,
    /// It has had nothing to show for longer than its input allows.
    pub black: bool,
    /// Transport packets missing or out of order.
    pub continuity_errors: u64,
    /// Bytes that belonged to no transport packet.
    pub skipped_bytes: u64,
    /// What was wrong with its timestamps since it connected, and what was done about it.
    #[serde(skip)]
    pub timestamps: media::timeline::Counters,
    /// What ETSI TR 101 290 says of its transport stream; nothing of frames.
    pub conditions: Vec<ConditionView>,
    /// What it carries.
    pub tracks: Vec<TrackView>,
    /// The link that this host keeps up for it; none for publishers.
    pub link: Option<LinkStatus>,
    /// Statistics of its connection, if it is an SRT one and up.
    pub srt: Option<SrtView>,
}

/// One condition of ETSI TR 101 290.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ConditionView {
    /// For example `continuity` or `pcr-repetition`.
    pub condition: &'static str,
    /// 1: it cannot be decoded; 2: it should be watched.
    pub priority: u8,
    /// Errors so far.
    pub errors: u64,
    /// There was one within the last five seconds.
    pub active: bool,
}

/// Statistics of an SRT connection, totals since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SrtView {
    /// Smoothed round trip time.
    pub rtt_ms: f64,
    /// Estimated capacity.
    pub bandwidth_bps: u64,
    /// Negotiated latency.
    pub latency_ms: u32,
    /// Packets, retransmissions included.
    pub packets: u64,
    /// Packets lost on the way.
    pub lost_packets: u64,
    /// Packets sent or received again.
    pub retransmitted_packets: u64,
    /// Packets given up because they were too late.
    pub dropped_packets: u64,
}

impl From<SrtFigures> for SrtView {
    fn from(figures: SrtFigures) -> Self {
        Self {
            rtt_ms: figures.rtt_ms,
            bandwidth_bps: figures.bandwidth_bps,
            latency_ms: figures.latency_ms,
            packets: figures.packets,
            lost_packets: figures.lost,
            retransmitted_packets: figures.retransmitted,
            dropped_packets: figures.dropped,
        }
    }
}

/// An output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutputView {
    /// Unique within the stream.
    pub name: String,
    /// Where it sends.
    pub url: String,
    /// Declared by the operator; otherwise the plan asked for it.
    pub declared: bool,
    /// Wanted by the operator; the plan has the last word.
    pub enabled: bool,
    /// When it tries again, as far as the operator says.
    #[serde(skip_serializing_if = "Retry::is_usual")]
    pub retry: Retry,
    /// When it is wanted, if not always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleSpec>,
    /// When its schedule turns it on next, while it is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_start_unix_ms: Option<u64>,
    /// When its schedule turns it off next, while it is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_stop_unix_ms: Option<u64>,
    /// Where its link stands.
    #[serde(flatten)]
    pub link: LinkStatus,
    /// Bytes its peer took.
    pub bytes: u64,
    /// Bits per second its peer takes.
    pub bitrate_bps: u64,
    /// Items dropped because its peer was too slow.
    pub drops: u64,
    /// Statistics of its connection, if it is an SRT one and up.
    pub srt: Option<SrtView>,
}

/// A viewer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewerView {
    /// How it watches.
    pub protocol: Protocol,
    /// From where.
    pub peer: SocketAddr,
    /// For how long.
    pub uptime_ms: u64,
    /// Bytes handed to its connection.
    pub bytes: u64,
    /// Their rate.
    pub bitrate_bps: u64,
    /// Items it was too slow for.
    pub lost_items: u64,
    /// Statistics of its connection, if it is an SRT one.
    pub srt: Option<SrtView>,
}

/// What a view is made of, besides the hub's snapshot.
pub(crate) struct Parts<'a> {
    pub(crate) input: Option<&'a Input>,
    /// The plan's.
    pub(crate) labels: Attributes,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) source_links: BTreeMap<Label, LinkReport>,
    pub(crate) outputs: Vec<OutputReport>,
    pub(crate) routing: RoutingView,
    /// The SRT connections of the host.
    pub(crate) srt: &'a [ConnectionFigures],
}

impl Parts<'_> {
    /// The SRT connection of a peer that came by itself.
    fn srt_of(&self, stream: &StreamName, role: Role, peer: SocketAddr) -> Option<SrtView> {
        let connection = self.srt.iter().find(|connection| {
            connection.peer == peer && connection.role == role && connection.stream == *stream
        });
        connection.map(|connection| connection.srt.into())
    }
}

impl StreamView {
    pub(crate) fn new(snapshot: &StreamSnapshot, parts: Parts<'_>) -> Self {
        let ordered = crate::state::in_operators_order(&snapshot.sources, parts.input);
        let sources: Vec<_> = ordered
            .map(|source| source_view(&snapshot.name, source, &parts))
            .collect();
        let on_air = sources.iter().find(|source| source.on_air);
        let track = |wanted: fn(&TrackView) -> bool| {
            on_air.and_then(|source| source.tracks.iter().find(|track| wanted(track)).cloned())
        };
        let viewers = snapshot.viewers.iter();
        let viewers = viewers.map(|viewer| viewer_view(&snapshot.name, viewer, &parts));
        let viewers = viewers.collect();
        Self {
            name: snapshot.name.clone(),
            declared: snapshot.declared,
            uptime_ms: snapshot.uptime_ms,
            form: snapshot.form.map(|form| match form {
                Form::Ts => "ts",
                Form::Frames => "frames",
            }),
            on_air: snapshot.on_air.clone(),
            serve: snapshot.serving.clone(),
            bitrate_bps: snapshot.bitrate_bps,
            bytes: snapshot.bytes,
            discontinuities: snapshot.discontinuities,
            held_bytes: snapshot.held_bytes,
            video: track(|track| track.width.is_some()),
            audio: track(|track| track.channels.is_some()),
            labels: crate::state::labels(parts.input, &parts.labels),
            alerts: parts.alerts,
            sources,
            merged: snapshot.merged.map(|figures| MergedView {
                repaired: figures.repaired,
                late: figures.late,
                strange: figures.strange,
            }),
            outputs: parts.outputs.into_iter().map(output_view).collect(),
            readers: snapshot.viewers.len(),
            viewers,
            routing: parts.routing,
        }
    }
}

fn source_view(stream: &StreamName, source: &SourceSnapshot, parts: &Parts<'_>) -> SourceView {
    let link = parts.source_links.get(&source.id);
    let publisher = || {
        let peer = source.peer.as_ref()?.parse().ok()?;
        parts.srt_of(stream, Role::Publisher, peer)
    };
    let conditions = source.conditions.iter().map(|reading| ConditionView {
        condition: reading.condition.name(),
        priority: reading.condition.priority(),
        errors: reading.errors,
        active: reading.active,
    });
    let conditions = conditions.collect();
    SourceView {
        id: source.id.clone(),
        protocol: source.protocol,
        peer: source.peer.clone(),
        connected: source.connected,
        on_air: source.on_air,
        uptime_ms: source.uptime_ms,
        bytes: source.bytes,
        bitrate_bps: source.bitrate_bps,
        packet_age_ms: source.packet_age_ms,
        frozen: source.pictures.frozen,
        black: source.pictures.black,
        continuity_errors: source.continuity_errors,
        conditions,
        skipped_bytes: source.skipped_bytes,
        timestamps: source.stamps,
        tracks: source.tracks.iter().map(track_view).collect(),
        link: link.map(|link| link.status.clone()),
        srt: match link {
            Some(link) => link.srt.map(SrtView::from),
            None => publisher(),
        },
    }
}

fn track_view(track: &TrackSummary) -> TrackView {
    TrackView {
        codec: track.codec.to_owned(),
        width: track.video.map(|video| video.width),
        height: track.video.map(|video| video.height),
        fps_milli: track.video.map(|video| video.fps_milli),
        sample_rate_hz: track.audio.map(|audio| audio.sample_rate_hz),
        channels: track.audio.map(|audio| audio.channels),
    }
}

fn output_view(report: OutputReport) -> OutputView {
    let standing = report.standing.filter(|_| report.enabled);
    OutputView {
        url: redact(&report.url),
        name: report.name,
        declared: report.declared,
        enabled: report.enabled,
        retry: report.retry,
        schedule: report.schedule,
        next_start_unix_ms: standing.and_then(|it| unix_ms(it.next_start?)),
        next_stop_unix_ms: standing.and_then(|it| unix_ms(it.next_stop?)),
        link: report.status,
        bytes: report.bytes,
        bitrate_bps: report.bitrate_bps,
        drops: report.drops,
        srt: report.srt.map(SrtView::from),
    }
}

fn unix_ms(unix_s: i64) -> Option<u64> {
    u64::try_from(unix_s).ok()?.checked_mul(1_000)
}

fn viewer_view(stream: &StreamName, viewer: &ViewerSnapshot, parts: &Parts<'_>) -> ViewerView {
    ViewerView {
        protocol: viewer.protocol,
        peer: viewer.peer,
        uptime_ms: viewer.uptime_ms,
        bytes: viewer.bytes,
        bitrate_bps: viewer.bitrate_bps,
        lost_items: viewer.lost_items,
        srt: parts.srt_of(stream, Role::Viewer, viewer.peer),
    }
}
