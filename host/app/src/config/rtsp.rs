//! `[rtsp]`

use super::error::ConfigError;
use gateway::rtsp::{Account, Limits};
use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// `[rtsp]`
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rtsp {
    /// Address and port of the RTSP server. Not set: 127.0.0.1:8554, and if another program has
    /// that, the host goes on without RTSP.
    pub listen: Option<SocketAddr>,
    /// Port for RTP over UDP, even; RTCP has the next one. Not set: 8000, or any two if it is
    /// taken; 0: any two.
    pub udp_port: Option<u16>,
    /// Address and port of the RTSPS server, under the certificate of `[api]`. Not set: there is
    /// none.
    pub tls_listen: Option<SocketAddr>,
    /// With `password`: what every client has to show, by Digest or Basic, 1 to 255 characters.
    pub user: Option<String>,
    /// With `user`, 1 to 255 characters.
    pub password: Option<String>,
    /// Connections at once, 1 to 100000.
    pub max_connections: usize,
    /// A connection that neither publishes nor plays by then is closed, 1 to 60 s.
    pub setup_timeout_s: u64,
    /// A session that says and sends nothing for so long is ended, 10 to 600 s.
    pub session_timeout_s: u64,
}

impl Rtsp {
    /// Where it listens unless it is told.
    pub const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8554);

    /// What every client has to show, if anything.
    pub fn account(&self) -> Option<Account> {
        let (user, password) = (self.user.clone()?, self.password.clone()?);
        Some(Account { user, password })
    }

    /// How long each may take and be silent.
    pub fn limits(&self) -> Limits {
        Limits {
            setup_timeout: Duration::from_secs(self.setup_timeout_s),
            session_timeout: Duration::from_secs(self.session_timeout_s),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        const LENGTH: &str = "1 to 255 characters, together with rtsp.user and rtsp.password";
        if !(1..=100_000).contains(&self.max_connections) {
            return Err(ConfigError::range("rtsp.max_connections", "1 to 100000"));
        }
        if !(1..=60).contains(&self.setup_timeout_s) {
            return Err(ConfigError::range("rtsp.setup_timeout_s", "1 to 60 s"));
        }
        if !(10..=600).contains(&self.session_timeout_s) {
            return Err(ConfigError::range("rtsp.session_timeout_s", "10 to 600 s"));
        }
        let both = [("rtsp.user", &self.user), ("rtsp.password", &self.password)];
        let is_any = both.iter().any(|(_, text)| text.is_some());
        let sound = |text: &String| (1..=255).contains(&text.len());
        match both
            .into_iter()
            .find(|(_, text)| is_any && !text.as_ref().is_some_and(sound))
        {
            Some((key, _)) => Err(ConfigError::range(key, LENGTH)),
            None => Ok(()),
        }
    }
}

impl Default for Rtsp {
    fn default() -> Self {
        Self {
            listen: None,
            udp_port: None,
            tls_listen: None,
            user: None,
            password: None,
            max_connections: gateway::rtsp::Config::new(Self::USUAL).max_connections,
            setup_timeout_s: Limits::default().setup_timeout.as_secs(),
            session_timeout_s: Limits::default().session_timeout.as_secs(),
        }
    }
}

impl fmt::Debug for Rtsp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rtsp")
            .field("listen", &self.listen)
            .field("tls_listen", &self.tls_listen)
            .field("has_account", &self.user.is_some())
            .finish_non_exhaustive()
    }
}
