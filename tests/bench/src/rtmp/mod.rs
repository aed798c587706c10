//! RTMP from one publisher to many players, against nginx-rtmp and against a bare writer.

pub(crate) mod bare;
mod player;
mod publisher;

pub(crate) use player::{Delivered, Players, Service};
pub(crate) use publisher::Publisher;

use crate::clip::Clip;
use crate::contender::{Built, Nginx, Pointsman, RtmpServer};
use crate::machine::Busyness;
use crate::report::{Figure, Latency, Spread};
use crate::{Options, rules};
use anyhow::{Result, bail};
use bare::Writer;
use std::sync::Arc;
use std::time::Duration;

/// Players joined, first group of pictures swallowed.
const WARM_UP: Duration = Duration::from_secs(4);

/// How messages are merged, and what that may cost.
struct Mode {
    name: &'static str,
    setting: (&'static str, &'static str),
    window: Duration,
    /// In shares of what nginx-rtmp costs.
    wanted: f64,
    /// Milliseconds that frames may be old on arrival, at the 99th percentile.
    wanted_ms: f64,
}

const MODES: [Mode; 2] = [
    Mode {
        name: "RTMP fan-out",
        setting: ("POINTSMAN_RTMP_MERGE_MS", "20"),
        window: Duration::from_millis(20),
        wanted: 0.6,
        wanted_ms: 40.0,
    },
    Mode {
        name: "RTMP fan-out, merged over 350 ms",
        setting: ("POINTSMAN_RTMP_MERGE_MS", "350"),
        window: Duration::from_millis(350),
        wanted: 0.3,
        wanted_ms: 450.0,
    },
];

/// What the host may cost, in shares of what a bare writer of the same batches does.
const WANTED_OF_BARE: f64 = 1.3;

/// Measures all in turn; all are up all the time, and do nothing out of turn.
pub(crate) fn fan_out(options: &Options, built: &Built, clip: &Arc<Clip>) -> Result<Vec<Figure>> {
    let nginx = Nginx::start()?;
    let mut theirs = Runs::default();
    let mut contests = Vec::new();
    for mode in MODES {
        let host = Pointsman::with(built, &[], &rules::serve("rtmp"), Some(mode.setting))?;
        let (ours, bare) = (Runs::default(), Runs::default());
        contests.push((mode, host, ours, bare));
    }
    let rtmp = Service::Rtmp { app: "live" };
    for round in 1..=options.rounds {
        theirs.add(&nginx, rtmp, round, options, clip)?;
        for (mode, host, ours, bare) in &mut contests {
            ours.add(&*host, rtmp, round, options, clip)?;
            let writer = Writer::start(clip, mode.window)?;
            bare.add(&writer, Service::Bare, round, options, clip)?;
        }
    }
    let figures = contests
        .iter()
        .flat_map(|(mode, _, ours, bare)| mode.figures(ours, &theirs, bare, options));
    Ok(figures.collect())
}

impl Mode {
    fn figures(&self, ours: &Runs, nginx: &Runs, bare: &Runs, options: &Options) -> [Figure; 3] {
        let name = self.name;
        let to_nginx = Figure::ratio(format!("{name}: CPU, to nginx-rtmp"), self.wanted)
            .compare(&ours.cost, &nginx.cost, "CPU s/Gbit")
            .latency("ours", &ours.latency)
            .latency("theirs", &nginx.latency)
            .number("players", options.players as f64)
            .number("busy_percent", ours.busy.max().max(nginx.busy.max()));
        let to_bare = Figure::ratio(format!("{name}: CPU, to a bare writer"), WANTED_OF_BARE)
            .compare(&ours.cost, &bare.cost, "CPU s/Gbit");
        let age = ours.latency.ms(0.99);
        let late = Figure::new(
            format!("{name}: age of frames, p99"),
            age,
            "ms",
            self.wanted_ms,
        );
        [to_nginx, to_bare, late]
    }
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
        service: Service<'_>,
        round: usize,
        options: &Options,
        clip: &Arc<Clip>,
    ) -> Result<()> {
        let publisher = match service {
            Service::Rtmp { app } => {
                Some(Publisher::start(clip.clone(), server.rtmp(), app, "bench")?)
            }
            Service::Bare => None,
        };
        let names: Vec<_> = (0..options.players).map(|_| "bench".to_owned()).collect();
        let mut players = Players::join(server.rtmp(), service, &names)?;
        players.run_for(WARM_UP)?;
        players.forget();

        let (busy, before) = (Busyness::begin()?, server.cpu_time()?);
        players.run_for(options.window)?;
        let (used, percent) = (server.cpu_time()? - before, busy.percent()?);
        let delivered = players.finish();
        publisher.map_or(Ok(()), Publisher::finish)?;

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
