//! The decision log.

use crate::extract::Scoped;
use crate::problem::{Kind, Problem};
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use control::log::{Filter, Found};
use model::{Label, PolicyKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Decisions shown unless the query asks for more.
const DEFAULT_LIMIT: usize = 100;
/// Decisions shown at most; page on with `after`.
const MAX_LIMIT: usize = 10_000;

/// JSON lines (<https://jsonlines.org>).
const JSON_LINES: &str = "application/jsonl";

/// Which decisions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Of one stream, channel or composite only.
    #[param(example = "live/cam1")]
    stream: Option<String>,
    /// `routing`, `selection`, `layout` or `auth` only.
    #[param(value_type = Option<String>, example = "routing")]
    kind: Option<PolicyKind>,
    /// Of one plugin only, whether it answered or failed.
    #[param(value_type = Option<String>, example = "fanout")]
    plugin: Option<Label>,
    /// Failures only.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    failed: bool,
    /// Only those with a greater id, and of these the oldest: to page on, or to follow.
    after: Option<u64>,
    /// How many at most: 100 if left out, 10,000 at most. Without `after`, the newest.
    limit: Option<usize>,
    /// `json` or `jsonl`; left out, what `Accept` asks for.
    #[param(value_type = Option<String>, example = "jsonl")]
    format: Option<Format>,
}

/// How they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// One document.
    Json,
    /// A line for each, which `pointsman plugin replay` reads.
    Jsonl,
}

/// Logged decisions, as the answer is documented; it is put together from lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Decisions {
    /// Oldest first. Each with `id`, `at_unix_ms`, `kind`, `stream`, `cause`; who decided:
    /// `decided_by` (`plugin`, `last_good`, `built_in` or `denied`), `plugin`, `version`, `hash`,
    /// `pattern`, `mode`, `config_hash`, `config`; what: `question` and `answer`, each with
    /// `kind` and `input` or `output`; why not: `error` with `code` and `message`; and
    /// `duration_us`, `tape` (what else the answer came from), `changes` (what followed) and
    /// `refused` (what could not be done). Secrets are replaced.
    #[schema(value_type = Vec<Object>)]
    decisions: Vec<serde_json::Value>,
    /// Why older ones are missing, if the database cannot be read.
    history_error: Option<String>,
}

/// What was decided, and why it is so.
///
/// The newest are in memory, older ones in the database as far as `[decisions]` keeps them.
/// Routing decisions that changed nothing are not logged.
#[utoipa::path(get, path = "/api/v1/decisions", tag = "policies", params(Wanted), responses(
    (status = 200, body = Decisions, description = "One document, or with Accept: application/jsonl a line for each decision"),
))]
pub(crate) async fn list(
    Scoped(app): Scoped,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) =
        wanted.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    let limit = wanted.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let filter = Filter {
        kind: wanted.kind,
        stream: wanted.stream,
        plugin: wanted.plugin,
        failed: wanted.failed,
        after: wanted.after,
        limit: Some(limit),
    };
    let found = app.control.decider().find(&filter).await;
    let format = wanted.format.unwrap_or_else(|| accepted(&headers));
    Ok(match format {
        Format::Json => document(&found),
        Format::Jsonl => lines(&found),
    })
}

fn accepted(headers: &HeaderMap) -> Format {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    let lines = |accept: &str| accept.contains("jsonl") || accept.contains("ndjson");
    match accept.is_some_and(lines) {
        true => Format::Jsonl,
        false => Format::Json,
    }
}

/// Each line is a JSON object already.
fn document(found: &Found) -> Response {
    // A string and its absence always have a JSON form.
    let error = serde_json::to_string(&found.history_error).unwrap_or_default();
    let decisions = found.lines.join(",");
    let body = format!("{{\"decisions\":[{decisions}],\"history_error\":{error}}}");
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn lines(found: &Found) -> Response {
    if let Some(error) = &found.history_error {
        // A file that ends too soon must not look whole.
        let detail = format!("older decisions cannot be read: {error}");
        return Problem::new(Kind::Internal, detail).into_response();
    }
    let mut body = found.lines.join("\n");
    if !body.is_empty() {
        body.push('\n');
    }
    ([(header::CONTENT_TYPE, JSON_LINES)], body).into_response()
}
