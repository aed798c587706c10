//! TLS in front of the HTTP server, with rustls.
//!
//! The certificate and its key are files that others write (a person, certbot, a mounted secret).
//! They are read again when they change; what is at fault then is told, and the old pair stays.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// A peer that has not shaken hands within this is let go.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Handshakes at once; each is work for the processor that a stranger can ask for. Connections
/// beyond are closed.
const HANDSHAKES: usize = 256;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(2);

/// What a file may take; a chain is a few kilobytes.
const FILE_BYTES: u64 = 1 << 20;

/// The files, in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Not PEM, or without what is wanted of it.
    #[error("{} has no {wanted} in PEM form: {error}", file.display())]
    NotPem {
        /// Which.
        file: PathBuf,
        /// What was looked for.
        wanted: &'static str,
        /// What the parser says.
        error: pem::Error,
    },
    /// They do not go together, or are of a kind that is not known.
    #[error("{} and {} cannot be used together: {error}", certificate.display(), key.display())]
    NotAPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        error: rustls::Error,
    },
    /// No protocol version is left to speak.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// Shakes hands for the HTTP server.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
    handshakes: Arc<Semaphore>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tls").field(&self.shown.files).finish()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read, or do not go together.
    pub async fn open(files: Files) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let pair = pair(&files, &provider).await?;
        let shown = Arc::new(Shown {
            stamp: RwLock::new(stamp(&files).await),
            pair: RwLock::new(Arc::new(pair)),
            files,
            provider: provider.clone(),
        });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            shown,
            handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
        })
    }

    /// For a protocol of its own, which shows the same pair.
    ///
    /// # Errors
    /// No protocol version is left to speak.
    pub fn for_streams(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let config = ServerConfig::builder_with_provider(self.shown.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?;
        let shown = self.shown.clone();
        Ok(Arc::new(
            config.with_no_client_auth().with_cert_resolver(shown),
        ))
    }

    /// Reads the files again whenever they changed, until `stop`.
    pub async fn watch(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            let now = stamp(&self.shown.files).await;
            if now
                != *self
                    .shown
                    .stamp
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
            {
                self.shown.renew(now).await;
            }
        }
    }

    /// `None` if the peer does not shake hands in time, or too many are at it.
    pub(crate) async fn accept(&self, socket: TcpStream) -> Option<TlsStream<TcpStream>> {
        let _turn = self.handshakes.try_acquire().ok()?;
        let handshake = self.acceptor.accept(socket);
        tokio::time::timeout(HANDSHAKE, handshake).await.ok()?.ok()
    }
}

/// The pair that is shown to peers.
#[derive(Debug)]
struct Shown {
    files: Files,
    provider: Arc<CryptoProvider>,
    /// Held while a pointer is cloned or replaced.
    pair: RwLock<Arc<CertifiedKey>>,
    stamp: RwLock<Stamp>,
}

impl Shown {
    async fn renew(&self, stamp: Stamp) {
        let files = &self.files;
        match pair(files, &self.provider).await {
            Ok(pair) => {
                *self.pair.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                let certificate = files.certificate.display();
                tracing::info!(%certificate, "the certificate was read again");
            }
            Err(error) => tracing::warn!(%error, "the certificate before stays in use"),
        }
        *self.stamp.write().unwrap_or_else(PoisonError::into_inner) = stamp;
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pair = self.pair.read().unwrap_or_else(PoisonError::into_inner);
        Some(pair.clone())
    }
}

/// What tells that a file is another: links followed, since certbot and Kubernetes replace those.
type Stamp = [Option<(SystemTime, u64)>; 2];

async fn stamp(files: &Files) -> Stamp {
    let of = async |file: &Path| {
        let found = tokio::fs::metadata(file).await.ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    [of(&files.certificate).await, of(&files.key).await]
}

async fn pair(files: &Files, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let Files { certificate, key } = files;
    let not_pem = |file: &Path, wanted, error| TlsError::NotPem {
        file: file.to_owned(),
        wanted,
        error,
    };
    let text = read(certificate).await?;
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let chain = chain.and_then(|chain| match chain.is_empty() {
        true => Err(pem::Error::NoItemsFound),
        false => Ok(chain),
    });
    let chain = chain.map_err(|error| not_pem(certificate, "certificate", error))?;
    let secret = PrivateKeyDer::from_pem_slice(&read(key).await?)
        .map_err(|error| not_pem(key, "private key", error))?;
    // Compares the two as well.
    CertifiedKey::from_der(chain, secret, provider).map_err(|error| TlsError::NotAPair {
        certificate: certificate.clone(),
        key: key.clone(),
        error,
    })
}

async fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |error| TlsError::Unreadable {
        file: file.to_owned(),
        error,
    };
    let size = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
    if size > FILE_BYTES {
        let large = format!("it has {size} bytes, a certificate has some thousand");
        return Err(unreadable(io::Error::other(large)));
    }
    tokio::fs::read(file).await.map_err(unreadable)
}
