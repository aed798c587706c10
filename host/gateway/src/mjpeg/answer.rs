//! What is answered, other than pictures.

use super::intake::IntakeError;
use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use media::jpeg::JpegError;
use media::multipart::MultipartError;
use model::{Refusal, StreamName};
use serde::Serialize;

/// Seconds after which an absent stream, or a full host, may be asked again.
const RETRY_AFTER_S: u16 = 2;

/// Why a request came to nothing, as a problem document (RFC 9457) whose `type` the API explains.
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

#[derive(Serialize)]
struct Document {
    #[serde(rename = "type")]
    type_uri: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
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

const BAD: (&str, &str, u16) = (
    "/problems/bad-request",
    "The request cannot be understood",
    400,
);
const TOO_LARGE: (&str, &str, u16) = ("/problems/too-large", "The body is too large", 413);
const OVERLOADED: (&str, &str, u16) = (
    "/problems/overloaded",
    "A limit of this host is reached",
    503,
);

impl Problem {
    fn document(&self) -> Document {
        let ((type_uri, title, status), detail) = match self {
            Self::Refused(refusal) => (refused(refusal), refusal.to_string()),
            Self::Body(error) => (malformed(error), error.to_string()),
            Self::TooLarge { limit } => (
                TOO_LARGE,
                format!("a picture has at most {limit} bytes here"),
            ),
            Self::TooSlow => (
                ("/problems/timeout", "The request took too long", 408),
                "a picture was not whole in time; send smaller ones, or fewer".to_owned(),
            ),
            Self::Broken => (BAD, "the connection ended within the body".to_owned()),
            Self::TooFast => (
                ("/problems/too-many-requests", "Too many requests", 429),
                "the picture was left out: they come faster than this host takes them".to_owned(),
            ),
            Self::LetGo => (
                (
                    "/problems/conflict",
                    "The request stands against the present state",
                    409,
                ),
                "the publisher was let go; it may come again".to_owned(),
            ),
            Self::NoMedia(why) => (
                (
                    "/problems/no-media",
                    "The stream has no media to show yet",
                    503,
                ),
                why.clone(),
            ),
            Self::Method(allowed) => (
                (
                    "/problems/method-not-allowed",
                    "The resource does not take this method",
                    405,
                ),
                format!("this path takes {allowed}"),
            ),
        };
        Document {
            type_uri,
            title,
            status,
            detail,
        }
    }
}

fn malformed(error: &IntakeError) -> (&'static str, &'static str, u16) {
    match error {
        IntakeError::Form(_) | IntakeError::Jpeg(JpegError::NotJpeg | JpegError::Coding { .. }) => {
            (
                "/problems/unsupported-media",
                "This kind of media is not taken",
                415,
            )
        }
        IntakeError::Multipart(MultipartError::PartTooLong { .. })
        | IntakeError::Jpeg(JpegError::TooLarge { .. } | JpegError::TooLong { .. }) => TOO_LARGE,
        _ => BAD,
    }
}

fn refused(refusal: &Refusal) -> (&'static str, &'static str, u16) {
    match refusal {
        Refusal::UnknownStream(_) => ("/problems/unknown-stream", "No stream has this name", 404),
        Refusal::Conflict { .. } => (
            "/problems/conflict",
            "The request stands against the present state",
            409,
        ),
        Refusal::Unauthorized => ("/problems/unauthorized", "Who asks has to be known", 401),
        Refusal::Forbidden | Refusal::CutOff(_) => {
            ("/problems/forbidden", "The policy does not allow it", 403)
        }
        Refusal::NotServed { .. } => (
            "/problems/not-served",
            "The stream is not served over this protocol",
            403,
        ),
        Refusal::Overloaded { .. } => OVERLOADED,
        Refusal::Stopping => ("/problems/stopping", "This host is shutting down", 503),
        _ => BAD,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = self.document();
        let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::METHOD_NOT_ALLOWED => {
                if let Self::Method(allowed) = self {
                    headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
                }
            }
            StatusCode::UNAUTHORIZED => {
                let challenge = HeaderValue::from_static("Basic realm=\"pointsman\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            StatusCode::NOT_FOUND
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
            }
            _ => {}
        }
        response
    }
}
