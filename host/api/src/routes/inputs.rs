//! Declared inputs.

use crate::answers::List;
use crate::app::App;
use crate::extract::{Created, IfMatch, Json as Body, Named, Scoped, Tagged};
use crate::fields;
use crate::problem::Problem;
use crate::view::{InputView, keep_secrets};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use control::{ControlError, Tag};
use model::{InputSpec, StreamName};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The declared inputs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inputs {
    /// In the order they were declared.
    inputs: Vec<InputView>,
}

/// The declared inputs with their outputs, as they are wanted and as they fare.
#[utoipa::path(get, path = "/api/v1/inputs", tag = "inputs", responses((status = 200, body = Inputs)))]
pub(crate) async fn list(Scoped(app): Scoped, headers: HeaderMap) -> Result<Response, Problem> {
    let addresses = app.addresses(&headers);
    let scene = app.control.scene().await?;
    let list = List::Inputs(addresses.host.clone());
    Ok(app.answers.of(&scene, list, |scene| {
        let inputs = scene.site.inputs.iter().map(|spec| {
            let stream = scene.stream(&spec.name).cloned();
            InputView::new(spec.clone(), stream, &addresses)
        });
        Inputs {
            inputs: inputs.collect(),
        }
    }))
}

/// Declares an input: a stream that is there whether or not anybody feeds it.
#[utoipa::path(post, path = "/api/v1/inputs", tag = "inputs",
    request_body(content = Object, example = json!({
        "name": "live/cam1",
        "sources": [{"type": "udp"}, {"type": "srt", "url": "srt://192.0.2.7:9000?mode=caller"}],
        "outputs": [{"name": "archive", "url": "udp://127.0.0.1:6000"}],
        "labels": {"room": "studio 2"}
    })),
    responses(
        (status = 201, description = "Declared; a UDP source that named no address has one now", body = InputView,
            headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "There is one of that name", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(
    Scoped(app): Scoped,
    headers: HeaderMap,
    Body(body): Body<Value>,
) -> Result<Created<Tagged<InputView>>, Problem> {
    let mut spec = fields::input(body)?;
    let nothing = InputSpec {
        sources: Vec::new(),
        outputs: Vec::new(),
        ..spec.clone()
    };
    keep_secrets(&mut spec, &nothing)?;
    let spec = app.control.add_input(spec).await?;
    let location = format!("/api/v1/inputs/{}", spec.name.as_str().replace('/', "%2F"));
    Ok(Created(location, shown(&app, spec, &headers).await?))
}

/// One input.
#[utoipa::path(get, path = "/api/v1/inputs/{id}", tag = "inputs",
    params(("id" = String, Path, description = "The input's name; slashes as they are, or as %2F", example = "live%2Fcam1")),
    responses((status = 200, body = InputView, headers(("ETag" = String)))))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    headers: HeaderMap,
) -> Result<Tagged<InputView>, Problem> {
    let spec = app.control.input(&name)?;
    shown(&app, spec, &headers).await
}

/// Changes an input by a JSON merge patch (RFC 7396); lists are replaced whole. Sources and
/// outputs that stay the same are not disturbed.
#[utoipa::path(patch, path = "/api/v1/inputs/{id}", tag = "inputs",
    params(
        ("id" = String, Path, description = "The input's name", example = "live%2Fcam1"),
        ("If-Match" = Option<String>, Header, description = "Change it only while it has this ETag"),
    ),
    request_body(content = Object, example = json!({"labels": {"room": "studio 3"}})),
    responses((status = 200, body = InputView, headers(("ETag" = String)))))]
pub(crate) async fn change(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    IfMatch(expect): IfMatch,
    headers: HeaderMap,
    Body(patch): Body<Value>,
) -> Result<Tagged<InputView>, Problem> {
    let changed = app.control.edit_input(name, expect, |input| {
        patched(input, patch).map_err(ControlError::Invalid)
    });
    let spec = changed.await?;
    shown(&app, spec, &headers).await
}

/// Takes an input back: its stream ends, with all its outputs.
#[utoipa::path(delete, path = "/api/v1/inputs/{id}", tag = "inputs",
    params(
        ("id" = String, Path, description = "The input's name", example = "live%2Fcam1"),
        ("If-Match" = Option<String>, Header, description = "Take it back only while it has this ETag"),
    ),
    responses((status = 204, description = "It is gone")))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode, Problem> {
    app.control.remove_input(name, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn patched(input: &mut InputSpec, patch: Value) -> Result<(), control::desired::Faults> {
    // The nouns of the model always have a JSON form.
    let mut document = serde_json::to_value(&*input).unwrap_or_default();
    fields::merge_patch(&mut document, patch);
    let mut next = fields::input(document)?;
    if next.name != input.name {
        return Err(fields::fixed(&format!("input {}", input.name), "name"));
    }
    keep_secrets(&mut next, input)?;
    *input = next;
    Ok(())
}

async fn shown(
    app: &App,
    spec: InputSpec,
    headers: &HeaderMap,
) -> Result<Tagged<InputView>, Problem> {
    let tag = Tag::of(&spec);
    // It is there a moment later than its declaration, if at all.
    let live = app.control.stream(spec.name.clone()).await.ok();
    let view = InputView::new(spec, live, &app.addresses(headers));
    Ok(Tagged(tag, view))
}
