//! The plugin plane: where it keeps its files, and the folder it watches.

use crate::config::Config;
use anyhow::Context;
use control::ControlHandle;
use model::Label;
use plugin::folder::{self, FolderEvent};
use plugin::{Compiler, Keeper, Plugins, Settings};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How long the plugins that policies name may take to come up from the folder. A small one
/// compiles in a tenth of a second, a scripting engine in ten.
const FIRST_LOOK: Duration = Duration::from_secs(30);

/// Folder events that wait for a line in the log.
const EVENTS: usize = 16;

/// Starts the engine and takes up what was installed before.
pub(super) async fn open(config: &Config, keeper: Arc<dyn Keeper>) -> anyhow::Result<Plugins> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let args = ["plugin", "compile"].map(Into::into).to_vec();
    let compiler = Compiler::Child { program, args };
    let dir = config.data_dir.join("plugins");
    let settings = Settings {
        limits: config.plugins.limits(),
        grants: config.plugins.grants.clone(),
        trusted_keys: config.plugins.trusted_keys.clone(),
        keeper,
        ..Settings::new(&dir, compiler)
    };
    let (plugins, failed) = Plugins::open(settings)
        .await
        .with_context(|| format!("cannot open the plugins in {}", dir.display()))?;
    for (name, error) in failed {
        tracing::warn!(plugin = %name, %error, "a plugin installed before does not come up");
    }
    Ok(plugins)
}

/// Begins to watch the folder and returns once the plugins that policies name are there, or
/// cannot be; the future returned goes on watching.
pub(super) async fn watch(
    plugins: Plugins,
    config: &Config,
    control: ControlHandle,
    stop: CancellationToken,
) -> impl Future<Output = anyhow::Result<()>> + Send + 'static {
    let (sender, mut events) = mpsc::channel(EVENTS);
    let dir = config.plugins.dir.clone();
    let bound = move |name: &str| control.bound(name);
    let watching = tokio::spawn(folder::watch(plugins.clone(), dir, bound, sender, stop));
    let mut awaited = awaited(config, &plugins);
    let all_there = async {
        while !awaited.is_empty() {
            let Some(event) = events.recv().await else {
                return;
            };
            awaited.remove(name_of(&event));
            log(&event);
        }
    };
    if tokio::time::timeout(FIRST_LOOK, all_there).await.is_err() {
        tracing::warn!("plugins take long to compile; going on without them");
    }
    async move {
        while let Some(event) = events.recv().await {
            log(&event);
        }
        watching
            .await
            .context("watching the plugin folder broke off")
    }
}

/// Plugins that policies name and that are only in the folder yet.
fn awaited(config: &Config, plugins: &Plugins) -> BTreeSet<Label> {
    let in_folder = |name: &Label| config.plugins.dir.join(format!("{name}.wasm")).is_file();
    let named = config.policies.iter().map(|policy| policy.plugin.clone());
    named
        .filter(|name| plugins.get(name.as_str()).is_none() && in_folder(name))
        .collect()
}

fn name_of(event: &FolderEvent) -> &str {
    match event {
        FolderEvent::Installed(installed) => installed.name.as_str(),
        FolderEvent::Refused { name, .. }
        | FolderEvent::Removed { name }
        | FolderEvent::KeptInUse { name } => name.as_str(),
        _ => "",
    }
}

fn log(event: &FolderEvent) {
    match event {
        FolderEvent::Installed(installed) => {
            let (plugin, version) = (&installed.name, &installed.info.version);
            tracing::info!(%plugin, version, "installed from the folder");
        }
        FolderEvent::Refused { name, error } => {
            tracing::warn!(plugin = %name, %error, "refused from the folder; what was active goes on");
        }
        FolderEvent::Removed { name } => tracing::info!(plugin = %name, "removed with its file"),
        FolderEvent::KeptInUse { name } => {
            tracing::warn!(plugin = %name, "its file is gone, but a policy is bound to it: it stays");
        }
        _ => {}
    }
}
