//! Routes streams by name pattern, as its config says.
//!
//! - Of the rules whose pattern matches the stream, the most specific decides (most literal
//!   characters; of equals, the first), as everywhere in Pointsman.
//! - Outputs that the operator declared and enabled run, whatever the rules say; a rule adds
//!   outputs of its own. Where both have a name, the operator's declaration wins.
//! - A source is kept on air while it is heard, so that a source that comes back does not
//!   interrupt the one that stood in for it (`"on_air": "first"` changes that).

#![forbid(unsafe_code)]

mod config;

pub use config::{Config, OnAir, OutputRule, Rule};

use pointsman_sdk::{Error, Output, Plan, Routing, Source, State, pattern};

/// The policy.
#[derive(Debug)]
pub struct Fanout;

impl Routing for Fanout {
    type Config = Config;

    fn route(state: State, config: Config) -> Result<Plan, Error> {
        let mut plan = Plan::keep_declared(&state);
        let Some(rule) = most_specific(&config.rules, &state.stream) else {
            let rule = Rule::default();
            plan.on_air = choose(&state, &rule);
            plan.reason = "no rule matches: declared outputs only".to_owned();
            return Ok(plan);
        };
        plan.on_air = choose(&state, rule);
        plan.serve.clone_from(&rule.serve);
        plan.reason = format!("rule {}", rule.streams);
        for output in &rule.outputs {
            add(&mut plan, &state, output);
        }
        Ok(plan)
    }
}

fn most_specific<'a>(rules: &'a [Rule], stream: &str) -> Option<&'a Rule> {
    rules
        .iter()
        .filter(|rule| pattern::matches(&rule.streams, stream))
        // `max_by_key` gives the last of equals, and the first is wanted.
        .rev()
        .max_by_key(|rule| pattern::specificity(&rule.streams))
}

/// The source to put on air; none, when no source is heard, leaves the last one there.
fn choose(state: &State, rule: &Rule) -> Option<String> {
    let heard = |source: &&Source| source.heard_within(rule.max_age_ms);
    let stay = match rule.on_air {
        OnAir::Best => state.on_air().filter(heard),
        OnAir::First => None,
    };
    stay.or_else(|| state.sources.iter().find(heard))
        .map(|source| source.id.clone())
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

pointsman_sdk::export_routing!(Fanout, schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests;
