//! Puts the first source on air that is heard.

use pointsman_sdk::routing::{Plan, Routing, State};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

/// The operator's settings, as `config.schema.json` describes them.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    max_age_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_age_ms: 2_000 }
    }
}

struct Policy;

impl Routing for Policy {
    type Config = Config;

    /// Called when something about the stream changes, and now and then.
    fn route(state: State, config: Config) -> Result<Plan, Error> {
        let mut plan = Plan::keep_declared(&state);
        let heard = state
            .sources
            .iter()
            .find(|source| source.heard_within(config.max_age_ms));
        plan.on_air = heard.map(|source| source.id.clone());
        plan.reason = match heard {
            Some(source) => format!("{} is heard", source.id),
            None => "no source is heard".to_owned(),
        };
        Ok(plan)
    }
}

export!(Policy, kinds: [routing], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        pointsman_sdk::testing::pass_fixtures::<super::Policy>("fixtures");
    }
}
