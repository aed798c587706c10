//! The side that dials.

use bytes::{BufMut, Bytes, BytesMut};

use super::digest::{self, Scheme, Side};
use super::{Error, PACKET_LEN, Packet, Progress, VERSION, collect, packet, take_packet};

/// The Flash version C1 claims; non-zero asks for the digested form.
const CLIENT_VERSION: [u8; 4] = [9, 0, 124, 2];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The server's version byte is missing.
    S0,
    /// The server's packet is missing.
    S1,
    /// The server's answer is missing.
    S2,
    Done,
}

/// The client's half: sends C0 and C1, reads S0, S1 and S2, answers C2.
#[derive(Debug)]
pub struct Client {
    state: State,
    time_ms: u32,
    seed: u64,
    digested: bool,
    buffer: BytesMut,
}

impl Client {
    /// A handshake that offers the digested form, and takes the plain one.
    ///
    /// `time_ms` is this side's epoch (any origin); `seed` makes the noise, and should differ
    /// between connections.
    pub fn new(time_ms: u32, seed: u64) -> Self {
        Self {
            state: State::S0,
            time_ms,
            seed,
            digested: true,
            buffer: BytesMut::new(),
        }
    }

    /// A handshake that asks for the plain form, for servers that know no other.
    pub fn plain(time_ms: u32, seed: u64) -> Self {
        Self {
            digested: false,
            ..Self::new(time_ms, seed)
        }
    }

    /// C0 and C1, to be sent first.
    pub fn start(&self) -> Bytes {
        let c1 = if self.digested {
            let mut c1 = packet(self.time_ms, CLIENT_VERSION, self.seed);
            digest::sign_first(&mut c1, Side::Client, Scheme::First);
            c1
        } else {
            packet(self.time_ms, [0; 4], self.seed)
        };
        let mut output = BytesMut::with_capacity(1 + PACKET_LEN);
        output.put_u8(VERSION);
        output.put_slice(&c1);
        output.freeze()
    }

    /// Takes bytes of any length; what to send, and what was left over, is in the result.
    ///
    /// S2 is awaited but not checked: it proves nothing that matters without encryption.
    pub fn handle_input(&mut self, mut input: Bytes) -> Result<Progress, Error> {
        let mut progress = Progress::default();
        if self.state == State::S0 {
            match input.first() {
                None => return Ok(progress),
                Some(&VERSION) => drop(input.split_to(1)),
                Some(&other) => return Err(Error::Version(other)),
            }
            self.state = State::S1;
        }
        if self.state == State::S1 {
            collect(&mut self.buffer, &mut input, PACKET_LEN);
            let Some(s1) = take_packet(&mut self.buffer) else {
                return Ok(progress);
            };
            progress.output = self.answer(&s1);
            self.state = State::S2;
        }
        if self.state == State::S2 {
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

    fn answer(&self, s1: &Packet) -> Bytes {
        let c2 = match digest::find(s1, Side::Server).filter(|_| self.digested) {
            Some((_, peer_digest)) => {
                let mut c2 = packet(self.time_ms, [0; 4], !self.seed);
                digest::sign_second(&mut c2, Side::Client, &peer_digest);
                c2
            }
            None => {
                let mut c2 = *s1;
                c2[4..8].copy_from_slice(&self.time_ms.to_be_bytes());
                c2
            }
        };
        Bytes::copy_from_slice(&c2)
    }
}
