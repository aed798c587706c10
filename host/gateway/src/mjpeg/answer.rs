//! What is answered, other than pictures.

use super::intake::IntakeError;
use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use link::problem::Kind;
use media::jpeg::JpegError;
use media::multipart::MultipartError;
use model::{Refusal, StreamName};
use serde::Serialize;

/// Why a request came to nothing, as a problem document.
#[derive(Debug)]
pub(super) enum Problem {
    /// Turned away by the hub, or by a limit.
    Refused(Refusal),
    /// The body gives no pictures.
    Body(IntakeError),
    /// The request says that it is longer than anything that is taken.
    TooLarge {
        /// Bytes of a picture.
        limit: usize,
    },
    /// A picture that did not become whole.
    TooSlow,
    /// The connection ended within the body.
    Broken,
    /// Its only picture was above the rate.
    TooFast,
    /// The publisher was let go meanwhile.
    LetGo,
    /// There is a stream, and no picture of it.
    NoMedia(String),
    /// Not one of these.
    Method(&'static str),
}

/// The stream that a path names; it may have slashes.
pub(super) fn name_of(path: Result<Path<String>, PathRejection>) -> Result<StreamName, Refusal> {
    let Path(name) = path.map_err(|fault| Refusal::BadRequest(fault.to_string()))?;
    name.parse()
        .map_err(|fault: model::NameError| Refusal::BadRequest(fault.to_string()))
}

/// An answer that is no problem.
pub(super) fn json(body: &impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

impl Problem {
    fn kind(&self) -> Kind {
        match self {
            Self::Refused(refusal) => Kind::of(refusal),
            Self::Body(error) => malformed(error),
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::TooSlow => Kind::Timeout,
            Self::Broken => Kind::BadRequest,
            Self::TooFast => Kind::TooManyRequests,
            Self::LetGo => Kind::Conflict,
            Self::NoMedia(_) => Kind::NoMedia,
            Self::Method(_) => Kind::MethodNotAllowed,
        }
    }

    fn detail(&self) -> String {
        let detail = match self {
            Self::Refused(refusal) => return refusal.to_string(),
            Self::Body(error) => return error.to_string(),
            Self::TooLarge { limit } => return format!("a picture has at most {limit} bytes here"),
            Self::NoMedia(why) => return why.clone(),
            Self::Method(allowed) => return format!("this path takes {allowed}"),
            Self::TooSlow => "a picture was not whole in time; send smaller ones, or fewer",
            Self::Broken => "the connection ended within the body",
            Self::TooFast => "the picture was left out: they come faster than this host takes them",
            Self::LetGo => "the publisher was let go; it may come again",
        };
        detail.to_owned()
    }
}

fn malformed(error: &IntakeError) -> Kind {
    match error {
        IntakeError::Form(_) | IntakeError::Jpeg(JpegError::NotJpeg | JpegError::Coding { .. }) => {
            Kind::UnsupportedMedia
        }
        IntakeError::Multipart(MultipartError::PartTooLong { .. })
        | IntakeError::Jpeg(JpegError::TooLarge { .. } | JpegError::TooLong { .. }) => {
            Kind::TooLarge
        }
        _ => Kind::BadRequest,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind().answer(self.detail());
        if let Self::Method(allowed) = self {
            let allowed = HeaderValue::from_static(allowed);
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}
