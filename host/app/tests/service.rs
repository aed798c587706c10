//! The host as a service: what it tells systemd, how it reads its configuration again, how it
//! ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What no condition takes longer than, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Host {
    child: Child,
    dir: TempDir,
    api: SocketAddr,
    rtmp: SocketAddr,
}

impl Host {
    /// A host whose log is a file, with this configuration.
    fn start(config: &str, set: impl FnOnce(&mut Command, &Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("site.toml"), config).unwrap();
        let tcp = || {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
        };
        let srt = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let (api, rtmp) = (tcp(), tcp());
        let mut command = Command::new(env!("CARGO_BIN_EXE_pointsman"));
        command
            .args(["run", "--config", "site.toml"])
            .current_dir(dir.path())
            .env("POINTSMAN_API_LISTEN", api.to_string())
            .env("POINTSMAN_RTMP_LISTEN", rtmp.to_string())
            .env("POINTSMAN_WEBRTC_LISTEN", "127.0.0.1:0")
            .env("POINTSMAN_RTSP_LISTEN", "127.0.0.1:0")
            .env("POINTSMAN_RTSP_UDP_PORT", "0")
            .env("POINTSMAN_SRT_LISTEN", srt.to_string())
            .env("POINTSMAN_LOG_FILE", "host.log")
            .stdin(Stdio::null());
        set(&mut command, dir.path());
        let child = command.spawn().unwrap();
        let host = Self {
            child,
            dir,
            api,
            rtmp,
        };
        host.logs("pointsman is up");
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("host.log")).unwrap_or_default()
    }

    /// Waits for words in the log.
    fn logs(&self, words: &str) {
        wait(&format!("{words:?} in the log"), || {
            self.log().contains(words)
        });
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status();
        assert!(sent.unwrap().success());
    }

    fn get(&self, path: &str) -> String {
        let url = format!("http://{}{path}", self.api);
        let curl = Command::new("curl")
            .args(["-sS", "-A", "player", &url])
            .output();
        String::from_utf8_lossy(&curl.unwrap().stdout).into_owned()
    }

    fn has_ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().unwrap()?;
        Some(status.code().unwrap_or(-1))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The service manager's end of the socket.
struct Manager(UnixDatagram);

impl Manager {
    /// Waits for a message that has all of these lines' beginnings.
    fn hears(&self, lines: &[&str]) -> String {
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 1024];
        loop {
            let read = self.0.recv(&mut buffer).expect("a message from the host");
            let told = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let has = |wanted: &&str| told.lines().any(|line| line.starts_with(*wanted));
            if lines.iter().all(has) {
                return told;
            }
        }
    }
}

const ONE_INPUT: &str = "[[inputs]]\nname = \"live/cam1\"\nsources = [{ type = \"publish\" }]\n";

#[test]
fn systemd_is_told_of_life_and_end() {
    let mut manager = None;
    let mut host = Host::start(ONE_INPUT, |command, dir| {
        let path = dir.join("notify");
        manager = Some(Manager(UnixDatagram::bind(&path).unwrap()));
        command
            .env("NOTIFY_SOCKET", path)
            .env("WATCHDOG_USEC", "600000");
    });
    let manager = manager.unwrap();
    manager.hears(&["READY=1"]);
    let told = manager.hears(&["WATCHDOG=1", "STATUS=1 streams"]);
    assert!(
        told.contains("STATUS=1 streams, 0 of 0 outputs live"),
        "{told}"
    );
    manager.hears(&["WATCHDOG=1"]);
    host.signal("-HUP");
    manager.hears(&["RELOADING=1", "MONOTONIC_USEC="]);
    manager.hears(&["READY=1"]);
    host.signal("-TERM");
    manager.hears(&["STOPPING=1", "EXTEND_TIMEOUT_USEC="]);
    wait("its end", || host.has_ended() == Some(0));
}

#[test]
fn a_changed_file_is_applied_by_what_differs_and_one_at_fault_changes_nothing() {
    let host = Host::start(ONE_INPUT, |_, _| {});
    let over_rest = Command::new(env!("CARGO_BIN_EXE_pointsman"))
        .args([
            "input",
            "add",
            "live/rest",
            "--api",
            &format!("http://{}", host.api),
        ])
        .output()
        .unwrap();
    assert!(over_rest.status.success(), "{over_rest:?}");

    let second = "[[inputs]]\nname = \"live/cam2\"\nsources = [{ type = \"publish\" }]\n";
    let listen = "[udp]\nports = \"7000-7009\"\n";
    std::fs::write(
        host.path("site.toml"),
        format!("{listen}{ONE_INPUT}{second}"),
    )
    .unwrap();
    host.logs("input live/cam2");
    host.logs("[udp]");
    let inputs = host.get("/api/v1/inputs");
    for name in ["live/cam1", "live/cam2", "live/rest"] {
        assert!(inputs.contains(name), "{name}: {inputs}");
    }

    std::fs::write(host.path("site.toml"), format!("{ONE_INPUT}nam = 1\n")).unwrap();
    host.signal("-HUP");
    host.logs("line 4, column 1: unknown key");
    let twice = format!("{ONE_INPUT}{ONE_INPUT}");
    std::fs::write(host.path("site.toml"), twice).unwrap();
    host.signal("-HUP");
    wait("two files at fault", || {
        host.log().matches("nothing is changed").count() >= 2
    });
    assert!(host.get("/api/v1/inputs").contains("live/cam2"));

    // What the file gives up goes; what came over the API stays.
    std::fs::write(host.path("site.toml"), second).unwrap();
    wait("live/cam1 gone", || {
        !host.get("/api/v1/inputs").contains("live/cam1")
    });
    assert!(host.get("/api/v1/inputs").contains("live/rest"));
}

#[test]
fn a_log_that_was_moved_away_goes_on_in_a_new_file() {
    let host = Host::start("", |_, _| {});
    std::fs::rename(host.path("host.log"), host.path("moved.log")).unwrap();
    host.signal("-HUP");
    host.logs("the configuration file was read again");
    let moved = std::fs::read_to_string(host.path("moved.log")).unwrap();
    assert!(moved.contains("pointsman is up"), "{moved}");
}

#[test]
fn sigterm_lets_hls_viewers_fetch_the_end_and_nobody_new_in() {
    let mut host = Host::start(&format!("[shutdown]\ndrain_s = 60\n{ONE_INPUT}"), |_, _| {});
    let url = format!("rtmp://{}/live/cam1", host.rtmp);
    let picture = "testsrc2=size=320x180:rate=25";
    let mut camera = Command::new("ffmpeg")
        .args(["-loglevel", "error", "-re", "-f", "lavfi", "-i", picture])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-f",
            "flv",
            &url,
        ])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let variant = || {
        let index = host.get("/hls/live/cam1/index.m3u8");
        let mut lines = index.lines();
        lines
            .find(|line| line.contains(".m3u8") && !line.starts_with('#'))
            .map(str::to_owned)
    };
    wait("a variant", || variant().is_some());
    let variant = variant().unwrap();
    let playlist = || host.get(&format!("/hls/live/cam1/{variant}"));
    wait("a segment", || playlist().contains("#EXTINF"));
    host.signal("-TERM");
    wait("the end of the playlist", || {
        playlist().contains("#EXT-X-ENDLIST")
    });
    let newcomer = Command::new("curl")
        .args(["-sS", "-A", "another"])
        .arg(format!("http://{}/hls/live/cam1/index.m3u8", host.api))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&newcomer.stdout).into_owned();
    assert!(told.contains("/problems/stopping"), "{told}");

    let ended = playlist();
    let last = ended.lines().rfind(|line| !line.starts_with('#')).unwrap();
    let segment = Command::new("curl")
        .args(["-sS", "-A", "player", "-o", "last.m4s"])
        .arg(format!("http://{}/hls/live/cam1/{last}", host.api))
        .current_dir(host.dir.path())
        .status();
    assert!(segment.unwrap().success());
    assert!(std::fs::metadata(host.path("last.m4s")).unwrap().len() > 188);
    // Long before a minute is over.
    wait("its end", || host.has_ended() == Some(0));
    let _ = camera.kill();
    let _ = camera.wait();
}

#[test]
fn events_are_told_as_they_happen() {
    use std::io::{BufRead as _, BufReader};
    let host = Host::start("", |_, _| {});
    let api = format!("http://{}", host.api);
    let mut told = Command::new(env!("CARGO_BIN_EXE_pointsman"))
        .args([
            "events",
            "--api",
            &api,
            "--json",
            "--type",
            "stream_started",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (lines, heard) = std::sync::mpsc::channel();
    let stdout = BufReader::new(told.stdout.take().unwrap());
    std::thread::spawn(move || {
        let mut whole = stdout.lines().map_while(Result::ok);
        whole.try_for_each(|line| lines.send(line))
    });
    // It may not listen yet when the first is declared; what happens later is heard.
    let mut number = 0;
    let first = loop {
        number += 1;
        let name = format!("live/cam{number}");
        let added = Command::new(env!("CARGO_BIN_EXE_pointsman"))
            .args(["input", "add", &name, "--api", &api])
            .output()
            .unwrap();
        assert!(added.status.success(), "{added:?}");
        if let Ok(line) = heard.recv_timeout(Duration::from_millis(500)) {
            break line;
        }
        assert!(number < 60, "no event in half a minute");
    };
    let _ = told.kill();
    let _ = told.wait();
    assert!(
        first.contains("\"stream_started\"") && first.contains("live/cam"),
        "{first}"
    );
}

#[test]
fn a_shell_learns_the_command_line() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Command::new(env!("CARGO_BIN_EXE_pointsman"))
            .args(["completions", shell])
            .output()
            .unwrap();
        let script = String::from_utf8_lossy(&script.stdout).into_owned();
        assert!(
            script.contains("output") && script.contains("events"),
            "{shell}"
        );
    }
}
