//! Outputs of declared inputs, each with a life of its own.

use crate::answers::List;
use crate::app::App;
use crate::extract::{Created, IfMatch, Json as Body, OfInput, Scoped, Tagged};
use crate::fields;
use crate::problem::Problem;
use crate::view::{OutputView, keep_secrets};
use axum::http::StatusCode;
use axum::response::Response;
use control::desired::Faults;
use control::scene::Scene;
use control::{ControlError, Expect, Tag};
use model::{InputSpec, Label, OutputSpec, StreamName};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// The outputs of an input.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Outputs {
    /// In the order they were declared.
    outputs: Vec<OutputView>,
}

/// Which output.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(
    dead_code,
    reason = "describes the path in the OpenAPI document; OfInput reads it"
)]
struct OutputPath {
    /// The input's name; slashes as they are, or as %2F.
    #[param(example = "live%2Fcam1")]
    id: String,
    /// The output's name.
    #[param(example = "archive")]
    out: String,
}

/// The outputs of an input, as they are wanted and as they fare.
#[utoipa::path(get, path = "/api/v1/inputs/{id}/outputs", tag = "outputs",
    params(("id" = String, Path, description = "The input's name; slashes as they are, or as %2F", example = "live%2Fcam1")),
    responses((status = 200, body = Outputs)))]
pub(crate) async fn list(
    Scoped(app): Scoped,
    OfInput(input, ()): OfInput<()>,
) -> Result<Response, Problem> {
    app.control.input(&input)?;
    let scene = app.control.scene().await?;
    let list = List::Outputs(input.clone());
    Ok(app.answers.of(&scene, list, |scene| Outputs {
        outputs: views(scene, &input),
    }))
}

/// Declares an output. The others are not disturbed.
#[utoipa::path(post, path = "/api/v1/inputs/{id}/outputs", tag = "outputs",
    params(("id" = String, Path, description = "The input's name", example = "live%2Fcam1")),
    request_body(content = Object, example = json!({"name": "archive", "url": "srt://192.0.2.9:9000?latency=200", "enabled": true, "retry": {"attempts": 10}})),
    responses(
        (status = 201, description = "Declared; it starts as soon as the routing policy wants it", body = OutputView,
            headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "There is one of that name", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(
    Scoped(app): Scoped,
    OfInput(input, ()): OfInput<()>,
    Body(body): Body<Value>,
) -> Result<Created<Tagged<OutputView>>, Problem> {
    let before = app.control.input(&input)?;
    let taken: Vec<_> = before.outputs.into_iter().map(|it| it.name).collect();
    let mut output = fields::output(input.as_str(), body, &taken)?;
    written_out(&input, &mut output, None)?;
    let output = app.control.add_output(input.clone(), output).await?;
    let (path, name) = (input.as_str().replace('/', "%2F"), output.name.clone());
    let location = format!("/api/v1/inputs/{path}/outputs/{name}");
    Ok(Created(location, shown(&app, input, output).await?))
}

/// One output.
#[utoipa::path(get, path = "/api/v1/inputs/{id}/outputs/{out}", tag = "outputs",
    params(OutputPath),
    responses((status = 200, body = OutputView, headers(("ETag" = String)))))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
) -> Result<Tagged<OutputView>, Problem> {
    let spec = app.control.output(&input, &output)?;
    shown(&app, input, spec).await
}

/// Changes an output by a JSON merge patch (RFC 7396). The others are not disturbed.
#[utoipa::path(patch, path = "/api/v1/inputs/{id}/outputs/{out}", tag = "outputs",
    params(
        OutputPath,
        ("If-Match" = Option<String>, Header, description = "Change it only while it has this ETag"),
    ),
    request_body(content = Object, example = json!({"url": "srt://192.0.2.10:9000"})),
    responses((status = 200, body = OutputView, headers(("ETag" = String)))))]
pub(crate) async fn change(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
    IfMatch(expect): IfMatch,
    Body(patch): Body<Value>,
) -> Result<Tagged<OutputView>, Problem> {
    let of = input.clone();
    let changed = app
        .control
        .edit_output(input.clone(), output, expect, move |output| {
            patched(&of, output, patch).map_err(ControlError::Invalid)
        });
    let spec = changed.await?;
    shown(&app, input, spec).await
}

/// Takes an output back. The others are not disturbed.
#[utoipa::path(delete, path = "/api/v1/inputs/{id}/outputs/{out}", tag = "outputs",
    params(
        OutputPath,
        ("If-Match" = Option<String>, Header, description = "Take it back only while it has this ETag"),
    ),
    responses((status = 204, description = "It is gone")))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode, Problem> {
    app.control.remove_output(input, output, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Wants an output to run; one that runs goes on.
#[utoipa::path(post, path = "/api/v1/inputs/{id}/outputs/{out}/start", tag = "outputs",
    params(OutputPath),
    responses((status = 200, description = "Wanted; its state tells how it fares", body = OutputView)))]
pub(crate) async fn start(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
) -> Result<Tagged<OutputView>, Problem> {
    switch(&app, input, output, true).await
}

/// Wants an output not to run. It stays declared.
#[utoipa::path(post, path = "/api/v1/inputs/{id}/outputs/{out}/stop", tag = "outputs",
    params(OutputPath),
    responses((status = 200, body = OutputView)))]
pub(crate) async fn stop(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
) -> Result<Tagged<OutputView>, Problem> {
    switch(&app, input, output, false).await
}

/// Tries an output again now, whether it waits, failed or used up its attempts. One that is live
/// goes on.
#[utoipa::path(post, path = "/api/v1/inputs/{id}/outputs/{out}/retry", tag = "outputs",
    params(OutputPath),
    responses(
        (status = 200, body = OutputView),
        (status = 409, description = "It is not wanted to run", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn retry(
    Scoped(app): Scoped,
    OfInput(input, output): OfInput<Label>,
) -> Result<Tagged<OutputView>, Problem> {
    let spec = app.control.output(&input, &output)?;
    app.control.retry(input.clone(), spec.name.clone()).await?;
    shown(&app, input, spec).await
}

async fn switch(
    app: &App,
    input: StreamName,
    output: Label,
    enabled: bool,
) -> Result<Tagged<OutputView>, Problem> {
    let switched =
        app.control
            .edit_output(input.clone(), output, Expect::Anything, move |output| {
                output.enabled = enabled;
                Ok(())
            });
    let spec = switched.await?;
    shown(app, input, spec).await
}

fn patched(input: &StreamName, output: &mut OutputSpec, patch: Value) -> Result<(), Faults> {
    // The nouns of the model always have a JSON form.
    let mut document = serde_json::to_value(&*output).unwrap_or_default();
    fields::merge_patch(&mut document, patch);
    let mut next = fields::output(input.as_str(), document, &[])?;
    if next.name != output.name {
        return Err(fields::fixed(&format!("input {input}"), "output.name"));
    }
    written_out(input, &mut next, Some(output))?;
    *output = next;
    Ok(())
}

/// Puts back the secrets that were masked when the output was shown.
fn written_out(
    input: &StreamName,
    output: &mut OutputSpec,
    before: Option<&OutputSpec>,
) -> Result<(), Faults> {
    let with = |output: Option<&OutputSpec>| InputSpec {
        outputs: output.into_iter().cloned().collect(),
        ..InputSpec::new(input.clone())
    };
    let mut next = with(Some(output));
    keep_secrets(&mut next, &with(before))?;
    if let Some(next) = next.outputs.pop() {
        *output = next;
    }
    Ok(())
}

/// The outputs of an input as they are now.
fn views(scene: &Scene, input: &StreamName) -> Vec<OutputView> {
    let outputs = scene.stream(input).into_iter().flat_map(|it| &it.outputs);
    let declared = outputs.filter(|output| output.declared).cloned();
    declared.map(OutputView::from).collect()
}

async fn shown(
    app: &App,
    input: StreamName,
    output: OutputSpec,
) -> Result<Tagged<OutputView>, Problem> {
    let tag = Tag::of(&output);
    app.control.input(&input)?;
    let view = views(&*app.control.scene().await?, &input)
        .into_iter()
        .find(|view| view.name == output.name.as_str());
    // It was taken back by another request meanwhile.
    let gone = ControlError::UnknownOutput {
        input,
        output: output.name,
    };
    Ok(Tagged(tag, view.ok_or(gone)?))
}
