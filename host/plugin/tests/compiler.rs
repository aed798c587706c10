//! The compiling child. This binary is both sides: called with `compile` it is the child, as the
//! host's own is; called with `sleep` it is a child that hangs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod common;

use common::fanout;
use plugin::{Compiler, InstallError, Plugins, Settings, compile_main};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match args.get(1).and_then(|it| it.to_str()) {
        Some("compile") => compile_main(Path::new(&args[2]), Path::new(&args[3])),
        Some("sleep") => {
            std::thread::sleep(Duration::from_secs(600));
            ExitCode::FAILURE
        }
        Some("--list") => ExitCode::SUCCESS,
        _ => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(run());
            ExitCode::SUCCESS
        }
    }
}

async fn run() {
    what_the_child_compiles_runs_here().await;
    what_does_not_compile_is_told_with_the_reason().await;
    a_child_that_hangs_is_killed_at_the_limit().await;
    a_child_that_cannot_start_does_not_blame_the_component().await;
    println!("compiler: 4 passed");
}

async fn what_the_child_compiles_runs_here() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), settings(dir.path(), "compile"), &fanout().await)
        .await
        .unwrap();
    let left: Vec<_> = std::fs::read_dir(dir.path().join("compiled"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .extension()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    assert_eq!(
        left.len(),
        2,
        "code, its sum, and no job's leavings: {left:?}"
    );
}

async fn what_does_not_compile_is_told_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fanout().await;
    let refused = install(dir.path(), settings(dir.path(), "compile"), &whole[..5_000]).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "does-not-compile");
    let text = refused.to_string();
    assert!(text.contains("invalid module section"), "{text}");
}

async fn a_child_that_hangs_is_killed_at_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path(), "sleep");
    settings.compile_timeout = Duration::from_millis(300);
    let began = Instant::now();
    let refused = install(dir.path(), settings, &fanout().await)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "compile-timeout");
    assert!(began.elapsed() < Duration::from_secs(60));
}

async fn a_child_that_cannot_start_does_not_blame_the_component() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = settings(dir.path(), "compile");
    settings.compiler = Compiler::Child {
        program: dir.path().join("missing"),
        args: vec![],
    };
    let refused = install(dir.path(), settings, &fanout().await)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "compiler-failed");
    assert!(!refused.is_components_fault());
}

fn settings(dir: &Path, role: &str) -> Settings {
    let compiler = Compiler::Child {
        program: std::env::current_exe().unwrap(),
        args: vec![role.into()],
    };
    Settings::new(dir, compiler)
}

async fn install(dir: &Path, settings: Settings, bytes: &[u8]) -> Result<(), InstallError> {
    assert_eq!(settings.dir, dir);
    let (plugins, _) = Plugins::open(settings).await.unwrap();
    let installed = common::install(&plugins, "p", bytes).await;
    installed.map(|_| ())
}
