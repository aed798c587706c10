//! Addresses behind host names.

use super::LinkError;
use std::io;
use std::net::SocketAddr;

/// The first address that the resolver gives for a host.
///
/// # Errors
/// [`LinkError::Resolve`] when it gives none.
pub async fn resolve(host: &str, port: u16) -> Result<SocketAddr, LinkError> {
    let unresolved = |source| LinkError::Resolve {
        host: host.to_owned(),
        source,
    };
    let mut found = tokio::net::lookup_host((host, port))
        .await
        .map_err(unresolved)?;
    found
        .next()
        .ok_or_else(|| unresolved(io::ErrorKind::NotFound.into()))
}
