//! What a cell of the table is.

use peers::ffmpeg::{Build, Codec, Sound};
use std::fmt;

/// One peer, one protocol and direction, one pair of codecs, and what is expected.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) peer: Peer,
    pub(crate) side: Side,
    pub(crate) way: Way,
    pub(crate) media: Media,
    pub(crate) expected: Expected,
}

/// Programs of other makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Ffmpeg(Build),
    GStreamer,
    Vlc,
    Chromium,
    Nginx,
    /// srt-live-transmit.
    Transmit,
}

/// What the peer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// It publishes to the host.
    Publishes,
    /// It plays what the host sends.
    Plays,
}

/// The protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Udp,
    Srt,
    Rtmp,
    RtspTcp,
    RtspUdp,
    Hls,
    HlsTs,
    Dash,
    Mp4,
    Mp4Socket,
    TsHttp,
    TsSocket,
    Mjpeg,
    WebRtc,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    H264Aac,
    H264Opus,
    HevcAac,
    Av1Aac,
    Vp9Aac,
    Jpeg,
}

/// What comes of it.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    /// It works.
    Green,
    /// It cannot work, for that reason, which is shown by a command.
    Red(&'static Reason),
}

/// Why something cannot work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// A sentence.
    pub(crate) why: &'static str,
    /// What shows it; none where it is plain.
    pub(crate) shown_by: Option<Proof>,
}

/// How it shows that something cannot work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// A command's output does not have a word.
    Lacks {
        /// Words; none of them may hold a space.
        command: &'static str,
        lacks: &'static str,
    },
    /// Chromium's `MediaSource.isTypeSupported` says no.
    NoDecoder {
        /// Container and codec.
        mime: &'static str,
    },
}

/// How well something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// No picture is missing, and every beep is with its flash.
    InStep,
    /// Pictures and sound were decoded and counted; the peer does not tell when they were shown.
    Decoded,
}

impl Peer {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ffmpeg(Build::System),
        Self::Ffmpeg(Build::Newest),
        Self::GStreamer,
        Self::Vlc,
        Self::Chromium,
        Self::Nginx,
        Self::Transmit,
    ];
}

impl Way {
    pub(crate) const ALL: [Self; 14] = [
        Self::Udp,
        Self::Srt,
        Self::Rtmp,
        Self::RtspTcp,
        Self::RtspUdp,
        Self::Hls,
        Self::HlsTs,
        Self::Dash,
        Self::Mp4,
        Self::Mp4Socket,
        Self::TsHttp,
        Self::TsSocket,
        Self::Mjpeg,
        Self::WebRtc,
    ];

    /// Whether peers publish over it.
    pub(crate) const fn is_way_in(self) -> bool {
        !matches!(
            self,
            Self::Hls
                | Self::HlsTs
                | Self::Dash
                | Self::Mp4
                | Self::Mp4Socket
                | Self::TsHttp
                | Self::TsSocket
        )
    }
}

impl Media {
    pub(crate) const ALL: [Self; 6] = [
        Self::H264Aac,
        Self::H264Opus,
        Self::HevcAac,
        Self::Av1Aac,
        Self::Vp9Aac,
        Self::Jpeg,
    ];

    /// Its encoders; none for JPEG.
    pub(crate) const fn codecs(self) -> Option<(Codec, Sound)> {
        match self {
            Self::H264Aac => Some((Codec::H264, Sound::Aac)),
            Self::H264Opus => Some((Codec::H264, Sound::Opus)),
            Self::HevcAac => Some((Codec::Hevc, Sound::Aac)),
            Self::Av1Aac => Some((Codec::Av1, Sound::Aac)),
            Self::Vp9Aac => Some((Codec::Vp9, Sound::Aac)),
            Self::Jpeg => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ffmpeg(Build::System) => "FFmpeg 5.1",
            Self::Ffmpeg(Build::Newest) => "FFmpeg 9.0",
            Self::GStreamer => "GStreamer 1.22",
            Self::Vlc => "VLC 3.0",
            Self::Chromium => "Chromium",
            Self::Nginx => "nginx-rtmp",
            Self::Transmit => "srt-live-transmit",
        })
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publishes => "publishes",
            Self::Plays => "plays",
        })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "TS over UDP",
            Self::Srt => "SRT",
            Self::Rtmp => "RTMP",
            Self::RtspTcp => "RTSP, TCP",
            Self::RtspUdp => "RTSP, UDP",
            Self::Hls => "HLS, low latency",
            Self::HlsTs => "HLS, TS segments",
            Self::Dash => "DASH",
            Self::Mp4 => "fMP4 over HTTP",
            Self::Mp4Socket => "fMP4 over WebSocket",
            Self::TsHttp => "TS over HTTP",
            Self::TsSocket => "TS over WebSocket",
            Self::Mjpeg => "MJPEG over HTTP",
            Self::WebRtc => "WebRTC (WHIP, WHEP)",
        })
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264Aac => "H.264, AAC",
            Self::H264Opus => "H.264, Opus",
            Self::HevcAac => "HEVC, AAC",
            Self::Av1Aac => "AV1, AAC",
            Self::Vp9Aac => "VP9, AAC",
            Self::Jpeg => "JPEG",
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            peer,
            side,
            way,
            media,
            ..
        } = self;
        write!(f, "{peer} {side} {media} over {way}")
    }
}
