//! The protocols that media comes and goes by.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a source, an output or a viewer is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// MPEG-TS in plain datagrams.
    Udp,
    /// Secure Reliable Transport, carrying MPEG-TS.
    Srt,
    /// RTMP over TCP.
    Rtmp,
    /// HTTP Live Streaming.
    Hls,
    /// A file below the media folder.
    File,
    /// A picture made by this host.
    Test,
    /// Another stream of this host.
    Stream,
}

impl Protocol {
    /// Every protocol, in the order of declaration.
    pub const ALL: [Self; 7] = [
        Self::Udp,
        Self::Srt,
        Self::Rtmp,
        Self::Hls,
        Self::File,
        Self::Test,
        Self::Stream,
    ];

    /// The name used in URLs, plans, metrics and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Srt => "srt",
            Self::Rtmp => "rtmp",
            Self::Hls => "hls",
            Self::File => "file",
            Self::Test => "test",
            Self::Stream => "stream",
        }
    }

    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.as_str() == name)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
