//! Addresses that media is sent to or taken from, as URLs.
//!
//! | scheme | query parameters |
//! |---|---|
//! | `udp://HOST:PORT` | `interface` (local IPv4 address or device name), `ttl` (1-255, default 1), `loop` (0 or 1, default 1) |
//! | `srt://HOST:PORT` | `mode` (`caller`, `listener`), `latency` (ms, 0-30000), `passphrase` (10-79 characters), `pbkeylen` (16, 24, 32), `streamid` (at most 512 bytes), `timeout` (ms to connect) |
//! | `rtmp://HOST[:PORT]/APP/NAME`, `rtmps://` | passed on to the server as they stand |
//! | `rtsp://[USER:PASSWORD@]HOST[:PORT]/PATH` (RTP interleaved in TCP), `rtspu://` (RTP over UDP), `rtsps://` (under TLS; outputs only) | passed on to the camera or server as they stand |
//! | `http://HOST[:PORT]/PATH/NAME.m3u8`, `https://` | sent with every request as they stand |
//! | `file:///PATH.ts` | none; `%Y %m %d %H %M %S` in the path stand for the time |
//!
//! FFmpeg's `latency` is in microseconds; here, as in srt-live-transmit, it is in milliseconds.

mod file;
mod http;
mod redact;
mod rtmp;
mod rtsp;
mod srt;
mod udp;
mod url;

pub use file::{File, MAX_PATH_BYTES, Recording};
pub use http::Http;
pub use redact::redact;
pub use rtmp::Rtmp;
pub use rtsp::Rtsp;
pub use srt::{DEFAULT_SRT_LATENCY_MS, Srt, SrtMode};
pub use udp::Udp;

use crate::StreamName;
use crate::composite::CompositeSpec;
use std::str::FromStr;
use std::sync::Arc;

/// Why an endpoint's URL was refused. Secrets in it are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not a URL at all.
    #[error("not a URL: {0}; expected for example srt://203.0.113.5:9000?latency=200")]
    NotAUrl(String),
    /// A scheme that no gateway here speaks.
    #[error(
        "no gateway for {0:?}; known are udp, srt, rtmp, rtmps, rtsp, rtspu, rtsps, http, https and file"
    )]
    UnknownScheme(String),
    /// A URL of a protocol that this type of source does not speak.
    #[error("a source of type {wanted} has a URL that begins with {wanted}://, not {found}://")]
    WrongScheme {
        /// The type.
        wanted: &'static str,
        /// The URL's scheme.
        found: &'static str,
    },
    /// A path that does not name a file below the media folder.
    #[error(
        "the path must name a file below the media folder, by parts of letters, digits, spaces and \
         _ - . @ + ( ), without '.' or '..' as a part, at most {MAX_PATH_BYTES} bytes"
    )]
    BadPath,
    /// A recording that is not of the form it has to have.
    #[error(
        "a recording is file:///PATH.ts, a path below the media folder by parts of letters, \
         digits, spaces and _ - . @ + ( ), with %Y %m %d %H %M %S for the time at which it begins"
    )]
    BadRecording,
    /// Host or port is missing.
    #[error("the URL needs {0}")]
    Missing(&'static str),
    /// A `#`, behind which a URL says nothing to a peer.
    #[error("the URL has a '#', which cuts it off; write %23, as in streamid=%23!::r=NAME")]
    Fragment,
    /// A parameter this scheme does not have.
    #[error("{scheme} has no parameter {key:?}; known are {known}")]
    UnknownParameter {
        /// The URL's scheme.
        scheme: &'static str,
        /// As given.
        key: String,
        /// The ones there are.
        known: &'static str,
    },
    /// A composite that cannot be made.
    #[error(transparent)]
    Composite(#[from] crate::composite::CompositeError),
    /// A parameter out of its range.
    #[error("parameter {key} must be {expected}")]
    BadParameter {
        /// Its name.
        key: &'static str,
        /// The range, in words.
        expected: &'static str,
    },
}

/// Where media is sent to or taken from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Endpoint {
    /// MPEG-TS in datagrams.
    Udp(Udp),
    /// MPEG-TS over SRT.
    Srt(Srt),
    /// An RTMP server's application and stream.
    Rtmp(Rtmp),
    /// A camera, or a presentation on an RTSP server.
    Rtsp(Rtsp),
    /// A file below the media folder.
    File(File),
    /// A picture or a clip below the media folder, made like the stream it stands in for.
    Slate(File),
    /// Another stream of this host.
    Stream(StreamName),
    /// A test picture and tone made here.
    Test,
    /// Several pictures on one canvas.
    Composite(Arc<CompositeSpec>),
    /// A file that is recorded.
    Recording(Recording),
    /// A web server's playlist, which is put there with its segments.
    Http(Http),
}

impl Endpoint {
    /// A UDP endpoint from `HOST:PORT`.
    pub fn udp(address: &str, interface: Option<&str>) -> Result<Self, EndpointError> {
        let mut endpoint = udp::parse(&url::parse_url(&format!("udp://{address}"))?)?;
        if let Some(interface) = interface {
            endpoint.interface = Some(interface.to_owned());
        }
        Ok(Self::Udp(endpoint))
    }

    /// A file to read, by its path below the media folder.
    pub fn file(path: &str) -> Result<Self, EndpointError> {
        file::File::below(path).map(Self::File)
    }

    /// A picture or a clip to stand in, by its path below the media folder.
    pub fn slate(path: &str) -> Result<Self, EndpointError> {
        file::File::below(path).map(Self::Slate)
    }

    /// The host that is called; none for what waits to be called.
    ///
    /// Of UDP this is meant as a target: to receive is to wait.
    pub fn calls(&self) -> Option<&str> {
        match self {
            Self::Udp(udp) => Some(&udp.host),
            Self::Srt(srt) if srt.mode == SrtMode::Listener => None,
            Self::Srt(srt) => Some(&srt.host),
            Self::Rtmp(rtmp) => Some(&rtmp.host),
            Self::Rtsp(rtsp) => Some(&rtsp.host),
            Self::Http(http) => Some(&http.host),
            Self::File(_)
            | Self::Slate(_)
            | Self::Recording(_)
            | Self::Stream(_)
            | Self::Test
            | Self::Composite(_) => None,
        }
    }

    /// The URL's scheme.
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Udp(_) => "udp",
            Self::Srt(_) => "srt",
            Self::Rtmp(rtmp) if rtmp.tls => "rtmps",
            Self::Rtmp(_) => "rtmp",
            Self::Rtsp(rtsp) if rtsp.udp => "rtspu",
            Self::Rtsp(rtsp) if rtsp.tls => "rtsps",
            Self::Rtsp(_) => "rtsp",
            Self::File(_) | Self::Recording(_) => "file",
            Self::Http(http) if http.tls => "https",
            Self::Http(_) => "http",
            Self::Slate(_) => "slate",
            Self::Stream(_) => "stream",
            Self::Test => "test",
            Self::Composite(_) => "composite",
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.starts_with("file:") {
            return Recording::parse(text).map(Self::Recording);
        }
        let url = url::parse_url(text)?;
        match url.scheme() {
            "udp" => udp::parse(&url).map(Self::Udp),
            "srt" => srt::parse(&url).map(Self::Srt),
            "rtmp" | "rtmps" => rtmp::parse(&url).map(Self::Rtmp),
            "rtsp" | "rtspu" | "rtsps" => rtsp::parse(&url).map(Self::Rtsp),
            "http" | "https" => http::parse(&url).map(Self::Http),
            other => Err(EndpointError::UnknownScheme(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_parameter_and_what_it_may_be() {
        let cases = [
            ("udp://127.0.0.1", "the URL needs a port from 1 to 65535"),
            (
                "udp://127.0.0.1:1?ttl=300",
                "parameter ttl must be 1 to 255",
            ),
            (
                "srt://h:1?passphrase=short",
                "parameter passphrase must be 10 to 79 characters",
            ),
            (
                "rtmp://h/app",
                "the URL needs an application and a stream, as in rtmp://host/live/key",
            ),
            (
                "ftp://h:1/x",
                "no gateway for \"ftp\"; known are udp, srt, rtmp, rtmps, rtsp, rtspu, rtsps, http, https and file",
            ),
        ];
        for (url, message) in cases {
            assert_eq!(url.parse::<Endpoint>().unwrap_err().to_string(), message);
        }
    }
}
