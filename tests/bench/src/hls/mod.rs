//! Low-latency HLS to many players, against nginx with the same files.

mod crowd;
mod http;
mod playlist;

use crate::clip::Clip;
use crate::contender::{Built, Nginx, Pointsman, RtmpServer};
use crate::machine::Busyness;
use crate::report::{Figure, Latency, Spread};
use crate::rtmp::Publisher;
use crate::{Options, rules};
use anyhow::{Context, Result, ensure};
use crowd::{Crowd, Got, Plan};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const PLAYERS: usize = 500;

/// Of one part, as the host is set by default.
const PART: Duration = Duration::from_millis(200);

/// What the host may cost, in shares of what nginx does.
const WANTED: f64 = 1.5;

/// Milliseconds from a part's announcement to its last byte.
const WANTED_MS: f64 = 50.0;

const WARM_UP: Duration = Duration::from_secs(4);

/// Measures both in turn: the rendition of the picture, a playlist and a part for each player every
/// 200 ms. nginx gets a playlist and a part of the same sizes as the host's were.
pub(crate) fn fan_out(options: &Options, built: &Built, clip: &Arc<Clip>) -> Result<Vec<Figure>> {
    let host = Pointsman::start(built, &[], &rules::serve("hls"))?;
    let publisher = Publisher::start(clip.clone(), host.rtmp(), "live", "bench")?;
    std::thread::sleep(WARM_UP);
    let folder = "/hls/live/bench/".to_owned();
    let playlist = rendition(host.http(), &folder)?;
    let nginx = Nginx::start()?;
    let (mut ours, mut theirs) = (Runs::default(), Runs::default());
    for round in 1..=options.rounds {
        let plan = Plan::Blocking {
            folder: folder.clone(),
            playlist: playlist.clone(),
        };
        let got = ours.add(&host, host.http(), plan, round, options)?;
        let plan = files(&nginx, &got)?;
        theirs.add(&nginx, nginx.http(), plan, round, options)?;
    }
    publisher.finish()?;
    let cost = Figure::ratio(format!("LL-HLS to {PLAYERS}: CPU, to nginx"), WANTED)
        .compare(&ours.cost, &theirs.cost, "CPU s/Gbit")
        .number("busy_percent", ours.busy.max().max(theirs.busy.max()));
    let name = format!("LL-HLS to {PLAYERS}: delivery of a part, p99");
    let delivery =
        Figure::new(name, ours.delivery.ms(0.99), "ms", WANTED_MS).latency("ours", &ours.delivery);
    Ok(vec![cost, delivery])
}

/// The media playlist of the first rendition.
fn rendition(server: SocketAddr, folder: &str) -> Result<String> {
    let mut answer = ureq::get(format!("http://{server}{folder}index.m3u8")).call()?;
    let text = answer.body_mut().read_to_string()?;
    let first = text.lines().find(|line| !line.starts_with('#'));
    Ok(first.context("no rendition")?.to_owned())
}

/// Puts files of the average size of what a round got.
fn files(nginx: &Nginx, got: &Got) -> Result<Plan> {
    let average = |bytes: u64, count: u64| vec![b'.'; (bytes / count.max(1)) as usize];
    nginx.put("list", &average(got.playlist_bytes, got.playlists))?;
    nginx.put("part", &average(got.part_bytes, got.parts))?;
    Ok(Plan::Files {
        list: "/list".to_owned(),
        part: "/part".to_owned(),
        every: PART,
    })
}

/// What one server did.
#[derive(Default)]
struct Runs {
    cost: Spread,
    busy: Spread,
    delivery: Latency,
}

impl Runs {
    fn add(
        &mut self,
        server: &dyn RtmpServer,
        address: SocketAddr,
        plan: Plan,
        round: usize,
        options: &Options,
    ) -> Result<Got> {
        let mut crowd = Crowd::join(address, PLAYERS, plan)?;
        crowd.run_for(WARM_UP)?;
        crowd.forget();
        let (busy, before) = (Busyness::begin()?, server.cpu_time()?);
        crowd.run_for(options.window)?;
        let (used, percent) = (server.cpu_time()? - before, busy.percent()?);
        let got = crowd.got;
        let due = options.window.as_secs_f64() / PART.as_secs_f64() * PLAYERS as f64;
        ensure!(
            got.parts as f64 > due * 0.9,
            "{} gave {} of {due} parts",
            server.name(),
            got.parts
        );
        let gigabits = (got.part_bytes + got.playlist_bytes) as f64 * 8e-9;
        let cost = used.as_secs_f64() / gigabits;
        eprintln!(
            "  round {round}, {:<10} {cost:.4} CPU s/Gbit, {gigabits:.2} Gbit, {} parts, {}, busy {percent:.0} %",
            server.name(),
            got.parts,
            got.delivery,
        );
        self.cost.add(cost);
        self.busy.add(percent);
        self.delivery.merge(&got.delivery);
        Ok(got)
    }
}
