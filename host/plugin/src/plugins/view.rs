//! Plugins as the API shows them.

use super::Step;
use crate::component::{Hash, Info};
use crate::kv::KvUse;
use crate::stats::Stats;
use model::{Grants, Label, Limits};
use serde::{Deserialize, Serialize};

/// A version that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionView {
    /// Its content.
    pub hash: Hash,
    /// The author's version.
    pub version: String,
    /// Bytes.
    pub size: usize,
    /// When it was installed, Unix milliseconds.
    pub installed_unix_ms: u64,
    /// The signed comment of its signature; none when no key was trusted at the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<String>,
}

/// A plugin as the API shows it.
#[derive(Debug, Clone)]
pub struct PluginView {
    /// The name it is installed under.
    pub name: Label,
    /// What the active version says of itself.
    pub info: Info,
    /// The active version.
    pub hash: Hash,
    /// Since when it is active, Unix milliseconds.
    pub active_since_unix_ms: u64,
    /// Its imports.
    pub imports: Vec<String>,
    /// All versions kept, oldest first.
    pub versions: Vec<VersionView>,
    /// Figures of its calls.
    pub stats: Stats,
    /// Whether it is left alone for a while; none when it is asked.
    pub breaker: Option<BreakerView>,
    /// Whether the active version is taken back by itself if it fails.
    pub on_probation: bool,
    /// What it may take.
    pub limits: Limits,
    /// What the operator opens to it.
    pub granted: Grants,
    /// What it keeps in `kv`.
    pub kv: KvUse,
}

/// A plugin that is left alone since it failed again and again: by the host, or, of auth, for
/// everybody. Single peers that it is not asked about are not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerView {
    /// Until when, Unix milliseconds; after that one call tries it.
    pub until_unix_ms: u64,
    /// The last failure.
    pub why: String,
}

/// An installation under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installing {
    /// The plugin; it need not have an active version yet.
    pub name: Label,
    /// Where it stands.
    pub step: Step,
}
