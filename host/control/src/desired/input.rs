//! What can be wrong with one input.

use super::bound::{BoundPorts, Role};
use super::faults::{Faults, at_most, limited};
use super::{Input, Made, Output, Rules, Source};
use crate::schedule::{Schedule, Wrong};
use crate::wall;
use media::still;
use model::encode::{EncodeSpec, rendition_name};
use model::split::{SplitSource, SplitSpec};
use model::wall::GroupSpec;
use model::{Endpoint, HlsSpec, InputSpec, Label, Retry, ScheduleSpec, SourceSpec};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// Candidate sources one input may declare.
const MAX_SOURCES: usize = 16;
/// Labels one input may carry.
pub(super) const MAX_LABELS: usize = 64;

/// Parses it; what is at fault is left out of the result and told.
pub(super) fn read(
    spec: &InputSpec,
    item: &str,
    rules: &Rules,
    bound: &mut BoundPorts,
    faults: &mut Faults,
) -> Input {
    let input = Input {
        sources: sources(spec, item, rules, bound, faults),
        outputs: outputs(spec, item, rules, bound, faults),
        merge: merge(spec, item, faults),
        pictures: pictures(spec, item, faults),
        made: encode(spec, item, faults).map(Made::Renditions),
        hls: hls(spec, item, faults),
        labels: spec.labels.clone(),
    };
    at_most(MAX_LABELS, spec.labels.len(), item, "labels", faults);
    input
}

/// The stream under a group's own name, which is cut into what its screens show; none while it plays
/// nothing.
pub(super) fn of_group(group: &GroupSpec) -> Option<Input> {
    // How large the picture is that will come nobody knows yet.
    let wanted = wall::wanted(group, |_| None)?;
    let (split, composite) = (wanted.split(), wanted.composite());
    let endpoint = match (composite, &split.from) {
        (Some(spec), _) => Endpoint::Composite(Arc::new(spec)),
        (None, SplitSource::Stream(name)) => Endpoint::Stream(name.clone()),
        (None, SplitSource::File(path)) => Endpoint::file(path).ok()?,
    };
    let source = Source {
        id: source_id(Some(&endpoint), &[]),
        endpoint: Some(endpoint),
        retry: Retry::default(),
    };
    let split = SplitSpec {
        from: SplitSource::Stream(group.name.clone()),
        ..split
    };
    Some(Input {
        sources: vec![source],
        made: Some(Made::Screens(split)),
        ..Input::default()
    })
}

/// How far apart sources may be that are merged, in ms.
const MERGE_MS: RangeInclusive<u32> = 10..=1_000;

fn merge(spec: &InputSpec, item: &str, faults: &mut Faults) -> Option<Duration> {
    let ms = spec.merge_ms?;
    if !MERGE_MS.contains(&ms) {
        faults.add(item, "merge_ms", "must be 10 to 1000 ms");
    }
    let paths = spec
        .sources
        .iter()
        .filter(|source| matches!(source, SourceSpec::Udp { .. } | SourceSpec::Srt { .. }));
    if paths.count() < 2 {
        let problem = "merges sources of type udp or srt; give the input two or more of them";
        faults.add(item, "merge_ms", problem);
    }
    Some(Duration::from_millis(ms.into()))
}

/// How long pictures may be frozen or black, in ms.
const PICTURES_MS: RangeInclusive<u32> = 1_000..=600_000;

fn pictures(spec: &InputSpec, item: &str, faults: &mut Faults) -> still::Limits {
    let mut limit = |field: &str, ms: Option<u32>| {
        if ms.is_some_and(|ms| !PICTURES_MS.contains(&ms)) {
            faults.add(item, field, "must be 1000 to 600000 ms");
        }
        Duration::from_millis(ms.unwrap_or_default().into())
    };
    still::Limits {
        freeze: limit("freeze_ms", spec.freeze_ms),
        black: limit("black_ms", spec.black_ms),
    }
}

fn encode(spec: &InputSpec, item: &str, faults: &mut Faults) -> Option<EncodeSpec> {
    let encode = spec.encode.as_ref()?;
    for fault in encode.faults() {
        let field = format_args!("encode.{}", fault.field);
        faults.add(item, field, format!("must be {}", fault.must));
    }
    for rendition in encode.wanted() {
        if let Err(error) = rendition_name(&spec.name, &rendition.name) {
            let problem = format!("{} cannot be made: {error}", rendition.name);
            faults.add(item, "encode.renditions", problem);
        }
    }
    Some(encode.clone())
}

fn hls(spec: &InputSpec, item: &str, faults: &mut Faults) -> Option<HlsSpec> {
    let hls = spec.hls?;
    if hls.window_s.is_some_and(|window_s| window_s > 43_200) {
        faults.add(item, "hls.window_s", "must be 0 to 43200 s");
    }
    if hls.key_rotation.is_some_and(|every| every > 1_000) {
        faults.add(item, "hls.key_rotation", "must be 0 to 1000 segments");
    }
    Some(hls)
}

fn sources(
    spec: &InputSpec,
    item: &str,
    rules: &Rules,
    bound: &mut BoundPorts,
    faults: &mut Faults,
) -> Vec<Source> {
    at_most(MAX_SOURCES, spec.sources.len(), item, "sources", faults);
    let none_given = [SourceSpec::Publish {}];
    let given = if spec.sources.is_empty() {
        &none_given[..]
    } else {
        &spec.sources
    };
    let mut sources: Vec<Source> = Vec::with_capacity(given.len());
    for (at, source) in given.iter().enumerate() {
        let field = format!("sources[{at}]");
        match source.endpoint() {
            Ok(None) if sources.iter().any(|source| source.endpoint.is_none()) => {
                faults.add(
                    item,
                    field,
                    "an input takes one publisher; keep one source of type publish",
                );
            }
            Ok(endpoint) => {
                if let Some(endpoint) = &endpoint {
                    bound.claim(endpoint, Role::Source, item, &field, faults);
                    let url = format!("{field}.url");
                    callable(endpoint, Role::Source, rules, item, &url, faults);
                }
                retry(source.retry(), item, &field, faults);
                sources.push(Source {
                    id: source_id(endpoint.as_ref(), &sources),
                    endpoint,
                    retry: source.retry(),
                });
            }
            Err(error) => faults.add(item, field, error),
        }
    }
    sources
}

fn outputs(
    spec: &InputSpec,
    item: &str,
    rules: &Rules,
    bound: &mut BoundPorts,
    faults: &mut Faults,
) -> Vec<Output> {
    let limit = rules.limits.outputs_per_input;
    limited("outputs_per_input", limit, spec.outputs.len(), item, faults);
    let mut outputs: Vec<Output> = Vec::with_capacity(spec.outputs.len());
    for output in &spec.outputs {
        let field = format!("outputs[{}]", output.name);
        if outputs.iter().any(|other| other.name == output.name) {
            faults.add(
                item,
                format_args!("{field}.name"),
                "declared twice; give each output a name of its own",
            );
            continue;
        }
        let schedule = output.schedule.as_ref();
        let schedule = schedule.and_then(|spec| scheduled(spec, item, &field, faults));
        match output.url.parse::<Endpoint>() {
            Ok(endpoint) => {
                bound.claim(&endpoint, Role::Output, item, &field, faults);
                let url = format!("{field}.url");
                callable(&endpoint, Role::Output, rules, item, &url, faults);
                retry(output.retry, item, &field, faults);
                outputs.push(Output {
                    name: output.name.clone(),
                    url: output.url.clone(),
                    endpoint,
                    enabled: output.enabled,
                    retry: output.retry,
                    schedule,
                });
            }
            Err(error) => faults.add(item, format_args!("{field}.url"), error),
        }
    }
    outputs
}

/// Whether the lists of networks let this host call there, as far as is known before names are
/// resolved.
fn callable(
    endpoint: &Endpoint,
    role: Role,
    rules: &Rules,
    item: &str,
    field: &str,
    faults: &mut Faults,
) {
    let receives = role == Role::Source && matches!(endpoint, Endpoint::Udp(_));
    if let Some(host) = endpoint.calls().filter(|_| !receives)
        && let Err(forbidden) = rules.egress.check_host(host)
    {
        faults.add(item, field, forbidden);
    }
}

fn retry(retry: Retry, item: &str, field: &str, faults: &mut Faults) {
    for (name, must) in retry.faults() {
        let problem = format_args!("must be {must}");
        faults.add(item, format_args!("{field}.retry.{name}"), problem);
    }
}

fn scheduled(
    spec: &ScheduleSpec,
    item: &str,
    field: &str,
    faults: &mut Faults,
) -> Option<Schedule> {
    let tell = |(within, problem): Wrong| {
        let dot = if within.is_empty() { "" } else { "." };
        faults.add(item, format_args!("{field}.schedule{dot}{within}"), problem);
    };
    Schedule::parse(spec)
        .map_err(|wrong| wrong.into_iter().for_each(tell))
        .ok()
}

/// A label from the address: stable while the list is reordered or other sources come and go.
fn source_id(endpoint: Option<&Endpoint>, taken: &[Source]) -> Label {
    let text = match endpoint {
        None => "publish".to_owned(),
        Some(Endpoint::Udp(udp)) => format!("udp-{}-{}", udp.host, udp.port),
        Some(Endpoint::Srt(srt)) => format!("srt-{}-{}", srt.host, srt.port),
        Some(Endpoint::Rtmp(rtmp)) => format!("rtmp-{}-{}", rtmp.host, rtmp.port),
        Some(Endpoint::Rtsp(rtsp)) => format!("rtsp-{}-{}", rtsp.host, rtsp.port),
        Some(Endpoint::File(file)) => format!("file-{}", file.path),
        Some(Endpoint::Slate(file)) => format!("slate-{}", file.path),
        Some(Endpoint::Stream(name)) => format!("stream-{name}"),
        Some(other) => other.scheme().to_owned(),
    };
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "_-.@".contains(c) {
            c
        } else {
            '-'
        }
    };
    // Room for the number that tells equals apart.
    let text: String = text
        .chars()
        .map(plain)
        .take(model::name::MAX_NAME_BYTES - 8)
        .collect();
    let numbered = (2..).map(|n| format!("{text}-{n}"));
    std::iter::once(text.clone())
        .chain(numbered)
        .filter_map(|text| text.parse::<Label>().ok())
        .find(|id| taken.iter().all(|source| source.id != *id))
        .unwrap_or_else(|| unreachable!("one of the numbers is free"))
}
