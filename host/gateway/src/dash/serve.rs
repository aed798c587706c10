//! From a request to a manifest or a segment.

use crate::Context;
use crate::audience::{Door, Guest, Problem, answer};
use crate::http::Shown;
use crate::package::{Package, View};
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use hub::Viewer;
use media::cmaf::{File, FileName};
use media::dash::{Moment, live_manifest};
use model::{Protocol, Refusal, StreamName};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Semaphore, watch};

/// How long a first request waits for the first segments.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests that wait for a first or a next segment at once, over all streams.
const MAX_WAITING: usize = 16_384;

/// How long an open segment waits for its next part.
const STALLED: Duration = Duration::from_secs(10);

/// RFC 6838 registration of ISO/IEC 23009-1.
const MANIFEST_TYPE: HeaderValue = HeaderValue::from_static("application/dash+xml");
const TIME_TYPE: HeaderValue = HeaderValue::from_static("text/plain");

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Service {
    context: Context,
    door: Arc<Door>,
    waiting: Arc<Semaphore>,
}

/// What a path under `/dash/` asks for.
enum Resource {
    Manifest,
    Time,
    Cmaf(FileName),
}

/// Everything under `/dash/`.
pub(super) async fn serve(
    State(service): State<Service>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    answer::to_reader(&method, service.answer(peer, path, &query, &headers)).await
}

impl Service {
    pub(super) fn new(context: Context) -> Self {
        Self {
            door: Arc::new(Door::new(context.clone(), Protocol::Dash)),
            context,
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }

    async fn answer(
        &self,
        peer: SocketAddr,
        path: Result<Path<String>, PathRejection>,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let Path(path) = path.map_err(|fault| Refusal::BadRequest(fault.to_string()))?;
        let (name, resource) = parse(&path)?;
        if let Resource::Time = resource {
            let now = media::hls::rfc3339(SystemTime::now());
            return Ok(answer::fresh(now.into(), TIME_TYPE));
        }
        let ask = Shown::of(headers, query).wants(name, Protocol::Dash, peer);
        let guest = self.door.admit(ask).await?;
        let packages = self.context.packages();
        packages.check_clear(guest.pass.stream())?;
        let (package, viewer) = packages.seat(&self.context, Protocol::Dash, &guest)?;
        match resource {
            Resource::Cmaf(file) => {
                let view = self.view(&package, file).await?;
                send(&view, &package, &viewer, &guest, file)
            }
            Resource::Manifest | Resource::Time => {
                let manifest = self.manifest(&package, &guest, query).await?;
                viewer.sent(manifest.len());
                guest.took(manifest.len());
                Ok(answer::fresh(manifest.into(), MANIFEST_TYPE))
            }
        }
    }

    async fn manifest(
        &self,
        package: &Package,
        guest: &Guest,
        query: &str,
    ) -> Result<String, Problem> {
        let mut board = package.board();
        if !board.ready {
            let place = self.waiting.try_acquire();
            let _place = place.map_err(|_| Problem::TooManyWaiting)?;
            board = package.ready(PATIENCE).await.ok_or(Problem::NoMedia)?;
        }
        let views = board.views();
        let current: Vec<_> = views
            .iter()
            .filter(|view| {
                let header = board.header.as_ref();
                header.is_some_and(|header| header.rendition(view.name.track).is_some())
            })
            .map(|view| (view.name, &view.window))
            .collect();
        if board.ended {
            package.sessions.fetched(&guest.key, |it| it.end = true);
        }
        let cues = views.first().map(|view| view.notes.cues.clone());
        let cues = cues.unwrap_or_default();
        let moment = Moment {
            origin: package.origin().ok_or(Problem::NoMedia)?,
            published: SystemTime::now(),
            clock: "time",
            cues: &cues,
        };
        let manifest = live_manifest(&current, moment).ok_or(Problem::NoMedia)?;
        Ok(with_query(manifest, query))
    }

    /// The rendition of that file; if it is the segment that comes next, once that has begun.
    async fn view(&self, package: &Package, name: FileName) -> Result<Arc<View>, Problem> {
        let board = package.board();
        let shelf = board.shelf(name.rendition).ok_or(Problem::NoSuchFile)?;
        let view = shelf.view();
        let File::Segment(sequence) = name.file else {
            return Ok(view);
        };
        if view.window.has_ended() || sequence != view.window.next_sequence() {
            return Ok(view);
        }
        let place = self.waiting.try_acquire();
        let _place = place.map_err(|_| Problem::TooManyWaiting)?;
        let patience = Duration::from_secs(view.window.target_s().max(1));
        let has_begun =
            |view: &Arc<View>| view.window.has_ended() || view.window.has(sequence, Some(0));
        let begun = package.view(name.rendition, patience, has_begun).await;
        begun.ok_or(Problem::NoSuchSegment)
    }
}

/// Players do not hand the query of a manifest on to what it names.
fn with_query(manifest: String, query: &str) -> String {
    if query.is_empty() {
        return manifest;
    }
    let query = query
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    // `$` begins a template identifier (ISO/IEC 23009-1 §5.3.9.4.4).
    let query = query.replace('$', "%24");
    let named = manifest.replace(".m4s\"", &format!(".m4s?{query}\""));
    named.replace(".mp4\"", &format!(".mp4?{query}\""))
}

fn send(
    view: &View,
    package: &Package,
    viewer: &Arc<Viewer>,
    guest: &Guest,
    name: FileName,
) -> Result<Response, Problem> {
    let video = name.rendition.video;
    let (response, bytes) = match name.file {
        File::Init(map) => {
            let init = view.window.init(map).ok_or(Problem::NoSuchSegment)?.clone();
            let bytes = init.len();
            (answer::media(init, video), bytes)
        }
        File::Segment(sequence) => {
            let segment = view.window.get(sequence).ok_or(Problem::NoSuchSegment)?;
            if segment.complete {
                let parts = segment.parts.iter().map(|part| part.data.clone());
                (
                    answer::pieces(parts.collect(), segment.bytes, video),
                    segment.bytes,
                )
            } else {
                let views = package.follow(name.rendition);
                let chunks = Chunks {
                    views: views.ok_or(Problem::NoSuchFile)?,
                    sequence,
                    next: 0,
                    viewer: viewer.clone(),
                    guest: guest.clone(),
                };
                (answer::growing(chunks.body(), video), 0)
            }
        }
        File::Playlist | File::Part(..) | File::Key(_) => return Err(Problem::NoSuchFile),
    };
    viewer.sent(bytes);
    guest.took(bytes);
    Ok(response)
}

/// An open segment, sent as its parts are made.
struct Chunks {
    views: watch::Receiver<Arc<View>>,
    sequence: u64,
    next: usize,
    viewer: Arc<Viewer>,
    guest: Guest,
}

impl Chunks {
    fn body(self) -> Body {
        Body::from_stream(stream::unfold(self, |mut chunks| async move {
            let chunk = chunks.chunk().await.transpose()?;
            Some((chunk, chunks))
        }))
    }

    /// The next part; `None` after the last. A body that breaks off is an error to the player.
    async fn chunk(&mut self) -> io::Result<Option<Bytes>> {
        let (sequence, next) = (self.sequence, self.next);
        let made = self
            .views
            .wait_for(|view| view.window.has_ended() || view.window.has(sequence, Some(next)));
        let made = tokio::time::timeout(STALLED, made).await?;
        let view = made.map_err(io::Error::other)?.clone();
        let gone = || io::Error::other("the segment is no longer held");
        let segment = view.window.get(sequence).ok_or_else(gone)?;
        let Some(part) = segment.parts.get(next) else {
            return Ok(None);
        };
        self.next += 1;
        self.viewer.sent(part.data.len());
        self.guest.took(part.data.len());
        Ok(Some(part.data.clone()))
    }
}

/// Splits `NAME/FILE`; the name may have slashes, the file has none.
fn parse(path: &str) -> Result<(StreamName, Resource), Problem> {
    let (name, file) = path.rsplit_once('/').ok_or(Problem::NoSuchFile)?;
    let resource = match file {
        "manifest.mpd" => Resource::Manifest,
        "time" => Resource::Time,
        file => Resource::Cmaf(FileName::parse(file).ok_or(Problem::NoSuchFile)?),
    };
    let name = name
        .parse()
        .map_err(|fault: model::NameError| Refusal::BadRequest(fault.to_string()))?;
    Ok((name, resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_handed_on_and_breaks_neither_xml_nor_templates() {
        let manifest = "<a initialization=\"v-init-1.mp4\" media=\"v-$Number$.m4s\"/>".to_owned();
        assert_eq!(with_query(manifest.clone(), ""), manifest);
        assert_eq!(
            with_query(manifest, "token=$x\"<&b"),
            "<a initialization=\"v-init-1.mp4?token=%24x&quot;&lt;&amp;b\" \
             media=\"v-$Number$.m4s?token=%24x&quot;&lt;&amp;b\"/>"
        );
    }
}
