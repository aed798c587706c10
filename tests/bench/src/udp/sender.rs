//! A source of UDP streams, as an encoder is one: a datagram, a system call.

use super::media::{Schedule, pace};
use anyhow::{Context, Result, anyhow};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// One that sends the same stream to several addresses.
pub(crate) struct Sender {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Sender {
    /// Sends in a thread, until all that counts is sent, and a little longer.
    pub(crate) fn start(
        packets: Arc<Vec<u8>>,
        schedule: Schedule,
        to: &[SocketAddr],
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let connect = |&address: &SocketAddr| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.connect(address)?;
            Ok(socket)
        };
        let sockets = to.iter().map(connect).collect::<Result<Vec<_>>>()?;
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            pace(&packets, &schedule, &stopped, |batch| {
                for datagram in batch.chunks(crate::marker::DATAGRAM) {
                    for socket in &sockets {
                        match socket.send(datagram) {
                            // Nobody listens there yet.
                            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                            sent => drop(sent?),
                        }
                    }
                }
                Ok(())
            })
        });
        Ok(Self { stop, thread })
    }

    /// Waits until all is sent.
    pub(crate) fn finish(self) -> Result<()> {
        let sent = self
            .thread
            .join()
            .map_err(|_| anyhow!("the sender's thread broke off"))?;
        sent.context("sending over UDP")
    }

    /// Stops before its time.
    pub(crate) fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.finish()
    }
}
