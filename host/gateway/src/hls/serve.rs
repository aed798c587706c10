//! From a request to a playlist or a segment.

use super::live::{Live, Lives};
use crate::Context;
use crate::audience::{self, Door, Guest, Problem, answer};
use crate::http::Shown;
use crate::package::Form;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use hub::Viewer;
use media::cmaf::FileName;
use model::{Protocol, Refusal, StreamName};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a first request waits for the first segment.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests that wait at once, over all streams; of low latency, each viewer's newest ones do.
const MAX_WAITING: usize = 32_768;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) context: Context,
    door: Arc<Door>,
    lives: Arc<Lives>,
    waiting: Arc<Semaphore>,
}

/// What a path under `/hls/` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Resource {
    /// In the form that the stream is to have.
    Index,
    /// Of transport stream segments.
    Playlist,
    /// Of the transport stream.
    Segment(u64),
    Cmaf(FileName),
}

/// Everything under `/hls/`.
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
        let lives = Lives::new(context.clone());
        Self {
            door: Arc::new(Door::new(context.clone(), Protocol::Hls)),
            context,
            lives,
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
        let ask = Shown::of(headers, query).wants(name, Protocol::Hls, peer);
        let guest = self.door.admit(ask).await?;
        match resource {
            Resource::Index if self.form(&guest) == Form::Cmaf => {
                self.answer_cmaf(&guest, None, query).await
            }
            Resource::Cmaf(file) => self.answer_cmaf(&guest, Some(file), query).await,
            Resource::Index | Resource::Playlist => self.answer_ts(&guest, None, query).await,
            Resource::Segment(number) => self.answer_ts(&guest, Some(number), query).await,
        }
    }

    fn form(&self, guest: &Guest) -> Form {
        self.context.packages().settings(guest.pass.stream()).form
    }

    /// Answers for a segment of the transport stream; without a number, for their playlist.
    async fn answer_ts(
        &self,
        guest: &Guest,
        segment: Option<u64>,
        query: &str,
    ) -> Result<Response, Problem> {
        let (live, viewer) = self.seat(guest)?;
        let body = match segment {
            None => {
                let playlist = self.playlist(&live).await?;
                if live.shown().is_end(&playlist) {
                    live.sessions.fetched(&guest.key, |it| it.end = true);
                }
                answer::with_query(playlist, query)
            }
            Some(sequence) => {
                let shown = live.shown();
                let body = shown.segment(sequence).ok_or(Problem::NoSuchSegment)?;
                live.sessions.fetched(&guest.key, |it| {
                    it.newest = it.newest.max(Some(sequence));
                });
                body.clone()
            }
        };
        viewer.sent(body.len());
        guest.took(body.len());
        Ok(match segment {
            None => answer::playlist(body),
            Some(_) => answer::segment(body),
        })
    }

    /// The window asked for, and the viewer who asks; a new one is let in by the hub first.
    fn seat(&self, guest: &Guest) -> Result<(Arc<Live>, Arc<Viewer>), Refusal> {
        let (now, key, pass) = (Instant::now(), guest.key, &guest.pass);
        let stream = self.context.registry().get(pass.stream().as_str());
        // Of a stream that has ended, those who watched may still see the end.
        if let Some(live) = self.lives.find(pass.stream(), stream.as_ref()) {
            let viewer = live.sessions.viewer(key, now, || {
                audience::let_in(&self.context, Protocol::Hls, pass)
            })?;
            return Ok((live, viewer));
        }
        let viewer = audience::let_in(&self.context, Protocol::Hls, pass)?;
        let live = self.lives.open(viewer.stream());
        let viewer = live.sessions.viewer(key, now, || Ok(viewer))?;
        Ok((live, viewer))
    }

    async fn playlist(&self, live: &Live) -> Result<bytes::Bytes, Problem> {
        if let Some(playlist) = live.shown().playlist {
            return Ok(playlist);
        }
        let _place = self.wait()?;
        live.first_playlist(PATIENCE).await.ok_or(Problem::NoMedia)
    }

    /// A place among those who wait.
    pub(super) fn wait(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.waiting
            .try_acquire()
            .map_err(|_| Problem::TooManyWaiting)
    }
}

/// Splits `NAME/FILE`; the name may have slashes, the file has none.
fn parse(path: &str) -> Result<(StreamName, Resource), Problem> {
    let (name, file) = path.rsplit_once('/').ok_or(Problem::NoSuchFile)?;
    let resource = match file.strip_suffix(".ts") {
        _ if file == "index.m3u8" => Resource::Index,
        _ if file == "ts.m3u8" => Resource::Playlist,
        Some(number) if number.bytes().all(|digit| digit.is_ascii_digit()) => {
            Resource::Segment(number.parse().map_err(|_| Problem::NoSuchFile)?)
        }
        _ => Resource::Cmaf(FileName::parse(file).ok_or(Problem::NoSuchFile)?),
    };
    let name = name
        .parse()
        .map_err(|fault: model::NameError| Refusal::BadRequest(fault.to_string()))?;
    Ok((name, resource))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    fn status(path: &str) -> u16 {
        match parse(path) {
            Ok(_) => 200,
            Err(problem) => problem.into_response().status().as_u16(),
        }
    }

    #[test]
    fn a_path_is_a_stream_name_with_any_slashes_and_a_file() {
        let Ok((name, Resource::Index)) = parse("live/stage/cam1/index.m3u8") else {
            panic!()
        };
        assert_eq!(name.as_str(), "live/stage/cam1");
        let Ok((name, Resource::Segment(1_790_000_000))) = parse("demo/1790000000.ts") else {
            panic!()
        };
        assert_eq!(name.as_str(), "demo");
    }

    #[test]
    fn other_files_are_absent_and_odd_names_are_bad_requests() {
        for path in [
            "demo",
            "demo/",
            "demo/+1.ts",
            "demo/.ts",
            "demo/99999999999999999999.ts",
        ] {
            assert_eq!(status(path), 404, "{path}");
        }
        for path in [
            "/index.m3u8",
            "../index.m3u8",
            "a//b/index.m3u8",
            "a\0/index.m3u8",
        ] {
            assert_eq!(status(path), 400, "{path}");
        }
        assert_eq!(
            status(&format!("{}/index.m3u8", "a".repeat(10_000_000))),
            400
        );
    }
}
