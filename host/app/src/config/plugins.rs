//! `[plugins]`: where they come from, what they may take, and what is opened to them.

use super::ConfigError;
use model::origin::Origin;
use model::{Grants, HostRule, Label, Limits, PluginLimits};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What marks a host that may be at a private address.
const PRIVATE: &str = "private:";

/// `[plugins]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plugins {
    /// Watched: NAME.wasm appears, changes, goes.
    pub dir: PathBuf,
    /// Minisign public keys; when there are any, components that none of them signed are refused.
    pub trusted_keys: Vec<String>,
    /// Hosts that `POST /api/v1/plugins/{name}/install` may fetch components from.
    #[serde(deserialize_with = "origins")]
    pub install_from: Vec<Origin>,
    /// Calls of all plugins at the same time; more wait.
    pub instances: u32,
    /// What a component may have.
    pub component_bytes: usize,
    /// What each plugin may take.
    pub limits: Limits,
    /// What a plugin of that name may take instead.
    pub overrides: BTreeMap<Label, Overrides>,
    /// Hosts that a plugin of that name may send requests to.
    #[serde(deserialize_with = "grants")]
    pub grants: BTreeMap<Label, Grants>,
}

/// `[plugins.overrides.NAME]`: what is left out is as in `[plugins.limits]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    deadline_ms: Option<u64>,
    memory_bytes: Option<usize>,
    returned_bytes: Option<usize>,
    instances: Option<u32>,
    log_lines_per_second: Option<u32>,
    kv_keys: Option<usize>,
    kv_bytes: Option<usize>,
    http_ms: Option<u64>,
}

impl Default for Plugins {
    fn default() -> Self {
        let limits = PluginLimits::default();
        Self {
            dir: "plugins".into(),
            trusted_keys: Vec::new(),
            install_from: Vec::new(),
            instances: limits.instances,
            component_bytes: limits.component_bytes,
            limits: Limits::default(),
            overrides: BTreeMap::new(),
            grants: BTreeMap::new(),
        }
    }
}

impl Plugins {
    /// As the plugin plane takes them.
    pub fn limits(&self) -> PluginLimits {
        let named = self.overrides.iter();
        PluginLimits {
            default: self.limits.clone(),
            named: named
                .map(|(name, own)| (name.clone(), own.over(&self.limits)))
                .collect(),
            instances: self.instances,
            component_bytes: self.component_bytes,
        }
    }

    /// Ranges that types do not hold.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check(&self.limits)?;
        for own in self.overrides.values() {
            check(&own.over(&self.limits))?;
        }
        let megabyte = 1 << 20;
        if !(megabyte..=1 << 30).contains(&self.component_bytes) {
            let key = "plugins.component_bytes";
            return Err(ConfigError::range(key, "1 MiB to 1 GiB, in bytes"));
        }
        if !(1..=1_000).contains(&self.instances) {
            return Err(ConfigError::range("plugins.instances", "1 to 1000"));
        }
        Ok(())
    }
}

impl Overrides {
    /// These limits, and over them what is given here.
    fn over(&self, limits: &Limits) -> Limits {
        Limits {
            deadline_ms: self.deadline_ms.unwrap_or(limits.deadline_ms),
            memory_bytes: self.memory_bytes.unwrap_or(limits.memory_bytes),
            returned_bytes: self.returned_bytes.unwrap_or(limits.returned_bytes),
            instances: self.instances.unwrap_or(limits.instances),
            log_lines_per_second: self
                .log_lines_per_second
                .unwrap_or(limits.log_lines_per_second),
            kv_keys: self.kv_keys.unwrap_or(limits.kv_keys),
            kv_bytes: self.kv_bytes.unwrap_or(limits.kv_bytes),
            http_ms: self.http_ms.unwrap_or(limits.http_ms),
        }
    }
}

fn check(limits: &Limits) -> Result<(), ConfigError> {
    let ranges = [
        (
            (1..=1_000).contains(&limits.deadline_ms),
            "plugins.limits.deadline_ms",
            "1 to 1000 ms",
        ),
        (
            (1 << 16..=1 << 30).contains(&limits.memory_bytes),
            "plugins.limits.memory_bytes",
            "64 KiB to 1 GiB, in bytes",
        ),
        (
            (1 << 10..=64 << 20).contains(&limits.returned_bytes),
            "plugins.limits.returned_bytes",
            "1 KiB to 64 MiB, in bytes",
        ),
        (
            (1..=1_000).contains(&limits.instances),
            "plugins.limits.instances",
            "1 to 1000",
        ),
        (
            limits.http_ms <= 4_000,
            "plugins.limits.http_ms",
            "0 to 4000 ms",
        ),
    ];
    for (holds, key, expected) in ranges {
        if !holds {
            return Err(ConfigError::range(key, expected));
        }
    }
    Ok(())
}

fn origins<'de, D: Deserializer<'de>>(texts: D) -> Result<Vec<Origin>, D::Error> {
    let texts = Vec::<String>::deserialize(texts)?;
    let origins = texts.iter().map(|text| text.parse());
    origins.collect::<Result<_, _>>().map_err(D::Error::custom)
}

fn grants<'de, D: Deserializer<'de>>(lists: D) -> Result<BTreeMap<Label, Grants>, D::Error> {
    let lists = BTreeMap::<Label, GrantList>::deserialize(lists)?;
    let all = lists.into_iter().map(|(plugin, list)| (plugin, list.0));
    Ok(all.collect())
}

/// The hosts of one plugin; read by itself, so that an error tells its line.
struct GrantList(Grants);

impl<'de> Deserialize<'de> for GrantList {
    fn deserialize<D: Deserializer<'de>>(list: D) -> Result<Self, D::Error> {
        let mut grants = Grants::default();
        for host in Vec::<String>::deserialize(list)? {
            let (list, host) = match host.strip_prefix(PRIVATE) {
                Some(host) => (&mut grants.private, host),
                None => (&mut grants.http, host.as_str()),
            };
            list.push(host.parse::<HostRule>().map_err(D::Error::custom)?);
        }
        Ok(Self(grants))
    }
}
