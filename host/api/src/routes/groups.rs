//! Groups of screens, and what they show.

use crate::app::App;
use crate::extract::{Created, IfMatch, Json as Body, Named, OfInput, Scoped, Tagged};
use crate::fields;
use crate::problem::Problem;
use crate::view::{GroupStatus, GroupView, ScreenView};
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use control::desired::Faults;
use control::{ControlError, Tag};
use model::{GroupSpec, Label, ScreenSpec, StreamName};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The groups.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Groups {
    /// In the order they were declared.
    groups: Vec<GroupView>,
}

/// The screens of a group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Screens {
    /// In their order.
    screens: Vec<ScreenView>,
}

/// The groups with their screens.
#[utoipa::path(get, path = "/api/v1/groups", tag = "walls", responses((status = 200, body = Groups)))]
pub(crate) async fn list(Scoped(app): Scoped, headers: HeaderMap) -> Json<Groups> {
    let addresses = app.addresses(&headers);
    let groups = app.control.groups().into_iter();
    Json(Groups {
        groups: groups
            .map(|group| GroupView::new(group, &addresses))
            .collect(),
    })
}

/// Declares a group. The stream of a screen is `GROUP/SCREEN`, so no input may have that name.
#[utoipa::path(post, path = "/api/v1/groups", tag = "walls",
    request_body(content = Object, example = json!({
        "name": "lobby",
        "screens": [
            {"id": "left", "bezel": {"left": 12, "right": 12}},
            {"id": "right", "bezel": {"left": 12, "right": 12}, "rotation": 180}
        ],
        "delay_ms": 1000
    })),
    responses(
        (status = 201, body = GroupView, headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "There is one of that name", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(
    Scoped(app): Scoped,
    headers: HeaderMap,
    Body(body): Body<Value>,
) -> Result<Created<Tagged<GroupView>>, Problem> {
    let spec = app.control.add_group(fields::group(body)?).await?;
    let location = format!("/api/v1/groups/{}", segment(&spec.name));
    Ok(Created(location, shown(&app, spec, &headers)))
}

/// One group.
#[utoipa::path(get, path = "/api/v1/groups/{name}", tag = "walls",
    params(("name" = String, Path, description = "The group's name; slashes as %2F", example = "lobby")),
    responses((status = 200, body = GroupView, headers(("ETag" = String)))))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    headers: HeaderMap,
) -> Result<Tagged<GroupView>, Problem> {
    Ok(shown(&app, app.control.group(&name)?, &headers))
}

/// Changes a group by a JSON merge patch (RFC 7396); lists are replaced whole. Players of screens
/// that stay do not reconnect.
#[utoipa::path(patch, path = "/api/v1/groups/{name}", tag = "walls",
    params(
        ("name" = String, Path, description = "The group's name", example = "lobby"),
        ("If-Match" = Option<String>, Header, description = "Change it only while it has this ETag"),
    ),
    request_body(content = Object, example = json!({"delay_ms": 1500})),
    responses((status = 200, body = GroupView, headers(("ETag" = String)))))]
pub(crate) async fn change(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    IfMatch(expect): IfMatch,
    headers: HeaderMap,
    Body(patch): Body<Value>,
) -> Result<Tagged<GroupView>, Problem> {
    let changed = app.control.edit_group(name, expect, |group| {
        patched(group, patch).map_err(ControlError::Invalid)
    });
    Ok(shown(&app, changed.await?, &headers))
}

/// Takes a group back with its screens and their streams.
#[utoipa::path(delete, path = "/api/v1/groups/{name}", tag = "walls",
    params(
        ("name" = String, Path, description = "The group's name", example = "lobby"),
        ("If-Match" = Option<String>, Header, description = "Take it back only while it has this ETag"),
    ),
    responses((status = 204, description = "It is gone")))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode, Problem> {
    app.control.remove_group(name, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows something on a group in place of what it shows: one picture over all screens (`split`), or
/// several beside each other (`multi`). Players go on without reconnecting.
#[utoipa::path(post, path = "/api/v1/groups/{name}/play", tag = "walls",
    params(("name" = String, Path, description = "The group's name", example = "lobby")),
    request_body(content = Object, example = json!({
        "mode": "multi",
        "sources": [{"type": "stream", "name": "live/cam1"}, {"type": "file", "path": "shows/last.ts"}],
        "layout": "grid"
    })),
    responses((status = 200, body = GroupView, headers(("ETag" = String)))))]
pub(crate) async fn play(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    headers: HeaderMap,
    Body(body): Body<Value>,
) -> Result<Tagged<GroupView>, Problem> {
    let playing = fields::playing(name.as_str(), body)?;
    let spec = app.control.play(name, Some(playing)).await?;
    Ok(shown(&app, spec, &headers))
}

/// Shows nothing on a group any more.
#[utoipa::path(post, path = "/api/v1/groups/{name}/stop", tag = "walls",
    params(("name" = String, Path, description = "The group's name", example = "lobby")),
    responses((status = 200, body = GroupView, headers(("ETag" = String)))))]
pub(crate) async fn stop(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    headers: HeaderMap,
) -> Result<Tagged<GroupView>, Problem> {
    let spec = app.control.play(name, None).await?;
    Ok(shown(&app, spec, &headers))
}

/// How a group fares: what each screen shows, and who shows it.
#[utoipa::path(get, path = "/api/v1/groups/{name}/status", tag = "walls",
    params(("name" = String, Path, description = "The group's name", example = "lobby")),
    responses((status = 200, body = GroupStatus)))]
pub(crate) async fn status(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
) -> Result<Json<GroupStatus>, Problem> {
    let group = app.control.group(&name)?;
    let scene = app.control.scene().await?;
    let clients = app.control.clients();
    Ok(Json(GroupStatus::new(&group, &scene, &clients)))
}

/// The screens of a group.
#[utoipa::path(get, path = "/api/v1/groups/{name}/screens", tag = "walls",
    params(("name" = String, Path, description = "The group's name", example = "lobby")),
    responses((status = 200, body = Screens)))]
pub(crate) async fn screens(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    headers: HeaderMap,
) -> Result<Json<Screens>, Problem> {
    let (group, addresses) = (app.control.group(&name)?, app.addresses(&headers));
    let screens = group.screens.iter().map(|screen| {
        let stream = group.stream_of(&screen.id).ok();
        ScreenView::new(screen.clone(), stream, &addresses)
    });
    Ok(Json(Screens {
        screens: screens.collect(),
    }))
}

/// Adds a screen to a group, behind those there are.
#[utoipa::path(post, path = "/api/v1/groups/{name}/screens", tag = "walls",
    params(("name" = String, Path, description = "The group's name", example = "lobby")),
    request_body(content = Object, example = json!({"id": "top", "width": 1920, "height": 1080})),
    responses(
        (status = 201, body = ScreenView, headers(("Location" = String), ("ETag" = String))),
        (status = 409, description = "It has a screen of that id", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add_screen(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    headers: HeaderMap,
    Body(body): Body<Value>,
) -> Result<Created<Tagged<ScreenView>>, Problem> {
    let spec = fields::screen(name.as_str(), body)?;
    let spec = app.control.add_screen(name.clone(), spec).await?;
    let location = format!("/api/v1/groups/{}/screens/{}", segment(&name), spec.id);
    Ok(Created(location, screen_shown(&app, &name, spec, &headers)))
}

/// One screen.
#[utoipa::path(get, path = "/api/v1/groups/{name}/screens/{screen}", tag = "walls",
    params(
        ("name" = String, Path, description = "The group's name", example = "lobby"),
        ("screen" = String, Path, description = "The screen's id", example = "left"),
    ),
    responses((status = 200, body = ScreenView, headers(("ETag" = String)))))]
pub(crate) async fn screen(
    Scoped(app): Scoped,
    OfInput(name, id): OfInput<Label>,
    headers: HeaderMap,
) -> Result<Tagged<ScreenView>, Problem> {
    let spec = app.control.screen(&name, &id)?;
    Ok(screen_shown(&app, &name, spec, &headers))
}

/// Changes a screen by a JSON merge patch (RFC 7396).
#[utoipa::path(patch, path = "/api/v1/groups/{name}/screens/{screen}", tag = "walls",
    params(
        ("name" = String, Path, description = "The group's name", example = "lobby"),
        ("screen" = String, Path, description = "The screen's id", example = "left"),
        ("If-Match" = Option<String>, Header, description = "Change it only while it has this ETag"),
    ),
    request_body(content = Object, example = json!({"rotation": 90})),
    responses((status = 200, body = ScreenView, headers(("ETag" = String)))))]
pub(crate) async fn change_screen(
    Scoped(app): Scoped,
    OfInput(name, id): OfInput<Label>,
    IfMatch(expect): IfMatch,
    headers: HeaderMap,
    Body(patch): Body<Value>,
) -> Result<Tagged<ScreenView>, Problem> {
    let group = name.clone();
    let change = move |screen: &mut ScreenSpec| {
        patched_screen(group.as_str(), screen, patch).map_err(ControlError::Invalid)
    };
    let changed = app.control.edit_screen(name.clone(), id, expect, change);
    Ok(screen_shown(&app, &name, changed.await?, &headers))
}

/// Takes a screen back; the others share the picture.
#[utoipa::path(delete, path = "/api/v1/groups/{name}/screens/{screen}", tag = "walls",
    params(
        ("name" = String, Path, description = "The group's name", example = "lobby"),
        ("screen" = String, Path, description = "The screen's id", example = "left"),
        ("If-Match" = Option<String>, Header, description = "Take it back only while it has this ETag"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 422, description = "It is the last one, and something is shown", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn remove_screen(
    Scoped(app): Scoped,
    OfInput(name, id): OfInput<Label>,
    IfMatch(expect): IfMatch,
) -> Result<StatusCode, Problem> {
    app.control.remove_screen(name, id, expect).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn patched(group: &mut GroupSpec, patch: Value) -> Result<(), Faults> {
    // The nouns of the model always have a JSON form.
    let mut document = serde_json::to_value(&*group).unwrap_or_default();
    fields::merge_patch(&mut document, patch);
    let next = fields::group(document)?;
    if next.name != group.name {
        return Err(fields::fixed(&format!("group {}", group.name), "name"));
    }
    *group = next;
    Ok(())
}

fn patched_screen(of: &str, screen: &mut ScreenSpec, patch: Value) -> Result<(), Faults> {
    let mut document = serde_json::to_value(&*screen).unwrap_or_default();
    fields::merge_patch(&mut document, patch);
    let next = fields::screen(of, document)?;
    if next.id != screen.id {
        let item = format!("group {of}");
        return Err(fields::fixed(&item, &format!("screens[{}].id", screen.id)));
    }
    *screen = next;
    Ok(())
}

fn shown(app: &App, spec: GroupSpec, headers: &HeaderMap) -> Tagged<GroupView> {
    let tag = Tag::of(&spec);
    Tagged(tag, GroupView::new(spec, &app.addresses(headers)))
}

fn screen_shown(
    app: &App,
    group: &StreamName,
    spec: ScreenSpec,
    headers: &HeaderMap,
) -> Tagged<ScreenView> {
    let tag = Tag::of(&spec);
    let stream = GroupSpec::new(group.clone()).stream_of(&spec.id).ok();
    Tagged(tag, ScreenView::new(spec, stream, &app.addresses(headers)))
}

fn segment(name: &StreamName) -> String {
    name.as_str().replace('/', "%2F")
}
