//! Opus from AAC, which browsers do not take over WebRTC: one FFmpeg for a stream, shared by all
//! its viewers.

use super::feed::{Medium, Sample};
use crate::context::Context;
use bytes::BytesMut;
use ffmpeg::{Census, Ffmpeg, Input, Job, QUIET, words};
use link::LinkError;
use media::ogg::{OpusReader, Packet};
use media::ts::mux::{LEAD, Muxer};
use media::{Convert, Frame, Ticks90k, Tracks};
use model::StreamName;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Reads a transport stream without looking ahead, keeps its clock, fills its gaps with silence,
/// and writes each packet as it is made: a page holds 20 ms.
const ENCODE: &str = "-fflags nobuffer -analyzeduration 0 -probesize 4096 -copyts \
    -f mpegts -i pipe:0 -vn -af aresample=async=1000 -c:a libopus -ar 48000 -ac 2 -b:a 128k \
    -frame_duration 20 -f ogg -page_duration 20000 -flush_packets 1 pipe:1";

/// Frames that wait for FFmpeg: 5 s. Beyond it they are lost.
const WAITING: usize = 256;

/// Where FFmpeg's clock begins, so that nothing lies before 0.
const BEGIN: Ticks90k = Ticks90k(10 * 90_000);

/// Its clock wraps after 26.5 h (ISO/IEC 13818-1 §2.4.3.7); before that a new one takes over.
const LIFE: Ticks90k = Ticks90k(24 * 3600 * 90_000);

/// Between tries, doubled each time.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The encoder of a stream; ends when dropped.
#[derive(Debug)]
pub(super) struct Encoder {
    frames: mpsc::Sender<Frame>,
    _task: AbortOnDropHandle<()>,
}

/// How an encoder's life ended without a failure.
enum End {
    NoMore,
    OldAge,
}

impl Encoder {
    /// Starts one that hands over what it made.
    pub(super) fn start(context: &Context, stream: StreamName, made: mpsc::Sender<Sample>) -> Self {
        let (frames, waiting) = mpsc::channel(WAITING);
        let task = context
            .tasks()
            .spawn(run(context.children().clone(), stream, waiting, made));
        Self {
            frames,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Hands it a frame; lost if it does not keep up.
    pub(super) fn push(&self, frame: &Frame) {
        let _ = self.frames.try_send(frame.clone());
    }
}

async fn run(
    children: Census,
    stream: StreamName,
    mut frames: mpsc::Receiver<Frame>,
    made: mpsc::Sender<Sample>,
) {
    let mut pause = PAUSE;
    loop {
        let began = Instant::now();
        let job = Job::new(&children, "Opus", stream.as_str());
        let error = match encode(job, &mut frames, &made).await {
            Ok(End::NoMore) => return,
            Ok(End::OldAge) => continue,
            Err(error) => error,
        };
        if began.elapsed() > LONGEST_PAUSE {
            pause = PAUSE;
        }
        tracing::warn!(%stream, pause_ms = pause.as_millis() as u64, "no sound over WebRTC: {error}");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        // What waited is old.
        while frames.try_recv().is_ok() {}
    }
}

async fn encode(
    job: Job,
    frames: &mut mpsc::Receiver<Frame>,
    made: &mpsc::Sender<Sample>,
) -> Result<End, LinkError> {
    let Some(first) = frames.recv().await else {
        return Ok(End::NoMore);
    };
    let zero = first.pts - BEGIN;
    let mut ffmpeg = job.start(words(QUIET).chain(words(ENCODE)), Stdio::piped())?;
    let stdin = ffmpeg.stdin()?;
    let ended = tokio::select! {
        end = feed(stdin, first, frames, zero) => end,
        () = collect(&mut ffmpeg, made, zero) => None,
    };
    match ended {
        Some(end) => {
            ffmpeg.end().await;
            Ok(end)
        }
        None => Err(ffmpeg.explain().await.into()),
    }
}

/// None when FFmpeg takes no more.
async fn feed(
    mut stdin: Input,
    first: Frame,
    frames: &mut mpsc::Receiver<Frame>,
    zero: Ticks90k,
) -> Option<End> {
    let mut muxer = Muxer::new("Pointsman", "opus");
    let mut sound = Sound::default();
    let (mut chunks, mut bytes) = (Vec::new(), Vec::new());
    let mut next = Some(first);
    while let Some(frame) = next {
        if frame.pts - zero > LIFE {
            return Some(End::OldAge);
        }
        if let Some(frame) = sound.alone(frame, zero) {
            muxer.convert(SystemTime::now(), &frame, &mut chunks);
        }
        for chunk in chunks.drain(..) {
            bytes.extend_from_slice(&chunk.data);
        }
        stdin.write_all(&bytes).await.ok()?;
        bytes.clear();
        next = frames.recv().await;
    }
    Some(End::NoMore)
}

/// Until FFmpeg ends, or writes what is no Opus.
async fn collect(ffmpeg: &mut Ffmpeg, made: &mpsc::Sender<Sample>, zero: Ticks90k) {
    let (mut reader, mut block, mut packets) = (OpusReader::new(), BytesMut::new(), Vec::new());
    while let Ok(1..) = ffmpeg.read(&mut block).await {
        if reader.push(&block.split(), &mut packets).is_err() {
            return;
        }
        for packet in packets.drain(..) {
            if made.send(sample(packet, zero)).await.is_err() {
                return;
            }
        }
    }
}

fn sample(packet: Packet, zero: Ticks90k) -> Sample {
    let since = Ticks90k(packet.start.saturating_mul(15) / 8);
    Sample {
        medium: Medium::Audio,
        pts: since + zero - LEAD,
        key: false,
        data: packet.payload[..].into(),
    }
}

/// Frames of one track, on FFmpeg's clock.
#[derive(Default)]
struct Sound {
    of: Arc<Tracks>,
    tracks: Arc<Tracks>,
    begun: bool,
}

impl Sound {
    /// None for a frame of no track.
    fn alone(&mut self, mut frame: Frame, zero: Ticks90k) -> Option<Frame> {
        if !Arc::ptr_eq(&self.of, &frame.tracks) {
            let track = frame.tracks.get(frame.track)?.clone();
            let list = vec![track];
            if self.tracks.list != list {
                self.tracks = Arc::new(Tracks { list });
            }
            self.of = frame.tracks.clone();
        }
        frame.tracks = self.tracks.clone();
        frame.dts = frame.dts - zero;
        frame.pts = frame.pts - zero;
        // Tables come first, and then as often as in any transport stream.
        frame.random_access = !std::mem::replace(&mut self.begun, true);
        Some(frame)
    }
}
