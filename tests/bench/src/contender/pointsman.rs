//! The host, in a folder and on ports of its own.

use super::{Built, PATIENCE, Process, RtmpServer, free_port};
use crate::machine;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A setting as the environment gives it: name and value.
pub(crate) type Setting = (&'static str, &'static str);

/// The host, with the shipped plugin.
pub(crate) struct Pointsman {
    process: Process,
    http: SocketAddr,
    rtmp: SocketAddr,
    srt: SocketAddr,
    program: PathBuf,
    config: PathBuf,
    setting: Option<Setting>,
    /// Its configuration, data and plugins.
    _folder: TempDir,
}

impl Pointsman {
    /// Starts a host with these declared inputs (name and UDP address) and routing rules, and
    /// waits until it serves.
    pub(crate) fn start(
        built: &Built,
        inputs: &[(String, SocketAddr)],
        rules: &Value,
    ) -> Result<Self> {
        Self::with(built, inputs, rules, None)
    }

    /// The same, with a setting as the environment gives it.
    pub(crate) fn with(
        built: &Built,
        inputs: &[(String, SocketAddr)],
        rules: &Value,
        setting: Option<Setting>,
    ) -> Result<Self> {
        let policy = format!(
            "[[policies]]\nkind = \"routing\"\nstreams = \"*\"\nplugin = \"fanout\"\nconfig = {}\n",
            inline(rules)
        );
        let declare = |(name, address): &(String, SocketAddr)| {
            let source = format!("{{ type = \"udp\", address = \"{address}\" }}");
            format!("[[inputs]]\nname = \"{name}\"\nsources = [{source}]\n")
        };
        let declared: String = inputs.iter().map(declare).collect();
        let most = format!("[limits]\ninputs = {}\n", inputs.len().max(1));
        Self::configured(built, &(most + &policy + &declared), setting)
    }

    /// Starts a host with this much of a configuration file beside listeners and folders, and
    /// perhaps an environment variable, and waits until it serves.
    pub(crate) fn configured(built: &Built, rest: &str, setting: Option<Setting>) -> Result<Self> {
        let folder = TempDir::new()?;
        let plugins = folder.path().join("plugins");
        std::fs::create_dir(&plugins)?;
        std::fs::copy(&built.plugin, plugins.join("fanout.wasm"))?;
        let [http, rtmp, srt] = [free_port()?, free_port()?, free_port()?];
        let config = folder.path().join("pointsman.toml");
        let listeners = format!(
            "data_dir = {:?}\n[api]\nlisten = \"{http}\"\n[rtmp]\nlisten = \"{rtmp}\"\n\
             [rtsp]\nlisten = \"127.0.0.1:0\"\nudp_port = 0\n[webrtc]\nlisten = \"127.0.0.1:0\"\n[srt]\nlisten = \"{srt}\"\n[plugins]\ndir = {plugins:?}\n",
            folder.path().join("data"),
        );
        std::fs::write(&config, listeners + rest)?;
        let host = Self {
            process: run(&built.program, &config, setting)?,
            http,
            rtmp,
            srt,
            program: built.program.clone(),
            config,
            setting,
            _folder: folder,
        };
        host.wait_until_up()?;
        Ok(host)
    }

    /// Kills it, and starts it again on the same files; does not wait until it serves.
    pub(crate) fn kill_and_start_again(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = run(&self.program, &self.config, self.setting)?;
        Ok(())
    }

    /// Where its API listens.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where it listens for SRT.
    pub(crate) fn srt(&self) -> SocketAddr {
        self.srt
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

fn run(program: &Path, config: &Path, setting: Option<Setting>) -> Result<Process> {
    let mut command = Command::new(program);
    command.arg("run").arg("--config").arg(config);
    command.env("POINTSMAN_LOG", "error").envs(setting);
    Process::start(&mut command)
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
