//! A host with videos, plain sockets to speak to it, and clips.

use futures_util::FutureExt;
use hub::Registry;
use link::Context;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use videos::{Settings, Videos};

/// How long anything may take on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// What each request of tus begins its headers with.
pub(crate) const TUS: &str = "tus-resumable: 1.0.0\r\n";

/// What media travels as.
pub(crate) const OCTETS: &str = "content-type: application/offset+octet-stream\r\n";

/// The name that plays something, for `in_use`.
pub(crate) const PLAYED: &str = "played.mp4";

pub(crate) struct Host {
    pub(crate) context: Context,
    pub(crate) videos: Videos,
    pub(crate) address: SocketAddr,
    pub(crate) folder: PathBuf,
    _kept: Option<TempDir>,
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The value of a header, whose name is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }

    /// A problem document of this status and type.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, slug: &str) {
        assert_eq!(self.status, status, "{self:?} {}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(self.json()["type"], format!("/problems/{slug}"));
    }
}

/// Small bounds, so that tests reach them.
pub(crate) fn settings() -> Settings {
    Settings {
        max_bytes: 64 << 20,
        max_unfinished: 4,
        max_unfinished_bytes: 256 << 20,
        keep_free_bytes: 1 << 20,
        refresh: Duration::from_millis(200),
        ..Settings::default()
    }
}

impl Host {
    pub(crate) async fn start() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut host = Self::at(folder.path(), settings).await;
        host._kept = Some(folder);
        host
    }

    /// On a media folder that is there.
    pub(crate) async fn at(folder: &Path, settings: Settings) -> Self {
        let registry = Registry::new(hub::Settings::default());
        let media = link::context::Settings {
            media: Some(folder.to_owned()),
            ..link::context::Settings::default()
        };
        let context = Context::new(registry, CancellationToken::new(), media);
        let in_use: videos::InUse = Arc::new(|name| {
            let played = name == PLAYED;
            async move { played.then(|| "input live/loop".to_owned()) }.boxed()
        });
        let videos = Videos::open(&context, settings, in_use).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (app, shutdown) = (videos::router(&videos), context.shutdown().clone());
        context.tasks().spawn(async move {
            tokio::select! {
                served = axum::serve(listener, app) => served.unwrap(),
                () = shutdown.cancelled() => {}
            }
        });
        Self {
            context,
            videos,
            address,
            folder: folder.to_owned(),
            _kept: None,
        }
    }

    /// Ends it as a host ends, so that another may follow on its folder.
    pub(crate) async fn stop(self) {
        within(self.context.close()).await;
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request, and reads the answer to its end. Headers end with a line break each.
    pub(crate) async fn ask(&self, line: &str, headers: &str, body: &[u8]) -> Answer {
        let mut socket = self.connect().await;
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        // Whoever is refused by the head alone may be closed before the body is sent.
        let _ = socket.write_all(body).await;
        read_answer(&mut socket).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "", b"").await
    }

    /// Uploads a file as a form.
    pub(crate) async fn post(&self, name: &str, bytes: &[u8]) -> Answer {
        let (kind, body) = form(name, bytes);
        self.ask("POST /api/v1/videos", &kind, &body).await
    }

    /// Announces a file over tus; where it is to be sent.
    pub(crate) async fn announce(&self, length: usize) -> String {
        let made = self.create(length, "").await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.header("location").unwrap().to_owned()
    }

    /// `clip.mp4`, over tus.
    pub(crate) async fn create(&self, length: usize, more: &str) -> Answer {
        let headers = format!(
            "{TUS}upload-length: {length}\r\nupload-metadata: filename Y2xpcC5tcDQ=\r\n{more}"
        );
        self.ask("POST /api/v1/uploads", &headers, b"").await
    }

    pub(crate) async fn patch(&self, at: &str, offset: usize, more: &str, body: &[u8]) -> Answer {
        let headers = format!("{TUS}{OCTETS}upload-offset: {offset}\r\n{more}");
        self.ask(&format!("PATCH {at}"), &headers, body).await
    }

    pub(crate) async fn head(&self, at: &str) -> Answer {
        self.ask(&format!("HEAD {at}"), TUS, b"").await
    }

    /// How many bytes of an upload the host has.
    pub(crate) async fn offset(&self, at: &str) -> usize {
        let head = self.head(at).await;
        assert_eq!(head.status, 200);
        head.header("upload-offset").unwrap().parse().unwrap()
    }

    /// Files of unfinished uploads.
    pub(crate) fn unfinished(&self) -> Vec<String> {
        let uploads = std::fs::read_dir(self.folder.join(".pointsman/uploads")).unwrap();
        let names = uploads.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// What is to be seen in the folder.
    pub(crate) fn visible(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    /// The names in the index.
    pub(crate) fn listed(&self) -> Vec<String> {
        let page = self.videos.page(None, 1_000);
        page.videos.into_iter().map(|video| video.name).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.context.shutdown().cancel();
    }
}

/// A form with a file: its header, and itself.
pub(crate) fn form(name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    // As browsers write them (HTML, multipart/form-data encoding algorithm).
    let name = name
        .replace('"', "%22")
        .replace('\n', "%0A")
        .replace('\r', "%0D");
    let mut body = format!(
        "--bound\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: video/mp4\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--bound--\r\n");
    let kind = "content-type: multipart/form-data; boundary=bound\r\n".to_owned();
    (kind, body)
}

pub(crate) async fn read_answer(socket: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset behind the answer is one that was refused before all of it was read.
    let _ = within(socket.read_to_end(&mut bytes)).await;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = bytes[end + 4..].to_vec();
    Answer { status, head, body }
}

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(BOUND, what).await;
    waited.expect("it took too long")
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + BOUND;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs a program to its end, which has to be good; what it wrote.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.kill_on_drop(true);
    let output = within(command.output()).await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; see scripts/setup.sh"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {said}");
    output.stdout
}

/// A file that FFmpeg makes.
pub(crate) async fn clip(name: &str, arguments: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let path = path.to_str().unwrap();
    let mut all = vec!["-v", "error", "-nostdin"];
    all.extend(arguments.split_whitespace());
    all.push(path);
    run("ffmpeg", &all).await;
    std::fs::read(path).unwrap()
}

/// Two seconds with sound.
pub(crate) const PLAIN: &str = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -f lavfi \
     -i sine=duration=2 -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac";

pub(crate) async fn plain() -> Vec<u8> {
    clip("plain.mp4", PLAIN).await
}
