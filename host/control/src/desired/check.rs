//! Everything that can be wrong with a document, found in one go.

use super::bound::BoundPorts;
use super::faults::{Faults, at_most, limited};
use super::{Input, Limits, Rules, Source, input};
use crate::template;
use model::{Endpoint, PolicyMode, PolicySpec, Site, StreamName};
use std::collections::{BTreeMap, BTreeSet};

/// Webhooks there may be; each is a task and a connection.
const MAX_WEBHOOKS: usize = 64;
/// Tenants of one host.
const MAX_TENANTS: usize = 1_000;
/// Templates of one document.
const MAX_TEMPLATES: usize = 100;

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
        let input = input::read(spec, &item, rules, &mut bound, faults);
        inputs.insert(spec.name.clone(), input);
    }
    for group in &site.groups {
        if let Some(input) = input::of_group(group) {
            inputs.entry(group.name.clone()).or_insert(input);
        }
    }
    circles(&inputs, faults);
    inputs
}

/// An input that takes another stream, which takes another, must not come back to itself.
fn circles(inputs: &BTreeMap<StreamName, Input>, faults: &mut Faults) {
    for (name, input) in inputs {
        for (at, source) in input.sources.iter().enumerate() {
            let first = taken(source).find(|first| leads_to(name, first, inputs));
            if let Some(first) = first {
                let problem = format!(
                    "{first} takes {name} in turn, directly or over others; nothing can come of \
                     a stream that feeds itself"
                );
                let field = format_args!("sources[{at}]");
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
        open.extend(sources.flat_map(taken));
    }
    false
}

/// The streams that a source is made of.
fn taken(source: &Source) -> impl Iterator<Item = &StreamName> {
    let (stream, composite) = match &source.endpoint {
        Some(Endpoint::Stream(name)) => (Some(name), None),
        Some(Endpoint::Composite(spec)) => (None, Some(spec)),
        _ => (None, None),
    };
    let shown = composite.into_iter().flat_map(|spec| spec.streams());
    stream.into_iter().chain(shown)
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
