//! A client's line: the host's clock, what the client is to show, and what it says of itself, over
//! one WebSocket (RFC 6455), each message a JSON object with a `type`.
//!
//! | from | message | |
//! |---|---|---|
//! | client | `{"type": "hello", "token": "..."}` | first, within ten seconds |
//! | host | `{"type": "task", "task": {...}}` | what it is to show, whenever that changes; null: it stands nowhere |
//! | client | `{"type": "ping", "t0": 1.5}` | its own time of sending, milliseconds |
//! | host | `{"type": "pong", "t0": 1.5, "t1": ..., "t2": ...}` | the host's times of receiving and sending, Unix milliseconds |
//! | client | `{"type": "report", "state": "playing", ...}` | once a second |
//!
//! The clock is measured as NTP does (RFC 5905 section 8): with its time `t3` of receiving, the
//! host's clock is `((t1 - t0) + (t2 - t3)) / 2` ahead of the client's, more exactly the shorter the
//! way there and back.

use crate::app::App;
use crate::problem::{Kind, Problem};
use crate::routes::events::MAX_LISTENERS;
use crate::view::{Addresses, TaskView};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use control::clients::{Connection, Report};
use control::clock::unix_ms_exact;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// So long a client may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// One that does not take a message within this is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How often it is asked whether it is there.
const PING: Duration = Duration::from_secs(10);
/// One that said nothing for so long, not even that it is there, is gone.
const SILENCE: Duration = Duration::from_secs(30);
/// What a client says is short.
const MESSAGE_BYTES: usize = 2 << 10;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Heard {
    Hello { token: String },
    Ping { t0: f64 },
    Report(Report),
}

/// What it is told.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Told<'a> {
    Task { task: Option<&'a TaskView> },
    Pong { t0: f64, t1: f64, t2: f64 },
}

/// Why a line ends.
struct Farewell(u16, &'static str);

/// A client's line to the host: a WebSocket with the host's clock, what the client is to show, and
/// what it says of itself.
///
/// The client begins with `{"type": "hello", "token": "..."}`. It hears `{"type": "task", "task":
/// ...}` at once, and again whenever it is to show something else, or at another time. It measures
/// the host's clock with `{"type": "ping", "t0": ...}`, answered by `{"type": "pong", "t0", "t1",
/// "t2"}` (RFC 5905 section 8; milliseconds), and says once a second how it fares: `{"type":
/// "report", "state": "idle" | "waiting" | "playing" | "failed", "position_ms", "dropped_frames",
/// "skew_ms", "offset_ms", "rtt_ms", "fault"}`. A line that is closed with 1008 is no longer this
/// client's: it registers again.
#[utoipa::path(get, path = "/api/v1/clients/{id}/clock", tag = "walls",
    params(("id" = String, Path, description = "The client's id", example = "k3j5h2g1f9")),
    responses(
        (status = 101, description = "The WebSocket"),
        (status = 400, description = "No WebSocket was asked for", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "It was asked for by a page of another site", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn clock(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade =
        upgrade.map_err(|rejection| Problem::new(Kind::BadRequest, rejection.body_text()))?;
    let place = app.listeners.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("{MAX_LISTENERS} lines are open already");
        Problem::new(Kind::Overloaded, detail)
    })?;
    let addresses = app.addresses(&headers);
    let upgrade = upgrade
        .max_frame_size(MESSAGE_BYTES)
        .max_message_size(MESSAGE_BYTES)
        .read_buffer_size(MESSAGE_BYTES)
        .write_buffer_size(0);
    Ok(upgrade.on_upgrade(async move |mut socket| {
        let _place = place;
        // A line that broke needs no farewell.
        if let Some(Farewell(code, reason)) = serve(&mut socket, &app, &id, &addresses).await {
            let reason = Utf8Bytes::from_static(reason);
            let frame = CloseFrame { code, reason };
            let _ = send(&mut socket, Message::Close(Some(frame))).await;
        }
    }))
}

async fn serve(
    socket: &mut WebSocket,
    app: &App,
    id: &str,
    addresses: &Addresses,
) -> Option<Farewell> {
    const STRANGER: Farewell = Farewell(close_code::POLICY, "this client is not known; register");
    let first = timeout(PATIENCE, socket.recv()).await.ok()??.ok()?;
    let token = match first {
        Message::Text(text) => match serde_json::from_str(&text) {
            Ok(Heard::Hello { token }) => token,
            _ => return Some(Farewell(close_code::POLICY, "say hello with a token first")),
        },
        _ => return None,
    };
    let Ok(mut line) = app.control.all_clients().connect(id, &token) else {
        return Some(STRANGER);
    };
    let mut told = None;
    let mut pings = interval(PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        let Ok(task) = line.task() else {
            return Some(STRANGER);
        };
        let task = task.map(|task| TaskView::new(task, addresses));
        if told.as_ref() != Some(&task) {
            say(
                socket,
                &Told::Task {
                    task: task.as_ref(),
                },
            )
            .await?;
            told = Some(task);
        }
        tokio::select! {
            frame = socket.recv() => {
                let received = unix_ms_exact();
                heard = Instant::now();
                let frame = frame?.ok()?;
                if let Some(farewell) = hear(socket, &line, frame, received).await? {
                    return Some(farewell);
                }
            }
            () = line.changed() => {}
            _ = pings.tick() => {
                if heard.elapsed() > SILENCE {
                    return None;
                }
                send(socket, Message::Ping(Default::default())).await?;
            }
            () = app.stop.cancelled() => {
                return Some(Farewell(close_code::AWAY, "this host is shutting down"));
            }
        }
    }
}

/// None: the line is broken, or closed by the client.
async fn hear(
    socket: &mut WebSocket,
    line: &Connection,
    frame: Message,
    received: f64,
) -> Option<Option<Farewell>> {
    let text = match frame {
        Message::Text(text) => text,
        Message::Ping(_) | Message::Pong(_) => {
            line.hear(None);
            return Some(None);
        }
        Message::Close(_) => return None,
        Message::Binary(_) => {
            return Some(Some(Farewell(close_code::UNSUPPORTED, "texts only")));
        }
    };
    match serde_json::from_str(&text) {
        Ok(Heard::Ping { t0 }) => {
            line.hear(None);
            let (t1, t2) = (received, unix_ms_exact());
            say(socket, &Told::Pong { t0, t1, t2 }).await?;
        }
        Ok(Heard::Report(report)) => line.hear(Some(report)),
        Ok(Heard::Hello { .. }) | Err(_) => {
            return Some(Some(Farewell(
                close_code::INVALID,
                "this message is not known",
            )));
        }
    }
    Some(None)
}

async fn say(socket: &mut WebSocket, told: &Told<'_>) -> Option<()> {
    let text = serde_json::to_string(told).ok()?;
    send(socket, Message::text(text)).await
}

/// None: the client is gone, or does not take it.
async fn send(socket: &mut WebSocket, message: Message) -> Option<()> {
    timeout(WRITE_LIMIT, socket.send(message)).await.ok()?.ok()
}
