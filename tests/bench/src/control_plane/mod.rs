//! The control plane under load: lists, subscribers of events, changes, a restart.

mod changes;
mod client;
mod list;
mod restart;
mod subscribers;

use crate::Options;
use crate::clip::Clip;
use crate::contender::{Built, Pointsman, free_udp_address};
use crate::marked::{Schedule, Sender, Sinks, Watch};
use crate::report::Figure;
use anyhow::Result;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

const INPUTS: usize = 10;
const OUTPUTS: usize = 20;

/// What each input carries; the outputs carry twenty times as much.
const MEGABITS: f64 = 0.5;

/// Longer than any of the measurements.
const FOREVER: Duration = Duration::from_secs(3600);

/// All of them, on a host with ten inputs of twenty outputs each.
pub(crate) fn measure(options: &Options, built: &Built, clip: &Clip) -> Result<Vec<Figure>> {
    let mut stand = Stand::start(built, clip)?;
    stand.await_live()?;
    let mut figures = list::two_hundred_outputs(options, &stand)?;
    figures.push(subscribers::a_thousand(options, &stand)?);
    figures.push(changes::creating_an_input(&stand)?);
    figures.push(restart::to_all_live(options, &mut stand)?);
    stand.stop()?;
    Ok(figures)
}

/// A host, what is sent to it, and where it sends.
struct Stand {
    host: Pointsman,
    sender: Sender,
    watch: Watch,
}

impl Stand {
    fn start(built: &Built, clip: &Clip) -> Result<Self> {
        let sinks = Sinks::bind(INPUTS * OUTPUTS)?;
        let addresses = sinks.addresses()?;
        let inputs = (0..INPUTS).map(|_| free_udp_address());
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        // Requests come as fast as they are answered: no rate shall hold them back.
        let host = Pointsman::configured(built, &document(&inputs, &addresses)?, None)?;
        let schedule = Schedule::new(MEGABITS, Duration::ZERO, FOREVER);
        let watch = sinks.watch(&schedule);
        let sender = Sender::start(clip.packets.clone(), schedule, &inputs)?;
        Ok(Self {
            host,
            sender,
            watch,
        })
    }

    /// Waits until every output is live.
    fn await_live(&self) -> Result<Duration> {
        restart::await_live(self.host.http(), INPUTS * OUTPUTS)
    }

    fn stop(self) -> Result<()> {
        self.sender.stop()?;
        self.watch.finish().map(drop)
    }
}

fn document(inputs: &[SocketAddr], outputs: &[SocketAddr]) -> Result<String> {
    let mut text = String::new();
    for (n, (input, outputs)) in inputs.iter().zip(outputs.chunks(OUTPUTS)).enumerate() {
        writeln!(text, "[[inputs]]\nname = \"live/cam{n}\"")?;
        writeln!(
            text,
            "sources = [{{ type = \"udp\", address = \"{input}\" }}]"
        )?;
        for (m, output) in outputs.iter().enumerate() {
            writeln!(text, "[[inputs.outputs]]\nname = \"out{m}\"")?;
            writeln!(text, "url = \"udp://{output}\"")?;
        }
    }
    Ok(text)
}
