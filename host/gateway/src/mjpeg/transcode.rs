//! One FFmpeg that makes pictures of a stream's video, for all who watch it so.

use super::View;
use super::feed::{Shown, show};
use super::feeds::Feeds;
use ffmpeg::{Input, Job, QUIET, words};
use hub::{ReadError, Start, Stream};
use link::LinkError;
use media::TsChunk;
use media::jpeg::{self, Splitter};
use model::Refusal;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

/// Tries in a row without a single picture before it is given up.
const TRIES: u32 = 4;

/// The wait after the first of them; doubled with each.
const PAUSE: Duration = Duration::from_millis(500);

/// Chunks taken at a time.
const BATCH: usize = 64;

/// Runs until the stream ends; what viewers are told otherwise.
pub(super) async fn run(
    feeds: &Feeds,
    stream: &Arc<Stream>,
    to: &watch::Sender<Shown>,
) -> Result<(), Shown> {
    let settings = &feeds.settings;
    let limit = settings.view.max_streams;
    let _place = feeds.decoders.clone().try_acquire_owned().map_err(|_| {
        let what = "streams shown as MJPEG by FFmpeg";
        Shown::Refused(Refusal::Overloaded { what, limit })
    })?;
    let limits = jpeg::Limits {
        bytes: settings.max_frame_bytes,
        ..jpeg::Limits::default()
    };
    let (mut failed, mut pause) = (0, PAUSE);
    loop {
        let mut pictures = 0;
        let why = match convert(feeds, stream, limits, to, &mut pictures).await {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        (failed, pause) = match pictures {
            0 => (failed + 1, pause * 2),
            _ => (0, PAUSE),
        };
        if failed >= TRIES {
            return Err(Shown::Failed(why.to_string()));
        }
        tracing::warn!(stream = %stream.name(), code = why.code(), "MJPEG view: {why}");
        tokio::time::sleep(pause).await;
    }
}

/// One FFmpeg, until it ends, which is an error, or the stream does.
async fn convert(
    feeds: &Feeds,
    stream: &Arc<Stream>,
    limits: jpeg::Limits,
    to: &watch::Sender<Shown>,
    pictures: &mut u64,
) -> Result<(), LinkError> {
    let job = Job::new(
        feeds.context.children(),
        "MJPEG view",
        stream.name().as_str(),
    );
    let mut ffmpeg = job.start(arguments(&feeds.settings.view), Stdio::piped())?;
    let stdin = ffmpeg.stdin()?;
    let mut splitter = Splitter::new(limits);
    let reading = async {
        loop {
            match ffmpeg.read(splitter.buffer()).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return None,
            }
            loop {
                match splitter.poll_picture() {
                    Ok(Some((_, data))) => {
                        *pictures += 1;
                        show(to, data);
                    }
                    Ok(None) => break,
                    Err(error) => return Some(error),
                }
            }
        }
    };
    let wrong = tokio::select! {
        wrong = reading => wrong,
        () = feed(stream, stdin) => {
            ffmpeg.end().await;
            return Ok(());
        }
    };
    match wrong {
        Some(error) => {
            ffmpeg.end().await;
            Err(LinkError::Passing(format!("what ffmpeg made: {error}")))
        }
        None => Err(ffmpeg.explain().await.into()),
    }
}

/// Writes the stream's packets until it ends. Whether FFmpeg takes them shows on its other side.
async fn feed(stream: &Arc<Stream>, mut stdin: Input) {
    let mut reader = stream.read_ts(Start::RandomAccess);
    let mut batch: Vec<TsChunk> = Vec::with_capacity(BATCH);
    loop {
        match reader.recv_many(&mut batch, BATCH).await {
            Ok(_) => {}
            // Slower than the stream: it goes on at a key frame.
            Err(ReadError::Lagged(_)) => continue,
            Err(ReadError::Closed) => return,
        }
        for chunk in batch.drain(..) {
            if stdin.write_all(&chunk.data).await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

/// FFmpeg's arguments: the first video of a transport stream, at most so many pictures a second,
/// each as soon as it is there. Nothing of them is a stranger's text.
fn arguments(view: &View) -> Vec<String> {
    let mut arguments: Vec<_> = words(QUIET).collect();
    arguments.extend(words(
        "-protocol_whitelist pipe -fflags nobuffer -flags low_delay",
    ));
    arguments.extend(words(
        "-probesize 500000 -analyzeduration 500000 -f mpegts -i pipe:0 -map 0:v:0 -an -sn -dn -vf",
    ));
    let interval_ms = 1000 / view.fps.clamp(1, 30);
    // A little earlier than the interval, or a source of that very rate would lose every other one.
    let wait = f64::from(interval_ms) / 1000.0 * 0.9;
    let mut filter =
        format!("select='isnan(prev_selected_t)+gte(abs(t-prev_selected_t),{wait:.4})'");
    if let Some(width) = view.width {
        filter += &format!(",scale='min({width},iw)':-2");
    }
    filter += ",format=yuvj420p";
    arguments.push(filter);
    let quantizer = 2 + (100 - u32::from(view.quality.clamp(1, 100))) * 29 / 99;
    arguments.extend(words("-fps_mode passthrough -c:v mjpeg -q:v"));
    arguments.push(quantizer.to_string());
    arguments.extend(words("-f mjpeg -flush_packets 1 pipe:1"));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmpeg_reads_a_pipe_and_bounds_rate_and_size() {
        let view = View {
            width: Some(640),
            ..View::default()
        };
        assert_eq!(
            arguments(&view).join(" "),
            "-hide_banner -nostdin -nostats -loglevel warning -protocol_whitelist pipe \
             -fflags nobuffer -flags low_delay -probesize 500000 -analyzeduration 500000 \
             -f mpegts -i pipe:0 -map 0:v:0 -an -sn -dn \
             -vf select='isnan(prev_selected_t)+gte(abs(t-prev_selected_t),0.0900)',\
             scale='min(640,iw)':-2,format=yuvj420p -fps_mode passthrough -c:v mjpeg -q:v 7 \
             -f mjpeg -flush_packets 1 pipe:1"
        );
        let quantizer = |quality| {
            let view = View {
                quality,
                ..View::default()
            };
            let all = arguments(&view);
            let at = all.iter().position(|it| it == "-q:v").unwrap();
            all[at + 1].clone()
        };
        assert_eq!([quantizer(1), quantizer(100)], ["31", "2"]);
    }
}
