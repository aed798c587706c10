//! Certificates made for a test.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Shows whichever certificate it holds.
#[derive(Debug)]
pub(crate) struct Shown(pub(crate) Mutex<Arc<CertifiedKey>>);

impl Shown {
    /// A server's side that shows this certificate.
    pub(crate) fn config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        Arc::new(config)
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.lock().unwrap().clone())
    }
}

/// A certificate of its own for `name` and for loopback, by openssl: `cert.pem` and `key.pem` in
/// `dir`.
pub(crate) fn certificate(dir: &Path, name: &str) -> Arc<CertifiedKey> {
    let settings = format!(
        "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN={name}\n\
         [ext]\nbasicConstraints=critical,CA:FALSE\n\
         subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1\n"
    );
    std::fs::write(dir.join("openssl.cnf"), settings).unwrap();
    let args = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                -config openssl.cnf -keyout key.pem -out cert.pem";
    let made = std::process::Command::new("openssl")
        .args(args.split_whitespace())
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    open(dir)
}

/// The certificate that was made there.
pub(crate) fn open(dir: &Path) -> Arc<CertifiedKey> {
    let chain = vec![CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).unwrap();
    Arc::new(CertifiedKey::from_der(chain, key, &ring::default_provider()).unwrap())
}

/// A connection under TLS, to a host on loopback that shows the certificate in `dir`.
pub(crate) async fn connect(dir: &Path, address: SocketAddr) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap();
    roots.add(trusted).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, tcp).await.unwrap()
}
