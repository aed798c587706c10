//! A house with WebRTC, and streams to watch.

use axum::Router;
use gateway::{Context, webrtc};
use hub::{Pass, Registry, Source};
use model::{Ask, Intent, Protocol};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct House {
    pub(crate) context: Context,
    pub(crate) http: SocketAddr,
    pub(crate) media: SocketAddr,
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}, Router::new()).await
    }

    /// With settings of its own, and pages beside the gateway.
    pub(crate) async fn with(change: impl FnOnce(&mut webrtc::Settings), pages: Router) -> Self {
        let registry = Registry::new(hub::Settings::default());
        let context = Context::new(registry, CancellationToken::new());
        let mut settings = webrtc::Settings {
            listen: "127.0.0.1:0".parse().unwrap(),
            ..webrtc::Settings::default()
        };
        change(&mut settings);
        let (router, media) = webrtc::serve(&context, settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = listener.local_addr().unwrap();
        let app = router.merge(pages);
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let shutdown = context.shutdown().clone().cancelled_owned();
        context.tasks().spawn(async move {
            let server = axum::serve(listener, app).with_graceful_shutdown(shutdown);
            server.await.unwrap();
        });
        Self {
            context,
            http,
            media,
        }
    }

    /// A stream that the test feeds itself.
    pub(crate) fn source(&self, name: &str) -> Source {
        let (name, peer) = (name.parse().unwrap(), ([127, 0, 0, 1], 1).into());
        let pass = Pass::free(Ask::new(name, Intent::Publish, Protocol::Udp, peer));
        self.context.registry().publish(&pass).unwrap()
    }

    /// A stream of a test picture and a tone, in real time, as FFmpeg encodes it.
    pub(crate) fn on_air(&self, name: &str, encode: &str) {
        let mut source = self.source(name);
        let mut child = tokio::process::Command::new("ffmpeg")
            .args(
                "-hide_banner -nostdin -v error -re -f lavfi -i testsrc2=s=320x240:r=25".split(' '),
            )
            .args("-re -f lavfi -i sine=f=440:r=48000 -pix_fmt yuv420p".split(' '))
            .args(encode.split_whitespace())
            .args("-f mpegts -muxdelay 0 -flush_packets 1 pipe:1".split(' '))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let shutdown = self.context.shutdown().clone();
        self.context.tasks().spawn(async move {
            let _child = child;
            let mut framer = media::ts::framer::Framer::stream();
            let (mut block, mut runs) = (vec![0; 64 << 10], Vec::new());
            loop {
                let read = tokio::select! {
                    read = stdout.read(&mut block) => read.unwrap(),
                    () = shutdown.cancelled() => return,
                };
                assert!(read > 0, "ffmpeg ended");
                framer.push(bytes::Bytes::copy_from_slice(&block[..read]), &mut runs);
                source.push_ts(runs.drain(..));
            }
        });
    }

    pub(crate) async fn request(&self, line: &str, headers: &str, body: &str) -> Answer {
        let mut socket = TcpStream::connect(self.http).await.unwrap();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: x\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // A refusal may come before the whole body was taken.
        let _ = socket.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect(&text);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn viewers(&self, name: &str) -> usize {
        let stream = self.context.registry().get(name);
        stream.map_or(0, |stream| {
            stream.snapshot(std::time::Instant::now()).viewers.len()
        })
    }

    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        bounded(what, async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }
}

pub(crate) async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// Without B-frames, a key frame each second, and AAC.
pub(crate) const LIVE: &str = "-c:v libx264 -preset ultrafast -tune zerolatency -profile:v main \
    -bf 0 -g 25 -b:v 600k -c:a aac -ac 2 -b:a 96k";
