//! How to listen and how to call.

use super::Error;
use model::endpoint;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// A secret of 10 to 79 bytes (libsrt `SRTO_PASSPHRASE`). Does not show itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String);

impl Passphrase {
    /// Checks the length.
    ///
    /// # Errors
    /// [`Error::Passphrase`] outside 10 to 79 bytes.
    pub fn new(secret: impl Into<String>) -> Result<Self, Error> {
        let secret = secret.into();
        if (10..=79).contains(&secret.len()) {
            Ok(Self(secret))
        } else {
            Err(Error::Passphrase { len: secret.len() })
        }
    }

    /// The secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(***)")
    }
}

/// AES key length. The sender's holds; a listener advertises its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyLength {
    /// 16 bytes.
    #[default]
    Aes128,
    /// 24 bytes.
    Aes192,
    /// 32 bytes.
    Aes256,
}

impl KeyLength {
    /// From a URL's `pbkeylen`.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for anything but 16, 24 and 32.
    pub const fn from_bytes(bytes: u8) -> Result<Self, Error> {
        match bytes {
            16 => Ok(Self::Aes128),
            24 => Ok(Self::Aes192),
            32 => Ok(Self::Aes256),
            _ => Err(Error::KeyLength { bytes }),
        }
    }

    /// 16, 24 or 32.
    pub const fn bytes(self) -> u8 {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }
}

/// A passphrase and the length of the keys made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// Both sides must have the same.
    pub passphrase: Passphrase,
    /// How strong.
    pub key_length: KeyLength,
}

/// How to listen.
#[derive(Debug, Clone)]
pub struct ListenConfig {
    /// Where; port 0 takes a free one.
    pub local: SocketAddr,
    /// Receive delay wanted in both directions; the larger of both sides' holds. 0-30000.
    pub latency_ms: u32,
    /// Demanded of every caller, unless its verdict has a passphrase of its own.
    pub encryption: Option<Encryption>,
    /// Largest message, 188-1456: 1316 is seven TS packets.
    pub payload_bytes: usize,
    /// Callers that may wait to be accepted.
    pub backlog: u16,
    /// Connections at a time, those in their handshake included.
    pub max_connections: usize,
    /// Handshakes a second that are looked at, and as many at once.
    pub handshakes_per_s: u32,
    /// Silence after which a peer counts as gone.
    pub peer_idle_timeout: Duration,
}

impl ListenConfig {
    /// The defaults, at this address.
    pub const fn new(local: SocketAddr) -> Self {
        Self {
            local,
            latency_ms: endpoint::DEFAULT_SRT_LATENCY_MS,
            encryption: None,
            payload_bytes: srt_sys::LIVE_DEFAULT_PAYLOAD_BYTES,
            backlog: 64,
            max_connections: 1000,
            handshakes_per_s: 200,
            peer_idle_timeout: Duration::from_secs(5),
        }
    }

    /// As a listener-mode URL has it, at the address its host stands for.
    ///
    /// # Errors
    /// When passphrase or key length are out of range.
    pub fn from_endpoint(endpoint: &endpoint::Srt, local: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            latency_ms: endpoint.latency_ms,
            encryption: encryption_of(endpoint)?,
            ..Self::new(local)
        })
    }
}

/// How to call.
#[derive(Debug, Clone)]
pub struct ConnectConfig {
    /// Whom.
    pub remote: SocketAddr,
    /// From where; any free port unless given.
    pub local: Option<SocketAddr>,
    /// The peer calls at the same time; `local` is where it calls.
    pub rendezvous: bool,
    /// Receive delay wanted in both directions; the larger of both sides' holds. 0-30000.
    pub latency_ms: u32,
    /// Must be the listener's.
    pub encryption: Option<Encryption>,
    /// What is asked for, at most 512 bytes.
    pub stream_id: String,
    /// Largest message, 188-1456: 1316 is seven TS packets.
    pub payload_bytes: usize,
    /// How long the handshake may take.
    pub timeout: Duration,
    /// Silence after which the peer counts as gone.
    pub peer_idle_timeout: Duration,
}

impl ConnectConfig {
    /// The defaults, to this address.
    pub const fn new(remote: SocketAddr) -> Self {
        Self {
            remote,
            local: None,
            rendezvous: false,
            latency_ms: endpoint::DEFAULT_SRT_LATENCY_MS,
            encryption: None,
            stream_id: String::new(),
            payload_bytes: srt_sys::LIVE_DEFAULT_PAYLOAD_BYTES,
            timeout: Duration::from_secs(3),
            peer_idle_timeout: Duration::from_secs(5),
        }
    }

    /// As a caller-mode URL has it, to an address its host stands for.
    ///
    /// # Errors
    /// When passphrase or key length are out of range.
    pub fn from_endpoint(endpoint: &endpoint::Srt, remote: SocketAddr) -> Result<Self, Error> {
        let rendezvous = endpoint.mode == endpoint::SrtMode::Rendezvous;
        let any = match remote {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let local_port = match endpoint.local_port {
            0 => remote.port(),
            port => port,
        };
        Ok(Self {
            latency_ms: endpoint.latency_ms,
            encryption: encryption_of(endpoint)?,
            stream_id: endpoint.stream_id.clone().unwrap_or_default(),
            timeout: Duration::from_millis(u64::from(endpoint.connect_timeout_ms)),
            rendezvous,
            local: rendezvous.then_some(SocketAddr::new(any, local_port)),
            ..Self::new(remote)
        })
    }
}

fn encryption_of(endpoint: &endpoint::Srt) -> Result<Option<Encryption>, Error> {
    let Some(secret) = &endpoint.passphrase else {
        return Ok(None);
    };
    Ok(Some(Encryption {
        passphrase: Passphrase::new(secret.as_str())?,
        key_length: KeyLength::from_bytes(endpoint.pbkeylen)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Endpoint;

    #[test]
    fn a_url_becomes_a_call_with_its_options_and_hides_its_secret() {
        let url = "srt://127.0.0.1:9000?latency=300&passphrase=0123456789&pbkeylen=24\
                   &streamid=publish:a&timeout=700";
        let Ok(Endpoint::Srt(endpoint)) = url.parse() else {
            panic!("{url}")
        };
        let remote = "127.0.0.1:9000".parse().unwrap();
        let call = ConnectConfig::from_endpoint(&endpoint, remote).unwrap();
        assert_eq!((call.latency_ms, call.timeout.as_millis()), (300, 700));
        assert_eq!(call.stream_id, "publish:a");
        assert!(!format!("{call:?}").contains("0123456789"));
        let encryption = call.encryption.unwrap();
        assert_eq!(encryption.key_length, KeyLength::Aes192);
    }

    #[test]
    fn short_and_long_passphrases_are_refused_before_any_library_sees_them() {
        for len in [0, 9, 80] {
            let error = Passphrase::new("x".repeat(len)).unwrap_err();
            assert!(matches!(error, Error::Passphrase { len: given } if given == len));
        }
    }
}
