//! Addresses that media is sent to or taken from, as URLs.
//!
//! | scheme | query parameters |
//! |---|---|
//! | `udp://HOST:PORT` | `interface` (local IPv4 address or device name), `ttl` (1-255, default 1), `loop` (0 or 1, default 1) |
//! | `srt://HOST:PORT` | `mode` (`caller`, `listener`), `latency` (ms, 0-30000), `passphrase` (10-79 characters), `pbkeylen` (16, 24, 32), `streamid` (at most 512 bytes), `timeout` (ms to connect) |
//! | `rtmp://HOST[:PORT]/APP/NAME`, `rtmps://` | passed on to the server as they stand |
//! | `http://HOST[:PORT]/PATH/NAME.m3u8`, `https://` | sent with every request as they stand |
//! | `file:///PATH.ts` | none; `%Y %m %d %H %M %S` in the path stand for the time |
//!
//! FFmpeg's `latency` is in microseconds; here, as in srt-live-transmit, it is in milliseconds.

use crate::StreamName;
use std::fmt;
use std::str::FromStr;
use url::Url;

/// Why an endpoint's URL was refused. Secrets in it are never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not a URL at all.
    #[error("not a URL: {0}; expected for example srt://203.0.113.5:9000?latency=200")]
    NotAUrl(String),
    /// A scheme that no gateway here speaks.
    #[error("no gateway for {0:?}; known are udp, srt, rtmp, rtmps, http, https and file")]
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
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// MPEG-TS in datagrams.
    Udp(Udp),
    /// MPEG-TS over SRT.
    Srt(Srt),
    /// An RTMP server's application and stream.
    Rtmp(Rtmp),
    /// A file below the media folder.
    File(File),
    /// Another stream of this host.
    Stream(StreamName),
    /// A test picture and tone made here.
    Test,
    /// A file that is recorded.
    Recording(Recording),
    /// A web server's playlist, which is put there with its segments.
    Http(Http),
}

/// Longest path of a file, in bytes.
pub const MAX_PATH_BYTES: usize = 512;

/// A file that is recorded, below the media folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// As [`File::path`], with `%Y %m %d %H %M %S` for the time at which it begins.
    path: String,
}

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

/// A file below the media folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Relative to the media folder: parts joined by `/`, none of them `.` or `..`.
    pub path: String,
}

/// A UDP address and how to reach or join it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Udp {
    /// Host name or address; a multicast group too.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    /// Local IPv4 address or device name for multicast.
    pub interface: Option<String>,
    /// Multicast hops, 1 to 255.
    pub ttl: u8,
    /// Whether this host's own receivers see the multicast.
    pub loopback: bool,
}

/// Who calls whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrtMode {
    /// This host calls the peer.
    Caller,
    /// This host waits for callers.
    Listener,
}

/// An SRT peer or a local SRT port.
#[derive(Clone, PartialEq, Eq)]
pub struct Srt {
    /// Host name or address.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    /// Who calls.
    pub mode: SrtMode,
    /// Receive and peer latency in ms; the larger of both sides' holds.
    pub latency_ms: u32,
    /// 10 to 79 characters (libsrt `SRTO_PASSPHRASE`); none: not encrypted.
    pub passphrase: Option<String>,
    /// AES key length in bytes: 16, 24 or 32.
    pub pbkeylen: u8,
    /// Sent by a caller in its handshake.
    pub stream_id: Option<String>,
    /// How long a caller waits for the handshake.
    pub connect_timeout_ms: u32,
}

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

/// Latency in ms unless the URL says otherwise (libsrt's own default).
pub const DEFAULT_SRT_LATENCY_MS: u32 = 120;

impl Endpoint {
    /// A UDP endpoint from `HOST:PORT`.
    pub fn udp(address: &str, interface: Option<&str>) -> Result<Self, EndpointError> {
        let mut endpoint = parse_udp(&parse_url(&format!("udp://{address}"))?)?;
        if let Some(interface) = interface {
            endpoint.interface = Some(interface.to_owned());
        }
        Ok(Self::Udp(endpoint))
    }

    /// A file to read, by its path below the media folder.
    pub fn file(path: &str) -> Result<Self, EndpointError> {
        match is_path_below(path) {
            true => Ok(Self::File(File {
                path: path.to_owned(),
            })),
            false => Err(EndpointError::BadPath),
        }
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
            Self::Http(http) => Some(&http.host),
            Self::File(_) | Self::Recording(_) | Self::Stream(_) | Self::Test => None,
        }
    }

    /// The URL's scheme.
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Udp(_) => "udp",
            Self::Srt(_) => "srt",
            Self::Rtmp(rtmp) if rtmp.tls => "rtmps",
            Self::Rtmp(_) => "rtmp",
            Self::File(_) | Self::Recording(_) => "file",
            Self::Http(http) if http.tls => "https",
            Self::Http(_) => "http",
            Self::Stream(_) => "stream",
            Self::Test => "test",
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text.starts_with("file:") {
            return Recording::parse(text).map(Self::Recording);
        }
        let url = parse_url(text)?;
        match url.scheme() {
            "udp" => parse_udp(&url).map(Self::Udp),
            "srt" => parse_srt(&url).map(Self::Srt),
            "rtmp" | "rtmps" => parse_rtmp(&url).map(Self::Rtmp),
            "http" | "https" => parse_http(&url).map(Self::Http),
            other => Err(EndpointError::UnknownScheme(other.to_owned())),
        }
    }
}

impl Recording {
    /// The letters after a `%`: year, month, day, hour, minute and second.
    const FIELDS: &str = "YmdHMS";

    fn parse(url: &str) -> Result<Self, EndpointError> {
        let path = url.strip_prefix("file:///").unwrap_or_default();
        let example = named(path, |field| match Self::FIELDS.contains(field) {
            true => "0".to_owned(),
            false => "%".to_owned(),
        });
        // Nothing else is ever written, whatever the folder holds beside media.
        let ends_well = path.len() <= MAX_PATH_BYTES && path.ends_with(".ts");
        match ends_well && is_path_below(&example) {
            true => Ok(Self {
                path: path.to_owned(),
            }),
            false => Err(EndpointError::BadRecording),
        }
    }

    /// The path, each `%` and its letter replaced.
    pub fn named(&self, field: impl Fn(char) -> String) -> String {
        named(&self.path, field)
    }
}

fn named(path: &str, field: impl Fn(char) -> String) -> String {
    let (mut named, mut rest) = (String::with_capacity(path.len()), path.chars());
    while let Some(c) = rest.next() {
        match c {
            '%' => named.push_str(&rest.next().map(&field).unwrap_or_else(|| "%".to_owned())),
            other => named.push(other),
        }
    }
    named
}

fn is_path_below(path: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " _-.@+()".contains(c);
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(plain);
    path.len() <= MAX_PATH_BYTES && path.split('/').all(part)
}

/// Replaces passphrases, stream keys and tokens in a URL by `***`, for logs and the API.
pub fn redact(text: &str) -> String {
    if text.starts_with("file:") {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text) else {
        return "***".to_owned();
    };
    if url.password().is_some() {
        let _ = url.set_password(Some("***"));
    } else if !url.username().is_empty() {
        // Alone it is a token.
        let _ = url.set_username("***");
    }
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(key, value)| match key.as_ref() {
                "mode" | "latency" | "pbkeylen" | "timeout" | "interface" | "ttl" | "loop" => {
                    (key.into_owned(), value.into_owned())
                }
                _ => (key.into_owned(), "***".to_owned()),
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    if url.fragment().is_some() {
        url.set_fragment(Some("***"));
    }
    if matches!(url.scheme(), "rtmp" | "rtmps") {
        let mut parts: Vec<&str> = url.path().split('/').collect();
        if parts.len() > 2 {
            parts.pop();
            let path = format!("{}/***", parts.join("/"));
            url.set_path(&path);
        }
    }
    url.to_string()
}

fn parse_url(text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text).map_err(|error| EndpointError::NotAUrl(error.to_string()))?;
    // SRT stream ids begin with "#!::": unescaped, name and token would be lost without a word.
    if url.fragment().is_some() {
        return Err(EndpointError::Fragment);
    }
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => Err(EndpointError::Missing("a host, as in udp://127.0.0.1:6000")),
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned()
}

fn port_of(url: &Url) -> Result<u16, EndpointError> {
    match url.port() {
        Some(port) if port > 0 => Ok(port),
        _ => Err(EndpointError::Missing("a port from 1 to 65535")),
    }
}

fn number<T: FromStr + PartialOrd>(
    key: &'static str,
    value: &str,
    range: std::ops::RangeInclusive<T>,
    expected: &'static str,
) -> Result<T, EndpointError> {
    match value.parse() {
        Ok(n) if range.contains(&n) => Ok(n),
        _ => Err(EndpointError::BadParameter { key, expected }),
    }
}

fn parse_udp(url: &Url) -> Result<Udp, EndpointError> {
    let mut udp = Udp {
        host: host_of(url),
        port: port_of(url)?,
        interface: None,
        ttl: 1,
        loopback: true,
    };
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "interface" => udp.interface = Some(value.into_owned()),
            "ttl" => udp.ttl = number("ttl", &value, 1..=255, "1 to 255")?,
            "loop" => udp.loopback = number("loop", &value, 0..=1, "0 or 1")? == 1,
            _ => {
                return Err(EndpointError::UnknownParameter {
                    scheme: "udp",
                    key: key.into_owned(),
                    known: "interface, ttl, loop",
                });
            }
        }
    }
    Ok(udp)
}

fn parse_srt(url: &Url) -> Result<Srt, EndpointError> {
    let mut srt = Srt {
        host: host_of(url),
        port: port_of(url)?,
        mode: SrtMode::Caller,
        latency_ms: DEFAULT_SRT_LATENCY_MS,
        passphrase: None,
        pbkeylen: 16,
        stream_id: None,
        connect_timeout_ms: 3000,
    };
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "mode" => {
                srt.mode = match value.as_ref() {
                    "caller" => SrtMode::Caller,
                    "listener" => SrtMode::Listener,
                    _ => {
                        let expected = "caller or listener";
                        return Err(EndpointError::BadParameter {
                            key: "mode",
                            expected,
                        });
                    }
                }
            }
            "latency" => {
                srt.latency_ms = number("latency", &value, 0..=30_000, "0 to 30000 ms")?;
            }
            "passphrase" if (10..=79).contains(&value.len()) => {
                srt.passphrase = Some(value.into_owned());
            }
            "passphrase" => {
                let expected = "10 to 79 characters";
                return Err(EndpointError::BadParameter {
                    key: "passphrase",
                    expected,
                });
            }
            "pbkeylen" => {
                srt.pbkeylen = match value.as_ref() {
                    "16" => 16,
                    "24" => 24,
                    "32" => 32,
                    _ => {
                        let expected = "16, 24 or 32 bytes";
                        return Err(EndpointError::BadParameter {
                            key: "pbkeylen",
                            expected,
                        });
                    }
                }
            }
            "streamid" if value.len() <= 512 => srt.stream_id = Some(value.into_owned()),
            "streamid" => {
                let expected = "at most 512 bytes";
                return Err(EndpointError::BadParameter {
                    key: "streamid",
                    expected,
                });
            }
            "timeout" => {
                srt.connect_timeout_ms =
                    number("timeout", &value, 100..=60_000, "100 to 60000 ms")?;
            }
            _ => {
                return Err(EndpointError::UnknownParameter {
                    scheme: "srt",
                    key: key.into_owned(),
                    known: "mode, latency, passphrase, pbkeylen, streamid, timeout",
                });
            }
        }
    }
    Ok(srt)
}

fn parse_rtmp(url: &Url) -> Result<Rtmp, EndpointError> {
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

fn parse_http(url: &Url) -> Result<Http, EndpointError> {
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

impl fmt::Debug for Srt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Srt")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("mode", &self.mode)
            .field("latency_ms", &self.latency_ms)
            .field("encrypted", &self.passphrase.is_some())
            .field("pbkeylen", &self.pbkeylen)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Rtmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rtmp({})", redact(&self.url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srt_urls_carry_their_options_in_milliseconds_and_bytes() {
        let url = "srt://10.0.0.1:9000?mode=listener&latency=250&passphrase=0123456789&pbkeylen=32";
        let Ok(Endpoint::Srt(srt)) = url.parse() else {
            panic!("{url}")
        };
        assert_eq!(
            (srt.mode, srt.latency_ms, srt.pbkeylen),
            (SrtMode::Listener, 250, 32)
        );
        assert_eq!(srt.passphrase.as_deref(), Some("0123456789"));
        assert!(!format!("{srt:?}").contains("0123456789"));
    }

    #[test]
    fn an_access_control_stream_id_survives_percent_encoding() {
        let url = "srt://h:1?streamid=%23!::r=live/a,m=publish";
        let Ok(Endpoint::Srt(srt)) = url.parse() else {
            panic!("{url}")
        };
        assert_eq!(srt.stream_id.as_deref(), Some("#!::r=live/a,m=publish"));
    }

    #[test]
    fn an_unescaped_stream_id_is_refused_and_its_token_hidden() {
        let url = "srt://h:1?streamid=#!::r=live/a,s=secret";
        assert_eq!(url.parse::<Endpoint>(), Err(EndpointError::Fragment));
        assert_eq!(redact(url), "srt://h:1?streamid=***#***");
    }

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
                "no gateway for \"ftp\"; known are udp, srt, rtmp, rtmps, http, https and file",
            ),
        ];
        for (url, message) in cases {
            assert_eq!(url.parse::<Endpoint>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn redaction_hides_keys_and_passphrases() {
        let shown = redact("srt://h:1?latency=120&passphrase=0123456789&streamid=publish:a");
        assert_eq!(shown, "srt://h:1?latency=120&passphrase=***&streamid=***");
        assert_eq!(redact("rtmp://h/live/secret"), "rtmp://h/live/***");
        assert_eq!(redact("rtmps://h/live/secret"), "rtmps://h/live/***");
        for (url, shown) in [
            (
                "https://u:pw@h/a/i.m3u8?cid=k",
                "https://u:***@h/a/i.m3u8?cid=***",
            ),
            ("https://token@h/i.m3u8", "https://***@h/i.m3u8"),
            ("file:///a/%Y b.ts", "file:///a/%Y b.ts"),
        ] {
            assert_eq!(redact(url), shown);
        }
    }

    #[test]
    fn a_recording_is_named_after_its_time_and_stays_below_the_media_folder() {
        let Ok(Endpoint::Recording(recording)) = "file:///a/%Y%m%d-%H%M%S b.ts".parse() else {
            panic!("a recording")
        };
        assert_eq!(recording.named(|field| field.to_string()), "a/Ymd-HMS b.ts");
        for bad in [
            "file://host/a.ts",
            "file:a.ts",
            "file:///",
            "file:///a.mp4",
            "file:///../a.ts",
            "file:///a/../b.ts",
            "file:////etc/a.ts",
            "file:///%2e%2e/a.ts",
            "file:///%s.ts",
            "file:///a.ts?x=1",
            "file:///a%.ts",
            "file:///a%%.ts",
            "file:///.ts/..",
            "file:///a\n.ts",
        ] {
            let parsed = bad.parse::<Endpoint>();
            assert_eq!(parsed, Err(EndpointError::BadRecording), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_recorded_or_read_leads_out_of_the_folder(path in "[a-z./%YmdHMS ]{0,24}") {
            let below = |path: &str| {
                !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
            };
            if let Ok(Endpoint::Recording(recording)) = format!("file:///{path}.ts").parse() {
                let named = recording.named(|_| "07".to_owned());
                proptest::prop_assert!(below(&named) && named.ends_with(".ts"), "{named}");
            }
            if let Ok(Endpoint::File(file)) = Endpoint::file(&path) {
                proptest::prop_assert!(below(&file.path), "{}", file.path);
            }
        }
    }

    #[test]
    fn a_playlist_is_put_where_its_url_says() {
        let Ok(Endpoint::Http(http)) = "https://h:8443/live/index.m3u8?k=1".parse() else {
            panic!("a playlist")
        };
        assert_eq!((http.host.as_str(), http.port, http.tls), ("h", 8443, true));
        assert!(!format!("{http:?}").contains("k=1"));
        assert!("http://h/live/".parse::<Endpoint>().is_err());
    }

    #[test]
    fn a_path_stays_below_the_media_folder() {
        for good in ["a.ts", "shows/one (1).mp4", "ü/日.ts"] {
            assert!(Endpoint::file(good).is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_PATH_BYTES + 1);
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "a/../b",
            "a//b",
            "./a",
            "a/",
            "a\0b",
            "a\nb",
            "a:b",
            "%2e",
            &long,
        ] {
            assert_eq!(Endpoint::file(bad), Err(EndpointError::BadPath), "{bad:?}");
        }
    }
}
