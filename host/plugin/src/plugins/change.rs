//! What the rest of the host is told about plugins.

use crate::component::Hash;
use model::Label;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where an installation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Size, kind of file, SHA-256 and signature.
    Verifying,
    /// To native code, or its code is looked for in the cache.
    Compiling,
    /// Imports, exports and their types.
    Inspecting,
    /// A first instance is made and describes itself.
    Trying,
    /// The configurations in use are checked against its schema, and each is tried on a sample.
    Validating,
    /// Recorded decisions are made again.
    Replaying,
    /// It is stored, and takes over.
    Activating,
}

impl Step {
    /// The name used in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verifying => "verifying",
            Self::Compiling => "compiling",
            Self::Inspecting => "inspecting",
            Self::Trying => "trying",
            Self::Validating => "validating",
            Self::Replaying => "replaying",
            Self::Activating => "activating",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that happened to a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// An installation came to its next step.
    Step {
        /// The plugin.
        name: Label,
        /// The step that begins.
        step: Step,
    },
    /// An installation or a rollback failed; what was active goes on.
    Refused {
        /// The plugin.
        name: Label,
        /// [`crate::InstallError::code`].
        code: &'static str,
        /// The error's text.
        error: String,
    },
    /// Another version is active, or the first. Its configurations have to be looked at again.
    Activated {
        /// The plugin.
        name: Label,
        /// The component that is active now.
        hash: Hash,
    },
    /// The plane went back by itself, since the new version failed. [`Change::Activated`] follows.
    RolledBack {
        /// The plugin.
        name: Label,
        /// The version that failed.
        from: Hash,
        /// The version that is active again.
        to: Hash,
        /// How it failed.
        why: String,
    },
    /// The plugin failed too often in a row and is not asked for a while.
    BreakerOpened {
        /// The plugin.
        name: Label,
        /// Until when, Unix milliseconds; then one call tries it.
        until_ms: u64,
        /// The last failure.
        why: String,
    },
    /// The plugin is asked again.
    BreakerClosed {
        /// The plugin.
        name: Label,
    },
    /// The plugin is gone.
    Removed {
        /// The plugin.
        name: Label,
    },
}
