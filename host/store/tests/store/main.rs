//! What was kept is there again; what cannot be kept holds up nobody. On SQLite and PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod accounts;
mod backups;
mod faults;
mod scene;

use model::PolicyKind;
use model::history::{Line, Query, Retention};
use scene::{Open, PATIENCE, Scene, entry, label, line, on_both, unix_ms, until, wanted};
use std::time::Duration;
use store::Settings;

on_both!(
    what_was_written_outlives_a_process_that_is_killed,
    what_waits_when_the_host_stops_is_written_first,
    the_history_is_asked_by_stream_kind_plugin_and_place,
    old_decisions_go_by_age_count_and_size,
    a_database_that_is_locked_holds_up_nobody_and_is_caught_up_with,
    what_is_wanted_outlives_the_process,
);

async fn what_was_written_outlives_a_process_that_is_killed(scene: Scene) {
    let first = scene.open().await;
    assert_eq!(first.store.next_decision_id(), 1);
    for id in 1..=300 {
        assert!(first.store.keep(line(id)));
    }
    let plugin = label("keys");
    first.store.put_kv(&plugin, "a", entry("one", 1));
    first.store.put_kv(&plugin, "b", entry("gone", 1));
    first.store.put_kv(&plugin, "a", entry("two", 2));
    first.store.put_kv(&plugin, "b", None);
    // PostgreSQL knows no NUL.
    first.store.put_kv(&plugin, "\0\u{1}", entry("odd", 1));
    first.written(300).await;
    scene.kill(first);

    let second = scene.open().await;
    assert_eq!(second.store.next_decision_id(), 301);
    assert_eq!(second.ids(Query::default()).await.len(), 100);
    let kept = second.store.kv(&plugin);
    let expected = [("\0\u{1}", entry("odd", 1)), ("a", entry("two", 2))];
    assert_eq!(
        kept,
        expected.map(|(key, entry)| (key.to_owned(), entry.unwrap()))
    );
    assert_eq!(second.store.kv(&label("other")), []);
    second.close().await;
}

async fn what_waits_when_the_host_stops_is_written_first(scene: Scene) {
    let first = scene.open().await;
    for id in 1..=2_000 {
        assert!(first.store.keep(line(id)));
    }
    first.store.put_kv(&label("p"), "k", entry("v", 7));
    first.close().await;
    let second = scene.open().await;
    assert_eq!(second.store.next_decision_id(), 2_001);
    assert_eq!(second.store.kv(&label("p")).len(), 1);
    second.close().await;
}

async fn the_history_is_asked_by_stream_kind_plugin_and_place(scene: Scene) {
    let open = scene.open().await;
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

async fn old_decisions_go_by_age_count_and_size(scene: Scene) {
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
        let scene = scene.another();
        let first = scene.open().await;
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
        let second = Open::with(Settings {
            retention,
            ..scene.settings()
        })
        .await;
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

async fn a_database_that_is_locked_holds_up_nobody_and_is_caught_up_with(scene: Scene) {
    let open = scene.open().await;
    let lock = scene.lock().await;
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
    let again = scene.open().await;
    assert_eq!(again.store.kv(&label("p")).len(), 1);
    again.close().await;
}

async fn what_is_wanted_outlives_the_process(scene: Scene) {
    let open = scene.open().await;
    assert_eq!(open.store.wanted().await.unwrap(), None);
    open.store.keep_wanted(&wanted("1"), &[]).await.unwrap();
    open.store.keep_wanted(&wanted("2"), &[]).await.unwrap();
    scene.kill(open);
    let again = scene.open().await;
    assert_eq!(again.store.wanted().await.unwrap(), Some(wanted("2")));
    again.close().await;
}
