//! Goes to the backup after a while of trouble, and back after a while of health.

mod memory;

use memory::Memory;
use pointsman_sdk::routing::{Alert, Plan, Routing, Severity, Source, State};
use pointsman_sdk::{Error, export, kv, log};
use serde::Deserialize;

/// The operator's settings, as `config.schema.json` describes them.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Id of the source that shall be on air; none: the stream's first.
    pub primary: Option<String>,
    /// Id of the source that stands in; none: the stream's first other one.
    pub backup: Option<String>,
    /// How long the primary has to be unwell before it is left, milliseconds.
    pub trouble_ms: u64,
    /// How long it has to be well before it is taken back, milliseconds.
    pub health_ms: u64,
    /// A source whose last packet is older is unwell, milliseconds.
    pub max_age_ms: u64,
    /// A source below this is unwell, bits per second.
    pub min_bitrate_bps: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            primary: None,
            backup: None,
            trouble_ms: 2_000,
            health_ms: 30_000,
            max_age_ms: 1_000,
            min_bitrate_bps: 0,
        }
    }
}

/// The policy.
pub struct FailoverHysteresis;

impl Routing for FailoverHysteresis {
    type Config = Config;

    fn route(state: State, config: Config) -> Result<Plan, Error> {
        let mut plan = Plan::keep_declared(&state);
        let (primary, backup) = pair(&state, &config);
        let Some(primary) = primary else {
            plan.reason = "the primary is no source of this stream".to_owned();
            plan.alerts = vec![Alert::new("no-primary", Severity::Warning, &plan.reason)];
            return Ok(plan);
        };
        let well = |source: &Source| {
            source.heard_within(config.max_age_ms) && source.bitrate_bps >= config.min_bitrate_bps
        };
        let backup = backup.filter(|source| well(source));
        let memory = remember(&state, well(primary), backup.is_some(), &config);
        let (on_air, reason) = match (memory.on_backup, backup) {
            (true, Some(backup)) => (backup, memory.told(&state, config.health_ms)),
            _ => (primary, memory.told(&state, config.trouble_ms)),
        };
        plan.on_air = Some(on_air.id.clone());
        if memory.on_backup {
            let message = format!("{} is unwell, {} is on air", primary.id, on_air.id);
            plan.alerts = vec![Alert::new("on-backup", Severity::Warning, message)];
        }
        plan.reason = reason;
        Ok(plan)
    }
}

/// The two sources that this is about.
fn pair<'a>(state: &'a State, config: &Config) -> (Option<&'a Source>, Option<&'a Source>) {
    let primary = match &config.primary {
        Some(id) => state.source(id),
        None => state.sources.first(),
    };
    let backup = match &config.backup {
        Some(id) => state.source(id),
        None => state
            .sources
            .iter()
            .find(|it| primary.is_none_or(|other| it.id != other.id)),
    };
    (primary, backup)
}

/// What is known of the past, this moment included.
fn remember(state: &State, primary_well: bool, backup_well: bool, config: &Config) -> Memory {
    let next = |memory: Option<Memory>| {
        memory
            .unwrap_or_default()
            .next(state.now_unix_ms, primary_well, backup_well, config)
    };
    kv::update(&memory::key(&state.stream), next).unwrap_or_else(|error| {
        // Without a memory nothing is ever long enough: whoever is well is taken at once.
        log::warn(&format!("{} has no memory: {error}", state.stream));
        Memory {
            on_backup: !primary_well && backup_well,
            since_unix_ms: None,
        }
    })
}

export!(
    FailoverHysteresis,
    kinds: [routing],
    schema: include_str!("../config.schema.json"),
);

#[cfg(test)]
mod tests;
