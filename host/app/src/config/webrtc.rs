//! `[webrtc]`

use super::error::ConfigError;
use gateway::webrtc::{IceServer, Settings};
use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// `[webrtc]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webrtc {
    /// Address and UDP port of all sessions. Not set: 127.0.0.1:8189, and if another program has
    /// that, the host goes on without WebRTC.
    pub listen: Option<SocketAddr>,
    /// What peers are told to send to, with that port; needed where `listen` is every address.
    pub addresses: Vec<IpAddr>,
    /// Sessions at once, of publishers and viewers together, 1 to 100000.
    pub max_sessions: usize,
    /// A session ends when its peer has not come through by then, 1 to 60 s.
    pub connect_timeout_s: u64,
    /// A publisher's session ends when it has sent no media for so long, 1 to 600 s.
    pub media_timeout_s: u64,
    /// Servers that peers are told of (RFC 9725 §4.6), at most 16; this host needs none. Everybody
    /// who asks for a session is shown the credentials.
    pub ice_servers: Vec<Ice>,
}

/// A STUN or TURN server.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ice {
    /// As in `turn:turn.example.net?transport=udp` (RFC 7064, RFC 7065).
    pub url: String,
    /// For TURN.
    #[serde(default)]
    pub username: Option<String>,
    /// For TURN.
    #[serde(default)]
    pub credential: Option<String>,
}

impl Webrtc {
    /// Where it listens unless it is told.
    pub const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8189);

    /// As WebRTC is served with it.
    pub fn settings(&self) -> Settings {
        let told = |ice: &Ice| IceServer {
            url: ice.url.clone(),
            username: ice.username.clone(),
            credential: ice.credential.clone(),
        };
        Settings {
            listen: self.listen.unwrap_or(Self::USUAL),
            addresses: self.addresses.clone(),
            ice_servers: self.ice_servers.iter().map(told).collect(),
            max_sessions: self.max_sessions,
            connect_timeout: Duration::from_secs(self.connect_timeout_s),
            media_timeout: Duration::from_secs(self.media_timeout_s),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        const URLS: &str = "at most 16, each with a url that begins with stun:, stuns:, turn: or \
                            turns:, and without spaces, quotes and angle brackets in any field";
        if !(1..=100_000).contains(&self.max_sessions) {
            return Err(ConfigError::range("webrtc.max_sessions", "1 to 100000"));
        }
        if !(1..=60).contains(&self.connect_timeout_s) {
            return Err(ConfigError::range("webrtc.connect_timeout_s", "1 to 60 s"));
        }
        if !(1..=600).contains(&self.media_timeout_s) {
            return Err(ConfigError::range("webrtc.media_timeout_s", "1 to 600 s"));
        }
        let sound = self.ice_servers.iter().all(Ice::is_sound);
        if self.ice_servers.len() > 16 || !sound {
            return Err(ConfigError::range("webrtc.ice_servers", URLS));
        }
        Ok(())
    }
}

impl Ice {
    /// Whether it can stand in a header.
    fn is_sound(&self) -> bool {
        let known = ["stun:", "stuns:", "turn:", "turns:"];
        let plain = |text: &str| {
            let is_plain = |c: char| c.is_ascii_graphic() && !"<>\"\\".contains(c);
            text.chars().all(is_plain)
        };
        let fields = [
            Some(&self.url),
            self.username.as_ref(),
            self.credential.as_ref(),
        ];
        known.iter().any(|scheme| self.url.starts_with(scheme))
            && fields.into_iter().flatten().all(|text| plain(text))
    }
}

impl Default for Webrtc {
    fn default() -> Self {
        let usual = Settings::default();
        Self {
            listen: None,
            addresses: Vec::new(),
            max_sessions: usual.max_sessions,
            connect_timeout_s: usual.connect_timeout.as_secs(),
            media_timeout_s: usual.media_timeout.as_secs(),
            ice_servers: Vec::new(),
        }
    }
}

impl fmt::Debug for Ice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ice")
            .field("url", &self.url)
            .field("has_credential", &self.credential.is_some())
            .finish_non_exhaustive()
    }
}
