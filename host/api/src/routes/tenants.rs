//! Tenants, who share this host.

use crate::extract::{Json as Body, Named, Scoped};
use crate::fields;
use crate::problem::Problem;
use axum::Json;
use axum::http::StatusCode;
use control::ControlError;
use model::Label;
use model::tenant::TenantSpec;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The tenants.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tenants {
    /// In the order they were declared.
    #[schema(value_type = Vec<TenantShown>)]
    tenants: Vec<TenantSpec>,
}

/// A tenant, as the answer is documented.
#[derive(ToSchema)]
#[schema(as = Tenant)]
#[allow(
    dead_code,
    reason = "describes model::tenant::TenantSpec in the OpenAPI document"
)]
pub(crate) struct TenantShown {
    /// Names it, and begins the names of its streams: `NAME/...`.
    #[schema(example = "acme")]
    name: String,
    /// Inputs it may declare; left out: as many as the host takes.
    inputs: Option<u32>,
    /// Outputs of all its inputs together; left out: as many as the host takes.
    outputs: Option<u32>,
    /// Bits per second that its streams take in and its outputs send, together; left out: no
    /// limit. What runs is never cut: while it is above, no output is added or started.
    bitrate_bps: Option<u64>,
}

/// The tenants with their quotas; a tenant sees itself.
#[utoipa::path(get, path = "/api/v1/tenants", tag = "access", responses((status = 200, body = Tenants)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Tenants> {
    let tenants = app.control.tenants();
    Json(Tenants { tenants })
}

/// One tenant.
#[utoipa::path(get, path = "/api/v1/tenants/{name}", tag = "access",
    params(("name" = String, Path, description = "The tenant's name", example = "acme")),
    responses(
        (status = 200, body = TenantShown),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such tenant", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Json<TenantSpec>, Problem> {
    let mut tenants = app.control.tenants().into_iter();
    let found = tenants.find(|tenant| tenant.name == name);
    Ok(Json(found.ok_or(ControlError::UnknownTenant(name))?))
}

/// Declares a tenant, or replaces its quotas. The streams below `NAME/` are its own; keys and
/// users that belong to it see no other.
#[utoipa::path(put, path = "/api/v1/tenants/{name}", tag = "access",
    params(("name" = String, Path, description = "The tenant's name", example = "acme")),
    request_body(content = Object, example = json!({"inputs": 5, "outputs": 20, "bitrate_bps": 200_000_000})),
    responses(
        (status = 200, body = TenantShown),
        (status = 400, description = "Not JSON, or not a name", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Fields at fault, or it declares more already", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn put(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
    Body(body): Body<Value>,
) -> Result<Json<TenantSpec>, Problem> {
    let tenant = fields::tenant(name, body)?;
    Ok(Json(app.control.put_tenant(tenant).await?))
}

/// Takes a tenant back that declares nothing any more. Its keys and users change nothing from
/// then on.
#[utoipa::path(delete, path = "/api/v1/tenants/{name}", tag = "access",
    params(("name" = String, Path, description = "The tenant's name", example = "acme")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such tenant", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Inputs of it are declared", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<StatusCode, Problem> {
    app.control.remove_tenant(name).await?;
    Ok(StatusCode::NO_CONTENT)
}
