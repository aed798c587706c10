//! The handshake, plain and digested, as two small machines.
//!
//! The plain form is RTMP 1.0 §5.2: both sides send a version byte, 1536 bytes, and the other's
//! 1536 bytes back. The digested ("complex") form hides an HMAC-SHA256 in the same 1536 bytes at
//! an offset they name themselves, in one of two places; Flash Player 9 and later ask for it
//! before they play H.264. No specification was published: librtmp's `handshake.h` and
//! nginx-rtmp's `ngx_rtmp_handshake.c` are what peers agree with.
//!
//! Memory is bounded by construction: at most 3073 bytes wait for the rest of a half handshake.

mod client;
mod digest;
mod server;

pub use client::Client;
pub use server::Server;

use bytes::{Bytes, BytesMut};

/// Length of C1, C2, S1 and S2, in bytes (RTMP 1.0 §5.2.3).
pub const PACKET_LEN: usize = 1536;

/// The only version of the plain protocol (RTMP 1.0 §5.2.2); 6 would be RTMPE.
pub const VERSION: u8 = 3;

/// Why a handshake was given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The first byte is not version 3: another protocol (HTTP, TLS) or encrypted RTMP.
    #[error(
        "the peer opened with byte {0:#04x}, RTMP opens with 0x03: check protocol and port \
         (0x16 is TLS, so rtmps; 0x06 is RTMPE, which is not supported)"
    )]
    Version(u8),
}

/// What came of some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes to send to the peer, possibly none.
    pub output: Bytes,
    /// Set once the handshake is over: the bytes behind it, which belong to the chunk layer.
    pub done: Option<Bytes>,
}

/// One 1536-byte packet.
type Packet = [u8; PACKET_LEN];

/// Fills `packet` with noise from `seed` (splitmix64).
///
/// The bytes only have to differ between connections (RTMP 1.0 §5.2.3); nothing is kept secret
/// by them, so no cryptographic generator is asked for.
fn fill_random(packet: &mut [u8], seed: u64) {
    let mut state = seed;
    for block in packet.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        for (byte, noise) in block.iter_mut().zip(mixed.to_le_bytes()) {
            *byte = noise;
        }
    }
}

/// A packet of time, version and noise (RTMP 1.0 §5.2.3).
fn packet(time_ms: u32, version: [u8; 4], seed: u64) -> Packet {
    let mut packet = [0; PACKET_LEN];
    let (head, noise) = packet.split_at_mut(8);
    head[..4].copy_from_slice(&time_ms.to_be_bytes());
    head[4..].copy_from_slice(&version);
    fill_random(noise, seed);
    packet
}

/// Takes one packet off the front of `buffer` once it is all there.
fn take_packet(buffer: &mut BytesMut) -> Option<Packet> {
    let packet = buffer.first_chunk::<PACKET_LEN>().copied()?;
    bytes::Buf::advance(buffer, PACKET_LEN);
    Some(packet)
}

/// Moves bytes from `input` to `buffer` until the buffer holds `wanted`.
fn collect(buffer: &mut BytesMut, input: &mut Bytes, wanted: usize) {
    let take = wanted.saturating_sub(buffer.len()).min(input.len());
    buffer.extend_from_slice(&input.split_to(take));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shake(mut client: Client, mut server: Server, step: usize) -> (Client, Server) {
        let mut to_server = client.start();
        let mut to_client = Bytes::new();
        let (mut client_done, mut server_done) = (false, false);
        while !(client_done && server_done) {
            assert!(
                !(to_server.is_empty() && to_client.is_empty()),
                "neither side has more to say"
            );
            let piece = to_server.split_to(step.min(to_server.len()));
            let progress = server.handle_input(piece).unwrap();
            to_client = [to_client, progress.output].concat().into();
            server_done |= progress.done.is_some();
            let piece = to_client.split_to(step.min(to_client.len()));
            let progress = client.handle_input(piece).unwrap();
            to_server = [to_server, progress.output].concat().into();
            client_done |= progress.done.is_some();
        }
        (client, server)
    }

    #[test]
    fn both_forms_complete_whatever_the_size_of_reads() {
        for step in [1, 7, 1536, 1537, 4096] {
            let (_, server) = shake(Client::new(0, 1), Server::new(0, 2), step);
            assert!(server.is_digested());
            let (_, server) = shake(Client::plain(0, 1), Server::new(0, 2), step);
            assert!(!server.is_digested());
        }
    }

    #[test]
    fn bytes_behind_the_handshake_are_handed_on() {
        let mut client = Client::new(0, 9);
        let mut server = Server::new(0, 4);
        let answer = server.handle_input(client.start()).unwrap().output;
        let c2 = client.handle_input(answer).unwrap();
        assert_eq!(c2.done, Some(Bytes::new()));
        let progress = server
            .handle_input([&c2.output[..], b"chunks"].concat().into())
            .unwrap();
        assert_eq!(progress.done.as_deref(), Some(&b"chunks"[..]));
    }

    #[test]
    fn another_protocol_is_refused_at_its_first_byte() {
        let refused = Server::new(0, 4).handle_input(Bytes::from_static(b"GET / HTTP/1.1\r\n"));
        assert_eq!(refused, Err(Error::Version(b'G')));
        let refused = Client::new(0, 4).handle_input(Bytes::from_static(b"HTTP/1.1 400"));
        assert_eq!(refused, Err(Error::Version(b'H')));
    }

    #[test]
    fn plain_answers_echo_the_packet_they_answer() {
        let mut client = Client::plain(7, 1);
        let c0c1 = client.start();
        let answer = Server::new(0, 2).handle_input(c0c1.clone()).unwrap().output;
        assert_eq!(answer.len(), 1 + 2 * PACKET_LEN);
        assert_eq!(answer[1 + PACKET_LEN + 8..], c0c1[9..]);
        let c2 = client.handle_input(answer.clone()).unwrap().output;
        assert_eq!(c2[8..], answer[9..=PACKET_LEN]);
    }
}
