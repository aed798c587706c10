//! MPEG-TS over SRT: `srt://`.

use super::EndpointError;
use super::url::{host_of, number, port_of};
use std::fmt;
use url::Url;

/// Who calls whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrtMode {
    /// This host calls the peer.
    Caller,
    /// This host waits for callers.
    Listener,
    /// Both call each other at the same time, from ports that they agreed on: through firewalls
    /// that let answers in.
    Rendezvous,
}

/// Latency in ms unless the URL says otherwise (libsrt's own default).
pub const DEFAULT_SRT_LATENCY_MS: u32 = 120;

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
    /// The port of this host that the peer calls in rendezvous; 0: the peer's own number.
    pub local_port: u16,
    /// How long a caller waits for the handshake.
    pub connect_timeout_ms: u32,
}

pub(super) fn parse(url: &Url) -> Result<Srt, EndpointError> {
    let mut srt = Srt {
        host: host_of(url),
        port: port_of(url)?,
        mode: SrtMode::Caller,
        latency_ms: DEFAULT_SRT_LATENCY_MS,
        passphrase: None,
        pbkeylen: 16,
        stream_id: None,
        local_port: 0,
        connect_timeout_ms: 3000,
    };
    for (key, value) in url.query_pairs() {
        match key.as_ref() {
            "mode" => {
                srt.mode = match value.as_ref() {
                    "caller" => SrtMode::Caller,
                    "listener" => SrtMode::Listener,
                    "rendezvous" => SrtMode::Rendezvous,
                    _ => {
                        let expected = "caller, listener or rendezvous";
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
            "localport" => {
                srt.local_port = number("localport", &value, 1..=65_535, "1 to 65535")?;
            }
            "timeout" => {
                srt.connect_timeout_ms =
                    number("timeout", &value, 100..=60_000, "100 to 60000 ms")?;
            }
            _ => {
                return Err(EndpointError::UnknownParameter {
                    scheme: "srt",
                    key: key.into_owned(),
                    known: "mode, latency, passphrase, pbkeylen, streamid, localport, timeout",
                });
            }
        }
    }
    Ok(srt)
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

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, EndpointError, redact};
    use super::SrtMode;

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
    fn rendezvous_names_the_port_of_this_side() {
        let url = "srt://10.0.0.1:9000?mode=rendezvous&localport=9001";
        let Ok(Endpoint::Srt(srt)) = url.parse() else {
            panic!("{url}")
        };
        assert_eq!((srt.mode, srt.local_port), (SrtMode::Rendezvous, 9001));
        assert!(
            "srt://h:1?mode=rendezvous&localport=0"
                .parse::<Endpoint>()
                .is_err()
        );
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
}
