//! The least that a relay on libsrt can cost: a process that receives a stream over UDP and gives
//! each datagram to every reader, as one message.

use super::library;
use crate::contender::{Process, free_udp_address};
use crate::marker::DATAGRAM;
use anyhow::Result;
use clap::Args;
use parking_lot::Mutex;
use socket2::SockRef;
use srt_sys::{BoolOption, Decision, Listener, Socket};
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::Arc;

/// Where the relay is told to be.
#[derive(Debug, Args)]
pub(crate) struct RelayArgs {
    /// Where the stream comes in, over UDP.
    input: SocketAddr,
    /// Where it is read, over SRT.
    listen: SocketAddr,
}

/// The process.
pub(super) struct Relay {
    process: Process,
    pub(super) input: SocketAddr,
    pub(super) listen: SocketAddr,
}

/// Room for what comes while the process does not run.
const BUFFER: usize = 4 << 20;

impl Relay {
    /// Starts this program as the relay. Readers that come before it listens call again.
    pub(super) fn start() -> Result<Self> {
        let (input, listen) = (free_udp_address()?, free_udp_address()?);
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("relay").arg(input.to_string());
        command.arg(listen.to_string());
        Ok(Self {
            process: Process::start(&mut command)?,
            input,
            listen,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// Relays until the process is ended.
pub(crate) fn run(arguments: &RelayArgs) -> Result<()> {
    let input = UdpSocket::bind(arguments.input)?;
    SockRef::from(&input).set_recv_buffer_size(BUFFER)?;
    let socket = Socket::new(library()?)?;
    socket.bind(arguments.listen)?;
    let listener = Listener::new(socket, 64, |_| Decision::Accept)?;
    let readers: Arc<Mutex<Vec<Socket>>> = Arc::default();
    let joined = readers.clone();
    std::thread::spawn(move || {
        while let Ok((reader, _)) = listener.accept() {
            if reader.set_bool(BoolOption::SendBlocks, false).is_ok() {
                joined.lock().push(reader);
            }
        }
    });
    let mut datagram = [0; 2 * DATAGRAM];
    loop {
        let length = input.recv(&mut datagram)?;
        let message = datagram.get(..length).unwrap_or_default();
        // A reader that does not take it has left.
        readers.lock().retain(|reader| reader.send(message).is_ok());
    }
}
