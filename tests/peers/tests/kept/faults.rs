//! A database that does not work: changes are refused and say why, everything else goes on, and
//! when it works again nobody has to do anything.

use crate::flow::Flow;
use crate::{add, names, wanted};
use peers::{Host, Peer, Postgres, until};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// What is broken by one function is mended by the other. `told`: the cause, as a change that is
/// refused tells it.
fn broken_and_mended<T>(
    config: &str,
    told: &str,
    break_it: impl FnOnce(&Host) -> T,
    mend: impl FnOnce(&Host, T),
) {
    let (input, mut flow) = Flow::new();
    let mut host = Host::start(&format!("{config}\n{input}"));
    flow.start();
    assert_eq!(add(&host, "live/before").0, 201);
    let before = wanted(&host);

    let broken = break_it(&host);
    let (status, problem) = add(&host, "live/refused");
    assert_eq!(status, 503, "{problem}");
    assert_eq!(problem["type"], "/problems/not-kept", "{problem}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(told), "{detail}");
    let list = host.http.json("/api/v1/inputs").unwrap_or_default();
    assert_eq!(names(&list), ["live/cam", "live/before"]);
    assert_eq!(wanted(&host), before, "nothing half-made");
    flow.goes_on();

    mend(&host, broken);
    until("changes are taken again", || {
        add(&host, "live/after").0 == 201
    });
    flow.goes_on();
    assert_eq!(flow.lost(), 0, "packets lost");
    let after = wanted(&host);
    assert_eq!(names(&after), ["live/cam", "live/before", "live/after"]);
    host.kill_and_start_again();
    assert_eq!(wanted(&host), after);
    host.stop();
}

/// The largest file that the host may write, in bytes.
fn limit_files(host: &Host, bytes: &str) {
    let pid = host.pid().to_string();
    let limit = format!("--fsize={bytes}:");
    let set = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status();
    assert!(set.expect("util-linux").success());
}

#[test]
fn a_disk_that_takes_nothing_more() {
    broken_and_mended(
        "",
        "disk",
        |host| limit_files(host, "1"),
        |host, ()| limit_files(host, "unlimited"),
    );
}

#[test]
fn a_database_that_another_program_has_locked() {
    let lock = "import sqlite3, sys, time\n\
                c = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                c.execute('BEGIN IMMEDIATE')\n\
                print('locked', flush=True)\n\
                time.sleep(600)";
    broken_and_mended(
        "",
        "another program has it locked",
        |host| {
            let mut python = Command::new("python3");
            python
                .args(["-c", lock])
                .arg(host.path("data/pointsman.db"));
            let mut locker = Peer::spawn(python.stdout(Stdio::piped()));
            let said = BufReader::new(locker.stdout().unwrap()).lines().next();
            assert_eq!(said.unwrap().unwrap(), "locked");
            locker
        },
        |_, locker| drop(locker),
    );
}

#[test]
fn a_server_that_is_stopped() {
    let server = Postgres::start();
    let url = server.database("pointsman");
    broken_and_mended(
        &format!("[database]\nurl = {url:?}"),
        "see whether the database server runs",
        |_| server.stop(),
        |_, ()| server.start_again(),
    );
}

/// It is made again at once, so there is nothing to refuse.
#[test]
fn a_file_that_is_deleted_is_made_again_with_all_that_is_wanted() {
    let (input, mut flow) = Flow::new();
    let mut host = Host::start(&input);
    flow.start();
    assert_eq!(add(&host, "live/before").0, 201);
    for file in ["pointsman.db", "pointsman.db-wal", "pointsman.db-shm"] {
        fs::remove_file(host.path("data").join(file)).unwrap();
    }
    assert_eq!(add(&host, "live/after").0, 201);
    flow.goes_on();
    assert_eq!(flow.lost(), 0, "packets lost");
    let before = wanted(&host);
    host.kill_and_start_again();
    assert_eq!(wanted(&host), before);
    assert_eq!(names(&before), ["live/cam", "live/before", "live/after"]);
    host.stop();
}

#[test]
fn a_second_host_on_the_same_files_or_the_same_server_is_refused() {
    let server = Postgres::start();
    let database = format!("[database]\nurl = {:?}", server.database("pointsman"));
    let first = Host::start(&database);
    let files = first.refused_beside();
    assert!(
        files.contains("another pointsman uses the folder"),
        "{files}"
    );
    let same_server = Host::refused(&database);
    assert!(
        same_server.contains("another host uses the database"),
        "{same_server}"
    );
    first.stop();
}
