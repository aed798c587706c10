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
    /// MPEG-DASH.
    Dash,
    /// Fragmented MP4 in one endless HTTP response or WebSocket.
    Mp4,
    /// RTSP, carrying RTP.
    Rtsp,
    /// JPEG pictures over HTTP.
    Mjpeg,
    /// WebRTC, by WHIP and WHEP.
    Webrtc,
    /// A file below the media folder.
    File,
    /// A picture made by this host.
    Test,
    /// Another stream of this host.
    Stream,
    /// What is shown when nothing else is left.
    Slate,
    /// Several pictures on one canvas, made by this host.
    Composite,
    /// Made of another stream by an encoder of this host.
    Encode,
}

impl Protocol {
    /// Every protocol, in the order of declaration.
    pub const ALL: [Self; 15] = [
        Self::Udp,
        Self::Srt,
        Self::Rtmp,
        Self::Hls,
        Self::Dash,
        Self::Mp4,
        Self::Rtsp,
        Self::Mjpeg,
        Self::Webrtc,
        Self::File,
        Self::Test,
        Self::Stream,
        Self::Slate,
        Self::Composite,
        Self::Encode,
    ];

    /// The name used in URLs, plans, metrics and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Srt => "srt",
            Self::Rtmp => "rtmp",
            Self::Hls => "hls",
            Self::Dash => "dash",
            Self::Mp4 => "mp4",
            Self::Rtsp => "rtsp",
            Self::Mjpeg => "mjpeg",
            Self::Webrtc => "webrtc",
            Self::File => "file",
            Self::Test => "test",
            Self::Stream => "stream",
            Self::Slate => "slate",
            Self::Composite => "composite",
            Self::Encode => "encode",
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

#[cfg(test)]
mod tests {
    use super::Protocol;

    #[test]
    fn every_protocol_is_listed_in_its_place() {
        for (place, protocol) in Protocol::ALL.into_iter().enumerate() {
            assert_eq!(protocol as usize, place);
            assert_eq!(Protocol::from_name(protocol.as_str()), Some(protocol));
        }
        assert_eq!(Protocol::ALL.last(), Some(&Protocol::Encode));
    }
}
