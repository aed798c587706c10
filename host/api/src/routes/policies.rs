//! Policies: which plugin decides what, for which streams.

use crate::extract::{Json as Body, Named, Scoped};
use crate::problem::{Kind, Problem};
use crate::view::{PolicyBody, PolicyView, TrialBody, TrialView};
use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use control::clock::unix_ms;
use model::{Catalogue, PolicyKind, PolicyMode, Question, StreamPattern};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::str::FromStr;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The bound policies.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Policies {
    /// In the order they were bound.
    policies: Vec<PolicyView>,
}

/// The kind in a path.
pub(crate) struct Kinded(PolicyKind);

impl FromStr for Kinded {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        PolicyKind::from_name(text).map(Self).ok_or_else(|| {
            let known = PolicyKind::ALL.map(PolicyKind::as_str).join(", ");
            format!("this kind of policy is not known; there are {known}")
        })
    }
}

/// The bound policies, and how those that are being tried compare.
#[utoipa::path(get, path = "/api/v1/policies", tag = "policies", responses((status = 200, body = Policies)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Policies> {
    let bindings = app.control.decider().bindings();
    let policies = bindings.list().iter();
    Json(Policies {
        policies: policies.map(|it| PolicyView::from(&**it)).collect(),
    })
}

/// Binds a plugin to a kind of decision, for all streams or those of a pattern; replaces what
/// was bound there in the same mode. Streams go on, and the new policy is asked at once.
#[utoipa::path(put, path = "/api/v1/policies/{kind}", tag = "policies",
    params(("kind" = String, Path, description = "What it decides: routing, selection, layout or auth", example = "routing")),
    request_body = PolicyBody,
    responses(
        (status = 200, body = PolicyView),
        (status = 422, description = "Unknown member, no such plugin, or a configuration outside of the plugin's schema", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn bind(
    Scoped(app): Scoped,
    Named(Kinded(kind)): Named<Kinded>,
    Body(body): Body<PolicyBody>,
) -> Result<Json<PolicyView>, Problem> {
    let spec = app.control.put_policy(body.into_spec(kind)).await?;
    let bindings = app.control.decider().bindings();
    let bound = bindings.list().iter().find(|it| it.spec == spec);
    // It was taken back by another request meanwhile.
    let gone = || Problem::new(Kind::Conflict, "the policy was bound and is gone again");
    let bound = bound.ok_or_else(gone)?;
    Ok(Json(PolicyView::from(&**bound)))
}

/// Which of the kind's policies.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// The pattern it was bound to; `*` if left out.
    #[serde(default = "StreamPattern::any")]
    #[param(value_type = Option<String>, example = "live/*")]
    streams: StreamPattern,
    /// The mode it was bound in; `active` if left out.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "active")]
    mode: PolicyMode,
}

/// Unbinds a policy: the next specific one decides from now on, or the built-in one.
#[utoipa::path(delete, path = "/api/v1/policies/{kind}", tag = "policies",
    params(("kind" = String, Path, description = "What it decides: routing, selection, layout or auth", example = "routing"), Which),
    responses((status = 204, description = "Unbound")))]
pub(crate) async fn unbind(
    Scoped(app): Scoped,
    Named(Kinded(kind)): Named<Kinded>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let Query(Which { streams, mode }) =
        which.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    app.control.delete_policy(kind, streams, mode).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A dry run: asks whoever decides on the input's subject, as if it came from a stream, a
/// channel or a peer, and throws the answer away. Nothing is made true, logged, or kept by the
/// plugin.
#[utoipa::path(post, path = "/api/v1/policies/{kind}/decide", tag = "policies",
    params(("kind" = String, Path, description = "What is to be decided: routing, selection, layout or auth", example = "routing")),
    request_body = TrialBody,
    responses(
        (status = 200, body = TrialView),
        (status = 422, description = "Not an input of this kind", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn decide(
    Scoped(app): Scoped,
    Named(Kinded(kind)): Named<Kinded>,
    Body(TrialBody { mut input, library }): Body<TrialBody>,
) -> Result<Json<TrialView>, Problem> {
    input
        .entry("now_unix_ms")
        .or_insert_with(|| unix_ms().into());
    let question = json!({ "kind": kind, "input": input });
    let question: Question = serde_json::from_value(question)
        .map_err(|error| Problem::new(Kind::InvalidBody, format!("input: {error}")))?;
    let library = Arc::new(Catalogue::new(library));
    let trial = app.control.decider().try_out(question, Some(library)).await;
    Ok(Json(trial.into()))
}
