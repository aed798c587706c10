//! Address ranges, as CIDR (RFC 4632, RFC 4291 §2.3).

use crate::config;
use pointsman_sdk::Error;
use serde_json::value::RawValue;
use std::net::IpAddr;

/// A list of ranges, unread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranges<'a>(pub(crate) Option<&'a RawValue>);

impl Ranges<'_> {
    /// Whether one of them holds the address; none if there is no list. A range that is none is
    /// an error, so that no slip of the operator opens what was to be closed.
    pub(crate) fn hold(self, ip: IpAddr) -> Result<Option<bool>, Error> {
        let Some(list) = self.0 else { return Ok(None) };
        let mut held = false;
        for range in config::read::<Vec<String>>("addresses", list)? {
            held |= Range::parse(&range)?.holds(ip);
        }
        Ok(Some(held))
    }
}

/// An address with the number of its bits that count.
#[derive(Debug, Clone, Copy)]
struct Range {
    base: IpAddr,
    bits: u32,
}

impl Range {
    fn parse(text: &str) -> Result<Self, Error> {
        let parse = || {
            let (base, bits) = match text.split_once('/') {
                Some((base, bits)) => (base, Some(bits.parse().ok()?)),
                None => (text, None),
            };
            let base: IpAddr = base.parse().ok()?;
            let all = if base.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(all);
            (bits <= all).then_some(Self { base, bits })
        };
        parse().ok_or_else(|| {
            Error::new(format!(
                "{text:?} is no address range: write 192.0.2.0/24 or 2001:db8::/32"
            ))
        })
    }

    fn holds(self, ip: IpAddr) -> bool {
        // A socket for both families shows IPv4 peers as ::ffff:192.0.2.7.
        match (self.base, ip.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                same(u32::from(base).into(), u32::from(ip).into(), 32 - self.bits)
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                same(u128::from(base), u128::from(ip), 128 - self.bits)
            }
            _ => false,
        }
    }
}

/// Whether two addresses are the same but for so many of their lowest bits.
fn same(a: u128, b: u128, but: u32) -> bool {
    (a ^ b).checked_shr(but).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_shares_their_first_bits() {
        for (range, ip, held) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.77/24", "192.0.2.1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("192.0.2.7/31", "192.0.2.6", true),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.7", false),
            ("2001:db8::1/128", "2001:db8::1", true),
        ] {
            let held_now = Range::parse(range).unwrap().holds(ip.parse().unwrap());
            assert_eq!(held_now, held, "{ip} in {range}");
        }
    }

    #[test]
    fn what_is_no_range_is_an_error() {
        for text in [
            "",
            "192.0.2",
            "192.0.2.0/33",
            "::/129",
            "192.0.2.0/",
            "/8",
            "192.0.2.0/-1",
            "a",
        ] {
            assert!(Range::parse(text).is_err(), "{text:?}");
        }
    }
}
