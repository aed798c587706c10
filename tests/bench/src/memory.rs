//! What an idle host keeps in memory, and what each passing stream adds.

use crate::Options;
use crate::clip::Clip;
use crate::contender::{Built, Pointsman, RtmpServer, free_udp_addresses};
use crate::marked::{Schedule, Sender, Sinks};
use crate::report::Figure;
use crate::rtmp::{Players, Publisher, Service};
use crate::rules;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;

const WANTED_IDLE_MB: f64 = 60.0;
const WANTED_STREAM_MB: f64 = 3.0;
const STREAMS: usize = 20;
const UDP_MEGABITS: f64 = 3.0;
const MEGABYTE: f64 = 1e6;

/// Until lanes are as full as they get.
const FILL: Duration = Duration::from_secs(12);

/// A host right after its start, and one that has been left alone.
const SETTLE: Duration = Duration::from_secs(2);

/// Resident memory: idle, with twenty streams UDP to UDP, with twenty RTMP to RTMP.
pub(crate) fn memory(_: &Options, built: &Built, clip: &Arc<Clip>) -> Result<Vec<Figure>> {
    let idle = idle(built)?;
    let udp = a_stream_udp(built, clip)?;
    let rtmp = a_stream_rtmp(built, clip)?;
    let each = |name: &str, value| Figure::new(name, value, "MB", WANTED_STREAM_MB);
    Ok(vec![
        Figure::new(
            "memory, idle host with one plugin",
            idle,
            "MB",
            WANTED_IDLE_MB,
        ),
        each("memory, a stream UDP to UDP, 3 Mb/s", udp).number("streams", STREAMS as f64),
        each("memory, a stream RTMP to RTMP, 4 Mb/s", rtmp).number("streams", STREAMS as f64),
    ])
}

fn idle(built: &Built) -> Result<f64> {
    let host = Pointsman::start(built, &[], &rules::serve("rtmp"))?;
    settled(&host)
}

fn a_stream_udp(built: &Built, clip: &Clip) -> Result<f64> {
    let sinks = Sinks::bind(STREAMS)?;
    let named = |(n, address)| (format!("memory/{n}"), vec![address]);
    let routes: Vec<_> = sinks
        .addresses()?
        .into_iter()
        .enumerate()
        .map(named)
        .collect();
    let names = routes.iter().map(|(name, _)| name.clone());
    let inputs: Vec<_> = names.zip(free_udp_addresses(routes.len())?).collect();
    let host = Pointsman::start(built, &inputs, &rules::send(&routes))?;
    let before = settled(&host)?;
    let schedule = Schedule::new(UDP_MEGABITS, Duration::ZERO, FILL);
    let watch = sinks.watch(&schedule);
    let to: Vec<_> = inputs.iter().map(|(_, address)| *address).collect();
    let sender = Sender::start(clip.packets.clone(), schedule, &to)?;
    std::thread::sleep(FILL - Duration::from_secs(1));
    let after = megabytes(&host)?;
    sender.stop()?;
    watch.finish()?;
    Ok((after - before) / STREAMS as f64)
}

fn a_stream_rtmp(built: &Built, clip: &Arc<Clip>) -> Result<f64> {
    let host = Pointsman::start(built, &[], &rules::serve("rtmp"))?;
    let before = settled(&host)?;
    let names: Vec<_> = (0..STREAMS).map(|n| format!("memory{n}")).collect();
    let publish = |name: &String| Publisher::start(clip.clone(), host.rtmp(), "live", name);
    let publishers = names.iter().map(publish).collect::<Result<Vec<_>>>()?;
    let mut players = Players::join(host.rtmp(), Service::Rtmp { app: "live" }, &names)?;
    players.run_for(FILL)?;
    let after = megabytes(&host)?;
    players.finish();
    publishers.into_iter().try_for_each(Publisher::finish)?;
    Ok((after - before) / STREAMS as f64)
}

fn settled(host: &Pointsman) -> Result<f64> {
    std::thread::sleep(SETTLE);
    megabytes(host)
}

fn megabytes(host: &Pointsman) -> Result<f64> {
    Ok(host.resident_bytes()? as f64 / MEGABYTE)
}
