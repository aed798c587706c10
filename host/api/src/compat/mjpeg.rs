//! The routes of the HTTP video streaming system: who publishes JPEG pictures, and their figures.
//! Its `/publish` and `/stream` are this host's own (`gateway::mjpeg`).
//!
//! A name with slashes, which it did not have, is `%2F` in a path here.

use crate::app::App;
use crate::extract::{Caller, Named};
use crate::problem::{Kind, Problem};
use crate::routes::table::{Need, Route, at};
use axum::Json;
use axum::extract::State;
use gateway::mjpeg::PublisherFigures;
use model::Role::{Operator, Viewer};
use model::{StreamName, Who};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use Need::Own;

/// Pictures held of a stream: the newest.
const BUFFER_FRAMES: u64 = 1;

/// Every route.
pub(crate) fn table() -> [Route; 3] {
    [
        at("/api/streams").get(Own(Viewer), list),
        at("/api/streams/{name}").delete(Own(Operator), remove),
        at("/api/streams/{name}/stats").get(Own(Viewer), stats),
    ]
}

/// What `GET /health` says besides what this host does, while these routes are served.
pub(crate) fn health(app: &App) -> Map<String, Value> {
    let settings = app.mjpeg.settings();
    let health = json!({
        "active_streams": app.mjpeg.publishers().len(),
        "max_streams": settings.max_publishers,
        // A recording is an output of an input here.
        "recording_enabled": false,
        "config": {
            "timeout_seconds": settings.idle.as_secs(),
            "max_buffer_frames": BUFFER_FRAMES,
            "retention_days": Value::Null,
        },
    });
    match health {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

async fn list(State(app): State<App>, Caller(who): Caller) -> Json<Value> {
    let publishers = app.mjpeg.publishers();
    let seen = publishers.iter().filter(|it| who.sees(&it.stream));
    let streams: Vec<_> = seen.map(summary).map(Value::Object).collect();
    Json(json!({"count": streams.len(), "streams": streams}))
}

async fn stats(
    State(app): State<App>,
    Caller(who): Caller,
    Named(name): Named<StreamName>,
) -> Result<Json<Value>, Problem> {
    let figures = seen(&app, &who, &name)?;
    let mut stats = summary(&figures);
    let held = figures.frames > 0;
    let last = figures.last_frame_unix_ms.map(iso_8601);
    stats.insert("last_frame_time".to_owned(), json!(last));
    stats.insert("buffer_size".to_owned(), json!(u64::from(held)));
    stats.insert("has_current_frame".to_owned(), json!(held));
    Ok(Json(Value::Object(stats)))
}

async fn remove(
    State(app): State<App>,
    Caller(who): Caller,
    Named(name): Named<StreamName>,
) -> Result<Json<Value>, Problem> {
    seen(&app, &who, &name)?;
    // It may have gone meanwhile, which is what was wanted.
    app.mjpeg.remove(&name);
    let message = format!("Stream '{name}' removed");
    Ok(Json(json!({"status": "success", "message": message})))
}

/// The publisher of a stream that the caller may know of.
fn seen(app: &App, who: &Who, name: &StreamName) -> Result<PublisherFigures, Problem> {
    let found = app.mjpeg.publisher(name).filter(|_| who.sees(name));
    found.ok_or_else(|| {
        let detail = format!("nobody publishes pictures to {name}");
        Problem::new(Kind::UnknownStream, detail)
    })
}

fn summary(figures: &PublisherFigures) -> Map<String, Value> {
    let summary = json!({
        "name": figures.stream,
        "created_at": iso_8601(figures.since_unix_ms),
        "uptime_seconds": seconds(figures.uptime_ms),
        "total_frames": figures.frames,
        "viewer_count": figures.viewers,
        "inactive_seconds": seconds(figures.inactive_ms),
        "fps": f64::from(figures.fps_milli) / 1000.0,
        "total_bytes": figures.bytes,
        "dropped_frames": figures.too_fast,
        "skipped_frames": figures.skipped,
    });
    match summary {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// As Python's `datetime.isoformat` writes it, in UTC.
fn iso_8601(unix_ms: u64) -> String {
    let at: SystemTime = UNIX_EPOCH + Duration::from_millis(unix_ms);
    let it = media::wall::Civil::utc(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+00:00",
        it.year,
        it.month,
        it.day,
        it.hour,
        it.minute,
        it.second,
        unix_ms % 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_other_system_did() {
        let text = iso_8601(951_782_399_042);
        assert_eq!(text, "2000-02-28T23:59:59.042+00:00");
    }
}
