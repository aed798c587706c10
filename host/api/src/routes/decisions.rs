//! The decision log.

use crate::app::App;
use crate::problem::{Kind, Problem};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use control::decisions::{Decision, Filter};
use model::StreamName;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Decisions shown unless the query asks for more.
const DEFAULT_LIMIT: usize = 100;

/// Which decisions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Of one stream only.
    #[param(value_type = Option<String>, example = "live/cam1")]
    stream: Option<StreamName>,
    /// Only those with a greater id: what is new since the last look.
    #[serde(default)]
    #[param(value_type = Option<u64>)]
    after_id: u64,
    /// Failures only.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    failed: bool,
    /// The newest so many; 100 if left out.
    limit: Option<usize>,
}

/// Logged decisions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Decisions {
    /// Oldest first. Each with `id`, `at_unix_ms`, `stream`, `cause`, `decider` (with the
    /// plugin's SHA-256), `state` (what was known), `plan` (what is wanted), `duration_us`,
    /// `changes` (what it caused), `refused` and `error`.
    #[schema(value_type = Vec<Object>)]
    decisions: Vec<Arc<Decision>>,
}

/// The newest decisions that changed something or failed.
#[utoipa::path(get, path = "/api/v1/decisions", tag = "policies", params(Wanted), responses(
    (status = 200, body = Decisions),
    (status = 400, description = "The query is at fault", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(app): State<App>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Decisions>, Problem> {
    let Query(wanted) =
        wanted.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    let Wanted {
        stream,
        after_id,
        failed,
        limit,
    } = wanted;
    let limit = Some(limit.unwrap_or(DEFAULT_LIMIT));
    let decisions = app
        .control
        .decisions(Filter {
            stream,
            after_id,
            failed,
            limit,
        })
        .await?;
    Ok(Json(Decisions { decisions }))
}
