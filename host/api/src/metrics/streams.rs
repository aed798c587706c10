//! Streams, their sources, viewers and outputs.

use super::text::{Exposition, Figure, Type};
use control::view::{OutputView, SourceView, StreamView};
use model::Protocol;
use std::collections::BTreeMap;

const STREAM: [Figure<StreamView>; 5] = [
    (
        "pointsman_stream_bitrate_bps",
        Type::Gauge,
        "Bits per second on air.",
        |s| s.bitrate_bps as f64,
    ),
    (
        "pointsman_stream_bytes_total",
        Type::Counter,
        "Bytes on air.",
        |s| s.bytes as f64,
    ),
    (
        "pointsman_stream_discontinuities_total",
        Type::Counter,
        "Marked breaks of the timeline.",
        |s| f64::from(s.discontinuities),
    ),
    (
        "pointsman_stream_held_bytes",
        Type::Gauge,
        "Bytes held in memory.",
        |s| s.held_bytes as f64,
    ),
    (
        "pointsman_stream_uptime_seconds",
        Type::Gauge,
        "Since it came into being.",
        |s| s.uptime_ms as f64 / 1000.0,
    ),
];

const SOURCE: [Figure<SourceView>; 13] = [
    (
        "pointsman_source_connected",
        Type::Gauge,
        "1 while a peer or socket stands behind it.",
        |s| f64::from(u8::from(s.connected)),
    ),
    (
        "pointsman_source_on_air",
        Type::Gauge,
        "1 while it is on air.",
        |s| f64::from(u8::from(s.on_air)),
    ),
    (
        "pointsman_source_frozen",
        Type::Gauge,
        "1 while its picture has not moved for longer than its input allows.",
        |s| f64::from(u8::from(s.frozen)),
    ),
    (
        "pointsman_source_black",
        Type::Gauge,
        "1 while it has had nothing to show for longer than its input allows.",
        |s| f64::from(u8::from(s.black)),
    ),
    (
        "pointsman_source_bitrate_bps",
        Type::Gauge,
        "Bits per second received.",
        |s| s.bitrate_bps as f64,
    ),
    (
        "pointsman_source_bytes_total",
        Type::Counter,
        "Bytes received.",
        |s| s.bytes as f64,
    ),
    (
        "pointsman_source_continuity_errors_total",
        Type::Counter,
        "Transport packets missing or out of order.",
        |s| s.continuity_errors as f64,
    ),
    (
        "pointsman_source_skipped_bytes_total",
        Type::Counter,
        "Bytes that belonged to no transport packet.",
        |s| s.skipped_bytes as f64,
    ),
    (
        "pointsman_source_timestamp_jumps_total",
        Type::Counter,
        "Jumps of its time, of all tracks together or of one alone.",
        |s| s.timestamps.jumps as f64,
    ),
    (
        "pointsman_source_timestamp_wraps_total",
        Type::Counter,
        "Turns of its clock's limited width.",
        |s| s.timestamps.wraps as f64,
    ),
    (
        "pointsman_source_repaired_dts_total",
        Type::Counter,
        "Pictures whose decoding time was made.",
        |s| s.timestamps.repaired_dts as f64,
    ),
    (
        "pointsman_source_drifts_total",
        Type::Counter,
        "How often sound was found to drift from pictures.",
        |s| s.timestamps.drifts as f64,
    ),
    (
        "pointsman_source_discontinuities_total",
        Type::Counter,
        "Marked discontinuities.",
        |s| s.timestamps.discontinuities as f64,
    ),
];

const OUTPUT: [Figure<OutputView>; 3] = [
    (
        "pointsman_output_bitrate_bps",
        Type::Gauge,
        "Bits per second that its peer takes.",
        |o| o.bitrate_bps as f64,
    ),
    (
        "pointsman_output_bytes_total",
        Type::Counter,
        "Bytes that its peer took.",
        |o| o.bytes as f64,
    ),
    (
        "pointsman_output_drops_total",
        Type::Counter,
        "Items dropped because its peer was too slow.",
        |o| o.drops as f64,
    ),
];

/// Appends everything about streams.
pub(super) fn collect<'a>(document: &mut Exposition, streams: &'a [StreamView]) {
    document.single(
        "pointsman_streams",
        Type::Gauge,
        "Streams there are.",
        streams.len() as f64,
    );
    let of_stream = |stream: &'a StreamView| ([("stream", stream.name.as_str())], stream);
    document.table(&STREAM, streams.iter().map(of_stream));
    let sources = each(streams, |stream| &stream.sources);
    let of_source = |(stream, source): (&'a str, &'a SourceView)| {
        let labels = [
            ("stream", stream),
            ("source", source.id.as_str()),
            ("protocol", source.protocol.as_str()),
        ];
        (labels, source)
    };
    document.table(&SOURCE, sources.map(of_source));
    conditions(document, streams);
    let outputs = each(streams, |stream| &stream.outputs);
    let of_output = |(stream, output): (&'a str, &'a OutputView)| {
        ([("stream", stream), ("output", &*output.name)], output)
    };
    document.table(&OUTPUT, outputs.map(of_output));
    output_states(document, streams);
    viewers(document, streams);
}

fn each<'a, T: 'a>(
    streams: &'a [StreamView],
    of: fn(&'a StreamView) -> &'a Vec<T>,
) -> impl Iterator<Item = (&'a str, &'a T)> + Clone {
    let items =
        move |stream: &'a StreamView| of(stream).iter().map(|item| (stream.name.as_str(), item));
    streams.iter().flat_map(items)
}

fn conditions(document: &mut Exposition, streams: &[StreamView]) {
    let help = "Errors that ETSI TR 101 290 knows, in transport streams.";
    let mut family = document.family("pointsman_source_ts_errors_total", Type::Counter, help);
    for (stream, source) in each(streams, |stream| &stream.sources) {
        for condition in &source.conditions {
            let labels = [
                ("stream", stream),
                ("source", source.id.as_str()),
                ("priority", if condition.priority == 1 { "1" } else { "2" }),
                ("condition", condition.condition),
            ];
            family.sample(&labels, condition.errors as f64);
        }
    }
}

fn output_states(document: &mut Exposition, streams: &[StreamView]) {
    let help = "1 for the state that the output is in.";
    let mut family = document.family("pointsman_output_state", Type::Gauge, help);
    for (stream, output) in each(streams, |stream| &stream.outputs) {
        let state = output.link.state.as_str();
        family.sample(
            &[
                ("stream", stream),
                ("output", &output.name),
                ("state", state),
            ],
            1.0,
        );
    }
}

fn viewers(document: &mut Exposition, streams: &[StreamView]) {
    let mut family = document.family("pointsman_viewers", Type::Gauge, "Who watch.");
    for stream in streams {
        let mut counts: BTreeMap<Protocol, usize> = BTreeMap::new();
        for viewer in &stream.viewers {
            *counts.entry(viewer.protocol).or_default() += 1;
        }
        for (protocol, count) in counts {
            let labels = [
                ("stream", stream.name.as_str()),
                ("protocol", protocol.as_str()),
            ];
            family.sample(&labels, count as f64);
        }
    }
}
