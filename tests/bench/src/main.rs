//! `make bench`: what the host costs, as ratios to something measured in the same run.
//!
//! Contenders take turns (A B A B), minima and medians are both printed, how busy the whole
//! machine was stands beside them, and latency beside processor time. Progress goes to standard
//! error; to standard output a table, and then one JSON object a line.

mod clip;
mod contender;
mod control_plane;
mod decision;
mod hls;
mod machine;
mod marked;
mod marker;
mod memory;
mod os;
mod policies;
mod report;
mod rtmp;
mod rules;
mod scale;
mod srt;
mod swap;
mod udp;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Parser)]
#[command(about, version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    choice: Choice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Be the bare UDP sender that the host is compared with.
    #[command(hide = true)]
    Bare(udp::bare::BareArgs),
    /// Be the bare TCP writer that the host is compared with.
    #[command(hide = true)]
    Writer(rtmp::bare::WriterArgs),
    /// Be the bare SRT relay that the host is compared with.
    #[command(hide = true)]
    Relay(srt::bare::RelayArgs),
}

#[derive(Debug, Args)]
struct Choice {
    /// What to measure; everything if left out.
    #[arg(value_enum)]
    what: Vec<What>,
    /// How often each contender has its turn.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds counted in each turn.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// RTMP players.
    #[arg(long, default_value_t = 600)]
    players: usize,
    /// The shipped plugin, if it is built already (fanout.wasm).
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// Plugin swaps; one every 600 ms.
    #[arg(long, default_value_t = 100)]
    swaps: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// One publisher to many players, against nginx-rtmp and a bare writer.
    Rtmp,
    /// One UDP stream to many peers, against a bare sender.
    Udp,
    /// One stream to many SRT readers, against a bare relay; SRT in to UDP out.
    Srt,
    /// Low-latency HLS to many players, against nginx with the same files.
    Hls,
    /// One stream to hundreds: processor time, memory, threads.
    Scale,
    /// Swaps of the routing plugin under traffic.
    Swap,
    /// The time a routing decision takes.
    Decision,
    /// The plugin platform: whole decisions, admissions, swaps, selections.
    Policies,
    /// Lists, event subscribers, changes and a restart, with 200 outputs.
    ControlPlane,
    /// Resident memory.
    Memory,
}

/// How thoroughly to measure.
pub(crate) struct Options {
    rounds: usize,
    window: Duration,
    players: usize,
    swaps: usize,
}

impl Options {
    /// A hundred swaps in a minute, and as dense if they are fewer.
    fn swap_window(&self) -> Duration {
        Duration::from_millis(600) * self.swaps as u32
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Bare(arguments)) => udp::bare::run(&arguments),
        Some(Command::Writer(arguments)) => rtmp::bare::run(&arguments),
        Some(Command::Relay(arguments)) => srt::bare::run(&arguments),
        None => measure(cli.choice),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(choice: Choice) -> Result<()> {
    os::raise_descriptor_limit();
    let options = Options {
        rounds: choice.rounds.max(1),
        window: Duration::from_secs(choice.seconds.max(1)),
        players: choice.players,
        swaps: choice.swaps,
    };
    let wanted = |what| choice.what.is_empty() || choice.what.contains(&what);
    let built = contender::Built::find(choice.plugin)?;
    let clip = Arc::new(clip::Clip::make()?);
    let mut figures = Vec::new();
    if wanted(What::Rtmp) {
        eprintln!("RTMP fan-out to {} players", options.players);
        figures.extend(rtmp::fan_out(&options, &built, &clip)?);
    }
    if wanted(What::Udp) {
        for (megabits, peers) in [(20.0, 50), (100.0, 20)] {
            let load = udp::Load { megabits, peers };
            eprintln!("UDP {load}");
            figures.extend(udp::fan_out(&options, &built, &clip, load)?);
        }
    }
    if wanted(What::Srt) {
        eprintln!("SRT");
        figures.extend(srt::fan_out(&options, &built, &clip)?);
        figures.push(srt::latency(&options, &built, &clip)?);
    }
    if wanted(What::Hls) {
        eprintln!("low-latency HLS");
        figures.extend(hls::fan_out(&options, &built, &clip)?);
    }
    if wanted(What::Scale) {
        eprintln!("more and more streams");
        figures.push(scale::streams(&options, &built, &clip)?);
    }
    if wanted(What::Swap) {
        eprintln!("{} swaps under traffic", options.swaps);
        figures.extend(swap::hot_swap(&options, &built, &clip)?);
    }
    if wanted(What::Decision) {
        eprintln!("routing decisions");
        figures.push(decision::decide(&options, &built)?);
    }
    if wanted(What::Policies) {
        eprintln!("policies of every kind");
        figures.extend(policies::measure(&options, &built)?);
    }
    if wanted(What::ControlPlane) {
        eprintln!("the control plane with 200 outputs");
        figures.extend(control_plane::measure(&options, &built, &clip)?);
    }
    if wanted(What::Memory) {
        eprintln!("memory");
        figures.extend(memory::memory(&options, &built, &clip)?);
    }
    report::print(&figures);
    Ok(())
}
