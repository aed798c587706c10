//! Whether this host is up, and whether it does what is wanted.

use crate::app::App;
use crate::compat;
use crate::problem::{Kind, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use control::health::{Check, State as Fitness};
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;
use utoipa::ToSchema;

/// A control plane that does not answer within this is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// What `/health` says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `degraded` while something does not work that streams do not need; otherwise the
    /// answer is a problem document.
    status: &'static str,
    /// Of this program.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// Streams there are.
    streams: usize,
    /// What other systems' clients look for, while their routes are served.
    #[serde(flatten)]
    compat: Map<String, Value>,
}

/// What `/health/live` says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Live {
    /// `ok`; otherwise the answer is a problem document.
    status: &'static str,
}

/// What `/health/ready` says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ok`, `degraded`, or `failed` with status 503.
    status: &'static str,
    /// Each part by itself.
    checks: Vec<CheckView>,
}

/// One part of the host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckView {
    /// `listeners`, `control`, `document` or `database`.
    #[schema(example = "database")]
    name: &'static str,
    /// `ok`; `degraded`: streams do not need it; `failed`: not all that is wanted can run.
    #[schema(example = "ok")]
    status: &'static str,
    /// What is wrong, and what follows from it.
    detail: Option<String>,
}

/// Whether this host is up and its control plane answers.
#[utoipa::path(get, path = "/health", tag = "host", responses(
    (status = 200, body = Health),
    (status = 503, description = "Shutting down, or stuck", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn health(State(app): State<App>) -> Result<Json<Health>, Problem> {
    let ready = look(&app).await?;
    Ok(Json(Health {
        status: match ready.status {
            "ok" => "ok",
            _ => "degraded",
        },
        version: env!("CARGO_PKG_VERSION"),
        streams: app.edges.registry().list().len(),
        compat: match app.settings.compat.mjpeg {
            true => compat::mjpeg::health(&app),
            false => Map::new(),
        },
    }))
}

/// Whether the process works at all; if not, only a restart helps.
#[utoipa::path(get, path = "/health/live", tag = "host", responses(
    (status = 200, body = Live),
    (status = 503, description = "Its control plane is stuck", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn live(State(app): State<App>) -> Result<Json<Live>, Problem> {
    // Who shuts down in good order is alive.
    if !app.stop.is_cancelled() {
        answers(&app).await?;
    }
    Ok(Json(Live { status: "ok" }))
}

/// Whether everything that is wanted can run: it listens, the document is restored.
///
/// Without a database streams flow, and nothing can be changed: that is `degraded`, and ready.
#[utoipa::path(get, path = "/health/ready", tag = "host", responses(
    (status = 200, body = Ready),
    (status = 503, body = Ready, description = "A part failed; while the host shuts down, a problem document"),
))]
pub(crate) async fn ready(State(app): State<App>) -> Result<(StatusCode, Json<Ready>), Problem> {
    let ready = look(&app).await?;
    let status = match ready.status {
        "failed" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    Ok((status, Json(ready)))
}

async fn look(app: &App) -> Result<Ready, Problem> {
    if app.stop.is_cancelled() {
        return Err(Problem::new(Kind::Stopping, "this host is shutting down"));
    }
    answers(app).await?;
    // The HTTP server is the last listener to come up, and the others end the host if they fail.
    let passed = ["listeners", "control"].map(|name| Check {
        name,
        state: Fitness::Ok,
    });
    let checks = passed.into_iter().chain(app.control.health());
    let checks: Vec<_> = checks.map(CheckView::from).collect();
    let any = |status: &str| checks.iter().any(|check| check.status == status);
    let status = ["failed", "degraded"]
        .into_iter()
        .find(|status| any(status));
    Ok(Ready {
        status: status.unwrap_or("ok"),
        checks,
    })
}

async fn answers(app: &App) -> Result<(), Problem> {
    match tokio::time::timeout(PATIENCE, app.control.ping()).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            let detail = format!(
                "its control plane did not answer for {} s",
                PATIENCE.as_secs()
            );
            Err(Problem::new(Kind::Overloaded, detail))
        }
    }
}

impl From<Check> for CheckView {
    fn from(check: Check) -> Self {
        let (status, detail) = match check.state {
            Fitness::Ok => ("ok", None),
            Fitness::Degraded(detail) => ("degraded", Some(detail)),
            Fitness::Failed(detail) => ("failed", Some(detail)),
        };
        Self {
            name: check.name,
            status,
            detail,
        }
    }
}
