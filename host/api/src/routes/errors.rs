//! What went wrong of late.

use crate::app::App;
use crate::extract::Caller;
use axum::Json;
use axum::extract::State;
use control::recent::{Gravity, Group};
use serde::Serialize;
use utoipa::ToSchema;

/// What went wrong of late.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Errors {
    /// The one seen last first.
    errors: Vec<ErrorView>,
}

/// All that is wrong in the same way and place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorView {
    /// `warning` or `error`.
    #[schema(value_type = String, example = "warning")]
    gravity: Gravity,
    /// What kind it is.
    #[schema(example = "unresolved")]
    code: String,
    /// The stream it is about.
    #[schema(example = "live/cam1")]
    stream: Option<String>,
    /// What of the stream or host: an output, a source, a plugin, a webhook.
    #[schema(example = "archive")]
    item: Option<String>,
    /// What happened last, and what to do about it. Secrets are replaced.
    message: String,
    /// How often.
    count: u64,
    /// Unix milliseconds.
    first_seen_unix_ms: u64,
    /// Unix milliseconds.
    last_seen_unix_ms: u64,
}

/// How many were forgotten.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Forgotten {
    /// Groups.
    forgotten: usize,
}

/// What went wrong since the host was started, grouped by kind and place, the newest 256 groups.
///
/// It is what the log says in warnings and errors, and every failure of an input or output.
#[utoipa::path(get, path = "/api/v1/errors", tag = "host", responses((status = 200, body = Errors)))]
pub(crate) async fn list(State(app): State<App>, Caller(who): Caller) -> Json<Errors> {
    let groups = app.control.recent_errors().list(&who);
    let errors = groups.into_iter().map(ErrorView::from).collect();
    Json(Errors { errors })
}

/// Forgets what went wrong so far. What is still wrong comes back by itself.
#[utoipa::path(delete, path = "/api/v1/errors", tag = "host", responses((status = 200, body = Forgotten)))]
pub(crate) async fn clear(State(app): State<App>, Caller(who): Caller) -> Json<Forgotten> {
    let forgotten = app.control.recent_errors().clear(&who);
    Json(Forgotten { forgotten })
}

impl From<Group> for ErrorView {
    fn from(group: Group) -> Self {
        Self {
            gravity: group.gravity,
            code: group.code,
            stream: group.stream,
            item: group.item,
            message: group.message,
            count: group.count,
            first_seen_unix_ms: group.first_seen_unix_ms,
            last_seen_unix_ms: group.last_seen_unix_ms,
        }
    }
}
