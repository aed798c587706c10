//! The way out, with and without TLS.

use reqwest::{Client, ClientBuilder, Url};

/// An HTTP client that comes up where the system has no certificates, too: then only `https` fails,
/// and says what to do.
#[derive(Debug)]
pub struct Web {
    client: Client,
    no_certificates: Option<NoCertificates>,
}

/// Nobody's identity can be checked, so nobody is spoken to in `https`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "https is out of use on this host, since the system's certificates cannot be loaded ({0}): \
     install them (Debian and Ubuntu: ca-certificates), or name a PEM file of them in \
     SSL_CERT_FILE, and start the host again"
)]
pub struct NoCertificates(String);

impl Web {
    /// A client set up like this.
    ///
    /// # Errors
    /// When it is wrong even without certificates.
    pub fn new(set_up: impl Fn() -> ClientBuilder) -> Result<Self, reqwest::Error> {
        // Fails if the process has one already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let error = match set_up().build() {
            Ok(client) => {
                return Ok(Self {
                    client,
                    no_certificates: None,
                });
            }
            Err(error) => error,
        };
        // Without any, since none but the system's are trusted.
        let client = set_up().tls_certs_only([]).build()?;
        let no_certificates = NoCertificates(causes(&error));
        tracing::warn!("{no_certificates}");
        Ok(Self {
            client,
            no_certificates: Some(no_certificates),
        })
    }

    /// The client for requests to a URL.
    ///
    /// # Errors
    /// [`NoCertificates`] for `https` where there are none.
    pub fn to(&self, url: &Url) -> Result<&Client, NoCertificates> {
        match &self.no_certificates {
            Some(none) if url.scheme() == "https" => Err(none.clone()),
            _ => Ok(&self.client),
        }
    }
}

/// The causes of an error, the first left out if there are others: it only names the URL.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let error: &dyn std::error::Error = error;
    let causes = std::iter::successors(error.source(), |&error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    if causes.is_empty() {
        return "the request failed".to_owned();
    }
    causes.join(": ")
}
