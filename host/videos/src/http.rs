//! The routes.

use crate::error::Error;
use crate::tus;
use crate::videos::Videos;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// Where videos are.
const VIDEOS: &str = "/api/v1/videos";

/// Videos on a page, unless the query says otherwise.
const DEFAULT_LIMIT: usize = 1_000;

/// And at most.
const MAX_LIMIT: usize = 10_000;

/// What stays as it is in a part of a path (RFC 3986 §2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Which videos.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Only those whose names come after.
    after: Option<String>,
    /// How many at most.
    limit: Option<usize>,
}

/// Everything under `/api/v1/videos` and `/api/v1/uploads`. Who may is judged before.
pub fn router(videos: &Videos) -> Router {
    Router::new()
        .route(VIDEOS, get(list).post(upload).fallback(not_in_list))
        .route(
            "/api/v1/videos/{name}",
            get(one).delete(delete).fallback(not_of_one),
        )
        .route(
            "/api/v1/videos/{name}/thumbnail.jpg",
            get(thumbnail).fallback(not_of_picture),
        )
        .route(tus::UPLOADS, any(tus::collection))
        .route("/api/v1/uploads/{id}", any(tus::item))
        // Each upload has bounds of its own.
        .layer(DefaultBodyLimit::disable())
        .with_state(videos.clone())
}

/// Where a video is; slashes in its name are written `%2F`.
pub(crate) fn path_of(name: &str) -> String {
    format!("{VIDEOS}/{}", utf8_percent_encode(name, UNRESERVED))
}

async fn not_in_list() -> Error {
    Error::Method("GET, HEAD, POST")
}

async fn not_of_one() -> Error {
    Error::Method("GET, HEAD, DELETE")
}

async fn not_of_picture() -> Error {
    Error::Method("GET, HEAD")
}

async fn list(
    State(videos): State<Videos>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Error> {
    let Query(wanted) = wanted.map_err(|fault| Error::BadRequest(fault.body_text()))?;
    let limit = wanted.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let detail = format!("limit has to be 1 to {MAX_LIMIT}");
        return Err(Error::BadRequest(detail));
    }
    Ok(Json(videos.page(wanted.after.as_deref(), limit)).into_response())
}

async fn one(
    State(videos): State<Videos>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Error> {
    let name = name_of(name)?;
    match videos.get(&name) {
        Some(video) => Ok(Json(video).into_response()),
        None => Err(Error::UnknownVideo(name)),
    }
}

async fn delete(
    State(videos): State<Videos>,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Error> {
    videos.delete(&name_of(name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn upload(State(videos): State<Videos>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let video = videos.receive(&parts.headers, body).await?;
    let location = header_of(path_of(&video.name));
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(video),
    )
        .into_response())
}

async fn thumbnail(
    State(videos): State<Videos>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let picture = videos.thumbnail(&name_of(name)?).await?;
    let tag = format!("\"{}\"", picture.tag);
    let known = headers.get_all(header::IF_NONE_MATCH).iter();
    let known = known.filter_map(|known| known.to_str().ok());
    let fresh = known
        .flat_map(|known| known.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*");
    let cached: [(HeaderName, HeaderValue); 2] = [
        (header::ETAG, header_of(tag)),
        // Whoever may not see it any more shall not find it; others ask whether it changed.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        ),
    ];
    if fresh {
        return Ok((StatusCode::NOT_MODIFIED, cached).into_response());
    }
    let jpeg = [(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"))];
    Ok((cached, jpeg, picture.jpeg).into_response())
}

fn name_of(path: Result<Path<String>, PathRejection>) -> Result<String, Error> {
    let Path(name) = path.map_err(|fault| Error::BadRequest(fault.body_text()))?;
    Ok(name)
}

/// Of what is known to be plain ASCII.
pub(crate) fn header_of(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
