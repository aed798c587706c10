//! What inputs and outputs have in common: a link that is kept up, and its SRT connection.

use super::text::{Exposition, Figure, Type};
use control::view::{SrtView, StreamView};
use model::LinkStatus;

/// The same figures of a source's link and of an output's, under names of their own.
macro_rules! link_figures {
    ($of:literal) => {
        [
            (
                concat!("pointsman_", $of, "_state_since_seconds"),
                Type::Gauge,
                "Since when its link is in its state, Unix time.",
                |link| link.since_unix_ms as f64 / 1e3,
            ),
            (
                concat!("pointsman_", $of, "_attempt"),
                Type::Gauge,
                "Attempts since its link was last stable.",
                |link| f64::from(link.attempt),
            ),
            (
                concat!("pointsman_", $of, "_reconnects_total"),
                Type::Counter,
                "Times its link came back after having been live.",
                |link| f64::from(link.reconnects),
            ),
        ]
    };
}

/// As [`link_figures`], of SRT connections while they are up.
macro_rules! srt_figures {
    ($of:literal) => {
        [
            (
                concat!("pointsman_", $of, "_srt_rtt_seconds"),
                Type::Gauge,
                "Round trip time of its SRT connection.",
                |srt| srt.rtt_ms / 1e3,
            ),
            (
                concat!("pointsman_", $of, "_srt_packets_total"),
                Type::Counter,
                "Packets of its SRT connection, those sent again included.",
                |srt| srt.packets as f64,
            ),
            (
                concat!("pointsman_", $of, "_srt_lost_packets_total"),
                Type::Counter,
                "Packets of its SRT connection that were lost on the way.",
                |srt| srt.lost_packets as f64,
            ),
            (
                concat!("pointsman_", $of, "_srt_retransmitted_packets_total"),
                Type::Counter,
                "Packets of its SRT connection that were sent again.",
                |srt| srt.retransmitted_packets as f64,
            ),
            (
                concat!("pointsman_", $of, "_srt_dropped_packets_total"),
                Type::Counter,
                "Packets of its SRT connection that were given up as too late.",
                |srt| srt.dropped_packets as f64,
            ),
        ]
    };
}

const OF_OUTPUT: [Figure<LinkStatus>; 3] = link_figures!("output");
const OF_SOURCE: [Figure<LinkStatus>; 3] = link_figures!("source");
const SRT_OF_OUTPUT: [Figure<SrtView>; 5] = srt_figures!("output");
const SRT_OF_SOURCE: [Figure<SrtView>; 5] = srt_figures!("source");

/// Appends the figures of every link.
pub(super) fn collect(document: &mut Exposition, streams: &[StreamView]) {
    let outputs = streams.iter().flat_map(|stream| {
        let outputs = stream.outputs.iter();
        outputs.map(move |output| (named("output", stream, &output.name), output))
    });
    let links = outputs
        .clone()
        .map(|(labels, output)| (labels, &output.link));
    document.table(&OF_OUTPUT, links);
    let srt = outputs.filter_map(|(labels, output)| Some((labels, output.srt.as_ref()?)));
    document.table(&SRT_OF_OUTPUT, srt);

    let sources = streams.iter().flat_map(|stream| {
        let sources = stream.sources.iter();
        sources.map(move |source| (named("source", stream, source.id.as_str()), source))
    });
    let links = sources
        .clone()
        .filter_map(|(labels, source)| Some((labels, source.link.as_ref()?)));
    document.table(&OF_SOURCE, links.clone());
    let help = "1 for the state that the source's link is in.";
    let mut family = document.family("pointsman_source_state", Type::Gauge, help);
    for ([stream, source], link) in links {
        family.sample(&[stream, source, ("state", link.state.as_str())], 1.0);
    }
    let srt = sources.filter_map(|(labels, source)| Some((labels, source.srt.as_ref()?)));
    document.table(&SRT_OF_SOURCE, srt);
}

fn named<'a>(
    what: &'static str,
    stream: &'a StreamView,
    name: &'a str,
) -> [(&'static str, &'a str); 2] {
    [("stream", stream.name.as_str()), (what, name)]
}
