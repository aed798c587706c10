//! `pointsman backup` while a host takes changes, and the way back.

use crate::{add, names, wanted};
use peers::{Host, product};
use serde_json::json;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs a verb on the files of a host; what it said, and whether it worked.
fn run(host: &Host, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(product::pointsman());
    command.args(arguments).arg("--config").arg(host.config());
    let ran = command.current_dir(host.path("")).output().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (
        ran.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_backup_under_load_brings_back_inputs_outputs_ports_and_keys() {
    let mut host = Host::start("[limits]\ninputs = 10000");
    assert_eq!(add(&host, "live/first").0, 201);
    let output = json!({"name": "hall", "enabled": false,
        "url": "srt://127.0.0.1:9?passphrase=0123456789abc"});
    let path = "/api/v1/inputs/live%2Ffirst/outputs";
    assert_eq!(host.http.post_json(path, &output).0, 201);
    let first = wanted(&host)["inputs"][0].clone();

    let done = AtomicBool::new(false);
    let (backup, added) = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut added = 0;
            while !done.load(Ordering::Acquire) {
                let input = json!({"name": format!("live/load-{added}")});
                assert_eq!(host.http.post_json("/api/v1/inputs", &input).0, 201);
                added += 1;
            }
            added
        });
        let backup = run(&host, &["backup", "--to", "copy.db"]);
        done.store(true, Ordering::Release);
        (backup, load.join().unwrap())
    });
    assert!(backup.0, "{}", backup.1);
    assert!(added > 0);
    let again = run(&host, &["backup", "--to", "copy.db"]);
    assert!(!again.0 && again.1.contains("--force"), "{}", again.1);
    let running = run(&host, &["restore", "--from", "copy.db"]);
    assert!(
        !running.0 && running.1.contains("stop that one"),
        "{}",
        running.1
    );

    host.kill_then(|host| {
        fs::remove_dir_all(host.path("data")).unwrap();
        let (restored, said) = run(host, &["restore", "--from", "copy.db"]);
        assert!(restored, "{said}");
    });
    let site = wanted(&host);
    assert_eq!(site["inputs"][0], first, "with its port and its passphrase");
    // What was added before the copy and nothing else: one after the other.
    let names = names(&site);
    let expected = (0..names.len() - 1).map(|n| format!("live/load-{n}"));
    let expected: Vec<_> = ["live/first".to_owned()]
        .into_iter()
        .chain(expected)
        .collect();
    assert_eq!(names, expected);
    host.stop();
}
