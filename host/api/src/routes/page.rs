//! The pages, as they were built in: the player, and the one that shows this API.

use super::table::{Need, Route, at};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;

/// Scripts, styles and media come from here only; hls.js feeds the video from memory and
/// works in a worker of its own making.
const POLICY: &str = "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; \
                      frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

const FILES: [(&str, &str, &str); 10] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../../ui/index.html"),
    ),
    (
        "/ui/page.css",
        "text/css; charset=utf-8",
        include_str!("../../ui/page.css"),
    ),
    (
        "/ui/page.js",
        "text/javascript; charset=utf-8",
        include_str!("../../ui/page.js"),
    ),
    (
        "/webrtc/{*name}",
        "text/html; charset=utf-8",
        include_str!("../../ui/webrtc.html"),
    ),
    (
        "/ui/webrtc.js",
        "text/javascript; charset=utf-8",
        include_str!("../../ui/webrtc.js"),
    ),
    (
        "/ui/icon.svg",
        "image/svg+xml",
        include_str!("../../ui/icon.svg"),
    ),
    (
        "/ui/hls.min.js",
        "text/javascript; charset=utf-8",
        include_str!("../../ui/vendor/hls.min.js"),
    ),
    (
        "/api/docs",
        "text/html; charset=utf-8",
        include_str!("../../ui/docs.html"),
    ),
    (
        "/ui/docs.css",
        "text/css; charset=utf-8",
        include_str!("../../ui/docs.css"),
    ),
    (
        "/ui/docs.js",
        "text/javascript; charset=utf-8",
        include_str!("../../ui/docs.js"),
    ),
];

/// The pages' files and their paths.
pub(crate) fn table() -> impl Iterator<Item = Route> {
    FILES
        .into_iter()
        .map(|(path, kind, text)| at(path).get(Need::Nothing, async move || file(kind, text)))
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let fixed = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    let headers = [
        fixed(header::CONTENT_TYPE, kind),
        // They change with the program: ask, so that a new one shows at once.
        fixed(header::CACHE_CONTROL, "no-cache"),
        fixed(header::CONTENT_SECURITY_POLICY, POLICY),
        fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text)
}
