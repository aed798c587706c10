//! RTMP from one publisher to many players, against nginx-rtmp.

mod player;
mod publisher;

pub(crate) use player::{Delivered, Players};
pub(crate) use publisher::Publisher;

use crate::clip::Clip;
use crate::contender::{Built, Nginx, Pointsman, RtmpServer};
use crate::machine::Busyness;
use crate::report::{Figure, Latency, Spread};
use crate::{Options, rules};
use anyhow::{Result, bail};
use std::sync::Arc;
use std::time::Duration;

/// Players joined, first group of pictures swallowed.
const WARM_UP: Duration = Duration::from_secs(4);

/// What a server may cost, in shares of what nginx-rtmp does.
const WANTED: f64 = 1.0;

/// Measures both in turn; both are up all the time, and do nothing out of turn.
pub(crate) fn fan_out(options: &Options, built: &Built, clip: &Arc<Clip>) -> Result<Figure> {
    let nginx = Nginx::start()?;
    let host = Pointsman::start(built, &[], &rules::serve_only())?;
    let (mut ours, mut theirs) = (Runs::default(), Runs::default());
    for round in 1..=options.rounds {
        theirs.add(&nginx, round, options, clip)?;
        ours.add(&host, round, options, clip)?;
    }
    let figure = Figure::ratio("RTMP fan-out: CPU a gigabit, to nginx-rtmp", WANTED)
        .compare(&ours.cost, &theirs.cost, "CPU s/Gbit")
        .latency("ours", &ours.latency)
        .latency("theirs", &theirs.latency)
        .number("players", options.players as f64)
        .number("busy_percent", ours.busy.max().max(theirs.busy.max()));
    Ok(figure)
}

/// What one server did.
#[derive(Default)]
struct Runs {
    cost: Spread,
    busy: Spread,
    latency: Latency,
}

impl Runs {
    fn add(
        &mut self,
        server: &dyn RtmpServer,
        round: usize,
        options: &Options,
        clip: &Arc<Clip>,
    ) -> Result<()> {
        let publisher = Publisher::start(clip.clone(), server.rtmp(), "live", "bench")?;
        let names: Vec<_> = (0..options.players).map(|_| "bench".to_owned()).collect();
        let mut players = Players::join(server.rtmp(), "live", &names)?;
        players.run_for(WARM_UP)?;
        players.forget();

        let (busy, before) = (Busyness::begin()?, server.cpu_time()?);
        players.run_for(options.window)?;
        let (used, percent) = (server.cpu_time()? - before, busy.percent()?);
        let delivered = players.finish();
        publisher.finish()?;

        check(&delivered, options, server.name())?;
        let gigabits = delivered.bytes as f64 * 8e-9;
        let cost = used.as_secs_f64() / gigabits;
        eprintln!(
            "  round {round}, {:<10} {cost:.4} CPU s/Gbit, {gigabits:.2} Gbit, {}, busy {percent:.0} %",
            server.name(),
            delivered.latency,
        );
        self.cost.add(cost);
        self.busy.add(percent);
        self.latency.merge(&delivered.latency);
        Ok(())
    }
}

/// A server that leaves players behind is not cheaper, but broken.
fn check(delivered: &Delivered, options: &Options, server: &str) -> Result<()> {
    if delivered.lost > 0 {
        bail!(
            "{server} lost {} of {} players",
            delivered.lost,
            options.players
        );
    }
    if delivered.least_bytes * 10 < delivered.most_bytes * 8 {
        let (least, most) = (delivered.least_bytes, delivered.most_bytes);
        eprintln!("  {server}: players got between {least} and {most} bytes");
    }
    Ok(())
}
