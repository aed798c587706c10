//! Resumable uploads: tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) with its extensions
//! creation, creation-with-upload, termination, expiration and checksum.

mod headers;
mod receive;

pub(crate) use receive::settle;

use crate::error::Error;
use crate::http::{header_of, path_of};
use crate::name::Naming;
use crate::shelf::blocking;
use crate::uploads::{Fate, Note, Upload};
use crate::videos::{Inner, Videos};
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use headers::{EXPIRES, LENGTH, METADATA, OFFSET, Told};
use std::sync::Arc;
use std::time::SystemTime;

/// Where uploads are.
pub(crate) const UPLOADS: &str = "/api/v1/uploads";

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const VERSION: HeaderName = HeaderName::from_static("tus-version");
const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const ALGORITHMS: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

const SPOKEN: HeaderValue = HeaderValue::from_static("1.0.0");

/// What both kinds of requests with media are.
const MEDIA: &str = "application/offset+octet-stream";

/// `/api/v1/uploads`
pub(crate) async fn collection(
    State(videos): State<Videos>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answered = match (method, check(&headers)) {
        (Method::OPTIONS, _) => Ok(abilities(&videos)),
        (Method::POST, Ok(())) => create(&videos, &headers, body).await,
        (Method::POST, Err(error)) => Err(error),
        _ => Err(Error::Method("POST, OPTIONS")),
    };
    finish(answered)
}

/// `/api/v1/uploads/{id}`
pub(crate) async fn item(
    State(videos): State<Videos>,
    id: Result<Path<String>, PathRejection>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if method == Method::OPTIONS {
        return finish(Ok(abilities(&videos)));
    }
    let told = headers.get(OVERRIDE).filter(|_| method == Method::POST);
    let told = told.and_then(|told| Method::from_bytes(told.as_bytes()).ok());
    let answered = match check(&headers) {
        Ok(()) => answer(&videos, id, told.unwrap_or(method), &headers, body).await,
        Err(error) => Err(error),
    };
    finish(answered)
}

async fn answer(
    videos: &Videos,
    id: Result<Path<String>, PathRejection>,
    method: Method,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    let Path(id) = id.map_err(|fault| Error::BadRequest(fault.body_text()))?;
    let upload = videos.0.uploads.get(&id).ok_or(Error::UnknownUpload)?;
    match method {
        Method::HEAD => head(videos, &upload),
        Method::PATCH => patch(videos, &upload, headers, body).await,
        Method::DELETE => terminate(videos, &upload).await,
        _ => Err(Error::Method("HEAD, PATCH, DELETE, OPTIONS")),
    }
}

/// Every request but `OPTIONS` says which version it means ("Tus-Resumable").
fn check(headers: &HeaderMap) -> Result<(), Error> {
    match headers.get(RESUMABLE) {
        Some(version) if version == SPOKEN => Ok(()),
        _ => Err(Error::Version),
    }
}

fn finish(answered: Result<Response, Error>) -> Response {
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, SPOKEN);
    headers.insert(VERSION, SPOKEN);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn abilities(videos: &Videos) -> Response {
    const EXTENSIONS: &str = "creation,creation-with-upload,termination,expiration,checksum";
    let most = header_of(videos.0.settings.max_bytes.to_string());
    let headers = [
        (EXTENSION, HeaderValue::from_static(EXTENSIONS)),
        (ALGORITHMS, HeaderValue::from_static(headers::CHECKSUMS)),
        (MAX_SIZE, most),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// "Creation", with the first bytes in the body if they are there.
async fn create(videos: &Videos, headers: &HeaderMap, body: Body) -> Result<Response, Error> {
    let mut told = Told::of(headers)?;
    told.offset = Some(0);
    let with_upload = match headers.get(header::CONTENT_TYPE) {
        Some(kind) if kind == MEDIA => true,
        Some(_) if told.content_length != Some(0) => return Err(Error::ContentType(MEDIA)),
        _ => false,
    };
    let length = told.length.ok_or_else(|| {
        let detail = "Upload-Length is missing; the size of the file has to be known";
        Error::BadRequest(detail.to_owned())
    })?;
    if length == 0 {
        let detail = "a file without bytes is no video";
        return Err(Error::BadRequest(detail.to_owned()));
    }
    let metadata = told.metadata.take().unwrap_or_default();
    // What cannot become a video is not taken at all.
    naming(&videos.0, &metadata)?;
    let upload = videos.0.admit(Note { length, metadata }).await?;
    if let Err(error) = make(videos, &upload).await {
        forget(videos, &upload).await;
        return Err(error);
    }
    let mut response = match with_upload {
        true => {
            let received = receive::receive(videos, &upload, told, body).await;
            if received.is_err() {
                // Its id is never told, so nobody could go on with it.
                forget(videos, &upload).await;
            }
            received?
        }
        false => StatusCode::NO_CONTENT.into_response(),
    };
    *response.status_mut() = StatusCode::CREATED;
    let location = header_of(format!("{UPLOADS}/{}", upload.id));
    response.headers_mut().insert(header::LOCATION, location);
    Ok(with_progress(response, videos, &upload))
}

async fn make(videos: &Videos, upload: &Upload) -> Result<(), Error> {
    let note = serde_json::to_vec(&upload.note).unwrap_or_default();
    let (shelf, id) = (videos.0.shelf.clone(), upload.id.clone());
    let making = blocking(move || {
        shelf.create_upload(&id)?;
        shelf.write_note(&id, &note)
    });
    making
        .await
        .map_err(Error::io("cannot make the file of the upload"))
}

/// By the file name in the metadata.
fn naming(inner: &Inner, metadata: &str) -> Result<Naming, Error> {
    let names = headers::names(metadata)?;
    let name = names.file.ok_or_else(|| {
        let detail = "Upload-Metadata needs a filename, its value in base64";
        Error::BadRequest(detail.to_owned())
    })?;
    Naming::of(&name, names.title.as_deref(), &inner.settings)
}

fn head(videos: &Videos, upload: &Arc<Upload>) -> Result<Response, Error> {
    if let Fate::Refused(why) = upload.fate() {
        return Err(Error::Refused(why));
    }
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(LENGTH, header_of(upload.note.length.to_string()));
    headers.insert(METADATA, header_of(upload.note.metadata.clone()));
    Ok(with_progress(response, videos, upload))
}

async fn patch(
    videos: &Videos,
    upload: &Arc<Upload>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Error> {
    if headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind != MEDIA)
    {
        return Err(Error::ContentType(MEDIA));
    }
    let told = Told::of(headers)?;
    let response = receive::receive(videos, upload, told, body).await?;
    Ok(with_progress(response, videos, upload))
}

/// "Termination".
async fn terminate(videos: &Videos, upload: &Arc<Upload>) -> Result<Response, Error> {
    let _turn = upload.turn().await?;
    forget(videos, upload).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn forget(videos: &Videos, upload: &Upload) {
    videos.0.uploads.remove(&upload.id);
    videos.0.discard(&upload.id).await;
}

/// How far it is, when it expires, and once it is done, where the video is.
fn with_progress(mut response: Response, videos: &Videos, upload: &Upload) -> Response {
    let headers = response.headers_mut();
    headers.insert(OFFSET, header_of(upload.written().to_string()));
    match upload.fate() {
        Fate::Done(name) => {
            headers.insert(header::CONTENT_LOCATION, header_of(path_of(&name)));
        }
        _ => {
            let expires = SystemTime::now().checked_add(videos.0.settings.expires);
            let expires = expires.map(httpdate::fmt_http_date).unwrap_or_default();
            headers.insert(EXPIRES, header_of(expires));
        }
    }
    response
}
