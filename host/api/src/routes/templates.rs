//! Templates: sets of outputs that are added to an input in one go.

use crate::extract::{Created, IfMatch, Json as Body, Named, Scoped, Tagged};
use crate::fields;
use crate::problem::Problem;
use crate::view::{OutputView, TemplateView};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use control::desired::Faults;
use control::template::Values;
use control::{ControlError, Tag};
use model::{Label, StreamName, TemplateSpec};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The templates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Templates {
    /// In the order they were added.
    templates: Vec<TemplateView>,
}

/// What to add to which input.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filled {
    /// The input.
    #[schema(value_type = String, example = "live/cam1")]
    input: StreamName,
    /// A value for each variable that has no default, and for others that shall differ.
    #[serde(default)]
    #[schema(value_type = Object, example = json!({"key": "abcd-1234"}))]
    variables: Values,
}

/// The outputs that were added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Added {
    /// In the order of the template.
    outputs: Vec<OutputView>,
}

/// The templates. What is secret in them is shown as `***`, and kept when it is sent back so.
#[utoipa::path(get, path = "/api/v1/templates", tag = "templates", responses((status = 200, body = Templates)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Templates> {
    let site = app.control.site();
    let templates = site.templates.iter().cloned();
    Json(Templates {
        templates: templates.map(TemplateView::from).collect(),
    })
}

/// Adds a template.
#[utoipa::path(post, path = "/api/v1/templates", tag = "templates",
    request_body(content = Object, example = json!({
        "name": "social",
        "variables": [{"name": "key"}, {"name": "server", "default": "a.rtmp.example"}],
        "outputs": [{"name": "social", "url": "rtmp://{server}/live/{key}"}]
    })),
    responses(
        (status = 201, body = TemplateView, headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "There is one of that name", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(
    Scoped(app): Scoped,
    Body(body): Body<Value>,
) -> Result<Created<Tagged<TemplateView>>, Problem> {
    let mut spec = fields::template(body)?;
    TemplateView::keep_secrets(&mut spec, None)?;
    let spec = app.control.add_template(spec).await?;
    let location = format!("/api/v1/templates/{}", spec.name);
    Ok(Created(location, shown(spec)))
}

/// One template.
#[utoipa::path(get, path = "/api/v1/templates/{name}", tag = "templates",
    params(("name" = String, Path, description = "The template's name", example = "social")),
    responses(
        (status = 200, body = TemplateView, headers(("ETag" = String))),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such template", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Tagged<TemplateView>, Problem> {
    Ok(shown(app.control.template(&name)?))
}

/// Changes a template by a JSON merge patch (RFC 7396); lists are replaced whole. Outputs that
/// were made of it stay as they are.
#[utoipa::path(patch, path = "/api/v1/templates/{name}", tag = "templates",
    params(
        ("name" = String, Path, description = "The template's name", example = "social"),
        ("If-Match" = Option<String>, Header, description = "Change it only while it has this ETag"),
    ),
    request_body(content = Object, example = json!({"variables": [{"name": "key"}, {"name": "server", "default": "b.rtmp.example"}]})),
    responses(
        (status = 200, body = TemplateView, headers(("ETag" = String))),
        (status = 400, description = "Not JSON, or not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such template", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
    IfMatch(expect): IfMatch,
    Body(patch): Body<Value>,
) -> Result<Tagged<TemplateView>, Problem> {
    let changed = app.control.edit_template(name, expect, |template| {
        patched(template, patch).map_err(ControlError::Invalid)
    });
    Ok(shown(changed.await?))
}

/// Takes a template back. Outputs that were made of it stay.
#[utoipa::path(delete, path = "/api/v1/templates/{name}", tag = "templates",
    params(
        ("name" = String, Path, description = "The template's name", example = "social"),
        ("If-Match" = Option<String>, Header, description = "Take it back only while it has this ETag"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "Not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such template", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed it", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode, Problem> {
    app.control.remove_template(name, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds all outputs of a template to an input, or, if anything is at fault, none.
#[utoipa::path(post, path = "/api/v1/templates/{name}/apply", tag = "templates",
    params(
        ("name" = String, Path, description = "The template's name", example = "social"),
        ("If-Match" = Option<String>, Header, description = "Only while the input has this ETag"),
    ),
    request_body(content = Filled),
    responses(
        (status = 201, body = Added, headers(("ETag" = String, description = "The input's"))),
        (status = 400, description = "Not JSON, or not a name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such template or input", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The input has an output of such a name", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "Somebody else changed the input", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Variables that are missing or unknown, or outputs at fault, all of them named", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn apply(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
    IfMatch(expect): IfMatch,
    Body(Filled { input, variables }): Body<Filled>,
) -> Result<Response, Problem> {
    let added = app.control.add_outputs_of(&input, name, variables, expect);
    let names = added.await?;
    let tag = Tag::of(&app.control.input(&input)?);
    let live = app.control.stream(input).await.ok();
    let outputs = live.into_iter().flat_map(|live| live.outputs);
    let of_template = outputs.filter(|output| names.iter().any(|it| it.as_str() == output.name));
    let added = Added {
        outputs: of_template.map(OutputView::from).collect(),
    };
    Ok((StatusCode::CREATED, Tagged(tag, added)).into_response())
}

fn patched(template: &mut TemplateSpec, patch: Value) -> Result<(), Faults> {
    // The nouns of the model always have a JSON form.
    let mut document = serde_json::to_value(&*template).unwrap_or_default();
    fields::merge_patch(&mut document, patch);
    let mut next = fields::template(document)?;
    if next.name != template.name {
        return Err(fields::fixed(
            &format!("template {}", template.name),
            "name",
        ));
    }
    TemplateView::keep_secrets(&mut next, Some(template))?;
    *template = next;
    Ok(())
}

fn shown(spec: TemplateSpec) -> Tagged<TemplateView> {
    Tagged(Tag::of(&spec), spec.into())
}
