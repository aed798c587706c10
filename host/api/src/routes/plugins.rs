//! Plugins: installed, replaced and rolled back while streams flow.

use crate::app::App;
use crate::extract::{Named, Raw};
use crate::problem::{Kind, Problem};
use crate::view::{PluginInstalled, PluginView};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::Label;
use serde::Serialize;
use utoipa::ToSchema;

/// The installed plugins.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plugins {
    /// By name.
    plugins: Vec<PluginView>,
}

/// The installed plugins and their figures.
#[utoipa::path(get, path = "/api/v1/plugins", tag = "plugins", responses((status = 200, body = Plugins)))]
pub(crate) async fn list(State(app): State<App>) -> Json<Plugins> {
    let plugins = app
        .control
        .plugins()
        .into_iter()
        .map(PluginView::from)
        .collect();
    Json(Plugins { plugins })
}

/// One plugin: its figures, versions, and the schema of its configuration.
#[utoipa::path(get, path = "/api/v1/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout")),
    responses(
        (status = 200, body = PluginView),
        (status = 404, description = "No such plugin", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn one(
    State(app): State<App>,
    Named(name): Named<Label>,
) -> Result<Json<PluginView>, Problem> {
    let found = app
        .control
        .plugins()
        .into_iter()
        .find(|plugin| plugin.name == name);
    let missing = || Problem::new(Kind::UnknownPlugin, format!("no plugin is named {name}"));
    found.map(|plugin| Json(plugin.into())).ok_or_else(missing)
}

/// Installs a component, or replaces the one of that name while streams flow.
///
/// The body is the component. It is compiled and tried off the data path, and then switched
/// to between two calls; if anything is wrong with it, what ran before goes on. The answer
/// comes after the switch.
#[utoipa::path(put, path = "/api/v1/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout")),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "A WebAssembly component"),
    responses(
        (status = 200, description = "Active", body = PluginInstalled),
        (status = 413, description = "Too large", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a plugin that can run here; `code` and `detail` say why", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn install(
    State(app): State<App>,
    Named(name): Named<Label>,
    Raw(component): Raw,
) -> Result<Json<PluginInstalled>, Problem> {
    let installed = app.control.install_plugin(name, component.as_ref()).await?;
    Ok(Json(installed.into()))
}

/// Removes a plugin with all its versions. Refused while a policy is bound to it.
#[utoipa::path(delete, path = "/api/v1/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "No such plugin", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "A policy is bound to it", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    State(app): State<App>,
    Named(name): Named<Label>,
) -> Result<StatusCode, Problem> {
    app.control.remove_plugin(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes back to the version that was active before; done again, further back.
#[utoipa::path(post, path = "/api/v1/plugins/{name}/rollback", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout")),
    responses(
        (status = 200, description = "The earlier version is active", body = PluginInstalled),
        (status = 404, description = "No such plugin", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Nothing earlier is kept", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn roll_back(
    State(app): State<App>,
    Named(name): Named<Label>,
) -> Result<Json<PluginInstalled>, Problem> {
    Ok(Json(app.control.rollback_plugin(name).await?.into()))
}
