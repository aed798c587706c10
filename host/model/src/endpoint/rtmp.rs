//! RTMP servers: `rtmp://` and `rtmps://`.

use super::url::host_of;
use super::{EndpointError, redact};
use std::fmt;
use url::Url;

/// An RTMP server's address.
#[derive(Clone, PartialEq, Eq)]
pub struct Rtmp {
    /// The whole URL; it may hold a secret stream key.
    pub url: String,
    /// Host name or address.
    pub host: String,
    /// 1 to 65535; 1935 unless given, 443 under TLS.
    pub port: u16,
    /// `rtmps`: under TLS.
    pub tls: bool,
}

pub(super) fn parse(url: &Url) -> Result<Rtmp, EndpointError> {
    let parts = url
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .count();
    if parts < 2 {
        return Err(EndpointError::Missing(
            "an application and a stream, as in rtmp://host/live/key",
        ));
    }
    let tls = url.scheme() == "rtmps";
    let usual = if tls { 443 } else { 1935 };
    Ok(Rtmp {
        url: url.to_string(),
        host: host_of(url),
        port: url.port().unwrap_or(usual),
        tls,
    })
}

impl fmt::Debug for Rtmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rtmp({})", redact(&self.url))
    }
}
