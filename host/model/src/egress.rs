//! Which addresses this host may call: outputs, sources that call, webhooks.
//!
//! Sending to loopback and to private networks is what a router does all day, so by itself only
//! what serves a cloud's credentials is closed: link-local addresses and their like. A `deny`
//! beats an `allow`, and an `allow`, once given, is all there is.

use crate::grants::HostRule;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What may be called: `[egress]` of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Egress {
    /// If there are any, nothing else may be called.
    pub allow: Vec<Destination>,
    /// May not be called, whatever `allow` says.
    pub deny: Vec<Destination>,
    /// Whether link-local addresses and the other homes of cloud metadata may be called.
    pub link_local: bool,
}

/// A network (`10.0.0.0/8`, `fd00::/8`), an address, or a host by name (`ingest.example.org`,
/// `*.example.org`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Destination {
    /// By address.
    Network(Network),
    /// By name, wherever it is.
    Host(HostRule),
}

/// The addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// 0 to 32, or to 128.
    prefix: u8,
}

/// Why a text is no [`Destination`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is neither a network (10.0.0.0/8), nor an address, nor a host's name \
     (ingest.example.org, *.example.org)"
)]
pub struct BadDestination(String);

/// Something may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Forbidden {
    /// A rule says so.
    #[error("{host}{} may not be called: [egress] deny of the configuration names {rule}", at(*address))]
    Denied {
        /// As configured.
        host: String,
        /// Where it is, if that is what was denied.
        address: Option<IpAddr>,
        /// The rule.
        rule: String,
    },
    /// No rule allows it, and there are such.
    #[error("{host}{} may not be called: it is not in [egress] allow of the configuration", at(*address))]
    NotAllowed {
        /// As configured.
        host: String,
        /// Where it is, if that was looked at.
        address: Option<IpAddr>,
    },
    /// Link-local, or a cloud's metadata.
    #[error(
        "{host} at {address} may not be called: link-local addresses and those of cloud metadata \
         are closed; set link_local = true under [egress] of the configuration to open them"
    )]
    LinkLocal {
        /// As configured.
        host: String,
        /// Where it is.
        address: IpAddr,
    },
}

/// Homes of cloud metadata beside the link-local ones: AWS and Google over IPv6, Alibaba, Azure.
const METADATA: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

impl Egress {
    /// Whether a host may be called, as far as that is known before its name is resolved.
    ///
    /// # Errors
    /// [`Forbidden`], with what forbids it.
    pub fn check_host(&self, host: &str) -> Result<(), Forbidden> {
        if let Ok(address) = host.parse() {
            return self.check(host, address);
        }
        self.check_name(host)?;
        let by_name_only = self
            .allow
            .iter()
            .all(|rule| matches!(rule, Destination::Host(_)));
        if self.allow.is_empty() || !by_name_only || self.allows_name(host) {
            return Ok(());
        }
        let host = host.to_owned();
        Err(Forbidden::NotAllowed {
            host,
            address: None,
        })
    }

    /// Whether a host may be called at this address, which its name resolved to or which it is.
    ///
    /// # Errors
    /// [`Forbidden`], with what forbids it.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), Forbidden> {
        self.check_name(host)?;
        let meant = meant(address);
        let named = || host.to_owned();
        for rule in &self.deny {
            if meant.iter().flatten().any(|address| rule.covers(*address)) {
                let rule = rule.to_string();
                return Err(Forbidden::Denied {
                    host: named(),
                    address: Some(address),
                    rule,
                });
            }
        }
        if !self.link_local
            && meant
                .iter()
                .flatten()
                .any(|address| is_link_local(*address))
        {
            return Err(Forbidden::LinkLocal {
                host: named(),
                address,
            });
        }
        let [first, _] = meant;
        let allows = |rule: &Destination| first.is_some_and(|address| rule.covers(address));
        if self.allow.is_empty() || self.allows_name(host) || self.allow.iter().any(allows) {
            return Ok(());
        }
        Err(Forbidden::NotAllowed {
            host: named(),
            address: Some(address),
        })
    }

    fn check_name(&self, host: &str) -> Result<(), Forbidden> {
        let host = canonical(host);
        match self.deny.iter().find(|rule| rule.names(&host)) {
            Some(rule) => {
                let rule = rule.to_string();
                Err(Forbidden::Denied {
                    host,
                    address: None,
                    rule,
                })
            }
            None => Ok(()),
        }
    }

    fn allows_name(&self, host: &str) -> bool {
        let host = canonical(host);
        self.allow.iter().any(|rule| rule.names(&host))
    }
}

impl Destination {
    fn covers(&self, address: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(address))
    }

    fn names(&self, host: &str) -> bool {
        matches!(self, Self::Host(rule) if rule.matches(host))
    }
}

impl Network {
    /// Whether an address begins with its bits.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differ = network.to_bits() ^ address.to_bits();
                differ.checked_shr(32 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differ = network.to_bits() ^ address.to_bits();
                differ
                    .checked_shr(128 - u32::from(self.prefix))
                    .unwrap_or(0)
                    == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = BadDestination;

    fn from_str(text: &str) -> Result<Self, BadDestination> {
        let bad = || BadDestination(text.chars().take(80).collect());
        let (address, prefix) = text
            .split_once('/')
            .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix
            .map_or(Ok(most), str::parse::<u8>)
            .map_err(|_| bad())?;
        if prefix > most {
            return Err(bad());
        }
        Ok(Self { address, prefix })
    }
}

impl FromStr for Destination {
    type Err = BadDestination;

    fn from_str(text: &str) -> Result<Self, BadDestination> {
        // A name may end in a dot; an address that does is still no name.
        if let Ok(network) = text.trim_end_matches('.').parse() {
            return Ok(Self::Network(network));
        }
        let bad = |_| BadDestination(text.chars().take(80).collect());
        text.parse().map(Self::Host).map_err(bad)
    }
}

impl TryFrom<String> for Destination {
    type Error = BadDestination;

    fn try_from(text: String) -> Result<Self, BadDestination> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Host(rule) => rule.fmt(f),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn at(address: Option<IpAddr>) -> String {
    address
        .map(|address| format!(" at {address}"))
        .unwrap_or_default()
}

fn canonical(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The address that is spoken to, and the IPv4 address that a translator on the way makes of it:
/// NAT64 (RFC 6052) and 6to4 (RFC 3056).
fn meant(address: IpAddr) -> [Option<IpAddr>; 2] {
    let address = match address.to_canonical() {
        // What is sent there arrives at this machine.
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    let IpAddr::V6(v6) = address else {
        return [Some(address), None];
    };
    let [.., w, x, y, z] = v6.octets();
    let translated = match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(Ipv4Addr::new(w, x, y, z)),
        [0x2002, high, low, ..] => Some(Ipv4Addr::from_bits(
            (u32::from(high) << 16) | u32::from(low),
        )),
        _ => None,
    };
    [Some(address), translated.map(IpAddr::V4)]
}

fn is_link_local(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    link_local || METADATA.contains(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn egress(allow: &[&str], deny: &[&str]) -> Egress {
        let rules = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Egress {
            allow: rules(allow),
            deny: rules(deny),
            link_local: false,
        }
    }

    fn at(egress: &Egress, address: &str) -> bool {
        egress
            .check("peer.example", address.parse().unwrap())
            .is_ok()
    }

    #[test]
    fn by_itself_all_is_open_but_what_serves_a_clouds_credentials() {
        let usual = Egress::default();
        for open in [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "192.168.0.9",
            "239.1.1.1",
            "8.8.8.8",
            "fd12::1",
        ] {
            assert!(at(&usual, open), "{open}");
        }
        let closed = [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
        ];
        for address in closed {
            assert!(!at(&usual, address), "{address}");
            let opened = Egress {
                link_local: true,
                ..Egress::default()
            };
            assert!(at(&opened, address), "{address}");
        }
    }

    #[test]
    fn a_deny_beats_an_allow_and_an_allow_is_exhaustive() {
        let lists = egress(
            &["10.0.0.0/8", "fd00::/8", "*.cdn.example"],
            &["10.0.0.0/24", "evil.cdn.example"],
        );
        assert!(at(&lists, "10.0.1.0") && at(&lists, "::ffff:10.9.9.9") && at(&lists, "fdff::1"));
        assert!(!at(&lists, "10.0.0.255") && !at(&lists, "11.0.0.0") && !at(&lists, "fe00::1"));
        let host = |name: &str| lists.check(name, "203.0.113.7".parse().unwrap()).is_ok();
        assert!(host("a.cdn.example") && host("A.CDN.example."));
        assert!(!host("evil.cdn.example") && !host("cdn.example"));
        assert!(
            lists
                .check("a.cdn.example", "10.0.0.1".parse().unwrap())
                .is_err()
        );
    }

    #[test]
    fn the_whole_address_space_and_single_addresses_are_networks() {
        let none = egress(&[], &["0.0.0.0/0", "::/0"]);
        assert!(!at(&none, "127.0.0.1") && !at(&none, "2001:db8::1"));
        let one = egress(&[], &["127.0.0.1"]);
        assert!(!at(&one, "127.0.0.1") && at(&one, "127.0.0.2"));
        assert!(!at(&one, "0.0.0.0"), "it arrives at this machine");
    }

    #[test]
    fn an_address_that_ends_in_a_dot_is_no_name() {
        let dotted = egress(&[], &["198.51.100.7."]);
        assert_eq!(dotted.deny, egress(&[], &["198.51.100.7"]).deny);
        assert!(!at(&dotted, "198.51.100.7"));
    }

    #[test]
    fn a_host_is_judged_before_it_is_resolved_as_far_as_that_goes() {
        assert!(Egress::default().check_host("169.254.169.254").is_err());
        assert!(egress(&["a.example"], &[]).check_host("b.example").is_err());
        assert!(
            egress(&["a.example", "10.0.0.0/8"], &[])
                .check_host("b.example")
                .is_ok()
        );
        assert!(egress(&[], &["b.example"]).check_host("B.example").is_err());
    }

    #[test]
    fn a_refusal_says_what_forbids_and_where() {
        let told = egress(&[], &["10.0.0.0/8"])
            .check_host("10.0.0.1")
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("10.0.0.1")
                && told.contains("[egress] deny")
                && told.contains("10.0.0.0/8"),
            "{told}"
        );
        let told = Egress::default()
            .check_host("169.254.169.254")
            .unwrap_err()
            .to_string();
        assert!(told.contains("link_local = true"), "{told}");
    }

    #[test]
    fn what_is_no_destination_is_told() {
        for bad in [
            "10.0.0.0/33",
            "::/129",
            "a b",
            "http://h",
            "10.0.0.0/",
            "",
            "1.2.3.4/-1",
        ] {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
        assert_eq!(
            "10.0.0.7".parse::<Destination>().unwrap().to_string(),
            "10.0.0.7/32"
        );
    }
}
