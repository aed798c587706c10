//! A running `pointsman`, with ports and folders of its own.

use crate::peer::Peer;
use crate::processes::{self, Process};
use crate::wait::{PATIENCE, until, until_some};
use crate::{ports, product};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use ureq::SendBody;
use ureq::http::{HeaderValue, Request, header};
use ureq::middleware::MiddlewareNext;

/// The configuration, in a host's own folder.
const CONFIG: &str = "pointsman.toml";

/// All has ended within this after Ctrl-C.
pub const SHUTDOWN: Duration = Duration::from_secs(3);

/// The program, up and healthy. Dropped while a test fails, it shows its log.
#[derive(Debug)]
pub struct Host {
    /// Its API.
    pub http: Http,
    /// Its RTMP port.
    pub rtmp: u16,
    /// Its SRT port.
    pub srt: u16,
    /// Its RTSP port.
    pub rtsp: u16,
    peer: Peer,
    /// Whose certificates it trusts; none: the system's.
    trusted: Option<PathBuf>,
    /// Its data and its configuration.
    folder: TempDir,
}

/// HTTP to a host. Statuses from 400 on are answers like others.
#[derive(Debug, Clone)]
pub struct Http {
    /// `http://127.0.0.1:PORT`
    pub base: String,
    agent: ureq::Agent,
}

impl Host {
    /// Starts one with the shipped plugin in its folder and this much of a configuration
    /// beside listeners and folders.
    ///
    /// # Panics
    /// When it is not healthy in time.
    pub fn start(inputs_and_policies: &str) -> Self {
        Self::start_with_plugins(product::plugins(), inputs_and_policies)
    }

    /// The same with another folder of plugins; the configuration begins within `[plugins]`.
    ///
    /// # Panics
    /// When it is not healthy in time.
    pub fn start_with_plugins(plugins: &Path, rest: &str) -> Self {
        Self::launch(Ipv4Addr::LOCALHOST, plugins, rest, None)
    }

    /// As [`start`](Self::start), trusting nobody but whom this certificate vouches for.
    ///
    /// # Panics
    /// When it is not healthy in time.
    pub fn start_trusting(certificate: &Path, inputs_and_policies: &str) -> Self {
        let trusted = Some(certificate.to_owned());
        Self::launch(
            Ipv4Addr::LOCALHOST,
            product::plugins(),
            inputs_and_policies,
            trusted,
        )
    }

    /// As [`start`](Self::start), with an API that everybody reaches; [`Host::http`] comes over
    /// loopback, and shows the key of an admin.
    ///
    /// # Panics
    /// When it is not healthy in time.
    pub fn start_for_everybody(inputs_and_policies: &str) -> Self {
        Self::launch(
            Ipv4Addr::UNSPECIFIED,
            product::plugins(),
            inputs_and_policies,
            None,
        )
    }

    fn launch(listen: Ipv4Addr, plugins: &Path, rest: &str, trusted: Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, [api, rtmp, srt, rtsp]) = configure(&folder, listen, plugins, rest);
        let mut http = Http::new(Ipv4Addr::LOCALHOST, api);
        if !listen.is_loopback() {
            http = http.with_key(&key(&file, "admin", "admin"));
        }
        let mut host = Self {
            http,
            rtmp,
            srt,
            rtsp,
            peer: run(&file, trusted.as_deref()),
            trusted,
            folder,
        };
        host.await_health();
        host
    }

    /// Kills it (signal 9), so that it can tidy up nothing, and starts it again on the same files.
    ///
    /// # Panics
    /// When it is not healthy in time.
    pub fn kill_and_start_again(&mut self) {
        self.kill_then(|_| {});
    }

    /// The same, with something that happens in between.
    ///
    /// # Panics
    /// When it is not healthy in time.
    pub fn kill_then(&mut self, meanwhile: impl FnOnce(&Self)) {
        self.peer.signal(Signal::KILL);
        let file = self.folder.path().join(CONFIG);
        let gone = || Peer::start("true");
        let ended = std::mem::replace(&mut self.peer, gone()).wait(PATIENCE);
        assert!(!ended.status.success(), "it was not killed");
        meanwhile(self);
        self.peer = run(&file, self.trusted.as_deref());
        self.await_health();
    }

    fn await_health(&mut self) {
        until("the host is healthy", || {
            assert!(self.peer.lives(), "the host ended at once");
            self.http.is_healthy()
        });
    }

    /// Its API, spoken to from an address that is not loopback.
    ///
    /// # Panics
    /// When this machine has none.
    pub fn http_from_elsewhere(&self) -> Http {
        let port = self.http.base.rsplit_once(':');
        let port = port.and_then(|(_, port)| port.parse().ok());
        Http::new(ports::own_address(), port.expect("http://HOST:PORT"))
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.peer.pid()
    }

    /// Whether it runs.
    pub fn lives(&mut self) -> bool {
        self.peer.lives()
    }

    /// Why another host on the same configuration does not start.
    ///
    /// # Panics
    /// When it does.
    pub fn refused_beside(&self) -> String {
        refusal(&self.config())
    }

    /// Why a host with folders and ports of its own does not start.
    ///
    /// # Panics
    /// When it does.
    pub fn refused(inputs_and_policies: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let plugins = product::plugins();
        refusal(&configure(&folder, Ipv4Addr::LOCALHOST, plugins, inputs_and_policies).0)
    }

    /// Its configuration file.
    pub fn config(&self) -> PathBuf {
        self.path(CONFIG)
    }

    /// What it logged.
    pub fn log(&self) -> Vec<String> {
        self.peer.said()
    }

    /// The programs it runs.
    pub fn children(&self) -> Vec<Process> {
        processes::descendants(self.peer.pid())
    }

    /// A file in its media folder, the folders it is in made.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn media(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join("media").join(name);
        let parent = path.parent().expect("it has one");
        fs::create_dir_all(parent).expect("a folder");
        path
    }

    /// A file in its own folder, for whoever needs one beside it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where to publish or play a stream over RTMP.
    pub fn rtmp_url(&self, stream: &str) -> String {
        format!("rtmp://127.0.0.1:{}/{stream}", self.rtmp)
    }

    /// Where to publish (`publish:`) or read (`read:`) a stream over SRT.
    pub fn srt_url(&self, role_and_stream: &str) -> String {
        format!("srt://127.0.0.1:{}?streamid={role_and_stream}", self.srt)
    }

    /// Where to publish or play a stream over RTSP.
    pub fn rtsp_url(&self, stream: &str) -> String {
        format!("rtsp://127.0.0.1:{}/{stream}", self.rtsp)
    }

    /// Where to play a stream over HLS.
    pub fn hls_url(&self, stream: &str) -> String {
        format!("{}/hls/{stream}/index.m3u8", self.http.base)
    }

    /// Waits until media of a stream is on air with picture and sound known.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn await_on_air(&self, stream: &str) -> Value {
        until_some(&format!("{stream} is on air"), || {
            let view = self.http.json(&format!("/api/v1/streams/{stream}"))?;
            let known = !view["video"].is_null() && !view["audio"].is_null();
            (known && view["bitrate_bps"].as_u64()? > 0).then_some(view)
        })
    }

    /// Presses Ctrl-C and asserts that the program ends well and leaves nothing behind.
    pub fn stop(self) {
        stop(self.peer, PATIENCE);
    }

    /// As [`stop`](Self::stop), within [`SHUTDOWN`].
    pub fn stop_at_once(self) {
        stop(self.peer, SHUTDOWN);
    }
}

/// Writes a configuration; its file, and the ports of the API, RTMP, SRT and RTSP.
fn configure(
    folder: &TempDir,
    listen: Ipv4Addr,
    plugins: &Path,
    rest: &str,
) -> (PathBuf, [u16; 4]) {
    let [api, rtmp, srt, rtsp] = [(); 4].map(|()| ports::free());
    let config = format!(
        "data_dir = {data:?}\n[api]\nlisten = \"{listen}:{api}\"\n\
         [rtsp]\nlisten = \"127.0.0.1:{rtsp}\"\nudp_port = 0\n[webrtc]\nlisten = \"127.0.0.1:0\"\n[rtmp]\nlisten = \"127.0.0.1:{rtmp}\"\n[srt]\nlisten = \"127.0.0.1:{srt}\"\n\
         [media]\ndir = {media:?}\n[plugins]\ndir = {plugins:?}\n{rest}\n",
        data = folder.path().join("data"),
        media = folder.path().join("media"),
    );
    let file = folder.path().join(CONFIG);
    fs::write(&file, config).expect("a file");
    (file, [api, rtmp, srt, rtsp])
}

/// What a host says that does not start.
fn refusal(config: &Path) -> String {
    let ended = run(config, None).wait(PATIENCE);
    assert!(!ended.status.success(), "it started");
    ended.said.join("\n")
}

/// Makes a key for a host that does not run.
///
/// # Panics
/// When it cannot be made.
pub fn key(config: &Path, name: &str, role: &str) -> String {
    let mut command = Command::new(product::pointsman());
    command.args(["key", "add", name, "--role", role, "--offline", "--config"]);
    let made = command.arg(config).output().expect("the program starts");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    String::from_utf8_lossy(&made.stdout).trim().to_owned()
}

fn run(config: &Path, trusted: Option<&Path>) -> Peer {
    let mut command = Command::new(product::pointsman());
    if let Some(certificate) = trusted {
        command
            .env("SSL_CERT_FILE", certificate)
            .env_remove("SSL_CERT_DIR");
    }
    command.args(["run", "--config"]).arg(config);
    Peer::spawn(command.stdout(Stdio::null()))
}

/// The program's demo, in ports of its own.
#[derive(Debug)]
pub struct Demo {
    /// Its API.
    pub http: Http,
    peer: Peer,
    _folder: TempDir,
}

impl Demo {
    /// Starts it.
    ///
    /// # Panics
    /// When it is not healthy in time.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let api = ports::free();
        let camera = ports::free();
        let mut command = Command::new(product::pointsman());
        command
            .args(["demo", "--plugins"])
            .arg(product::plugins())
            .env("POINTSMAN_DATA_DIR", folder.path().join("data"))
            .env("POINTSMAN_API_LISTEN", format!("127.0.0.1:{api}"))
            .env(
                "POINTSMAN_RTMP_LISTEN",
                format!("127.0.0.1:{}", ports::free()),
            )
            .env(
                "POINTSMAN_SRT_LISTEN",
                format!("127.0.0.1:{}", ports::free()),
            )
            .env("POINTSMAN_UDP_PORTS", format!("{camera}-{camera}"))
            .stdout(Stdio::null());
        let mut demo = Self {
            http: Http::new(Ipv4Addr::LOCALHOST, api),
            peer: Peer::spawn(&mut command),
            _folder: folder,
        };
        until("the demo is healthy", || {
            assert!(demo.peer.lives(), "the demo ended at once");
            demo.http.is_healthy()
        });
        demo
    }

    /// The programs it runs.
    pub fn children(&self) -> Vec<Process> {
        processes::descendants(self.peer.pid())
    }

    /// As [`Host::stop_at_once`].
    pub fn stop_at_once(self) {
        stop(self.peer, SHUTDOWN);
    }
}

/// The kernel is done with killing by then.
const KILLING: Duration = Duration::from_secs(1);

fn stop(peer: Peer, limit: Duration) {
    let below = processes::descendants(peer.pid());
    let pressed = Instant::now();
    peer.signal(Signal::INT);
    let ended = peer.wait(limit);
    assert!(
        ended.status.success(),
        "after Ctrl-C: {}\n{}",
        ended.status,
        ended.said.join("\n")
    );
    assert!(pressed.elapsed() < limit, "{:?}", pressed.elapsed());
    // What is tied to the host's life the kernel ends when the host has ended.
    let left = || below.iter().find(|process| process.lives());
    let deadline = Instant::now() + KILLING;
    while left().is_some() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert!(left().is_none(), "left behind: {:?}", left());
    // The host's own; a guest's panic is a line in its log.
    let panicked = |line: &&String| line.starts_with("thread '") && line.contains("panicked at");
    let panics = ended.said.iter().filter(panicked);
    assert_eq!(panics.count(), 0, "{}", ended.said.join("\n"));
}

impl Http {
    fn new(address: Ipv4Addr, port: u16) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            base: format!("http://{address}:{port}"),
            agent: config.into(),
        }
    }

    /// The same, showing a key with every request.
    ///
    /// # Panics
    /// When no header can carry it.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        let bearer = HeaderValue::try_from(format!("Bearer {key}")).expect("a header");
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .middleware(
                move |mut request: Request<SendBody<'_>>, next: MiddlewareNext<'_>| {
                    let headers = request.headers_mut();
                    headers.insert(header::AUTHORIZATION, bearer.clone());
                    next.handle(request)
                },
            )
            .build();
        Self {
            base: self.base.clone(),
            agent: config.into(),
        }
    }

    fn is_healthy(&self) -> bool {
        self.get("/health").is_some_and(|(status, _)| status == 200)
    }

    /// Status and text; none if nobody answers.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut answer = self.agent.get(format!("{}{path}", self.base)).call().ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), text))
    }

    /// The document; none if there is none, yet.
    pub fn json(&self, path: &str) -> Option<Value> {
        let (status, text) = self.get(path)?;
        (status == 200).then(|| serde_json::from_str(&text).ok())?
    }

    /// Puts a document; status and answer.
    ///
    /// # Panics
    /// When the host does not answer.
    pub fn put_json(&self, path: &str, document: &Value) -> (u16, Value) {
        let request = self.agent.put(format!("{}{path}", self.base));
        let request = request.content_type("application/json");
        answer(request.send(document.to_string()))
    }

    /// Posts a document; status and answer.
    ///
    /// # Panics
    /// When the host does not answer.
    pub fn post_json(&self, path: &str, document: &Value) -> (u16, Value) {
        let posted = self.try_post_json(path, document);
        posted.expect("the host answers")
    }

    /// Posts a document; none if the host does not answer.
    pub fn try_post_json(&self, path: &str, document: &Value) -> Option<(u16, Value)> {
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request.content_type("application/json");
        answered(request.send(document.to_string()))
    }

    /// Patches a document; status and answer.
    ///
    /// # Panics
    /// When the host does not answer.
    pub fn patch_json(&self, path: &str, change: &Value) -> (u16, Value) {
        let request = self.agent.patch(format!("{}{path}", self.base));
        let request = request.content_type("application/merge-patch+json");
        answer(request.send(change.to_string()))
    }

    /// Deletes; status.
    ///
    /// # Panics
    /// When the host does not answer.
    pub fn delete(&self, path: &str) -> u16 {
        self.try_delete(path).expect("the host answers")
    }

    /// Deletes; none if the host does not answer.
    pub fn try_delete(&self, path: &str) -> Option<u16> {
        let answer = self.agent.delete(format!("{}{path}", self.base)).call();
        Some(answer.ok()?.status().as_u16())
    }

    /// Installs a component; status and document.
    ///
    /// # Panics
    /// When the host does not answer.
    pub fn put_plugin(&self, name: &str, component: &[u8]) -> (u16, Value) {
        let url = format!("{}/api/v1/plugins/{name}", self.base);
        let request = self.agent.put(url).content_type("application/wasm");
        answer(request.send(component))
    }

    /// A dry run: asks whoever decides on an input, and for a selection on a library of these.
    ///
    /// # Panics
    /// When the host does not take it.
    pub fn dry_run(&self, kind: &str, input: &Value, library: &Value) -> Value {
        let body = json!({ "input": input, "library": library });
        let path = format!("/api/v1/policies/{kind}/decide");
        let (status, trial) = self.post_json(&path, &body);
        assert_eq!(status, 200, "{kind}: {trial}");
        trial
    }

    /// The sum of a metric's samples over those whose labels include this text.
    pub fn metric(&self, name: &str, labels: &str) -> f64 {
        let (_, text) = self.get("/metrics").expect("metrics");
        let samples = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(labels))
        });
        samples
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }
}

/// Status and document; a text that is no JSON as it is.
fn answer(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, Value) {
    answered(sent).expect("the host answers")
}

fn answered(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Option<(u16, Value)> {
    let mut answer = sent.ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    let document = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Some((answer.status().as_u16(), document))
}
