//! Clients: the players that stand behind screens.

mod clock;

pub(crate) use clock::{__path_clock, clock};

use crate::extract::{Created, Json as Body, Named, Scoped};
use crate::problem::{Kind, Problem};
use crate::view::{ClientRegistered, ClientView};
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use control::clients::{MAX_NAME, Place};
use control::clock::unix_ms;
use model::{Label, StreamName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The clients.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Clients {
    /// By id.
    clients: Vec<ClientView>,
}

/// A client that comes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClient {
    /// What it calls itself, 1 to 100 characters. It takes the place of the client of that name in
    /// its group.
    #[schema(example = "tv-3", max_length = 100, min_length = 1)]
    name: Option<String>,
    /// Its group, with `screen`; without both it waits until it is put somewhere.
    #[schema(value_type = Option<String>, example = "lobby")]
    group: Option<StreamName>,
    /// Its screen.
    #[schema(value_type = Option<String>, example = "left")]
    screen: Option<Label>,
}

/// Where a client is to stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPlace {
    /// The group, with `screen`; without both it shows nothing.
    #[schema(value_type = Option<String>, example = "lobby")]
    group: Option<StreamName>,
    /// The screen.
    #[schema(value_type = Option<String>, example = "right")]
    screen: Option<Label>,
}

/// The clients that were heard of in the last ten minutes.
#[utoipa::path(get, path = "/api/v1/clients", tag = "walls", responses((status = 200, body = Clients)))]
pub(crate) async fn list(Scoped(app): Scoped) -> Json<Clients> {
    let clients = app.control.clients().into_iter();
    Json(Clients {
        clients: clients.map(ClientView::from).collect(),
    })
}

/// Takes a client in. With the token it opens its line, `GET /api/v1/clients/{id}/clock`. It is not
/// kept over a restart of the host: a client whose line is refused registers again.
#[utoipa::path(post, path = "/api/v1/clients", tag = "walls",
    request_body = NewClient,
    responses(
        (status = 201, body = ClientRegistered, headers(("Location" = String))),
        (status = 404, description = "No such group or screen", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn register(
    Scoped(app): Scoped,
    headers: HeaderMap,
    Body(body): Body<NewClient>,
) -> Result<Created<Json<ClientRegistered>>, Problem> {
    let length = body.name.as_ref().map(|name| name.chars().count());
    if length.is_some_and(|length| length == 0 || length > MAX_NAME) {
        let detail = format!("name: must have 1 to {MAX_NAME} characters");
        return Err(Problem::new(Kind::InvalidBody, detail));
    }
    let place = place(body.group, body.screen)?;
    let peer = app.control.who().peer;
    let registered = app.control.register_client(body.name, place, peer)?;
    let client = app.control.client(&registered.id)?;
    let (task, addresses) = (app.control.task_of(&client), app.addresses(&headers));
    let location = format!("/api/v1/clients/{}", registered.id);
    let answer = ClientRegistered::new(registered, task, unix_ms(), &addresses);
    Ok(Created(location, Json(answer)))
}

/// One client.
#[utoipa::path(get, path = "/api/v1/clients/{id}", tag = "walls",
    params(("id" = String, Path, description = "The client's id", example = "k3j5h2g1f9")),
    responses((status = 200, body = ClientView)))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(id): Named<String>,
) -> Result<Json<ClientView>, Problem> {
    Ok(Json(app.control.client(&id)?.into()))
}

/// Puts a client before another screen. It is told over its line, and goes on there.
#[utoipa::path(patch, path = "/api/v1/clients/{id}", tag = "walls",
    params(("id" = String, Path, description = "The client's id", example = "k3j5h2g1f9")),
    request_body = NewPlace,
    responses((status = 200, body = ClientView)))]
pub(crate) async fn change(
    Scoped(app): Scoped,
    Named(id): Named<String>,
    Body(body): Body<NewPlace>,
) -> Result<Json<ClientView>, Problem> {
    let place = place(body.group, body.screen)?;
    Ok(Json(app.control.move_client(&id, place)?.into()))
}

/// Forgets a client, and cuts its line.
#[utoipa::path(delete, path = "/api/v1/clients/{id}", tag = "walls",
    params(("id" = String, Path, description = "The client's id", example = "k3j5h2g1f9")),
    responses((status = 204, description = "It is gone")))]
pub(crate) async fn remove(
    Scoped(app): Scoped,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    app.control.remove_client(&id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Both, or neither.
fn place(group: Option<StreamName>, screen: Option<Label>) -> Result<Option<Place>, Problem> {
    let missing = |field: &str, other: &str| {
        let detail = format!("{field}: is missing beside {other}");
        Err(Problem::new(Kind::InvalidBody, detail))
    };
    match (group, screen) {
        (Some(group), Some(screen)) => Ok(Some(Place { group, screen })),
        (None, None) => Ok(None),
        (None, Some(_)) => missing("group", "screen"),
        (Some(_), None) => missing("screen", "group"),
    }
}
