//! Keys, which programs show.

use crate::extract::{Caller, Created, Json as Body, Named, Scoped};
use crate::fields;
use crate::problem::Problem;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use control::AccessError;
use control::access::KeyView;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Keys {
    /// By name.
    #[schema(value_type = Vec<KeyShown>)]
    keys: Vec<KeyView>,
}

/// A key, as the answer is documented.
#[derive(ToSchema)]
#[schema(as = Key)]
#[allow(
    dead_code,
    reason = "describes control::access::KeyView in the OpenAPI document"
)]
pub(crate) struct KeyShown {
    /// Names it in paths; the part of the key after `pm_`.
    #[schema(example = "k3v9x0q2ab")]
    id: String,
    /// For people; no two keys have the same.
    #[schema(example = "ci")]
    name: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(example = "operator")]
    role: String,
    /// The tenant it belongs to; left out: the whole host.
    tenant: Option<String>,
    /// The only streams it has to do with, a pattern; left out: all of its tenant's.
    streams: Option<String>,
    /// When it was made, Unix milliseconds.
    created_unix_ms: u64,
    /// From when on it is refused; null: never.
    expires_unix_ms: Option<u64>,
    /// When it was shown last; null: never.
    last_used_unix_ms: Option<u64>,
    /// Refused until it is enabled again.
    disabled: bool,
}

/// A key that was just made, as the answer is documented.
#[derive(ToSchema)]
#[schema(as = MadeKey)]
#[allow(
    dead_code,
    reason = "describes control::access::MadeKey in the OpenAPI document"
)]
pub(crate) struct MadeShown {
    /// The key. It is not kept, and is shown this once.
    key: String,
    /// What is kept of it.
    #[serde(flatten)]
    view: KeyShown,
}

/// The keys, without their secrets.
#[utoipa::path(get, path = "/api/v1/keys", tag = "access", responses((status = 200, body = Keys)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Keys> {
    let keys = app.control.access().keys();
    Json(Keys { keys })
}

/// Makes a key. The answer is the only one that shows it.
#[utoipa::path(post, path = "/api/v1/keys", tag = "access",
    request_body(content = Object, example = json!({"name": "ci", "role": "operator", "streams": "live/*", "expires_unix_ms": null})),
    responses(
        (status = 201, body = MadeShown, headers(("Location" = String))),
        (status = 409, description = "There is one of that name, or no admin would be left", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(
    Scoped(app): Scoped,
    Caller(who): Caller,
    Body(body): Body<Value>,
) -> Result<impl IntoResponse + use<>, Problem> {
    let draft = fields::key(body, &app.tenants())?;
    let made = app.control.access().add_key(&who, draft).await?;
    let location = format!("/api/v1/keys/{}", made.view.id);
    let unkept = [(header::CACHE_CONTROL, "no-store")];
    Ok((unkept, Created(location, Json(made))))
}

/// One key, without its secret.
#[utoipa::path(get, path = "/api/v1/keys/{id}", tag = "access",
    params(("id" = String, Path, description = "The key's id or name", example = "ci")),
    responses(
        (status = 200, body = KeyShown),
        (status = 404, description = "No such key", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(id): Named<String>,
) -> Result<Json<KeyView>, Problem> {
    Ok(Json(app.control.access().key(&id)?))
}

/// Changes what a key may do by a JSON merge patch (RFC 7396), from the next request on. The key
/// itself stays.
#[utoipa::path(patch, path = "/api/v1/keys/{id}", tag = "access",
    params(("id" = String, Path, description = "The key's id or name", example = "ci")),
    request_body(content = Object, example = json!({"disabled": true})),
    responses(
        (status = 200, body = KeyShown),
        (status = 404, description = "No such key", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The name is taken, or no admin would be left", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    Scoped(app): Scoped,
    Caller(who): Caller,
    Named(id): Named<String>,
    Body(patch): Body<Value>,
) -> Result<Json<KeyView>, Problem> {
    let tenants = app.tenants();
    let changed = app.control.access().change_key(&who, &id, |draft| {
        let mut document = json!({
            "name": draft.name, "role": draft.rights.role, "tenant": draft.rights.tenant,
            "streams": draft.rights.streams, "expires_unix_ms": draft.expires_unix_ms,
            "disabled": draft.disabled,
        });
        fields::merge_patch(&mut document, patch);
        fields::key(document, &tenants).map_err(AccessError::Invalid)
    });
    Ok(Json(changed.await?))
}

/// Takes a key back: from now on it is refused.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "access",
    params(("id" = String, Path, description = "The key's id or name", example = "ci")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such key", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "No admin would be left", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    Caller(who): Caller,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    app.control.access().remove_key(&who, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
