//! TLS to servers that this host calls: who they are is checked against the system's
//! certificates, or those in the file that SSL_CERT_FILE names.

use crate::LinkError;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// How long a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Speaks TLS on a connection to `host`.
///
/// # Errors
/// The certificate is not that host's or nobody vouches for it; or the peer speaks no TLS.
pub async fn connect(host: &str, tcp: TcpStream) -> Result<TlsStream<TcpStream>, LinkError> {
    let connector = TlsConnector::from(config().await?);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| LinkError::Misconfigured {
        what: format!("{host} is no name that a certificate could have"),
        remedy: "correct the url",
    })?;
    let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, connector.connect(name, tcp)).await;
    handshake
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(LinkError::io(format!("TLS with {host} failed")))
}

/// What certificates are checked against; read once, off the threads that move media.
///
/// # Errors
/// The system has none.
pub async fn config() -> Result<Arc<ClientConfig>, LinkError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let loaded = tokio::task::spawn_blocking(load).await;
    let config = loaded.unwrap_or_else(|error| Err(LinkError::Passing(error.to_string())))?;
    Ok(CONFIG.get_or_init(|| config).clone())
}

/// For connections without TLS, of clients that want a configuration all the same.
pub(crate) fn nobody_trusted() -> Result<Arc<ClientConfig>, LinkError> {
    with_roots(RootCertStore::empty())
}

fn load() -> Result<Arc<ClientConfig>, LinkError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // One that cannot be read is no reason to distrust the others.
    let (trusted, _) = roots.add_parsable_certificates(found.certs);
    if trusted == 0 {
        let why = found
            .errors
            .first()
            .map(|error| format!(" ({error})"))
            .unwrap_or_default();
        return Err(LinkError::Passing(format!(
            "this host has no certificates to check a server's identity by{why}; install them \
             (Debian and Ubuntu: ca-certificates), or name a PEM file of them in SSL_CERT_FILE"
        )));
    }
    with_roots(roots)
}

fn with_roots(roots: RootCertStore) -> Result<Arc<ClientConfig>, LinkError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| LinkError::Passing(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
