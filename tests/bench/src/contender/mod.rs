//! Servers under measurement: each in a folder of its own, ended when dropped.

mod built;
mod nginx;
mod pointsman;

pub(crate) use built::Built;
pub(crate) use nginx::Nginx;
pub(crate) use pointsman::Pointsman;

use crate::os;
use anyhow::{Context, Result, bail};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to come up or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A child process that ends with its owner.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = os::end_with_parent(command).stdin(Stdio::null()).spawn();
        let program = command.get_program().to_string_lossy().into_owned();
        Ok(Self(
            child.with_context(|| format!("cannot start {program}"))?,
        ))
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends it at once, so that it can tidy up nothing.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Waits for its own end.
    pub(crate) fn finish(mut self) -> Result<()> {
        let status = self.0.wait()?;
        if !status.success() {
            bail!("a child process failed: {status}");
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            os::terminate(self.pid());
        }
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        // It has ended; or it did not want to.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that plays RTMP.
pub(crate) trait RtmpServer {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// Where it listens.
    fn rtmp(&self) -> SocketAddr;
    /// Processor time used so far.
    fn cpu_time(&self) -> Result<Duration>;
}

/// Waits until a program accepts connections.
pub(crate) fn until_listening(address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            bail!("nobody listens on {address}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// An address that was free a moment ago.
pub(crate) fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// So many addresses where a host can receive UDP, no two alike; free a moment ago.
pub(crate) fn free_udp_addresses(count: usize) -> Result<Vec<SocketAddr>> {
    let bind = |_| UdpSocket::bind("127.0.0.1:0");
    let sockets = (0..count).map(bind).collect::<Result<Vec<_>, _>>()?;
    let addresses = sockets.iter().map(UdpSocket::local_addr);
    Ok(addresses.collect::<Result<_, _>>()?)
}

/// One such address.
pub(crate) fn free_udp_address() -> Result<SocketAddr> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}
