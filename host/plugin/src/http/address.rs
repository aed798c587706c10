//! Which addresses are of the public Internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is a host's on the public Internet: none of a private network, of this
/// machine or link, of documentation or benchmarks, no group, and none that stands for such a one.
///
/// By the special-purpose registries of IANA (RFC 6890 and its updates) as of 2025.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Whether it can be a single host's at all, wherever that is.
pub(super) fn is_host(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(address.is_unspecified() || address.is_multicast() || broadcast)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127, ..) => true, // this network, private (RFC 1918), loopback
        (100, 64..=127, _) => true, // behind a carrier's translator, RFC 6598
        (169, 254, _) => true,      // link-local, cloud metadata
        (172, 16..=31, _) => true,  // private
        (192, 0, 0 | 2) => true,    // protocol assignments, documentation
        (192, 88, 99) => true,      // 6to4 relays, deprecated
        (192, 168, _) => true,      // private
        (198, 18 | 19, _) => true,  // benchmarks
        (198, 51, 100) => true,     // documentation
        (203, 0, 113) => true,      // documentation
        (224.., ..) => true,        // multicast, reserved, broadcast
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, ..] = address.segments();
    let embedded = || {
        let [.., w, x, y, z] = address.octets();
        Ipv4Addr::new(w, x, y, z)
    };
    match (a, b) {
        // Mapped (::ffff:0:0/96) and translated (64:ff9b::/96) addresses are as good as the one within.
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0xffff) => is_public_v4(embedded()),
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => is_public_v4(embedded()),
        // Protocol assignments (Teredo, ORCHID, benchmarks and others), documentation, 6to4.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x2002, _) => false,
        (0x3fff, 0..=0xfff) => false, // documentation, RFC 9637
        // Nothing outside of global unicast: loopback, unique local, link-local, multicast.
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_public_internet_is_told_apart() {
        let special = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "64:ff9b::10.1.2.3",
            "64:ff9b:1::8.8.8.8",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
        ];
        for address in special {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450::1",
        ];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn groups_and_nobodys_addresses_are_no_hosts() {
        for address in [
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "224.0.0.1",
            "ff02::1",
            "::ffff:0.0.0.0",
        ] {
            assert!(!is_host(address.parse().unwrap()), "{address}");
        }
        for address in ["127.0.0.1", "::1", "10.0.0.1", "fe80::1"] {
            assert!(is_host(address.parse().unwrap()), "{address}");
        }
    }
}
