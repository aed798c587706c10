//! A host is killed, and comes back with everything it sent to.

use super::client::{Client, request};
use super::{INPUTS, OUTPUTS, Stand};
use crate::Options;
use crate::report::{Figure, Spread};
use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const WANTED_MS: f64 = 3_000.0;
const PATIENCE: Duration = Duration::from_secs(60);

/// From the start of the program until every output is live again.
pub(super) fn to_all_live(options: &Options, stand: &mut Stand) -> Result<Figure> {
    let mut times = Spread::default();
    for round in 1..=options.rounds {
        stand.host.kill_and_start_again()?;
        let took = stand.await_live()?;
        times.add(took.as_secs_f64() * 1e3);
        eprintln!("  round {round}: all live after {took:?}");
    }
    let name = format!("restart after kill -9, {INPUTS} inputs x {OUTPUTS} outputs, to all live");
    let figure = Figure::new(name, times.median(), "ms", WANTED_MS);
    Ok(figure.note(format!("at most {:.0} ms", times.max())))
}

/// Waits until so many outputs are live; how long that took.
pub(super) fn await_live(host: SocketAddr, outputs: usize) -> Result<Duration> {
    let began = Instant::now();
    loop {
        let live = live(host).unwrap_or_default();
        if live == outputs {
            return Ok(began.elapsed());
        }
        if began.elapsed() > PATIENCE {
            bail!("{live} of {outputs} outputs are live after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn live(host: SocketAddr) -> Result<usize> {
    let mut client = Client::connect(host)?;
    let list = client.send(&request("GET", "/api/v1/inputs", host))?;
    Ok(memchr::memmem::find_iter(list, b"\"state\":\"live\"").count())
}
