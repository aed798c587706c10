//! What happens to databases: each passes, and nothing that was answered is lost.

use crate::scene::{Open, Scene, entry, label, line, on_both, until, wanted};
use model::history::{Query, Retention};
use peers::Postgres;
use std::fs;
use std::path::Path;
use store::{Place, Settings, Store};

on_both!(a_change_that_finds_it_locked_is_refused_and_leaves_no_trace);

async fn a_change_that_finds_it_locked_is_refused_and_leaves_no_trace(scene: Scene) {
    let open = scene.open().await;
    open.store.keep_wanted(&wanted("1"), &[]).await.unwrap();
    let lock = scene.lock().await;
    let refused = open.store.keep_wanted(&wanted("2"), &[]).await.unwrap_err();
    let told = refused.to_string();
    assert!(told.contains("another program has it locked"), "{told}");
    lock.release().await;
    until(|| open.store.figures().degraded.is_none()).await;
    assert_eq!(open.store.wanted().await.unwrap(), Some(wanted("1")));
    open.store.keep_wanted(&wanted("3"), &[]).await.unwrap();
    scene.kill(open);
    let again = scene.open().await;
    assert_eq!(again.store.wanted().await.unwrap(), Some(wanted("3")));
    again.close().await;
}

#[tokio::test]
async fn a_server_that_another_host_used_meanwhile_is_left_alone() {
    let scene = Scene::postgres();
    let open = scene.open().await;
    open.store.keep_wanted(&wanted("ours"), &[]).await.unwrap();
    // As the other host does it, while this one's connection is lost.
    scene.ask("UPDATE owner SET token = 'other'; UPDATE wanted SET document = 'other'");
    scene.cut_off();
    restart_is_asked_for(&scene, open).await;
}

#[tokio::test]
async fn a_file_that_is_replaced_by_another_hosts_is_left_alone() {
    let scene = Scene::sqlite();
    let open = scene.open().await;
    open.store.keep_wanted(&wanted("ours"), &[]).await.unwrap();
    let aside = scene.file().with_extension("aside");
    let other = Open::with(Settings {
        place: Place::File(aside.clone()),
        retention: Retention::default(),
    })
    .await;
    other
        .store
        .keep_wanted(&wanted("other"), &[])
        .await
        .unwrap();
    other.close().await;
    // In one step: where there is no file for a moment, the host makes one, and its log would lie
    // beside the other's file.
    remove_logs(&scene.file());
    fs::rename(aside, scene.file()).unwrap();
    restart_is_asked_for(&scene, open).await;
}

async fn restart_is_asked_for(scene: &Scene, open: Open) {
    let refused = open
        .store
        .keep_wanted(&wanted("late"), &[])
        .await
        .unwrap_err();
    let told = refused.to_string();
    assert!(told.contains("restart this host"), "{told}");
    open.close().await;
    let last = scene.open().await;
    assert_eq!(last.store.wanted().await.unwrap(), Some(wanted("other")));
    last.close().await;
}

fn remove(database: &Path) {
    fs::remove_file(database).unwrap();
    remove_logs(database);
}

fn remove_logs(database: &Path) {
    for beside in ["db-wal", "db-shm"] {
        // There only while it is open.
        let _ = fs::remove_file(database.with_extension(beside));
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told_and_left_alone() {
    let scene = Scene::sqlite();
    fs::write(scene.file(), "not a database, but a letter").unwrap();
    let (store, _writer, failed) = Store::open(scene.settings()).await;
    let told = failed.expect("it does not open").to_string();
    assert!(told.contains("pointsman.db"), "{told}");
    assert!(told.contains("damaged"), "{told}");
    assert!(store.keep(line(1)), "it waits");
    assert!(store.next_decision_id() > 1_600_000_000_000);
    assert!(store.decisions(&Query::default()).await.is_err());
    let left = fs::read_to_string(scene.file()).unwrap();
    assert_eq!(left, "not a database, but a letter");
}

#[tokio::test]
async fn a_database_that_comes_late_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::File(dir.path().join("folder/here.db"));
    let retention = Retention::default();
    let open = Open::with(Settings { place, retention }).await;
    assert!(open.failed.is_some());
    assert!(open.store.keep_wanted(&wanted("1"), &[]).await.is_err());
    open.store.put_kv(&label("p"), "k", entry("v", 1));
    fs::create_dir(dir.path().join("folder")).unwrap();
    open.keep_in_the_end(&wanted("2")).await;
    until(|| open.store.figures().degraded.is_none()).await;
    open.close().await;
}

#[tokio::test]
async fn a_file_that_is_deleted_is_made_again_with_what_was_kept() {
    let scene = Scene::sqlite();
    let open = scene.open().await;
    open.store.put_kv(&label("p"), "k", entry("v", 1));
    open.store.keep(line(1));
    open.written(1).await;
    open.store.keep_wanted(&wanted("1"), &[]).await.unwrap();
    remove(&scene.file());
    open.store.keep(line(2));
    open.written(2).await;
    // The next round of the writer brings what plugins keep.
    open.store.keep(line(3));
    open.written(3).await;
    scene.kill(open);
    let again = scene.open().await;
    assert_eq!(again.store.wanted().await.unwrap(), Some(wanted("1")));
    assert_eq!(again.store.kv(&label("p")).len(), 1);
    assert_eq!(again.ids(Query::default()).await, [2, 3]);
    again.close().await;
}

#[tokio::test]
async fn a_second_host_at_a_server_is_refused_until_the_first_is_gone() {
    let scene = Scene::postgres();
    let first = scene.open().await;
    let (_, _, failed) = Store::open(scene.settings()).await;
    let told = failed.expect("it is in use").to_string();
    assert!(told.contains("another host uses"), "{told}");
    first.store.keep_wanted(&wanted("1"), &[]).await.unwrap();
    scene.kill(first);
    let second = scene.open().await;
    assert_eq!(second.failed, None);
    assert_eq!(second.store.wanted().await.unwrap(), Some(wanted("1")));
    second.close().await;
}

#[tokio::test]
async fn hosts_with_a_schema_each_share_a_database() {
    let scene = Scene::postgres();
    let mut hosts = Vec::new();
    for name in ["one", "two"] {
        scene.ask(&format!("CREATE SCHEMA {name}"));
        let url = format!("{}&options=-c%20search_path%3D{name}", scene.url());
        let place = Place::Server(url.parse().unwrap());
        let retention = Retention::default();
        let host = Open::with(Settings { place, retention }).await;
        assert_eq!(host.failed, None);
        host.store.keep_wanted(&wanted(name), &[]).await.unwrap();
        hosts.push(host);
    }
    for (host, name) in hosts.into_iter().zip(["one", "two"]) {
        assert_eq!(host.store.wanted().await.unwrap(), Some(wanted(name)));
        host.close().await;
    }
}

#[tokio::test]
async fn a_server_that_is_stopped_and_started_is_taken_up_again() {
    let server = Postgres::start();
    let url = server.database("pointsman");
    let place = Place::Server(url.parse().unwrap());
    let retention = Retention::default();
    let open = Open::with(Settings { place, retention }).await;
    assert_eq!(open.failed, None);
    open.store.keep_wanted(&wanted("1"), &[]).await.unwrap();
    server.stop();
    let refused = open.store.keep_wanted(&wanted("2"), &[]).await.unwrap_err();
    let told = refused.to_string();
    assert!(told.contains("the database server runs"), "{told}");
    assert!(open.store.wanted().await.is_err());
    open.store.put_kv(&label("p"), "k", entry("v", 1));
    assert!(open.store.keep(line(1)));
    until(|| open.store.figures().degraded.is_some()).await;
    server.start_again();
    // What waited is written without anybody asking.
    open.written(1).await;
    assert_eq!(open.store.wanted().await.unwrap(), Some(wanted("1")));
    // Nor does anybody notice who was not there meanwhile.
    server.stop();
    server.start_again();
    open.store.keep_wanted(&wanted("3"), &[]).await.unwrap();
    open.close().await;
    assert_eq!(server.ask("pointsman", "SELECT document FROM wanted"), "3");
    assert_eq!(
        server.ask("pointsman", "SELECT COUNT(*) FROM plugin_kv"),
        "1"
    );
}
