//! What more streams cost: processor time, memory and threads, from one stream to hundreds.

use crate::clip::Clip;
use crate::contender::{Built, Pointsman, free_udp_addresses};
use crate::marked::{Runs, Schedule, Sender, Sinks};
use crate::report::{Figure, Spread};
use crate::{Options, machine, rules};
use anyhow::Result;
use std::net::SocketAddr;
use std::time::Duration;

const STREAMS: [usize; 4] = [1, 10, 100, 300];
const MEGABITS: f64 = 1.0;

/// A stream among 300 may cost so many times what it does among 100.
const WANTED: f64 = 1.2;

/// Until every stream is on air and known.
const WARM_UP: Duration = Duration::from_secs(5);

/// Streams UDP to UDP, with one more line for each number of them.
pub(crate) fn streams(options: &Options, built: &Built, clip: &Clip) -> Result<Figure> {
    let mut rows = Vec::new();
    for count in STREAMS {
        let row = Row::measure(count, options, built, clip)?;
        eprintln!("  {row}");
        rows.push(row);
    }
    let (mut few, mut many) = (Spread::default(), Spread::default());
    let each = |row: &Row| row.cores / row.streams as f64 * 1e3;
    if let [.., hundred, most] = rows.as_slice() {
        few.add(each(hundred));
        many.add(each(most));
    }
    let name = format!("CPU a stream of {MEGABITS} Mb/s among 300, to among 100");
    let figure = Figure::ratio(name, WANTED).compare(&many, &few, "thousandths of a core");
    Ok(rows.iter().fold(figure, |figure, row| {
        figure
            .note(row.to_string())
            .number(&format!("cores_{}", row.streams), row.cores)
            .number(&format!("mb_{}", row.streams), row.megabytes)
            .number(&format!("threads_{}", row.streams), row.threads as f64)
    }))
}

/// One line of the table.
struct Row {
    streams: usize,
    cores: f64,
    megabytes: f64,
    threads: usize,
    lost: String,
}

impl Row {
    fn measure(streams: usize, options: &Options, built: &Built, clip: &Clip) -> Result<Self> {
        let sinks = Sinks::bind(streams)?;
        let named = |(n, sink): (usize, SocketAddr)| (format!("scale/{n}"), vec![sink]);
        let routes: Vec<_> = sinks
            .addresses()?
            .into_iter()
            .enumerate()
            .map(named)
            .collect();
        let names = routes.iter().map(|(name, _)| name.clone());
        let inputs: Vec<_> = names.zip(free_udp_addresses(routes.len())?).collect();
        let host = Pointsman::start(built, &inputs, &rules::send(&routes))?;
        let schedule = Schedule::new(MEGABITS, WARM_UP, options.window);
        let to: Vec<_> = inputs.iter().map(|(_, address)| *address).collect();
        let sender = Sender::start(clip.packets.clone(), schedule, &to)?;
        let watch = sinks.watch(&schedule);
        let mut runs = Runs::default();
        runs.measure(watch, &schedule, host.pid())?;
        let row = Self {
            streams,
            cores: runs.cores.last(),
            megabytes: host.resident_bytes()? as f64 / 1e6,
            threads: machine::threads(host.pid())?,
            lost: runs.losses(),
        };
        sender.finish()?;
        Ok(row)
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} streams: {:.1} % of a core, {:.1} MB, {} threads, lost {}",
            self.streams,
            self.cores * 100.0,
            self.megabytes,
            self.threads,
            self.lost
        )
    }
}
