//! Sessions: what happens on a connection, from the first byte to the last.
//!
//! Both sides are driven by the same verbs. `handle_input` takes what was read, `poll_event`
//! tells what came of it, `poll_output` gives what is to be written, `poll_timeout` tells when
//! `handle_timeout` wants to be called. After each call of anything else, poll events and output
//! until both are empty.

mod client;
mod enhanced;
mod link;
mod reply;
mod server;

use std::time::Duration;

use bytes::Bytes;

pub use client::{Client, ClientConfig, ClientEvent, Role};
pub use enhanced::Enhanced;
pub use server::{Connect, Play, Publish, PublishKind, Server, ServerEvent};

use crate::{amf, chunk, handshake, message, wire};

/// What a peer may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte on, until the handshake is over.
    pub handshake_timeout: Duration,
    /// From there, until the peer publishes or plays; anew whenever it stops doing so.
    pub setup_timeout: Duration,
    /// Silence after which a publisher is given up.
    pub publisher_timeout: Duration,
    /// What the chunk layer takes from a peer that publishes or plays.
    pub chunk: chunk::Limits,
    /// What it takes from one that was not let in yet.
    pub setup_chunk: chunk::Limits,
    /// What a command may hold.
    pub amf: amf::Limits,
    /// Bytes of an app or of a stream's name, query included.
    pub max_name_len: usize,
    /// Bytes a peer may send ahead while it waits for a verdict.
    pub max_waiting_input: usize,
    /// Bytes of replies a peer may leave unread.
    pub max_waiting_output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let chunk = chunk::Limits::default();
        Self {
            handshake_timeout: Duration::from_secs(5),
            setup_timeout: Duration::from_secs(10),
            publisher_timeout: Duration::from_secs(30),
            chunk,
            setup_chunk: chunk::Limits {
                max_message_len: 64 << 10,
                max_unfinished: 128 << 10,
                ..chunk
            },
            amf: amf::Limits::default(),
            max_name_len: 1024,
            max_waiting_input: 256 << 10,
            max_waiting_output: 256 << 10,
        }
    }
}

/// Why a session cannot go on. What `poll_output` still holds may be sent; then close.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The handshake failed.
    #[error("RTMP handshake: {0}")]
    Handshake(#[from] handshake::Error),
    /// The chunk layer failed.
    #[error("RTMP chunks: {0}")]
    Chunk(#[from] chunk::Error),
    /// A message's body could not be read.
    #[error("RTMP {0}")]
    Message(#[from] message::Error),
    /// A reply of ours was too long; names are bounded, so only a caller's own texts make it so.
    #[error("RTMP reply: {0}")]
    Wire(#[from] wire::Error),
    /// A command before the one it depends on.
    #[error("RTMP command {command:?} came before {needed:?}")]
    OutOfOrder {
        /// What came.
        command: &'static str,
        /// What should have come before.
        needed: &'static str,
    },
    /// An app or a stream's name longer than [`Limits::max_name_len`].
    #[error("RTMP {field} has {len} bytes, the limit is {max}")]
    NameTooLong {
        /// Which name.
        field: &'static str,
        /// Its length.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// More than [`Limits::max_waiting_input`] was sent while a verdict was awaited.
    #[error("RTMP peer sent {len} bytes ahead of the verdict it waits for, the limit is {max}")]
    TooMuchInput {
        /// Bytes waiting.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// More than [`Limits::max_waiting_output`] was left unread.
    #[error("RTMP peer asks on without reading its {len} bytes of replies, the limit is {max}")]
    TooMuchOutput {
        /// Bytes waiting.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The other server said no.
    #[error("RTMP server refused {command}: {code} ({description})")]
    Refused {
        /// What was asked.
        command: &'static str,
        /// The server's code, such as `NetStream.Publish.BadName`.
        code: String,
        /// Its words.
        description: String,
    },
}

/// Why a session ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The handshake took too long.
    HandshakeTimeout,
    /// Connected, and neither published nor played.
    SetupTimeout,
    /// Published, and then fell silent.
    Silent,
    /// We refused the peer.
    Refused,
    /// We ended it.
    Finished,
    /// The other server said that it is over.
    PeerFinished,
}

/// One piece of media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Milliseconds since an epoch of the publisher's choice; wraps after 49.7 days, and may do
    /// anything else too.
    pub timestamp_ms: u32,
    /// An FLV tag's body: codec header and data, or for data AMF0 that begins with its name, such
    /// as `onMetaData`. Not empty.
    pub payload: Bytes,
}

/// What media is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// An audio tag's body.
    Audio,
    /// A video tag's body.
    Video,
    /// Named values, in AMF0.
    Data,
}

impl From<MediaKind> for message::Kind {
    fn from(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => Self::Audio,
            MediaKind::Video => Self::Video,
            MediaKind::Data => Self::DataAmf0,
        }
    }
}
