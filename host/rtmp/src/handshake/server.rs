//! The side that was dialled.

use bytes::{BufMut, Bytes, BytesMut};

use super::digest::{self, Side};
use super::{Error, PACKET_LEN, Packet, Progress, VERSION, collect, packet, take_packet};

/// What S1 claims as its version when digests are used; any non-zero value does.
const SERVER_VERSION: [u8; 4] = [3, 5, 1, 1];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The version byte is missing.
    C0,
    /// The client's packet is missing.
    C1,
    /// The client's answer is missing.
    C2,
    Done,
}

/// The server's half: reads C0, C1 and C2, answers S0, S1 and S2.
#[derive(Debug)]
pub struct Server {
    state: State,
    time_ms: u32,
    seed: u64,
    digested: bool,
    buffer: BytesMut,
}

impl Server {
    /// A handshake that waits for the client.
    ///
    /// `time_ms` is this side's epoch as put into S1 (any origin); `seed` makes the noise, and
    /// should differ between connections.
    pub fn new(time_ms: u32, seed: u64) -> Self {
        Self {
            state: State::C0,
            time_ms,
            seed,
            digested: false,
            buffer: BytesMut::new(),
        }
    }

    /// Whether the client asked for the digested form. Meaningful once it was answered.
    pub fn is_digested(&self) -> bool {
        self.digested
    }

    /// Takes bytes of any length; what to send, and what was left over, is in the result.
    ///
    /// C2 is awaited but not checked, as in every server we know: some clients send noise.
    pub fn handle_input(&mut self, mut input: Bytes) -> Result<Progress, Error> {
        let mut progress = Progress::default();
        if self.state == State::C0 {
            match input.first() {
                None => return Ok(progress),
                Some(&VERSION) => drop(input.split_to(1)),
                Some(&other) => return Err(Error::Version(other)),
            }
            self.state = State::C1;
        }
        if self.state == State::C1 {
            collect(&mut self.buffer, &mut input, PACKET_LEN);
            let Some(c1) = take_packet(&mut self.buffer) else {
                return Ok(progress);
            };
            progress.output = self.answer(&c1);
            self.state = State::C2;
        }
        if self.state == State::C2 {
            collect(&mut self.buffer, &mut input, PACKET_LEN);
            if take_packet(&mut self.buffer).is_none() {
                return Ok(progress);
            }
            self.buffer = BytesMut::new();
            self.state = State::Done;
        }
        progress.done = Some(input);
        Ok(progress)
    }

    fn answer(&mut self, c1: &Packet) -> Bytes {
        let (s1, s2) = match digest::find(c1, Side::Client) {
            Some((scheme, peer_digest)) => {
                self.digested = true;
                let mut s1 = packet(self.time_ms, SERVER_VERSION, self.seed);
                digest::sign_first(&mut s1, Side::Server, scheme);
                let mut s2 = packet(self.time_ms, [0; 4], !self.seed);
                digest::sign_second(&mut s2, Side::Server, &peer_digest);
                (s1, s2)
            }
            None => {
                let mut s2 = *c1;
                s2[4..8].copy_from_slice(&self.time_ms.to_be_bytes());
                (packet(self.time_ms, [0; 4], self.seed), s2)
            }
        };
        let mut output = BytesMut::with_capacity(1 + 2 * PACKET_LEN);
        output.put_u8(VERSION);
        output.put_slice(&s1);
        output.put_slice(&s2);
        output.freeze()
    }
}
