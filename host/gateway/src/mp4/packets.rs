//! The transport stream of one viewer, beginning with its tables.

use super::feed::Step;
use bytes::{Bytes, BytesMut};
use hub::{ReadError, Reader, Start, Viewer};
use media::TsChunk;
use media::hls::Tables;
use media::ts::packet::Packet;
use std::time::Duration;

/// Chunks taken at a time.
const BATCH: usize = 64;

/// What is held back of a stream whose tables do not come.
const MAX_HELD_BYTES: usize = 4 << 20;

/// Reads the packets of a stream for one viewer.
pub(super) struct Packets {
    viewer: Viewer,
    reader: Reader<TsChunk>,
    batch: Vec<TsChunk>,
    /// What was held back for the tables, behind them.
    begin: Vec<Step>,
}

impl Packets {
    /// Begins at the newest random access point; `None` if there is none in time, or no tables
    /// behind it.
    ///
    /// A decoder needs the tables first, but they lie anywhere in a transport stream: those behind
    /// the random access point are put in front of it.
    pub(super) async fn begin(viewer: Viewer, patience: Duration) -> Option<Self> {
        let mut packets = Self {
            reader: viewer.stream().read_ts(Start::RandomAccess),
            viewer,
            batch: Vec::with_capacity(BATCH),
            begin: Vec::new(),
        };
        packets.begin = tokio::time::timeout(patience, packets.until_tables())
            .await
            .ok()??;
        Some(packets)
    }

    pub(super) const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The next steps; `None` once the stream has ended. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Vec<Step>> {
        if !self.begin.is_empty() {
            return Some(std::mem::take(&mut self.begin));
        }
        if self.batch.is_empty() && !self.fill().await {
            return None;
        }
        let steps = self.batch.drain(..).map(|chunk| Step::Part(chunk.data));
        Some(steps.collect())
    }

    async fn until_tables(&mut self) -> Option<Vec<Step>> {
        let (mut tables, mut held, mut bytes) = (Tables::default(), vec![Bytes::new()], 0);
        while !tables.are_known() {
            if bytes > MAX_HELD_BYTES || !self.fill().await {
                return None;
            }
            for chunk in self.batch.drain(..) {
                for packet in Packet::iter(&chunk.data) {
                    tables.push(packet);
                }
                bytes += chunk.data.len();
                held.push(chunk.data);
            }
        }
        let mut first = BytesMut::new();
        tables.write(&mut first);
        if let Some(place) = held.first_mut() {
            *place = first.freeze();
        }
        Some(held.into_iter().map(Step::Part).collect())
    }

    /// Waits for chunks; false once the stream has ended.
    async fn fill(&mut self) -> bool {
        loop {
            match self.reader.recv_many(&mut self.batch, BATCH).await {
                Ok(_) => return true,
                Err(ReadError::Lagged(lost)) => self.viewer.lost(lost),
                Err(ReadError::Closed) => return false,
            }
        }
    }
}
