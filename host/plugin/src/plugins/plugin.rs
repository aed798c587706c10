//! The handle on one plugin.

use super::slot::Slot;
use crate::call::{Call, Outcome};
use crate::component::Hash;
use crate::config::Config;
use crate::error::InstallError;
use crate::log::LogLine;
use crate::stats::Stats;
use model::{Label, PolicyKind};
use serde_json::Value;
use std::sync::Arc;

/// Handle on one plugin. Each call goes to the version that is active when it begins.
#[derive(Clone)]
pub struct Plugin(Arc<Slot>);

impl Plugin {
    pub(super) fn new(slot: Arc<Slot>) -> Self {
        Self(slot)
    }

    /// The name it is installed under.
    pub fn name(&self) -> &Label {
        self.0.name()
    }

    /// The active version; none once the plugin is removed.
    pub fn hash(&self) -> Option<Hash> {
        self.0.active().map(|active| active.hash.clone())
    }

    /// The kinds of policy that the active version has; none once the plugin is removed.
    pub fn kinds(&self) -> Vec<PolicyKind> {
        let active = self.0.active();
        active
            .map(|active| active.info.kinds.clone())
            .unwrap_or_default()
    }

    /// Checks a configuration against the active version's schema.
    ///
    /// What it returns is good for later versions too, since a version that does not accept
    /// the configurations in use is not installed.
    ///
    /// # Errors
    ///
    /// [`InstallError::Config`] with the places, [`InstallError::Unknown`] once removed.
    pub fn config(&self, what: &str, config: &Value) -> Result<Config, InstallError> {
        match self.0.active() {
            Some(active) => active.accept(what, config),
            None => Err(InstallError::Unknown {
                name: self.name().clone(),
            }),
        }
    }

    /// The last lines it wrote, whatever its version, oldest first.
    pub fn log(&self) -> Vec<LogLine> {
        self.0.home().log.recent()
    }

    /// One decision by the active version.
    ///
    /// A live or trial call counts in the figures, and failures of it open the breaker or, soon
    /// after a switch, bring the version before back. Dropping the future ends the call.
    pub async fn decide(&self, call: Call<'_>) -> Outcome {
        let Call {
            question,
            config,
            library,
            mode,
        } = call;
        self.0.decide(question, config, library, mode).await
    }

    /// Figures of its calls.
    pub fn stats(&self) -> Stats {
        self.0.counters().read()
    }
}
