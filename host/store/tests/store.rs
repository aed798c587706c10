//! What was kept is there again; what cannot be kept holds up nobody.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use model::history::{Line, Query, Retention};
use model::{Label, PolicyKind};
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::{KvEntry, Settings, Store, Wanted};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// No condition takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Open {
    store: Store,
    stop: CancellationToken,
    writer: JoinHandle<()>,
}

impl Open {
    async fn at(path: &Path) -> Self {
        Self::with(path, Retention::default()).await
    }

    async fn with(path: &Path, retention: Retention) -> Self {
        let path = path.to_owned();
        let (store, writer, _) = Store::open(Settings { path, retention }).await;
        let stop = CancellationToken::new();
        let writer = tokio::spawn(writer.run(stop.clone()));
        Self {
            store,
            stop,
            writer,
        }
    }

    /// In order, as a host stops.
    async fn close(self) {
        self.stop.cancel();
        self.writer.await.unwrap();
    }

    async fn written(&self, count: u64) {
        until(|| self.store.figures().written >= count).await;
    }

    async fn ids(&self, query: Query) -> Vec<u64> {
        let limit = if query.limit == 0 { 100 } else { query.limit };
        let lines = self.store.decisions(&Query { limit, ..query }).await;
        let id = |line: String| line.trim_matches(['{', '}']).parse().unwrap();
        lines.unwrap().into_iter().map(id).collect()
    }
}

async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("in time");
}

fn file(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("pointsman.db")
}

fn line(id: u64) -> Line {
    Line {
        id,
        at_unix_ms: unix_ms(),
        kind: PolicyKind::Routing,
        stream: "live/a".into(),
        plugin: Some("fanout".into()),
        failed: false,
        json: Box::new(move || format!("{{{id}}}")),
    }
}

fn unix_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_millis() as u64
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn entry(text: &str, revision: u64) -> Option<KvEntry> {
    let value = text.as_bytes().to_vec();
    Some(KvEntry { value, revision })
}

#[tokio::test]
async fn what_was_written_outlives_a_process_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let first = Open::at(&file(&dir)).await;
    assert_eq!(first.store.next_decision_id(), 1);
    for id in 1..=300 {
        assert!(first.store.keep(line(id)));
    }
    let plugin = label("keys");
    first.store.put_kv(&plugin, "a", entry("one", 1));
    first.store.put_kv(&plugin, "b", entry("gone", 1));
    first.store.put_kv(&plugin, "a", entry("two", 2));
    first.store.put_kv(&plugin, "b", None);
    first.written(300).await;
    // Nothing is closed: the file is left as a killed process would leave it.
    first.writer.abort();
    std::mem::forget(first.store);

    let second = Open::at(&file(&dir)).await;
    assert_eq!(second.store.next_decision_id(), 301);
    assert_eq!(second.ids(Query::default()).await.len(), 100);
    let kept = second.store.kv(&plugin);
    assert_eq!(kept, [("a".to_owned(), entry("two", 2).unwrap())]);
    assert_eq!(second.store.kv(&label("other")), []);
    second.close().await;
}

#[tokio::test]
async fn what_waits_when_the_host_stops_is_written_first() {
    let dir = tempfile::tempdir().unwrap();
    let first = Open::at(&file(&dir)).await;
    for id in 1..=2_000 {
        assert!(first.store.keep(line(id)));
    }
    first.store.put_kv(&label("p"), "k", entry("v", 7));
    first.close().await;
    let second = Open::at(&file(&dir)).await;
    assert_eq!(second.store.next_decision_id(), 2_001);
    assert_eq!(second.store.kv(&label("p")).len(), 1);
    second.close().await;
}

#[tokio::test]
async fn the_history_is_asked_by_stream_kind_plugin_and_place() {
    let dir = tempfile::tempdir().unwrap();
    let open = Open::at(&file(&dir)).await;
    for id in 1..=6 {
        let other = id % 2 == 0;
        open.store.keep(Line {
            kind: if other {
                PolicyKind::Auth
            } else {
                PolicyKind::Routing
            },
            stream: if other { "live/b" } else { "live/a" }.into(),
            plugin: (id > 2).then(|| "keys".to_owned()),
            failed: id == 5,
            ..line(id)
        });
    }
    open.written(6).await;
    let all = Query::default;
    let cases = [
        (Query { limit: 2, ..all() }, vec![5, 6]),
        (
            Query {
                after: Some(1),
                limit: 2,
                ..all()
            },
            vec![2, 3],
        ),
        (
            Query {
                before: Some(4),
                limit: 2,
                ..all()
            },
            vec![2, 3],
        ),
        (
            Query {
                stream: Some("live/b".into()),
                ..all()
            },
            vec![2, 4, 6],
        ),
        (
            Query {
                kind: Some(PolicyKind::Auth),
                ..all()
            },
            vec![2, 4, 6],
        ),
        (
            Query {
                plugin: Some("keys".into()),
                ..all()
            },
            vec![3, 4, 5, 6],
        ),
        (
            Query {
                failed: true,
                ..all()
            },
            vec![5],
        ),
        (
            Query {
                stream: Some("x' OR '1'='1".into()),
                ..all()
            },
            vec![],
        ),
    ];
    for (query, expected) in cases {
        assert_eq!(open.ids(query.clone()).await, expected, "{query:?}");
    }
    open.close().await;
}

#[tokio::test]
async fn old_decisions_go_by_age_count_and_size() {
    let limits = Retention::default();
    let cases = [
        (
            Retention {
                max_age: Duration::from_secs(3600),
                ..limits
            },
            11..=20,
        ),
        (
            Retention {
                max_lines: 5,
                ..limits
            },
            16..=20,
        ),
        (
            Retention {
                max_bytes: 30,
                ..limits
            },
            14..=20,
        ),
    ];
    for (retention, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let first = Open::at(&file(&dir)).await;
        for id in 1..=20 {
            let day_ago = unix_ms() - 24 * 3_600_000;
            let at_unix_ms = if id <= 10 { day_ago } else { unix_ms() };
            first.store.keep(Line {
                at_unix_ms,
                ..line(id)
            });
        }
        first.close().await;
        // The writer looks for old ones when it begins.
        let second = Open::with(&file(&dir), retention).await;
        let expected: Vec<u64> = expected.collect();
        let waited = tokio::time::timeout(PATIENCE, async {
            while second.ids(Query::default()).await != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let left = second.ids(Query::default()).await;
        assert!(waited.await.is_ok(), "{retention:?}: {left:?}");
        assert_eq!(second.store.next_decision_id(), 21, "ids never come again");
        second.close().await;
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_holds_up_nobody_and_is_caught_up_with() {
    let dir = tempfile::tempdir().unwrap();
    let open = Open::at(&file(&dir)).await;
    let lock = Lock::take(&file(&dir)).await;
    let mut taken = 0;
    // More than the queue and a batch hold: the rest is dropped, and nothing waits.
    for id in 1..=10_000 {
        taken += u64::from(open.store.keep(line(id)));
        if id == 1 {
            until(|| open.store.figures().degraded.is_some()).await;
        }
    }
    open.store.put_kv(&label("p"), "k", entry("v", 1));
    let status = open.store.figures();
    assert_eq!(status.dropped, 10_000 - taken);
    assert!(status.dropped > 5_000, "{status:?}");
    let told = status.degraded.unwrap();
    assert!(told.contains("another program has it locked"), "{told}");
    assert!(
        open.ids(Query::default()).await.is_empty(),
        "it can still be read"
    );

    lock.release().await;
    open.written(taken).await;
    until(|| open.store.figures().degraded.is_none()).await;
    open.close().await;
    let again = Open::at(&file(&dir)).await;
    assert_eq!(again.store.kv(&label("p")).len(), 1);
    again.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(file(&dir), "not a database, but a letter").unwrap();
    let settings = Settings {
        path: file(&dir),
        retention: Retention::default(),
    };
    let (store, _writer, failed) = Store::open(settings).await;
    let told = failed.expect("it does not open").to_string();
    assert!(told.contains("pointsman.db"), "{told}");
    assert!(told.contains("damaged"), "{told}");
    assert!(store.keep(line(1)), "it waits");
    assert!(store.next_decision_id() > 1_600_000_000_000);
    assert!(store.decisions(&Query::default()).await.is_err());
    let left = std::fs::read_to_string(file(&dir)).unwrap();
    assert_eq!(left, "not a database, but a letter");
}

/// Another program that writes and does not end its transaction.
struct Lock(sqlx::SqliteConnection);

impl Lock {
    async fn take(path: &Path) -> Self {
        use sqlx::ConnectOptions;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = options.connect().await.unwrap();
        let begin = sqlx::query("BEGIN IMMEDIATE");
        begin.execute(&mut connection).await.unwrap();
        Self(connection)
    }

    async fn release(mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.0).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_wanted_outlives_the_process_and_a_change_waits_for_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pointsman.db");
    let wanted = |text: &str| Wanted {
        document: text.to_owned(),
        file: "{}".to_owned(),
    };
    let open = Open::at(&path).await;
    assert_eq!(open.store.wanted().await.unwrap(), None);
    open.store.keep_wanted(&wanted("1")).await.unwrap();
    open.store.keep_wanted(&wanted("2")).await.unwrap();
    // Not closed: as after a kill.
    let again = Open::at(&path).await;
    assert_eq!(again.store.wanted().await.unwrap(), Some(wanted("2")));
    again.close().await;
    open.close().await;

    let nowhere = Open::at(&dir.path().join("no/folder/here.db")).await;
    let refused = nowhere.store.keep_wanted(&wanted("3")).await;
    assert!(refused.is_err(), "{refused:?}");
    nowhere.close().await;
}
