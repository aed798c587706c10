//! The log of changes.

use crate::extract::Scoped;
use crate::problem::{Kind, Problem};
use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use model::audit::{Line, Outcome, Query as Wanted};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Lines shown unless the query asks for more.
const DEFAULT_LIMIT: usize = 100;
/// Lines shown at most; page back with `before`.
const MAX_LIMIT: usize = 1_000;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// In this name only: `local`, `key NAME`, `user NAME`, `host`.
    #[param(example = "key ci")]
    who: Option<String>,
    /// Done to this item only, and to what belongs to it.
    #[param(example = "input live/cam1")]
    item: Option<String>,
    /// Of this kind only.
    #[param(example = "changed")]
    action: Option<String>,
    /// `done`, `refused` or `failed` only.
    #[param(value_type = Option<String>, example = "done")]
    outcome: Option<Outcome>,
    /// Only those with a lower id: to page back.
    before: Option<i64>,
    /// How many at most: 100 if left out, 1,000 at most.
    limit: Option<usize>,
}

/// Lines of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lines {
    /// The newest first. Each with `id`, `at_unix_ms`, `who`, `role`, `tenant`, `peer`, `action`,
    /// `item`, `outcome`, `before` and `after`. Secrets are masked. Refused requests of one peer
    /// within some seconds are one line, whose `after` counts them.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<Line>,
}

/// Who changed what, when, from where, and what was before.
#[utoipa::path(get, path = "/api/v1/audit", tag = "access", params(Which), responses(
    (status = 200, body = Lines),
    (status = 400, description = "The query is at fault", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The database does not answer", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Scoped(app): Scoped,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Lines>, Problem> {
    let Query(which) = which.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    let wanted = Wanted {
        who: which.who,
        item: which.item,
        action: which.action,
        outcome: which.outcome,
        before: which.before,
        limit: which.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT),
    };
    let lines = app.control.access().log(&wanted).await?;
    Ok(Json(Lines { lines }))
}
