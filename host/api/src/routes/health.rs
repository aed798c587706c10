//! Whether this host is up.

use crate::app::App;
use crate::problem::{Kind, Problem};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// What `/health` says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`; otherwise the answer is a problem document.
    status: &'static str,
    /// Of this program.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// Streams there are.
    streams: usize,
}

/// Whether this host is up and its control plane answers.
#[utoipa::path(get, path = "/health", tag = "host", responses(
    (status = 200, body = Health),
    (status = 503, description = "Shutting down", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn health(State(app): State<App>) -> Result<Json<Health>, Problem> {
    if app.stop.is_cancelled() {
        return Err(Problem::new(Kind::Stopping, "this host is shutting down"));
    }
    app.control.ping().await?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(Json(Health {
        status: "ok",
        version,
        streams: app.edges.registry().list().len(),
    }))
}
