//! Fifty clients read the list of all outputs as fast as they can; beside it they read the same
//! bytes from nginx.

use super::Stand;
use super::client::{Client, request};
use crate::Options;
use crate::contender::Nginx;
use crate::report::{Figure, Latency, Spread};
use anyhow::{Result, anyhow};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const CLIENTS: usize = 50;
const LIST: &str = "/api/v1/inputs";

/// 5,000 requests a second.
const WANTED_US: f64 = 200.0;
const WANTED_P99_MS: f64 = 10.0;

/// Time per request with all clients busy, its 99th percentile, and the ratio to nginx.
pub(super) fn two_hundred_outputs(options: &Options, stand: &Stand) -> Result<Vec<Figure>> {
    let host = stand.host.http();
    let body = Client::connect(host)?
        .send(&request("GET", LIST, host))?
        .to_vec();
    let nginx = Nginx::start()?;
    let files = nginx.put("list.json", &body)?;
    let (mut ours, mut theirs, mut latency) =
        (Spread::default(), Spread::default(), Latency::default());
    let mut latency_of_files = Latency::default();
    for round in 1..=options.rounds {
        let read = crowd(files, &request("GET", "/list.json", files), options.window)?;
        theirs.add(read.us_a_request());
        latency_of_files.merge(&read.latency);
        let read = crowd(host, &request("GET", LIST, host), options.window)?;
        ours.add(read.us_a_request());
        latency.merge(&read.latency);
        eprintln!(
            "  round {round}: {:.0} requests/s, nginx {:.0}",
            1e6 / ours.last(),
            1e6 / theirs.last()
        );
    }
    let what = format!("list of 200 outputs, {CLIENTS} clients");
    Ok(vec![
        Figure::new(format!("{what}: time a request"), ours.median(), "µs", WANTED_US)
            .note(format!(
                "{:.0} requests/s of {} KiB; nginx with a file of the same bytes {:.0} ({:.2} x the time)",
                1e6 / ours.median(),
                body.len() / 1024,
                1e6 / theirs.median(),
                ours.median() / theirs.median(),
            ))
            .number("nginx_us", theirs.median()),
        Figure::new(format!("{what}: p99"), latency.ms(0.99), "ms", WANTED_P99_MS)
            .latency("ours", &latency)
            .latency("nginx", &latency_of_files),
    ])
}

struct ReadAll {
    requests: u64,
    took: Duration,
    latency: Latency,
}

impl ReadAll {
    fn us_a_request(&self) -> f64 {
        self.took.as_secs_f64() * 1e6 / self.requests.max(1) as f64
    }
}

fn crowd(from: SocketAddr, request: &[u8], window: Duration) -> Result<ReadAll> {
    let began = Instant::now();
    let counted = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| one(from, request, began + window)))
            .collect();
        let joined = clients.into_iter().map(|client| {
            let client = client.join();
            client.map_err(|_| anyhow!("a client's thread broke off"))?
        });
        joined.collect::<Result<Vec<_>>>()
    })?;
    let mut all = ReadAll {
        requests: 0,
        took: began.elapsed(),
        latency: Latency::default(),
    };
    for (requests, latency) in counted {
        all.requests += requests;
        all.latency.merge(&latency);
    }
    Ok(all)
}

fn one(from: SocketAddr, request: &[u8], until: Instant) -> Result<(u64, Latency)> {
    let mut client = Client::connect(from)?;
    let (mut requests, mut latency) = (0, Latency::default());
    loop {
        let asked = Instant::now();
        if asked >= until {
            return Ok((requests, latency));
        }
        client.send(request)?;
        latency.record(asked.elapsed());
        requests += 1;
    }
}
