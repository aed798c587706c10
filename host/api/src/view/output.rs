//! Outputs: where they stand, and what they carry.

use control::view as from;
use model::{LinkStatus, Retry, ScheduleSpec};
use serde::Serialize;
use utoipa::ToSchema;

/// An output.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutputView {
    /// Unique within the stream.
    pub(crate) name: String,
    /// Where it sends.
    url: String,
    /// Declared by the operator; otherwise the plan asked for it.
    declared: bool,
    /// Wanted by the operator; the plan has the last word.
    enabled: bool,
    /// When it tries again, as far as that was said: `initial_ms`, `factor`, `cap_ms`,
    /// `jitter_percent`, `attempts`, `stable_after_ms`.
    #[schema(value_type = Object, example = json!({"attempts": 10, "cap_ms": 5000}))]
    retry: Retry,
    /// When it is wanted, if not always: windows, and recurring times in a time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"time_zone": "Europe/Berlin",
        "recurring": [{"start": "0 18 * * MON-FRI", "duration_s": 7200}]}))]
    schedule: Option<ScheduleSpec>,
    /// When its schedule turns it on next, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_start_unix_ms: Option<u64>,
    /// When its schedule turns it off next, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_stop_unix_ms: Option<u64>,
    /// `stopped`, `connecting`, `live`, `retrying`, `failed`, `exhausted` or `source_lost`.
    #[schema(example = "live")]
    state: &'static str,
    /// Since when it stands there, Unix milliseconds.
    since_unix_ms: u64,
    /// Attempts since it was last stable.
    attempt: u32,
    /// When it tries again, while `retrying`.
    next_attempt_unix_ms: Option<u64>,
    /// Times it came back after having been live.
    reconnects: u32,
    /// The last thing that went wrong.
    last_error: Option<String>,
    /// When it went wrong, Unix milliseconds.
    last_error_unix_ms: Option<u64>,
    /// Bytes that its peer took.
    bytes: u64,
    /// Bits per second that its peer takes.
    bitrate_bps: u64,
    /// Items dropped because its peer was too slow.
    drops: u64,
    /// Statistics of its connection; only for SRT, while connected.
    srt: Option<SrtView>,
}

/// Statistics of an SRT connection, as of the last second; totals since it was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SrtView {
    /// Smoothed round trip time.
    rtt_ms: f64,
    /// Estimated capacity of the link.
    bandwidth_bps: u64,
    /// Negotiated latency.
    latency_ms: u32,
    /// Packets, retransmissions included.
    packets: u64,
    /// Packets lost on the way.
    lost_packets: u64,
    /// Packets sent or received again.
    retransmitted_packets: u64,
    /// Packets given up because they were too late.
    dropped_packets: u64,
}

impl From<from::OutputView> for OutputView {
    fn from(output: from::OutputView) -> Self {
        let LinkStatus {
            state,
            since_unix_ms,
            attempt,
            next_attempt_unix_ms,
            reconnects,
            last_error,
            last_error_unix_ms,
        } = output.link;
        Self {
            name: output.name,
            url: output.url,
            declared: output.declared,
            enabled: output.enabled,
            retry: output.retry,
            schedule: output.schedule,
            next_start_unix_ms: output.next_start_unix_ms,
            next_stop_unix_ms: output.next_stop_unix_ms,
            state: state.as_str(),
            since_unix_ms,
            attempt,
            next_attempt_unix_ms,
            reconnects,
            last_error,
            last_error_unix_ms,
            bytes: output.bytes,
            bitrate_bps: output.bitrate_bps,
            drops: output.drops,
            srt: output.srt.map(SrtView::from),
        }
    }
}

impl From<from::SrtView> for SrtView {
    fn from(srt: from::SrtView) -> Self {
        Self {
            rtt_ms: srt.rtt_ms,
            bandwidth_bps: srt.bandwidth_bps,
            latency_ms: srt.latency_ms,
            packets: srt.packets,
            lost_packets: srt.lost_packets,
            retransmitted_packets: srt.retransmitted_packets,
            dropped_packets: srt.dropped_packets,
        }
    }
}
