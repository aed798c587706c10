//! Sends a stream elsewhere at night, and to its fallback source when it is unwell.

mod config;

pub use config::{Clock, Config, Window};

use pointsman_sdk::routing::{Output, Plan, Routing, Source, State};
use pointsman_sdk::{Error, export};

/// The policy.
pub struct NightSwitch;

impl Routing for NightSwitch {
    type Config = Config;

    fn route(state: State, config: Config) -> Result<Plan, Error> {
        let night = config.night.holds(state.local_minute_of_day());
        let mut plan = Plan::keep_declared(&state);
        if night {
            let url = config.night_url.replace("{stream}", &state.stream);
            plan.outputs = vec![Output::to("night", url)];
        }
        let (on_air, health) = choose(&state, &config);
        plan.on_air = on_air.map(|source| source.id.clone());
        plan.reason = format!("{}; {health}", if night { "night" } else { "day" });
        Ok(plan)
    }
}

/// The source for the air, and why. None leaves what is there.
fn choose<'a>(state: &'a State, config: &Config) -> (Option<&'a Source>, &'static str) {
    let fallback = |source: &&Source| Some(&source.id) == config.fallback.as_ref();
    let regular = || state.sources.iter().filter(|source| !fallback(source));

    if let Some(source) = regular().find(|it| it.on_air && well(it, config)) {
        return (Some(source), "the source on air is well");
    }
    // A source that comes and goes must not take the picture with it: it has to settle first,
    // unless there is nothing on air that could be kept.
    let something_on_air = state.on_air().is_some_and(|it| well(it, config));
    let settled = |it: &&Source| !something_on_air || it.uptime_ms >= config.settle_ms;
    if let Some(source) = regular().filter(|it| well(it, config)).find(settled) {
        return (Some(source), "took a source that is well");
    }
    match state.sources.iter().find(fallback) {
        Some(source) if source.connected => (Some(source), "no source is well: fallback"),
        _ => (None, "no source is well, and no fallback is there"),
    }
}

fn well(source: &Source, config: &Config) -> bool {
    source.heard_within(config.max_age_ms) && source.bitrate_bps >= config.min_bitrate_bps
}

export!(NightSwitch, kinds: [routing], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests;
