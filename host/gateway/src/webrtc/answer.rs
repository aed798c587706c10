//! What requests are answered with: sessions, problems, and the headers that pages of other sites
//! need.

use super::negotiate::OfferError;
use super::sessions::Full;
use super::trickle::FragmentError;
use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Refusal;
use serde::Serialize;

/// What an offer and an answer are (RFC 4566 §8.2.1).
pub(super) const SDP: &str = "application/sdp";

/// What a `PATCH` carries (RFC 8840 §9).
pub(super) const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

const METHODS: HeaderValue = HeaderValue::from_static("POST, PATCH, DELETE, OPTIONS");

/// Named one by one: a star does not stand for `Authorization` (Fetch Standard).
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, If-Match");

const SHOWN_HEADERS: HeaderValue = HeaderValue::from_static("Location, ETag, Link, Accept-Patch");

/// A new session (RFC 9725 §4.2).
pub(super) struct Created {
    /// The path of its resource.
    pub(super) location: String,
    /// Of its ICE session, with its quotes.
    pub(super) tag: String,
    /// The SDP.
    pub(super) answer: String,
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, self.answer).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
        headers.insert(
            HeaderName::from_static("accept-patch"),
            HeaderValue::from_static(FRAGMENT),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in [(header::LOCATION, self.location), (header::ETAG, self.tag)] {
            // Made of our own letters.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// The answer to a preflight request (Fetch Standard), and to who asks what an endpoint takes
/// (RFC 9725 §4.6).
pub(super) fn preflight() -> Response {
    let accepted = [
        (HeaderName::from_static("accept-post"), SDP),
        (HeaderName::from_static("accept-patch"), FRAGMENT),
    ];
    (StatusCode::NO_CONTENT, accepted).into_response()
}

/// Any page may publish and watch: nothing here depends on cookies.
pub(super) fn allow_every_origin(headers: &mut HeaderMap) {
    let every = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, every);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN_HEADERS);
    let day = HeaderValue::from_static("86400");
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, day);
}

/// Why there is no session, as a problem document (RFC 9457) whose `type` the API explains.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    /// Turned away by the hub.
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Offer(#[from] OfferError),
    #[error(transparent)]
    Fragment(#[from] FragmentError),
    /// No session has this address, any more or ever.
    #[error("no WebRTC session has this address; it may have ended")]
    NoSession,
    /// The body is another kind of thing.
    #[error("the body has to be {0}, said in Content-Type")]
    ContentType(&'static str),
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
    #[error("the stream has neither H.264 nor sound; WebRTC carries nothing else here")]
    NothingToShow,
    #[error("no media came in time: is a source connected?")]
    NoMedia,
    /// RFC 9725 §4.3.1: the session's ETag has to be named.
    #[error("name the session's ETag in If-Match")]
    NoTag,
    #[error("If-Match names another ICE session than this one")]
    OtherTag,
    #[error("this host does not restart ICE; make a new session")]
    Restart,
    #[error("sessions begin with POST and end with DELETE; PATCH adds candidates")]
    Method,
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        let Full { what, limit } = full;
        Self::Refused(Refusal::Overloaded { what, limit })
    }
}

#[derive(Serialize)]
struct Document {
    #[serde(rename = "type")]
    type_uri: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    const fn kind(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Refused(refusal) => refused(refusal),
            Self::Offer(OfferError::Unacceptable(_)) | Self::NothingToShow => (
                406,
                "/problems/not-acceptable",
                "There is nothing that both sides can",
            ),
            Self::Offer(OfferError::NoRandom) => {
                (500, "/problems/internal", "This host has a problem")
            }
            Self::NoSession => (404, "/problems/not-found", "No resource has this path"),
            Self::ContentType(_) => (
                415,
                "/problems/unsupported-media-type",
                "The body is of another type",
            ),
            Self::TooLong(_) => (413, "/problems/too-large", "The body is too large"),
            Self::NoMedia => (
                503,
                "/problems/no-media",
                "The stream has no media to show yet",
            ),
            Self::NoTag => (
                428,
                "/problems/precondition-required",
                "The request needs a condition",
            ),
            Self::OtherTag => (
                412,
                "/problems/precondition-failed",
                "The condition of the request does not hold",
            ),
            Self::Restart => (
                422,
                "/problems/unprocessable",
                "The request cannot be carried out",
            ),
            Self::Method => (
                405,
                "/problems/method-not-allowed",
                "The resource does not take this method",
            ),
            Self::Offer(OfferError::Malformed(_)) | Self::Fragment(_) => (
                400,
                "/problems/bad-request",
                "The request cannot be understood",
            ),
        }
    }
}

const fn refused(refusal: &Refusal) -> (u16, &'static str, &'static str) {
    match refusal {
        Refusal::UnknownStream(_) => (404, "/problems/unknown-stream", "No stream has this name"),
        Refusal::Conflict { .. } => (409, "/problems/conflict", "The stream is taken"),
        Refusal::Unauthorized => (401, "/problems/unauthorized", "Who asks has to be known"),
        Refusal::Forbidden | Refusal::CutOff(_) => {
            (403, "/problems/forbidden", "The policy does not allow it")
        }
        Refusal::NotServed { .. } => (
            403,
            "/problems/not-served",
            "The stream is not served over this protocol",
        ),
        Refusal::Overloaded { .. } => (
            503,
            "/problems/overloaded",
            "A limit of this host is reached",
        ),
        Refusal::Stopping => (503, "/problems/stopping", "This host is shutting down"),
        _ => (
            400,
            "/problems/bad-request",
            "The request cannot be understood",
        ),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, type_uri, title) = self.kind();
        let detail = self.to_string();
        let document = Document {
            type_uri,
            title,
            status,
            detail,
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let (name, value) = match status {
            StatusCode::METHOD_NOT_ALLOWED => (header::ALLOW, METHODS),
            // RFC 9725 §4.5: a bearer token.
            StatusCode::UNAUTHORIZED => (
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"pointsman\""),
            ),
            StatusCode::SERVICE_UNAVAILABLE => (header::RETRY_AFTER, HeaderValue::from_static("2")),
            _ => return response,
        };
        headers.insert(name, value);
        response
    }
}
