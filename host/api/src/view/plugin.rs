//! Plugins: what they say of themselves, their versions and figures.

use ::plugin::{Info, Installed, VersionView};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An installed plugin.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PluginView {
    /// The name it is installed under.
    #[schema(example = "fanout")]
    name: String,
    /// The active version.
    #[serde(flatten)]
    active: About,
    /// JSON Schema of its configuration.
    #[schema(value_type = Object)]
    config_schema: serde_json::Value,
    /// Since when it is active, Unix milliseconds.
    active_since_unix_ms: u64,
    /// What it imports.
    imports: Vec<String>,
    /// All versions kept, oldest first.
    versions: Vec<Version>,
    /// Figures of its calls.
    calls: Calls,
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

impl From<::plugin::PluginView> for PluginView {
    fn from(plugin: ::plugin::PluginView) -> Self {
        let (active, config_schema) = About::new(&plugin.hash, plugin.info);
        let calls = plugin.stats.calls;
        let total_us = u64::try_from(plugin.stats.total.as_micros()).unwrap_or(u64::MAX);
        Self {
            name: plugin.name.into(),
            active,
            config_schema,
            active_since_unix_ms: plugin.active_since_unix_ms,
            imports: plugin.imports,
            versions: plugin.versions.into_iter().map(Version::from).collect(),
            calls: Calls {
                total: calls,
                failed: plugin.stats.errors.into_iter().collect(),
                mean_us: total_us.checked_div(calls).unwrap_or_default(),
                max_us: u64::try_from(plugin.stats.max.as_micros()).unwrap_or(u64::MAX),
            },
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
        }
    }
}
