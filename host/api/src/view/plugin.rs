//! Plugins: what they say of themselves, their versions and figures.

use ::plugin::{Difference, Info, Installed, LogLine, VersionView};
use control::Trouble;
use control::log::secrets;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A plugin: what is active, and what is going on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginView {
    /// The name it is installed under.
    #[schema(example = "fanout")]
    name: String,
    /// `active`; `installing`: the first version is on its way; `refused`: none was ever
    /// accepted; `open`: it failed too often, and is left alone for a while.
    #[schema(example = "active")]
    state: &'static str,
    /// Where an installation stands, if one is under way: `verifying`, `compiling`,
    /// `inspecting`, `trying`, `validating`, `replaying` or `activating`.
    #[schema(example = "compiling")]
    step: Option<&'static str>,
    /// Why it is left alone, and until when; none while it is asked.
    breaker: Option<Breaker>,
    /// The last component that was refused: `at_unix_ms`, `code` and `error`.
    #[schema(value_type = Option<Object>)]
    last_refused: Option<control::Refused>,
    /// The last time that the host went back by itself: `at_unix_ms`, `from`, `to` and `why`.
    #[schema(value_type = Option<Object>)]
    last_rolled_back: Option<control::RolledBack>,
    /// Of what is active; absent before anything is.
    #[serde(flatten)]
    #[schema(value_type = ActivePlugin)]
    active: Option<ActivePlugin>,
}

/// The active version of a plugin, and what belongs to its name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivePlugin {
    #[serde(flatten)]
    about: About,
    /// JSON Schema of its configuration.
    #[schema(value_type = Object)]
    config_schema: serde_json::Value,
    /// Since when it is active, Unix milliseconds.
    active_since_unix_ms: u64,
    /// Whether the host goes back by itself if this version fails.
    on_probation: bool,
    /// What it imports.
    imports: Vec<String>,
    /// All versions kept, oldest first.
    versions: Vec<Version>,
    /// Figures of its calls.
    calls: Calls,
    /// What it may take.
    limits: Limits,
    /// What it keeps over its calls.
    kv: Kv,
    /// Hosts that it may send requests to, if it asks for that.
    granted: Granted,
}

/// A plugin that is left alone since it failed again and again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Breaker {
    /// Until when, Unix milliseconds; after that one call tries it.
    until_unix_ms: u64,
    /// The last failure.
    why: String,
}

/// What a plugin may take.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Limits {
    /// Time that a call may compute.
    deadline_ms: u64,
    /// Memory of an instance.
    memory_bytes: usize,
    /// What a call may hand over at once.
    returned_bytes: usize,
    /// Calls at the same time.
    instances: u32,
    /// Lines that it may log a second.
    log_lines_per_second: u32,
    /// Keys that it may keep.
    kv_keys: usize,
    /// Bytes of keys and values that it may keep.
    kv_bytes: usize,
    /// Time that all requests of a call may take together.
    http_ms: u64,
}

/// What a plugin keeps.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Kv {
    /// How many.
    keys: usize,
    /// Of keys and values.
    bytes: usize,
}

/// Hosts, as in `[plugins.grants]`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Granted {
    /// At public addresses.
    hosts: Vec<String>,
    /// At any address.
    private: Vec<String>,
}

/// The last lines that a plugin wrote.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginLogs {
    /// Oldest first, each with `at_unix_ms`, `level` and `message`.
    #[schema(value_type = Vec<Object>)]
    pub(crate) lines: Vec<LogLine>,
}

/// What a version says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct About {
    /// SHA-256 of the component, hexadecimal.
    sha256: String,
    /// The author's version.
    #[schema(example = "1.0.0")]
    version: String,
    /// One line for people.
    description: String,
    /// Who to ask.
    author: String,
    /// SPDX expression.
    license: String,
    /// The kinds of policy it has.
    #[schema(example = json!(["routing"]))]
    kinds: Vec<&'static str>,
}

/// A version that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// SHA-256 of the component, hexadecimal.
    sha256: String,
    /// The author's version.
    version: String,
    /// Its size.
    bytes: usize,
    /// When it was installed, Unix milliseconds.
    installed_unix_ms: u64,
    /// The comment of its signature, if a trusted key made one.
    signed: Option<String>,
}

/// Figures of a plugin's calls since the host started, over all versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Calls {
    /// Calls made, failed ones included.
    total: u64,
    /// Failed calls by why.
    #[schema(example = json!({"trap": 0, "deadline": 0}))]
    failed: BTreeMap<&'static str, u64>,
    /// Mean time of a call, microseconds.
    mean_us: u64,
    /// The longest call, microseconds.
    max_us: u64,
}

/// What an installation or a rollback brought.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginInstalled {
    /// The name it is installed under.
    name: String,
    /// The version that is active now.
    #[serde(flatten)]
    active: About,
    /// SHA-256 of the component that was active before; the same when nothing changed.
    replaced_sha256: Option<String>,
    /// Logged decisions that the new version made again.
    compared: usize,
    /// How many of them came to something else.
    differing: usize,
    /// The first 20 of those, each with `id` of the decision, `subject`, `was` and `now`.
    #[schema(value_type = Vec<Object>)]
    differences: Vec<Difference>,
}

impl About {
    fn new(hash: &::plugin::Hash, info: Info) -> (Self, serde_json::Value) {
        let about = Self {
            sha256: hash.as_str().to_owned(),
            version: info.version,
            description: info.description,
            author: info.author,
            license: info.license,
            kinds: info.kinds.into_iter().map(|kind| kind.as_str()).collect(),
        };
        (about, info.config_schema)
    }
}

impl PluginView {
    /// Of a plugin that is installed, or about to be, or was refused; none of any other.
    pub(crate) fn new(
        name: &str,
        installed: Option<::plugin::PluginView>,
        step: Option<&'static str>,
        trouble: Trouble,
    ) -> Option<Self> {
        let breaker = installed.as_ref().and_then(|plugin| plugin.breaker.clone());
        let state = match (&installed, &breaker) {
            (Some(_), Some(_)) => "open",
            (Some(_), None) => "active",
            (None, _) if step.is_some() => "installing",
            (None, _) if trouble.refused.is_some() => "refused",
            (None, _) => return None,
        };
        Some(Self {
            name: name.to_owned(),
            state,
            step,
            breaker: breaker.map(|breaker| Breaker {
                until_unix_ms: breaker.until_unix_ms,
                why: breaker.why,
            }),
            last_refused: trouble.refused,
            last_rolled_back: trouble.rolled_back,
            active: installed.map(ActivePlugin::from),
        })
    }
}

impl From<::plugin::PluginView> for ActivePlugin {
    fn from(plugin: ::plugin::PluginView) -> Self {
        let (about, config_schema) = About::new(&plugin.hash, plugin.info);
        let calls = plugin.stats.calls;
        let total_us = u64::try_from(plugin.stats.total.as_micros()).unwrap_or(u64::MAX);
        Self {
            about,
            config_schema,
            active_since_unix_ms: plugin.active_since_unix_ms,
            on_probation: plugin.on_probation,
            imports: plugin.imports,
            versions: plugin.versions.into_iter().map(Version::from).collect(),
            calls: Calls {
                total: calls,
                failed: plugin.stats.errors.into_iter().collect(),
                mean_us: total_us.checked_div(calls).unwrap_or_default(),
                max_us: u64::try_from(plugin.stats.max.as_micros()).unwrap_or(u64::MAX),
            },
            limits: plugin.limits.into(),
            kv: Kv {
                keys: plugin.kv.keys,
                bytes: plugin.kv.bytes,
            },
            granted: plugin.granted.into(),
        }
    }
}

impl From<model::Limits> for Limits {
    fn from(limits: model::Limits) -> Self {
        Self {
            deadline_ms: limits.deadline_ms,
            memory_bytes: limits.memory_bytes,
            returned_bytes: limits.returned_bytes,
            instances: limits.instances,
            log_lines_per_second: limits.log_lines_per_second,
            kv_keys: limits.kv_keys,
            kv_bytes: limits.kv_bytes,
            http_ms: limits.http_ms,
        }
    }
}

impl From<model::Grants> for Granted {
    fn from(grants: model::Grants) -> Self {
        let names = |rules: Vec<model::HostRule>| rules.into_iter().map(String::from).collect();
        Self {
            hosts: names(grants.http),
            private: names(grants.private),
        }
    }
}

impl From<VersionView> for Version {
    fn from(version: VersionView) -> Self {
        Self {
            sha256: version.hash.as_str().to_owned(),
            version: version.version,
            bytes: version.size,
            installed_unix_ms: version.installed_unix_ms,
            signed: version.signed,
        }
    }
}

impl From<Installed> for PluginInstalled {
    fn from(installed: Installed) -> Self {
        let (active, _) = About::new(&installed.hash, installed.info);
        Self {
            name: installed.name.into(),
            active,
            replaced_sha256: installed.replaced.map(|hash| hash.as_str().to_owned()),
            compared: installed.compared,
            differing: installed.differing,
            differences: installed
                .differences
                .into_iter()
                .map(without_secrets)
                .collect(),
        }
    }
}

fn without_secrets(mut difference: Difference) -> Difference {
    difference.was = secrets::hide_answer(&difference.was);
    difference.now = difference.now.map(|answer| secrets::hide_answer(&answer));
    difference
}
