//! SRT: one stream to many readers, against a relay that does nothing else; and what the host
//! adds to the latency that was asked for.

pub(crate) mod bare;
mod readers;

use crate::clip::Clip;
use crate::contender::{Built, Pointsman, free_udp_address};
use crate::marked::{Runs, Schedule, Sender, Sinks};
use crate::report::Figure;
use crate::{Options, rules};
use anyhow::Result;
use srt_sys::{IntOption, Library, Severity, Socket, TextOption};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

const READERS: usize = 50;
const MEGABITS: f64 = 2.6;

/// What the host may cost, in shares of what a bare relay does.
const WANTED: f64 = 1.1;
const WANTED_MB: f64 = 200.0;

/// What may come on top of the latency asked for, in milliseconds.
const WANTED_MS: f64 = 5.0;
const LATENCY_MS: i32 = 120;

/// Readers joined one after the other, and everything flows.
const WARM_UP: Duration = Duration::from_secs(6);

/// Measures both in turn: readers of a stream that comes in over UDP.
pub(crate) fn fan_out(options: &Options, built: &Built, clip: &Clip) -> Result<Vec<Figure>> {
    let input = free_udp_address()?;
    let name = "bench".to_owned();
    let schedule = Schedule::new(MEGABITS, WARM_UP, options.window);
    let (mut ours, mut theirs) = (Runs::default(), Runs::default());
    let mut resident = 0;
    for round in 1..=options.rounds {
        // Another one each time: what it holds of a round before would count in the next.
        let inputs = [(name.clone(), input)];
        let host = Pointsman::start(built, &inputs, &rules::serve("srt"))?;
        let relay = bare::Relay::start()?;
        for (runs, pid, from, to) in [
            (&mut theirs, relay.pid(), relay.input, relay.listen),
            (&mut ours, host.pid(), input, host.srt()),
        ] {
            let sender = Sender::start(clip.packets.clone(), schedule, &[from])?;
            let watch = readers::join(to, "read:bench", READERS, &schedule)?;
            runs.measure(watch, &schedule, pid)?;
            sender.finish()?;
        }
        resident = resident.max(host.resident_bytes()?);
        eprintln!("  round {round}: pointsman {ours}, bare {theirs}");
    }
    let cost = Figure::ratio(
        format!("SRT 1 to {READERS}: CPU, to a bare relay on libsrt"),
        WANTED,
    )
    .compare(&ours.cost, &theirs.cost, "CPU s/Gbit")
    .latency("ours", &ours.latency)
    .latency("bare", &theirs.latency)
    .note(format!(
        "lost: ours {}, theirs {}",
        ours.losses(),
        theirs.losses()
    ))
    .number("ours_lost", ours.lost() as f64)
    .number("busy_percent", ours.busy.max().max(theirs.busy.max()));
    let memory = Figure::new(
        format!("SRT 1 to {READERS}: resident memory"),
        resident as f64 / 1e6,
        "MB",
        WANTED_MB,
    );
    Ok(vec![cost, memory])
}

/// SRT in to UDP out, one stream.
pub(crate) fn latency(options: &Options, built: &Built, clip: &Clip) -> Result<Figure> {
    let sinks = Sinks::bind(1)?;
    let rules = rules::send(&[("bench".to_owned(), sinks.addresses()?)]);
    let host = Pointsman::start(built, &[], &rules)?;
    let schedule = Schedule::new(MEGABITS, WARM_UP, options.window);
    let caller = caller(library()?, host.srt(), "publish:bench")?;
    let send = move |datagram: &[u8]| caller.send(datagram).map_err(io::Error::other);
    let sender = Sender::by(clip.packets.clone(), schedule, send);
    let mut runs = Runs::default();
    runs.measure(sinks.watch(&schedule), &schedule, host.pid())?;
    sender.finish()?;
    let beyond = |share| runs.latency.ms(share) - f64::from(LATENCY_MS);
    let name = format!("SRT in ({LATENCY_MS} ms) to UDP out: beyond that latency, p99");
    Ok(Figure::new(name, beyond(0.99), "ms", WANTED_MS)
        .note(format!("p50 {:+.2} ms", beyond(0.5)))
        .note(format!("lost {}", runs.losses()))
        .number("p50_beyond_ms", beyond(0.5))
        .number("lost", runs.lost() as f64))
}

fn library() -> Result<Library> {
    let say = |severity, text: &str| {
        if severity <= Severity::Error {
            eprintln!("  libsrt: {text}");
        }
    };
    Ok(Library::start(Severity::Error, say)?)
}

/// A connected caller whose calls wait.
fn caller(library: Library, server: SocketAddr, stream_id: &str) -> Result<Socket> {
    let socket = Socket::new(library)?;
    socket.set_text(TextOption::StreamId, stream_id.as_bytes())?;
    socket.set_int(IntOption::ReceiveLatencyMs, LATENCY_MS)?;
    socket.set_int(IntOption::PeerLatencyMs, LATENCY_MS)?;
    socket.connect(server)?;
    Ok(socket)
}
