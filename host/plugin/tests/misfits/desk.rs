//! A plugin plane of its own for each test.

use model::PolicyKind;
use plugin::{Bound, Compiler, InstallError, Installed, Origin, Plugins, Settings};
use serde_json::Value;
use tempfile::TempDir;

/// With the usual limits.
pub(crate) async fn plane() -> (Plugins, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::new(dir.path(), Compiler::InProcess);
    let (plugins, failed) = Plugins::open(settings).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    (plugins, dir)
}

/// Installs with no policy bound.
pub(crate) async fn install(
    plugins: &Plugins,
    name: &str,
    bytes: Vec<u8>,
) -> Result<Installed, InstallError> {
    install_for(plugins, name, bytes, &[]).await
}

/// Installs for these policies.
pub(crate) async fn install_for(
    plugins: &Plugins,
    name: &str,
    bytes: Vec<u8>,
    bound: &[Bound],
) -> Result<Installed, InstallError> {
    let name = name.parse().unwrap();
    plugins
        .install(&name, bytes, &Origin::default(), bound)
        .await
}

/// A routing policy that a plugin is bound by.
pub(crate) fn bound(what: &str, config: Value) -> Bound {
    Bound {
        what: what.to_owned(),
        kind: PolicyKind::Routing,
        config,
        recorded: Vec::new(),
    }
}
