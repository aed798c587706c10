//! Names to addresses, every one of them checked before it is connected to.

use super::address::{is_host, is_public};
use model::HostRule;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A host is at an address that requests may not go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is at {address}, which is not on the public Internet; if it shall be reached all the same, \
     the operator grants it as private"
)]
pub(super) struct Refused {
    pub(super) host: String,
    pub(super) address: IpAddr,
}

/// Whether a request to a host may go to this address.
pub(super) fn check(host: &str, address: IpAddr, private: &[HostRule]) -> Result<(), Refused> {
    let granted = private.iter().any(|rule| rule.matches(host));
    if is_public(address) || (granted && is_host(address)) {
        return Ok(());
    }
    let host = host.to_owned();
    Err(Refused { host, address })
}

/// The system's resolver. What it hands out is connected to, so there is no moment between the
/// check and the connection in which a name could come to mean another address.
pub(super) struct Resolver {
    pub(super) private: Arc<[HostRule]>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = Arc::clone(&self.private);
        Box::pin(async move {
            let host = super::canonical(name.as_str());
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            for address in &found {
                // One bad address spoils the name: which one would be taken is chance.
                check(&host, address.ip(), &private)?;
            }
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<HostRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn private_addresses_need_a_grant_of_their_own_name() {
        let private = rules(&["auth.lan", "10.0.0.7"]);
        let at = |host: &str, address: &str| check(host, address.parse().unwrap(), &private);
        assert_eq!(at("auth.lan", "192.168.1.1"), Ok(()));
        assert_eq!(at("10.0.0.7", "10.0.0.7"), Ok(()));
        assert!(at("10.0.0.8", "10.0.0.8").is_err());
        assert!(at("elsewhere.example", "127.0.0.1").is_err());
        assert_eq!(at("elsewhere.example", "93.184.215.14"), Ok(()));
        // Granted or not, a group is no host.
        assert!(at("auth.lan", "224.0.0.1").is_err());
    }
}
