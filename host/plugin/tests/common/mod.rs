//! Real components for the tests, each built once for a test binary.

#![allow(dead_code)] // each test binary uses its part

use plugin::{BuildOptions, Compiler, Limits, Plugins, Settings, build};
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

/// `examples/plugins/night-switch`, a crate outside the workspace as a third party's would be.
pub(crate) async fn night_switch() -> Arc<[u8]> {
    make("../../examples/plugins/night-switch").await
}

async fn make(folder: &str) -> Arc<[u8]> {
    let desk = tempfile::tempdir().unwrap();
    let output = desk.path().join("guest.wasm");
    let report = build::build(BuildOptions {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
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
    let dir = tempfile::tempdir().unwrap();
    (reopen(&dir).await, dir)
}

/// The plugin plane in a folder that was used before.
pub(crate) async fn reopen(dir: &TempDir) -> Plugins {
    let mut settings = Settings::new(dir.path(), Compiler::InProcess);
    settings.versions_kept = 3;
    settings.limits = Limits {
        memory_bytes: 8 << 20,
        ..Limits::default()
    };
    let (plugins, failed) = Plugins::open(settings).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    plugins
}
