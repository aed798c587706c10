//! An output: segments and playlist put to a web server (RFC 8216; the PUT and DELETE of ingest
//! servers, of nginx's and Apache's WebDAV).

use super::writer::{Shown, Writer, file_name, first_sequence};
use crate::context::Context;
use bytes::Bytes;
use hub::{ReadError, Reader, Segment, Start, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use model::{Protocol, StreamName, endpoint};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use url::Url;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const SEGMENT: &str = "video/mp2t";

/// Puts the stream to `endpoint`, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Http) -> LinkHandle {
    let dial = Push {
        context: context.clone(),
        stream: wiring.stream.clone(),
        endpoint,
        next_sequence: first_sequence(),
    };
    link::spawn(wiring, dial)
}

struct Push {
    context: Context,
    stream: Arc<Stream>,
    endpoint: endpoint::Http,
    /// Numbers go on over sessions, so that no segment is ever replaced by another.
    next_sequence: u64,
}

impl Dial for Push {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let name = self.stream.name().clone();
        let context = self.context.clone();
        let packages = context.packages();
        if packages.settings(&name).key_rotation.is_some() {
            return Err(encrypted(&name));
        }
        let server = Server::new(&self.context, &self.endpoint).await?;
        self.context.counters().of(Protocol::Hls).connections.add(1);
        let mut writer = Writer::new(self.next_sequence.max(first_sequence()), None);
        // To a player, what comes now has nothing to do with what came before.
        writer.gap = true;
        let mut upload = Upload {
            server,
            writer,
            shown: Shown::empty(),
            there: BTreeSet::new(),
            playlist: None,
            deletes: true,
            session: session.clone(),
        };
        let mut reader = self.stream.read_segments(Start::RandomAccess);
        let ended = tokio::select! {
            ended = upload.run(&mut reader, &self.stream) => ended,
            () = packages.until_encrypted(&name) => Err(encrypted(&name)),
            () = session.cancelled().cancelled() => Ok(()),
        };
        self.next_sequence = upload.writer.next_sequence;
        if ended.is_ok() {
            upload.end().await;
        }
        ended
    }
}

/// Whoever reads the server could read the keys beside the segments, and without them nobody could
/// play: so neither is put there.
fn encrypted(stream: &StreamName) -> LinkError {
    LinkError::Misconfigured {
        what: format!("{stream} is encrypted over HLS, and what is put to a server is not"),
        remedy: "take the output away, or set the input's hls.key_rotation to 0",
    }
}

/// What is on the server, and what should be.
struct Upload {
    server: Server,
    writer: Writer,
    shown: Shown,
    /// Segments that are on the server.
    there: BTreeSet<u64>,
    /// The playlist that is.
    playlist: Option<Bytes>,
    /// Whether the server lets segments be taken away.
    deletes: bool,
    session: Session,
}

/// One request.
#[derive(Debug)]
enum Task {
    Segment(u64, Bytes),
    Playlist(Bytes),
    Delete(u64),
}

impl Upload {
    /// Ends with the stream, or with what the server said. Segments that come while a request
    /// is under way wait in the window.
    async fn run(
        &mut self,
        reader: &mut Reader<Segment>,
        stream: &Stream,
    ) -> Result<(), LinkError> {
        let (mut request, mut closed) = (JoinSet::new(), false);
        loop {
            if request.is_empty() {
                match self.next() {
                    Some(task) => {
                        let server = self.server.clone();
                        request.spawn(async move {
                            let answer = server.send(&task).await;
                            (task, answer)
                        });
                    }
                    None if closed => return Ok(()),
                    None => {}
                }
            }
            tokio::select! {
                read = reader.recv(), if !closed => match read {
                    Ok(segment) => self.shown = self.writer.extend(&segment, stream.name()),
                    Err(ReadError::Lagged(lost)) => {
                        self.writer.gap = true;
                        self.session.dropped(lost);
                    }
                    Err(ReadError::Closed) => closed = true,
                },
                Some(done) = request.join_next() => {
                    let (task, answer) =
                        done.map_err(|error| LinkError::Passing(error.to_string()))?;
                    self.conclude(task, answer)?;
                }
            }
        }
    }

    /// What has to be done next: segments before the playlist that names them, and away with
    /// what no player fetches any more.
    fn next(&mut self) -> Option<Task> {
        let missing = self
            .shown
            .listed()
            .find(|segment| !self.there.contains(&segment.sequence));
        if let Some(segment) = missing {
            return Some(Task::Segment(segment.sequence, segment.data.clone()));
        }
        if self.shown.playlist != self.playlist {
            return self.shown.playlist.clone().map(Task::Playlist);
        }
        let oldest = *self.there.first()?;
        if self.shown.segment(oldest).is_some() {
            return None;
        }
        if self.deletes {
            return Some(Task::Delete(oldest));
        }
        self.there.remove(&oldest);
        None
    }

    fn conclude(&mut self, task: Task, answer: Result<(), LinkError>) -> Result<(), LinkError> {
        match task {
            Task::Segment(sequence, data) => {
                answer?;
                self.there.insert(sequence);
                self.session.live();
                self.session.moved(data.len());
            }
            Task::Playlist(playlist) => {
                answer?;
                self.session.moved(playlist.len());
                self.playlist = Some(playlist);
            }
            // Many servers take no DELETE, and tidy up by themselves.
            Task::Delete(sequence) => {
                self.deletes = answer.is_ok();
                self.there.remove(&sequence);
            }
        }
        Ok(())
    }

    /// Tells players that nothing follows; whether the server hears it is its affair.
    async fn end(self) {
        if self.playlist.is_some()
            && let Some(playlist) = self.writer.end().playlist
        {
            let _ = self.server.send(&Task::Playlist(playlist)).await;
        }
    }
}

/// Where it is all put.
#[derive(Clone)]
struct Server {
    client: reqwest::Client,
    playlist: Url,
}

impl Server {
    async fn new(context: &Context, endpoint: &endpoint::Http) -> Result<Self, LinkError> {
        let misconfigured = |what: String| LinkError::Misconfigured {
            what,
            remedy: "correct the url",
        };
        let playlist: Url = endpoint
            .url
            .parse()
            .map_err(|error| misconfigured(format!("{error}")))?;
        let client = link::web::client(context, &playlist).await?;
        Ok(Self { client, playlist })
    }

    async fn send(&self, task: &Task) -> Result<(), LinkError> {
        let (method, url, body) = match task {
            Task::Segment(sequence, data) => {
                (Method::PUT, self.beside(*sequence), Some((SEGMENT, data)))
            }
            Task::Playlist(playlist) => {
                let url = self.playlist.clone();
                (Method::PUT, url, Some((PLAYLIST, playlist)))
            }
            Task::Delete(sequence) => (Method::DELETE, self.beside(*sequence), None),
        };
        let doing = format!("{method} {}", link::web::shown(&url));
        let mut request = self.client.request(method, url).timeout(REQUEST_TIMEOUT);
        if let Some((kind, data)) = body {
            request = request.header(CONTENT_TYPE, kind).body(data.clone());
        }
        let answer = request
            .send()
            .await
            .map_err(|error| link::web::failed(&doing, &error))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND if matches!(task, Task::Delete(_)) => Ok(()),
            status => Err(LinkError::Passing(format!(
                "{doing}: the server answered {status}"
            ))),
        }
    }

    /// A segment's address: beside the playlist, with its query, which may be what lets us in.
    fn beside(&self, sequence: u64) -> Url {
        let mut url = self.playlist.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop().push(&file_name(sequence));
        }
        url
    }
}
