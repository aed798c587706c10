//! A host with an SRT port, peers of other makes, and bounded waits.

use gateway::Context;
use gateway::srt::backend::{Backend, ConnectConfig, Error, Libsrt, LibsrtConnection};
use gateway::srt::{self, ConnectionFigures, Role};
use hub::{Pass, Registry, Settings, Source, Stream};
use link::LinkHandle;
use model::{Ask, Intent, Label, Protocol};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Host {
    pub(crate) context: Context,
    pub(crate) address: SocketAddr,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut srt::Config)) -> Self {
        let registry = Registry::new(Settings::default());
        let context = Context::new(registry, CancellationToken::new());
        let mut config = srt::Config::new(([127, 0, 0, 1], 0).into());
        change(&mut config);
        let address = srt::serve(&context, config).await.unwrap();
        Self { context, address }
    }

    /// As peers of other makes spell it; `more` begins with `&`.
    pub(crate) fn url(&self, stream_id: &str, more: &str) -> String {
        format!("srt://{}?streamid={stream_id}{more}", self.address)
    }

    /// A call of our own.
    pub(crate) async fn call(
        &self,
        stream_id: &str,
        change: impl FnOnce(&mut ConnectConfig),
    ) -> Result<LibsrtConnection, Error> {
        let mut config = ConnectConfig::new(self.address);
        config.stream_id = stream_id.to_owned();
        change(&mut config);
        Libsrt::new().unwrap().connect(&config).await
    }

    /// The stream, which a test feeds itself.
    pub(crate) fn publish(&self, name: &str) -> Source {
        let (name, peer) = (name.parse().unwrap(), ([127, 0, 0, 1], 1).into());
        let ask = Ask::new(name, Intent::Publish, Protocol::Udp, peer);
        let pass = Pass::free(ask);
        self.context.registry().publish(&pass).unwrap()
    }

    pub(crate) fn declare(&self, name: &str) -> Arc<Stream> {
        let name = name.parse().unwrap();
        self.context.registry().declare(&name, None).unwrap()
    }

    pub(crate) fn source(&self, stream: &Arc<Stream>, url: &str) -> LinkHandle {
        let endpoint = url.parse().unwrap();
        gateway::start_source(
            &self.context,
            stream.clone(),
            label("in"),
            endpoint,
            Default::default(),
        )
    }

    pub(crate) fn output(&self, stream: &Arc<Stream>, url: &str) -> LinkHandle {
        let endpoint = url.parse().unwrap();
        gateway::start_output(
            &self.context,
            stream.clone(),
            label("out"),
            endpoint,
            Default::default(),
        )
    }

    pub(crate) fn connections(&self, role: Role) -> Vec<ConnectionFigures> {
        let mut all = self.context.srt().snapshot(Instant::now());
        all.retain(|connection| connection.role == role);
        all
    }

    pub(crate) fn refused(&self) -> u64 {
        self.context.counters().of(Protocol::Srt).refused.get()
    }

    /// Waits until media of this stream is on air.
    pub(crate) async fn on_air(&self, name: &str) -> Arc<Stream> {
        let stream = || self.context.registry().get(name);
        let flows =
            || stream().is_some_and(|stream| stream.snapshot(Instant::now()).on_air.is_some());
        until("the stream is on air", flows).await;
        stream().unwrap()
    }
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// A UDP port nobody has right now.
pub(crate) fn free_port() -> SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    bounded(what, wait).await;
}

pub(crate) async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// A peer of another make, killed when dropped.
pub(crate) fn peer(program: &str, args: &[&str]) -> Child {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("ffmpeg and srt-live-transmit (package srt-tools) are needed")
}

fn ffmpeg(args: &str, url_at: &str, url: &str) -> Child {
    let common = "-hide_banner -nostdin -loglevel error";
    let words = common.split(' ').chain(args.split(' '));
    // Only the URL is taken as it stands: stream ids may hold anything.
    let words: Vec<_> = words
        .map(|word| if word == url_at { url } else { word })
        .collect();
    peer("ffmpeg", &words)
}

/// ffmpeg sending a moving picture and a tone for as long as it lives.
pub(crate) fn publisher(url: &str) -> Child {
    let args = "-re -f lavfi -i testsrc2=size=320x180:rate=25 \
                -f lavfi -i sine=frequency=440:sample_rate=48000 \
                -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -c:a aac \
                -flush_packets 1 -f mpegts URL";
    ffmpeg(&single_spaced(args), "URL", url)
}

/// ffmpeg decoding two seconds: pictures, pieces of sound, and what it complained of.
pub(crate) async fn decode(url: &str) -> (usize, usize, String) {
    let args = "-probesize 200000 -analyzeduration 1000000 -i URL -t 2 \
                -map 0:v -map 0:a -f framecrc -";
    let child = ffmpeg(&single_spaced(args), "URL", url);
    let output = bounded("the decoder ends", child.wait_with_output()).await;
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let of = |stream: &str| text.lines().filter(|line| line.starts_with(stream)).count();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    (of("0,"), of("1,"), complaints)
}

fn single_spaced(args: &str) -> String {
    args.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asserts that two seconds of the publisher's media were decoded without a complaint. Sound
/// beside the first picture may be earlier than it, by which the last pictures fall off.
pub(crate) fn assert_whole((pictures, sound, complaints): (usize, usize, String)) {
    assert_eq!(complaints, "");
    assert!(pictures >= 44, "{pictures} pictures of 50");
    assert!(sound >= 84, "{sound} pieces of sound of 93");
}

/// Seven packets that are nobody's tables, picture or sound.
pub(crate) fn opaque_packets(number: u64) -> bytes::Bytes {
    let mut message = Vec::with_capacity(7 * 188);
    for index in 0..7 {
        let counter = (number * 7 + index) % 16;
        message.extend([0x47, 0x01, 0x00, 0x10 | counter as u8]);
        message.resize(message.len() + 184, number as u8);
    }
    message.into()
}
