//! What the configuration says of WebRTC.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How WebRTC is served.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The UDP port of all sessions.
    pub listen: SocketAddr,
    /// The addresses that peers are told to send to, at the port that is bound: what this host is
    /// called from outside, behind a translator of addresses too. Empty: the one it listens on.
    pub addresses: Vec<IpAddr>,
    /// Servers that peers are told of in `Link` headers (RFC 9725 §4.6). This host needs none.
    pub ice_servers: Vec<IceServer>,
    /// Sessions at once, of publishers and viewers together.
    pub max_sessions: usize,
    /// A session ends when its peer has not come through by then.
    pub connect_timeout: Duration,
    /// A publisher's session ends when it has sent no media for so long.
    pub media_timeout: Duration,
}

/// A STUN or TURN server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceServer {
    /// As in `turn:turn.example.net?transport=udp` (RFC 7064, RFC 7065).
    pub url: String,
    /// For TURN.
    pub username: Option<String>,
    /// For TURN.
    pub credential: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8189).into(),
            addresses: Vec::new(),
            ice_servers: Vec::new(),
            max_sessions: 1_000,
            connect_timeout: Duration::from_secs(15),
            media_timeout: Duration::from_secs(30),
        }
    }
}

/// Why WebRTC could not be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The port is not to be had.
    #[error("cannot listen for WebRTC on udp {address}: {source}; is another server on it?")]
    Bind {
        /// As configured.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Peers cannot be told to send to every address.
    #[error(
        "WebRTC listens on {0}, which is no address that peers can send to; name those that this \
         host is called by in `addresses`"
    )]
    NoAddress(SocketAddr),
    /// No certificate for DTLS.
    #[error("no certificate could be made for WebRTC")]
    NoCertificate,
}

impl Settings {
    /// What goes into candidates, with the port that was bound.
    pub(super) fn candidates(&self, bound: SocketAddr) -> Result<Vec<SocketAddr>, ServeError> {
        if self.addresses.is_empty() {
            return match bound.ip().is_unspecified() {
                true => Err(ServeError::NoAddress(bound)),
                false => Ok(vec![bound]),
            };
        }
        let at_port = |address: &IpAddr| SocketAddr::new(*address, bound.port());
        match self
            .addresses
            .iter()
            .find(|address| address.is_unspecified())
        {
            Some(address) => Err(ServeError::NoAddress(at_port(address))),
            None => Ok(self.addresses.iter().map(at_port).collect()),
        }
    }
}

impl IceServer {
    /// A `Link` header's value; none if the URL cannot stand in one.
    pub(super) fn link(&self) -> Option<String> {
        let plain = |text: &str| {
            text.chars()
                .all(|c| c.is_ascii_graphic() && !"<>\"\\".contains(c))
        };
        let parts = [
            Some(&self.url),
            self.username.as_ref(),
            self.credential.as_ref(),
        ];
        if !parts.into_iter().flatten().all(|text| plain(text)) {
            return None;
        }
        let mut link = format!("<{}>; rel=\"ice-server\"", self.url);
        if let (Some(username), Some(credential)) = (&self.username, &self.credential) {
            link.push_str(&format!(
                "; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\""
            ));
        }
        Some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_what_is_advertised_and_never_every_address() {
        let bound = "0.0.0.0:8189".parse().unwrap();
        let mut settings = Settings::default();
        assert!(settings.candidates(bound).is_err());
        let loopback = "127.0.0.1:9".parse().unwrap();
        assert_eq!(settings.candidates(loopback).unwrap(), [loopback]);
        settings.addresses = vec![
            "203.0.113.5".parse().unwrap(),
            "2001:db8::1".parse().unwrap(),
        ];
        let told: Vec<_> = settings.candidates(bound).unwrap();
        assert_eq!(
            told,
            [
                "203.0.113.5:8189".parse().unwrap(),
                "[2001:db8::1]:8189".parse().unwrap()
            ]
        );
        settings.addresses = vec!["::".parse().unwrap()];
        assert!(settings.candidates(bound).is_err());
    }

    #[test]
    fn a_server_is_told_with_its_credentials_unless_they_break_the_header() {
        let mut server = IceServer {
            url: "turn:turn.example.net".into(),
            username: Some("u".into()),
            credential: Some("p".into()),
        };
        let link = server.link().unwrap();
        assert!(link.starts_with("<turn:turn.example.net>; rel=\"ice-server\"; username=\"u\""));
        server.credential = Some("a\"; b".into());
        assert_eq!(server.link(), None);
    }
}
