//! What requests are answered with: sessions, problems, and the headers that pages of other sites
//! need.

use super::negotiate::OfferError;
use super::sessions::Full;
use super::trickle::FragmentError;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use link::problem::Kind;
use model::Refusal;

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

/// Why there is no session, as a problem document.
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

impl Problem {
    const fn kind(&self) -> Kind {
        match self {
            Self::Refused(refusal) => Kind::of(refusal),
            Self::Offer(OfferError::Unacceptable(_)) | Self::NothingToShow => Kind::NotAcceptable,
            Self::Offer(OfferError::NoRandom) => Kind::Internal,
            Self::Offer(OfferError::Malformed(_)) | Self::Fragment(_) => Kind::BadRequest,
            Self::NoSession => Kind::NotFound,
            Self::ContentType(_) => Kind::UnsupportedMedia,
            Self::TooLong(_) => Kind::TooLarge,
            Self::NoMedia => Kind::NoMedia,
            Self::NoTag => Kind::PreconditionRequired,
            Self::OtherTag => Kind::PreconditionFailed,
            Self::Restart => Kind::Unprocessable,
            Self::Method => Kind::MethodNotAllowed,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind();
        let mut response = kind.answer(self.to_string());
        let headers = response.headers_mut();
        match kind {
            Kind::MethodNotAllowed => headers.insert(header::ALLOW, METHODS),
            // RFC 9725 §4.5: a bearer token.
            Kind::Unauthorized => {
                let challenge = HeaderValue::from_static("Bearer realm=\"pointsman\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge)
            }
            _ => None,
        };
        response
    }
}
