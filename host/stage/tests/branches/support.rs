//! A host with a stream on air, and what its viewers get.

use bytes::{Bytes, BytesMut};
use ffmpeg::{Job, QUIET, words};
use hub::{ReadError, Reader, Registry, Source, Start, Stream};
use link::context::Settings;
use link::{Context, Direction, Policy, Wiring};
use media::ts::framer::Framer;
use media::{Frame, TsChunk};
use model::{Label, Protocol, StreamName};
use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// How long anything may take on a busy machine.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

pub(crate) struct Host {
    pub(crate) context: Context,
    feeders: Vec<AbortOnDropHandle<()>>,
}

impl Host {
    pub(crate) fn start() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let registry = Registry::new(hub::Settings::default());
        let context = Context::new(registry, CancellationToken::new(), settings);
        Self {
            context,
            feeders: Vec::new(),
        }
    }

    pub(crate) fn stream(&self, name: &str) -> Option<Arc<Stream>> {
        self.context.registry().get(name)
    }

    /// A stream that FFmpeg feeds in real time: what it is told after its usual options.
    pub(crate) fn feed(&mut self, name: &str, line: &'static str) -> Arc<Stream> {
        self.feed_by("camera", name, line)
    }

    /// As [`Host::feed`], by a source of that name.
    pub(crate) fn feed_by(&mut self, id: &str, name: &str, line: &'static str) -> Arc<Stream> {
        let name: StreamName = name.parse().unwrap();
        let stream = self.context.registry().declare(&name, None).unwrap();
        let source = stream.connect_source(&label(id), Protocol::Test, None);
        let mut arguments: Vec<_> = words(QUIET).collect();
        arguments.extend(words(line));
        arguments.extend(words(
            "-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 pipe:1",
        ));
        let job = Job::new(self.context.children(), "camera", name.as_str());
        let ffmpeg = job.start(arguments, Stdio::null()).unwrap();
        let feeding = tokio::spawn(pump(ffmpeg, source.unwrap()));
        self.feeders.push(AbortOnDropHandle::new(feeding));
        stream
    }

    pub(crate) fn wiring(&self, stream: &Arc<Stream>) -> Wiring {
        Wiring {
            context: self.context.clone(),
            stream: stream.clone(),
            label: label("stage"),
            direction: Direction::In,
            retry: Policy::default(),
        }
    }

    /// The number of the one child that is for this.
    pub(crate) async fn child(&self, what: &str) -> u32 {
        let mut found = None;
        until(what, || {
            let all = self.context.children().list();
            found = all.iter().find(|it| it.what == what).map(|it| it.pid);
            found.is_some()
        })
        .await;
        found.unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.context.shutdown().cancel();
    }
}

async fn pump(mut ffmpeg: ffmpeg::Ffmpeg, mut source: Source) {
    let (mut framer, mut block) = (Framer::stream(), BytesMut::new());
    let mut runs: Vec<Bytes> = Vec::new();
    while let Ok(1..) = ffmpeg.read(&mut block).await {
        framer.push(block.split().freeze(), &mut runs);
        source.push_ts(runs.drain(..));
    }
}

pub(crate) fn label(text: &str) -> Label {
    text.parse().unwrap()
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

pub(crate) fn signal(pid: u32, name: &str) {
    let mut kill = std::process::Command::new("kill");
    let sent = kill.arg(format!("-{name}")).arg(pid.to_string()).status();
    assert!(sent.unwrap().success());
}

/// The pictures of a stream, as they come; none is lost while nobody looks.
pub(crate) struct Pictures {
    coming: mpsc::UnboundedReceiver<Frame>,
    _task: AbortOnDropHandle<()>,
}

impl Pictures {
    pub(crate) fn of(stream: &Arc<Stream>) -> Self {
        let mut reader = stream.read_frames(Start::Live);
        let (sender, coming) = mpsc::unbounded_channel();
        let reading = async move {
            loop {
                let frame = match reader.recv().await {
                    Ok(frame) => frame,
                    Err(ReadError::Lagged(_)) => continue,
                    Err(ReadError::Closed) => return,
                };
                let track = frame.tracks.get(frame.track).unwrap();
                if track.codec.is_video() && sender.send(frame).is_err() {
                    return;
                }
            }
        };
        Self {
            coming,
            _task: AbortOnDropHandle::new(tokio::spawn(reading)),
        }
    }

    pub(crate) async fn next(&mut self) -> Frame {
        within(self.coming.recv()).await.unwrap()
    }

    /// Presentation times of what comes, from the first key frame on, and which are key frames.
    pub(crate) async fn times(&mut self, count: usize) -> (BTreeSet<i64>, BTreeSet<i64>) {
        let (mut all, mut keys) = (BTreeSet::new(), BTreeSet::new());
        while all.len() < count {
            let frame = self.next().await;
            if frame.random_access {
                keys.insert(frame.pts.0);
            }
            if !keys.is_empty() {
                all.insert(frame.pts.0);
            }
        }
        (all, keys)
    }
}

/// Records a stream's packets for a while of its own time.
pub(crate) async fn record(stream: &Arc<Stream>, packets: usize) -> Vec<u8> {
    let mut reader: Reader<TsChunk> = stream.read_ts(Start::RandomAccess);
    let mut all = Vec::new();
    while all.len() < packets * 188 {
        all.extend_from_slice(&within(reader.recv()).await.unwrap().data);
    }
    all
}

/// What FFmpeg makes of these bytes, and what it says about them.
pub(crate) async fn ffmpeg(input: &[u8], arguments: &str) -> (Vec<u8>, String) {
    let mut command = tokio::process::Command::new("ffmpeg");
    command.args(["-hide_banner", "-nostdin", "-nostats"]);
    command.args(arguments.split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = async move {
        let _ = stdin.write_all(input).await;
    };
    let (output, ()) = within(async { tokio::join!(child.wait_with_output(), writing) }).await;
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments}: {said}");
    (output.stdout, said)
}
