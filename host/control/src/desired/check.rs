//! Everything that can be wrong with a document, found in one go.

use super::{Input, Limits, Output, Rules, Source};
use crate::schedule::{Schedule, Wrong};
use crate::template;
use hub::still;
use model::endpoint::SrtMode;
use model::{
    Endpoint, HlsSpec, InputSpec, Label, PolicyMode, PolicySpec, Retry, ScheduleSpec, Site,
    SourceSpec, StreamName,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Candidate sources one input may declare.
const MAX_SOURCES: usize = 16;
/// Webhooks there may be; each is a task and a connection.
const MAX_WEBHOOKS: usize = 64;
/// Tenants of one host.
const MAX_TENANTS: usize = 1_000;
/// Labels one input may carry.
const MAX_LABELS: usize = 64;
/// Templates of one document.
const MAX_TEMPLATES: usize = 100;

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The input or policy, for example `input live/cam1`.
    pub item: String,
    /// The field within it, for example `outputs[archive].url`.
    pub field: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// All that is wrong with a document, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub(super) fn add(
        &mut self,
        item: impl fmt::Display,
        field: impl fmt::Display,
        problem: impl fmt::Display,
    ) {
        let fault = Fault {
            item: item.to_string(),
            field: field.to_string(),
            problem: problem.to_string(),
        };
        self.0.push(fault);
    }

    pub(super) fn into_result<T>(self, sound: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(sound)
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.item, self.field, self.problem)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { "; " };
            write!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// Parses every input; what is at fault is left out of the result and told.
pub(super) fn inputs(
    site: &Site,
    rules: &Rules,
    faults: &mut Faults,
) -> BTreeMap<StreamName, Input> {
    let limits = rules.limits;
    let mut inputs = BTreeMap::new();
    let mut bound = BoundPorts::default();
    let outputs_of_all = site.inputs.iter().map(|input| input.outputs.len()).sum();
    limited(
        "inputs",
        limits.inputs,
        site.inputs.len(),
        "document",
        faults,
    );
    limited(
        "outputs",
        limits.outputs,
        outputs_of_all,
        "document",
        faults,
    );
    for spec in &site.inputs {
        let item = format!("input {}", spec.name);
        if inputs.contains_key(&spec.name) {
            faults.add(
                &item,
                "name",
                "declared twice; give each input a name of its own",
            );
            continue;
        }
        let input = Input {
            sources: sources(spec, &item, rules, &mut bound, faults),
            outputs: outputs(spec, &item, rules, &mut bound, faults),
            merge: merge(spec, &item, faults),
            pictures: pictures(spec, &item, faults),
            hls: hls(spec, &item, faults),
            labels: spec.labels.clone(),
        };
        at_most(MAX_LABELS, spec.labels.len(), &item, "labels", faults);
        inputs.insert(spec.name.clone(), input);
    }
    circles(&inputs, faults);
    inputs
}

/// An input that takes another stream, which takes another, must not come back to itself.
fn circles(inputs: &BTreeMap<StreamName, Input>, faults: &mut Faults) {
    for (name, input) in inputs {
        for (at, source) in input.sources.iter().enumerate() {
            let Some(Endpoint::Stream(first)) = &source.endpoint else {
                continue;
            };
            if leads_to(name, first, inputs) {
                let problem = format!(
                    "{first} takes {name} in turn, directly or over others; nothing can come of \
                     a stream that feeds itself"
                );
                let field = format_args!("sources[{at}].name");
                faults.add(format_args!("input {name}"), field, problem);
            }
        }
    }
}

fn leads_to(to: &StreamName, from: &StreamName, inputs: &BTreeMap<StreamName, Input>) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if !seen.insert(name) {
            continue;
        }
        let sources = inputs
            .get(name)
            .into_iter()
            .flat_map(|input| &input.sources);
        open.extend(sources.filter_map(|source| match &source.endpoint {
            Some(Endpoint::Stream(name)) => Some(name),
            _ => None,
        }));
    }
    false
}

/// Checks that no two tenants have the same name, and that each keeps to its quotas.
pub(super) fn tenants(site: &Site, faults: &mut Faults) {
    at_most(
        MAX_TENANTS,
        site.tenants.len(),
        "document",
        "tenants",
        faults,
    );
    let mut seen = BTreeSet::new();
    for tenant in &site.tenants {
        let item = format!("tenant {}", tenant.name);
        if !seen.insert(&tenant.name) {
            faults.add(&item, "name", "declared twice; keep one of them");
        }
        let own = || site.inputs.iter().filter(|input| tenant.owns(&input.name));
        let outputs = own().map(|input| input.outputs.len()).sum();
        for (field, quota, count) in [
            ("inputs", tenant.inputs, own().count()),
            ("outputs", tenant.outputs, outputs),
        ] {
            let quota = quota.map(|quota| usize::try_from(quota).unwrap_or(usize::MAX));
            if quota.is_some_and(|quota| count > quota) {
                let problem = format_args!(
                    "{count} in all, its quota is {}; raise it, or take some back",
                    quota.unwrap_or_default()
                );
                faults.add(&item, field, problem);
            }
        }
    }
}

/// Checks that no two policies contend and that each plugin takes its config.
pub(super) fn policies(
    site: &Site,
    check_policy: impl Fn(&PolicySpec) -> Result<(), String>,
    faults: &mut Faults,
) {
    let mut seen = BTreeSet::new();
    for policy in &site.policies {
        let item = policy.what();
        if !seen.insert((policy.kind, policy.streams.as_str(), policy.mode)) {
            faults.add(
                &item,
                "streams",
                "bound twice; keep one policy for each kind, pattern and mode",
            );
        }
        share(policy, &item, faults);
        if let Err(problem) = check_policy(policy) {
            faults.add(&item, format_args!("plugin {}", policy.plugin), problem);
        }
    }
}

/// Checks that no two templates have a name, and each in itself.
pub(super) fn templates(site: &Site, limits: Limits, faults: &mut Faults) {
    let count = site.templates.len();
    at_most(MAX_TEMPLATES, count, "document", "templates", faults);
    let mut seen = BTreeSet::new();
    for spec in &site.templates {
        let item = format!("template {}", spec.name);
        if !seen.insert(&spec.name) {
            let problem = "declared twice; give each template a name of its own";
            faults.add(&item, "name", problem);
        }
        for (field, problem) in template::check(spec, limits.outputs_per_input) {
            faults.add(&item, field, problem);
        }
    }
}

/// Checks that webhooks have names of their own, and each its sense.
pub(super) fn webhooks(site: &Site, faults: &mut Faults) {
    at_most(
        MAX_WEBHOOKS,
        site.webhooks.len(),
        "document",
        "webhooks",
        faults,
    );
    let mut seen = BTreeSet::new();
    for spec in &site.webhooks {
        let item = format!("webhook {}", spec.name);
        if !seen.insert(spec.name.as_str()) {
            let problem = "declared twice; give each webhook a name of its own";
            faults.add(&item, "name", problem);
        }
        for (field, problem) in spec.faults() {
            faults.add(&item, field, problem);
        }
    }
}

/// A canary needs its share, and nobody else has one.
fn share(policy: &PolicySpec, item: &str, faults: &mut Faults) {
    let is_canary = policy.mode == PolicyMode::Canary;
    let problem = match policy.percent {
        None if is_canary => "a canary needs the share of streams it decides for, 1 to 100",
        Some(1..=100) if is_canary => return,
        Some(_) if is_canary => "must be 1 to 100",
        Some(_) => "only a canary has a share; set mode to canary, or leave percent out",
        None => return,
    };
    faults.add(item, "percent", problem);
}

/// As [`at_most`], where the operator set the limit.
fn limited(key: &str, limit: usize, count: usize, item: &str, faults: &mut Faults) {
    if count > limit {
        let problem = format_args!(
            "{count} in all, at most {limit} are allowed; raise {key} in [limits] of the configuration"
        );
        let field = if key == "inputs" { key } else { "outputs" };
        faults.add(item, field, problem);
    }
}

fn at_most(limit: usize, count: usize, item: &str, field: &str, faults: &mut Faults) {
    if count > limit {
        let problem = format_args!("{count} given, at most {limit} are allowed");
        faults.add(item, field, problem);
    }
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

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Source,
    Output,
}

/// Who receives on which UDP port; SRT listeners take UDP ports too.
#[derive(Default)]
struct BoundPorts(HashMap<u16, Vec<(String, String)>>);

impl BoundPorts {
    fn claim(
        &mut self,
        endpoint: &Endpoint,
        role: Role,
        item: &str,
        field: &str,
        faults: &mut Faults,
    ) {
        let (host, port) = match endpoint {
            Endpoint::Udp(udp) if role == Role::Source => (&udp.host, udp.port),
            Endpoint::Srt(srt) if srt.mode == SrtMode::Listener => (&srt.host, srt.port),
            _ => return,
        };
        let holders = self.0.entry(port).or_default();
        if let Some((_, holder)) = holders.iter().find(|(other, _)| overlap(other, host)) {
            let problem = format!(
                "UDP port {port} on {host} is taken by {holder}; choose another port, \
                 or leave the address out to be allotted one"
            );
            faults.add(item, field, problem);
        } else {
            holders.push((host.clone(), format!("{item} {field}")));
        }
    }
}

/// Whether sockets on both addresses would receive the same datagrams. A multicast group is an
/// address of its own, which a wildcard does not take.
fn overlap(a: &str, b: &str) -> bool {
    let wildcard = |host: &str| matches!(host, "0.0.0.0" | "::" | "*");
    let group = |host: &str| {
        host.parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_multicast())
    };
    a == b || (wildcard(a) && !group(b)) || (wildcard(b) && !group(a))
}
