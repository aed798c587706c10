//! A source of marked streams, as an encoder is one: a datagram, a system call.

use super::pace::{Schedule, pace};
use crate::marker::DATAGRAM;
use anyhow::{Context, Result, anyhow};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// One that sends until all that counts is sent, and a little longer.
pub(crate) struct Sender {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Sender {
    /// Sends the same stream to several addresses over UDP.
    pub(crate) fn start(
        packets: Arc<Vec<u8>>,
        schedule: Schedule,
        to: &[SocketAddr],
    ) -> Result<Self> {
        let connect = |&address: &SocketAddr| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.connect(address)?;
            Ok(socket)
        };
        let sockets = to.iter().map(connect).collect::<Result<Vec<_>>>()?;
        let send = move |datagram: &[u8]| {
            for socket in &sockets {
                match socket.send(datagram) {
                    // Nobody listens there yet.
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                    sent => drop(sent?),
                }
            }
            Ok(())
        };
        Ok(Self::by(packets, schedule, send))
    }

    /// Hands each datagram to `send`, in a thread.
    pub(crate) fn by(
        packets: Arc<Vec<u8>>,
        schedule: Schedule,
        mut send: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            pace(&packets, &schedule, &stopped, |batch| {
                batch.chunks(DATAGRAM).try_for_each(&mut send)
            })
        });
        Self { stop, thread }
    }

    /// Waits until all is sent.
    pub(crate) fn finish(self) -> Result<()> {
        let sent = self
            .thread
            .join()
            .map_err(|_| anyhow!("the sender's thread broke off"))?;
        sent.context("sending")
    }

    /// Stops before its time.
    pub(crate) fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.finish()
    }
}
