//! Puts the first source on air that is heard, the other connected ones stand in.

#![forbid(unsafe_code)]

use pointsman_sdk::routing::{Alert, Plan, Routing, Severity, State};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

/// The operator's settings.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A source is heard while its last packet is no older than this, milliseconds.
    pub max_age_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_age_ms: 2_000 }
    }
}

/// The policy.
#[derive(Debug)]
pub struct FirstHeard;

impl Routing for FirstHeard {
    type Config = Config;

    fn route(state: State, config: Config) -> Result<Plan, Error> {
        let mut plan = Plan::keep_declared(&state);
        let heard = state
            .sources
            .iter()
            .find(|source| source.heard_within(config.max_age_ms));
        plan.on_air = heard.map(|source| source.id.clone());
        let others = state
            .sources
            .iter()
            .filter(|it| it.connected && Some(&it.id) != plan.on_air.as_ref());
        plan.failover = others.map(|source| source.id.clone()).collect();
        plan.reason = match &plan.on_air {
            Some(id) => format!("{id} is heard"),
            None => "no source is heard".to_owned(),
        };
        if heard.is_none() {
            plan.alerts = vec![Alert::new("no-source", Severity::Critical, &plan.reason)];
        }
        Ok(plan)
    }
}

export!(
    FirstHeard,
    kinds: [routing],
    schema: include_str!("../../../../fixtures/first-heard.schema.json"),
);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        pointsman_sdk::testing::pass_fixtures::<super::FirstHeard>("../../../fixtures/first-heard");
    }
}
