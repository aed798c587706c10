//! Chunks in, messages out.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::header::{BasicHeader, MAX_LEN, MessageHeader};
use super::{DEFAULT_CHUNK_SIZE, Error, MAX_CHUNK_SIZE};
use crate::message::{Kind, Message};

/// What one partial message gets on the strength of its announced length alone; the rest grows
/// as bytes arrive, so that a peer cannot take memory with headers.
const TRUSTED_LEN: usize = 1 << 20;
/// Queued pieces above which they are joined, so that one-byte reads cost no more than bytes.
const MAX_PIECES: usize = 64;

/// How much a peer may make a [`Decoder`] hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes; at most 2^24 - 1 can be announced anyway.
    pub max_message_len: usize,
    /// Chunk streams a connection may use. Peers in the field use three to eight.
    pub max_chunk_streams: usize,
    /// Bytes of unfinished messages, of all chunk streams together.
    pub max_unfinished: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_len: 8 << 20,
            max_chunk_streams: 64,
            max_unfinished: 16 << 20,
        }
    }
}

/// Reassembles messages, each chunk stream on its own, so that interleaving is no matter.
///
/// A message that lies in one chunk and in one piece of input is a view of that piece; any other
/// is copied once (above 1 MiB it may be moved as it grows). Set Chunk Size and Abort are obeyed
/// here, and not handed on.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    chunk_size: usize,
    input: VecDeque<Bytes>,
    queued: usize,
    streams: Vec<Stream>,
    /// The chunk whose payload is being read.
    chunk: Option<Chunk>,
    /// Sum of the partial messages' reserved bytes.
    unfinished: usize,
}

/// What a chunk stream remembers from header to header.
#[derive(Debug)]
struct Stream {
    csid: u32,
    /// The last timestamp field, absolute or difference, as type 3 repeats it.
    field: u32,
    extended: bool,
    timestamp_ms: u32,
    len: usize,
    kind: u8,
    stream_id: u32,
    /// Set from a message's first chunk to its last, unless that is the same.
    partial: Option<BytesMut>,
    reserved: usize,
}

#[derive(Debug, Clone, Copy)]
struct Chunk {
    /// Index into the chunk streams.
    stream: usize,
    /// Payload bytes that are still to come.
    left: usize,
}

impl Decoder {
    /// A decoder at the start of a connection, right behind the handshake.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            chunk_size: DEFAULT_CHUNK_SIZE as usize,
            input: VecDeque::new(),
            queued: 0,
            streams: Vec::new(),
            chunk: None,
            unfinished: 0,
        }
    }

    /// Changes the limits for what is announced from here on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The chunk size the peer set last, in bytes.
    pub fn chunk_size(&self) -> usize {
        self.chunk_size
    }

    /// Bytes pushed and not yet looked at.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Appends what was read from the peer.
    pub fn push(&mut self, input: Bytes) {
        if input.is_empty() {
            return;
        }
        self.queued += input.len();
        self.input.push_back(input);
        if self.input.len() > MAX_PIECES {
            let mut joined = BytesMut::with_capacity(self.queued);
            for piece in self.input.drain(..) {
                joined.extend_from_slice(&piece);
            }
            self.input.push_back(joined.freeze());
        }
    }

    /// The next whole message; `None` until more is pushed.
    ///
    /// After an error the connection is to be closed.
    pub fn poll(&mut self) -> Result<Option<Message>, Error> {
        loop {
            let chunk = match self.chunk {
                Some(chunk) => chunk,
                None => match self.read_header()? {
                    Some(chunk) => chunk,
                    None => return Ok(None),
                },
            };
            let Some(message) = self.read_payload(chunk)? else {
                if self.chunk.is_some() {
                    return Ok(None);
                }
                continue;
            };
            match message.kind {
                Kind::SetChunkSize => self.set_chunk_size(&message)?,
                Kind::Abort => self.abort(&message)?,
                _ => return Ok(Some(message)),
            }
        }
    }

    /// Reads a chunk's header once it is all there.
    fn read_header(&mut self) -> Result<Option<Chunk>, Error> {
        let mut scratch = [0; MAX_LEN];
        let head = self.peek(&mut scratch);
        let Some((basic, basic_len)) = BasicHeader::parse(head) else {
            return Ok(None);
        };
        let rest = head.get(basic_len..).unwrap_or_default();
        let index = self
            .streams
            .iter()
            .position(|stream| stream.csid == basic.csid);
        let (stream, header_len) = match (index, basic.fmt) {
            (Some(index), 3) => {
                let Some(extended_len) = self.streams[index].repeat(rest) else {
                    return Ok(None);
                };
                (index, extended_len)
            }
            (None, fmt @ 2..) => {
                return Err(Error::NothingBefore {
                    csid: basic.csid,
                    fmt,
                });
            }
            (index, fmt) => {
                let Some((header, len)) = MessageHeader::parse(fmt, rest) else {
                    return Ok(None);
                };
                let index = match index {
                    Some(index) => index,
                    None => self.open(basic.csid)?,
                };
                self.streams[index].apply(header)?;
                (index, len)
            }
        };
        self.advance(basic_len + header_len);
        let stream_state = &self.streams[stream];
        if stream_state.len > self.limits.max_message_len {
            return Err(Error::MessageTooLong {
                csid: stream_state.csid,
                len: stream_state.len,
                max: self.limits.max_message_len,
            });
        }
        let chunk = Chunk {
            stream,
            left: stream_state.missing().min(self.chunk_size),
        };
        self.chunk = Some(chunk);
        Ok(Some(chunk))
    }

    /// Reads what is there of a chunk's payload; a message if that completes one.
    ///
    /// `self.chunk` is left set if bytes of the chunk are missing.
    fn read_payload(&mut self, chunk: Chunk) -> Result<Option<Message>, Error> {
        let stream = &mut self.streams[chunk.stream];
        if stream.partial.is_none() && chunk.left == stream.len {
            let whole = match self.input.front_mut() {
                _ if stream.len == 0 => Some(Bytes::new()),
                Some(front) if front.len() >= stream.len => Some(front.split_to(stream.len)),
                _ => None,
            };
            if let Some(payload) = whole {
                let message = stream.message(payload);
                self.queued -= message.payload.len();
                self.drop_spent();
                self.chunk = None;
                return Ok(Some(message));
            }
        }
        let left = self.copy_payload(chunk)?;
        if left > 0 {
            self.chunk = Some(Chunk { left, ..chunk });
            return Ok(None);
        }
        self.chunk = None;
        let stream = &mut self.streams[chunk.stream];
        if stream.missing() > 0 {
            return Ok(None);
        }
        self.unfinished -= std::mem::take(&mut stream.reserved);
        let payload = stream.partial.take().unwrap_or_default().freeze();
        Ok(Some(stream.message(payload)))
    }

    /// Appends queued bytes to the chunk stream's partial message; returns how many are missing.
    fn copy_payload(&mut self, chunk: Chunk) -> Result<usize, Error> {
        let mut left = chunk.left;
        while let Some(front) = self.input.front_mut() {
            let stream = &mut self.streams[chunk.stream];
            let partial = stream.partial.get_or_insert_default();
            let wanted = left.min(front.len());
            if partial.len() + wanted > stream.reserved || stream.reserved == 0 {
                let reserved = (stream.reserved * 2)
                    .max(TRUSTED_LEN)
                    .max(partial.len() + wanted)
                    .min(stream.len);
                self.unfinished += reserved - stream.reserved;
                stream.reserved = reserved;
                if self.unfinished > self.limits.max_unfinished {
                    return Err(Error::TooMuchUnfinished {
                        max: self.limits.max_unfinished,
                    });
                }
                partial.reserve(reserved - partial.len());
            }
            partial.extend_from_slice(&front.split_to(wanted));
            self.queued -= wanted;
            left -= wanted;
            self.drop_spent();
            if left == 0 {
                break;
            }
        }
        Ok(left)
    }

    fn open(&mut self, csid: u32) -> Result<usize, Error> {
        if self.streams.len() >= self.limits.max_chunk_streams {
            return Err(Error::TooManyStreams {
                csid,
                max: self.limits.max_chunk_streams,
            });
        }
        self.streams.push(Stream {
            csid,
            field: 0,
            extended: false,
            timestamp_ms: 0,
            len: 0,
            kind: 0,
            stream_id: 0,
            partial: None,
            reserved: 0,
        });
        Ok(self.streams.len() - 1)
    }

    fn set_chunk_size(&mut self, message: &Message) -> Result<(), Error> {
        let size = control_word(message)?;
        if size == 0 || size > MAX_CHUNK_SIZE {
            return Err(Error::ChunkSize(size));
        }
        self.chunk_size = size as usize;
        Ok(())
    }

    fn abort(&mut self, message: &Message) -> Result<(), Error> {
        let csid = control_word(message)?;
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.csid == csid) {
            stream.partial = None;
            self.unfinished -= std::mem::take(&mut stream.reserved);
        }
        Ok(())
    }

    /// Copies the first queued bytes to `scratch`, and returns as much of it as there were.
    fn peek<'a>(&self, scratch: &'a mut [u8; MAX_LEN]) -> &'a [u8] {
        let mut len = 0;
        for piece in &self.input {
            let Some(space) = scratch.get_mut(len..).filter(|space| !space.is_empty()) else {
                break;
            };
            let take = space.len().min(piece.len());
            space[..take].copy_from_slice(&piece[..take]);
            len += take;
        }
        &scratch[..len]
    }

    /// Drops `count` queued bytes, which are there.
    fn advance(&mut self, mut count: usize) {
        self.queued -= count;
        while let Some(front) = self.input.front_mut().filter(|_| count > 0) {
            let take = count.min(front.len());
            front.advance(take);
            count -= take;
            self.drop_spent();
        }
    }

    fn drop_spent(&mut self) {
        if self.input.front().is_some_and(Bytes::is_empty) {
            self.input.pop_front();
        }
    }
}

impl Stream {
    /// Takes over a header of type 0 to 2, which begins a message.
    fn apply(&mut self, header: MessageHeader) -> Result<(), Error> {
        if self.partial.is_some() {
            return Err(Error::Unfinished {
                csid: self.csid,
                missing: self.missing(),
            });
        }
        self.field = header.timestamp;
        self.extended = header.extended;
        if let Some((len, kind)) = header.shape {
            (self.len, self.kind) = (len, kind);
        }
        self.timestamp_ms = match header.stream_id {
            Some(stream_id) => {
                self.stream_id = stream_id;
                header.timestamp
            }
            None => self.timestamp_ms.wrapping_add(header.timestamp),
        };
        Ok(())
    }

    /// Takes over a header of type 3, given the bytes behind it; returns how many of them were
    /// its extended timestamp, or `None` if more are needed to tell.
    ///
    /// Where the last header was extended, so is type 3 (RTMP 1.0 §5.3.1.3), but older encoders
    /// leave it out on the later chunks of a message. There the bytes themselves decide: they
    /// repeat the field, or (some encoders) the absolute time, or are payload.
    fn repeat(&mut self, rest: &[u8]) -> Option<usize> {
        if self.partial.is_none() {
            let mut used = 0;
            if self.extended {
                self.field = u32::from_be_bytes(*rest.first_chunk::<4>()?);
                used = 4;
            }
            // The field of a type 0 header counts as difference here: RTMP 1.0 §5.3.1.2.4.
            self.timestamp_ms = self.timestamp_ms.wrapping_add(self.field);
            return Some(used);
        }
        if !self.extended {
            return Some(0);
        }
        let forms = [self.field.to_be_bytes(), self.timestamp_ms.to_be_bytes()];
        match rest.first_chunk::<4>() {
            Some(bytes) if forms.contains(bytes) => Some(4),
            Some(_) => Some(0),
            None if forms.iter().any(|form| form.starts_with(rest)) => None,
            None => Some(0),
        }
    }

    /// Bytes the message is short of.
    fn missing(&self) -> usize {
        self.len - self.partial.as_ref().map_or(0, BytesMut::len)
    }

    fn message(&self, payload: Bytes) -> Message {
        Message {
            kind: Kind::from(self.kind),
            timestamp_ms: self.timestamp_ms,
            stream_id: self.stream_id,
            payload,
        }
    }
}

/// The four bytes that Set Chunk Size and Abort consist of.
fn control_word(message: &Message) -> Result<u32, Error> {
    message
        .payload
        .first_chunk::<4>()
        .map(|bytes| u32::from_be_bytes(*bytes))
        .ok_or_else(|| Error::ShortControl {
            kind: message.kind.id(),
            len: message.payload.len(),
        })
}
