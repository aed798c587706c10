//! Pictures as video: one FFmpeg encodes a stream's JPEG frames for a source of another stream.
//!
//! Where an input has a source of type `stream` and that stream carries JPEG, what it gets is
//! H.264 in a transport stream, which every other protocol carries or is made from.

use crate::context::Context;
use ffmpeg::{Input, Job, QUIET, words};
use hub::{ReadError, Reader, Source};
use link::{LinkError, Session};
use media::frame::Video;
use media::{Codec, Frame};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

/// Frames taken at a time.
const BATCH: usize = 16;

/// The size of a frame's picture, if it is JPEG.
pub(crate) fn picture_of(frame: &Frame) -> Option<Video> {
    match &frame.tracks.get(frame.track)?.codec {
        Codec::Mjpeg { video } => Some(*video),
        _ => None,
    }
}

/// Feeds the source with what FFmpeg makes of the pictures, beginning with `first`, until
/// something else comes, or pictures of another size: returns the frame that ended it.
pub(crate) async fn run(
    context: &Context,
    first: Frame,
    frames: &mut Reader<Frame>,
    source: &mut Source,
    session: &Session,
) -> Result<Option<Frame>, LinkError> {
    let job = Job::new(
        context.children(),
        "pictures to video",
        source.stream().name().as_str(),
    );
    let mut ffmpeg = job.start(arguments(), Stdio::piped())?;
    let stdin = ffmpeg.stdin()?;
    tokio::select! {
        ended = link::feed(ffmpeg, source, session) => ended.map(|()| None),
        ended = write(first, frames, stdin, session) => ended.map(Some),
    }
}

/// Writes pictures until one comes that the encoder was not begun for.
async fn write(
    first: Frame,
    frames: &mut Reader<Frame>,
    mut stdin: Input,
    session: &Session,
) -> Result<Frame, LinkError> {
    let size = picture_of(&first);
    let mut batch = vec![first];
    loop {
        for frame in batch.drain(..) {
            if picture_of(&frame) != size {
                return Ok(frame);
            }
            if stdin.write_all(&frame.payload).await.is_err() {
                // Why it ended is told on its other side.
                return std::future::pending().await;
            }
        }
        match frames.recv_many(&mut batch, BATCH).await {
            Ok(_) => {}
            Err(ReadError::Lagged(lost)) => session.dropped(lost),
            Err(ReadError::Closed) => return Err(LinkError::Ended),
        }
    }
}

/// FFmpeg's arguments: pictures as they come, each at the time of its arrival, a key frame every
/// two seconds at the latest, sides made even (4:2:0 needs that).
fn arguments() -> Vec<String> {
    let mut arguments: Vec<_> = words(QUIET).collect();
    arguments.extend(words(
        "-protocol_whitelist pipe -fflags nobuffer -probesize 32 -analyzeduration 0",
    ));
    arguments.extend(words(
        "-use_wallclock_as_timestamps 1 -f mjpeg -i pipe:0 -map 0:v:0",
    ));
    arguments.extend(words(
        "-vf scale=trunc(iw/2)*2:trunc(ih/2)*2:out_range=tv,format=yuv420p",
    ));
    arguments.extend(words("-fps_mode passthrough -enc_time_base 1:1000"));
    arguments.extend(words(
        "-c:v libx264 -preset veryfast -tune zerolatency -profile:v high -crf 23",
    ));
    arguments.extend(words("-maxrate 6M -bufsize 6M"));
    arguments.push("-force_key_frames".to_owned());
    arguments.push("expr:isnan(prev_forced_t)+gte(t,prev_forced_t+2)".to_owned());
    arguments.extend(words(
        "-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 pipe:1",
    ));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffmpeg_takes_pictures_as_they_come_and_makes_key_frames_by_time() {
        assert_eq!(
            arguments().join(" "),
            "-hide_banner -nostdin -nostats -loglevel warning -protocol_whitelist pipe \
             -fflags nobuffer -probesize 32 -analyzeduration 0 -use_wallclock_as_timestamps 1 \
             -f mjpeg -i pipe:0 -map 0:v:0 \
             -vf scale=trunc(iw/2)*2:trunc(ih/2)*2:out_range=tv,format=yuv420p \
             -fps_mode passthrough -enc_time_base 1:1000 \
             -c:v libx264 -preset veryfast -tune zerolatency -profile:v high -crf 23 \
             -maxrate 6M -bufsize 6M \
             -force_key_frames expr:isnan(prev_forced_t)+gte(t,prev_forced_t+2) \
             -f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1 pipe:1"
        );
    }
}
