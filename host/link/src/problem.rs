//! Problem documents (RFC 9457): why a request over HTTP came to nothing.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Refusal;
use serde::Serialize;

/// Seconds after which what is missing now may be there.
const RETRY_AFTER_S: u16 = 2;

/// Of the resumable upload protocol (tus 1.0.0, "Checksum"); no status of HTTP's own.
pub const CHECKSUM_MISMATCH: StatusCode = match StatusCode::from_u16(460) {
    Ok(status) => status,
    Err(_) => StatusCode::BAD_REQUEST,
};

/// What kind of problem it is; clients tell them apart by their `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It cannot be understood.
    BadRequest,
    /// Who asks has to be known.
    Unauthorized,
    /// It is not allowed.
    Forbidden,
    /// The stream is there, but not over this protocol.
    NotServed,
    /// No such stream.
    UnknownStream,
    /// No such path.
    NotFound,
    /// The path is there, the method is not.
    MethodNotAllowed,
    /// There is nothing that both sides can.
    NotAcceptable,
    /// It took too long.
    Timeout,
    /// It stands against the present state.
    Conflict,
    /// Its condition does not hold.
    PreconditionFailed,
    /// The body is too large.
    TooLarge,
    /// This kind of media is not taken.
    UnsupportedMedia,
    /// It cannot be carried out.
    Unprocessable,
    /// It needs a condition.
    PreconditionRequired,
    /// One client asks too often.
    TooManyRequests,
    /// A fault of this host.
    Internal,
    /// There is nothing to show yet.
    NoMedia,
    /// A limit of this host is reached.
    Overloaded,
    /// This host is shutting down.
    Stopping,
    /// No such video.
    UnknownVideo,
    /// No such upload, or none any more.
    UnknownUpload,
    /// A file is no video that can be shown.
    VideoRefused,
    /// The bytes are not those that were sent.
    ChecksumMismatch,
    /// The disk is too full.
    NoSpace,
}

/// As RFC 9457 §3.1 has it.
#[derive(Serialize)]
struct Document {
    #[serde(rename = "type")]
    type_uri: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Kind {
    /// Of those whom the hub turns away.
    pub const fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::UnknownStream(_) => Self::UnknownStream,
            Refusal::Conflict { .. } => Self::Conflict,
            Refusal::Unauthorized => Self::Unauthorized,
            Refusal::Forbidden | Refusal::CutOff(_) => Self::Forbidden,
            Refusal::NotServed { .. } => Self::NotServed,
            Refusal::Overloaded { .. } => Self::Overloaded,
            Refusal::Stopping => Self::Stopping,
            _ => Self::BadRequest,
        }
    }

    /// The answer that says so, and in `detail` what is wrong this time.
    pub fn answer(self, detail: String) -> Response {
        let (status, type_uri, title) = self.words();
        let document = Document {
            type_uri,
            title,
            status: status.as_u16(),
            detail,
        };
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.may_pass() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        if self == Self::Unauthorized {
            // FFmpeg and VLC send the user and password of a URL only when asked to.
            let challenge = HeaderValue::from_static("Basic realm=\"pointsman\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// Streams come, and so do their segments.
    const fn may_pass(self) -> bool {
        matches!(
            self,
            Self::UnknownStream
                | Self::NotFound
                | Self::TooManyRequests
                | Self::NoMedia
                | Self::Overloaded
                | Self::Stopping
        )
    }

    const fn words(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => (
                StatusCode::BAD_REQUEST,
                "/problems/bad-request",
                "The request cannot be understood",
            ),
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "/problems/unauthorized",
                "Who asks has to be known",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "/problems/forbidden",
                "It is not allowed",
            ),
            Self::NotServed => (
                StatusCode::FORBIDDEN,
                "/problems/not-served",
                "The stream is not served over this protocol",
            ),
            Self::UnknownStream => (
                StatusCode::NOT_FOUND,
                "/problems/unknown-stream",
                "No stream has this name",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "/problems/not-found",
                "No resource has this path",
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "/problems/method-not-allowed",
                "The resource does not take this method",
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "/problems/not-acceptable",
                "There is nothing that both sides can",
            ),
            Self::Timeout => (
                StatusCode::REQUEST_TIMEOUT,
                "/problems/timeout",
                "The request took too long",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "/problems/conflict",
                "The request stands against the present state",
            ),
            Self::PreconditionFailed => (
                StatusCode::PRECONDITION_FAILED,
                "/problems/precondition-failed",
                "The condition of the request does not hold",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "/problems/too-large",
                "The body is too large",
            ),
            Self::UnsupportedMedia => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "/problems/unsupported-media",
                "This kind of media is not taken",
            ),
            Self::Unprocessable => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "/problems/unprocessable",
                "The request cannot be carried out",
            ),
            Self::PreconditionRequired => (
                StatusCode::PRECONDITION_REQUIRED,
                "/problems/precondition-required",
                "The request needs a condition",
            ),
            Self::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "/problems/too-many-requests",
                "One client asks too often",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "/problems/internal",
                "A fault of this host",
            ),
            Self::NoMedia => (
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/no-media",
                "The stream has no media to show yet",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/overloaded",
                "A limit of this host is reached",
            ),
            Self::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/stopping",
                "This host is shutting down",
            ),
            Self::UnknownVideo => (
                StatusCode::NOT_FOUND,
                "/problems/unknown-video",
                "No video has this name",
            ),
            Self::UnknownUpload => (
                StatusCode::NOT_FOUND,
                "/problems/unknown-upload",
                "No upload has this id",
            ),
            Self::VideoRefused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "/problems/video-refused",
                "The file is no video that can be shown",
            ),
            Self::ChecksumMismatch => (
                CHECKSUM_MISMATCH,
                "/problems/checksum-mismatch",
                "The bytes are not those that were sent",
            ),
            Self::NoSpace => (
                StatusCode::INSUFFICIENT_STORAGE,
                "/problems/no-space",
                "The disk is too full",
            ),
        }
    }
}
