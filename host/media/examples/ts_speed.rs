//! Prints how fast this machine frames, watches, demuxes and muxes transport streams.
//!
//! `cargo run --release -p pointsman-media --example ts_speed [FILE.ts]`; without a file,
//! FFmpeg makes 20 s of 1080p H.264 and AAC at 8 Mb/s. One core, Gb/s of transport stream.
#![allow(clippy::disallowed_methods)] // A measurement needs a clock.

use bytes::Bytes;
use media::ts::demux::Demuxer;
use media::ts::framer::Framer;
use media::ts::monitor::Monitor;
use media::ts::mux::Muxer;
use media::ts::restamp::Restamper;
use media::{Convert, Frame, TsChunk};
use std::process::Command;
use std::time::{Instant, SystemTime};

const DATAGRAM_BYTES: usize = 1316;
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ts: Bytes = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?.into(),
        None => generate()?,
    };
    let datagrams: Vec<Bytes> = (0..ts.len())
        .step_by(DATAGRAM_BYTES)
        .map(|at| ts.slice(at..ts.len().min(at + DATAGRAM_BYTES)))
        .collect();
    println!(
        "{:.1} MB in {} datagrams",
        ts.len() as f64 / 1e6,
        datagrams.len()
    );
    let mut runs = Vec::new();
    measure("framer + monitor", ts.len(), || {
        let (mut framer, mut monitor) = (Framer::datagram(), Monitor::new());
        for datagram in &datagrams {
            runs.clear();
            framer.push(datagram.clone(), &mut runs);
            monitor.tick(Instant::now(), 0);
            runs.iter().for_each(|run| {
                std::hint::black_box(monitor.inspect(run));
            });
        }
    });
    measure("restamper after a splice", ts.len(), || {
        let mut restamper = Restamper::new();
        restamper.splice(None);
        for datagram in &datagrams {
            std::hint::black_box(restamper.restamp(datagram.clone()));
        }
    });
    let mut frames: Vec<Frame> = Vec::new();
    measure("demuxer", ts.len(), || {
        frames.clear();
        let mut demuxer = Demuxer::new();
        for data in &datagrams {
            let chunk = TsChunk {
                data: data.clone(),
                random_access: false,
                epoch: 0,
            };
            demuxer.convert(SystemTime::UNIX_EPOCH, &chunk, &mut frames);
        }
    });
    measure("muxer", ts.len(), || {
        let mut muxer = Muxer::new("", "");
        let mut chunks = Vec::new();
        for frame in &frames {
            chunks.clear();
            muxer.convert(SystemTime::UNIX_EPOCH, frame, &mut chunks);
        }
    });
    Ok(())
}

fn measure(what: &str, bytes: usize, mut run: impl FnMut()) {
    let best = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    println!("{what:28} {:7.1} Gb/s", bytes as f64 * 8.0 / best / 1e9);
}

fn generate() -> std::io::Result<Bytes> {
    let args = "-v error -f lavfi -i testsrc2=size=1920x1080:rate=25:duration=20 -f lavfi -i \
        sine=sample_rate=48000:duration=20 -c:v libx264 -preset ultrafast -b:v 8M -minrate 8M \
        -maxrate 8M -bufsize 8M -x264-params nal-hrd=cbr -g 50 -c:a aac -f mpegts -";
    Ok(Command::new("ffmpeg")
        .args(args.split_whitespace())
        .output()?
        .stdout
        .into())
}
