//! One UDP stream to many UDP peers, against a bare sender of the same bytes.

pub(crate) mod bare;

use crate::clip::Clip;
use crate::contender::{Built, Pointsman, free_udp_address};
use crate::marked::{Runs, Schedule, Sender, Sinks};
use crate::report::Figure;
use crate::{Options, rules};
use anyhow::Result;
use std::time::Duration;

/// A rate, and to how many peers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Megabits a second of the stream.
    pub(crate) megabits: f64,
    /// How many it goes to.
    pub(crate) peers: usize,
}

/// What the host may cost, in shares of what a bare sender does.
const WANTED: f64 = 1.3;

/// What the host may add at the 99th percentile, in milliseconds.
const WANTED_MS: f64 = 2.0;

/// Until everything flows.
const WARM_UP: Duration = Duration::from_secs(2);

/// Measures both in turn. Also what the host adds to the latency of the same datagrams sent
/// straight to one more sink.
pub(crate) fn fan_out(
    options: &Options,
    built: &Built,
    clip: &Clip,
    load: Load,
) -> Result<Vec<Figure>> {
    let name = "bench".to_owned();
    let (outputs, direct) = (Sinks::bind(load.peers)?, Sinks::bind(1)?);
    let peers = outputs.addresses()?;
    let input = free_udp_address()?;
    let rules = rules::send(&[(name.clone(), peers.clone())]);
    let host = Pointsman::start(built, &[(name, input)], &rules)?;

    let schedule = Schedule::new(load.megabits, WARM_UP, options.window);
    let (mut ours, mut theirs, mut straight) = (Runs::default(), Runs::default(), Runs::default());
    for round in 1..=options.rounds {
        let process = bare::start(clip.packets_file(), &schedule, &peers)?;
        theirs.measure(outputs.watch(&schedule), &schedule, process.pid())?;
        process.finish()?;
        let to = [direct.addresses()?, vec![input]].concat();
        let watch = direct.watch(&schedule);
        let sender = Sender::start(clip.packets.clone(), schedule, &to)?;
        ours.measure(outputs.watch(&schedule), &schedule, host.pid())?;
        sender.finish()?;
        straight.count(&watch.finish()?, &schedule);
        eprintln!(
            "  round {round}, {load}: pointsman {ours}, bare {theirs}; straight {}",
            straight.latency,
        );
    }
    Ok(vec![
        cost(load, &ours, &theirs),
        latency(load, &ours, &theirs, &straight),
    ])
}

fn cost(load: Load, ours: &Runs, theirs: &Runs) -> Figure {
    Figure::ratio(format!("UDP {load}: CPU, to a bare sender"), WANTED)
        .compare(&ours.cost, &theirs.cost, "CPU s/Gbit")
        .note(format!(
            "lost: ours {}, theirs {}",
            ours.losses(),
            theirs.losses()
        ))
        .number("ours_lost", ours.lost() as f64)
        .number("theirs_lost", theirs.lost() as f64)
        .number("busy_percent", ours.busy.max().max(theirs.busy.max()))
}

fn latency(load: Load, ours: &Runs, theirs: &Runs, straight: &Runs) -> Figure {
    let added = |share| ours.latency.ms(share) - straight.latency.ms(share);
    let name = format!("UDP {load}: added latency, p99");
    Figure::new(name, added(0.99), "ms", WANTED_MS)
        .note(format!("added p50 {:.2} ms", added(0.5)))
        .number("added_p50_ms", added(0.5))
        .latency("ours", &ours.latency)
        .latency("straight", &straight.latency)
        .latency("bare", &theirs.latency)
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "1 to {} at {} Mb/s", self.peers, self.megabits)
    }
}
