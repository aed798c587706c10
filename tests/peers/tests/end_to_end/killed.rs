//! A host that is killed: what it had written is there when it starts again.

use peers::{Host, product, until};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whoever asks to watch counts one up in the plugin's store; nobody feeds the stream.
fn ask(host: &Host, n: u32) -> Option<u16> {
    let path = format!("/hls/live/none/index.m3u8?token=t{n}");
    host.http.get(&path).map(|(status, _)| status)
}

/// Binds the guest that does what it is told: it writes an entry at each call.
fn bind(host: &Host) {
    let steps = json!([{ "set": ["visits", "x"] }, { "get": "visits" }]);
    let policy = json!({ "plugin": "probe", "config": { "steps": steps } });
    let (status, answer) = host.http.put_json("/api/v1/policies/auth", &policy);
    assert_eq!(status, 200, "{answer}");
}

fn decisions(host: &Host, limit: usize) -> Vec<Value> {
    let path = format!("/api/v1/decisions?kind=auth&limit={limit}");
    let found = host.http.json(&path).unwrap_or_default();
    assert!(found["history_error"].is_null(), "{found}");
    found["decisions"].as_array().cloned().unwrap_or_default()
}

/// How often the entry was written when a decision was made: "REVISION x".
fn revision(decision: &Value) -> u64 {
    let told = decision["answer"]["output"]["attributes"]["01"].as_str();
    let revision = told.and_then(|told| told.split(' ').next()?.parse().ok());
    revision.unwrap()
}

fn written(host: &Host) -> f64 {
    host.http.metric("pointsman_history_written_total", "")
}

/// SQLite's own opinion of the file, by another program.
fn assert_sound(host: &Host) {
    let look = "import sqlite3, sys\n\
                print(sqlite3.connect(sys.argv[1]).execute('PRAGMA integrity_check').fetchone()[0])";
    let mut python = Command::new("python3");
    python
        .args(["-c", look])
        .arg(host.path("data/pointsman.db"));
    let said = python.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "ok");
}

#[test]
fn what_was_written_before_a_kill_is_there_after_it() {
    let mut host = Host::start("");
    let probe = product::component("host/plugin/tests/probe");
    assert_eq!(host.http.put_plugin("probe", &probe).0, 200);
    bind(&host);
    for n in 0..100 {
        assert_eq!(ask(&host, n), Some(404));
    }
    until("all decisions are written", || written(&host) >= 100.0);
    let before = decisions(&host, 1_000);
    assert_eq!(before.len(), 100);
    host.kill_and_start_again();
    assert_sound(&host);
    let after = decisions(&host, 1_000);
    assert_eq!(after, before);
    // Who was installed is there; what it kept goes on from where it was.
    let probe = host.http.json("/api/v1/plugins/probe").unwrap_or_default();
    assert_eq!(
        (&probe["state"], &probe["kv"]["keys"]),
        (&"active".into(), &1.into())
    );
    bind(&host);
    assert_eq!(ask(&host, 0), Some(404));
    let last = decisions(&host, 1).remove(0);
    assert_eq!(revision(&last), revision(&before[99]) + 1);
    assert!(last["id"].as_u64() > before[99]["id"].as_u64(), "{last}");
    host.stop();
}

/// What is lost is the end: what had not been written yet.
#[test]
fn a_kill_amid_decisions_loses_only_the_newest() {
    let mut host = Host::start("");
    let probe = product::component("host/plugin/tests/probe");
    assert_eq!(host.http.put_plugin("probe", &probe).0, 200);
    bind(&host);
    let over = AtomicBool::new(false);
    let safe = std::thread::scope(|scope| {
        let (http, over) = (host.http.clone(), &over);
        scope.spawn(move || {
            // Until the host does not answer any more.
            let answers = |n: &u32| {
                let path = format!("/hls/live/none/index.m3u8?token=t{n}");
                http.get(&path).is_some() && !over.load(Ordering::Relaxed)
            };
            (0..).take_while(answers).count()
        });
        until("some hundred are written", || written(&host) >= 300.0);
        let safe = written(&host);
        host.kill_and_start_again();
        over.store(true, Ordering::Relaxed);
        safe
    });
    assert_sound(&host);
    let after = decisions(&host, 10_000);
    assert!(after.len() as f64 >= safe, "{} of {safe}", after.len());
    let ids: Vec<_> = after.iter().filter_map(|it| it["id"].as_u64()).collect();
    let first = ids[0];
    assert!(
        ids.iter().copied().eq(first..first + ids.len() as u64),
        "no hole: {ids:?}"
    );
    bind(&host);
    ask(&host, 0);
    let last = decisions(&host, 1).remove(0);
    // An entry is written no later than the decision that it was made by.
    assert!(revision(&last) > after.len() as u64, "{last}");
    host.stop();
}
