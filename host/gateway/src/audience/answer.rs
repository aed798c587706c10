//! What leaves over HTTP: playlists, segments and problems, each with the headers that
//! players and caches need.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use link::problem::Kind;
use model::Refusal;

/// A live playlist is old as soon as it is sent.
const PLAYLIST_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// A segment never changes, and no other ever gets its name.
const SEGMENT_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=3600, immutable");

/// RFC 8216 §4.
const PLAYLIST_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.apple.mpegurl");

/// RFC 3555; what RFC 8216 §3.2 segments go by.
const SEGMENT_TYPE: HeaderValue = HeaderValue::from_static("video/mp2t");

/// Whoever is no longer let in shall not find keys in a cache.
const KEY_CACHE: HeaderValue = HeaderValue::from_static("no-store");

/// Sixteen octets (RFC 8216 §4.3.2.4).
const KEY_TYPE: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A playlist.
pub(crate) fn playlist(body: Bytes) -> Response {
    fresh(body.into(), PLAYLIST_TYPE)
}

/// A playlist whose segments are asked for with the query it was asked for with itself.
pub(crate) fn with_query(playlist: Bytes, query: &str) -> Bytes {
    // Most are shared as they are, and not even looked at.
    if query.is_empty() {
        return playlist;
    }
    let Ok(text) = std::str::from_utf8(&playlist) else {
        return playlist;
    };
    let mut asked = String::with_capacity(text.len() + 16 * (query.len() + 1));
    for line in text.lines() {
        push_with_query(line, query, &mut asked);
        // Whatever is neither empty nor a tag or comment is a URI (RFC 8216 §4.1).
        if !line.is_empty() && !line.starts_with('#') {
            asked.push('?');
            asked.push_str(query);
        }
        asked.push('\n');
    }
    asked.into()
}

/// Tags name addresses too: renditions, initialization segments, parts.
fn push_with_query(line: &str, query: &str, out: &mut String) {
    let place = line.find("URI=\"").map(|at| at + 5);
    let end = place.and_then(|at| Some(at + line.get(at..)?.find('"')?));
    let Some((before, after)) = end.and_then(|end| line.split_at_checked(end)) else {
        return out.push_str(line);
    };
    out.push_str(before);
    out.push('?');
    // What a playlist is asked for beside who asks is not for what it names.
    out.push_str(query);
    out.push_str(after);
}

/// A key: nobody but the player is to keep it.
pub(crate) fn key(bytes: [u8; 16]) -> Response {
    let body = Bytes::copy_from_slice(&bytes);
    typed(body.into(), KEY_TYPE, KEY_CACHE)
}

/// A segment of a transport stream; its bytes are shared by every viewer.
pub(crate) fn segment(body: Bytes) -> Response {
    typed(body.into(), SEGMENT_TYPE, SEGMENT_CACHE)
}

/// A CMAF part or header.
pub(crate) fn media(body: Bytes, video: bool) -> Response {
    typed(body.into(), mp4_type(video), SEGMENT_CACHE)
}

/// A CMAF segment: its parts one after another, `bytes` together.
pub(crate) fn pieces(parts: Vec<Bytes>, bytes: usize, video: bool) -> Response {
    let parts = parts.into_iter().map(Ok::<_, std::convert::Infallible>);
    let body = Body::from_stream(futures_util::stream::iter(parts));
    let mut response = typed(body, mp4_type(video), SEGMENT_CACHE);
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    response
}

/// A segment in the making. It has its name for good, but whoever keeps it must have all of it.
pub(crate) fn growing(body: Body, video: bool) -> Response {
    typed(body, mp4_type(video), PLAYLIST_CACHE)
}

/// RFC 4337.
const fn mp4_type(video: bool) -> HeaderValue {
    HeaderValue::from_static(if video { "video/mp4" } else { "audio/mp4" })
}

/// Whatever is old as soon as it is sent.
pub(crate) fn fresh(body: Body, content_type: HeaderValue) -> Response {
    typed(body, content_type, PLAYLIST_CACHE)
}

fn typed(body: Body, content_type: HeaderValue, cache: HeaderValue) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::CACHE_CONTROL, cache);
    response
}

/// Answers a reader's request by its method, also what a browser asks beforehand (Fetch Standard,
/// CORS-preflight); `answer` is begun only for those that read.
pub(crate) async fn to_reader(
    method: &Method,
    answer: impl Future<Output = Result<Response, Problem>>,
) -> Response {
    let mut response = match *method {
        Method::GET | Method::HEAD => answer.await.unwrap_or_else(IntoResponse::into_response),
        Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
        _ => Problem::Method.into_response(),
    };
    allow_every_origin(response.headers_mut());
    response
}

/// Any page may play: nothing here depends on cookies.
fn allow_every_origin(headers: &mut HeaderMap) {
    let every = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, every.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, every.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, every);
    let methods = HeaderValue::from_static("GET, HEAD, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static("86400"),
    );
}

/// Why a request got no media, as a problem document.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Turned away by the hub.
    Refused(Refusal),
    /// Nothing of that name among the stream's files.
    NoSuchFile,
    /// The segment is no longer held, or not made yet.
    NoSuchSegment,
    /// The stream is there, but no segment came in time.
    NoMedia,
    /// Too many requests wait for their first segment.
    TooManyWaiting,
    /// A playlist was asked for in a way that makes no sense.
    Directive(String),
    /// It is encrypted over HLS, and what was asked for would be the same in the clear.
    Encrypted,
    /// Not GET, HEAD or OPTIONS.
    Method,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Problem {
    const fn kind(&self) -> Kind {
        match self {
            Self::Refused(refusal) => Kind::of(refusal),
            Self::NoSuchFile | Self::NoSuchSegment => Kind::NotFound,
            Self::NoMedia => Kind::NoMedia,
            Self::TooManyWaiting => Kind::Overloaded,
            Self::Directive(_) => Kind::BadRequest,
            Self::Encrypted => Kind::NotServed,
            Self::Method => Kind::MethodNotAllowed,
        }
    }

    fn detail(self) -> String {
        let detail = match self {
            Self::Refused(refusal) => return refusal.to_string(),
            Self::Directive(what) => return what,
            Self::NoSuchFile => {
                "under /hls/NAME/ there are index.m3u8, under /dash/NAME/ manifest.mpd, and the files they list; under /live/ NAME.mp4 and NAME.ts"
            }
            Self::NoSuchSegment => {
                "the segment is no longer held, or not made yet; the playlist lists those that are"
            }
            Self::NoMedia => {
                "no segment was completed in time: is a source connected, and has its video key frames?"
            }
            Self::TooManyWaiting => "too many viewers wait for streams that have no segment yet",
            Self::Encrypted => {
                "the stream is encrypted with AES-128, which only HLS carries: /hls/NAME/index.m3u8"
            }
            Self::Method => "streams are read with GET and HEAD",
        };
        detail.to_owned()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind();
        let mut response = kind.answer(self.detail());
        if kind == Kind::MethodNotAllowed {
            let allowed = HeaderValue::from_static("GET, HEAD, OPTIONS");
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_hands_its_query_on_to_its_segments_only() {
        let playlist = Bytes::from_static(b"#EXTM3U\n#EXTINF:2.0,\n7.ts\n\n#EXT-X-ENDLIST\n");
        assert_eq!(with_query(playlist.clone(), ""), playlist);
        assert_eq!(
            with_query(playlist, "token=a%20b&x"),
            "#EXTM3U\n#EXTINF:2.0,\n7.ts?token=a%20b&x\n\n#EXT-X-ENDLIST\n"
        );
    }

    #[test]
    fn who_shows_nothing_is_asked_to_and_who_shows_the_wrong_thing_is_not() {
        let answer = |refusal: Refusal| Problem::from(refusal).into_response();
        let unknown = answer(Refusal::Unauthorized);
        assert_eq!(unknown.status(), 401);
        assert!(unknown.headers().contains_key(header::WWW_AUTHENTICATE));
        let wrong = answer(Refusal::Forbidden);
        assert_eq!(wrong.status(), 403);
        assert!(!wrong.headers().contains_key(header::WWW_AUTHENTICATE));
    }
}
