//! The routes of the multi-screen streaming server: groups of screens, display clients, and what is
//! shown on them over SRT.
//!
//! A group's id is its name. One that is made with a number of screens has screens `1`, `2`, ...; a
//! display that registers without naming one gets the first before which nobody stands. Each screen
//! plays `read:GROUP/SCREEN` of this host's SRT port.

use crate::app::App;
use crate::extract::{Json as Body, Named, Scoped};
use crate::fields;
use crate::problem::{Kind, Problem};
use crate::routes::table::{Need, Route, at};
use crate::view::{Addresses, GroupStatus};
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use control::clients::{Client, Place};
use control::{ControlError, Expect};
use model::Role::{Operator, Viewer};
use model::wall::{Direction, Playing, WallSource};
use model::{GroupSpec, Label, StreamName};
use serde::Deserialize;
use serde_json::{Value, json};

use Need::Own;

/// The label under which a name is kept that no group can have.
const NAME: &str = "name";

/// Screens of a group that is made without saying how many.
const SCREENS: usize = 2;

/// Every route but those of uploads and of Docker.
pub(super) fn table() -> [Route; 10] {
    [
        at("/api/clients/register").post(Own(Viewer), register),
        at("/api/clients/status").get(Own(Viewer), client_status),
        at("/api/clients/all").get(Own(Viewer), clients),
        at("/api/groups/create").post(Own(Operator), create),
        at("/api/groups/all").get(Own(Viewer), groups),
        at("/api/groups/{group_id}").delete(Own(Operator), remove),
        at("/api/streaming/start_split_screen_srt").post(Own(Operator), start_split),
        at("/api/streaming/start_multi_video_srt").post(Own(Operator), start_multi),
        at("/api/streaming/stop_group_stream").post(Own(Operator), stop),
        at("/api/streaming/all_streaming_statuses").get(Own(Viewer), statuses),
    ]
}

/// A display that comes. Other members were there and mean nothing here.
#[derive(Debug, Deserialize)]
struct ClientBody {
    #[serde(alias = "client_name", alias = "display_name", alias = "hostname")]
    name: Option<String>,
    #[serde(alias = "group_id")]
    group: Option<StreamName>,
    #[serde(alias = "screen_id", alias = "screen_number")]
    screen: Option<Value>,
}

/// A group to be made.
#[derive(Debug, Deserialize)]
struct GroupBody {
    name: Option<String>,
    #[serde(default)]
    orientation: Direction,
    #[serde(alias = "screens", alias = "num_screens")]
    screen_count: Option<usize>,
}

/// One video over all screens.
#[derive(Debug, Deserialize)]
struct SplitBody {
    group_id: StreamName,
    video_file: String,
    orientation: Option<Direction>,
}

/// Several videos beside each other.
#[derive(Debug, Deserialize)]
struct MultiBody {
    group_id: StreamName,
    video_files: Vec<String>,
    #[serde(default = "grid")]
    layout: Direction,
}

#[derive(Debug, Deserialize)]
struct StopBody {
    group_id: StreamName,
}

const fn grid() -> Direction {
    Direction::Grid
}

/// What `GET /` says to programs while these routes are served.
pub(crate) fn about() -> Value {
    let endpoints = table().into_iter().map(|route| {
        let methods = route.needs.iter().map(|(method, _)| method.as_str());
        json!({"path": route.path, "methods": methods.collect::<Vec<_>>()})
    });
    json!({
        "name": "pointsman",
        "version": env!("CARGO_PKG_VERSION"),
        "status": "running",
        "endpoints": endpoints.collect::<Vec<_>>(),
    })
}

async fn register(
    Scoped(app): Scoped,
    headers: HeaderMap,
    Body(body): Body<ClientBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let place = match body.group {
        Some(group) => Some(place(&app, group, body.screen)?),
        None => None,
    };
    let name = body.name.map(|name| name.chars().take(100).collect());
    let peer = app.control.who().peer;
    let registered = app.control.register_client(name, place, peer)?;
    let client = app.control.client(&registered.id)?;
    let mut told = client_json(&client, &app.addresses(&headers));
    told["status"] = json!("success");
    told["client_id"] = json!(registered.id);
    told["token"] = json!(registered.token);
    Ok((StatusCode::CREATED, Json(told)))
}

/// The screen it names, or the first before which nobody stands.
fn place(app: &App, group: StreamName, screen: Option<Value>) -> Result<Place, Problem> {
    let spec = app.control.group(&group)?;
    let named = screen.map(|screen| match screen {
        Value::String(screen) => screen,
        other => other.to_string(),
    });
    if let Some(named) = named {
        let bad = |error: &dyn std::fmt::Display| {
            Problem::new(Kind::InvalidBody, format!("screen: {error}"))
        };
        let screen: Label = named.parse().map_err(|error| bad(&error))?;
        return Ok(Place { group, screen });
    }
    let clients = app.control.clients();
    let is_free = |screen: &&Label| {
        let mut places = clients.iter().filter_map(|client| client.place.as_ref());
        !places.any(|place| place.group == group && place.screen == **screen)
    };
    let screens = spec.screens.iter().map(|screen| &screen.id);
    let free = screens.clone().find(is_free).or(screens.clone().next());
    let none = || Problem::new(Kind::Conflict, format!("group {group} has no screens"));
    let screen = free.cloned().ok_or_else(none)?;
    Ok(Place { group, screen })
}

async fn client_status(Scoped(app): Scoped, headers: HeaderMap) -> Json<Value> {
    let clients = app.control.clients();
    let active = clients.iter().filter(|client| !client.stale).count();
    Json(json!({
        "status": "success",
        "total_clients": clients.len(),
        "active_clients": active,
        "inactive_clients": clients.len() - active,
        "clients": clients_json(&clients, &app.addresses(&headers)),
    }))
}

async fn clients(Scoped(app): Scoped, headers: HeaderMap) -> Json<Value> {
    let clients = app.control.clients();
    Json(json!({
        "status": "success",
        "count": clients.len(),
        "clients": clients_json(&clients, &app.addresses(&headers)),
    }))
}

async fn create(
    Scoped(app): Scoped,
    headers: HeaderMap,
    Body(body): Body<GroupBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let missing = || Problem::new(Kind::InvalidBody, "name: is missing");
    let given = body.name.ok_or_else(missing)?;
    let name = super::slug(&given);
    let screens = 1..=body.screen_count.unwrap_or(SCREENS).min(1_000);
    let screens: Vec<_> = screens.map(|at| json!({ "id": at.to_string() })).collect();
    let mut group = fields::group(json!({"name": name, "screens": screens}))?;
    group.direction = body.orientation;
    if name != given {
        group.labels.insert(NAME.to_owned(), given);
    }
    let group = app.control.add_group(group).await?;
    let shown = group_json(&app, &group, &headers).await?;
    let told = json!({"status": "success", "group_id": group.name, "group": shown});
    Ok((StatusCode::CREATED, Json(told)))
}

async fn groups(Scoped(app): Scoped, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    let mut shown = Vec::new();
    for group in app.control.groups() {
        shown.push(group_json(&app, &group, &headers).await?);
    }
    Ok(Json(
        json!({"status": "success", "count": shown.len(), "groups": shown}),
    ))
}

async fn remove(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
) -> Result<Json<Value>, Problem> {
    let told = format!("group {name} is deleted");
    app.control.remove_group(name, Expect::Anything).await?;
    Ok(Json(json!({"status": "success", "message": told})))
}

async fn start_split(
    Scoped(app): Scoped,
    headers: HeaderMap,
    Body(body): Body<SplitBody>,
) -> Result<Json<Value>, Problem> {
    let source = WallSource::File {
        path: body.video_file,
    };
    let fit = model::wall::Fit::Stretch;
    let playing = Playing::Split { source, fit };
    started(&app, &headers, body.group_id, playing, body.orientation).await
}

async fn start_multi(
    Scoped(app): Scoped,
    headers: HeaderMap,
    Body(body): Body<MultiBody>,
) -> Result<Json<Value>, Problem> {
    let sources = body.video_files.into_iter();
    let sources = sources.map(|path| WallSource::File { path }).collect();
    let layout = body.layout;
    let playing = Playing::Multi { sources, layout };
    started(&app, &headers, body.group_id, playing, None).await
}

async fn started(
    app: &App,
    headers: &HeaderMap,
    name: StreamName,
    playing: Playing,
    direction: Option<Direction>,
) -> Result<Json<Value>, Problem> {
    let play = move |group: &mut GroupSpec| {
        group.playing = Some(playing);
        group.direction = direction.unwrap_or(group.direction);
        Ok::<_, ControlError>(())
    };
    let group = app.control.edit_group(name, Expect::Anything, play).await?;
    let addresses = app.addresses(headers);
    let urls: Vec<_> = group
        .screens
        .iter()
        .map(|it| url(&addresses, &group, &it.id))
        .collect();
    Ok(Json(json!({
        "status": "success",
        "message": format!("group {} plays", group.name),
        "group_id": group.name,
        "stream_urls": urls,
        "screens": screens_json(&group, &addresses),
    })))
}

async fn stop(Scoped(app): Scoped, Body(body): Body<StopBody>) -> Result<Json<Value>, Problem> {
    let group = app.control.play(body.group_id, None).await?;
    let told = format!("group {} plays nothing", group.name);
    Ok(Json(
        json!({"status": "success", "message": told, "group_id": group.name}),
    ))
}

async fn statuses(Scoped(app): Scoped, headers: HeaderMap) -> Result<Json<Value>, Problem> {
    let mut statuses = serde_json::Map::new();
    for group in app.control.groups() {
        let shown = group_json(&app, &group, &headers).await?;
        statuses.insert(group.name.to_string(), shown);
    }
    Ok(Json(
        json!({"status": "success", "streaming_statuses": statuses}),
    ))
}

async fn group_json(app: &App, group: &GroupSpec, headers: &HeaderMap) -> Result<Value, Problem> {
    let (scene, addresses) = (app.control.scene().await?, app.addresses(headers));
    let mut clients = app.control.clients();
    clients.retain(|it| it.place.as_ref().is_some_and(|it| it.group == group.name));
    let status = GroupStatus::new(group, &scene, &clients);
    let (mode, layout) = match &group.playing {
        Some(Playing::Split { .. }) => (Some("split"), Some(group.direction)),
        Some(Playing::Multi { layout, .. }) => (Some("multi"), Some(*layout)),
        None => (None, None),
    };
    let sources = group.playing.iter().flat_map(Playing::sources);
    let files: Vec<_> = sources
        .map(|source| match source {
            WallSource::File { path } => path.as_str(),
            WallSource::Stream { name } => name.as_str(),
        })
        .collect();
    Ok(json!({
        "id": group.name,
        "group_id": group.name,
        "name": group.labels.get(NAME).map_or(group.name.as_str(), String::as_str),
        "orientation": group.direction,
        "screen_count": group.screens.len(),
        "screens": screens_json(group, &addresses),
        "state": status.state(),
        "streaming": group.playing.is_some(),
        "mode": mode,
        "layout": layout,
        "video_file": files.first(),
        "video_files": files,
        "clients": clients_json(&clients, &addresses),
    }))
}

fn screens_json(group: &GroupSpec, addresses: &Addresses) -> Value {
    let screens = group.screens.iter().map(|screen| {
        json!({
            "id": screen.id,
            "width": screen.width,
            "height": screen.height,
            "stream_url": url(addresses, group, &screen.id),
        })
    });
    screens.collect()
}

fn clients_json(clients: &[Client], addresses: &Addresses) -> Value {
    let clients = clients.iter();
    clients
        .map(|client| client_json(client, addresses))
        .collect()
}

fn client_json(client: &Client, addresses: &Addresses) -> Value {
    let place = client.place.as_ref();
    let url = place.and_then(|place| {
        let group = GroupSpec::new(place.group.clone());
        url(addresses, &group, &place.screen)
    });
    json!({
        "id": client.id,
        "client_id": client.id,
        "name": client.name,
        "group_id": place.map(|place| &place.group),
        "screen": place.map(|place| &place.screen),
        "ip_address": client.peer,
        "status": if client.stale { "inactive" } else { "active" },
        "state": client.report.state,
        "last_seen_seconds": client.silent_ms as f64 / 1000.0,
        "stream_url": url,
    })
}

/// Where a screen's part is read over SRT, if this host listens for that.
fn url(addresses: &Addresses, group: &GroupSpec, screen: &Label) -> Option<String> {
    let stream = group.stream_of(screen).ok()?;
    addresses.of(&stream, None).remove("srt")
}
