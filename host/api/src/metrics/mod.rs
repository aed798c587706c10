//! `/metrics`, for Prometheus.

mod decisions;
mod links;
mod plugins;
mod process;
mod streams;
mod text;

use crate::app::App;
use crate::problem::Problem;
use crate::routes::events::MAX_LISTENERS;
use crate::server;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use control::webhooks::HookFigures;
use link::context::EdgeFigures;
use std::sync::atomic::Ordering::Relaxed;
use text::{CONTENT_TYPE, Exposition, Figure, Type};

const EDGE: [Figure<EdgeFigures>; 2] = [
    (
        "pointsman_edge_connections_total",
        Type::Counter,
        "Connections made, in or out.",
        |it| it.connections as f64,
    ),
    (
        "pointsman_edge_garbage_bytes_total",
        Type::Counter,
        "Bytes from outside that made no sense.",
        |it| it.garbage_bytes as f64,
    ),
];

const WEBHOOK: [Figure<HookFigures>; 4] = [
    (
        "pointsman_webhook_delivered_total",
        Type::Counter,
        "Events that arrived.",
        |it| it.delivered as f64,
    ),
    (
        "pointsman_webhook_failed_total",
        Type::Counter,
        "Events given up after the last try.",
        |it| it.failed as f64,
    ),
    (
        "pointsman_webhook_retries_total",
        Type::Counter,
        "Tries after the first.",
        |it| it.retries as f64,
    ),
    (
        "pointsman_webhook_dropped_total",
        Type::Counter,
        "Events, of whatever type, that came faster than they could be sent.",
        |it| it.dropped as f64,
    ),
];

const SERVER: [Figure<server::Figures>; 3] = [
    (
        "pointsman_http_connections",
        Type::Gauge,
        "HTTP connections open.",
        |it| it.open.load(Relaxed) as f64,
    ),
    (
        "pointsman_http_connections_total",
        Type::Counter,
        "HTTP connections accepted.",
        |it| it.accepted.load(Relaxed) as f64,
    ),
    (
        "pointsman_http_turned_away_total",
        Type::Counter,
        "HTTP connections turned away at the limit.",
        |it| it.turned_away.load(Relaxed) as f64,
    ),
];

/// Figures of streams, plugins and this process, in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "host", responses(
    (status = 200, description = "Prometheus text format 0.0.4", body = String, content_type = "text/plain"),
))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let text = text(&app).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}

/// All of them.
pub(crate) async fn text(app: &App) -> Result<String, Problem> {
    let scene = app.control.scene().await?;
    let mut document = Exposition::default();
    streams::collect(&mut document, scene.streams());
    links::collect(&mut document, scene.streams());
    plugins::collect(&mut document, &app.control.plugins());
    decisions::collect(&mut document, app.control.decider());
    wanted(&mut document, app);
    edges(&mut document, app);
    host(&mut document);
    Ok(document.finish())
}

/// What is declared, and who is told of what happens.
fn wanted(document: &mut Exposition, app: &App) {
    let site = app.control.site();
    let outputs: usize = site.inputs.iter().map(|input| input.outputs.len()).sum();
    let listeners = MAX_LISTENERS - app.listeners.available_permits();
    let figures = [
        (
            "pointsman_inputs",
            "Inputs that are declared.",
            site.inputs.len(),
        ),
        ("pointsman_outputs", "Outputs that are declared.", outputs),
        (
            "pointsman_event_listeners",
            "Who listens to events.",
            listeners,
        ),
    ];
    for (name, help, value) in figures {
        document.single(name, Type::Gauge, help, value as f64);
    }
    let hooks = app.control.webhooks().figures();
    let hooks = hooks.iter();
    let hooks = hooks.map(|(name, figures)| ([("webhook", name.as_str())], figures));
    document.table(&WEBHOOK, hooks);
}

fn edges(document: &mut Exposition, app: &App) {
    let help = "Peers turned away or cut off, by why.";
    let mut refusals = document.family("pointsman_refusals_total", Type::Counter, help);
    for ((protocol, code), count) in app.refusals.read() {
        refusals.sample(
            &[("protocol", protocol.as_str()), ("code", &code)],
            count as f64,
        );
    }
    let edges = app.edges.counters().snapshot();
    let of_edge = edges
        .iter()
        .map(|edge| ([("protocol", edge.protocol.as_str())], edge));
    document.table(&EDGE, of_edge);
    document.table(&SERVER, std::iter::once(([], &*app.server)));
}

fn host(document: &mut Exposition) {
    let help = "Always 1; the label tells the version.";
    document
        .family("pointsman_build_info", Type::Gauge, help)
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    process::collect(document);
}
