//! Messages in, chunks out, for one connection.

use bytes::{BufMut, BytesMut};

use super::header::{BasicHeader, EXTENDED};
use super::{DEFAULT_CHUNK_SIZE, MAX_CHUNK_SIZE};
use crate::message::{Control, Message};
use crate::wire;

/// Cuts messages into chunks, with the shortest headers that what went before allows.
///
/// It must see every message of its chunk streams. Media that many players share is encoded
/// without such a memory, and on chunk streams of its own: [`crate::wire`].
#[derive(Debug)]
pub struct Encoder {
    chunk_size: u32,
    streams: Vec<Previous>,
}

#[derive(Debug)]
struct Previous {
    csid: u32,
    timestamp_ms: u32,
    /// The last difference; none behind a type 0 header, where peers disagree on what type 3
    /// then repeats (zero for nginx-rtmp, the timestamp for the specification).
    delta: Option<u32>,
    len: usize,
    kind: u8,
    stream_id: u32,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK_SIZE,
            streams: Vec::new(),
        }
    }
}

impl Encoder {
    /// An encoder at the start of a connection: 128-byte chunks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The chunk size in force, in bytes.
    pub fn chunk_size(&self) -> u32 {
        self.chunk_size
    }

    /// Tells the peer a new chunk size, and uses it from there on. Clamped to the legal range.
    pub fn set_chunk_size(&mut self, size: u32, out: &mut BytesMut) -> Result<(), wire::Error> {
        let size = size.clamp(1, MAX_CHUNK_SIZE);
        self.encode(
            wire::CSID_CONTROL,
            &Control::SetChunkSize(size).to_message(),
            out,
        )?;
        self.chunk_size = size;
        Ok(())
    }

    /// Appends the chunks of `message` to `out`, on chunk stream `csid` (2 to 65599).
    pub fn encode(
        &mut self,
        csid: u32,
        message: &Message,
        out: &mut BytesMut,
    ) -> Result<(), wire::Error> {
        let len = wire::message_len(message.payload.len())?;
        let (fmt, field) = self.choose(csid, message);
        let extended = (field >= EXTENDED).then_some(field);
        out.reserve(len as usize + 18);
        BasicHeader { fmt, csid }.write(out);
        if fmt < 3 {
            out.put_uint(u64::from(field.min(EXTENDED)), 3);
        }
        if fmt < 2 {
            out.put_uint(u64::from(len), 3);
            out.put_u8(message.kind.id());
        }
        if fmt == 0 {
            out.put_u32_le(message.stream_id);
        }
        wire::put_body(
            out,
            csid,
            extended,
            message.payload.clone(),
            self.chunk_size,
        );
        Ok(())
    }

    /// The shortest header type for `message`, and its timestamp field.
    fn choose(&mut self, csid: u32, message: &Message) -> (u8, u32) {
        let next = Previous {
            csid,
            timestamp_ms: message.timestamp_ms,
            delta: None,
            len: message.payload.len(),
            kind: message.kind.id(),
            stream_id: message.stream_id,
        };
        let Some(previous) = self
            .streams
            .iter_mut()
            .find(|previous| previous.csid == csid)
        else {
            self.streams.push(next);
            return (0, message.timestamp_ms);
        };
        let last = std::mem::replace(previous, next);
        let Some(delta) = message
            .timestamp_ms
            .checked_sub(last.timestamp_ms)
            .filter(|_| last.stream_id == message.stream_id)
        else {
            return (0, message.timestamp_ms);
        };
        previous.delta = Some(delta);
        let same_shape = last.len == message.payload.len() && last.kind == message.kind.id();
        match (same_shape, last.delta == Some(delta)) {
            (false, _) => (1, delta),
            (true, false) => (2, delta),
            (true, true) => (3, delta),
        }
    }
}
