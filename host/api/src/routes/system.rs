//! The machine, this program on it, and what is left of both.

use crate::app::App;
use crate::machine::{Cpu, Disk, Gpu, Interface, Memory};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::OnceCell;
use utoipa::ToSchema;

/// FFmpeg tells its version within this, or is not asked again.
const PATIENCE: Duration = Duration::from_secs(10);

/// This host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct System {
    /// Its name.
    hostname: Option<String>,
    /// The kernel's release.
    kernel: Option<String>,
    /// What it is made of.
    versions: Versions,
    /// When it was started, Unix milliseconds.
    started_unix_ms: u64,
    /// For how long it has run.
    uptime_ms: u64,
    /// Processors.
    cpu: Cpu,
    /// Memory.
    memory: Memory,
    /// Graphics processors; empty if there are none.
    gpus: Vec<Gpu>,
    /// The disks that it writes to.
    disks: Vec<Disk>,
    /// Network interfaces with their counters.
    network: Vec<Interface>,
    /// Where it listens.
    listeners: Vec<Listener>,
    /// What is limited, and how much of it is used.
    limits: Vec<Limit>,
}

/// Versions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Versions {
    /// This program.
    #[schema(example = "0.1.0")]
    pointsman: &'static str,
    /// The `ffmpeg` in PATH, if there is one.
    #[schema(example = "5.1.9-0+deb12u1")]
    ffmpeg: Option<String>,
    /// The library that speaks SRT.
    #[schema(example = "1.5.1")]
    libsrt: Option<String>,
    /// What runs plugins.
    #[schema(example = "48.0.8")]
    wasmtime: &'static str,
}

/// A port that peers come to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listener {
    /// `http`, `rtmp`, `rtsp` or `srt`.
    #[schema(example = "srt")]
    protocol: &'static str,
    /// Address and port.
    #[schema(example = "127.0.0.1:8890")]
    address: String,
}

/// A limit, and how much of it is used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Limit {
    /// `inputs`, `outputs`, `http_connections`, `event_listeners` or `open_files`.
    #[schema(example = "outputs")]
    name: &'static str,
    /// How much is used.
    used: u64,
    /// How much there may be.
    limit: u64,
}

/// The machine and this program on it: versions, processors, memory, disks, network, limits.
#[utoipa::path(get, path = "/api/v1/system", tag = "host", responses((status = 200, body = System)))]
pub(crate) async fn system(State(app): State<App>) -> Json<System> {
    let reading = app.machine.read().await;
    let site = app.control.site();
    let outputs = site.inputs.iter().map(|input| input.outputs.len()).sum();
    let declared = app.settings.limits;
    let listening = crate::routes::events::MAX_LISTENERS - app.listeners.available_permits();
    let mut limits = vec![
        limit("inputs", site.inputs.len(), declared.inputs),
        limit("outputs", outputs, declared.outputs),
        limit(
            "http_connections",
            app.server.open.load(Relaxed) as usize,
            crate::server::MAX_CONNECTIONS,
        ),
        limit(
            "event_listeners",
            listening,
            crate::routes::events::MAX_LISTENERS,
        ),
    ];
    if let Some((used, limit)) = reading.open_files.zip(reading.max_open_files) {
        limits.push(Limit {
            name: "open_files",
            used,
            limit,
        });
    }
    let started = app.settings.started_unix_ms;
    Json(System {
        hostname: reading.hostname.clone(),
        kernel: reading.kernel.clone(),
        versions: versions().await,
        started_unix_ms: started,
        uptime_ms: control::clock::unix_ms().saturating_sub(started),
        cpu: reading.cpu.clone(),
        memory: reading.memory.clone(),
        gpus: reading.gpus.clone(),
        disks: reading.disks.clone(),
        network: reading.network.clone(),
        listeners: listeners(&app),
        limits,
    })
}

fn limit(name: &'static str, used: usize, limit: usize) -> Limit {
    Limit {
        name,
        used: used as u64,
        limit: limit as u64,
    }
}

fn listeners(app: &App) -> Vec<Listener> {
    let all = [
        ("http", Some(app.settings.listen)),
        ("rtmp", app.settings.rtmp),
        ("rtsp", app.settings.rtsp),
        ("srt", app.settings.srt),
    ];
    let listener = |(protocol, address): (_, Option<std::net::SocketAddr>)| {
        let address = address?.to_string();
        Some(Listener { protocol, address })
    };
    all.into_iter().filter_map(listener).collect()
}

async fn versions() -> Versions {
    // It does not change while a program runs, or as good as never.
    static FFMPEG: OnceCell<Option<String>> = OnceCell::const_new();
    Versions {
        pointsman: env!("CARGO_PKG_VERSION"),
        ffmpeg: FFMPEG.get_or_init(ffmpeg).await.clone(),
        libsrt: gateway::srt::library_version(),
        wasmtime: plugin::WASMTIME_VERSION,
    }
}

/// The third word of `ffmpeg version 5.1.9 Copyright ...`.
async fn ffmpeg() -> Option<String> {
    let mut command = Command::new("ffmpeg");
    command.arg("-version").kill_on_drop(true);
    command.stdin(std::process::Stdio::null());
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .ok()?
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(text.split_whitespace().nth(2)?.chars().take(80).collect())
}
