//! UDP to twenty UDP peers, against a bare sender of the same bytes.

pub(crate) mod bare;
mod media;
mod sender;
mod sinks;

pub(crate) use media::Schedule;
pub(crate) use sender::Sender;
pub(crate) use sinks::{Sinks, Tally, Watch};

use crate::clip::Clip;
use crate::contender::{Built, Pointsman, free_udp_address};
use crate::machine::{self, Busyness};
use crate::report::{Figure, Latency, Spread};
use crate::{Options, rules};
use anyhow::Result;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Where the stream goes.
const OUTPUTS: usize = 20;

/// What the host may cost, in shares of what a bare sender does.
const WANTED: f64 = 1.5;

/// What the host may add at the 99th percentile, in milliseconds.
const WANTED_MS: f64 = 2.0;

/// Until everything flows, and until everything has arrived.
const WARM_UP: Duration = Duration::from_secs(2);
const DRAIN: Duration = Duration::from_millis(500);

/// Measures both in turn at `megabits` a second. Also what the host adds to the latency of the
/// same datagrams sent straight to one more sink.
pub(crate) fn fan_out(
    options: &Options,
    built: &Built,
    clip: &Clip,
    megabits: f64,
) -> Result<Vec<Figure>> {
    let name = "bench".to_owned();
    let (outputs, direct) = (Sinks::bind(OUTPUTS)?, Sinks::bind(1)?);
    let peers = outputs.addresses()?;
    let input = free_udp_address()?;
    let rules = rules::send(&[(name.clone(), peers.clone())]);
    let host = Pointsman::start(built, &[(name, input)], &rules)?;
    let folder = tempfile::tempdir()?;
    let packets = folder.path().join("packets.ts");
    std::fs::write(&packets, &clip.packets[..])?;

    let schedule = Schedule::new(megabits, WARM_UP, options.window);
    let (mut ours, mut theirs, mut straight) = (Runs::default(), Runs::default(), Runs::default());
    for round in 1..=options.rounds {
        theirs.add_bare(&outputs, &schedule, &packets, &peers)?;
        let to = [direct.addresses()?, vec![input]].concat();
        let watch = direct.watch(&schedule);
        let sender = Sender::start(clip.packets.clone(), schedule, &to)?;
        ours.measure(&outputs, &schedule, host.pid())?;
        sender.finish()?;
        straight.count(&watch.finish()?, &schedule);
        eprintln!(
            "  round {round}, {megabits} Mb/s: pointsman {}, bare {}; straight {}",
            ours.last(),
            theirs.last(),
            straight.latency,
        );
    }
    let lost = |runs: &Runs| format!("{} of {}", runs.lost, runs.sent);
    let cost = Figure::ratio(
        format!("UDP 1 to {OUTPUTS} at {megabits} Mb/s: CPU, to a bare sender"),
        WANTED,
    )
    .compare(&ours.cost, &theirs.cost, "CPU s/Gbit")
    .note(format!(
        "lost: ours {}, theirs {}",
        lost(&ours),
        lost(&theirs)
    ))
    .number("ours_lost", ours.lost as f64)
    .number("theirs_lost", theirs.lost as f64)
    .number("busy_percent", ours.busy.max().max(theirs.busy.max()));
    let added = |share| ours.latency.ms(share) - straight.latency.ms(share);
    let latency = Figure::new(
        format!("UDP 1 to {OUTPUTS} at {megabits} Mb/s: added latency, p99"),
        added(0.99),
        "ms",
        WANTED_MS,
    )
    .note(format!("added p50 {:.2} ms", added(0.5)))
    .number("added_p50_ms", added(0.5))
    .latency("ours", &ours.latency)
    .latency("straight", &straight.latency)
    .latency("bare", &theirs.latency);
    Ok(vec![cost, latency])
}

/// What one contender did.
#[derive(Default)]
struct Runs {
    cost: Spread,
    busy: Spread,
    latency: Latency,
    sent: u64,
    lost: u64,
}

impl Runs {
    fn add_bare(
        &mut self,
        sinks: &Sinks,
        schedule: &Schedule,
        packets: &Path,
        peers: &[SocketAddr],
    ) -> Result<()> {
        let process = bare::start(packets, schedule, peers)?;
        self.measure(sinks, schedule, process.pid())?;
        process.finish()
    }

    /// One round, of which the sending has just begun.
    fn measure(&mut self, sinks: &Sinks, schedule: &Schedule, pid: u32) -> Result<()> {
        let watch = sinks.watch(schedule);
        std::thread::sleep(schedule.warm_up);
        let busy = Busyness::begin()?;
        let (bytes, before) = (watch.bytes(), machine::cpu_time(pid)?);
        std::thread::sleep(schedule.window);
        let used = machine::cpu_time(pid)? - before;
        // What arrived, not what was to be sent: a starved sender sends less.
        let gigabits = (watch.bytes() - bytes) as f64 * 8e-9;
        self.cost.add(used.as_secs_f64() / gigabits);
        self.busy.add(busy.percent()?);
        std::thread::sleep(DRAIN);
        let tallies = watch.finish()?;
        self.count(&tallies, schedule);
        Ok(())
    }

    fn count(&mut self, tallies: &[Tally], schedule: &Schedule) {
        let counted = schedule.counted();
        for tally in tallies {
            self.latency.merge(&tally.latency);
            self.sent += counted.end - counted.start;
            self.lost += (counted.end - counted.start).saturating_sub(tally.received);
        }
    }

    fn last(&self) -> String {
        let (cost, busy) = (self.cost.last(), self.busy.last());
        format!(
            "{cost:.4} CPU s/Gbit, {}, lost {}, busy {busy:.0} %",
            self.latency, self.lost
        )
    }
}
