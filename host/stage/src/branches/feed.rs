//! A stream's packets on their way into FFmpeg.

use bytes::BytesMut;
use ffmpeg::Input;
use hub::{ReadError, Start, Stream};
use media::TsChunk;
use media::hls::Tables;
use media::ts::packet::Packet;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;

/// Chunks taken at a time.
const BATCH: usize = 64;

/// What waits at most for the first tables: a second at 32 Mb/s.
const WAITING_BYTES: usize = 4 << 20;

/// Writes the stream's packets until it ends, from a random access point on, and its tables before
/// them: a decoder could not use that point without. Whether FFmpeg takes them shows on its other
/// side.
pub(super) async fn feed(stream: &Arc<Stream>, mut to: Input) {
    let mut reader = stream.read_ts(Start::RandomAccess);
    let mut batch: Vec<TsChunk> = Vec::with_capacity(BATCH);
    let mut opening = Some(Opening::default());
    loop {
        match reader.recv_many(&mut batch, BATCH).await {
            Ok(_) => {}
            // Slower than the stream: it goes on at a key frame.
            Err(ReadError::Lagged(_)) => continue,
            Err(ReadError::Closed) => return,
        }
        for chunk in batch.drain(..) {
            let written = match &mut opening {
                None => to.write_all(&chunk.data).await,
                Some(held) => match held.push(&chunk) {
                    None => continue,
                    Some(begin) => {
                        opening = None;
                        to.write_all(&begin).await
                    }
                },
            };
            if written.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

/// The first packets, until the tables are known.
#[derive(Default)]
struct Opening {
    tables: Tables,
    held: BytesMut,
}

impl Opening {
    /// What to begin with, once the tables are known.
    fn push(&mut self, chunk: &TsChunk) -> Option<BytesMut> {
        for packet in Packet::iter(&chunk.data) {
            self.tables.push(packet);
        }
        if self.held.len() + chunk.data.len() > WAITING_BYTES {
            self.held.clear();
        }
        self.held.extend_from_slice(&chunk.data);
        if !self.tables.are_known() {
            return None;
        }
        let mut begin = BytesMut::new();
        self.tables.write(&mut begin);
        begin.unsplit(std::mem::take(&mut self.held));
        Some(begin)
    }
}
