//! Addresses behind host names.

use crate::LinkError;
use crate::context::Context;
use model::Egress;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long a resolver may take to answer.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to be made, over all addresses of its host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The first address that the resolver gives for a host of this machine: to listen on.
///
/// # Errors
/// [`LinkError::Resolve`] when it gives none.
pub async fn resolve(host: &str, port: u16) -> Result<SocketAddr, LinkError> {
    first(host, lookup(host, port).await?)
}

/// The addresses of a host that is to be called, every one of them allowed. What is connected to
/// has to be one of these: a second look-up could find others.
///
/// # Errors
/// [`LinkError::Resolve`], or [`LinkError::Forbidden`]; one bad address spoils the name, since
/// which one is taken is chance.
pub async fn to_call(egress: &Egress, host: &str, port: u16) -> Result<Vec<SocketAddr>, LinkError> {
    egress.check_host(host)?;
    let found = lookup(host, port).await?;
    for address in &found {
        egress.check(host, address.ip())?;
    }
    Ok(found)
}

/// The first of the addresses that [`to_call`] gives.
///
/// # Errors
/// As [`to_call`].
pub async fn one_to_call(
    context: &Context,
    host: &str,
    port: u16,
) -> Result<SocketAddr, LinkError> {
    first(host, to_call(context.egress(), host, port).await?)
}

/// A TCP connection to a host, if it may be called. Its addresses are tried one after another.
///
/// # Errors
/// As [`to_call`]; or what the last address said.
pub async fn connect(context: &Context, host: &str, port: u16) -> Result<TcpStream, LinkError> {
    let addresses = to_call(context.egress(), host, port).await?;
    // Of the standard library and tokio alike: all of them, the last one's error.
    let connecting = TcpStream::connect(addresses.as_slice());
    let tcp = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(LinkError::io(format!("cannot connect to {host}:{port}")))?;
    // Without it the last part of a message waits 40 ms for a delayed acknowledgement.
    let _ = tcp.set_nodelay(true);
    Ok(tcp)
}

async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, LinkError> {
    let looking = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((host, port)));
    let found = looking
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    match found {
        Ok(found) => Ok(found.collect()),
        Err(source) => Err(LinkError::Resolve {
            host: host.to_owned(),
            source,
        }),
    }
}

fn first(host: &str, found: Vec<SocketAddr>) -> Result<SocketAddr, LinkError> {
    found.into_iter().next().ok_or_else(|| LinkError::Resolve {
        host: host.to_owned(),
        source: io::ErrorKind::NotFound.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_to_a_denied_address_is_not_called() {
        let denied = Egress {
            deny: vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
            ..Egress::default()
        };
        // The last two are addresses to the resolver only (inet_aton(3)).
        for host in ["localhost", "127.0.0.1", "2130706433", "0x7f.1"] {
            let error = to_call(&denied, host, 1).await.unwrap_err();
            assert!(error.is_permanent(), "{host}: {error}");
            assert!(error.to_string().contains("[egress] deny"), "{error}");
        }
        let open = to_call(&Egress::default(), "localhost", 7).await.unwrap();
        assert!(!open.is_empty() && open.iter().all(|address| address.port() == 7));
    }
}
