//! Users, who log in with a password.

use crate::door;
use crate::extract::{Caller, Created, Json as Body, Named, Scoped};
use crate::fields;
use crate::problem::Problem;
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use control::AccessError;
use control::access::UserView;
use model::Label;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The users.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Users {
    /// By name.
    #[schema(value_type = Vec<UserShown>)]
    users: Vec<UserView>,
}

/// A user, as the answer is documented.
#[derive(ToSchema)]
#[schema(as = User)]
#[allow(
    dead_code,
    reason = "describes control::access::UserView in the OpenAPI document"
)]
pub(crate) struct UserShown {
    /// What they log in with.
    #[schema(example = "jane")]
    name: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(example = "operator")]
    role: String,
    /// The tenant they belong to; left out: the whole host.
    tenant: Option<String>,
    /// The only streams they have to do with, a pattern; left out: all of their tenant's.
    streams: Option<String>,
    /// When they were added, Unix milliseconds.
    created_unix_ms: u64,
    /// When they logged in last; null: never.
    last_login_unix_ms: Option<u64>,
    /// How many sessions they have open.
    sessions: usize,
    /// Cannot log in.
    disabled: bool,
}

/// The users.
#[utoipa::path(get, path = "/api/v1/users", tag = "access", responses((status = 200, body = Users)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Users> {
    let users = app.control.access().users();
    Json(Users { users })
}

/// Adds a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "access",
    request_body(content = Object, example = json!({"name": "jane", "role": "operator", "password": "correct horse battery staple"})),
    responses(
        (status = 201, body = UserShown, headers(("Location" = String))),
        (status = 409, description = "There is one of that name, or no admin would be left", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(
    Scoped(app): Scoped,
    Caller(who): Caller,
    Body(body): Body<Value>,
) -> Result<Created<Json<UserView>>, Problem> {
    let user = fields::new_user(body, &app.tenants())?;
    let access = app.control.access();
    let added = access.add_user(&who, user.name, user.rights, user.password);
    let added = added.await?;
    Ok(Created(
        format!("/api/v1/users/{}", added.name),
        Json(added),
    ))
}

/// One user.
#[utoipa::path(get, path = "/api/v1/users/{name}", tag = "access",
    params(("name" = String, Path, description = "The user's name", example = "jane")),
    responses(
        (status = 200, body = UserShown),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Json<UserView>, Problem> {
    Ok(Json(app.control.access().user(&name)?))
}

/// Changes a user by a JSON merge patch (RFC 7396). Another role holds from the next request on;
/// another password ends all their sessions but the one that asks.
#[utoipa::path(patch, path = "/api/v1/users/{name}", tag = "access",
    params(("name" = String, Path, description = "The user's name", example = "jane")),
    request_body(content = Object, example = json!({"role": "viewer"})),
    responses(
        (status = 200, body = UserShown),
        (status = 400, description = "Not JSON, or not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No admin would be left", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    Scoped(app): Scoped,
    Caller(who): Caller,
    Named(name): Named<Label>,
    headers: HeaderMap,
    Body(patch): Body<Value>,
) -> Result<Json<UserView>, Problem> {
    let (tenants, access) = (app.tenants(), app.control.access());
    let own = door::cookie(&headers).map(|cookie| access.kept_as(&cookie));
    let changed = access.change_user(&who, &name, own.as_deref(), |draft| {
        let mut document = json!({
            "role": draft.rights.role, "tenant": draft.rights.tenant,
            "streams": draft.rights.streams, "disabled": draft.disabled,
        });
        fields::merge_patch(&mut document, patch);
        fields::user(&name, document, &tenants).map_err(AccessError::Invalid)
    });
    Ok(Json(changed.await?))
}

/// Removes a user, and ends their sessions.
#[utoipa::path(delete, path = "/api/v1/users/{name}", tag = "access",
    params(("name" = String, Path, description = "The user's name", example = "jane")),
    responses(
        (status = 204, description = "They are gone"),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such user", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No admin would be left", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    Caller(who): Caller,
    Named(name): Named<Label>,
) -> Result<StatusCode, Problem> {
    app.control.access().remove_user(&who, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
