//! What the viewers of one stream see: its pictures as they are, or what FFmpeg makes of its video.

use super::feeds::Feeds;
use super::transcode;
use bytes::Bytes;
use hub::{Form, ReadError, Reader, Start, Stream};
use media::{Codec, Frame};
use model::Refusal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A feed that nobody watches ends after this long, and its FFmpeg with it.
pub(super) const IDLE: Duration = Duration::from_secs(10);

/// How often something is looked at that cannot be waited for.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// Frames taken at a time.
const BATCH: usize = 64;

/// What viewers see now.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// No picture yet.
    Nothing,
    /// The newest.
    Picture(Shot),
    /// None will come.
    Refused(Refusal),
    /// None will come, since FFmpeg cannot make any.
    Failed(String),
}

/// One picture, made once for all viewers.
#[derive(Debug, Clone)]
pub(super) struct Shot {
    /// Counts the pictures of a feed.
    pub(super) number: u64,
    /// The headers of its part.
    pub(super) head: Bytes,
    /// The picture.
    pub(super) data: Bytes,
}

/// Shows a picture; who watches skips those that came before.
pub(super) fn show(to: &watch::Sender<Shown>, data: Bytes) {
    to.send_modify(|shown| {
        let number = match shown {
            Shown::Picture(last) => last.number + 1,
            _ => 0,
        };
        let length = data.len();
        let head = format!("Content-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
        let head = head.into();
        *shown = Shown::Picture(Shot { number, head, data });
    });
}

/// What a stream carries.
enum Carries {
    Pictures,
    Video,
}

/// Runs until the stream ends, or cannot be shown.
pub(super) async fn run(feeds: &Feeds, stream: &Arc<Stream>, to: &watch::Sender<Shown>) {
    loop {
        match carries(stream).await {
            Some(Carries::Pictures) => {
                if pass_on(stream, to).await.is_none() {
                    return;
                }
            }
            Some(Carries::Video) => {
                let ended = tokio::select! {
                    ended = transcode::run(feeds, stream, to) => ended,
                    () = pictures_come(stream) => continue,
                };
                if let Err(refused) = ended {
                    to.send_replace(refused);
                }
                return;
            }
            None => return,
        }
    }
}

/// What a stream carries, once that is known; none if it ends before.
async fn carries(stream: &Arc<Stream>) -> Option<Carries> {
    let mut frames: Option<Reader<Frame>> = None;
    loop {
        match (stream.form(), &mut frames) {
            (Some(Form::Ts), _) => return Some(Carries::Video),
            (Some(Form::Frames), Some(frames)) => match next_video(frames).await? {
                (_, true) => return Some(Carries::Pictures),
                (_, false) => return Some(Carries::Video),
            },
            (Some(Form::Frames), frames) => *frames = Some(stream.read_frames(Start::RandomAccess)),
            (None, _) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// The next frame of video, and whether it is a JPEG picture; none at the end.
async fn next_video(frames: &mut Reader<Frame>) -> Option<(Frame, bool)> {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        match frames.recv_many(&mut batch, BATCH).await {
            Ok(_) => {}
            Err(ReadError::Lagged(_)) => continue,
            Err(ReadError::Closed) => return None,
        }
        // The newest is all that matters.
        for frame in batch.drain(..).rev() {
            let codec = frame.tracks.get(frame.track).map(|track| &track.codec);
            match codec {
                Some(Codec::Mjpeg { .. }) => return Some((frame, true)),
                Some(other) if other.is_video() => return Some((frame, false)),
                _ => {}
            }
        }
    }
}

/// Shows the stream's own pictures, until other video takes their place; none at the end.
async fn pass_on(stream: &Arc<Stream>, to: &watch::Sender<Shown>) -> Option<()> {
    let mut frames = stream.read_frames(Start::RandomAccess);
    while let (frame, true) = next_video(&mut frames).await? {
        show(to, frame.payload);
    }
    Some(())
}

/// Resolves when a source of pictures goes on air in a stream that had other video.
async fn pictures_come(stream: &Arc<Stream>) {
    if stream.form() == Some(Form::Frames) {
        let mut frames = stream.read_frames(Start::Live);
        loop {
            match next_video(&mut frames).await {
                Some((_, true)) => return,
                Some((_, false)) => {}
                None => break,
            }
        }
    }
    std::future::pending().await
}
