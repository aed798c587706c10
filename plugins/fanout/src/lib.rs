//! Routes streams by name pattern, as its config says.
//!
//! - Of the rules whose pattern matches the stream, the most specific decides (most literal
//!   characters; of equals, the first), as everywhere in Pointsman.
//! - Outputs that the operator declared and enabled run, whatever the rules say; a rule adds
//!   outputs of its own. Where both have a name, the operator's declaration wins.
//! - A source is kept on air while it is heard, so that a source that comes back does not
//!   interrupt the one that stood in for it (`"on_air": "first"` changes that).
//! - The other sources stand in at once while the one on air does not deliver, in the order of
//!   `failover`; after them comes the `slate`, which is never an ordinary source.

#![forbid(unsafe_code)]

mod config;

pub use config::{Config, OnAir, OutputRule, Rule};

use pointsman_sdk::routing::{Alert, Output, Plan, Routing, Severity, Source, State};
use pointsman_sdk::{Error, export, pattern};

/// Sources that a plan may name as stand-ins.
const FAILOVER_LIMIT: usize = 32;

/// The policy.
#[derive(Debug)]
pub struct Fanout;

impl Routing for Fanout {
    type Config = Config;

    fn route(state: State, config: Config) -> Result<Plan, Error> {
        let mut plan = Plan::keep_declared(&state);
        let rule = pattern::most_specific(&config.rules, &state.stream, |rule| &rule.streams);
        let Some(rule) = rule else {
            choose_sources(&mut plan, &state, &Rule::default());
            plan.reason = "no rule matches: declared outputs only".to_owned();
            return Ok(plan);
        };
        choose_sources(&mut plan, &state, rule);
        plan.serve.clone_from(&rule.serve);
        plan.reason = format!("rule {}", rule.streams);
        for output in &rule.outputs {
            add(&mut plan, &state, output);
        }
        Ok(plan)
    }
}

/// Who is on air, who stands in, and what is shown when nobody delivers.
fn choose_sources(plan: &mut Plan, state: &State, rule: &Rule) {
    plan.on_air = choose(state, rule).map(|source| source.id.clone());
    for wanted in &rule.failover {
        let fits = |source: &&Source| pattern::matches(wanted, &source.id);
        for source in ordinary(state, rule).filter(fits) {
            let taken = plan.on_air.as_ref() == Some(&source.id);
            if !taken && !plan.failover.contains(&source.id) && plan.failover.len() < FAILOVER_LIMIT
            {
                plan.failover.push(source.id.clone());
            }
        }
    }
    let Some(slate) = &rule.slate else { return };
    if state.source(slate).is_some() {
        plan.slate = Some(slate.clone());
    } else {
        let message = format!(
            "rule {} wants the slate {slate:?}, which is no source",
            rule.streams
        );
        plan.alerts
            .push(Alert::new("no-slate", Severity::Warning, message));
    }
}

/// The source to put on air; none, when no source is heard, leaves it to the host: a stand-in that
/// delivers after all, the slate, or whatever was there last.
fn choose<'a>(state: &'a State, rule: &Rule) -> Option<&'a Source> {
    let heard = |source: &&Source| source.heard_within(rule.max_age_ms);
    let stay = match rule.on_air {
        OnAir::Best => ordinary(state, rule)
            .find(|source| source.on_air)
            .filter(heard),
        OnAir::First => None,
    };
    stay.or_else(|| ordinary(state, rule).find(heard))
}

/// Every source but the slate.
fn ordinary<'a>(state: &'a State, rule: &Rule) -> impl Iterator<Item = &'a Source> {
    let sources = state.sources.iter();
    sources.filter(|source| Some(&source.id) != rule.slate.as_ref())
}

fn add(plan: &mut Plan, state: &State, rule: &OutputRule) {
    let declared = |name: &str| {
        state
            .outputs
            .iter()
            .any(|it| it.declared && it.name == name)
    };
    if declared(&rule.name) || plan.outputs.iter().any(|it| it.name == rule.name) {
        return;
    }
    let url = rule
        .url
        .replace("{stream}", &state.stream)
        .replace("{name}", state.short_name());
    let mut output = Output::to(&rule.name, url);
    output.params = rule.params.clone().into_iter().collect();
    plan.outputs.push(output);
}

export!(Fanout, kinds: [routing], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests;
