//! RTMP addresses, and how the two halves of a stream's name fit together.

/// The port of `rtmp`.
pub const DEFAULT_PORT: u16 = 1935;
/// The port of `rtmps`.
pub const DEFAULT_TLS_PORT: u16 = 443;

/// Plain or under TLS, which is the caller's to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `rtmp`
    Rtmp,
    /// `rtmps`
    Rtmps,
}

/// An address, `rtmp://HOST[:PORT]/APP/NAME[?QUERY]`.
///
/// The last segment is the name and all before it the app, as OBS, GStreamer and (up to three
/// segments) FFmpeg have it. For a server that draws the line elsewhere, set the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Plain or under TLS.
    pub scheme: Scheme,
    /// Name or address, IPv6 without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The application; may hold slashes.
    pub app: String,
    /// The stream's name or key; empty if the path has one segment.
    pub name: String,
    /// What follows the question mark; often a token.
    pub query: String,
}

/// Why a text is no RTMP address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not `rtmp://` or `rtmps://`.
    #[error("an RTMP address begins with rtmp:// or rtmps://")]
    Scheme,
    /// No host, or brackets that do not match.
    #[error("the RTMP address names no host")]
    Host,
    /// A port that is no number from 1 to 65535.
    #[error("{0:?} is no port, ports are 1 to 65535")]
    Port(String),
    /// User and password in front of the host.
    #[error("user and password in an RTMP address are not supported: put the token in the query")]
    Credentials,
    /// No path, so neither app nor name.
    #[error("the RTMP address has no path: write rtmp://HOST/APP/NAME")]
    Path,
}

impl std::str::FromStr for Url {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text.split_once("://").ok_or(Error::Scheme)?;
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "rtmp" => (Scheme::Rtmp, DEFAULT_PORT),
            "rtmps" => (Scheme::Rtmps, DEFAULT_TLS_PORT),
            _ => return Err(Error::Scheme),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = split_authority(authority)?;
        let (path, query) = split_query(path);
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Err(Error::Path);
        }
        let (app, name) = path.rsplit_once('/').unwrap_or((path, ""));
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port: port.unwrap_or(default_port),
            app: app.to_owned(),
            name: name.to_owned(),
            query: query.to_owned(),
        })
    }
}

impl Url {
    /// What `connect` calls `tcUrl`: the address up to the app.
    pub fn tc_url(&self) -> String {
        let (scheme, default_port) = match self.scheme {
            Scheme::Rtmp => ("rtmp", DEFAULT_PORT),
            Scheme::Rtmps => ("rtmps", DEFAULT_TLS_PORT),
        };
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port == default_port {
            true => format!("{scheme}://{host}/{}", self.app),
            false => format!("{scheme}://{host}:{}/{}", self.port, self.app),
        }
    }

    /// What `publish` and `play` call the stream: the name, and the query if there is one.
    pub fn stream_key(&self) -> String {
        match self.query.is_empty() {
            true => self.name.clone(),
            false => format!("{}?{}", self.name, self.query),
        }
    }
}

/// The name of the stream that peers call `name` in application `app`: `APP/NAME`.
///
/// Clients put the border between app and name in different places; joined, they agree.
pub fn stream_name(app: &str, name: &str) -> String {
    let halves = [app.trim_matches('/'), name.trim_matches('/')];
    let halves: Vec<_> = halves.into_iter().filter(|half| !half.is_empty()).collect();
    halves.join("/")
}

/// Splits at the first question mark; the query is empty if there is none.
pub(crate) fn split_query(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

fn split_authority(authority: &str) -> Result<(&str, Option<u16>), Error> {
    if authority.contains('@') {
        return Err(Error::Credentials);
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']').ok_or(Error::Host)?;
            match port.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if port.is_empty() => (host, None),
                None => return Err(Error::Host),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err(Error::Host);
    }
    let port = port
        .map(|port| {
            let parsed = port.parse::<u16>().ok().filter(|&port| port != 0);
            parsed.ok_or_else(|| Error::Port(port.to_owned()))
        })
        .transpose()?;
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_split_where_peers_split_them() {
        for (text, host, port, app, name, query) in [
            ("rtmp://a/live/cam", "a", 1935, "live", "cam", ""),
            (
                "rtmp://a:19350/live/eu/cam?k=/?",
                "a",
                19350,
                "live/eu",
                "cam",
                "k=/?",
            ),
            ("RTMPS://a/live2/key", "a", 443, "live2", "key", ""),
            (
                "rtmp://[::1]:1936/live/cam/",
                "::1",
                1936,
                "live",
                "cam",
                "",
            ),
            ("rtmp://[::1]/cam", "::1", 1935, "cam", "", ""),
        ] {
            let url: Url = text.parse().unwrap();
            let got = (&*url.host, url.port, &*url.app, &*url.name, &*url.query);
            assert_eq!(got, (host, port, app, name, query), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_says_why() {
        for (text, error) in [
            ("http://a/b/c", Error::Scheme),
            ("a/b", Error::Scheme),
            ("rtmp:///live/cam", Error::Host),
            ("rtmp://[::1/live/cam", Error::Host),
            ("rtmp://a:0/live/cam", Error::Port("0".into())),
            ("rtmp://a:99999/live/cam", Error::Port("99999".into())),
            ("rtmp://u:p@a/live/cam", Error::Credentials),
            ("rtmp://a", Error::Path),
            ("rtmp://a/?q", Error::Path),
        ] {
            assert_eq!(text.parse::<Url>(), Err(error), "{text}");
        }
    }

    #[test]
    fn tc_url_and_key_make_the_address_again() {
        let url: Url = "rtmp://[::1]:1936/live/eu/cam?token=1".parse().unwrap();
        assert_eq!(url.tc_url(), "rtmp://[::1]:1936/live/eu");
        assert_eq!(url.stream_key(), "cam?token=1");
        let url: Url = "rtmps://a/app/key".parse().unwrap();
        assert_eq!(
            (url.tc_url(), url.stream_key()),
            ("rtmps://a/app".into(), "key".into())
        );
    }

    #[test]
    fn the_border_between_app_and_name_does_not_matter() {
        for (app, name) in [
            ("live", "eu/cam"),
            ("live/eu", "cam"),
            ("/live/eu/cam/", ""),
        ] {
            assert_eq!(stream_name(app, name), "live/eu/cam");
        }
    }
}
