//! A source that an FFmpeg makes.

use crate::{LinkError, Session};
use bytes::{Bytes, BytesMut};
use ffmpeg::Ffmpeg;
use hub::Source;
use media::ts::framer::Framer;

/// Feeds the source with the transport stream that FFmpeg makes, until it ends, which is an error,
/// or the session does.
///
/// # Errors
/// Why FFmpeg ended.
pub async fn feed(
    mut ffmpeg: Ffmpeg,
    source: &mut Source,
    session: &Session,
) -> Result<(), LinkError> {
    session.live();
    let (mut framer, mut block) = (Framer::stream(), BytesMut::new());
    let mut runs: Vec<Bytes> = Vec::new();
    loop {
        let read = tokio::select! {
            read = ffmpeg.read(&mut block) => read,
            () = session.cancelled().cancelled() => {
                ffmpeg.end().await;
                return Ok(());
            }
        };
        match read {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(ffmpeg.explain().await.into()),
        }
        session.moved(block.len());
        framer.push(block.split().freeze(), &mut runs);
        source.push_ts(runs.drain(..));
    }
}
