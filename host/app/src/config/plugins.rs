//! `[plugins]`: where they come from, what they may take, and what is opened to them.

use super::ConfigError;
use control::fetch::Origin;
use model::Label;
use plugin::{Grants, HostRule, PluginLimits};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

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

/// `[plugins.limits]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Time that a call may compute.
    pub deadline_ms: u64,
    /// Memory of an instance.
    pub memory_bytes: usize,
    /// What a call may hand over at once.
    pub returned_bytes: usize,
    /// Calls at the same time; more wait.
    pub instances: u32,
    /// Lines that it may log a second.
    pub log_lines_per_second: u32,
    /// Keys that it may keep.
    pub kv_keys: usize,
    /// Bytes of keys and values that it may keep.
    pub kv_bytes: usize,
    /// Time that all HTTP requests of a call may take together.
    pub http_ms: u64,
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

impl Default for Limits {
    fn default() -> Self {
        let limits = plugin::Limits::default();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            deadline_ms: ms(limits.deadline),
            memory_bytes: limits.memory_bytes,
            returned_bytes: limits.returned_bytes,
            instances: limits.instances,
            log_lines_per_second: limits.log_lines_per_second,
            kv_keys: limits.kv_keys,
            kv_bytes: limits.kv_bytes,
            http_ms: ms(limits.http_time),
        }
    }
}

impl Plugins {
    /// As the plugin plane takes them.
    pub fn limits(&self) -> PluginLimits {
        let named = self.overrides.iter();
        PluginLimits {
            default: self.limits.of_plane(),
            named: named
                .map(|(name, own)| (name.clone(), self.limits.with(own).of_plane()))
                .collect(),
            instances: self.instances,
            component_bytes: self.component_bytes,
        }
    }

    /// Ranges that types do not hold.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let named = self.overrides.values().map(|own| self.limits.with(own));
        for limits in named.chain([self.limits.clone()]) {
            limits.check()?;
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

impl Limits {
    fn with(&self, own: &Overrides) -> Self {
        Self {
            deadline_ms: own.deadline_ms.unwrap_or(self.deadline_ms),
            memory_bytes: own.memory_bytes.unwrap_or(self.memory_bytes),
            returned_bytes: own.returned_bytes.unwrap_or(self.returned_bytes),
            instances: own.instances.unwrap_or(self.instances),
            log_lines_per_second: own
                .log_lines_per_second
                .unwrap_or(self.log_lines_per_second),
            kv_keys: own.kv_keys.unwrap_or(self.kv_keys),
            kv_bytes: own.kv_bytes.unwrap_or(self.kv_bytes),
            http_ms: own.http_ms.unwrap_or(self.http_ms),
        }
    }

    fn of_plane(&self) -> plugin::Limits {
        plugin::Limits {
            deadline: Duration::from_millis(self.deadline_ms),
            memory_bytes: self.memory_bytes,
            returned_bytes: self.returned_bytes,
            instances: self.instances,
            log_lines_per_second: self.log_lines_per_second,
            kv_keys: self.kv_keys,
            kv_bytes: self.kv_bytes,
            http_time: Duration::from_millis(self.http_ms),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            (
                (1..=1_000).contains(&self.deadline_ms),
                "plugins.limits.deadline_ms",
                "1 to 1000 ms",
            ),
            (
                (1 << 16..=1 << 30).contains(&self.memory_bytes),
                "plugins.limits.memory_bytes",
                "64 KiB to 1 GiB, in bytes",
            ),
            (
                (1 << 10..=64 << 20).contains(&self.returned_bytes),
                "plugins.limits.returned_bytes",
                "1 KiB to 64 MiB, in bytes",
            ),
            (
                (1..=1_000).contains(&self.instances),
                "plugins.limits.instances",
                "1 to 1000",
            ),
            (
                self.http_ms <= 4_000,
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
