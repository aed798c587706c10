//! How long a change takes: checked, kept, made.

use super::Stand;
use super::client::{Client, posting, request};
use crate::report::{Figure, Latency};
use anyhow::Result;
use std::time::Instant;

const TIMES: usize = 100;
const WANTED_MS: f64 = 20.0;

/// Inputs with a UDP port that the host allots, made and taken back.
pub(super) fn creating_an_input(stand: &Stand) -> Result<Figure> {
    let host = stand.host.http();
    let mut client = Client::connect(host)?;
    let (mut making, mut removing) = (Latency::default(), Latency::default());
    for n in 0..TIMES {
        let document = format!("{{\"name\": \"made{n}\", \"sources\": [{{\"type\": \"udp\"}}]}}");
        let asked = Instant::now();
        client.send(&posting("/api/v1/inputs", host, &document))?;
        making.record(asked.elapsed());
        let asked = Instant::now();
        client.send(&request("DELETE", &format!("/api/v1/inputs/made{n}"), host))?;
        removing.record(asked.elapsed());
    }
    let figure = Figure::new("creating an input: p99", making.ms(0.99), "ms", WANTED_MS);
    Ok(figure
        .latency("making", &making)
        .latency("removing", &removing))
}
