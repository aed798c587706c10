//! One key frame becomes one JPEG.

use bytes::{Bytes, BytesMut};
use ffmpeg::{Job, QUIET, words};
use hub::{ReadError, Start, Stream};
use media::frame::Codec;
use media::ts::mux::Muxer;
use media::{Convert, Frame, Tracks};
use model::StreamName;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncWriteExt;

/// A key frame is waited for so long: streams have one every few seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// What FFmpeg may take for one picture, its start included, on a busy machine.
const MAKING: Duration = Duration::from_secs(10);

/// No poster is larger.
const MAX_BYTES: usize = 2 << 20;

/// Why there is no poster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PosterError {
    /// No stream has this name.
    #[error("no stream is called {0}")]
    UnknownStream(StreamName),
    /// Nothing came that a picture could be made of.
    #[error("{stream} showed no key frame within {seconds} s")]
    NoPicture {
        /// The stream.
        stream: StreamName,
        /// How long one was waited for.
        seconds: u64,
    },
    /// Its pictures do not go through MPEG-TS, or are too large.
    #[error("no poster can be made of {codec}")]
    Unsuited {
        /// As [`Codec::name`].
        codec: &'static str,
    },
    /// FFmpeg made nothing of it.
    #[error(transparent)]
    Ffmpeg(#[from] ffmpeg::Error),
    /// FFmpeg was not done in time.
    #[error("ffmpeg took more than {seconds} s for a picture; this machine is overloaded")]
    TooSlow {
        /// How long it was waited for.
        seconds: u64,
    },
}

/// The newest key frame of a stream, or its next.
pub(super) async fn key_frame(stream: &Arc<Stream>) -> Result<Frame, PosterError> {
    let seeking = async {
        let mut reader = stream.read_frames(Start::RandomAccess);
        loop {
            match reader.recv().await {
                Ok(frame) if is_key(&frame) => return Some(frame),
                Ok(_) | Err(ReadError::Lagged(_)) => {}
                Err(ReadError::Closed) => return None,
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, seeking).await;
    found.ok().flatten().ok_or_else(|| PosterError::NoPicture {
        stream: stream.name().clone(),
        seconds: PATIENCE.as_secs(),
    })
}

fn is_key(frame: &Frame) -> bool {
    let track = frame.tracks.get(frame.track);
    frame.random_access && track.is_some_and(|track| track.codec.is_video())
}

/// A JPEG of it, at most so wide.
pub(super) async fn jpeg(job: Job, frame: Frame, width: u32) -> Result<Bytes, PosterError> {
    let codec = frame.tracks.get(frame.track).map(|track| &track.codec);
    let unsuited = PosterError::Unsuited {
        codec: codec.map_or("nothing", Codec::name),
    };
    if matches!(codec, Some(Codec::Mjpeg { .. })) {
        let fits = frame.payload.len() <= MAX_BYTES;
        return if fits {
            Ok(frame.payload)
        } else {
            Err(unsuited)
        };
    }
    let packets = packets_of(frame);
    if packets.is_empty() {
        return Err(unsuited);
    }
    let making = tokio::time::timeout(MAKING, decode(job, &packets, width)).await;
    let seconds = MAKING.as_secs();
    let made = making.map_err(|_| PosterError::TooSlow { seconds })??;
    if made.is_empty() || made.len() > MAX_BYTES {
        return Err(unsuited);
    }
    Ok(made)
}

/// The picture alone as a transport stream, which says how it is coded; empty if that cannot carry
/// it.
fn packets_of(mut frame: Frame) -> BytesMut {
    let list = frame.tracks.get(frame.track).cloned().into_iter().collect();
    frame.tracks = Arc::new(Tracks { list });
    let (mut muxer, mut chunks) = (Muxer::new("Pointsman", "poster"), Vec::new());
    muxer.convert(SystemTime::now(), &frame, &mut chunks);
    chunks
        .iter()
        .flat_map(|chunk| &chunk.data[..])
        .copied()
        .collect()
}

async fn decode(job: Job, packets: &[u8], width: u32) -> Result<Bytes, ffmpeg::Error> {
    let mut ffmpeg = job.start(arguments(width), Stdio::piped())?;
    let mut stdin = ffmpeg.stdin()?;
    let writing = async move {
        // Whether it takes them shows on its other side. Dropped, the pipe is at its end.
        let _ = stdin.write_all(packets).await;
    };
    let reading = async {
        let mut made = BytesMut::new();
        while made.len() <= MAX_BYTES && matches!(ffmpeg.read(&mut made).await, Ok(1..)) {}
        made
    };
    let (made, ()) = tokio::join!(reading, writing);
    if made.len() > MAX_BYTES {
        ffmpeg.end().await;
    } else {
        ffmpeg.finish().await?;
    }
    Ok(made.freeze())
}

fn arguments(width: u32) -> Vec<String> {
    let mut all: Vec<String> = words(QUIET).collect();
    all.extend(words(
        "-protocol_whitelist pipe -threads 1 -f mpegts -i pipe:0",
    ));
    all.extend(words("-map 0:v:0 -frames:v 1 -vf"));
    // As it is shown, whatever its samples look like.
    all.push(format!(
        "scale=trunc(iw*sar/2)*2:ih,setsar=1,scale='min({width},iw)':-2,format=yuvj420p"
    ));
    all.extend(words("-c:v mjpeg -threads 1 -q:v 5 -f mjpeg pipe:1"));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_picture_is_read_from_a_pipe_and_bounded_in_width() {
        assert_eq!(
            arguments(640).join(" "),
            "-hide_banner -nostdin -nostats -loglevel warning -protocol_whitelist pipe -threads 1 \
             -f mpegts -i pipe:0 -map 0:v:0 -frames:v 1 \
             -vf scale=trunc(iw*sar/2)*2:ih,setsar=1,scale='min(640,iw)':-2,format=yuvj420p \
             -c:v mjpeg -threads 1 -q:v 5 -f mjpeg pipe:1"
        );
    }
}
