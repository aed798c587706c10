//! The forms a stream can take, each an item of its own lane.

use crate::lane::Item;
use bytes::Bytes;
use media::{Frame, TsChunk};
use std::sync::Arc;

/// The form a stream's source fills; every other form is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Whole transport packets, bit-exact.
    Ts,
    /// Timestamped access units.
    Frames,
}

/// One RTMP message in wire form: encoded once, written by every player's socket as it is.
#[derive(Debug, Clone)]
pub struct RtmpMessage {
    /// What a player needs before its first message, and again whenever this pointer changes.
    pub preface: Arc<Preface>,
    /// The message's own timestamp, modulo 2^32 ms.
    pub timestamp_ms: u32,
    /// The chunks of the message.
    pub wire: Bytes,
    /// A key frame (or, without video, any audio message).
    pub random_access: bool,
    /// Sound beside pictures.
    pub can_wait: bool,
}

/// Metadata and sequence headers of an RTMP stream.
#[derive(Debug, Default)]
pub struct Preface(pub(crate) Vec<media::flv::Message>);

/// One HLS segment.
pub type Segment = Arc<media::hls::Segment>;

impl Item for TsChunk {
    fn bytes(&self) -> usize {
        self.data.len()
    }
    fn random_access(&self) -> bool {
        self.random_access
    }
}

impl Item for Frame {
    fn bytes(&self) -> usize {
        // Of one-byte frames that never meet a random access point, all else is the most.
        size_of::<Self>() + self.payload.len()
    }
    fn random_access(&self) -> bool {
        self.random_access
    }
}

impl Item for RtmpMessage {
    fn bytes(&self) -> usize {
        self.wire.len()
    }
    fn random_access(&self) -> bool {
        self.random_access
    }
    fn can_wait(&self) -> bool {
        self.can_wait
    }
}

impl Item for Segment {
    fn bytes(&self) -> usize {
        self.data.len()
    }
    fn random_access(&self) -> bool {
        true
    }
}
