//! What explains the API: its OpenAPI document, and the kinds of problem.

use crate::extract::Named;
use crate::openapi;
use crate::problem::{Kind, Problem};
use axum::Json;

/// The OpenAPI document of this API.
#[utoipa::path(get, path = "/api/openapi.json", tag = "host", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi::document())
}

/// What a kind of problem means and what to do about it: a problem's `type` leads here.
#[utoipa::path(get, path = "/problems/{slug}", tag = "host",
    params(("slug" = String, Path, description = "The end of a problem's type", example = "plugin-invalid")),
    responses(
        (status = 200, description = "Title, status and advice", body = String, content_type = "text/plain"),
        (status = 404, description = "No such kind", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn problem(Named(slug): Named<String>) -> Result<String, Problem> {
    let kind = Kind::ALL
        .iter()
        .copied()
        .find(|kind| kind.slug() == slug)
        .ok_or_else(|| {
            let known = Kind::ALL
                .iter()
                .copied()
                .map(Kind::slug)
                .collect::<Vec<_>>()
                .join(", ");
            Problem::new(
                Kind::NotFound,
                format!("this kind of problem is not known; there are {known}"),
            )
        })?;
    Ok(format!(
        "{} ({})\n\n{}\n",
        kind.title(),
        kind.status().as_u16(),
        kind.advice()
    ))
}
