//! A host with one stream, what feeds it, and a plain HTTP client.

use bytes::Bytes;
use gateway::package;
use gateway::{Context, dash, hls, mp4};
use hub::{Pass, Registry, Settings, Source};
use model::{Ask, HlsForm, Intent, Protocol, StreamName};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

pub(crate) const NAME: &str = "live/cam1";

/// No wait in these tests is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Host {
    pub(crate) context: Context,
    pub(crate) address: SocketAddr,
}

/// An answer, taken apart.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Host {
    pub(crate) async fn start() -> Self {
        let context = Context::new(Registry::new(Settings::default()), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = hls::router(&context)
            .merge(dash::router(&context))
            .merge(mp4::router(&context));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let shutdown = context.shutdown().clone().cancelled_owned();
        context.tasks().spawn(async move {
            let serving = axum::serve(listener, app);
            serving.with_graceful_shutdown(shutdown).await.unwrap();
        });
        Self { context, address }
    }

    /// Streams that come are to have that form, and a new key every so many segments.
    pub(crate) fn encrypt(&self, form: HlsForm, segments: u32) {
        self.context.packages().configure(package::Settings {
            form,
            key_rotation: Some(segments),
            ..package::Settings::default()
        });
    }

    pub(crate) fn publish(&self) -> Source {
        let stream: StreamName = NAME.parse().unwrap();
        let registry = self.context.registry();
        registry
            .declare(&stream, Some("main".parse().unwrap()))
            .unwrap();
        let peer = "127.0.0.1:1".parse().unwrap();
        let ask = Ask::new(stream, Intent::Publish, Protocol::Srt, peer);
        registry.publish(&Pass::free(ask)).unwrap()
    }

    /// Publishes, and feeds what FFmpeg makes in real time until the test ends.
    pub(crate) fn on_air(&self, codecs: &str) -> Child {
        let mut source = self.publish();
        let mut ffmpeg = live(codecs);
        let mut stdout = ffmpeg.stdout.take().unwrap();
        let shutdown = self.context.shutdown().clone();
        self.context.tasks().spawn(async move {
            let mut buffer = vec![0; 7 * 188];
            let feeding = async {
                while let Ok(read @ 1..) = stdout.read(&mut buffer).await {
                    source.push_ts([Bytes::copy_from_slice(&buffer[..read])]);
                }
            };
            shutdown.run_until_cancelled(feeding).await;
        });
        ffmpeg
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn viewers(&self) -> usize {
        let stream = self.context.registry().get(NAME).unwrap();
        stream.snapshot(Instant::now()).viewers.len()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let get = self.ask(path);
        tokio::time::timeout(PATIENCE, get)
            .await
            .expect("an answer")
    }

    async fn ask(&self, path: &str) -> Answer {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nuser-agent: test\r\nconnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = bytes[end + 4..].to_vec();
        Answer { status, head, body }
    }

    /// The body of what must be there.
    pub(crate) async fn read(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(
            answer.status,
            200,
            "{path}: {} {}",
            answer.head,
            answer.text()
        );
        answer.text().to_owned()
    }

    pub(crate) async fn close(self) {
        self.context.close().await;
    }
}

/// H.264 and AAC as most encoders make them: a key frame a second, no B-frames.
pub(crate) const H264: &str = "-c:v libx264 -preset ultrafast -tune zerolatency -g 25 -c:a aac";

/// A moving picture at 25 a second and a tone, as a transport stream in real time.
pub(crate) fn live(codecs: &str) -> Child {
    let picture = "testsrc2=size=320x180:rate=25";
    let tone = "sine=frequency=440:sample_rate=48000";
    Command::new("ffmpeg")
        .args(["-v", "error", "-re", "-f", "lavfi", "-i", picture])
        .args(["-re", "-f", "lavfi", "-i", tone, "-pix_fmt", "yuv420p"])
        .args(codecs.split_whitespace())
        .args(["-flush_packets", "1", "-muxdelay", "0", "-f", "mpegts", "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("ffmpeg is installed")
}

/// Runs FFmpeg to its end; its standard output, and what it complained of.
pub(crate) async fn ffmpeg(args: &[&str]) -> (String, String) {
    let run = Command::new("ffmpeg")
        .args(["-v", "warning", "-nostdin"])
        .args(args)
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(PATIENCE, run)
        .await
        .expect("ffmpeg ends");
    let done = done.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&done.stdout), text(&done.stderr))
}

/// Whether `framecrc` told of so many seconds of pictures and sound, all decoded.
pub(crate) fn assert_played(frames: &str, seconds: usize) {
    let count = |stream: &str| {
        frames
            .lines()
            .filter(|line| line.starts_with(stream))
            .count()
    };
    let (pictures, sounds) = (count("0,"), count("1,"));
    // Picture and sound do not begin together; FFmpeg leaves out what is behind the limit in time.
    assert!(pictures >= seconds * 25 - 5, "{pictures} pictures");
    assert!(sounds >= seconds * 46 - 12, "{sounds} sounds");
}
