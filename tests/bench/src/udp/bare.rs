//! The least that twenty copies of a stream can cost: a process that does nothing but send
//! them, as segmented sends (GSO), all peers with one system call.

use crate::contender::Process;
use crate::marked::{Schedule, pace};
use crate::marker::DATAGRAM;
use crate::os;
use anyhow::Result;
use clap::Args;
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What the sending process is told.
#[derive(Debug, Args)]
pub(crate) struct BareArgs {
    /// Transport packets to send in a loop.
    #[arg(long)]
    packets: PathBuf,
    /// Datagrams a second.
    #[arg(long)]
    per_second: u64,
    /// Milliseconds before counting begins.
    #[arg(long)]
    warm_up: u64,
    /// Milliseconds that count.
    #[arg(long)]
    window: u64,
    /// Where to send.
    peers: Vec<SocketAddrV4>,
}

/// Starts this program as the sender.
pub(crate) fn start(packets: &Path, schedule: &Schedule, peers: &[SocketAddr]) -> Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("bare").arg("--packets").arg(packets);
    command.args(["--per-second", &schedule.per_second.to_string()]);
    command.args(["--warm-up", &schedule.warm_up.as_millis().to_string()]);
    command.args(["--window", &schedule.window.as_millis().to_string()]);
    command.args(peers.iter().map(SocketAddr::to_string));
    Process::start(&mut command)
}

/// Sends until all is sent.
pub(crate) fn run(arguments: &BareArgs) -> Result<()> {
    const SEGMENT: u16 = DATAGRAM as u16;
    let packets = std::fs::read(&arguments.packets)?;
    let schedule = Schedule {
        per_second: arguments.per_second,
        warm_up: Duration::from_millis(arguments.warm_up),
        window: Duration::from_millis(arguments.window),
    };
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    pace(&packets, &schedule, &AtomicBool::new(false), |batch| {
        os::send_to_all(&socket, batch, SEGMENT, &arguments.peers)
    })
}
