//! A control plane in this process, with one plugin bound.

use anyhow::{Context, Result};
use control::{Control, ControlHandle, Decider};
use model::{PolicyKind, PolicySpec};
use plugin::{Compiler, Origin, Plugins};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The name that the plugin is installed under.
const NAME: &str = "measured";

/// Ends with its owner.
pub(super) struct Stand {
    pub(super) control: ControlHandle,
    actor: JoinHandle<()>,
    _folder: TempDir,
}

impl Stand {
    /// With this component, bound for every subject.
    pub(super) async fn with(component: Vec<u8>, kind: PolicyKind, config: Value) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let settings = plugin::Settings::new(folder.path(), Compiler::InProcess);
        let (plugins, _) = Plugins::open(settings).await?;
        let registry = hub::Registry::new(hub::Settings::default());
        let context = gateway::Context::new(registry.clone(), CancellationToken::new());
        let (actor, control) =
            Control::new(registry, context, plugins, control::Settings::default());
        let stand = Self {
            control,
            actor: tokio::spawn(actor.run()),
            _folder: folder,
        };
        stand.install(component).await?;
        let spec = json!({ "kind": kind, "plugin": NAME, "config": config });
        let spec: PolicySpec = serde_json::from_value(spec)?;
        stand.control.put_policy(spec).await?;
        Ok(stand)
    }

    /// Installs a component in place of the one before.
    pub(super) async fn install(&self, component: Vec<u8>) -> Result<()> {
        let installed = self
            .control
            .install_plugin(NAME.parse()?, component, Origin::default());
        installed.await.context("installing the plugin")?;
        Ok(())
    }

    /// Who decides.
    pub(super) fn decider(&self) -> Decider {
        self.control.decider().clone()
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.actor.abort();
    }
}
