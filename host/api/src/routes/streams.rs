//! Streams: read only. What is wanted of them is said by inputs and policies.

use crate::answers::List;
use crate::extract::{Named, Scoped};
use crate::problem::Problem;
use crate::view::{StreamDetail, StreamView};
use axum::Json;
use axum::http::HeaderMap;
use axum::response::Response;
use model::StreamName;
use serde::Serialize;
use utoipa::ToSchema;

/// All streams.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Streams {
    /// By name.
    streams: Vec<StreamView>,
}

/// All streams with live figures.
#[utoipa::path(get, path = "/api/v1/streams", tag = "streams", responses((status = 200, body = Streams)))]
pub(crate) async fn list(Scoped(app): Scoped, headers: HeaderMap) -> Result<Response, Problem> {
    let addresses = app.addresses(&headers);
    let scene = app.control.scene().await?;
    let list = List::Streams(addresses.host.clone());
    Ok(app.answers.of(&scene, list, |scene| {
        let streams = scene.streams().iter().cloned();
        let streams = streams.map(|stream| StreamView::new(stream, &addresses));
        Streams {
            streams: streams.collect(),
        }
    }))
}

/// One stream with live figures and its viewers.
#[utoipa::path(get, path = "/api/v1/streams/{name}", tag = "streams",
    params(("name" = String, Path, description = "The stream's name, slashes as they are", example = "live/cam1")),
    responses((status = 200, body = StreamDetail)))]
pub(crate) async fn one(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
    headers: HeaderMap,
) -> Result<Json<StreamDetail>, Problem> {
    let stream = app.control.stream(name).await?;
    Ok(Json(StreamDetail::new(stream, &app.addresses(&headers))))
}
