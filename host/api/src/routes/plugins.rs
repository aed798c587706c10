//! Plugins: installed, replaced and rolled back while streams flow.

use crate::app::App;
use crate::extract::{Json as Body, Named, Raw, Scoped};
use crate::problem::{Kind, Problem};
use crate::view::{PluginInstalled, PluginLogs, PluginView};
use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::Label;
use plugin::Origin;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The installed plugins.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plugins {
    /// By name.
    plugins: Vec<PluginView>,
}

/// The installed plugins and their figures.
#[utoipa::path(get, path = "/api/v1/plugins", tag = "plugins", responses((status = 200, body = Plugins)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Plugins> {
    let installed = app.control.plugins().into_iter();
    let plugins = installed.filter_map(|plugin| {
        let name = plugin.name.clone();
        view(&app, &name, Some(plugin))
    });
    Json(Plugins {
        plugins: plugins.collect(),
    })
}

/// One plugin: where it stands, its figures, versions, and the schema of its configuration.
#[utoipa::path(get, path = "/api/v1/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout")),
    responses((status = 200, body = PluginView)))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Json<PluginView>, Problem> {
    let mut installed = app.control.plugins().into_iter();
    let found = installed.find(|plugin| plugin.name == name);
    view(&app, &name, found)
        .map(Json)
        .ok_or_else(|| unknown(&name))
}

fn view(app: &App, name: &Label, installed: Option<plugin::PluginView>) -> Option<PluginView> {
    let (step, trouble) = (
        app.control.installing(name.as_str()),
        app.control.trouble(name.as_str()),
    );
    PluginView::new(name.as_str(), installed, step, trouble)
}

fn unknown(name: &Label) -> Problem {
    Problem::new(Kind::UnknownPlugin, format!("no plugin is named {name}"))
}

/// The last lines that a plugin wrote; the host's own log has them all.
#[utoipa::path(get, path = "/api/v1/plugins/{name}/logs", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout")),
    responses((status = 200, body = PluginLogs)))]
pub(crate) async fn logs(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Json<PluginLogs>, Problem> {
    let lines = app.control.plugin_log(name.as_str());
    let lines = lines.ok_or_else(|| unknown(&name))?;
    Ok(Json(PluginLogs { lines }))
}

/// What the component has to be.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Announced {
    /// SHA-256 of the component, hexadecimal: it is refused if it has another.
    sha256: Option<String>,
}

/// Installs a component, or replaces the one of that name while streams flow.
///
/// The body is the component. It is verified, compiled and tried off the data path, makes logged
/// decisions again, and is then switched to between two calls; if anything is wrong with it,
/// what ran before goes on. The answer comes after the switch and tells how it decides
/// otherwise; `GET /api/v1/plugins/{name}` shows the step meanwhile, `/api/v1/events` each one.
#[utoipa::path(put, path = "/api/v1/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout"), Announced,
        ("Signature" = Option<String>, Header, description = "Text of its minisign signature file in base64; needed once keys are trusted")),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "A WebAssembly component"),
    responses(
        (status = 200, description = "Active", body = PluginInstalled),
        (status = 422, description = "Not a plugin that can run here; `code` and `detail` say why", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn install(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
    announced: Result<Query<Announced>, QueryRejection>,
    headers: HeaderMap,
    Raw(component): Raw,
) -> Result<Json<PluginInstalled>, Problem> {
    let Query(Announced { sha256 }) =
        announced.map_err(|fault| Problem::new(Kind::BadRequest, fault.body_text()))?;
    let signature = signature(&headers)?;
    let origin = Origin { sha256, signature };
    let bytes = component.as_ref();
    let installed = app.control.install_plugin(name, bytes, origin).await?;
    Ok(Json(installed.into()))
}

/// The text of the signature file; a header cannot carry its lines.
fn signature(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(header) = headers.get("signature") else {
        return Ok(None);
    };
    let decoded = BASE64_STANDARD.decode(header.as_bytes()).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    let odd = "the Signature header is not base64 of a minisign signature file";
    let text = text.ok_or_else(|| Problem::new(Kind::BadRequest, odd))?;
    Ok(Some(text))
}

/// Where a component is to be fetched from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FetchBody {
    /// At a place that `[plugins] install_from` allows.
    #[schema(example = "https://plugins.example.org/fanout-1.2.0.wasm")]
    url: String,
    /// SHA-256 of the component, hexadecimal: it is refused if it has another.
    sha256: Option<String>,
    /// Text of its minisign signature file; needed once keys are trusted.
    signature: Option<String>,
}

/// Fetches a component from where the operator allows it, and installs it as
/// `PUT /api/v1/plugins/{name}` does.
#[utoipa::path(post, path = "/api/v1/plugins/{name}/install", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout")),
    request_body = FetchBody,
    responses(
        (status = 200, description = "Active", body = PluginInstalled),
        (status = 403, description = "Components may not be fetched from there", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Not a URL, or not a plugin that can run here", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "It cannot be fetched", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn fetch(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
    Body(body): Body<FetchBody>,
) -> Result<Json<PluginInstalled>, Problem> {
    let FetchBody {
        url,
        sha256,
        signature,
    } = body;
    let origin = Origin { sha256, signature };
    let limit = app.settings.max_plugin_bytes;
    let installed = app
        .control
        .install_plugin_from(name, &url, origin, limit)
        .await?;
    Ok(Json(installed.into()))
}

/// Removes a plugin with all its versions. Refused while a policy is bound to it.
#[utoipa::path(delete, path = "/api/v1/plugins/{name}", tag = "plugins",
    params(("name" = String, Path, description = "The plugin's name", example = "fanout")),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "A policy is bound to it", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
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
        (status = 409, description = "Nothing earlier is kept", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn roll_back(
    Scoped(app): Scoped,
    Named(name): Named<Label>,
) -> Result<Json<PluginInstalled>, Problem> {
    Ok(Json(app.control.rollback_plugin(name).await?.into()))
}
