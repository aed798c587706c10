//! `/metrics`, for Prometheus.

mod decisions;
mod plugins;
mod process;
mod streams;
mod text;

use crate::app::App;
use crate::problem::Problem;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::atomic::{AtomicU64, Ordering};
use text::{CONTENT_TYPE, Exposition, Type};

/// Figures of streams, plugins and this process, in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "host", responses(
    (status = 200, description = "Prometheus text format 0.0.4", body = String, content_type = "text/plain"),
))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let streams = app.control.streams().await?;
    let mut document = Exposition::default();
    streams::collect(&mut document, &streams);
    plugins::collect(&mut document, &app.control.plugins());
    decisions::collect(&mut document, app.control.decider());
    edges(&mut document, &app);
    host(&mut document);
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], document.finish()))
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
    let help = "Connections made, in or out.";
    let mut family = document.family("pointsman_edge_connections_total", Type::Counter, help);
    for edge in &edges {
        family.sample(
            &[("protocol", edge.protocol.as_str())],
            edge.connections as f64,
        );
    }
    let help = "Bytes from outside that made no sense.";
    let mut family = document.family("pointsman_edge_garbage_bytes_total", Type::Counter, help);
    for edge in &edges {
        family.sample(
            &[("protocol", edge.protocol.as_str())],
            edge.garbage_bytes as f64,
        );
    }
    let read = |figure: &AtomicU64| figure.load(Ordering::Relaxed) as f64;
    let help = "HTTP connections open.";
    document.single(
        "pointsman_http_connections",
        Type::Gauge,
        help,
        read(&app.server.open),
    );
    let help = "HTTP connections accepted.";
    let accepted = read(&app.server.accepted);
    document.single(
        "pointsman_http_connections_total",
        Type::Counter,
        help,
        accepted,
    );
    let help = "HTTP connections turned away at the limit.";
    let turned_away = read(&app.server.turned_away);
    document.single(
        "pointsman_http_turned_away_total",
        Type::Counter,
        help,
        turned_away,
    );
}

fn host(document: &mut Exposition) {
    let help = "Always 1; the label tells the version.";
    document
        .family("pointsman_build_info", Type::Gauge, help)
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    process::collect(document);
}
