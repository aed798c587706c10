//! Who is known, and the log of changes.

use crate::scene::{Scene, on_both, unix_ms, wanted};
use model::Who;
use model::audit::{Entry, Outcome, Query, Retention};
use std::time::Duration;
use store::{AccountChange, AccountRow};

on_both!(
    accounts_outlive_a_process_that_is_killed,
    a_change_and_its_lines_are_kept_together,
    the_log_is_asked_by_what_and_by_page,
    old_lines_of_the_log_go_by_age_and_count,
);

fn put(id: &str, document: &str) -> AccountChange {
    AccountChange::Put {
        kind: "key",
        id: id.to_owned(),
        document: document.to_owned(),
    }
}

fn entry(at_unix_ms: u64, item: &str) -> Entry {
    Entry::new(at_unix_ms, &Who::local(), "changed", item)
}

fn row(id: &str, document: &str, used_unix_ms: Option<u64>) -> AccountRow {
    AccountRow {
        kind: "key".to_owned(),
        id: id.to_owned(),
        document: document.to_owned(),
        used_unix_ms,
    }
}

async fn accounts_outlive_a_process_that_is_killed(scene: Scene) {
    let first = scene.open().await;
    let used = AccountChange::Used {
        kind: "key",
        id: "a".to_owned(),
        at_unix_ms: 7,
    };
    let changes = [put("a", "1"), put("b", "1"), used, put("a", "2")];
    first.store.keep_accounts(&changes, &[]).await.unwrap();
    let (kind, id) = ("key", "b".to_owned());
    let gone = AccountChange::Remove { kind, id };
    first.store.keep_accounts(&[gone], &[]).await.unwrap();
    scene.kill(first);
    let second = scene.open().await;
    let expected = [row("a", "2", Some(7))];
    assert_eq!(second.store.accounts().await.unwrap(), expected);
    second.close().await;
}

async fn a_change_and_its_lines_are_kept_together(scene: Scene) {
    let open = scene.open().await;
    let mut told = entry(1, "input a");
    told.before = Some(serde_json::json!({"odd": "\u{0}\u{1}'\""}));
    told.outcome = Outcome::Failed;
    let kept = open.store.keep_wanted(&wanted("1"), &[told.clone()]).await;
    kept.unwrap();
    let log = [entry(2, "key b"), entry(2, "key c")];
    open.store
        .keep_accounts(&[put("b", "1")], &log)
        .await
        .unwrap();
    scene.kill(open);
    let again = scene.open().await;
    let limit = 10;
    let query = Query {
        limit,
        ..Query::default()
    };
    let lines = again.store.audit(&query).await.unwrap();
    let items: Vec<_> = lines
        .iter()
        .map(|it| (it.id, it.entry.item.as_str()))
        .collect();
    assert_eq!(items, [(3, "key c"), (2, "key b"), (1, "input a")]);
    assert_eq!(lines[2].entry, told);
    again.close().await;
}

async fn the_log_is_asked_by_what_and_by_page(scene: Scene) {
    let open = scene.open().await;
    let items = [
        "input a",
        "input a output x",
        "input ab",
        "input_a output y",
        "input a",
    ];
    let log = items.map(|item| entry(1, item));
    open.store.keep_accounts(&[], &log).await.unwrap();
    let ids = async |query: Query| {
        let lines = open.store.audit(&query).await.unwrap();
        lines.into_iter().map(|line| line.id).collect::<Vec<_>>()
    };
    let all = Query {
        limit: 10,
        ..Query::default()
    };
    let of = |item: &str| Query {
        item: Some(item.to_owned()),
        ..all.clone()
    };
    assert_eq!(ids(of("input a")).await, [5, 2, 1]);
    assert_eq!(ids(of("input_a")).await, [4], "no wildcard");
    assert_eq!(ids(of("%")).await, [0i64; 0]);
    let page = Query {
        before: Some(5),
        limit: 2,
        ..all.clone()
    };
    assert_eq!(ids(page).await, [4, 3]);
    let who = |who: &str| Query {
        who: Some(who.to_owned()),
        ..all.clone()
    };
    assert_eq!(
        (ids(who("local")).await.len(), ids(who("key a")).await.len()),
        (5, 0)
    );
    let failed = Query {
        outcome: Some(Outcome::Failed),
        ..all
    };
    assert!(ids(failed).await.is_empty());
    open.close().await;
}

async fn old_lines_of_the_log_go_by_age_and_count(scene: Scene) {
    let open = scene.open().await;
    let now = unix_ms();
    let log = [1, 2, now, now, now].map(|at| entry(at, "x"));
    open.store.keep_accounts(&[], &log).await.unwrap();
    let all = Query {
        limit: 10,
        ..Query::default()
    };
    let count = async || open.store.audit(&all).await.unwrap().len();
    let mut retention = Retention {
        max_age: Duration::from_secs(3600),
        max_rows: 100,
    };
    open.store.prune_audit(&retention).await.unwrap();
    assert_eq!(count().await, 3);
    retention.max_rows = 2;
    open.store.prune_audit(&retention).await.unwrap();
    assert_eq!(count().await, 2);
    open.close().await;
}

#[tokio::test]
async fn who_is_known_is_known_still_when_the_file_was_deleted() {
    let scene = Scene::sqlite();
    let open = scene.open().await;
    open.store
        .keep_accounts(&[put("a", "1")], &[])
        .await
        .unwrap();
    for end in ["", "-wal", "-shm"] {
        let mut path = scene.file().into_os_string();
        path.push(end);
        // Which of them there are is up to SQLite.
        let _ = std::fs::remove_file(path);
    }
    open.keep_in_the_end(&wanted("1")).await;
    scene.kill(open);
    let again = scene.open().await;
    assert_eq!(again.store.accounts().await.unwrap(), [row("a", "1", None)]);
    again.close().await;
}
