//! A host with an MJPEG edge, plain sockets to speak to it, and pictures.

use gateway::Context;
use gateway::mjpeg::{self, Service, Settings};
use hub::{Pass, Registry, Source};
use model::{Ask, Intent, Protocol, StreamName};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// How long anything may take on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

pub(crate) struct Host {
    pub(crate) context: Context,
    pub(crate) service: Service,
    pub(crate) address: SocketAddr,
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
}

impl Host {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let registry = Registry::new(hub::Settings::default());
        let context = Context::new(registry, CancellationToken::new());
        let service = Service::new(&context, settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = mjpeg::router(&service).into_make_service_with_connect_info::<SocketAddr>();
        let shutdown = context.shutdown().clone();
        context.tasks().spawn(async move {
            tokio::select! {
                served = axum::serve(listener, app) => served.unwrap(),
                () = shutdown.cancelled() => {}
            }
        });
        Self {
            context,
            service,
            address,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends a request's head and body, and reads the answer to its end.
    pub(crate) async fn ask(&self, head: &str, body: &[u8]) -> Answer {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request =
            format!("{head}\r\nhost: x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        // Whoever is refused by the head alone may be closed before the body is sent.
        let _ = socket.write_all(body).await;
        read_answer(&mut socket).await
    }

    /// Publishes one picture, raw.
    pub(crate) async fn post(&self, name: &str, picture: &[u8]) -> Answer {
        let head = format!("POST /publish/{name} HTTP/1.1\r\ncontent-type: image/jpeg");
        self.ask(&head, picture).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1"), b"").await
    }

    /// The answer's head, and the socket that the pictures come from.
    pub(crate) async fn open(&self, name: &str) -> (String, TcpStream) {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET /stream/{name} HTTP/1.0\r\nhost: x\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(socket.read_u8()).await.unwrap());
        }
        (String::from_utf8(head).unwrap().to_lowercase(), socket)
    }

    pub(crate) fn viewers(&self, name: &str) -> usize {
        let stream = self.context.registry().get(name);
        stream.map_or(0, |it| it.snapshot(Instant::now()).viewers.len())
    }

    /// A source of a stream that comes by other means.
    pub(crate) fn source(&self, name: &str, protocol: Protocol) -> Source {
        let stream: StreamName = name.parse().unwrap();
        let peer = "127.0.0.1:1".parse().unwrap();
        let ask = Ask::new(stream, Intent::Publish, protocol, peer);
        self.context.registry().publish(&Pass::free(ask)).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.context.shutdown().cancel();
    }
}

pub(crate) async fn read_answer(socket: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset behind the answer is one that was refused before all of it was read.
    let _ = within(socket.read_to_end(&mut bytes)).await;
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let head = head.to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = bytes[end + 4..].to_vec();
    Answer { status, head, body }
}

/// The next picture of a stream: its part's headers are checked, and what is behind it.
pub(crate) async fn next_picture(socket: &mut TcpStream, first: bool) -> Vec<u8> {
    if first {
        assert_eq!(line(socket).await, "--frame");
    }
    assert_eq!(line(socket).await, "Content-Type: image/jpeg");
    let length = line(socket).await;
    let length = length.strip_prefix("Content-Length: ").unwrap();
    assert_eq!(line(socket).await, "");
    let mut picture = vec![0; length.parse().unwrap()];
    within(socket.read_exact(&mut picture)).await.unwrap();
    assert_eq!(line(socket).await, "");
    assert_eq!(line(socket).await, "--frame", "the boundary comes at once");
    picture
}

async fn line(socket: &mut TcpStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(within(socket.read_u8()).await.unwrap());
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).unwrap()
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

/// What FFmpeg writes to its standard output.
pub(crate) async fn ffmpeg(arguments: &str) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]);
    command.args(arguments.split_whitespace()).arg("-");
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = within(command.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    output.stdout
}

/// Pictures of that size, each other than the last.
pub(crate) async fn pictures(size: &str, count: usize) -> Vec<Vec<u8>> {
    let run = ffmpeg(&format!(
        "-f lavfi -i testsrc2=size={size}:rate=25 -frames:v {count} -c:v mjpeg -f mjpeg"
    ))
    .await;
    let mut splitter = media::jpeg::Splitter::new(media::jpeg::Limits::default());
    splitter.handle_input(&run);
    let mut found = Vec::new();
    while let Some((_, data)) = splitter.poll_picture().unwrap() {
        found.push(data.to_vec());
    }
    assert_eq!(found.len(), count);
    found
}

/// Runs a program to its end, which has to be good; what it said.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.kill_on_drop(true);
    let output = within(command.output()).await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; see scripts/setup.sh"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program}: {said}{out}");
    out
}
