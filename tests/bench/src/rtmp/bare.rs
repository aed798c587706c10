//! The least that serving many players can cost: a process that writes the same bytes to the same
//! sockets, in the same batches, and reads nothing.

use crate::clip::Clip;
use crate::contender::{Process, RtmpServer, free_port, until_listening};
use crate::{machine, os};
use anyhow::Result;
use bytes::BytesMut;
use clap::Args;
use parking_lot::Mutex;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// What the process is told.
#[derive(Debug, Args)]
pub(crate) struct WriterArgs {
    /// The clip's messages.
    flv: PathBuf,
    /// The clip's transport packets.
    packets: PathBuf,
    /// Where players connect.
    listen: SocketAddr,
    /// Milliseconds that messages are kept back to be written together; 0 for none.
    merge_ms: u64,
}

/// The process.
pub(super) struct Writer {
    process: Process,
    listen: SocketAddr,
}

impl Writer {
    /// Starts this program as the writer.
    pub(super) fn start(clip: &Clip, merge: Duration) -> Result<Self> {
        let listen = free_port()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("writer").arg(clip.flv_file());
        command.arg(clip.packets_file()).arg(listen.to_string());
        command.arg(merge.as_millis().to_string());
        let process = Process::start(&mut command)?;
        until_listening(listen)?;
        Ok(Self { process, listen })
    }
}

impl RtmpServer for Writer {
    fn name(&self) -> &'static str {
        "bare"
    }

    fn rtmp(&self) -> SocketAddr {
        self.listen
    }

    fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.process.pid())
    }
}

/// Writes until the process is ended.
pub(crate) fn run(arguments: &WriterArgs) -> Result<()> {
    os::raise_descriptor_limit();
    let listener = TcpListener::bind(arguments.listen)?;
    let players: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    let joined = players.clone();
    std::thread::spawn(move || {
        while let Ok((player, _)) = listener.accept() {
            if player.set_nodelay(true).is_ok() {
                joined.lock().push(player);
            }
        }
    });
    let clip = Clip::open(&arguments.flv, &arguments.packets)?;
    let merge = Duration::from_millis(arguments.merge_ms);
    let mut batch = BytesMut::new();
    let mut begun = Instant::now();
    super::publisher::play(&clip, 1, &AtomicBool::new(false), |message| {
        if batch.is_empty() {
            begun = Instant::now();
        }
        batch.extend_from_slice(&message);
        if begun.elapsed() >= merge {
            // A player that does not take it has left.
            players
                .lock()
                .retain_mut(|player| player.write_all(&batch).is_ok());
            batch.clear();
        }
        Ok(())
    })
}
