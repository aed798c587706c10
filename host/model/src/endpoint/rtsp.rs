//! RTSP servers and cameras: `rtsp://`, `rtspu://` and `rtsps://`.

use super::url::host_of;
use super::{EndpointError, redact};
use std::fmt;
use url::Url;

/// A camera, or a presentation on a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Rtsp {
    /// The URL as the peer is to see it: `rtsp://` or `rtsps://`, without user and password; its query is the
    /// peer's own and may hold secrets.
    pub url: String,
    /// Host name or address.
    pub host: String,
    /// 1 to 65535; 554 unless given, 322 under TLS (IANA).
    pub port: u16,
    /// RTP over UDP; otherwise interleaved in the RTSP connection.
    pub udp: bool,
    /// The connection is under TLS, and RTP within it.
    pub tls: bool,
    /// For Digest or Basic authentication.
    pub user: Option<String>,
    /// Of that user.
    pub password: Option<String>,
}

pub(super) fn parse(url: &Url) -> Result<Rtsp, EndpointError> {
    let (udp, tls) = (url.scheme() == "rtspu", url.scheme() == "rtsps");
    let (shown_as, usual_port) = if tls { ("rtsps", 322) } else { ("rtsp", 554) };
    let decoded = |text: &str| percent_decoded(text);
    let mut shown = url.clone();
    // Neither fails: the URL has a host.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    let plain = shown.as_str();
    Ok(Rtsp {
        url: format!(
            "{shown_as}{}",
            plain.strip_prefix(url.scheme()).unwrap_or(plain)
        ),
        host: host_of(url),
        port: url.port().unwrap_or(usual_port),
        udp,
        tls,
        user: (!url.username().is_empty()).then(|| decoded(url.username())),
        password: url.password().map(decoded),
    })
}

/// `%40` becomes `@`; what is no escape stays.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .filter(|_| byte == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(hex.unwrap_or(byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl fmt::Debug for Rtsp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rtsp({})", redact(&self.url))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Endpoint;

    #[test]
    fn who_asks_is_told_apart_from_what_is_asked_for() {
        let url = "rtspu://admin:p%40ss@10.0.0.9/cam/realmonitor?channel=1&subtype=0";
        let Ok(Endpoint::Rtsp(camera)) = url.parse() else {
            panic!("{url}")
        };
        assert_eq!(
            camera.url,
            "rtsp://10.0.0.9/cam/realmonitor?channel=1&subtype=0"
        );
        assert_eq!((camera.port, camera.udp), (554, true));
        assert_eq!(camera.user.as_deref(), Some("admin"));
        assert_eq!(camera.password.as_deref(), Some("p@ss"));
        assert!(!format!("{camera:?}").contains("p@ss"));
        let Ok(Endpoint::Rtsp(sealed)) = "rtsps://h/live/a".parse() else {
            panic!("rtsps")
        };
        assert_eq!(sealed.url, "rtsps://h/live/a");
        assert_eq!((sealed.port, sealed.udp, sealed.tls), (322, false, true));
    }
}
