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
    /// What a player must understand to be sent it.
    pub need: media::flv::Need,
    /// A key frame (or, without video, any audio message).
    pub random_access: bool,
    /// Sound beside pictures.
    pub can_wait: bool,
}

/// Metadata and sequence headers of an RTMP stream, for players of any abilities.
#[derive(Debug, Default)]
pub struct Preface {
    pub(crate) tracks: Arc<media::Tracks>,
}

/// The RTP packets of one access unit: made once, written by every player's socket as they are.
#[derive(Debug, Clone)]
pub struct RtpPackets {
    /// What they belong to; compare by pointer.
    pub session: Arc<RtpSession>,
    /// Which of its tracks.
    pub track: usize,
    /// Interleaved packets (RFC 2326 §10.12), RTP on channel `2 * track` and RTCP on the next;
    /// [`rtsp::message::interleaved`] takes them apart for who sends datagrams. A random access
    /// point begins with sender reports of all tracks, which players need to bring them together.
    pub wire: Bytes,
    /// As [`Frame::random_access`].
    pub random_access: bool,
    /// Sound beside pictures.
    pub can_wait: bool,
}

/// The tracks of a stream that travel by RTP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RtpSession {
    /// As a description says them; track `n` has control address `trackID=n`.
    pub tracks: Vec<rtsp::sdp::Track>,
    /// Of each track: its synchronisation source.
    pub ssrcs: Vec<u32>,
}

impl RtpSession {
    /// Whether who was told the one can go on with the other. Parameter sets of pictures may
    /// change, since they travel with the pictures, too.
    pub fn continues(&self, other: &Self) -> bool {
        let same = |one: &rtsp::sdp::Track, other: &rtsp::sdp::Track| {
            (&one.encoding, one.clock_hz, one.channels)
                == (&other.encoding, other.clock_hz, other.channels)
                && (one.media == "video" || one.parameters == other.parameters)
        };
        let mut pairs = self.tracks.iter().zip(&other.tracks);
        self.tracks.len() == other.tracks.len()
            && self.ssrcs == other.ssrcs
            && pairs.all(|(one, other)| same(one, other))
    }
}

/// One HLS segment.
pub type Segment = Arc<media::hls::Segment>;

/// One CMAF part of one track.
pub type Fragment = media::cmaf::Part;

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

impl Item for RtpPackets {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.wire.len()
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

impl Item for Fragment {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.data.len()
    }
    fn random_access(&self) -> bool {
        self.random_access
    }
}
