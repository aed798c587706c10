//! Servers under measurement: each in a folder of its own, ended when dropped.

use crate::{machine, os};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to come up or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A child process that ends with its owner.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = os::end_with_parent(command).stdin(Stdio::null()).spawn();
        let program = command.get_program().to_string_lossy().into_owned();
        Ok(Self(
            child.with_context(|| format!("cannot start {program}"))?,
        ))
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its own end.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.0.wait()?;
        if !status.success() {
            bail!("a child process failed: {status}");
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            os::terminate(self.pid());
        }
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        // It has ended; or it did not want to.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that plays RTMP.
pub(crate) trait RtmpServer {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// Where it listens.
    fn rtmp(&self) -> SocketAddr;
    /// Processor time used so far.
    fn cpu_time(&self) -> Result<Duration>;
}

/// The host, with the shipped plugin.
pub(crate) struct Pointsman {
    process: Process,
    http: SocketAddr,
    rtmp: SocketAddr,
    /// Its configuration, data and plugins.
    _folder: TempDir,
}

/// Where this workspace's programs and the shipped plugin are.
pub(crate) struct Built {
    /// The `pointsman` binary.
    pub(crate) program: PathBuf,
    /// `fanout.wasm`.
    pub(crate) plugin: PathBuf,
    folder: TempDir,
}

impl Built {
    /// The shipped routing plugin.
    pub(crate) fn plugin_bytes(&self) -> Result<Vec<u8>> {
        let read = std::fs::read(&self.plugin);
        read.with_context(|| format!("cannot read {}", self.plugin.display()))
    }

    /// Builds the plugin of a folder of this repository.
    pub(crate) fn component(&self, source: &str) -> Result<Vec<u8>> {
        let file = build_plugin(&self.program, source, self.folder.path())?;
        std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
    }

    /// Finds the binary beside this one, and has it build the plugin if none is given.
    pub(crate) fn find(plugin: Option<PathBuf>) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("pointsman");
        if !program.is_file() {
            bail!(
                "{} is missing; run `make build`, or `make bench`",
                program.display()
            );
        }
        let folder = TempDir::new()?;
        let plugin = match plugin {
            Some(plugin) => plugin,
            None => build_plugin(&program, "plugins/fanout", folder.path())?,
        };
        Ok(Self {
            program,
            plugin,
            folder,
        })
    }
}

fn build_plugin(program: &Path, source: &str, folder: &Path) -> Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(source);
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let file = folder.join(format!("{name}.wasm"));
    let mut build = Command::new(program);
    build
        .args(["plugin", "build", "--quiet"])
        .arg(&source)
        .arg("--out")
        .arg(&file);
    Process::start(build.stdout(Stdio::null()))?
        .finish()
        .with_context(|| format!("building {}", source.display()))?;
    Ok(file)
}

impl Pointsman {
    /// Starts a host with these declared inputs (name and UDP address) and routing rules, and
    /// waits until it serves.
    pub(crate) fn start(
        built: &Built,
        inputs: &[(String, SocketAddr)],
        rules: &Value,
    ) -> Result<Self> {
        let folder = TempDir::new()?;
        let plugins = folder.path().join("plugins");
        std::fs::create_dir(&plugins)?;
        std::fs::copy(&built.plugin, plugins.join("fanout.wasm"))?;
        let [http, rtmp, srt] = [free_port()?, free_port()?, free_port()?];
        let config = folder.path().join("pointsman.toml");
        let listeners = format!(
            "data_dir = {:?}\n[api]\nlisten = \"{http}\"\n[rtmp]\nlisten = \"{rtmp}\"\n\
             [srt]\nlisten = \"{srt}\"\n[plugins]\ndir = {plugins:?}\n",
            folder.path().join("data"),
        );
        let policy = format!(
            "[[policies]]\nkind = \"routing\"\nstreams = \"*\"\nplugin = \"fanout\"\nconfig = {}\n",
            inline(rules)
        );
        let declare = |(name, address): &(String, SocketAddr)| {
            let source = format!("{{ type = \"udp\", address = \"{address}\" }}");
            format!("[[inputs]]\nname = \"{name}\"\nsources = [{source}]\n")
        };
        let inputs: String = inputs.iter().map(declare).collect();
        std::fs::write(&config, listeners + &policy + &inputs)?;

        let mut command = Command::new(&built.program);
        command
            .arg("run")
            .arg("--config")
            .arg(&config)
            .env("POINTSMAN_LOG", "error");
        let process = Process::start(&mut command)?;
        let host = Self {
            process,
            http,
            rtmp,
            _folder: folder,
        };
        host.wait_until_up()?;
        Ok(host)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        machine::resident_bytes(self.process.pid())
    }

    /// Replaces the plugin; the time the host took to do so.
    pub(crate) fn swap(&self, component: &[u8]) -> Result<Duration> {
        let began = Instant::now();
        ureq::put(format!("http://{}/api/v1/plugins/fanout", self.http))
            .content_type("application/wasm")
            .send(component)
            .context("the host refused a plugin")?;
        Ok(began.elapsed())
    }

    fn wait_until_up(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let health = format!("http://{}/health", self.http);
        while ureq::get(&health).call().is_err() {
            if Instant::now() > deadline {
                bail!("pointsman did not come up on {}", self.http);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl RtmpServer for Pointsman {
    fn name(&self) -> &'static str {
        "pointsman"
    }

    fn rtmp(&self) -> SocketAddr {
        self.rtmp
    }

    fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.process.pid())
    }
}

/// Debian's nginx with libnginx-mod-rtmp, one worker.
pub(crate) struct Nginx {
    process: Process,
    rtmp: SocketAddr,
    _folder: TempDir,
}

/// Where Debian puts the module.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

impl Nginx {
    /// Starts it and waits until it listens.
    pub(crate) fn start() -> Result<Self> {
        if !Path::new(MODULE).is_file() {
            bail!("{MODULE} is missing; install libnginx-mod-rtmp, or run `make setup-test`");
        }
        let folder = TempDir::new()?;
        let rtmp = free_port()?;
        // As its documentation has it for live streams; the chunk size is its own default.
        let config = format!(
            "load_module {MODULE};\ndaemon off;\nworker_processes 1;\npid nginx.pid;\n\
             error_log stderr crit;\nevents {{ worker_connections 4096; }}\n\
             rtmp {{ access_log off; server {{ listen {rtmp}; application live {{ live on; }} }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config)?;
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"]);
        let server = Self {
            process: Process::start(&mut command)?,
            rtmp,
            _folder: folder,
        };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(rtmp).is_err() {
            if Instant::now() > deadline {
                bail!("nginx did not come up on {rtmp}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }
}

impl RtmpServer for Nginx {
    fn name(&self) -> &'static str {
        "nginx-rtmp"
    }

    fn rtmp(&self) -> SocketAddr {
        self.rtmp
    }

    fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.process.pid())
    }
}

/// An address that was free a moment ago.
fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// An address where a host can receive UDP; free a moment ago.
pub(crate) fn free_udp_address() -> Result<SocketAddr> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}

/// JSON as TOML's inline form, for documents without null.
fn inline(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Value::Object(fields) => {
            let pairs = fields
                .iter()
                .map(|(key, value)| format!("{key:?} = {}", inline(value)));
            format!("{{ {} }}", list(pairs.collect()))
        }
        Value::Array(items) => format!("[{}]", list(items.iter().map(inline).collect())),
        plain => plain.to_string(),
    }
}
