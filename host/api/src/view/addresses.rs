//! Where peers reach this host.

use model::{Protocol, StreamName};
use std::collections::BTreeMap;

/// Protocols and addresses.
pub(crate) type Watch = BTreeMap<&'static str, String>;

/// The host and ports under which viewers reach this host.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// A name or address, IPv6 in brackets, without port.
    pub(crate) host: String,
    /// The port that SRT readers call, if it listens.
    pub(crate) srt_port: Option<u16>,
    /// The port that RTMP players call, if it listens.
    pub(crate) rtmp_port: Option<u16>,
    /// Whether WebRTC has its port.
    pub(crate) webrtc: bool,
    /// The port that RTSP players call, if it listens.
    pub(crate) rtsp_port: Option<u16>,
}

impl Addresses {
    /// Where to watch a stream.
    pub(crate) fn of(&self, stream: &StreamName, served: Option<&[Protocol]>) -> Watch {
        let host = &self.host;
        let all = [
            (Protocol::Hls, Some(format!("/hls/{stream}/index.m3u8"))),
            (Protocol::Dash, Some(format!("/dash/{stream}/manifest.mpd"))),
            (Protocol::Mp4, Some(format!("/live/{stream}.mp4"))),
            (
                Protocol::Srt,
                self.srt_port
                    .map(|port| format!("srt://{host}:{port}?streamid=read:{stream}")),
            ),
            (
                Protocol::Rtmp,
                self.rtmp_port
                    .map(|port| format!("rtmp://{host}:{port}/{stream}")),
            ),
            (
                Protocol::Rtsp,
                self.rtsp_port
                    .map(|port| format!("rtsp://{host}:{port}/{stream}")),
            ),
            (
                Protocol::Webrtc,
                self.webrtc.then(|| format!("/whep/{stream}")),
            ),
            (Protocol::Mjpeg, Some(format!("/stream/{stream}"))),
        ];
        all.into_iter()
            .filter(|(protocol, _)| served.is_none_or(|served| served.contains(protocol)))
            .filter_map(|(protocol, address)| Some((protocol.as_str(), address?)))
            .collect()
    }
}
