//! The routing plugin replaced again and again while streams flow.

use crate::clip::Clip;
use crate::contender::{Built, Pointsman, free_udp_addresses};
use crate::machine::Busyness;
use crate::marked::{Schedule, Sender, Sinks, Tally};
use crate::report::{Figure, Spread};
use crate::{Options, rules};
use anyhow::Result;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const STREAMS: usize = 10;
const OUTPUTS: usize = 4;
const MEGABITS: f64 = 3.0;

/// One frame of a stream with 25 a second.
const FRAME_INTERVAL_MS: f64 = 40.0;

const WARM_UP: Duration = Duration::from_secs(3);
const DRAIN: Duration = Duration::from_secs(1);

/// Swaps all through the window; counts what the sinks miss, and their longest pause.
pub(crate) fn hot_swap(options: &Options, built: &Built, clip: &Clip) -> Result<Vec<Figure>> {
    let sinks = Sinks::bind(STREAMS * OUTPUTS)?;
    // A sink fed without the host between: the pauses that the machine itself makes.
    let direct = Sinks::bind(1)?;
    let addresses = sinks.addresses()?;
    let routes: Vec<(String, Vec<SocketAddr>)> = addresses
        .chunks(OUTPUTS)
        .enumerate()
        .map(|(n, outputs)| (format!("swap/{n}"), outputs.to_vec()))
        .collect();
    let names = routes.iter().map(|(name, _)| name.clone());
    let inputs: Vec<_> = names.zip(free_udp_addresses(routes.len())?).collect();
    let host = Pointsman::start(built, &inputs, &rules::send(&routes))?;

    let schedule = Schedule::new(MEGABITS, WARM_UP, options.swap_window());
    let to: Vec<_> = inputs.iter().map(|(_, address)| *address).collect();
    let (watch, straight) = (sinks.watch(&schedule), direct.watch(&schedule));
    let to = [to, direct.addresses()?].concat();
    let sender = Sender::start(clip.packets.clone(), schedule, &to)?;
    std::thread::sleep(schedule.warm_up);
    let busy = Busyness::begin()?;
    let times = swap_on(
        &host,
        &std::fs::read(&built.plugin)?,
        options.swaps,
        schedule.window,
    )?;
    let busy = busy.percent()?;
    sender.finish()?;
    std::thread::sleep(DRAIN);

    let (tallies, straight) = (watch.finish()?, straight.finish()?);
    let counted = schedule.counted();
    let sent = (counted.end - counted.start) * tallies.len() as u64;
    let received: u64 = tallies.iter().map(|tally| tally.received).sum();
    let gap = |tallies: &[Tally]| {
        tallies
            .iter()
            .map(|tally| tally.longest_gap)
            .max()
            .unwrap_or_default()
            .as_secs_f64()
            * 1e3
    };
    let setting = format!(
        "{STREAMS} streams x {OUTPUTS} outputs, {} swaps in {} s",
        times.count(),
        schedule.window.as_secs()
    );
    Ok(vec![
        Figure::new("hot swap: datagrams lost", sent as f64 - received as f64, "", 0.0)
            .note(format!("{setting}: {received} of {sent} arrived"))
            .number("sent", sent as f64)
            .number("swaps", times.count() as f64),
        Figure::new("hot swap: longest gap at any sink", gap(&tallies), "ms", FRAME_INTERVAL_MS)
            .note(format!("past the host: {:.1} ms; a swap took {:.0} ms (median), {:.0} at most; busy {busy:.0} %", gap(&straight), times.median(), times.max()))
            .number("gap_past_the_host_ms", gap(&straight))
            .number("swap_median_ms", times.median())
            .number("busy_percent", busy),
    ])
}

/// Puts variants of a component, `count` evenly over `window`, or as many as there is time for;
/// milliseconds each took.
fn swap_on(host: &Pointsman, component: &[u8], count: usize, window: Duration) -> Result<Spread> {
    let (began, mut times) = (Instant::now(), Spread::default());
    for n in 0..count {
        let due = began + window.mul_f64(n as f64 / count as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if began.elapsed() >= window {
            break;
        }
        times.add(host.swap(&variant(component, n))?.as_secs_f64() * 1e3);
    }
    std::thread::sleep((began + window).saturating_duration_since(Instant::now()));
    Ok(times)
}

/// The same component with another hash: it ends with a custom section of its own (WebAssembly
/// core specification §5.5.3; components have them likewise).
pub(crate) fn variant(component: &[u8], n: usize) -> Vec<u8> {
    const NAME: &[u8] = b"bench";
    let number = (n as u64).to_le_bytes();
    let lengths = [(1 + NAME.len() + number.len()) as u8, NAME.len() as u8];
    [component, &[0], &lengths[..], NAME, &number[..]].concat()
}
