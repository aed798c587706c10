//! Problem documents (RFC 9457): how every error leaves this crate.
//!
//! A problem's `type` is a path on this server, `/problems/SLUG`, which explains it to a
//! person. Slugs and statuses are a contract, pinned by a test; titles and details are not.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// The media type of a problem document (RFC 9457 §6.1).
pub const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What can go wrong, each with a slug and a status of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// No resource has this path.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is not JSON.
    MalformedJson,
    /// The body is JSON, but not what this resource takes.
    InvalidBody,
    /// The body is too large.
    TooLarge,
    /// A part of the path or of the query cannot be understood.
    BadRequest,
    /// The body or the work took too long.
    Timeout,
    /// The auth policy wants to know who asks.
    Unauthorized,
    /// The auth policy, or the configuration, does not allow it.
    Forbidden,
    /// A component could not be fetched.
    FetchFailed,
    /// No such stream.
    UnknownStream,
    /// No such declared input.
    UnknownInput,
    /// The stream is there, but not for this protocol.
    NotServed,
    /// The stream is there, but has nothing to show yet.
    NoMedia,
    /// A publisher sends what cannot be taken.
    UnsupportedMedia,
    /// A WebRTC offer and this host have nothing in common.
    NotAcceptable,
    /// A WebRTC session is changed without its tag.
    PreconditionRequired,
    /// A WebRTC session is changed by the tag of another.
    PreconditionFailed,
    /// A WebRTC session cannot be changed so.
    Unprocessable,
    /// No such plugin.
    UnknownPlugin,
    /// No such policy.
    UnknownPolicy,
    /// No such template.
    UnknownTemplate,
    /// No such group of screens.
    UnknownGroup,
    /// No such screen.
    UnknownScreen,
    /// No such client.
    UnknownClient,
    /// No such webhook.
    UnknownWebhook,
    /// No such key.
    UnknownKey,
    /// No such user.
    UnknownUser,
    /// No such tenant.
    UnknownTenant,
    /// The component is not a plugin that can run here.
    PluginInvalid,
    /// The wanted document is at fault.
    InvalidDocument,
    /// There is no earlier version to go back to.
    NothingToRollBack,
    /// What is asked stands against what is.
    Conflict,
    /// Somebody else changed the resource.
    ChangedMeanwhile,
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
    /// A change cannot be kept over a restart.
    NotKept,
    /// Sent by a page of another site.
    CrossSite,
    /// A host name that is not this machine's.
    ForeignHost,
    /// A limit of this host is reached.
    Overloaded,
    /// One client asks too often.
    TooManyRequests,
    /// This host is shutting down.
    Stopping,
    /// A fault of this host.
    Internal,
}

impl Kind {
    /// Every kind, for the pages under `/problems/` and for the test that pins them.
    pub const ALL: &'static [Self] = &[
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::MalformedJson,
        Self::InvalidBody,
        Self::TooLarge,
        Self::BadRequest,
        Self::Timeout,
        Self::Unauthorized,
        Self::Forbidden,
        Self::FetchFailed,
        Self::UnknownStream,
        Self::UnknownInput,
        Self::NotServed,
        Self::NoMedia,
        Self::UnsupportedMedia,
        Self::NotAcceptable,
        Self::PreconditionRequired,
        Self::PreconditionFailed,
        Self::Unprocessable,
        Self::UnknownPlugin,
        Self::UnknownPolicy,
        Self::UnknownTemplate,
        Self::UnknownGroup,
        Self::UnknownScreen,
        Self::UnknownClient,
        Self::UnknownWebhook,
        Self::UnknownKey,
        Self::UnknownUser,
        Self::UnknownTenant,
        Self::PluginInvalid,
        Self::InvalidDocument,
        Self::NothingToRollBack,
        Self::Conflict,
        Self::ChangedMeanwhile,
        Self::UnknownVideo,
        Self::UnknownUpload,
        Self::VideoRefused,
        Self::ChecksumMismatch,
        Self::NoSpace,
        Self::NotKept,
        Self::CrossSite,
        Self::ForeignHost,
        Self::Overloaded,
        Self::TooManyRequests,
        Self::Stopping,
        Self::Internal,
    ];

    /// The `type` of the problem: a path on this server.
    pub const fn type_uri(self) -> &'static str {
        match self {
            Self::NotFound => "/problems/not-found",
            Self::MethodNotAllowed => "/problems/method-not-allowed",
            Self::MalformedJson => "/problems/malformed-json",
            Self::InvalidBody => "/problems/invalid-body",
            Self::TooLarge => "/problems/too-large",
            Self::BadRequest => "/problems/bad-request",
            Self::Timeout => "/problems/timeout",
            Self::Unauthorized => "/problems/unauthorized",
            Self::Forbidden => "/problems/forbidden",
            Self::FetchFailed => "/problems/fetch-failed",
            Self::UnknownStream => "/problems/unknown-stream",
            Self::UnknownInput => "/problems/unknown-input",
            Self::NotServed => "/problems/not-served",
            Self::NoMedia => "/problems/no-media",
            Self::UnsupportedMedia => "/problems/unsupported-media",
            Self::NotAcceptable => "/problems/not-acceptable",
            Self::PreconditionRequired => "/problems/precondition-required",
            Self::PreconditionFailed => "/problems/precondition-failed",
            Self::Unprocessable => "/problems/unprocessable",
            Self::UnknownPlugin => "/problems/unknown-plugin",
            Self::UnknownPolicy => "/problems/unknown-policy",
            Self::UnknownTemplate => "/problems/unknown-template",
            Self::UnknownGroup => "/problems/unknown-group",
            Self::UnknownScreen => "/problems/unknown-screen",
            Self::UnknownClient => "/problems/unknown-client",
            Self::UnknownWebhook => "/problems/unknown-webhook",
            Self::UnknownKey => "/problems/unknown-key",
            Self::UnknownUser => "/problems/unknown-user",
            Self::UnknownTenant => "/problems/unknown-tenant",
            Self::PluginInvalid => "/problems/plugin-invalid",
            Self::InvalidDocument => "/problems/invalid-document",
            Self::NothingToRollBack => "/problems/nothing-to-roll-back",
            Self::Conflict => "/problems/conflict",
            Self::ChangedMeanwhile => "/problems/changed-meanwhile",
            Self::UnknownVideo => "/problems/unknown-video",
            Self::UnknownUpload => "/problems/unknown-upload",
            Self::VideoRefused => "/problems/video-refused",
            Self::ChecksumMismatch => "/problems/checksum-mismatch",
            Self::NoSpace => "/problems/no-space",
            Self::NotKept => "/problems/not-kept",
            Self::CrossSite => "/problems/cross-site",
            Self::ForeignHost => "/problems/foreign-host",
            Self::Overloaded => "/problems/overloaded",
            Self::TooManyRequests => "/problems/too-many-requests",
            Self::Stopping => "/problems/stopping",
            Self::Internal => "/problems/internal",
        }
    }

    /// The end of the `type`.
    pub fn slug(self) -> &'static str {
        self.type_uri().rsplit('/').next().unwrap_or_default()
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::MalformedJson | Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossSite | Self::ForeignHost | Self::NotServed => {
                StatusCode::FORBIDDEN
            }
            Self::FetchFailed => StatusCode::BAD_GATEWAY,
            Self::NotFound
            | Self::UnknownStream
            | Self::UnknownInput
            | Self::UnknownPlugin
            | Self::UnknownPolicy
            | Self::UnknownTemplate
            | Self::UnknownGroup
            | Self::UnknownScreen
            | Self::UnknownClient
            | Self::UnknownWebhook
            | Self::UnknownKey
            | Self::UnknownUser
            | Self::UnknownTenant
            | Self::UnknownVideo
            | Self::UnknownUpload => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::NothingToRollBack => StatusCode::CONFLICT,
            Self::ChangedMeanwhile | Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidBody
            | Self::PluginInvalid
            | Self::InvalidDocument
            | Self::VideoRefused
            | Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ChecksumMismatch => link::problem::CHECKSUM_MISMATCH,
            Self::NoSpace => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Overloaded | Self::Stopping | Self::NoMedia | Self::NotKept => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The same few words for every occurrence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotFound => "No resource has this path",
            Self::MethodNotAllowed => "The resource does not take this method",
            Self::MalformedJson => "The body is not JSON",
            Self::InvalidBody => "The body is not what this resource takes",
            Self::TooLarge => "The body is too large",
            Self::BadRequest => "The request cannot be understood",
            Self::Timeout => "The request took too long",
            Self::Unauthorized => "Who asks has to be known",
            Self::Forbidden => "It is not allowed",
            Self::FetchFailed => "The component could not be fetched",
            Self::UnknownStream => "No stream has this name",
            Self::UnknownInput => "No input has this name",
            Self::NotServed => "The stream is not served over this protocol",
            Self::NoMedia => "The stream has no media to show yet",
            Self::UnsupportedMedia => "This kind of media is not taken",
            Self::NotAcceptable => "There is nothing that both sides can",
            Self::PreconditionRequired => "The request needs a condition",
            Self::PreconditionFailed => "The condition of the request does not hold",
            Self::Unprocessable => "The request cannot be carried out",
            Self::UnknownPlugin => "No plugin has this name",
            Self::UnknownPolicy => "No such policy is bound",
            Self::UnknownTemplate => "No such template",
            Self::UnknownGroup => "No group has this name",
            Self::UnknownScreen => "The group has no such screen",
            Self::UnknownClient => "No client has this id",
            Self::UnknownWebhook => "No such webhook",
            Self::UnknownKey => "No key has this id or name",
            Self::UnknownUser => "No user has this name",
            Self::UnknownTenant => "No tenant has this name",
            Self::PluginInvalid => "The component cannot run as a plugin",
            Self::InvalidDocument => "What is wanted is at fault",
            Self::NothingToRollBack => "There is no earlier version",
            Self::Conflict => "The request stands against the present state",
            Self::ChangedMeanwhile => "Somebody else changed it",
            Self::UnknownVideo => "No video has this name",
            Self::UnknownUpload => "No upload has this id",
            Self::VideoRefused => "The file is no video that can be shown",
            Self::ChecksumMismatch => "The bytes are not those that were sent",
            Self::NoSpace => "The disk is too full",
            Self::NotKept => "The change cannot be kept",
            Self::CrossSite => "Changes are not taken from other sites",
            Self::ForeignHost => "Changes are taken under a local host name only",
            Self::Overloaded => "A limit of this host is reached",
            Self::TooManyRequests => "One client asks too often",
            Self::Stopping => "This host is shutting down",
            Self::Internal => "A fault of this host",
        }
    }

    /// What to do about it; the page a person sees at the `type`.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::NotFound => "See /api/openapi.json for the paths there are.",
            Self::MethodNotAllowed => "The Allow header of the answer names the methods there are.",
            Self::MalformedJson => "Mend the body at the line and column named.",
            Self::InvalidBody => {
                "Mend the member named; /api/openapi.json has the schema. Unknown members are refused, \
                 so that a misspelt one does not pass unseen."
            }
            Self::TooLarge => "Send less; the detail names the limit.",
            Self::BadRequest => "The detail names the part at fault.",
            Self::Timeout => "Send the whole request without pauses, and try again.",
            Self::Unauthorized => {
                "Show a key of this host (Authorization: Bearer pm_..., or X-API-Key), or log in at \
                 POST /api/v1/session. `pointsman key add` makes one. For media, show what the auth \
                 policy of the stream wants to see."
            }
            Self::Forbidden => {
                "The detail says which role it takes, or that the auth policy or the configuration of \
                 this host says no; GET /api/v1/decisions?kind=auth tells its operator why."
            }
            Self::FetchFailed => {
                "The detail says what the other side answered. Nothing was installed."
            }
            Self::UnknownStream => {
                "Start its publisher or declare it as an input; GET /api/v1/streams lists those there are."
            }
            Self::UnknownInput => "GET /api/v1/inputs lists those there are.",
            Self::NotServed => {
                "The routing plan says over which protocols viewers may take a stream; \
                 GET /api/v1/streams/{name} shows it under `watch`."
            }
            Self::NoMedia => {
                "Is a source connected, and has its video key frames? GET /api/v1/streams/{name} tells."
            }
            Self::UnsupportedMedia => "The detail names what is taken.",
            Self::NotAcceptable => {
                "Offer H.264 or Opus; the detail says what was missing, and \
                 GET /api/v1/streams/{name} what the stream carries."
            }
            Self::PreconditionRequired => {
                "Send the ETag of the session's answer as If-Match (RFC 9725 §4.3.1)."
            }
            Self::PreconditionFailed => "The ICE session is another by now; begin a new one.",
            Self::Unprocessable => "End the session by DELETE and begin a new one.",
            Self::UnknownPlugin => {
                "Install it with PUT /api/v1/plugins/{name}; GET /api/v1/plugins lists those there are."
            }
            Self::UnknownPolicy => "GET /api/v1/policies lists those there are.",
            Self::UnknownTemplate => "GET /api/v1/templates lists those there are.",
            Self::UnknownGroup => "GET /api/v1/groups lists those there are.",
            Self::UnknownScreen => "GET /api/v1/groups/{name} lists those there are.",
            Self::UnknownClient => {
                "GET /api/v1/clients lists those there are; a client that nobody knows registers again."
            }
            Self::UnknownWebhook => "GET /api/v1/webhooks lists those there are.",
            Self::UnknownKey => "GET /api/v1/keys lists those there are.",
            Self::UnknownUser => "GET /api/v1/users lists those there are.",
            Self::UnknownTenant => "GET /api/v1/tenants lists those there are.",
            Self::PluginInvalid => {
                "The one that ran before goes on. `pointsman plugin check FILE` says the same before you send it."
            }
            Self::InvalidDocument => {
                "Nothing of it was applied; the detail names each fault. The schema of a plugin's \
                 configuration is at GET /api/v1/plugins/{name}."
            }
            Self::NothingToRollBack => "Install the wanted version with PUT instead.",
            Self::Conflict => "The detail names what stands in the way.",
            Self::ChangedMeanwhile => {
                "Read it again: the ETag of the answer is the one to send as If-Match."
            }
            Self::UnknownVideo => {
                "GET /api/v1/videos lists those there are; a slash in a name is written %2F."
            }
            Self::UnknownUpload => {
                "Begin a new one with POST /api/v1/uploads: an unfinished one is kept for a time only."
            }
            Self::VideoRefused => {
                "The detail says what is wrong with it; `ffprobe FILE` on your machine says more."
            }
            Self::ChecksumMismatch => "Ask for the offset with HEAD and send from there on again.",
            Self::NoSpace => {
                "Delete videos, or give [media] dir more room; [videos] keep_free_bytes is always left free."
            }
            Self::NotKept => {
                "The database does not take it, so the change is not made; streams go on. The detail \
                 says what to do, and the same request works once that is done."
            }
            Self::CrossSite => {
                "The Origin of a request that changes something must be this server's own, or absent; \
                 under a session it shows the session's token as X-CSRF-Token."
            }
            Self::ForeignHost => {
                "This server listens on loopback: call it localhost, 127.0.0.1 or [::1]. \
                 This keeps web pages from reaching it through a name of their own (DNS rebinding)."
            }
            Self::Overloaded => "Try again later, or raise the limit named.",
            Self::TooManyRequests => {
                "Wait for as long as Retry-After says. Who asks often should take GET /api/v1/events \
                 instead. The limit is `[api] rate` in the configuration."
            }
            Self::Stopping => "Try again once it is back.",
            Self::Internal => "The log of the host says more.",
        }
    }
}

/// A field at fault.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// The input or policy.
    #[schema(example = "input live/cam1")]
    pub item: String,
    /// The field within it.
    #[schema(example = "outputs[archive].url")]
    pub field: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// A problem document.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/problems/unknown-stream", "title": "No stream has this name", "status": 404,
    "detail": "no stream is called live/cam9; start its publisher or declare it as an input"
}))]
pub struct Problem {
    /// A path on this server that explains this kind of problem; stable.
    #[serde(rename = "type")]
    type_uri: &'static str,
    /// The kind in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong here, and where.
    detail: String,
    /// Tells faults of one kind apart, for programs; stable.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// Every field at fault, if it is fields that are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    kind: Kind,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem of a kind; the detail says what was wrong, where, and what to do.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            type_uri: kind.type_uri(),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: detail.into(),
            code: None,
            errors: Vec::new(),
            kind,
            retry_after: None,
        }
    }

    /// Tells it apart from others of its kind.
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Names the fields at fault.
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Tells the client when to try again (`Retry-After`, whole seconds).
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// What was wrong.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        self.kind
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.kind.status(), self.retry_after);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(after) = retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(after.as_secs().max(1)),
            );
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_statuses_are_a_contract() {
        let pinned = [
            ("/problems/not-found", 404),
            ("/problems/method-not-allowed", 405),
            ("/problems/malformed-json", 400),
            ("/problems/invalid-body", 422),
            ("/problems/too-large", 413),
            ("/problems/bad-request", 400),
            ("/problems/timeout", 408),
            ("/problems/unauthorized", 401),
            ("/problems/forbidden", 403),
            ("/problems/fetch-failed", 502),
            ("/problems/unknown-stream", 404),
            ("/problems/unknown-input", 404),
            ("/problems/not-served", 403),
            ("/problems/no-media", 503),
            ("/problems/unsupported-media", 415),
            ("/problems/not-acceptable", 406),
            ("/problems/precondition-required", 428),
            ("/problems/precondition-failed", 412),
            ("/problems/unprocessable", 422),
            ("/problems/unknown-plugin", 404),
            ("/problems/unknown-policy", 404),
            ("/problems/unknown-template", 404),
            ("/problems/unknown-group", 404),
            ("/problems/unknown-screen", 404),
            ("/problems/unknown-client", 404),
            ("/problems/unknown-webhook", 404),
            ("/problems/unknown-key", 404),
            ("/problems/unknown-user", 404),
            ("/problems/unknown-tenant", 404),
            ("/problems/plugin-invalid", 422),
            ("/problems/invalid-document", 422),
            ("/problems/nothing-to-roll-back", 409),
            ("/problems/conflict", 409),
            ("/problems/changed-meanwhile", 412),
            ("/problems/unknown-video", 404),
            ("/problems/unknown-upload", 404),
            ("/problems/video-refused", 422),
            ("/problems/checksum-mismatch", 460),
            ("/problems/no-space", 507),
            ("/problems/not-kept", 503),
            ("/problems/cross-site", 403),
            ("/problems/foreign-host", 403),
            ("/problems/overloaded", 503),
            ("/problems/too-many-requests", 429),
            ("/problems/stopping", 503),
            ("/problems/internal", 500),
        ];
        let actual = Kind::ALL
            .iter()
            .map(|kind| (kind.type_uri(), kind.status().as_u16()));
        assert_eq!(actual.collect::<Vec<_>>(), pinned);
    }

    #[test]
    fn a_problem_is_sent_as_its_own_media_type_and_never_cached() {
        let problem = Problem::new(Kind::Overloaded, "full").retry_after(Duration::from_millis(1));
        let response = problem.into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
