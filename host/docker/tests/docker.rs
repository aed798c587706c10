//! Containers of a real engine, which the test starts beside whatever else the machine runs, and
//! sockets that are none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on says so.

use docker::{Discovery, Engine, Run, Settings, watch};
use hub::Registry;
use link::{Context, Policy};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

/// How long anything may take on a busy machine.
const BOUND: Duration = Duration::from_secs(60);

/// An engine of the test's own. Ended for certain, with all that it started.
struct Dockerd {
    child: Child,
    folder: TempDir,
}

impl Dockerd {
    /// Starts one, or says why there is none.
    fn start() -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("pm-").tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).display().to_string();
        let log = std::fs::File::create(place("log")).unwrap();
        let mut command = Command::new("dockerd");
        command.args(["--iptables=false", "--bridge=none", "--storage-driver=vfs"]);
        command.args(["--host", &format!("unix://{}", place("docker.sock"))]);
        command.args(["--data-root", &place("data"), "--exec-root", &place("exec")]);
        command.args(["--pidfile", &place("pid")]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = command.spawn();
        let child = child.map_err(|error| format!("dockerd: {error}; see scripts/setup.sh"))?;
        let mut engine = Self { child, folder };
        let end = Instant::now() + BOUND;
        while engine.docker(&["version"]).is_err() {
            let ended = engine.child.try_wait().unwrap();
            if ended.is_some() || Instant::now() > end {
                let log = std::fs::read_to_string(engine.folder.path().join("log"));
                let log = log.unwrap_or_default();
                let last = log.lines().last().unwrap_or("it said nothing");
                return Err(format!("dockerd does not start here: {last}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(engine)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    fn docker(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("docker");
        command.env("DOCKER_CONFIG", self.folder.path());
        command.env_remove("DOCKER_CONTEXT");
        command.args(["-H", &format!("unix://{}", self.socket().display())]);
        let output = command.args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| error.to_string())?;
        let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        }
    }

    /// An image with nothing but busybox.
    fn import(&self) {
        let root = self.folder.path().join("root");
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
        let tar = self.folder.path().join("root.tar").display().to_string();
        let mut command = Command::new("tar");
        command.args(["-C", &root.display().to_string(), "-cf", &tar, "."]);
        assert!(command.status().unwrap().success());
        self.docker(&["import", &tar, "screen"]).unwrap();
    }

    /// Starts a container; its id.
    fn run(&self, name: &str, labels: &[&str]) -> String {
        let mut all = vec!["run", "-d", "--network", "none", "--name", name];
        all.extend(labels.iter().flat_map(|label| ["--label", label]));
        all.extend(["screen", "/bin/busybox", "sleep", "1000"]);
        self.docker(&all).unwrap()
    }

    /// Ends the engine, as a machine's administrator does.
    fn end(&mut self) {
        let listed = self.docker(&["ps", "-aq"]).unwrap_or_default();
        for id in listed.lines() {
            // One that is gone already is what is wanted.
            let _ = self.docker(&["rm", "-f", id]);
        }
        signal("-TERM", self.child.id());
        let end = Instant::now() + BOUND;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = self.child.kill();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        for left in processes_of(self.folder.path()) {
            signal("-KILL", left);
        }
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        self.end();
    }
}

fn signal(signal: &str, process: u32) {
    let mut command = Command::new("kill");
    command.args([signal, &process.to_string()]);
    // It may be gone.
    let _ = command.stderr(Stdio::null()).status();
}

/// Processes that have a folder in their command line: the engine's containerd and its shims.
fn processes_of(folder: &Path) -> Vec<u32> {
    let folder = folder.display().to_string();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let own = all.filter_map(|entry| {
        let process: u32 = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line);
        (line.contains(&folder) && process != std::process::id()).then_some(process)
    });
    own.collect()
}

fn settings(socket: PathBuf) -> Settings {
    Settings {
        socket,
        retry: Policy {
            initial: Duration::from_millis(100),
            cap: Duration::from_millis(200),
            ..Policy::default()
        },
        // Nothing here is seen because it was time to look.
        refresh: Duration::from_secs(3_600),
        ..Settings::default()
    }
}

struct Host(Context);

impl Host {
    fn new() -> Self {
        let registry = Registry::new(hub::Settings::default());
        let settings = link::context::Settings::default();
        Self(Context::new(registry, CancellationToken::new(), settings))
    }

    fn watch(&self, settings: Settings) -> Receiver<Arc<Discovery>> {
        watch(&self.0, settings)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.0.shutdown().cancel();
    }
}

/// Waits until the list is so.
async fn until(
    seen: &mut Receiver<Arc<Discovery>>,
    what: &str,
    is: impl FnMut(&Arc<Discovery>) -> bool,
) -> Arc<Discovery> {
    let waited = tokio::time::timeout(BOUND, seen.wait_for(is)).await;
    match waited {
        Ok(is) => is.unwrap().clone(),
        Err(_) => panic!("never: {what}"),
    }
}

fn code(discovery: &Discovery) -> &str {
    match &discovery.engine {
        Engine::Unreachable { code, .. } => code,
        _ => "",
    }
}

fn names(discovery: &Discovery) -> Vec<&str> {
    let names = discovery.containers.iter();
    names.map(|found| found.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn containers_are_screens_while_they_run() {
    let mut engine = match Dockerd::start() {
        Ok(engine) => engine,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    engine.import();
    let host = Host::new();
    let mut seen = host.watch(settings(engine.socket()));
    let connected = until(&mut seen, "connected", |it| {
        matches!(it.engine, Engine::Connected { .. })
    });
    assert!(connected.await.containers.is_empty());

    // By events.
    let left = engine.run(
        "left",
        &[
            "pointsman.group=lobby",
            "pointsman.screen=left",
            "pointsman.url=http://127.0.0.1:9001/",
        ],
    );
    engine.run("right", &["pointsman.group=lobby"]);
    engine.run("none-of-ours", &["other=x"]);
    engine.run("wrong", &["pointsman.group=../../etc"]);
    let two = |it: &Arc<Discovery>| names(it).len() == 2 && it.unfit.len() == 1;
    let both = until(&mut seen, "both are seen", two).await;
    assert_eq!(
        names(&both),
        ["right", "left"],
        "by screen, those without first"
    );
    let found = &both.containers[1];
    assert_eq!(
        (found.id.as_str(), found.state),
        (left.as_str(), Run::Running)
    );
    assert_eq!(found.group.as_str(), "lobby");
    assert_eq!(found.screen.as_ref().unwrap().as_str(), "left");
    assert_eq!(found.url.as_deref(), Some("http://127.0.0.1:9001/"));
    assert_eq!(both.unfit[0].name, "wrong");
    assert!(both.unfit[0].problem.contains("pointsman.group"));

    // By a host that starts later, and one that lists few.
    let mut later = host.watch(settings(engine.socket()));
    assert_eq!(until(&mut later, "at start", two).await, both);
    let mut few = host.watch(Settings {
        max_containers: 1,
        ..settings(engine.socket())
    });
    let one = until(&mut few, "one is seen", |it| it.left_out).await;
    assert_eq!(one.containers.len() + one.unfit.len(), 1);

    let state = |wanted: Run| {
        move |it: &Arc<Discovery>| it.containers.last().is_some_and(|it| it.state == wanted)
    };
    engine.docker(&["pause", "left"]).unwrap();
    until(&mut seen, "paused", state(Run::Paused)).await;
    engine.docker(&["unpause", "left"]).unwrap();
    until(&mut seen, "runs again", state(Run::Running)).await;
    engine.docker(&["kill", "left"]).unwrap();
    let killed = Instant::now();
    until(&mut seen, "left is gone", |it| names(it) == ["right"]).await;
    println!(
        "gone {} ms after it was killed",
        killed.elapsed().as_millis()
    );

    engine.end();
    let gone = until(&mut seen, "no engine", |it| !code(it).is_empty()).await;
    assert!(gone.containers.is_empty() && gone.unfit.is_empty());
    assert_eq!(processes_of(engine.folder.path()), Vec::<u32>::new());
}

#[tokio::test]
async fn no_engine_is_a_state_that_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let host = Host::new();
    let mut seen = host.watch(settings(socket.clone()));
    let missing = until(&mut seen, "missing", |it| code(it) == "docker-missing").await;
    let Engine::Unreachable { why, .. } = &missing.engine else {
        panic!("{missing:?}");
    };
    assert!(
        why.contains("is the engine installed and running?"),
        "{why}"
    );
    // A socket that nobody listens on any more.
    drop(UnixListener::bind(&socket).unwrap());
    until(&mut seen, "refused", |it| code(it) == "docker-refused").await;
    std::fs::remove_file(&socket).unwrap();
    // Somebody who is no engine; who has knocked how often is counted.
    let listener = UnixListener::bind(&socket).unwrap();
    let (knocked, mut knocks) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for peer in listener.incoming() {
            let mut peer = peer.unwrap();
            // A whole request first, so that the answer always comes to the same.
            let mut lines = BufReader::new(peer.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let _ = peer.write_all(b"what?\n");
            if knocked.send(()).is_err() {
                return;
            }
        }
    });
    let failed = until(&mut seen, "failed", |it| code(it) == "docker-failed").await;
    for _ in 0..10 {
        tokio::time::timeout(BOUND, knocks.recv()).await.unwrap();
    }
    assert!(!seen.has_changed().unwrap(), "the same is not told again");
    assert_eq!(*seen.borrow().clone(), *failed);
}
