//! The HMAC-SHA256 hidden in digested packets.
//!
//! C1 and S1 hold a 32-byte digest over the packet's other 1504 bytes, at an offset that four
//! bytes of one of the two 764-byte blocks spell out. C2 and S2 end in a digest over their first
//! 1504 bytes, keyed by the digest they answer.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{PACKET_LEN, Packet};

/// Length of a digest, in bytes.
const LEN: usize = 32;
/// Where the digest of C2 and S2 starts.
const TAIL: usize = PACKET_LEN - LEN;

/// A SHA-256 digest.
pub(super) type Digest = [u8; LEN];

/// The second half of the keys that sign C2 and S2; the same in both directions.
const KEY_TAIL: [u8; 32] = [
    0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57,
    0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae,
];

/// Whose key signs a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Signs C1 and C2.
    Client,
    /// Signs S1 and S2.
    Server,
}

impl Side {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Client => b"Genuine Adobe Flash Player 001",
            Self::Server => b"Genuine Adobe Flash Media Server 001",
        }
    }
}

/// Which of the two blocks holds the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// The block right behind the eight header bytes (librtmp's method 1).
    First,
    /// The block at 772 (librtmp's method 2).
    Second,
}

impl Scheme {
    /// Where the digest starts in `packet`; at most 1500, so it always fits.
    fn offset(self, packet: &Packet) -> usize {
        let at = match self {
            Self::First => 8,
            Self::Second => 772,
        };
        let named: usize = packet[at..at + 4]
            .iter()
            .map(|&byte| usize::from(byte))
            .sum();
        named % 728 + at + 4
    }
}

fn hmac(key: &[&[u8]], message: &[&[u8]]) -> Digest {
    // A key longer than one block (64 bytes) is hashed first (RFC 2104 §2): `new_from_slice`
    // does that and has no length it refuses.
    let key = key.concat();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return [0; LEN];
    };
    for part in message {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn digest_at(packet: &Packet, offset: usize, side: Side) -> Digest {
    hmac(
        &[side.name()],
        &[&packet[..offset], &packet[offset + LEN..]],
    )
}

/// Finds and checks the digest that `side` put into its first packet.
pub(super) fn find(packet: &Packet, side: Side) -> Option<(Scheme, Digest)> {
    [Scheme::First, Scheme::Second]
        .into_iter()
        .find_map(|scheme| {
            let offset = scheme.offset(packet);
            let digest = digest_at(packet, offset, side);
            (packet[offset..offset + LEN] == digest).then_some((scheme, digest))
        })
}

/// Writes the digest of `side` into its first packet, and returns it.
pub(super) fn sign_first(packet: &mut Packet, side: Side, scheme: Scheme) -> Digest {
    let offset = scheme.offset(packet);
    let digest = digest_at(packet, offset, side);
    packet[offset..offset + LEN].copy_from_slice(&digest);
    digest
}

/// Writes the digest of `side` into its second packet, which answers `peer_digest`.
pub(super) fn sign_second(packet: &mut Packet, side: Side, peer_digest: &Digest) {
    let key = hmac(&[side.name(), &KEY_TAIL], &[peer_digest]);
    let digest = hmac(&[&key], &[&packet[..TAIL]]);
    packet[TAIL..].copy_from_slice(&digest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_found_in_either_place_and_only_with_the_signers_key() {
        for scheme in [Scheme::First, Scheme::Second] {
            for seed in 0..200 {
                let mut packet = super::super::packet(1, [9, 0, 124, 2], seed);
                let digest = sign_first(&mut packet, Side::Client, scheme);
                assert_eq!(find(&packet, Side::Client), Some((scheme, digest)));
                assert_eq!(find(&packet, Side::Server), None);
            }
        }
    }

    #[test]
    fn hmac_matches_rfc_4231_case_two() {
        let digest = hmac(&[b"Je", b"fe"], &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(digest[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(digest[28..], [0x64, 0xec, 0x38, 0x43]);
    }
}
