//! Real components for the tests, each built once for a test binary.

#![allow(dead_code)] // each test binary uses its part

use model::routing::{Plan, RoutingState};
use model::{Answer, Limits, PluginLimits, PolicyKind, Question};
use plugin::{
    Bound, BuildOptions, Call, CallError, Compiler, Config, InstallError, Installed, Mode, Origin,
    Plugin, Plugins, Settings, build,
};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// `plugins/fanout` as its author ships it.
pub(crate) async fn fanout() -> Arc<[u8]> {
    static BUILT: OnceCell<Arc<[u8]>> = OnceCell::const_new();
    BUILT
        .get_or_init(|| make("../../plugins/fanout"))
        .await
        .clone()
}

/// `tests/hostile`, which misbehaves as its configuration says.
pub(crate) async fn hostile() -> Arc<[u8]> {
    static BUILT: OnceCell<Arc<[u8]>> = OnceCell::const_new();
    BUILT.get_or_init(|| make("tests/hostile")).await.clone()
}

/// `tests/probe`, which asks the host for what its configuration lists.
pub(crate) async fn probe() -> Arc<[u8]> {
    static BUILT: OnceCell<Arc<[u8]>> = OnceCell::const_new();
    BUILT.get_or_init(|| make("tests/probe")).await.clone()
}

/// `tests/closed`, which looks for a way out through WASI.
pub(crate) async fn closed() -> Arc<[u8]> {
    static BUILT: OnceCell<Arc<[u8]>> = OnceCell::const_new();
    BUILT.get_or_init(|| make("tests/closed")).await.clone()
}

/// `examples/plugins/night-switch`, a crate outside the workspace as a third party's would be.
pub(crate) async fn night_switch() -> Arc<[u8]> {
    make("../../examples/plugins/night-switch").await
}

async fn make(folder: &str) -> Arc<[u8]> {
    make_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).await
}

/// The component of a plugin's folder.
pub(crate) async fn make_of(folder: &Path) -> Arc<[u8]> {
    let desk = tempfile::tempdir().unwrap();
    let output = desk.path().join("guest.wasm");
    let report = build::build(BuildOptions {
        folder: folder.to_owned(),
        output: output.clone(),
        target_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")),
        offline: false,
    });
    report.await.unwrap();
    std::fs::read(output).unwrap().into()
}

/// The same policy as other bytes: a custom section more, as another build would differ.
pub(crate) fn variant(component: &[u8], tag: u8) -> Arc<[u8]> {
    // Section id 0, size 3, name of length 1, one byte of content.
    [component, &[0, 3, 1, b'v', tag]].concat().into()
}

/// The plugin plane in a folder of its own.
pub(crate) async fn plane() -> (Plugins, TempDir) {
    plane_with(|_| {}).await
}

/// The same, set up otherwise.
pub(crate) async fn plane_with(change: impl FnOnce(&mut Settings)) -> (Plugins, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (open(&dir, change).await, dir)
}

/// The plugin plane in a folder that was used before.
pub(crate) async fn reopen(dir: &TempDir) -> Plugins {
    open(dir, |_| {}).await
}

/// The same, set up otherwise.
pub(crate) async fn open(dir: &TempDir, change: impl FnOnce(&mut Settings)) -> Plugins {
    let mut settings = Settings::new(dir.path(), Compiler::InProcess);
    settings.versions_kept = 3;
    settings.limits = PluginLimits {
        default: Limits {
            memory_bytes: 8 << 20,
            ..Limits::default()
        },
        ..PluginLimits::default()
    };
    change(&mut settings);
    let (plugins, failed) = Plugins::open(settings).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    plugins
}

/// Installs without a policy that is bound.
pub(crate) async fn install(
    plugins: &Plugins,
    name: &str,
    bytes: impl Into<Arc<[u8]>>,
) -> Result<Installed, InstallError> {
    install_for(plugins, name, bytes, &[]).await
}

/// Installs for these policies.
pub(crate) async fn install_for(
    plugins: &Plugins,
    name: &str,
    bytes: impl Into<Arc<[u8]>>,
    bound: &[Bound],
) -> Result<Installed, InstallError> {
    let origin = Origin::default();
    plugins
        .install(&name.parse().unwrap(), bytes, &origin, bound)
        .await
}

/// A policy that a plugin is bound by.
pub(crate) fn bound(what: &str, kind: PolicyKind, config: Value) -> Bound {
    Bound {
        what: what.to_owned(),
        kind,
        config,
        recorded: Vec::new(),
    }
}

/// For tests that want nothing of a decision but the plan.
pub(crate) trait Route {
    async fn route(&self, state: &RoutingState, config: &Config) -> Result<Plan, CallError>;
}

impl Route for Plugin {
    async fn route(&self, state: &RoutingState, config: &Config) -> Result<Plan, CallError> {
        let question = Question::Routing(state.clone());
        let call = Call {
            question: &question,
            config,
            library: None,
            mode: Mode::Live,
        };
        match self.decide(call).await.result? {
            Answer::Routing(plan) => Ok(plan),
            other => panic!("asked for a plan, it answered {other:?}"),
        }
    }
}
