//! The FFmpeg processes of this host.

use crate::extract::Scoped;
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Those that run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Processes {
    /// Oldest first; at most 1000.
    processes: Vec<ProcessView>,
}

/// One process.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProcessView {
    /// What it is for.
    #[schema(example = "encode")]
    what: &'static str,
    /// For which stream, or whatever it is for.
    #[schema(example = "live/cam1")]
    of: String,
    /// Its number.
    pid: u32,
    /// When it was started, Unix milliseconds.
    since_unix_ms: u64,
    /// And how long ago.
    uptime_ms: u64,
    /// Processor time over the last quarter of a second, percent of one core.
    cpu_percent: f64,
    /// Memory it has.
    rss_bytes: u64,
    /// How far it is; none before its first report.
    progress: Option<ProgressView>,
    /// Why it is being killed, if it is.
    trouble: Option<String>,
    /// The last lines of what it complained of, oldest first.
    words: Vec<String>,
}

/// How far FFmpeg is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressView {
    /// Pictures encoded, of its first output.
    frames: u64,
    /// Of them a second, since it began.
    fps: f64,
    /// Media time to real time since it began.
    speed: Option<f64>,
    /// Pictures left out to keep the rate.
    dropped: u64,
    /// Pictures shown twice to keep the rate.
    duplicated: u64,
}

/// Every FFmpeg that this host runs: what for, what it costs, how far it is, what it says.
#[utoipa::path(get, path = "/api/v1/processes", tag = "system",
    responses((status = 200, body = Processes)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Processes> {
    let running = app.edges.children().list().into_iter();
    Json(Processes {
        processes: running.map(ProcessView::from).collect(),
    })
}

impl From<ffmpeg::Running> for ProcessView {
    fn from(it: ffmpeg::Running) -> Self {
        Self {
            what: it.what,
            of: it.of,
            pid: it.pid,
            since_unix_ms: it.since_unix_ms,
            uptime_ms: it.uptime_ms,
            cpu_percent: it.cpu_percent,
            rss_bytes: it.rss_bytes,
            progress: it.progress.map(|progress| ProgressView {
                frames: progress.frames,
                fps: progress.fps,
                speed: progress.speed,
                dropped: progress.dropped,
                duplicated: progress.duplicated,
            }),
            trouble: it.trouble.map(|trouble| trouble.to_string()),
            words: it.words,
        }
    }
}
