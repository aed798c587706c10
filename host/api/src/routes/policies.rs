//! Policies: which plugin decides what, for which streams.

use crate::app::App;
use crate::extract::{Json as Body, Named};
use crate::problem::{Kind, Problem};
use crate::view::{PolicyBody, PolicyView};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use model::{PolicyKind, StreamPattern};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
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
        match text {
            "routing" => Ok(Self(PolicyKind::Routing)),
            _ => Err("this kind of policy is not known; there is: routing".to_owned()),
        }
    }
}

/// The bound policies.
#[utoipa::path(get, path = "/api/v1/policies", tag = "policies", responses((status = 200, body = Policies)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Policies>, Problem> {
    let policies = app.control.policies().await?;
    Ok(Json(Policies {
        policies: policies.into_iter().map(PolicyView::from).collect(),
    }))
}

/// Binds a plugin to a kind of decision, for all streams or those of a pattern; replaces what
/// was bound there. Streams go on, and the new policy is asked at once.
#[utoipa::path(put, path = "/api/v1/policies/{kind}", tag = "policies",
    params(("kind" = String, Path, description = "What it decides", example = "routing")),
    request_body = PolicyBody,
    responses(
        (status = 200, body = PolicyView),
        (status = 400, description = "Not JSON, or no such kind", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such plugin", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Unknown member, or a configuration outside of the plugin's schema", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn bind(
    State(app): State<App>,
    Named(Kinded(kind)): Named<Kinded>,
    Body(body): Body<PolicyBody>,
) -> Result<Json<PolicyView>, Problem> {
    let bound = app.control.put_policy(body.into_spec(kind)).await?;
    Ok(Json(bound.into()))
}

/// Which of the kind's policies.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// The pattern it was bound to; `*` if left out.
    #[serde(default = "StreamPattern::any")]
    #[param(value_type = Option<String>, example = "live/*")]
    streams: StreamPattern,
}

/// Unbinds a policy: the next specific one decides from now on, or the built-in one.
#[utoipa::path(delete, path = "/api/v1/policies/{kind}", tag = "policies",
    params(("kind" = String, Path, description = "What it decides", example = "routing"), Which),
    responses(
        (status = 204, description = "Unbound"),
        (status = 404, description = "No such policy", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn unbind(
    State(app): State<App>,
    Named(Kinded(kind)): Named<Kinded>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<StatusCode, Problem> {
    let Query(which) = which.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    app.control.delete_policy(kind, which.streams).await?;
    Ok(StatusCode::NO_CONTENT)
}
