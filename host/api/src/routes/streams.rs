//! Streams: read only. What is wanted of them is said by inputs and policies.

use crate::answers::List;
use crate::extract::{Named, Scoped};
use crate::problem::{Kind, Problem};
use crate::view::{StreamDetail, StreamView};
use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use control::ControlError;
use model::StreamName;
use serde::Serialize;
use stage::thumbnail::PosterError;
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

/// A picture of the stream: its newest key frame, made when it is asked for and good for some
/// seconds. Where the stream shows nothing any more, the last one.
#[utoipa::path(get, path = "/api/v1/streams/{name}/thumbnail.jpg", tag = "streams",
    params(("name" = String, Path, description = "The stream's name, slashes as they are", example = "live/cam1")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "image/jpeg"),
        (status = 409, description = "The stream shows nothing that a picture could be made of", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn thumbnail(
    Scoped(app): Scoped,
    Named(name): Named<StreamName>,
) -> Result<Response, Problem> {
    let poster = match app.control.poster(&name).await {
        Ok(poster) => poster,
        Err(PosterError::UnknownStream(name)) => {
            return Err(ControlError::UnknownStream(name).into());
        }
        Err(error) => return Err(Problem::new(Kind::Conflict, error.to_string())),
    };
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, poster.jpeg).into_response())
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
