//! Playlists on web servers: `http://` and `https://`.

use super::url::host_of;
use super::{EndpointError, redact};
use std::fmt;
use url::Url;

/// A playlist on a web server.
#[derive(Clone, PartialEq, Eq)]
pub struct Http {
    /// The whole URL; it may hold secrets.
    pub url: String,
    /// Host name or address.
    pub host: String,
    /// 1 to 65535; 80 unless given, 443 under TLS.
    pub port: u16,
    /// `https`: under TLS.
    pub tls: bool,
}

pub(super) fn parse(url: &Url) -> Result<Http, EndpointError> {
    if !url.path().ends_with(".m3u8") {
        return Err(EndpointError::Missing(
            "a playlist to put, as in https://host/path/index.m3u8",
        ));
    }
    let tls = url.scheme() == "https";
    let usual = if tls { 443 } else { 80 };
    Ok(Http {
        url: url.to_string(),
        host: host_of(url),
        port: url.port().unwrap_or(usual),
        tls,
    })
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Http({})", redact(&self.url))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Endpoint;

    #[test]
    fn a_playlist_is_put_where_its_url_says() {
        let Ok(Endpoint::Http(http)) = "https://h:8443/live/index.m3u8?k=1".parse() else {
            panic!("a playlist")
        };
        assert_eq!((http.host.as_str(), http.port, http.tls), ("h", 8443, true));
        assert!(!format!("{http:?}").contains("k=1"));
        assert!("http://h/live/".parse::<Endpoint>().is_err());
    }
}
