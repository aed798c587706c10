//! The state of one stream as a policy sees it, from what the hub and the links report.

use crate::desired::Input;
use crate::schedule::Standing;
use hub::{SourceSnapshot, StreamSnapshot};
use link::SrtFigures;
use media::still::Verdict;
use model::routing::{Attributes, Audio, OutputState, RoutingState, Source, Video};
use model::{Label, LinkStatus, Retry, ScheduleSpec};

/// What an output's link reports, or would, if it ran.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutputReport {
    /// Its name.
    pub name: String,
    /// Where it sends.
    pub url: String,
    /// Whether the operator declared it.
    pub declared: bool,
    /// Whether the operator wants it.
    pub enabled: bool,
    /// When it tries again, as far as the operator says.
    pub retry: Retry,
    /// Where its link stands.
    pub status: LinkStatus,
    /// Bytes its peer took.
    pub bytes: u64,
    /// Bits per second its peer takes.
    pub bitrate_bps: u64,
    /// Items dropped because its peer was too slow.
    pub drops: u64,
    /// Statistics of its connection, if it is an SRT one and up.
    pub srt: Option<SrtFigures>,
    /// When it is wanted, if not always.
    pub schedule: Option<ScheduleSpec>,
    /// What that says now.
    pub standing: Option<Standing>,
}

/// When a decision is made.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Unix milliseconds.
    pub unix_ms: u64,
    /// East of UTC.
    pub utc_offset_minutes: i32,
}

/// The plan's labels, and the operator's, whose win.
pub fn labels(input: Option<&Input>, planned: &Attributes) -> Attributes {
    let mut labels = planned.clone();
    labels.extend(input.into_iter().flat_map(|input| input.labels.clone()));
    labels
}

/// Puts together what a policy is told; `planned` are the labels of the plan in force.
pub fn routing_state(
    clock: Clock,
    snapshot: &StreamSnapshot,
    input: Option<&Input>,
    planned: &Attributes,
    outputs: &[OutputReport],
) -> RoutingState {
    RoutingState {
        stream: snapshot.name.to_string(),
        now_unix_ms: clock.unix_ms,
        utc_offset_minutes: clock.utc_offset_minutes,
        labels: labels(input, planned),
        sources: in_operators_order(&snapshot.sources, input)
            .map(source)
            .collect(),
        outputs: outputs.iter().map(output).collect(),
        readers: u32::try_from(snapshot.viewers.len()).unwrap_or(u32::MAX),
        attributes: Attributes::new(),
    }
}

/// Declared sources in the order of the document, then whoever came by himself.
pub fn in_operators_order<'a>(
    sources: &'a [SourceSnapshot],
    input: Option<&'a Input>,
) -> impl Iterator<Item = &'a SourceSnapshot> {
    let rank = move |id: &Label| {
        let declared = input.map_or(&[][..], |input| &input.sources);
        declared
            .iter()
            .position(|source| source.id == *id)
            .unwrap_or(usize::MAX)
    };
    let mut ordered: Vec<_> = sources.iter().collect();
    ordered.sort_by_key(|source| rank(&source.id));
    ordered.into_iter()
}

fn source(snapshot: &SourceSnapshot) -> Source {
    let video = snapshot.tracks.iter().find_map(|track| {
        track.video.map(|video| Video {
            codec: track.codec.to_owned(),
            width: video.width,
            height: video.height,
            fps_milli: video.fps_milli,
            attributes: Attributes::new(),
        })
    });
    let audio = snapshot.tracks.iter().find_map(|track| {
        track.audio.map(|audio| Audio {
            codec: track.codec.to_owned(),
            sample_rate_hz: audio.sample_rate_hz,
            channels: u32::from(audio.channels),
            attributes: Attributes::new(),
        })
    });
    Source {
        id: snapshot.id.to_string(),
        protocol: snapshot.protocol.as_str().to_owned(),
        connected: snapshot.connected,
        on_air: snapshot.on_air,
        bitrate_bps: snapshot.bitrate_bps,
        packet_age_ms: snapshot.packet_age_ms,
        continuity_errors: snapshot.continuity_errors,
        uptime_ms: snapshot.uptime_ms,
        video,
        audio,
        attributes: pictures(snapshot.pictures),
    }
}

/// The attribute of a source whose pictures have not moved for longer than its input allows.
pub(crate) const FROZEN: &str = "frozen";
/// The attribute of a source that has had nothing to show for longer than its input allows.
pub(crate) const BLACK: &str = "black";

/// What is wrong with its pictures, `"true"` where it is.
fn pictures(verdict: Verdict) -> Attributes {
    let named = [(FROZEN, verdict.frozen), (BLACK, verdict.black)];
    let wrong = named.into_iter().filter(|(_, is)| *is);
    wrong
        .map(|(name, _)| (name.to_owned(), "true".to_owned()))
        .collect()
}

fn output(report: &OutputReport) -> OutputState {
    OutputState {
        name: report.name.clone(),
        url: report.url.clone(),
        declared: report.declared,
        enabled: report.enabled && report.standing.is_none_or(|standing| standing.on),
        state: report.status.state.as_str().to_owned(),
        since_unix_ms: report.status.since_unix_ms,
        attempt: report.status.attempt,
        bitrate_bps: report.bitrate_bps,
        drops: report.drops,
        attributes: Attributes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub::TrackSummary;
    use model::Protocol;

    fn snapshot(sources: Vec<SourceSnapshot>) -> StreamSnapshot {
        StreamSnapshot {
            merged: None,
            name: "live/cam1".parse().unwrap(),
            declared: true,
            uptime_ms: 0,
            form: None,
            on_air: None,
            serving: None,
            bitrate_bps: 0,
            bytes: 0,
            discontinuities: 0,
            held_bytes: 0,
            sources,
            viewers: vec![],
        }
    }

    fn candidate(id: &str, tracks: Vec<TrackSummary>) -> SourceSnapshot {
        SourceSnapshot {
            id: id.parse().unwrap(),
            protocol: Protocol::Udp,
            peer: None,
            connected: true,
            on_air: false,
            uptime_ms: 7,
            bytes: 0,
            bitrate_bps: 4_000_000,
            pictures: Verdict::default(),
            packet_age_ms: Some(3),
            continuity_errors: 2,
            skipped_bytes: 0,
            stamps: Default::default(),
            tracks,
            conditions: Vec::new(),
        }
    }

    #[test]
    fn sources_come_in_the_operators_order() {
        let declared = |id: &str| crate::desired::Source {
            id: id.parse().unwrap(),
            endpoint: None,
            retry: Retry::default(),
        };
        let input = Input {
            merge: None,
            pictures: Default::default(),
            made: None,
            hls: None,
            sources: vec![declared("z"), declared("a")],
            outputs: vec![],
            labels: [("site".to_owned(), "north".to_owned())].into(),
        };
        let found = ["a", "guest", "z"].map(|id| candidate(id, vec![])).to_vec();
        let clock = Clock {
            unix_ms: 1,
            utc_offset_minutes: -60,
        };
        let planned = [("site", "plan"), ("rank", "1")];
        let planned = planned.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let state = routing_state(clock, &snapshot(found), Some(&input), &planned.into(), &[]);
        assert_eq!(
            (&*state.labels["site"], &*state.labels["rank"]),
            ("north", "1")
        );
        let ids: Vec<_> = state
            .sources
            .iter()
            .map(|source| source.id.as_str())
            .collect();
        assert_eq!(ids, ["z", "a", "guest"]);
        assert_eq!((state.now_unix_ms, state.utc_offset_minutes), (1, -60));
    }

    #[test]
    fn outputs_tell_what_their_links_report() {
        let report = OutputReport {
            name: "archive".into(),
            url: "udp://h:1".into(),
            declared: true,
            drops: 9,
            ..OutputReport::default()
        };
        let clock = Clock {
            unix_ms: 0,
            utc_offset_minutes: 0,
        };
        let none = Attributes::new();
        let state = routing_state(clock, &snapshot(vec![]), None, &none, &[report]);
        let [output] = &state.outputs[..] else {
            panic!("{state:?}")
        };
        assert_eq!(
            (output.state.as_str(), output.drops, output.enabled),
            ("stopped", 9, false)
        );
    }
}
