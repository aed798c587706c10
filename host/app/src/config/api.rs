//! `[api]`: the HTTP server.

use super::ConfigError;
use ::api::Origin;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[api]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Address and port of the HTTP server.
    pub listen: SocketAddr,
    /// Whoever calls from this machine over loopback, and through no proxy, is an admin without
    /// showing anything, even if there are keys and users, and wherever the server listens.
    pub local_admin: bool,
    /// A certificate and those between it and its root, in PEM form; HTTPS is spoken then.
    pub certificate: Option<PathBuf>,
    /// Its private key, in PEM form.
    pub key: Option<PathBuf>,
    /// Speak HTTPS with a certificate that this host makes for itself.
    pub self_signed: bool,
    /// Sites whose pages may speak to the API from a browser.
    pub cors: Vec<Origin>,
    /// Requests a second of one address or key; 0 for no limit.
    pub rate: Option<u32>,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            local_admin: false,
            certificate: None,
            key: None,
            self_signed: false,
            cors: Vec::new(),
            rate: None,
        }
    }
}

impl Api {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match (&self.certificate, &self.key, self.self_signed) {
            (Some(_), None, _) => Err(ConfigError::range("api.key", "set with api.certificate")),
            (None, Some(_), _) => Err(ConfigError::range("api.certificate", "set with api.key")),
            (Some(_), Some(_), true) => Err(ConfigError::range(
                "api.self_signed",
                "false while api.certificate is set",
            )),
            _ if self.rate.is_some_and(|rate| rate > 1_000_000) => Err(ConfigError::range(
                "api.rate",
                "0 to 1000000 requests a second",
            )),
            _ => Ok(()),
        }
    }
}
