//! Install, swap, roll back, restart, watch.

use crate::common::{Route, bound, fanout, hostile, install, install_for, plane, reopen, variant};
use model::PolicyKind;
use plugin::folder::{FolderEvent, watch};
use plugin::routing::sample_state;
use plugin::{Change, Plugins};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn swapping_under_load_fails_no_call() {
    let (plugins, _dir) = plane().await;
    let versions: Vec<_> = {
        let base = fanout().await;
        (0..3).map(|tag| variant(&base, tag)).collect()
    };
    install(&plugins, "p", versions[0].clone()).await.unwrap();
    let plugin = plugins.get("p").unwrap();
    let config = plugin
        .config("test", &json!({ "rules": [{ "serve": ["hls"] }] }))
        .unwrap();
    let done = CancellationToken::new();
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (plugin, config, done) = (plugin.clone(), config.clone(), done.clone());
            tokio::spawn(async move {
                let mut calls = 0_u64;
                while !done.is_cancelled() {
                    let plan = plugin.route(&sample_state(), &config).await.unwrap();
                    assert_eq!(plan.serve.as_deref(), Some(&["hls".to_owned()][..]));
                    calls += 1;
                    tokio::task::yield_now().await;
                }
                calls
            })
        })
        .collect();
    for round in 0..30 {
        let next = versions[(round + 1) % 3].clone();
        let before = plugin.hash();
        let installed = install(&plugins, "p", next).await.unwrap();
        assert_eq!(installed.replaced, before);
    }
    done.cancel();
    let mut calls = 0;
    for caller in callers {
        calls += caller.await.unwrap();
    }
    let stats = plugin.stats();
    assert!(calls > 100, "{calls} calls");
    assert_eq!((stats.calls, stats.failed()), (calls, 0));
}

#[tokio::test]
async fn a_refused_version_leaves_the_old_one_running() {
    let (plugins, _dir) = plane().await;
    let first = install(&plugins, "p", fanout().await).await.unwrap();
    let bound = [bound("test", PolicyKind::Routing, json!({ "act": "loop" }))];
    install_for(&plugins, "p", hostile().await, &bound)
        .await
        .unwrap_err();
    let plugin = plugins.get("p").unwrap();
    assert_eq!(plugin.hash(), Some(first.hash));
    let config = plugin.config("test", &json!({})).unwrap();
    plugin.route(&sample_state(), &config).await.unwrap();
}

/// The activations that were told since the last look.
fn activations(changes: &mut broadcast::Receiver<Change>) -> Vec<Change> {
    let told = std::iter::from_fn(|| changes.try_recv().ok());
    told.filter(|change| matches!(change, Change::Activated { .. }))
        .collect()
}

#[tokio::test]
async fn rollback_goes_back_one_version_at_a_time() {
    let (plugins, dir) = plane().await;
    let name = "p".parse().unwrap();
    let base = fanout().await;
    let mut hashes = Vec::new();
    for tag in 0..4 {
        let installed = install(&plugins, "p", variant(&base, tag)).await.unwrap();
        hashes.push(installed.hash);
    }
    let mut changes = plugins.subscribe();
    for expected in [&hashes[2], &hashes[1]] {
        let back = plugins.rollback(&name, &[]).await.unwrap();
        assert_eq!(back.hash, *expected);
        let change = activations(&mut changes).pop().unwrap();
        let (name, hash) = (name.clone(), back.hash);
        assert_eq!(change, Change::Activated { name, hash });
    }
    // Three are kept: the first is gone.
    let refused = plugins.rollback(&name, &[]).await.unwrap_err();
    assert_eq!(refused.code(), "no-older-version");
    drop(plugins);

    let plugins = reopen(&dir).await;
    assert_eq!(plugins.get("p").unwrap().hash().as_ref(), Some(&hashes[1]));
    assert!(plugins.keeps(&name, &hashes[3]) && !plugins.keeps(&name, &hashes[0]));
}

#[tokio::test]
async fn installing_the_same_bytes_again_changes_nothing() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "p", fanout().await).await.unwrap();
    let mut changes = plugins.subscribe();
    let again = install(&plugins, "p", fanout().await).await.unwrap();
    assert_eq!(again.replaced, Some(again.hash));
    assert_eq!(plugins.list()[0].versions.len(), 1);
    assert_eq!(activations(&mut changes), []);
}

#[tokio::test]
async fn a_removed_plugin_answers_no_more_and_does_not_come_back() {
    let (plugins, dir) = plane().await;
    let name = "p".parse().unwrap();
    install(&plugins, "p", fanout().await).await.unwrap();
    let held = plugins.get("p").unwrap();
    let config = held.config("test", &json!({})).unwrap();
    plugins.remove(&name).await.unwrap();
    let error = held.route(&sample_state(), &config).await.unwrap_err();
    assert_eq!(error.code(), "missing");
    assert!(plugins.get("p").is_none());
    assert_eq!(
        plugins.remove(&name).await.unwrap_err().code(),
        "unknown-plugin"
    );
    drop(plugins);
    assert!(reopen(&dir).await.list().is_empty());
}

#[tokio::test]
async fn damaged_compiled_code_is_compiled_anew() {
    let (plugins, dir) = plane().await;
    install(&plugins, "p", fanout().await).await.unwrap();
    drop(plugins);
    for entry in std::fs::read_dir(dir.path().join("compiled")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "cwasm") {
            let mut native = std::fs::read(&path).unwrap();
            let middle = native.len() / 2;
            native[middle] ^= 0xff;
            std::fs::write(&path, native).unwrap();
        }
    }
    assert!(reopen(&dir).await.get("p").is_some());
}

struct Watched {
    events: mpsc::Receiver<FolderEvent>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Watched {
    fn start(plugins: &Plugins, dir: &std::path::Path, in_use: &'static str) -> Self {
        let (sender, events) = mpsc::channel(16);
        let cancel = CancellationToken::new();
        let bound = move |name: &str| match name == in_use {
            true => vec![bound("test", PolicyKind::Routing, json!({}))],
            false => vec![],
        };
        let watching = watch(
            plugins.clone(),
            dir.to_owned(),
            bound,
            sender,
            cancel.clone(),
        );
        let task = tokio::spawn(watching);
        Self {
            events,
            cancel,
            task,
        }
    }

    async fn next(&mut self) -> FolderEvent {
        timeout(SOON, self.events.recv()).await.unwrap().unwrap()
    }

    async fn stop(self) {
        self.cancel.cancel();
        timeout(SOON, self.task).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_folder_installs_replaces_refuses_and_removes() {
    let (plugins, _data) = plane().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("night.wasm");
    let base: Arc<[u8]> = fanout().await;
    std::fs::write(&file, &base).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no plugin").unwrap();

    let mut watched = Watched::start(&plugins, folder.path(), "nothing");
    let FolderEvent::Installed(first) = watched.next().await else {
        panic!("not installed")
    };
    assert_eq!(first.name.as_str(), "night");

    std::fs::write(&file, variant(&base, 1)).unwrap();
    let FolderEvent::Installed(second) = watched.next().await else {
        panic!("not replaced")
    };
    assert_eq!(second.replaced, Some(first.hash));

    std::fs::write(&file, b"half a fi").unwrap();
    let FolderEvent::Refused { error, .. } = watched.next().await else {
        panic!("not refused")
    };
    assert_eq!(error.code(), "not-a-component");
    assert_eq!(plugins.get("night").unwrap().hash(), Some(second.hash));

    std::fs::remove_file(&file).unwrap();
    let event = watched.next().await;
    assert!(matches!(event, FolderEvent::Removed { .. }), "{event:?}");
    assert!(plugins.get("night").is_none());
    watched.stop().await;
}

#[tokio::test]
async fn a_plugin_in_use_outlives_its_file_and_a_rollback_outlives_a_restart() {
    let (plugins, data) = plane().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.wasm");
    let base = fanout().await;
    let name = "p".parse().unwrap();
    let old = install(&plugins, "p", variant(&base, 1)).await.unwrap();
    install(&plugins, "p", variant(&base, 2)).await.unwrap();
    std::fs::write(&file, variant(&base, 2)).unwrap();
    plugins.rollback(&name, &[]).await.unwrap();
    drop(plugins);

    let plugins = reopen(&data).await;
    let mut watched = Watched::start(&plugins, folder.path(), "p");
    std::fs::write(folder.path().join("other.wasm"), &base).unwrap();
    let FolderEvent::Installed(other) = watched.next().await else {
        panic!("not installed")
    };
    assert_eq!(other.name.as_str(), "other");
    assert_eq!(plugins.get("p").unwrap().hash().as_ref(), Some(&old.hash));
    std::fs::remove_file(&file).unwrap();
    let event = watched.next().await;
    assert!(matches!(event, FolderEvent::KeptInUse { .. }), "{event:?}");
    assert!(plugins.get("p").is_some());
    watched.stop().await;
}
