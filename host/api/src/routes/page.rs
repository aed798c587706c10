//! The pages, as they were built in: the player, a screen of a wall, and the one that shows this API.

use super::table::{Need, Route, at};
use crate::app::App;
use crate::compat;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// Scripts, styles and media come from here only; hls.js feeds the video from memory and
/// works in a worker of its own making.
const POLICY: &str = "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; \
                      frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

const PLAYER: &str = include_str!("../../ui/index.html");

const FILES: [(&str, &str, &str); 12] = [
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
        "/screen/{*name}",
        "text/html; charset=utf-8",
        include_str!("../../ui/screen.html"),
    ),
    (
        "/ui/screen.css",
        "text/css; charset=utf-8",
        include_str!("../../ui/screen.css"),
    ),
    (
        "/ui/screen.js",
        "text/javascript; charset=utf-8",
        include_str!("../../ui/screen.js"),
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
    let files = FILES
        .into_iter()
        .map(|(path, kind, text)| at(path).get(Need::Nothing, async move || file(kind, text)));
    std::iter::once(at("/").get(Need::Nothing, front)).chain(files)
}

/// The player; to programs of the multi-screen streaming server, what there is.
async fn front(State(app): State<App>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    let accept = accept.unwrap_or_default();
    let is_program = accept.contains("application/json") && !accept.contains("text/html");
    match is_program && app.settings.compat.wall {
        true => Json(compat::wall::about()).into_response(),
        false => file("text/html; charset=utf-8", PLAYER).into_response(),
    }
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
