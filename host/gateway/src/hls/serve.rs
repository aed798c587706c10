//! From a request to a playlist or a segment.

use super::live::{Live, Lives};
use crate::Context;
use crate::audience::{self, Door, Guest, Problem, answer};
use crate::http::Shown;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use hub::Viewer;
use media::cmaf::FileName;
use model::{HlsForm, Protocol, Refusal, StreamName};
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
    /// Of the transport stream.
    Ts(TsFile),
    Cmaf(FileName),
}

/// What a stream has in the form of transport stream segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TsFile {
    Playlist,
    Segment(u64),
    Key(u64),
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
            Resource::Index if self.form(&guest) == HlsForm::Cmaf => {
                self.answer_cmaf(&guest, None, query).await
            }
            Resource::Cmaf(file) => self.answer_cmaf(&guest, Some(file), query).await,
            Resource::Index => self.answer_ts(&guest, TsFile::Playlist, query).await,
            Resource::Ts(file) => self.answer_ts(&guest, file, query).await,
        }
    }

    fn form(&self, guest: &Guest) -> HlsForm {
        self.context.packages().settings(guest.pass.stream()).form
    }

    /// Answers for one file of the transport stream.
    async fn answer_ts(
        &self,
        guest: &Guest,
        file: TsFile,
        query: &str,
    ) -> Result<Response, Problem> {
        let (live, viewer) = self.seat(guest)?;
        let (response, bytes) = match file {
            TsFile::Playlist => {
                let playlist = self.playlist(&live).await?;
                if live.shown().is_end(&playlist) {
                    live.sessions.fetched(&guest.key, |it| it.end = true);
                }
                let body = answer::with_query(playlist, query);
                let bytes = body.len();
                (answer::playlist(body), bytes)
            }
            TsFile::Segment(sequence) => {
                let shown = live.shown();
                let body = shown.segment(sequence).ok_or(Problem::NoSuchSegment)?;
                live.sessions.fetched(&guest.key, |it| {
                    it.newest = it.newest.max(Some(sequence));
                });
                (answer::segment(body.clone()), body.len())
            }
            TsFile::Key(number) => {
                let key = live.shown().key(number).ok_or(Problem::NoSuchFile)?;
                (answer::key(key), key.len())
            }
        };
        viewer.sent(bytes);
        guest.took(bytes);
        Ok(response)
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

/// Splits `NAME/FILE`; the name may have slashes, the file has none, but for `keys/FILE.key`.
fn parse(path: &str) -> Result<(StreamName, Resource), Problem> {
    let key = path
        .rsplit_once("/keys/")
        .filter(|_| path.ends_with(".key"));
    let split = match key {
        Some((name, _)) => path.split_at_checked(name.len() + 1),
        None => path.rfind('/').and_then(|at| path.split_at_checked(at + 1)),
    };
    let (name, file) = split.ok_or(Problem::NoSuchFile)?;
    let name = name.strip_suffix('/').unwrap_or(name);
    let numbered = |prefix, suffix| {
        let digits = file.strip_prefix(prefix)?.strip_suffix(suffix)?;
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
        plain.then(|| digits.parse().ok())?
    };
    let resource = match file {
        "index.m3u8" => Resource::Index,
        "ts.m3u8" => Resource::Ts(TsFile::Playlist),
        file => match (numbered("", ".ts"), numbered("keys/", ".key")) {
            (Some(segment), _) => Resource::Ts(TsFile::Segment(segment)),
            (_, Some(key)) => Resource::Ts(TsFile::Key(key)),
            _ => Resource::Cmaf(FileName::parse(file).ok_or(Problem::NoSuchFile)?),
        },
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
    use media::cmaf::File;

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
        let file = |path| parse(path).map(|(name, file)| (name.to_string(), file));
        let ts = |name: &str, file| (name.to_owned(), Resource::Ts(file));
        let segment = file("demo/1790000000.ts").unwrap();
        assert_eq!(segment, ts("demo", TsFile::Segment(1_790_000_000)));
        let key = file("a/keys/keys/7.key").unwrap();
        assert_eq!(key, ts("a/keys", TsFile::Key(7)));
        let (name, rendition) = file("demo/keys/video0-7.key").unwrap();
        assert_eq!(name, "demo");
        assert!(matches!(rendition, Resource::Cmaf(file) if file.file == File::Key(7)));
    }

    #[test]
    fn other_files_are_absent_and_odd_names_are_bad_requests() {
        for path in [
            "demo",
            "demo/",
            "demo/+1.ts",
            "demo/.ts",
            "demo/99999999999999999999.ts",
            "demo/7.key",
            "demo/keys/.key",
            "demo/keys/video0.key",
            "demo/keys/a/7.key",
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
